// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.hpp"

namespace vcity::cli {

// A program that this process started. It ends when this process does, whatever the reason.
struct ChildSpec {
    std::string name;
    std::vector<std::string> command;
    std::string log_path;  // receives standard output and error, appended
};

class Child {
  public:
    static Result<Child> start(const ChildSpec& spec);

    pid_t pid() const { return pid_; }
    // Looks without waiting; once it has ended, exit_text() says how.
    bool is_running();
    const std::string& exit_text() const { return exit_text_; }
    void signal(int number) const;

  private:
    explicit Child(pid_t pid) : pid_{pid} {}

    pid_t pid_;
    bool ended_ = false;
    std::string exit_text_;
};

}  // namespace vcity::cli
