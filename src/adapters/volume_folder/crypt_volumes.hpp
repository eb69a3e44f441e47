// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/runtime.hpp"
#include "ports/volume.hpp"

namespace vcity::adapters {

// ports::Volumes whose files are on the disk only in encrypted form: each is a gocryptfs of its own over a folder, with
// a key that is drawn for it, handed over through a pipe and kept by nobody else. When the volume ends, or the agent
// dies, gocryptfs ends, and what is left on the disk can be read by nobody. Names are encrypted, too; how many files
// and folders there are, and how large, can be seen on the disk.
//
// Otherwise as FolderVolumes: used() counts the encrypted bytes, and the owner has to watch it.
//
// An ordinary user must have called enter_own_mounts() before. Root may, too; without it the mounts are seen by the
// whole machine, and a container engine can pass them on.
class CryptVolumes final : public ports::Volumes {
  public:
    // As FolderVolumes::make_at(). kUnavailable: gocryptfs, fusermount or /dev/fuse is missing.
    static Result<std::unique_ptr<CryptVolumes>> make_at(Runtime* runtime, std::string root);
    // Whether the programs are there that make_at() needs.
    static Result<void> find_programs();

    Task<Result<std::unique_ptr<ports::Volume>>> make(std::string name, std::uint64_t bytes_max) override;
    // kNotFound: the key has ended with the agent that had it.
    Task<Result<std::unique_ptr<ports::Volume>>> adopt(std::string path) override;
    Task<Result<std::size_t>> sweep(std::vector<std::string> keep) override;

  private:
    CryptVolumes(Runtime* runtime, std::string root, std::string program)
        : runtime_{runtime}, root_{std::move(root)}, program_{std::move(program)} {}

    Runtime* runtime_;
    std::string root_;
    std::string program_;
};

// Makes a volume, writes and reads a file: what a node does before it relies on them.
Task<Result<void>> try_volumes(Runtime* runtime, ports::Volumes* volumes);

}  // namespace vcity::adapters
