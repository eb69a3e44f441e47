// SPDX-License-Identifier: Apache-2.0
#include "wiring/role_options.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "codec/integer.hpp"

namespace vcity::wiring {

void add_role_options(CLI::App* app, RoleOptions* options) {
    // Read before the words are parsed, see cli/config_file.hpp; here for the help only.
    app->add_option("--config", "TOML file with these options; the command line beats it");
    app->add_option("--state", options->state, "folder for this role's data")->capture_default_str();
    app->add_option("--store", options->store, "postgresql:// URI instead of a SQLite file; passwords in PGPASSFILE")
        ->envname("VCITY_STORE");
    app->add_option("--keystore", options->key.keystore, "key file of this identity")->envname("VCITY_KEYSTORE");
    app->add_option("--password-file", options->key.password_file, "file with the key's password")
        ->envname("VCITY_PASSWORD_FILE");
    app->add_option("--rpc", options->rpc, "JSON-RPC URL of the chain")->envname("VCITY_RPC")->capture_default_str();
    app->add_option("--deployment", options->deployment, "deployment.json of the network")
        ->envname("VCITY_DEPLOYMENT")
        ->capture_default_str();
    app->add_option("--ops", options->ops, "address:port for health and metrics")->capture_default_str();
    app->add_option("--log-level", options->log_level, "debug, info, warn or error")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
        ->envname("VCITY_LOG_LEVEL")
        ->capture_default_str();
}

Result<Endpoint> parse_endpoint(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) {
        return make_error(Errc::kInvalid, fmt::format("{} is not address:port", text));
    }
    TRY(const std::uint64_t port, codec::parse_decimal(text.substr(colon + 1)));
    if (port > 65'535) return make_error(Errc::kInvalid, fmt::format("{} is not a port", port));
    return Endpoint{.address = text.substr(0, colon), .port = static_cast<std::uint16_t>(port)};
}

Result<std::vector<std::vector<std::string>>> parse_schedulers(const std::vector<std::string>& texts) {
    std::vector<std::vector<std::string>> schedulers;
    for (const std::string& text : texts) {
        std::vector<std::string>& endpoints = schedulers.emplace_back();
        for (std::size_t start = 0; start <= text.size();) {
            const std::size_t end = std::min(text.find(',', start), text.size());
            endpoints.push_back(text.substr(start, end - start));
            const std::string& url = endpoints.back();
            if (!url.starts_with("ws://") && !url.starts_with("wss://")) {
                return make_error(Errc::kInvalid,
                                  fmt::format("--also-scheduler {}: \"{}\" is no ws:// or wss:// URL; several of one "
                                              "scheduler are written with a comma between them",
                                              text, url));
            }
            start = end + 1;
        }
    }
    return schedulers;
}

}  // namespace vcity::wiring
