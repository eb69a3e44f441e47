// SPDX-License-Identifier: Apache-2.0
#include "operator/network_profile.hpp"

#include <filesystem>

#include "cli/settings.hpp"
#include "codec/json.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemPath = "/etc/vcity/network.json";
constexpr std::size_t kLinksMax = 16;

Result<std::string> text_of(const codec::Json& json, const std::string& path, const char* name, bool is_needed) {
    const codec::Json* value = json.find(name);
    if (value != nullptr && value->get_string() != nullptr && !value->get_string()->empty())
        return *value->get_string();
    if (value == nullptr && !is_needed) return std::string{};
    return make_error(Errc::kInvalid, path + ": \"" + name + "\" must be a text");
}

}  // namespace

Result<NetworkProfile> load_network(const std::string& path) {
    TRY(const std::string text, read_file(path));
    const Result<codec::Json> json = codec::parse_json(text);
    if (!json) return make_error(Errc::kInvalid, path + ": " + json.error().message);
    NetworkProfile network;
    network.path = path;
    TRY(network.rpc, text_of(*json, path, "rpc", true));
    TRY(network.scheduler, text_of(*json, path, "scheduler", false));
    TRY(network.gateway, text_of(*json, path, "gateway", false));
    TRY(network.indexer, text_of(*json, path, "indexer", false));
    TRY(std::string deployment, text_of(*json, path, "deployment", false));
    if (deployment.empty()) deployment = "deployment.json";
    network.deployment = (fs::absolute(path).parent_path() / deployment).string();
    const codec::Json* links = json->find("scheduler_links");
    const codec::JsonArray* list = links == nullptr ? nullptr : links->get_array();
    if (list == nullptr || list->empty() || list->size() > kLinksMax) {
        return make_error(Errc::kInvalid,
                          path + ": \"scheduler_links\" must be a list of 1 to 16 ws:// or wss:// URLs");
    }
    for (const codec::Json& link : *list) {
        const std::string* url = link.get_string();
        if (url == nullptr || !(url->starts_with("ws://") || url->starts_with("wss://"))) {
            return make_error(Errc::kInvalid,
                              path + ": \"scheduler_links\" has an item that is no ws:// or wss:// URL");
        }
        network.scheduler_links.push_back(*url);
    }
    return network;
}

Result<std::string> find_network(const std::string& named) {
    if (!named.empty()) return named;
    for (const std::string& path : {std::string{kSystemPath}, default_state_path() + "/devnet/devnet.json"}) {
        if (exists(path)) return path;
    }
    return make_error(Errc::kNotFound,
                      "no network: name its network.json with --network, or put it at " + std::string{kSystemPath});
}

}  // namespace vcity::cli
