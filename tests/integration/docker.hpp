// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <sys/types.h>

namespace vcity::integration {

// Docker's daemon on a socket of its own, with storage of its own, beside a registry on loopback from which it has one
// image with busybox; ended with the object and all that it holds. Needs root.
class Docker {
  public:
    Docker();
    ~Docker();
    Docker(const Docker&) = delete;
    Docker& operator=(const Docker&) = delete;

    const std::string& folder() const { return folder_; }
    std::string socket() const { return folder_ + "/engine.sock"; }
    // By its digest in the registry.
    const std::string& image() const { return image_; }
    // "127.0.0.1:port/".
    const std::string& registry() const { return registry_; }

    // kill -9 and a new daemon; containers go on meanwhile.
    void restart();
    // What a docker command to this daemon prints.
    std::string command(const std::string& words) const;

  private:
    void serve();
    void serve_images();

    std::string folder_;
    std::string registry_;
    std::string image_;
    pid_t daemon_ = 0;
    pid_t images_ = 0;
};

}  // namespace vcity::integration
