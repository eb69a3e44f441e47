// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace vcity::node {

enum class MaintenanceCategory : std::uint8_t { kPower, kInternet, kDisk, kGpu, kSoftware, kOther };
std::string_view to_string(MaintenanceCategory category);
Result<MaintenanceCategory> parse_maintenance_category(std::string_view text);

// A time in which the owner works on the machine: from `from` on the node takes nothing new, from `to` on it does
// again.
struct Maintenance {
    UnixMillis from{0};
    UnixMillis to{0};
    MaintenanceCategory category = MaintenanceCategory::kOther;

    bool operator==(const Maintenance&) const = default;
};

inline constexpr std::size_t kMaintenancesMax = 64;

// Whether a node takes new work: what its owner has said. It stands after a restart.
struct Intake {
    bool is_drained = false;
    std::vector<Maintenance> windows{};  // ascending by start; they may overlap

    // The window that holds at that time and ends last; nullptr: none.
    const Maintenance* window_at(UnixMillis now) const;
    bool is_open(UnixMillis now) const { return !is_drained && window_at(now) == nullptr; }
    // The next time after `now` at which a window begins or ends; nullopt: never.
    std::optional<UnixMillis> next_change(UnixMillis now) const;
    // Adds a window and forgets those that are over. kInvalid: it ends before it begins, or is over; kExhausted: there
    // are kMaintenancesMax.
    Result<void> plan(const Maintenance& window, UnixMillis now);

    bool operator==(const Intake&) const = default;
};

Bytes encode(const Intake& intake);
Result<Intake> parse_intake(ByteView bytes);

inline constexpr std::string_view kIntakeKey = "intake";

}  // namespace vcity::node
