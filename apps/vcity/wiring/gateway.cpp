// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/gateway.hpp"

#include <filesystem>

#include "adapters/blobs_fs/blobs.hpp"
#include "async/task_group.hpp"
#include "cli/settings.hpp"
#include "codec/hex.hpp"
#include "codec/url.hpp"
#include "wiring/role_host.hpp"
#include "wiring/roles.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

// The text of a secret file, made of 32 random bytes when there is none.
Result<SecretBytes> secret_file(const std::string& path) {
    if (!std::filesystem::exists(path)) {
        TRY_OK(cli::write_file(path, codec::to_hex(cli::random_bytes(32)).substr(2) + "\n", 0600));
    }
    TRY(const std::string text, cli::read_file(path, 4096));
    if (text.size() < 32)
        return make_error(Errc::kInvalid, path + " is too short for a secret: 32 characters at least");
    return SecretBytes{Bytes(text.begin(), text.end())};
}

std::string or_default(const std::string& path, const std::string& fallback) {
    return path.empty() ? fallback : path;
}

Task<Result<void>> serve(Runtime* runtime, gateway::Gateway* role, adapters::HttpServer* server) {
    co_await role->run();
    co_return co_await server->shutdown(runtime->now() + std::chrono::seconds(10));
}

std::uint64_t bytes_of_gib(double gib) {
    return static_cast<std::uint64_t>(gib * 1024 * 1024 * 1024);
}

// Without a slash at its end. An address that listens everywhere is nothing that others could ask.
Result<std::string> public_url(const GatewayRunOptions& options) {
    std::string url = options.public_url;
    const bool is_everywhere = options.listen.starts_with("0.0.0.0:") || options.listen.starts_with("[::]:");
    if (url.empty()) return is_everywhere ? "" : "http://" + options.listen;
    while (url.ends_with('/')) url.pop_back();
    TRY(const codec::Url parsed, codec::parse_url(url));
    if (parsed.scheme == "http" || parsed.scheme == "https") return url;
    return make_error(Errc::kInvalid, "--public-url must be http or https: " + url);
}

Result<std::unique_ptr<adapters::FolderBlobs>> make_blobs(Runtime* runtime, const GatewayRunOptions& options) {
    adapters::FolderBlobsOptions folder;
    folder.folder = or_default(options.files_dir, options.role.state + "/files");
    folder.disk_bytes_reserved = bytes_of_gib(options.files_gb_reserved);
    return adapters::FolderBlobs::make(runtime, std::move(folder));
}

}  // namespace

Result<cli::Exit> run_gateway(const GatewayRunOptions& options) {
    TRY(const auto host, RoleHost::make("gateway", options.role));
    TRY(const Endpoint listen, parse_endpoint(options.listen));
    TRY(const auto dialer, host->make_dialer());
    TRY(SecretBytes pepper, secret_file(or_default(options.pepper_file, options.role.state + "/pepper")));
    TRY(SecretBytes token, secret_file(or_default(options.admin_token_file, options.role.state + "/admin-token")));
    gateway::GatewayOptions settings;
    settings.link.endpoints = options.schedulers;
    settings.files.client_bytes_max = bytes_of_gib(options.files_gb_per_client);
    TRY(settings.public_url, public_url(options));
    TRY(const auto blobs, make_blobs(host->runtime(), options));
    gateway::GatewayDeps deps{.runtime = host->runtime(),
                              .store = host->store(),
                              .dialer = dialer.get(),
                              .signer = host->signer(),
                              .metrics = host->metrics(),
                              .log = host->log(),
                              .deployment = host->deployment(),
                              .key_pepper = std::move(pepper),
                              .admin_token = std::move(token),
                              .blobs = blobs.get()};
    gateway::Gateway role{std::move(deps), settings};
    TRY_OK(run_task(host->runtime(), role.start()));
    adapters::HttpServerOptions http;
    http.address = listen.address;
    http.port = listen.port;
    // Above what the gateway takes, so that it refuses large bodies itself, with its own code and request id.
    http.body_bytes_max = 8U << 20U;
    http.log = host->log().named("http");
    TRY(const auto server, adapters::HttpServer::make(host->runtime(), host->runtime()->executor(), &role, http));
    host->set_ready([&role] { return role.is_ready(); });
    return host->run([&] { return serve(host->runtime(), &role, server.get()); }, [&role] { role.stop(); });
}

}  // namespace vcity::wiring
