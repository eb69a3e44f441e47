// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "scenarios/cluster.hpp"

namespace vcity::scenarios {

// Breaks things at moments drawn from the seed until stop(); stop() then heals everything and starts what is down.
class FaultDriver {
  public:
    explicit FaultDriver(Cluster* cluster) : cluster_{cluster} {}

    void start();
    void stop();
    std::uint64_t count() const { return count_; }

  private:
    void draw_rates();
    void next_later();
    void strike();
    void strike_host();
    void crash(Machine* machine);
    void cut();
    void reorganise();
    Machine* any_machine();
    Machine* any_scheduler();

    Cluster* cluster_;
    bool is_active_ = false;
    std::uint64_t count_ = 0;
};

}  // namespace vcity::scenarios
