// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace vcity::integration {

// A PostgreSQL server of its own in a temporary folder, on a Unix socket there; ended with the object. It flushes to
// disk as in production. As root it runs as the user "postgres", since the server refuses root.
class Postgres {
  public:
    Postgres();
    ~Postgres();
    Postgres(const Postgres&) = delete;
    Postgres& operator=(const Postgres&) = delete;

    std::string uri() const;
    // Waits until it takes connections.
    void start();
    // SIGKILL to the server and all its processes: what was not flushed to the operating system's disk cache is lost.
    void kill();
    // SIGSTOP and SIGCONT to all its processes.
    void pause();
    void resume();

  private:
    std::vector<std::string> as_server(std::vector<std::string> words) const;
    std::vector<pid_t> children() const;

    std::string folder_;
    std::string programs_;
    pid_t process_ = 0;
};

}  // namespace vcity::integration
