// SPDX-License-Identifier: Apache-2.0
#include "work/price_text.hpp"

#include <fmt/format.h>

#include "work/pricing.hpp"

namespace vcity::work {
namespace {

constexpr std::uint64_t kMilli = 1000;

// 1500 thousandths as "1.5".
std::string decimal_of(std::uint64_t milli) {
    std::string text = fmt::format("{}.{:03}", milli / kMilli, milli % kMilli);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
}

std::string part_name(const UnitAsk& ask, std::uint64_t milli) {
    const char* one = ask.gpus > 0 ? "GPU" : "core";
    return fmt::format("{} {}{}", decimal_of(milli), one, milli == kMilli ? "" : "s");
}

std::string dollars(Usd amount) {
    return "$" + to_string(amount);
}

}  // namespace

Result<PriceExplanation> explain_price(const PriceQuestion& question) {
    const std::uint64_t share = share_milli(question.ask);
    if (share == 0) return make_error(Errc::kInvalid, "no GPU and no core is asked for");
    if (question.seconds_max == 0) return make_error(Errc::kInvalid, "the time must be a second at least");
    const std::string part = part_name(question.ask, share);
    PriceExplanation found;
    TRY(found.hourly, hourly_of(question.ask, question.offered));
    TRY(found.quote, quote_of(found.hourly, question.seconds_max));
    found.lines = {
        fmt::format("Its owner asks {} for an hour of one {}.", dollars(question.offered),
                    question.ask.gpus > 0 ? "GPU" : "core"),
        fmt::format("An hour of {} is {}, rounded up to a millionth of a dollar.", part, dollars(found.hourly)),
        fmt::format("An attempt of at most {} s costs at most {}; what ran shorter is charged by the millisecond.",
                    question.seconds_max, dollars(found.quote)),
        "The network's fee is part of the price: nothing is added to it.",
    };
    if (!question.spot_offered) {
        found.lines.emplace_back("Best-effort work is not taken at a lower price.");
        return found;
    }
    TRY(const Usd floor, hourly_of(question.ask, *question.spot_offered));
    found.spot_floor = floor;
    found.lines.push_back(
        fmt::format("Best-effort work bids from {} to {} an hour for {}, and gives way to who bids "
                    "more or pays the full price.",
                    dollars(floor), dollars(found.hourly), part));
    return found;
}

}  // namespace vcity::work
