// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/keys.hpp"

namespace vcity::cli {

struct DevnetOptions {
    std::string state;  // everything lives under this folder
    std::uint16_t port_base = 8000;
    std::uint16_t nodes = 3;
    std::uint32_t unit_cores = 1;  // what each node offers for jobs
    std::uint32_t unit_memory_mib = 512;
    std::vector<std::string> webhook_origins;  // of the gateway, which tells them of events
    std::string x402_facilitator;              // of the gateway, for single calls that the client sells
    std::string slurm_folder;      // steps run on a Slurm cluster, as of `vcity node run --slurm-folder`; empty: here
    std::string containers;        // engine for steps with images, as of `vcity node run --containers`; empty: none
    std::uint16_t schedulers = 1;  // processes, a shard each; with `store` each stands by for the others
    std::string store;             // of the schedulers: postgresql:// URI; empty: SQLite files
    std::string rpc;               // empty: start anvil
    std::string funder_keystore;   // with rpc: an account with gas money that deploys
    std::string funder_password_file;
    std::string model;                    // Hugging Face folder; empty: the shipped one
    std::string worker;                   // vcity-worker; empty: beside this program
    std::string anvil;                    // empty: from contracts/node_modules or PATH
    std::string artifacts;                // contracts; empty: the shipped ones
    std::string web;                      // the built page; empty: web/dist where that has been built
    std::uint32_t epoch_seconds = 3;      // at most this long between two batches
    std::uint32_t challenge_seconds = 5;  // the contracts' challenge window
    std::vector<std::string> identities;  // further ones with a key and money, "scheduler-2"
};

// Where everything of a development network is: ports counted from one base, files under one folder.
class DevnetLayout {
  public:
    explicit DevnetLayout(const DevnetOptions& options) : state_{options.state}, base_{options.port_base} {}

    std::uint16_t scheduler_port(std::uint16_t index = 0) const { return port(static_cast<std::uint16_t>(70 + index)); }
    std::uint16_t gateway_port() const { return port(80); }
    std::uint16_t indexer_port() const { return port(90); }
    std::uint16_t anvil_port() const { return port(545); }
    // Health and metrics of the n-th role process.
    std::uint16_t ops_port(std::uint16_t index) const { return port(static_cast<std::uint16_t>(1100 + index)); }

    std::string url(std::uint16_t port_number) const;
    std::string file(const std::string& name) const { return state_ + "/" + name; }
    std::string log(const std::string& name) const { return file("logs/" + name + ".log"); }
    std::string store(const std::string& name) const { return file("stores/" + name); }
    KeyFiles key(const std::string& name) const {
        return {.keystore = file("keys/" + name + ".json"), .password_file = file("keys/password")};
    }
    static std::string node_name(std::uint16_t index);
    static std::string scheduler_name(std::uint16_t index);

  private:
    std::uint16_t port(std::uint16_t offset) const { return static_cast<std::uint16_t>(base_ + offset); }

    std::string state_;
    std::uint16_t base_;
};

// Makes folders (mode 0700), the password and the keys that are missing. Returns the names of all keys.
Result<std::vector<std::string>> prepare_state(const DevnetLayout& layout, const DevnetOptions& options);

// The folder of the contracts' artifacts; kNotFound with the way to name it.
Result<std::string> find_artifacts(const DevnetOptions& options);

// Fills in what the user left open, and says what is missing: kNotFound with the way to get it.
Result<DevnetOptions> resolve(DevnetOptions options);

}  // namespace vcity::cli
