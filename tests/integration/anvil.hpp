// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace vcity::integration {

// A development chain of its own, on a free port of this machine; ended with the object.
class Anvil {
  public:
    // more: further words of its command line.
    explicit Anvil(const std::vector<std::string>& more = {});
    ~Anvil();
    Anvil(const Anvil&) = delete;
    Anvil& operator=(const Anvil&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

  private:
    std::uint16_t port_;
    pid_t process_ = 0;
};

}  // namespace vcity::integration
