// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace vcity::cli {

// A setting and where its value comes from, so that `vcity config show` can tell.
struct Setting {
    std::string name;         // in the configuration file, e.g. "gateway"
    std::string environment;  // the variable that beats the file
    std::string value;
    std::string source;  // "environment VCITY_GATEWAY", "file ...", "devnet ...", "default"
};

// What client commands need to find a network. Precedence: flag, environment, configuration file, a devnet under the
// default state folder, built-in default.
struct Settings {
    Setting gateway{"gateway", "VCITY_GATEWAY", "", ""};  // base URL without /v1
    Setting api_key_file{"api_key_file", "VCITY_API_KEY_FILE", "", ""};
    Setting deployment{"deployment", "VCITY_DEPLOYMENT", "", ""};  // deployment.json
    Setting rpc{"rpc", "VCITY_RPC", "", ""};                       // JSON-RPC URL of the chain
    Setting indexer{"indexer", "VCITY_INDEXER", "", ""};           // base URL of the explorer API
    Setting keystore{"keystore", "VCITY_KEYSTORE", "", ""};        // the wallet's key file
    Setting password_file{"password_file", "VCITY_PASSWORD_FILE", "", ""};

    std::vector<Setting*> all() {
        return {&gateway, &api_key_file, &deployment, &rpc, &indexer, &keystore, &password_file};
    }
};

// $XDG_CONFIG_HOME/vcity/config.toml and $XDG_STATE_HOME/vcity, with the defaults of the XDG specification.
std::string default_config_path();
std::string default_state_path();

// kInvalid for a file that does not parse or has unknown keys; an absent file at the default path is no error.
Result<Settings> load_settings(const std::string& config_path);

// Whether there is anything at the path, as far as this user may look.
bool exists(const std::string& path);
// The whole file, at most max_bytes.
Result<std::string> read_bytes(const std::string& path, std::size_t max_bytes = 1U << 20U);
// The same of a text, without one trailing line end.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = 1U << 20U);
// Written beside and renamed, so that a reader never sees half; mode e.g. 0600.
Result<void> write_file(const std::string& path, std::string_view content, unsigned mode);

}  // namespace vcity::cli
