// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "ports/monitor.hpp"

namespace vcity::sim {

// A monitor as a node sees it, without keys: seals have no signature.
class FakeSealer final : public ports::Sealer {
  public:
    Task<Result<ports::MonitorKey>> current(TimePoint /*deadline*/) override {
        if (is_down) co_return make_error(Errc::kUnavailable, "no monitor");
        co_return key;
    }
    Task<Result<SignedSeal>> seal(MonitorSeal wanted, TimePoint /*deadline*/) override {
        if (is_down) co_return make_error(Errc::kUnavailable, "no monitor");
        wanted.sealed_at = UnixMillis{key.epoch * 3'600'000};
        const auto known = seals.find(wanted.job_id);
        if (known != seals.end()) {
            wanted.sealed_at = known->second.sealed_at;
            if (known->second != wanted) co_return make_error(Errc::kConflict, "another root");
        } else if (wanted.epoch != key.epoch && wanted.epoch + 1 != key.epoch) {
            co_return make_error(Errc::kNotFound, "no key of that epoch");
        }
        seals[wanted.job_id] = wanted;
        co_return SignedSeal{.seal = wanted, .signature = {}};
    }

    ports::MonitorKey key{.hash = Hash{{1}}, .epoch = 1};
    std::map<JobId, MonitorSeal> seals;
    bool is_down = false;
};

}  // namespace vcity::sim
