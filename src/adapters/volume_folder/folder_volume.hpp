// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/runtime.hpp"
#include "ports/volume.hpp"

namespace vcity::adapters::volume {

inline constexpr std::size_t kVolumeNameBytesMax = 1024;
// Of an encrypted volume, below the folder that new_folder() made.
inline constexpr const char* kMountedFolder = "files";

struct VolumePlace {
    std::string path;              // the folder that a sandbox gets
    std::string counted;           // the folder whose bytes count as used; the same, or what lies below it
    std::function<void()> remove;  // off the agent's thread, when the volume's object has ended
};

// A volume over a folder that is there. When this fails, nothing is removed. kNotFound: there is no such folder.
Result<std::unique_ptr<ports::Volume>> folder_volume(Runtime* runtime, VolumePlace place);
// Whoever reaches it may write there, and remove what is theirs.
Result<void> open_to_all(const std::string& path);

// The folder of all volumes, made if needed, for the agent alone. Its own path, without links. kInvalid: it cannot be
// used.
Result<std::string> make_root(const std::string& root);
// A new folder under it for the volume of that name, for the agent alone. kInvalid: the name; kExhausted: no room for
// so many bytes.
Result<std::string> new_folder(Runtime* runtime, const std::string& root, const std::string& name, std::uint64_t bytes);
// Whether the path is a folder's name right under the root.
bool is_in(const std::string& root, const std::string& path);
// Removes all that lies under the root but for these paths, mounts of agents that were killed, too. How many.
std::size_t sweep_root(const std::string& root, const std::vector<std::string>& keep);

// kExhausted: no room; kNotFound; otherwise kUnavailable. `number`: errno.
Error system_error(const std::string& what, int number);

}  // namespace vcity::adapters::volume
