// SPDX-License-Identifier: Apache-2.0
// The same inputs through src/market and through the contracts' own bytecode on a chain: both must give the same words.
// VCITY_DIFFERENTIAL_CASES sets how many cases each function gets (100,000 by hand), VCITY_DIFFERENTIAL_SEED which
// ones.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <stdexcept>

#include <gtest/gtest.h>

#include "adapters/chain_evm/contracts.hpp"
#include "adapters/chain_evm/rpc.hpp"
#include "adapters/http/client.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "anvil.hpp"
#include "base/check.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "market/emission.hpp"
#include "market/issuance.hpp"
#include "market/network_fee.hpp"
#include "market/reward_tree.hpp"
#include "market/staking.hpp"
#include "market/ve.hpp"
#include "market/ve_stream.hpp"
#include "market/vesting.hpp"

namespace vcity::integration {
namespace {

using namespace std::chrono_literals;
using codec::Json;
using codec::JsonArray;

using Words = std::vector<Uint256>;

constexpr std::size_t kCasesDefault = 1'000;
constexpr std::size_t kCasesPerCall = 400;
constexpr std::uint64_t kGas = 1'000'000'000'000;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Numbers of every size, edges more often than chance would have them.
class Draw {
  public:
    explicit Draw(std::uint64_t seed) : random_{seed} {}

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    // Up to that many bits.
    Uint256 bits(unsigned most) {
        Uint256 value;
        for (std::uint64_t& limb : value.limbs) limb = random_();
        const unsigned size = static_cast<unsigned>(below(most + 1));
        value = size == 0 ? Uint256{} : value >> (256 - size);
        switch (below(8)) {
            case 0: return size == 0 ? Uint256{} : Uint256::power_of_two(size) - Uint256{1U};
            case 1: return Uint256::power_of_two(size == 0 ? 0 : size - 1);
            default: return value;
        }
    }
    // In [low, high].
    Uint256 between(const Uint256& low, const Uint256& high) {
        switch (below(16)) {
            case 0: return low;
            case 1: return high;
            default: return low + bits(256) % (high - low + Uint256{1U});
        }
    }
    Uint256 between(std::uint64_t low, std::uint64_t high) { return between(Uint256{low}, Uint256{high}); }

  private:
    std::mt19937_64 random_;
};

const Uint256 kWad{market::kWadOne};

Vcai vcai(const Uint256& word) {
    return {to_u128(word).value()};
}
Usd usd(const Uint256& word) {
    return {to_u64(word).value()};
}
std::uint32_t small(const Uint256& word) {
    return static_cast<std::uint32_t>(to_u64(word).value());
}

// One function of ArithmeticHarness.
struct Subject {
    std::string name;
    std::uint64_t number = 0;
    std::function<Words(Draw*)> draw;
    std::function<Words(const Words&)> expected;
    std::function<void()> start_call;  // for functions that remember earlier cases of the same call
};

Subject roots() {
    return {.name = "lock_strength",
            .number = 0,
            .draw =
                [](Draw* draw) {
                    const Uint256 most{market::kGenesisSupply.wei};
                    return Words{draw->between(Uint256{0U}, most), draw->between(kWad, Uint256{1'000'000U} * kWad)};
                },
            .expected = [](const Words& in) { return Words{market::lock_strength(vcai(in[0]), vcai(in[1]))}; },
            .start_call = {}};
}

Words draw_segment(Draw* draw) {
    const Uint256 decay = draw->between(Uint256{U128{1} << 49U}, Uint256::power_of_two(96) - Uint256{1U});
    const Uint256 lifetime = draw->between(1, market::kLockSecondsMax);
    const Uint256 start = decay * lifetime;
    Uint256 elapsed = draw->between(Uint256{0U}, lifetime);
    // Around x = 1/16, where the series gives way to the logarithm: elapsed = lifetime * 2 / 17.
    if (draw->below(4) == 0) elapsed = std::min(lifetime, lifetime * Uint256{2U} / Uint256{17U} + draw->bits(2));
    return {start, start - decay * elapsed, decay, draw->bits(199)};
}

Subject increments() {
    return {.name = "stream_increment",
            .number = 1,
            .draw = draw_segment,
            .expected =
                [](const Words& in) {
                    const market::StreamIncrement increment =
                        market::stream_increment(
                            {.weight_start = in[0], .weight_end = in[1], .decay = in[2], .emission = in[3]})
                            .value();
                    return Words{increment.i0, increment.j};
                },
            .start_call = {}};
}

Subject logarithms() {
    return {.name = "ln_wad",
            .number = 2,
            .draw = [](Draw* draw) { return Words{draw->between(kWad, kWad + draw->bits(254))}; },
            .expected = [](const Words& in) { return Words{market::ln_wad(in[0]).value()}; },
            .start_call = {}};
}

Subject marks() {
    return {.name = "stream_mark, stream_earned",
            .number = 3,
            .draw =
                [](Draw* draw) {
                    return Words{draw->bits(80),  draw->bits(160), draw->bits(160),
                                 draw->bits(160), draw->bits(160), draw->bits(32)};
                },
            .expected =
                [](const Words& in) {
                    const std::uint64_t end = to_u64(in[5]).value();
                    const Uint256 from = market::stream_mark(in[1], in[2], end);
                    const Uint256 to = market::stream_mark(in[3], in[4], end);
                    return Words{market::stream_earned(to_u128(in[0]).value(), from, to)};
                },
            .start_call = {}};
}

Subject vestings() {
    return {.name = "vested_at",
            .number = 4,
            .draw =
                [](Draw* draw) {
                    const Uint256 allocation = draw->bits(96 - 1) + Uint256{1U};
                    const Uint256 start = draw->between(0, 4'000'000'000);
                    const Uint256 cliff = draw->between(0, 60);
                    const Uint256 months = draw->between(0, 255);
                    const Uint256 month{market::kMonthSeconds};
                    const Uint256 span = (cliff + months + Uint256{2U}) * month;
                    Uint256 now = start + draw->between(Uint256{0U}, span);
                    if (draw->below(4) == 0) now = start + draw->between(0, 300) * month + draw->bits(1);
                    if (draw->below(16) == 0) now = draw->between(Uint256{0U}, start);
                    return Words{allocation,    draw->between(Uint256{0U}, allocation), start, cliff, months,
                                 draw->bits(1), draw->between(Uint256{0U}, allocation), now};
                },
            .expected =
                [](const Words& in) {
                    const market::VestingSchedule schedule{.allocation = vcai(in[0]),
                                                           .upfront = vcai(in[1]),
                                                           .start = to_u64(in[2]).value(),
                                                           .cliff_months = static_cast<std::uint8_t>(small(in[3])),
                                                           .release_months = static_cast<std::uint8_t>(small(in[4])),
                                                           .is_monthly = !in[5].is_zero()};
                    return Words{market::vested_at(schedule, vcai(in[6]), to_u64(in[7]).value()).wei};
                },
            .start_call = {}};
}

Subject vault_bounds() {
    return {.name = "incentive_released_max",
            .number = 5,
            .draw =
                [](Draw* draw) {
                    const Uint256 tge = draw->between(0, 4'000'000'000);
                    const Uint256 week{market::kWeekSeconds};
                    Uint256 now = draw->between(0, 5'000'000'000);
                    if (draw->below(2) == 0) now = tge + draw->between(0, 525) * week + draw->bits(1);
                    if (draw->below(4) == 0 && !now.is_zero()) now = now - Uint256{1U};
                    return Words{tge, now};
                },
            .expected =
                [](const Words& in) {
                    return Words{market::incentive_released_max(to_u64(in[0]).value(), to_u64(in[1]).value()).wei};
                },
            .start_call = {}};
}

Subject fees() {
    return {.name = "next_fee_ppm",
            .number = 6,
            .draw =
                [](Draw* draw) {
                    const Uint256 most = draw->between(100, 300'000);
                    const Uint256 least = draw->between(Uint256{100U}, most);
                    const Uint256 available = draw->bits(100);
                    const Uint256 consumed =
                        draw->below(2) == 0 ? draw->bits(100) : draw->between(Uint256{0U}, available);
                    return Words{draw->between(least, most), consumed, available, least, most};
                },
            .expected =
                [](const Words& in) {
                    const market::FeeParameters parameters{.min_ppm = small(in[3]), .max_ppm = small(in[4])};
                    return Words{
                        market::next_fee_ppm(small(in[0]), to_u128(in[1]).value(), to_u128(in[2]).value(), parameters)};
                },
            .start_call = {}};
}

Subject quotas() {
    return {.name = "issuance_quota",
            .number = 7,
            .draw =
                [](Draw* draw) {
                    const Uint256 fee_step{market::kRevenueStep.micro};
                    const Uint256 lock_step{market::kLockedStep.wei};
                    return Words{
                        draw->between(0, 30) * fee_step - draw->bits(1) % (fee_step + Uint256{1U}) + Uint256{1U},
                        draw->between(1, 20) * lock_step - draw->bits(1), draw->between(0, 25)};
                },
            .expected =
                [](const Words& in) {
                    return Words{market::issuance_quota(
                        {.net_fees = usd(in[0]), .locked = vcai(in[1]), .executed = to_u64(in[2]).value()})};
                },
            .start_call = {}};
}

Subject stake_rates() {
    return {.name = "next_stake_rate, stake_required",
            .number = 8,
            .draw =
                [](Draw* draw) {
                    const Uint256 highest = Uint256::power_of_two(96) - Uint256{1U};
                    return Words{draw->between(Uint256{1'000U}, Uint256{1'000U} + draw->bits(95)),
                                 draw->below(4) == 0 ? highest : draw->bits(100),
                                 draw->between(Uint256{0U}, kWad * Uint256{2U}),
                                 draw->between(kWad / Uint256{10U}, kWad),
                                 draw->between(Uint256{0U}, kWad * Uint256{2U}),
                                 draw->between(0, 5'000),
                                 draw->between(0, 1'000'000'000'000'000)};
                },
            .expected =
                [](const Words& in) {
                    const market::RateTerms terms{.per_dollar = vcai(in[1]),
                                                  .utilization = to_u128(in[2]).value(),
                                                  .factor_floor = to_u128(in[3]).value(),
                                                  .factor_slope = to_u128(in[4]).value(),
                                                  .move_max_bps = small(in[5])};
                    const Vcai next = market::next_stake_rate(vcai(in[0]), terms).value();
                    return Words{next.wei, market::stake_required(usd(in[6]), next, 1).value().wei};
                },
            .start_call = {}};
}

Subject reward_leaves() {
    return {.name = "reward_leaf",
            .number = 9,
            .draw = [](Draw* draw) { return Words{draw->between(0, 3), draw->bits(160), draw->bits(128)}; },
            .expected =
                [](const Words& in) {
                    const U256 account = to_bytes(in[1]);
                    const Hash leaf =
                        market::reward_leaf(static_cast<market::RewardKind>(small(in[0])),
                                            Address::make(account.view().last<20>()), to_u128(in[2]).value());
                    return Words{from_bytes(leaf.as<U256>())};
                },
            .start_call = {}};
}

Subject freed() {
    return {.name = "incentive_freed_by",
            .number = 10,
            .draw = [](Draw* draw) { return Words{draw->between(0, 530 * market::kWeekSeconds)}; },
            .expected = [](const Words& in) { return Words{market::incentive_freed_by(to_u64(in[0]).value()).wei}; },
            .start_call = {}};
}

Subject slashes() {
    return {.name = "split_slash",
            .number = 11,
            .draw =
                [](Draw* draw) {
                    const Uint256 loss = draw->bits(60);
                    return Words{draw->bits(93),
                                 loss,
                                 draw->between(Uint256{0U}, loss + Uint256{1U}),
                                 draw->bits(40) + Uint256{1U},
                                 draw->between(0, 5'000),
                                 draw->bits(93)};
                },
            .expected =
                [](const Words& in) {
                    const market::SlashTerms terms{.seized = vcai(in[0]),
                                                   .loss = usd(in[1]),
                                                   .treasury = usd(in[2]),
                                                   .price = usd(in[3]),
                                                   .bounty_bps = static_cast<std::uint16_t>(small(in[4])),
                                                   .bounty_cap = vcai(in[5])};
                    const market::SlashSplit split = market::split_slash(terms).value();
                    return Words{split.paid_by_treasury.micro, split.shortfall.micro, split.victim.wei,
                                 split.accuser.wei, split.treasury.wei};
                },
            .start_call = {}};
}

// The controller from its first period on, as IncentiveController keeps it.
struct Programme {
    std::uint64_t starts = 0;
    std::uint64_t ends = 1;
    U128 supply_share = market::kWadOne / 2;
    U128 utilization = market::kWadOne / 2;

    Words close(const Words& in) {
        const market::PeriodTerms terms{.starts = starts,
                                        .ends = ends,
                                        .release_share = to_u128(in[1]).value(),
                                        .supply_share = supply_share,
                                        .capacity_share = to_u128(in[4]).value()};
        const market::PeriodAmounts amounts = market::period_amounts(terms).value();
        const auto used = market::utilization(to_u128(in[5]).value(), to_u128(in[6]).value());
        if (used) {
            utilization = *used;
            const market::SupplyController controller{.gain = to_u128(in[2]).value(), .target = to_u128(in[3]).value()};
            supply_share = market::next_supply_share(supply_share, utilization, controller);
        }
        starts = ends;
        ends += to_u64(in[0]).value();
        return {
            utilization,         supply_share, amounts.capacity.wei, amounts.delivery.wei, amounts.demand_rebate.wei,
            amounts.withheld.wei};
    }
};

Subject periods() {
    const auto programme = std::make_shared<Programme>();
    return {.name = "utilization, next_supply_share, period_amounts",
            .number = 12,
            .draw =
                [](Draw* draw) {
                    const Uint256 available = draw->bits(100);
                    const Uint256 consumed =
                        draw->below(8) == 0 ? draw->bits(100) : draw->between(Uint256{0U}, available);
                    return Words{draw->between(1, 28 * 86'400ULL),
                                 draw->between(Uint256{0U}, kWad),
                                 draw->between(kWad / Uint256{100U}, kWad),
                                 draw->between(kWad / Uint256{2U}, kWad * Uint256{95U} / Uint256{100U}),
                                 draw->between(Uint256{0U}, kWad),
                                 consumed,
                                 available};
                },
            .expected = [programme](const Words& in) { return programme->close(in); },
            .start_call = [programme] { *programme = {}; }};
}

std::string output_of(const std::string& command) {
    std::string output;
    FILE* pipe = ::popen(command.c_str(), "r");
    CHECK(pipe != nullptr);
    std::array<char, 4096> buffer{};
    while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr) output += buffer.data();
    CHECK(::pclose(pipe) == 0);
    while (!output.empty() && output.back() == '\n') output.pop_back();
    return output;
}

// The harness on a chain of its own.
class Chain {
  public:
    Chain() {
        harness_.bytes.fill(0x5a);
        adapters::HttpClientOptions options;
        http_ = adapters::BeastHttpClient::make(&runtime_, options).value();
        rpc_ = std::make_unique<adapters::EvmRpc>(&runtime_, http_.get(), anvil_.url(), 60s);
        const std::string path = output_of(VCITY_SOURCE_DIR "/contracts/tools/harness.sh");
        std::ifstream stream{path, std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{stream}, {}};
        const Json artifact = codec::parse_json(text).value();
        const Json* code = artifact.find("deployedBytecode");
        CHECK(code != nullptr && code->find("object") != nullptr);
        JsonArray parameters{codec::to_hex(harness_), *code->find("object")};
        const TimePoint deadline = runtime_.now() + 30s;
        while (!request("anvil_setCode", parameters)) CHECK(runtime_.now() < deadline);
        // The first block has no time yet.
        CHECK(request("evm_mine", JsonArray()).has_value());
    }

    Words run_cases(std::uint64_t function, const Words& inputs, std::size_t count) {
        std::vector<codec::AbiValue> words;
        for (const Uint256& word : inputs) words.push_back(codec::abi_word(to_bytes(word)));
        const Bytes data = adapters::encode_call(
            "run(uint8,uint256[],uint256)",
            {codec::abi_uint(function), codec::abi_array(std::move(words)), codec::abi_uint(count)});
        Json call{codec::JsonObject{}};
        call.set("to", codec::to_hex(harness_));
        call.set("data", codec::to_hex(data));
        call.set("gas", codec::to_quantity(kGas));
        const Result<Json> answer = request("eth_call", JsonArray{call, "latest"});
        if (!answer) throw std::runtime_error{answer.error().message};
        const Bytes bytes = codec::parse_hex(*answer->get_string()).value();
        const auto decoded = adapters::decode_result("(uint256[])", bytes).value();
        Words outputs;
        for (const codec::AbiValue& each : decoded.at(0).items) outputs.push_back(from_bytes(each.word));
        return outputs;
    }

  private:
    Result<Json> request(std::string method, JsonArray parameters) {
        std::optional<Result<Json>> result;
        runtime_.run_to_completion(ask(rpc_.get(), std::move(method), std::move(parameters), &result));
        return *std::move(result);
    }
    static Task<int> ask(adapters::EvmRpc* rpc,
                         std::string method,
                         JsonArray parameters,
                         std::optional<Result<Json>>* out) {
        Result<Json> answer = co_await rpc->request(std::move(method), std::move(parameters));
        out->emplace(std::move(answer));
        co_return 0;
    }

    Anvil anvil_{{"--gas-limit", std::to_string(kGas), "--memory-limit", "4294967296", "--disable-code-size-limit"}};
    adapters::AsioRuntime runtime_;
    std::unique_ptr<ports::HttpClient> http_;
    std::unique_ptr<adapters::EvmRpc> rpc_;
    Address harness_;
};

std::string printed(const Words& words) {
    std::string text;
    for (const Uint256& word : words) text += " " + to_decimal(word);
    return text;
}

// Returns how many cases were compared.
std::size_t compare(Chain* chain, const Subject& subject, std::size_t cases, std::uint64_t seed) {
    Draw draw{seed};
    std::size_t compared = 0;
    while (compared < cases && !::testing::Test::HasFailure()) {
        const std::size_t count = std::min(kCasesPerCall, cases - compared);
        std::vector<Words> drawn;
        Words inputs;
        for (std::size_t i = 0; i < count; ++i) {
            drawn.push_back(subject.draw(&draw));
            inputs.insert(inputs.end(), drawn.back().begin(), drawn.back().end());
        }
        const Words outputs = chain->run_cases(subject.number, inputs, count);
        const std::size_t width = outputs.size() / count;
        if (subject.start_call) subject.start_call();
        for (std::size_t i = 0; i < count; ++i) {
            const Words theirs(outputs.begin() + static_cast<std::ptrdiff_t>(i * width),
                               outputs.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
            EXPECT_EQ(printed(subject.expected(drawn[i])), printed(theirs)) << "inputs" << printed(drawn[i]);
        }
        compared += count;
    }
    return compared;
}

TEST(MarketDifferential, EqualsTheContracts) {
    Chain chain;
    const auto cases = static_cast<std::size_t>(number_from_environment("VCITY_DIFFERENTIAL_CASES", kCasesDefault));
    const std::uint64_t seed = number_from_environment("VCITY_DIFFERENTIAL_SEED", 1);
    for (const Subject& subject : {roots(), increments(), logarithms(), marks(), vestings(), vault_bounds(), fees(),
                                   quotas(), stake_rates(), reward_leaves(), freed(), slashes(), periods()}) {
        SCOPED_TRACE(subject.name);
        EXPECT_EQ(compare(&chain, subject, cases, seed), cases);
        std::printf("%s: %zu cases\n", subject.name.c_str(), cases);
    }
}

}  // namespace
}  // namespace vcity::integration
