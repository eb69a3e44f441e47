// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/command.hpp"
#include "wiring/role_options.hpp"

namespace vcity::cli {

struct JoinOptions {
    std::string state;    // folder of the node; empty: see node_folder_path()
    std::string network;  // file; empty: see find_network()
    wiring::NodeRunOptions node;
    bool offers_commands = true;
    std::string stake;  // VCAI; empty: what the registry asks
    std::string funder_keystore;
    std::string funder_password_file;
    std::string password_file;  // of the node's key; empty: made in the folder
    std::uint32_t wait_seconds = 0;
    double power_watts = 0;
    double power_price_kwh = 0;
    std::string user = "vcity";  // that runs the service, when this is root
    bool is_dry_run = false;
    bool skips_service = false;
    bool runs_here = false;  // becomes the node at the end
    bool is_forced = false;  // goes on although a check failed
};

// Everything from a bare machine to a node that serves: checks, key, stake, settings, service. Safe to repeat: what is
// done already is kept, and settings that are not given again are made anew from the defaults.
Result<Exit> run_join(JoinOptions options, Session* session);

// The settings file of `vcity node run`.
std::string node_config(const wiring::NodeRunOptions& options);

}  // namespace vcity::cli
