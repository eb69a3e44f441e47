// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/sla.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::uint32_t kWholeBp = 10'000;
constexpr double kBasis = 10'000;

std::uint64_t bound_of(std::size_t bucket) {
    return static_cast<std::uint64_t>(std::ceil(std::pow(2.0, static_cast<double>(bucket) / 2)));
}

std::uint32_t part_bp(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return kWholeBp;
    const Result<std::uint64_t> bp = mul_div_floor(std::min(part, whole), kWholeBp, whole);
    CHECK(bp.has_value());
    return static_cast<std::uint32_t>(*bp);
}

}  // namespace

std::uint32_t month_of(UnixMillis at) {
    const auto day = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds{at.count()}});
    const std::chrono::year_month_day date{day};
    return static_cast<std::uint32_t>(static_cast<int>(date.year())) * 100 + static_cast<unsigned>(date.month());
}

void SlaMonth::add_time(std::chrono::milliseconds span, bool is_up) {
    const auto millis = static_cast<std::uint64_t>(std::max<std::int64_t>(0, span.count()));
    observed_ms += millis;
    if (is_up) up_ms += millis;
}

void SlaMonth::add_request(std::chrono::milliseconds first_byte, bool is_good) {
    ++requests;
    if (!is_good) {
        ++failed;
        return;
    }
    const auto millis = static_cast<std::uint64_t>(std::max<std::int64_t>(0, first_byte.count()));
    std::size_t bucket = 0;
    while (bucket + 1 < kBuckets && bound_of(bucket) < millis) ++bucket;
    ++first_bytes.at(bucket);
}

std::uint32_t SlaMonth::availability_bp() const {
    return std::min(part_bp(up_ms, observed_ms), part_bp(requests - std::min(failed, requests), requests));
}

std::uint64_t SlaMonth::first_byte_ms(std::uint32_t per_mille) const {
    std::uint64_t all = 0;
    for (const std::uint64_t count : first_bytes) all += count;
    if (all == 0) return 0;
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        seen += first_bytes.at(bucket);
        if (seen * 1'000 >= all * per_mille) return bound_of(bucket);
    }
    return bound_of(kBuckets - 1);
}

std::uint32_t credit_bp(std::uint32_t promised_bp, std::uint32_t measured_bp) {
    constexpr std::uint32_t kHundredth = 100;
    constexpr std::uint32_t kSmall = 1'000;
    constexpr std::uint32_t kMiddle = 2'500;
    constexpr std::uint32_t kLarge = 5'000;
    if (measured_bp >= promised_bp) return 0;
    const std::uint32_t missing = promised_bp - measured_bp;
    if (measured_bp < promised_bp / 2) return kWholeBp;
    if (missing > 5 * kHundredth) return kLarge;
    return missing > kHundredth ? kMiddle : kSmall;
}

Usd credit_of(Usd charged, std::uint32_t promised_bp, std::uint32_t measured_bp) {
    const Result<std::uint64_t> micro = mul_div_floor(charged.micro, credit_bp(promised_bp, measured_bp), kWholeBp);
    CHECK(micro.has_value());
    return Usd{*micro};
}

Json sla_report(const SlaMonth& month, std::string_view name, std::uint32_t promised_bp) {
    constexpr double kMillis = 1'000;
    const std::uint32_t measured = month.availability_bp();
    const bool is_promised = promised_bp != 0;
    return codec::JsonObject{
        {"object", "deployment.sla"},
        {"deployment", name},
        {"month", fmt::format("{:04}-{:02}", month.month / 100, month.month % 100)},
        {"availability", static_cast<double>(measured) / kBasis},
        {"promised", is_promised ? Json{static_cast<double>(promised_bp) / kBasis} : Json{}},
        {"observed_seconds", static_cast<double>(month.observed_ms) / kMillis},
        {"down_seconds", static_cast<double>(month.observed_ms - month.up_ms) / kMillis},
        {"requests", month.requests},
        {"requests_failed", month.failed},
        {"first_byte_ms",
         codec::JsonObject{
             {"p50", month.first_byte_ms(500)}, {"p95", month.first_byte_ms(950)}, {"p99", month.first_byte_ms(990)}}},
        {"charged", to_string(month.charged)},
        {"credit", to_string(is_promised ? credit_of(month.charged, promised_bp, measured) : Usd{})},
        {"credit_rate", is_promised ? static_cast<double>(credit_bp(promised_bp, measured)) / kBasis : 0.0},
    };
}

std::string dump(const SlaMonth& month) {
    codec::JsonArray buckets;
    for (const std::uint64_t count : month.first_bytes) buckets.emplace_back(count);
    return codec::dump_json(codec::JsonObject{{"month", month.month},
                                              {"observed_ms", month.observed_ms},
                                              {"up_ms", month.up_ms},
                                              {"requests", month.requests},
                                              {"failed", month.failed},
                                              {"charged", month.charged.micro},
                                              {"first_bytes", std::move(buckets)}});
}

Result<SlaMonth> parse_sla_month(std::string_view text) {
    TRY(const Json json, codec::parse_json(text));
    SlaMonth month;
    std::uint64_t number = 0;
    const auto read = [&](std::string_view name, std::uint64_t* out) {
        const Json* value = json.find(name);
        return value != nullptr && value->get_u64(out);
    };
    const Json* buckets = json.find("first_bytes");
    const bool is_whole = read("month", &number) && read("observed_ms", &month.observed_ms) &&
                          read("up_ms", &month.up_ms) && read("requests", &month.requests) &&
                          read("failed", &month.failed) && read("charged", &month.charged.micro) &&
                          buckets != nullptr && buckets->get_array() != nullptr &&
                          buckets->get_array()->size() == SlaMonth::kBuckets && month.up_ms <= month.observed_ms;
    if (!is_whole) return make_error(Errc::kCorrupt, "a month of a deployment's record is not whole");
    month.month = static_cast<std::uint32_t>(number);
    for (std::size_t bucket = 0; bucket < SlaMonth::kBuckets; ++bucket) {
        const bool is_number = (*buckets->get_array())[bucket].get_u64(&month.first_bytes.at(bucket));
        if (!is_number) return make_error(Errc::kCorrupt, "a bucket of a deployment's record is no number");
    }
    return month;
}

}  // namespace vcity::gateway
