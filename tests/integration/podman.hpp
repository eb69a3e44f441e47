// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <sys/types.h>

namespace vcity::integration {

// podman's service on a socket of its own, with storage of its own, and one image with busybox; ended with the object
// and all that it holds.
class Podman {
  public:
    Podman();
    ~Podman();
    Podman(const Podman&) = delete;
    Podman& operator=(const Podman&) = delete;

    const std::string& folder() const { return folder_; }
    std::string socket() const { return folder_ + "/engine.sock"; }
    // By its digest.
    const std::string& image() const { return image_; }

    // kill -9 and a new service; containers go on meanwhile.
    void restart();
    // What a podman command on the same storage prints.
    std::string command(const std::string& words) const;

  private:
    void serve();

    std::string folder_;
    std::string image_;
    pid_t process_ = 0;
};

}  // namespace vcity::integration
