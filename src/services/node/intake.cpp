// SPDX-License-Identifier: Apache-2.0
#include "services/node/intake.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "services/common/record.hpp"

namespace vcity::node {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::array<std::string_view, 6> kCategories = {"power", "internet", "disk", "gpu", "software", "other"};

}  // namespace

std::string_view to_string(MaintenanceCategory category) {
    return kCategories.at(static_cast<std::size_t>(category));
}

Result<MaintenanceCategory> parse_maintenance_category(std::string_view text) {
    const auto found = std::ranges::find(kCategories, text);
    if (found == kCategories.end()) {
        return make_error(Errc::kInvalid, "maintenance is of power, internet, disk, gpu, software or other, not of \"" +
                                              std::string{text} + "\"");
    }
    return static_cast<MaintenanceCategory>(found - kCategories.begin());
}

const Maintenance* Intake::window_at(UnixMillis now) const {
    const Maintenance* found = nullptr;
    for (const Maintenance& window : windows) {
        const bool holds = window.from <= now && now < window.to;
        if (holds && (found == nullptr || window.to > found->to)) found = &window;
    }
    return found;
}

std::optional<UnixMillis> Intake::next_change(UnixMillis now) const {
    std::optional<UnixMillis> next;
    for (const Maintenance& window : windows) {
        for (const UnixMillis when : {window.from, window.to}) {
            if (when > now && (!next || when < *next)) next = when;
        }
    }
    return next;
}

Result<void> Intake::plan(const Maintenance& window, UnixMillis now) {
    if (window.to <= window.from) return make_error(Errc::kInvalid, "the maintenance ends before it begins");
    if (window.to <= now) return make_error(Errc::kInvalid, "the maintenance would be over already");
    std::erase_if(windows, [now](const Maintenance& old) { return old.to <= now; });
    if (windows.size() >= kMaintenancesMax) return make_error(Errc::kExhausted, "too many maintenances are planned");
    const auto after = std::ranges::upper_bound(windows, window.from, {}, &Maintenance::from);
    windows.insert(after, window);
    return {};
}

Bytes encode(const Intake& intake) {
    services::RecordWriter writer{kVersion};
    writer.put(std::uint64_t{intake.is_drained}).put(static_cast<std::uint64_t>(intake.windows.size()));
    for (const Maintenance& window : intake.windows) {
        writer.put(window.from).put(window.to).put(static_cast<std::uint64_t>(window.category));
    }
    return writer.take();
}

Result<Intake> parse_intake(ByteView bytes) {
    services::RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    Intake intake;
    intake.is_drained = reader.integer() != 0;
    const std::size_t count = reader.count();
    if (count > kMaintenancesMax) reader.fail();
    for (std::size_t index = 0; index < std::min(count, kMaintenancesMax); ++index) {
        Maintenance window;
        window.from = reader.time();
        window.to = reader.time();
        window.category = reader.enumerator(MaintenanceCategory::kOther);
        intake.windows.push_back(window);
    }
    TRY_OK(reader.finish("intake"));
    return intake;
}

}  // namespace vcity::node
