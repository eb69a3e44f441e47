// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/inventory.hpp"

namespace vcity::node {

inline constexpr std::uint32_t kMinutesOfDay = 24 * 60;
inline constexpr std::uint32_t kMinutesOfWeek = 7 * kMinutesOfDay;

// A time of each week in which the node may work. Minutes since Monday 00:00 of the owner's own time; `to` before
// `from` goes on into the next week.
struct WeekHours {
    std::uint32_t from = 0;
    std::uint32_t to = 0;

    bool holds(std::uint32_t minute_of_week) const;
    bool operator==(const WeekHours&) const = default;
};

inline constexpr std::size_t kWeekHoursMax = 128;

// "22:00-08:00" (every day), "mon-fri 18:00-23:30", "sat,sun 00:00-24:00"; several with ";" between. kInvalid says what
// could not be read.
Result<std::vector<WeekHours>> parse_hours(std::string_view text);

// When a machine that somebody lives with works for others.
struct HomeRules {
    bool pauses_when_used = false;                      // heeds what an ActivitySample shows
    Duration input_idle_min = std::chrono::minutes{5};  // used more recently: somebody is at it
    double others_cores_max = 1.5;                      // busy with programs that are not ours
    double others_gpu_mib_max = 1024;                   // that they hold on GPUs; a desktop holds some
    bool pauses_on_battery = true;
    Duration calm_min = std::chrono::minutes{2};  // so long must nothing show before it works again
    std::vector<WeekHours> hours;                 // empty: always
};

// Decides from samples alone whether to give way to the owner: at once when something shows, and back only after it has
// been calm for a while, so that a game that pauses for a moment brings no job back. One thread.
class HomePolicy {
  public:
    explicit HomePolicy(HomeRules rules) : rules_{std::move(rules)} {}

    // Why the node takes no work now; empty: it takes some.
    std::string decide(const ports::ActivitySample& sample, std::uint32_t minute_of_week, TimePoint now);

  private:
    std::string sign_in(const ports::ActivitySample& sample) const;

    HomeRules rules_;
    std::string sign_;
    std::optional<TimePoint> seen_at_;  // of the last sign
};

}  // namespace vcity::node
