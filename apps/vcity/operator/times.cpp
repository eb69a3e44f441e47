// SPDX-License-Identifier: Apache-2.0
#include "operator/times.hpp"

#include <array>

#include <fmt/core.h>

#include "codec/integer.hpp"

namespace vcity::cli {
namespace {

constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kLongest = 3'650 * kDay;

Error no_time(std::string_view text) {
    return make_error(Errc::kInvalid,
                      fmt::format("\"{}\" is no time: 2026-11-24, 2026-11-24T02:00 (UTC), now or +90m", text));
}

// So many digits from the front of the text, which moves on.
bool take_number(std::string_view* text, std::size_t digits, unsigned* out) {
    if (text->size() < digits) return false;
    for (const char digit : text->substr(0, digits)) {
        if (digit < '0' || digit > '9') return false;
        *out = *out * 10 + static_cast<unsigned>(digit - '0');
    }
    text->remove_prefix(digits);
    return true;
}

bool take(std::string_view* text, char letter) {
    if (text->empty() || text->front() != letter) return false;
    text->remove_prefix(1);
    return true;
}

std::uint64_t seconds_of(char unit) {
    switch (unit) {
        case 's': return 1;
        case 'm': return 60;
        case 'h': return 3'600;
        case 'd': return kDay;
        default: return 0;
    }
}

}  // namespace

Result<UnixMillis> parse_time(std::string_view text, UnixMillis now) {
    if (text == "now") return now;
    if (text.starts_with('+')) {
        TRY(const std::chrono::seconds span, parse_span(text.substr(1)));
        return now + UnixMillis{static_cast<std::uint64_t>(span.count()) * 1000};
    }
    std::string_view rest = text;
    std::array<unsigned, 6> fields{};  // year, month, day, hour, minute, second
    bool is_good = take_number(&rest, 4, &fields[0]) && take(&rest, '-') && take_number(&rest, 2, &fields[1]) &&
                   take(&rest, '-') && take_number(&rest, 2, &fields[2]);
    if (is_good && (take(&rest, 'T') || take(&rest, ' '))) {
        is_good = take_number(&rest, 2, &fields[3]) && take(&rest, ':') && take_number(&rest, 2, &fields[4]);
        if (is_good && take(&rest, ':')) is_good = take_number(&rest, 2, &fields[5]);
        if (is_good) static_cast<void>(take(&rest, 'Z'));
    }
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(fields[0])},
                                           std::chrono::month{fields[1]}, std::chrono::day{fields[2]}};
    const bool is_time = fields[3] < 24 && fields[4] < 60 && fields[5] < 60;
    if (!is_good || !rest.empty() || !date.ok() || !is_time || fields[0] < 1970) return no_time(text);
    const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
    const std::uint64_t seconds =
        static_cast<std::uint64_t>(days) * kDay + fields[3] * 3'600ULL + fields[4] * 60ULL + fields[5];
    return UnixMillis{seconds * 1000};
}

Result<std::chrono::seconds> parse_span(std::string_view text) {
    const Error wrong = make_error(Errc::kInvalid, fmt::format("\"{}\" is no span: 30s, 90m, 2h, 1d or 1d12h", text));
    std::uint64_t total = 0;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t digits = rest.find_first_not_of("0123456789");
        if (digits == 0 || digits == std::string_view::npos || digits > 9) return wrong;
        const std::uint64_t unit = seconds_of(rest[digits]);
        const Result<std::uint64_t> number = codec::parse_decimal(rest.substr(0, digits));
        if (unit == 0 || !number) return wrong;
        total += *number * unit;
        if (total > kLongest) return wrong;
        rest.remove_prefix(digits + 1);
    }
    if (total == 0) return wrong;
    return std::chrono::seconds{total};
}

std::string day_text(UnixMillis time) {
    return instant_text(time).substr(0, 10);
}

std::string instant_text(UnixMillis time) {
    const std::uint64_t seconds = time.count() / 1000;
    const std::chrono::sys_days day{std::chrono::days{static_cast<int>(seconds / kDay)}};
    const std::chrono::year_month_day date{day};
    const std::uint64_t rest = seconds % kDay;
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3'600,
                       rest / 60 % 60, rest % 60);
}

UnixMillis wall_clock_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<UnixMillis>(now);
}

}  // namespace vcity::cli
