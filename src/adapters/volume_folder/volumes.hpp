// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/runtime.hpp"
#include "ports/volume.hpp"

namespace vcity::adapters {

// ports::Volumes as plain folders under one root. Their size is not bounded here; the owner watches used().
//
// Every path is opened relative to its volume with openat2() and RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and
// RESOLVE_NO_XDEV, so that links which a program in the sandbox makes lead nowhere. The root may be entered by the
// agent's user only; the volume itself is writable for everybody, because a sandbox has a user of its own.
class FolderVolumes final : public ports::Volumes {
  public:
    // Makes the root. kInvalid: it cannot be used.
    static Result<std::unique_ptr<FolderVolumes>> make_at(Runtime* runtime, std::string root);

    Task<Result<std::unique_ptr<ports::Volume>>> make(std::string name, std::uint64_t bytes_max) override;
    Task<Result<std::unique_ptr<ports::Volume>>> adopt(std::string path) override;
    Task<Result<std::size_t>> sweep(std::vector<std::string> keep) override;

  private:
    FolderVolumes(Runtime* runtime, std::string root) : runtime_{runtime}, root_{std::move(root)} {}

    Runtime* runtime_;
    std::string root_;
};

}  // namespace vcity::adapters
