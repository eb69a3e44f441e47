// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "async/channel.hpp"
#include "async/runtime.hpp"
#include "services/node/home/policy.hpp"
#include "telemetry/log.hpp"

namespace vcity::node {

// What a GPU may draw while the node works, and what it might before.
struct PowerTerms {
    double watts = 0;
    double watts_before = 0;
};

// Looks again and again whether the owner wants the machine, and says so when that changes; holds GPUs to the power
// that the owner grants them while it runs. One logical thread with the agent.
class HomeKeeper {
  public:
    // Pointers are borrowed.
    struct Parts {
        Runtime* runtime = nullptr;
        ports::OwnerActivity* activity = nullptr;                 // nullptr: only the hours count
        ports::GpuPower* power = nullptr;                         // nullptr: power is left alone
        std::function<std::uint32_t(UnixMillis)> minute_of_week;  // by the owner's clock
        std::function<void(std::string)> pause;                   // with the reason; empty: go on
        Log log{nullptr, "node.home"};
    };
    struct Terms {
        HomeRules rules;
        Duration look_every = std::chrono::seconds{5};
        std::map<std::string, PowerTerms> power;  // by the UUID of a GPU
    };

    HomeKeeper(Parts parts, Terms terms)
        : parts_{std::move(parts)}, policy_{terms.rules}, terms_{std::move(terms)}, stopped_{parts_.runtime} {}

    // Until stop(); then limits of power are again what they were.
    Task<void> run();
    void stop();

  private:
    Task<void> look();
    Task<void> set_power(bool is_capped);

    Parts parts_;
    HomePolicy policy_;
    Terms terms_;
    Notifier stopped_;
    std::string reason_;
    bool stopping_ = false;
};

}  // namespace vcity::node
