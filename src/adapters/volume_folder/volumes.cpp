// SPDX-License-Identifier: Apache-2.0
#include "adapters/volume_folder/volumes.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "adapters/volume_folder/folder_volume.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;

volume::VolumePlace place_of(const std::string& path) {
    const std::function<void()> remove = [path] {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    };
    return {.path = path, .counted = path, .remove = remove};
}

}  // namespace

Result<std::unique_ptr<FolderVolumes>> FolderVolumes::make_at(Runtime* runtime, std::string root) {
    TRY(std::string path, volume::make_root(root));
    return std::unique_ptr<FolderVolumes>{new FolderVolumes{runtime, std::move(path)}};
}

Task<Result<std::unique_ptr<ports::Volume>>> FolderVolumes::make(std::string name, std::uint64_t bytes_max) {
    CO_TRY(const std::string path, volume::new_folder(runtime_, root_, name, bytes_max));
    CO_TRY_OK(volume::open_to_all(path));
    co_return volume::folder_volume(runtime_, place_of(path));
}

Task<Result<std::unique_ptr<ports::Volume>>> FolderVolumes::adopt(std::string path) {
    if (!volume::is_in(root_, path)) co_return make_error(Errc::kNotFound, "no volume of this agent: " + path);
    co_return volume::folder_volume(runtime_, place_of(path));
}

Task<Result<std::size_t>> FolderVolumes::sweep(std::vector<std::string> keep) {
    co_return volume::sweep_root(root_, keep);
}

}  // namespace vcity::adapters
