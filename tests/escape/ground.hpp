// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "attempts/attempt.hpp"

namespace vcity::escape {

// What a command outside any sandbox came to.
struct Ran {
    int status = -1;
    std::string output;
};

// The host that attempts are made against: files, sockets, shared memory, a listener and a process that a job must not
// reach. Made once; nothing of it is left afterwards.
class Ground {
  public:
    explicit Ground(const std::string& program);
    ~Ground();
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;

    // As seen from inside a sandbox that has public_folder() at kPublicFolder; as seen from outside.
    Target inside() const;
    Target outside() const { return target_; }
    std::filesystem::path public_folder() const { return folder_ / "public"; }
    bool is_process_alive() const;
    // The attempt without a sandbox, as its Control says.
    Ran run_outside(const Attempt& attempt) const;

  private:
    void make_files(const std::string& program);
    void make_listeners();
    void make_process();

    std::filesystem::path folder_;
    Target target_;
    std::vector<int> open_;
    int segment_ = -1;
};

inline constexpr const char* kPublicFolder = "/opt/escape";

// The words of the program's command line that describe a target.
std::vector<std::string> words_of(const Target& target);
// Processes whose command line holds the word.
std::vector<pid_t> processes_with(const std::string& word);
// The sum of their resident memory, in MiB.
std::uint64_t resident_mib(const std::vector<pid_t>& processes);

}  // namespace vcity::escape
