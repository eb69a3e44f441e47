// SPDX-License-Identifier: Apache-2.0
// How many choices a second the router makes, and how its choices fare on a real trace beside simpler rules.
//
//   router_bench choices [REPLICAS]             one line: choices a second of processor time, p50 and p99 of one choice
//   in nanoseconds router_bench trace REPLICAS < trace.jsonl   a line for each rule: hit rate, mean and p99 time to the
//   first token
#include "routing/router.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <queue>
#include <random>
#include <string>

#include "base/check.hpp"
#include "codec/json.hpp"

namespace vcity::routing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kRegions = 16;
constexpr Nanos kMilli = 1'000'000;
constexpr Nanos kSecond = 1000 * kMilli;

std::vector<Nanos> round_trips(std::mt19937_64* random) {
    std::vector<Nanos> times(std::size_t{kRegions} * kRegions);
    for (std::size_t from = 0; from < kRegions; ++from) {
        for (std::size_t to = 0; to < kRegions; ++to) {
            times[from * kRegions + to] = from == to ? 2 * kMilli : (10 + (*random)() % 250) * kMilli;
        }
    }
    return times;
}

// Replicas of different speeds and prices in 16 regions, prompts that share prefixes (a tree of conversations), prices
// limited for every fourth request. Every choice is dispatched, gets its first token and ends some choices later.
int choices(std::uint32_t replicas) {
    std::mt19937_64 random{1};
    Router router{kRegions, round_trips(&random), {.cache_entries_max = 1U << 20U}};
    for (std::uint32_t i = 0; i < replicas; ++i) {
        const auto added = router.add({.region = static_cast<std::uint16_t>(random() % kRegions),
                                       .prefill_per_token = 20'000 + random() % 200'000,
                                       .slots = 64,
                                       .cache_blocks = 1000,
                                       .price = 100 + random() % 900});
        CHECK(added.has_value());
    }
    constexpr std::size_t kPrompts = 20'000;
    std::vector<std::vector<std::uint64_t>> prompts(kPrompts);
    for (std::size_t i = 0; i < kPrompts; ++i) {
        if (i >= 100) prompts[i] = prompts[random() % i];  // goes on from an earlier conversation
        for (std::uint64_t more = 1 + random() % 4; more > 0 && prompts[i].size() < 40; --more) {
            prompts[i].push_back(random());
        }
    }
    constexpr std::size_t kRounds = 400'000;
    std::vector<std::pair<Choice, bool>> running(replicas * 8);
    std::vector<std::uint32_t> times;
    times.reserve(kRounds);
    const std::clock_t begin = std::clock();
    for (std::size_t i = 0; i < kRounds; ++i) {
        const std::vector<std::uint64_t>& prompt = prompts[random() % kPrompts];
        const Request request{.region = static_cast<std::uint16_t>(random() % kRegions),
                              .tokens = static_cast<std::uint32_t>(prompt.size() * 512),
                              .block_tokens = 512,
                              .blocks = prompt,
                              .price_max = i % 4 == 0 ? 200 + random() % 800 : ~0ULL};
        const auto before = Clock::now();
        const auto answer = router.choose(request);
        if (const Choice* choice = std::get_if<Choice>(&answer)) {
            router.dispatch(*choice, request);
            auto& [old, is_running] = running[i % running.size()];
            if (is_running) {
                router.on_first_token(old, old.work);
                router.on_end(old);
            }
            old = *choice;
            is_running = true;
        }
        times.push_back(static_cast<std::uint32_t>((Clock::now() - before).count()));
    }
    const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    std::ranges::sort(times);
    std::printf("%.0f %u %u\n", kRounds / took, times[kRounds / 2], times[kRounds * 99 / 100]);
    return 0;
}

struct Arrival {
    Nanos at = 0;
    std::uint32_t tokens = 0;
    std::vector<std::uint64_t> blocks;
};

constexpr std::uint32_t kBlockTokens = 512;
constexpr Nanos kPerToken = 100'000;          // 10,000 prompt tokens a second
constexpr std::uint32_t kCacheBlocks = 2000;  // a million tokens

std::vector<Arrival> read_trace() {
    std::vector<Arrival> arrivals;
    for (std::string line; std::getline(std::cin, line);) {
        const auto parsed = codec::parse_json(line);
        CHECK(parsed.has_value());
        Arrival arrival;
        std::uint64_t millis = 0;
        std::uint64_t tokens = 0;
        CHECK(parsed->find("timestamp")->get_u64(&millis) && parsed->find("input_length")->get_u64(&tokens));
        arrival.at = millis * kMilli;
        arrival.tokens = static_cast<std::uint32_t>(tokens);
        for (const codec::Json& each : *parsed->find("hash_ids")->get_array()) {
            std::uint64_t block = 0;
            CHECK(each.get_u64(&block));
            arrival.blocks.push_back(block);
        }
        arrivals.push_back(std::move(arrival));
    }
    return arrivals;
}

enum class Rule : std::uint8_t { kRoundRobin, kLeastLoaded, kPrefixAffinity, kPrefixOrLeast, kRouter };
constexpr std::array kRules{Rule::kRoundRobin, Rule::kLeastLoaded, Rule::kPrefixAffinity, Rule::kPrefixOrLeast,
                            Rule::kRouter};
constexpr std::array kNames{"round_robin", "least_loaded", "prefix_affinity", "prefix_or_least", "router"};

// Replicas that compute prompts one after the other, each with a cache of its own. The rules see what a router can
// see: what was sent where and whose first token came back.
class Stand {
  public:
    explicit Stand(std::uint32_t replicas) : caches_{replicas * kCacheBlocks}, free_at_(replicas), load_(replicas) {
        for (std::uint32_t i = 0; i < replicas; ++i) {
            caches_.add(i, kCacheBlocks);
            CHECK(
                router_
                    .add(
                        {.region = 0, .prefill_per_token = kPerToken, .slots = 1'000'000, .cache_blocks = kCacheBlocks})
                    .value() == i);
        }
    }

    void run(Rule rule, const std::vector<Arrival>& arrivals) {
        for (const Arrival& arrival : arrivals) {
            finish_until(arrival.at);
            serve(rule, arrival);
        }
    }

    void print(const char* name) {
        std::ranges::sort(waits_);
        double sum = 0;
        for (const Nanos wait : waits_) sum += static_cast<double>(wait);
        std::printf("%s %.4f %.4f %.4f\n", name, static_cast<double>(cached_) / static_cast<double>(tokens_),
                    sum / static_cast<double>(waits_.size()) / static_cast<double>(kSecond),
                    static_cast<double>(waits_[waits_.size() * 99 / 100]) / static_cast<double>(kSecond));
    }

  private:
    struct Done {
        Nanos at = 0;
        Nanos took = 0;
        Choice choice;
        bool operator<(const Done& other) const { return at > other.at; }
    };

    void finish_until(Nanos now) {
        while (!open_.empty() && open_.top().at <= now) {
            const Done done = open_.top();
            open_.pop();
            load_[done.choice.replica] -= done.choice.work;
            router_.on_first_token(done.choice, done.took);
            router_.on_end(done.choice);
        }
    }

    Choice decide(Rule rule, const Request& request) {
        Choice choice;
        const auto lightest = [&](auto&& is_allowed) {
            std::uint32_t best = ~0U;
            for (std::uint32_t i = 0; i < load_.size(); ++i) {
                if (is_allowed(i) && (best == ~0U || load_[i] < load_[best])) best = i;
            }
            return best;
        };
        switch (rule) {
            case Rule::kRoundRobin: choice.replica = static_cast<ReplicaId>(turn_++ % load_.size()); break;
            case Rule::kLeastLoaded: choice.replica = lightest([](std::uint32_t) { return true; }); break;
            case Rule::kPrefixAffinity:
            case Rule::kPrefixOrLeast: {
                // The second one follows the cache only for half a prompt or more.
                std::uint32_t most = 0;
                for (std::uint32_t i = 0; i < load_.size(); ++i) most = std::max(most, caches_.held(i, request.blocks));
                if (rule == Rule::kPrefixOrLeast && most * 2 < request.blocks.size()) most = 0;
                choice.replica = lightest([&](std::uint32_t i) { return caches_.held(i, request.blocks) >= most; });
                break;
            }
            case Rule::kRouter: {
                const auto answer = router_.choose(request);
                CHECK(std::holds_alternative<Choice>(answer));
                router_.dispatch(std::get<Choice>(answer), request);
                return std::get<Choice>(answer);
            }
        }
        choice.work = kPerToken * request.tokens;
        return choice;
    }

    void serve(Rule rule, const Arrival& arrival) {
        const Request request{
            .region = 0, .tokens = arrival.tokens, .block_tokens = kBlockTokens, .blocks = arrival.blocks};
        const Choice choice = decide(rule, request);
        const std::uint32_t hit = caches_.held(choice.replica, arrival.blocks) * kBlockTokens;
        const std::uint32_t cached = std::min(hit, arrival.tokens - 1);
        caches_.touch(choice.replica, arrival.blocks);
        const Nanos took = kPerToken * (arrival.tokens - cached);
        const Nanos done = std::max(free_at_[choice.replica], arrival.at) + took;
        free_at_[choice.replica] = done;
        load_[choice.replica] += choice.work;
        open_.push({done, took, choice});
        waits_.push_back(done - arrival.at);
        cached_ += cached;
        tokens_ += arrival.tokens;
    }

    Router router_{1, {0}, {.cache_entries_max = 1U << 18U}};
    PrefixIndex caches_;
    std::vector<Nanos> free_at_;
    std::vector<Nanos> load_;
    std::priority_queue<Done> open_;
    std::vector<Nanos> waits_;
    std::uint64_t cached_ = 0;
    std::uint64_t tokens_ = 0;
    std::uint64_t turn_ = 0;
};

int trace(std::uint32_t replicas) {
    const std::vector<Arrival> arrivals = read_trace();
    for (std::size_t i = 0; i < kRules.size(); ++i) {
        Stand stand{replicas};
        stand.run(kRules[i], arrivals);
        stand.print(kNames[i]);
    }
    return 0;
}

}  // namespace
}  // namespace vcity::routing

int main(int argc, char** argv) {
    const auto number = [&](std::uint32_t otherwise) {
        return argc > 2 ? static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10)) : otherwise;
    };
    if (argc > 1 && std::strcmp(argv[1], "choices") == 0) return vcity::routing::choices(number(10'000));
    if (argc > 1 && std::strcmp(argv[1], "trace") == 0) return vcity::routing::trace(number(8));
    std::fputs("usage: router_bench choices [REPLICAS] | router_bench trace [REPLICAS] < trace.jsonl\n", stderr);
    return 2;
}
