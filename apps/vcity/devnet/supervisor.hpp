// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "async/runtime.hpp"
#include "devnet/child.hpp"

namespace vcity::cli {

// Keeps programs running: starts them again when they end, with a pause that doubles up to ten seconds, and stops them
// in the reverse order of their start. Lives on one runtime; watch() must be joined before it is destroyed.
class Supervisor {
  public:
    using Report = std::function<void(const std::string& name, const std::string& what)>;

    Supervisor(Runtime* runtime, Report report) : runtime_{runtime}, report_{std::move(report)} {}

    Result<void> start(ChildSpec spec);
    // Until stop() is called.
    Task<void> watch();
    // Sends SIGINT, waits, and kills what is left at the deadline.
    Task<void> stop(TimePoint deadline);
    std::map<std::string, pid_t> pids() const;

  private:
    struct Kept {
        ChildSpec spec;
        Child child;
        TimePoint started;
        TimePoint restart_at{};
        Duration pause{};
        bool is_waiting = false;
    };

    void look_after(Kept* kept);

    Runtime* runtime_;
    Report report_;
    std::vector<Kept> children_;
    bool stopping_ = false;
};

}  // namespace vcity::cli
