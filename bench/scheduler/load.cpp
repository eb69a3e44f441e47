// SPDX-License-Identifier: Apache-2.0
// Orders jobs of one step over the network from schedulers that run as on any other day, and measures when they are
// durable and placed. Prints one JSON object.
//
//   scheduler_load [OPTIONS] register               puts the nodes on the chain
//   scheduler_load [OPTIONS] closed JOBS IN_FLIGHT  keeps so many orders in flight with each scheduler
//   scheduler_load [OPTIONS] open RATE SECONDS WINDOW  has so many a second come in, answered or not; what would be
//   more
//                                                      than WINDOW in flight is refused at once, as gateways do
//
//   --state FOLDER    of `vcity devnet prepare`
//   --rpc URL
//   --shard NAME=URL  a scheduler's key and link (repeat)
//   --nodes N, --units N  of all schedulers together
#include <algorithm>
#include <cstdio>
#include <deque>
#include <string>

#include <CLI/CLI.hpp>

#include "adapters/chain_evm/deploy.hpp"
#include "devnet/chain_setup.hpp"
#include "devnet/layout.hpp"
#include "market/typed_hashes.hpp"
#include "peers.hpp"
#include "services/common/registration.hpp"
#include "wiring/chain.hpp"
#include "wiring/chain_connection.hpp"
#include "wiring/run.hpp"

namespace vcity::bench {
namespace {

using codec::Json;
using namespace std::chrono_literals;

struct Options {
    std::string state;
    std::string rpc;
    std::vector<std::string> shards;
    std::uint16_t nodes = 4;
    std::uint32_t units = 10'000;
    std::uint64_t jobs = 0;
    std::uint64_t in_flight = 0;
    double rate = 0;
    double seconds = 0;
};

cli::DevnetOptions layout_options(const Options& options) {
    cli::DevnetOptions result;
    result.state = options.state;
    return result;
}

// For 200,000 orders; the client's deposit allows 25 of them.
constexpr Usd kCapLimit{2'000'000};
constexpr std::uint64_t kWarmUp = 500;
constexpr auto kAnswerPatience = 60s;

// Everything of one run.
class Load {
  public:
    explicit Load(const Options& options)
        : options_{options},
          layout_{layout_options(options)},
          deployment_{or_fail(adapters::load_deployment(layout_.file("deployment.json")))},
          dialer_{or_fail(adapters::WebSocketDialer::make(&runtime_, {}))} {}

    void register_nodes() {
        for (std::uint16_t index = 0; index < options_.nodes; ++index) {
            cli::KeySigner signer{key(cli::DevnetLayout::node_name(index))};
            or_fail(wiring::run_task(&runtime_, register_one(&signer)));
        }
    }

    void closed() {
        connect();
        or_fail(wiring::run_task(&runtime_, run_closed(kWarmUp)));
        begin();
        or_fail(wiring::run_task(&runtime_, run_closed(options_.jobs)));
        report();
    }

    void open() {
        connect();
        or_fail(wiring::run_task(&runtime_, run_closed(kWarmUp)));
        begin();
        or_fail(wiring::run_task(&runtime_, run_open()));
        report();
    }

  private:
    crypto::PrivateKey key(const std::string& name) const { return or_fail(cli::load_key(layout_.key(name))); }

    Task<Result<void>> register_one(cli::KeySigner* signer) {
        wiring::ChainConnection chain{&runtime_, options_.rpc, signer};
        CO_TRY_OK(co_await chain.bind(deployment_));
        NodeRecord record;
        record.identity = signer->address();
        record.kind = NodeKind::kStable;
        record.hardware.region = "local";
        record.stake = cli::kNodeStake;
        const bool never = false;
        services::RegistrationDeps deps{&runtime_, chain.reader(), chain.writer(), Log{nullptr, "register"}};
        co_return co_await services::ensure_registered(std::move(deps), std::move(record), &never);
    }

    SignedCap make_cap(const std::string& scheduler) const {
        const wiring::CapTerms terms{.scheduler = or_fail(cli::keystore_address(layout_.key(scheduler).keystore)),
                                     .limit = kCapLimit,
                                     .days = 30,
                                     .nonce = 0};
        return or_fail(wiring::sign_cap(deployment_, key("client"), terms)).cap;
    }

    void connect() {
        const std::uint32_t shards = static_cast<std::uint32_t>(options_.shards.size());
        std::uint16_t next_node = 0;
        for (const std::string& text : options_.shards) {
            const std::size_t split = text.find('=');
            if (split == std::string::npos) fail(make_error(Errc::kInvalid, "--shard is NAME=URL"));
            const World world{&runtime_, dialer_.get(), &deployment_, text.substr(split + 1)};
            for (std::uint32_t index = 0; index < options_.nodes / shards; ++index) {
                nodes_.emplace_back(world, key(cli::DevnetLayout::node_name(next_node++)),
                                    options_.units / options_.nodes);
                runtime_.spawn(nodes_.back().run());
            }
            desks_.emplace_back(world, key("gateway"), make_cap(text.substr(0, split)));
            OrderDesk* desk = &desks_.back();
            desk->on_outcome([this, desk](const Outcome& outcome) { on_outcome(desk, outcome); });
            runtime_.spawn(desk->run());
        }
        or_fail(wiring::run_task(&runtime_, await_links()));
    }

    Task<Result<void>> await_links() {
        const TimePoint deadline = runtime_.now() + 60s;
        while (true) {
            const bool is_up = std::ranges::all_of(nodes_, &UnitNode::is_connected) &&
                               std::ranges::all_of(desks_, &OrderDesk::is_connected);
            if (is_up) break;
            if (runtime_.now() > deadline) co_return make_error(Errc::kTimeout, "not all links came up");
            co_await runtime_.sleep_until(runtime_.now() + 20ms);
        }
        co_await runtime_.sleep_until(runtime_.now() + 1s);  // the announcements
        co_return Result<void>{};
    }

    void begin() {
        outcomes_.clear();
        began_ = runtime_.now();
    }

    Task<Result<void>> await_answers() {
        const TimePoint deadline = runtime_.now() + kAnswerPatience;
        while (std::ranges::any_of(desks_, [](const OrderDesk& desk) { return desk.open() > 0; })) {
            if (runtime_.now() > deadline) break;  // report() counts them
            co_await runtime_.sleep_until(runtime_.now() + 2ms);
        }
        co_return Result<void>{};
    }

    Task<Result<void>> run_closed(std::uint64_t jobs) {
        left_ = jobs;
        is_closed_loop_ = true;
        for (OrderDesk& desk : desks_) {
            for (std::uint64_t sent = 0; sent < options_.in_flight && left_ > 0; ++sent) order_next(&desk);
        }
        const TimePoint deadline = runtime_.now() + 300s;
        while (left_ > 0 && runtime_.now() < deadline) {
            co_await runtime_.sleep_until(runtime_.now() + 2ms);
        }
        CO_TRY_OK(co_await await_answers());
        is_closed_loop_ = false;
        co_return Result<void>{};
    }

    void order_next(OrderDesk* desk) {
        --left_;
        if (!desk->order(runtime_.now())) fail(make_error(Errc::kUnavailable, "a scheduler is gone"));
    }

    Task<Result<void>> run_open() {
        const auto gap = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / options_.rate));
        const auto count = static_cast<std::uint64_t>(options_.rate * options_.seconds);
        std::size_t turn = 0;
        for (std::uint64_t sent = 0; sent < count;) {
            while (sent < count && began_ + gap * sent <= runtime_.now()) {
                OrderDesk& desk = desks_[turn++ % desks_.size()];
                if (desk.open() >= options_.in_flight) {
                    refuse(began_ + gap * sent);
                } else if (!desk.order(began_ + gap * sent)) {
                    co_return make_error(Errc::kUnavailable, "a scheduler is gone");
                }
                ++sent;
            }
            co_await runtime_.sleep_until(runtime_.now() + 1ms);
        }
        co_return co_await await_answers();
    }

    void refuse(TimePoint due) {
        Outcome outcome;
        outcome.due = due;
        outcome.answered = runtime_.now();
        outcome.is_refused = true;
        outcome.refusal = Errc::kExhausted;
        outcomes_.push_back(outcome);
    }

    void on_outcome(OrderDesk* desk, const Outcome& outcome) {
        outcomes_.push_back(outcome);
        if (is_closed_loop_ && left_ > 0) order_next(desk);
    }

    static double millis(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

    void add_latencies(Json* out, const std::string& what, bool is_placed) const {
        std::vector<double> times;
        for (const Outcome& outcome : outcomes_) {
            const bool is_wanted = is_placed ? outcome.is_placed : outcome.is_refused;
            if (is_wanted) times.push_back(millis(outcome.answered - outcome.due));
        }
        std::ranges::sort(times);
        const auto at = [&times](double part) {
            if (times.empty()) return std::string{"0"};
            const auto index = static_cast<std::size_t>(part * static_cast<double>(times.size()));
            return std::to_string(times[std::min(index, times.size() - 1)]);
        };
        out->set(what + "_p50_ms", at(0.5));
        out->set(what + "_p99_ms", at(0.99));
        out->set(what + "_max_ms", at(1));
    }

    void report() {
        TimePoint last = began_;
        std::uint64_t placed = 0;
        std::uint64_t refused = 0;
        std::uint64_t exhausted = 0;
        std::uint64_t in_window = 0;  // of an open loop: while orders came
        const TimePoint end =
            began_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options_.seconds));
        for (const Outcome& outcome : outcomes_) {
            if (outcome.is_placed) last = std::max(last, outcome.answered);
            placed += outcome.is_placed ? 1 : 0;
            in_window += outcome.is_placed && outcome.answered <= end ? 1 : 0;
            refused += outcome.is_refused ? 1 : 0;
            exhausted += outcome.is_refused && outcome.refusal == Errc::kExhausted ? 1 : 0;
        }
        std::uint64_t open = 0;
        for (const OrderDesk& desk : desks_) open += desk.open();
        std::uint64_t grants = 0;
        std::uint64_t double_grants = 0;
        for (const UnitNode& node : nodes_) {
            grants += node.grants();
            double_grants += node.double_grants();
        }
        const double seconds = millis(last - began_) / 1000;
        const double rate = options_.rate > 0 ? static_cast<double>(in_window) / options_.seconds
                                              : static_cast<double>(placed) / std::max(seconds, 1e-9);
        Json out{codec::JsonObject{}};
        out.set("placed", placed);
        out.set("refused", refused);
        out.set("refused_exhausted", exhausted);
        out.set("unanswered", open);
        out.set("unplaced", static_cast<std::uint64_t>(outcomes_.size()) - placed - refused);
        out.set("grants", grants);
        out.set("double_grants", double_grants);
        out.set("seconds", std::to_string(seconds));
        out.set("per_second", std::to_string(rate));
        add_latencies(&out, "placed", true);
        add_latencies(&out, "refused", false);
        std::printf("%s\n", codec::dump_json(out).c_str());
        std::fflush(stdout);
        std::_Exit(0);  // links and their tasks end with the process
    }

    Options options_;
    cli::DevnetLayout layout_;
    Deployment deployment_;
    adapters::AsioRuntime runtime_;
    std::unique_ptr<adapters::WebSocketDialer> dialer_;
    std::deque<UnitNode> nodes_;
    std::deque<OrderDesk> desks_;
    std::vector<Outcome> outcomes_;
    TimePoint began_;
    std::uint64_t left_ = 0;
    bool is_closed_loop_ = false;
};

}  // namespace
}  // namespace vcity::bench

int main(int argc, char** argv) {
    vcity::bench::Options options;
    CLI::App app{"load for a scheduler"};
    app.require_subcommand(1);
    app.add_option("--state", options.state)->required();
    app.add_option("--rpc", options.rpc)->required();
    app.add_option("--shard", options.shards);
    app.add_option("--nodes", options.nodes)->check(CLI::Range(1, 64));
    app.add_option("--units", options.units)->check(CLI::Range(1, 1 << 20));
    CLI::App* registering = app.add_subcommand("register");
    CLI::App* closed = app.add_subcommand("closed");
    closed->add_option("jobs", options.jobs)->required();
    closed->add_option("in_flight", options.in_flight)->required();
    CLI::App* open = app.add_subcommand("open");
    open->add_option("rate", options.rate)->required();
    open->add_option("seconds", options.seconds)->required();
    open->add_option("window", options.in_flight)->required();
    CLI11_PARSE(app, argc, argv);
    vcity::bench::Load load{options};
    if (registering->parsed()) load.register_nodes();
    if (closed->parsed()) load.closed();
    if (open->parsed()) load.open();
    return 0;
}
