// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/gpu.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "codec/json.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;
using codec::Json;

constexpr std::size_t kSpecificationBytesMax = 4U << 20U;
constexpr std::size_t kSpecificationsMax = 64;

std::string text_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    const std::string* text = value != nullptr ? value->get_string() : nullptr;
    return text != nullptr ? *text : std::string{};
}

}  // namespace

Result<std::vector<DeviceNode>> device_nodes_in(std::string_view specification, std::string_view device) {
    TRY(const Json parsed, codec::parse_json(specification, {.bytes_max = kSpecificationBytesMax}));
    const Json* devices = parsed.find("devices");
    const std::string kind = text_of(parsed, "kind");
    if (kind.empty() || devices == nullptr || devices->get_array() == nullptr) {
        return make_error(Errc::kCorrupt, "CDI specification: no kind or no devices");
    }
    std::vector<DeviceNode> nodes;
    for (const Json& one : *devices->get_array()) {
        if (kind + "=" + text_of(one, "name") != device) continue;
        const Json* edits = one.find("containerEdits");
        const Json* list = edits != nullptr ? edits->find("deviceNodes") : nullptr;
        if (list == nullptr || list->get_array() == nullptr) continue;
        for (const Json& node : *list->get_array()) {
            const std::string path = text_of(node, "path");
            if (path.empty() || path.front() != '/') return make_error(Errc::kCorrupt, "CDI specification: a path");
            const std::string source = text_of(node, "hostPath");
            nodes.push_back({.inside = path, .on_host = source.empty() ? path : source});
        }
    }
    return nodes;
}

Result<std::vector<DeviceNode>> device_nodes_of(const std::vector<std::string>& folders, const std::string& device) {
    std::size_t seen = 0;
    for (const std::string& folder : folders) {
        std::error_code error;
        for (fs::directory_iterator entry{folder, error}; !error && entry != fs::directory_iterator{};
             entry.increment(error)) {
            if (entry->path().extension() != ".json" || ++seen > kSpecificationsMax) continue;
            std::ifstream file{entry->path(), std::ios::binary};
            std::string text(kSpecificationBytesMax, '\0');
            file.read(text.data(), static_cast<std::streamsize>(text.size()));
            text.resize(static_cast<std::size_t>(file.gcount()));
            const Result<std::vector<DeviceNode>> nodes = device_nodes_in(text, device);
            if (nodes && !nodes->empty()) return *nodes;
        }
    }
    return make_error(Errc::kInvalid, "no CDI specification in JSON has the device " + device +
                                          ": nvidia-ctk cdi generate --format=json --output=/etc/cdi/nvidia.json");
}

Result<void> check_device_nodes(std::uint64_t process_id, const std::vector<DeviceNode>& nodes) {
    for (const DeviceNode& node : nodes) {
        struct stat inside{};
        struct stat outside{};
        const std::string path = "/proc/" + std::to_string(process_id) + "/root" + node.inside;
        const bool are_there = ::lstat(path.c_str(), &inside) == 0 && ::lstat(node.on_host.c_str(), &outside) == 0;
        const bool is_same = are_there && inside.st_rdev == outside.st_rdev &&
                             (inside.st_mode & S_IFMT) == (outside.st_mode & S_IFMT) && !S_ISLNK(inside.st_mode);
        if (!is_same) return make_error(Errc::kUnavailable, "the GPU did not reach the container: " + node.inside);
    }
    return {};
}

}  // namespace vcity::adapters
