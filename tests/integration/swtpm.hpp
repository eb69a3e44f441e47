// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace vcity::integration {

// A software TPM of its own, fresh, on two free ports of this machine; ended with the object.
class Swtpm {
  public:
    Swtpm();
    ~Swtpm();
    Swtpm(const Swtpm&) = delete;
    Swtpm& operator=(const Swtpm&) = delete;

    std::string tcti() const { return "swtpm:host=127.0.0.1,port=" + std::to_string(port_); }

  private:
    bool start();

    std::string state_;
    std::uint16_t port_ = 0;
    pid_t process_ = 0;
};

}  // namespace vcity::integration
