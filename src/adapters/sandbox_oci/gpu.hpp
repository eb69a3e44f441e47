// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vcity::adapters {

struct DeviceNode {
    std::string inside;   // path in the container
    std::string on_host;  // path of the same device on the host

    bool operator==(const DeviceNode&) const = default;
};

// The device nodes that one CDI specification (JSON) gives a container for a device, "vendor/class=name"; empty: the
// device is not in it. kCorrupt: it is no specification.
Result<std::vector<DeviceNode>> device_nodes_in(std::string_view specification, std::string_view device);
// The same over all *.json of the folders. kInvalid: no specification has this device.
Result<std::vector<DeviceNode>> device_nodes_of(const std::vector<std::string>& folders, const std::string& device);
// That each of these is, in the file system of the process, the device that it is on the host. kUnavailable: it is not.
Result<void> check_device_nodes(std::uint64_t process_id, const std::vector<DeviceNode>& nodes);

}  // namespace vcity::adapters
