// SPDX-License-Identifier: Apache-2.0
#include "services/node/home/policy.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace vcity::node {
namespace {

constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::uint32_t kMinutesOfHour = 60;

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string_view without_spaces(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

Error unreadable(std::string_view text) {
    return make_error(Errc::kInvalid,
                      fmt::format("hours \"{}\": must be like \"22:00-08:00\" or \"mon-fri 18:00-23:30\"", text));
}

// "07:30", to 24:00.
std::optional<std::uint32_t> minute_of(std::string_view text) {
    constexpr std::size_t kLength = 5;
    const bool has_form = text.size() == kLength && text[2] == ':' &&
                          std::ranges::all_of(std::array{text[0], text[1], text[3], text[4]},
                                              [](char digit) { return digit >= '0' && digit <= '9'; });
    if (!has_form) return std::nullopt;
    const auto two = [&](std::size_t at) {
        return static_cast<std::uint32_t>((text[at] - '0') * 10 + text[at + 1] - '0');
    };
    const std::uint32_t minute = two(0) * kMinutesOfHour + two(3);
    if (two(3) >= kMinutesOfHour || minute > kMinutesOfDay) return std::nullopt;
    return minute;
}

std::optional<std::size_t> day_of(std::string_view text) {
    const auto found = std::ranges::find(kDays, text);
    if (found == kDays.end()) return std::nullopt;
    return static_cast<std::size_t>(found - kDays.begin());
}

// "mon-fri", "sat,sun", "fri-mon".
std::optional<std::array<bool, 7>> days_of(std::string_view text) {
    std::array<bool, 7> days{};
    for (const std::string_view part : split(text, ',')) {
        const std::vector<std::string_view> ends = split(part, '-');
        const auto first = day_of(ends.front());
        const auto last = day_of(ends.back());
        if (!first || !last || ends.size() > 2) return std::nullopt;
        for (std::size_t day = *first;; day = (day + 1) % kDays.size()) {
            days.at(day) = true;
            if (day == *last) break;
        }
    }
    return days;
}

}  // namespace

bool WeekHours::holds(std::uint32_t minute_of_week) const {
    if (from <= to) return from <= minute_of_week && minute_of_week < to;
    return minute_of_week >= from || minute_of_week < to;
}

Result<std::vector<WeekHours>> parse_hours(std::string_view text) {
    std::vector<WeekHours> hours;
    for (std::string_view part : split(text, ';')) {
        part = without_spaces(part);
        std::array<bool, 7> days{};
        days.fill(true);
        const std::size_t space = part.find(' ');
        if (space != std::string_view::npos) {
            const auto named = days_of(part.substr(0, space));
            if (!named) return unreadable(part);
            days = *named;
        }
        const std::vector<std::string_view> ends =
            split(without_spaces(space == std::string_view::npos ? part : part.substr(space)), '-');
        const auto from = minute_of(ends.front());
        const auto to = minute_of(ends.back());
        if (!from || !to || ends.size() != 2 || *from == *to || *from == kMinutesOfDay) return unreadable(part);
        for (std::uint32_t day = 0; day < kDays.size(); ++day) {
            if (!days.at(day)) continue;
            const std::uint32_t begin = day * kMinutesOfDay + *from;
            const std::uint32_t length = *to > *from ? *to - *from : kMinutesOfDay - *from + *to;
            const std::uint32_t end = begin + length;
            hours.push_back({begin, end > kMinutesOfWeek ? end - kMinutesOfWeek : end});
        }
        if (hours.size() > kWeekHoursMax) return make_error(Errc::kInvalid, "too many hours");
    }
    return hours;
}

std::string HomePolicy::sign_in(const ports::ActivitySample& sample) const {
    if (!rules_.pauses_when_used) return {};
    if (sample.input_idle && *sample.input_idle < rules_.input_idle_min) return "the owner is using the machine";
    if (sample.others_gpu_mib && *sample.others_gpu_mib > rules_.others_gpu_mib_max) {
        return fmt::format("another program holds {:.0f} MiB of the GPUs", *sample.others_gpu_mib);
    }
    if (sample.others_cores && *sample.others_cores > rules_.others_cores_max) {
        return fmt::format("other programs keep {:.1f} cores busy", *sample.others_cores);
    }
    const bool is_unplugged = sample.on_battery && *sample.on_battery;
    return is_unplugged && rules_.pauses_on_battery ? "the machine runs on its battery" : std::string{};
}

std::string HomePolicy::decide(const ports::ActivitySample& sample, std::uint32_t minute_of_week, TimePoint now) {
    std::string sign = sign_in(sample);
    if (!sign.empty()) {
        seen_at_ = now;
        sign_ = std::move(sign);
    }
    const bool is_in_hours = rules_.hours.empty() || std::ranges::any_of(rules_.hours, [&](const WeekHours& hours) {
                                 return hours.holds(minute_of_week);
                             });
    if (!is_in_hours) return "outside the hours that the owner has set";
    if (!seen_at_) return {};
    if (now - *seen_at_ < rules_.calm_min || now == *seen_at_) return sign_;
    seen_at_.reset();
    return {};
}

}  // namespace vcity::node
