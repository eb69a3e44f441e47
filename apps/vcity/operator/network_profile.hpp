// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace vcity::cli {

// What a node must know of a network to join it. A file of the network's operator, e.g. /etc/vcity/network.json:
//   {"rpc": "https://...", "deployment": "deployment.json", "scheduler": "0x...",
//    "scheduler_links": ["wss://..."], "gateway": "https://...", "indexer": "https://..."}
// rpc and scheduler_links must be there; deployment is a path beside the file. A development network's devnet.json is
// such a file.
struct NetworkProfile {
    std::string path;
    std::string rpc;
    std::string deployment;                    // absolute path
    std::string scheduler;                     // address; may be empty
    std::vector<std::string> scheduler_links;  // at most 16
    std::string gateway;                       // may be empty
    std::string indexer;                       // may be empty
};

// kInvalid names the file and the field.
Result<NetworkProfile> load_network(const std::string& path);
// The path that is meant: the given one, or the first that exists of /etc/vcity/network.json and a development network
// of this user. kNotFound tells how to name one.
Result<std::string> find_network(const std::string& named);

}  // namespace vcity::cli
