// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.hpp"

namespace vcity::adapters {

// Where this process may make control groups: below its own one, of version 1 or 2, when the kernel's folders are
// writable for it (as root, or when systemd delegates: Delegate=yes).
struct CgroupPlace {
    std::string memory_folder;
    std::string pids_folder;  // the same in version 2; empty: that controller cannot be used
    bool is_unified = false;  // version 2

    bool operator==(const CgroupPlace&) const = default;
};

// `mounted` is where the hierarchies are, `own` the text of /proc/self/cgroup. In version 2 this moves the process into
// a child group "agent", because groups with processes may not have children with controllers.
std::optional<CgroupPlace> find_cgroups(const std::string& mounted, const std::string& own);

struct CgroupLimits {
    std::uint64_t memory_bytes_max = 0;
    std::uint32_t processes_max = 0;
};

// Keeps groups that could not be removed yet, because a process in them was still ending, and tries again. Owned by a
// sandbox and its groups together; one thread.
class CgroupRoom {
  public:
    // Removes what agents that are gone left behind. The entropy keeps the names of rooms of one process apart.
    CgroupRoom(CgroupPlace place, std::uint64_t entropy);

    const CgroupPlace& place() const { return place_; }
    void remove_later(std::vector<std::string> folders);
    std::string next_name();

  private:
    CgroupPlace place_;
    std::string prefix_;
    std::vector<std::string> leftovers_;
    std::uint64_t made_ = 0;
};

// The control group of one sandbox: bounds the memory of all its processes together, files in memory included. Removed
// with this object, which must outlive the processes.
class Cgroup {
  public:
    static Result<std::unique_ptr<Cgroup>> make(std::shared_ptr<CgroupRoom> room, const CgroupLimits& limits);
    ~Cgroup();
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;

    // What the process starts from now on is in the group with it.
    Result<void> add(pid_t process);

  private:
    explicit Cgroup(std::shared_ptr<CgroupRoom> room) : room_{std::move(room)} {}
    Result<void> set_up(const std::string& name, const CgroupLimits& limits);

    std::shared_ptr<CgroupRoom> room_;
    std::vector<std::string> folders_;
};

}  // namespace vcity::adapters
