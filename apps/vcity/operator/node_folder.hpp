// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "adapters/runtime_asio/runtime.hpp"
#include "cli/keys.hpp"
#include "codec/json.hpp"

namespace vcity::cli {

// Where everything of a node of this machine stands: made by `vcity node join`, read by the owner's other commands.
class NodeFolder {
  public:
    explicit NodeFolder(std::string path) : path_{std::move(path)} {}

    const std::string& path() const { return path_; }
    std::string config() const { return path_ + "/node.toml"; }  // of `vcity node run --config`
    std::string facts() const { return path_ + "/node.json"; }   // what only the owner's commands need
    std::string deployment() const { return path_ + "/deployment.json"; }
    std::string log() const { return path_ + "/node.log"; }  // of a node that runs without a service manager
    KeyFiles key() const { return {.keystore = path_ + "/keys/node.json", .password_file = path_ + "/keys/password"}; }

  private:
    std::string path_;
};

// The folder that is meant: the given one, $VCITY_NODE_STATE, /var/lib/vcity/node where that exists or this is root,
// else one of the user.
std::string node_folder_path(const std::string& named);

// What join writes down for the owner's commands.
struct NodeFacts {
    std::string rpc;
    std::string deployment;
    std::string identity;
    std::string scheduler;  // address; may be empty
    std::string gateway;    // may be empty
    std::string service;    // name of the unit; empty: none
    bool is_user_service = false;
    double power_watts = 0;      // while it works; 0: not told
    double power_price_kwh = 0;  // USD
};
codec::Json to_json(const NodeFacts& facts);
// kNotFound: no node has joined from this folder. kInvalid names file and field.
Result<NodeFacts> load_facts(const NodeFolder& folder);

// A call to the node that runs from this folder. kUnavailable: none runs, or it does not answer. Other errors are the
// node's own.
Result<codec::Json> ask_node(const NodeFolder& folder, const std::string& path);
Result<codec::Json> tell_node(const NodeFolder& folder, const std::string& path, codec::Json body);
// What its health port says, as it is.
Result<std::string> node_metrics(const NodeFolder& folder);

// Runs a program and waits for it. Its output, both streams, at most 64 KiB; kUnavailable with that when it does not
// end with 0, kNotFound when it cannot be started.
Result<std::string> run_program(const std::vector<std::string>& words);

// Between two looks at something; a signal ends it early.
void pause_for(std::chrono::milliseconds span);

}  // namespace vcity::cli
