// SPDX-License-Identifier: Apache-2.0
// The peers of schedulers that test_schedulers.py kills and pauses: watchful nodes, and a gateway that orders one job
// after the other and asks what became of each. Writes a line of JSON for everything that the test wants to know, with
// the monotonic clock in milliseconds. Ends when its standard input does: first it stops ordering and waits until every
// job has ended.
//
//   schedulers_trial --state FOLDER --shard NAME=URL,URL [--shard ...] --nodes N
//
// Nodes are distributed evenly; their keys are node-1, node-2, ... of `vcity devnet prepare`.
#include <cstdio>
#include <deque>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include "adapters/chain_evm/deploy.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "devnet/chain_setup.hpp"
#include "devnet/layout.hpp"
#include "nodes.hpp"
#include "orders.hpp"
#include "services/common/registration.hpp"
#include "wiring/chain.hpp"
#include "wiring/chain_connection.hpp"
#include "wiring/run.hpp"

namespace vcity::trial {
namespace {

using codec::Json;
using namespace std::chrono_literals;

constexpr auto kEndPatience = 90s;
constexpr Usd kCapLimit{20'000'000};

struct Options {
    std::string state;
    std::string rpc;
    std::vector<std::string> shards;
    std::uint16_t nodes = 4;
};

[[noreturn]] void fail(const Error& error) {
    std::fprintf(stderr, "schedulers_trial: %s\n", error.message.c_str());
    std::exit(1);
}

template <class T>
T or_fail(Result<T> result) {
    if (!result) fail(result.error());
    return *std::move(result);
}

cli::DevnetOptions layout_options(const Options& options) {
    cli::DevnetOptions result;
    result.state = options.state;
    return result;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts{""};
    for (const char letter : text) {
        if (letter == separator) {
            parts.emplace_back();
        } else {
            parts.back() += letter;
        }
    }
    return parts;
}

class Trial {
  public:
    explicit Trial(const Options& options)
        : options_{options},
          layout_{layout_options(options)},
          deployment_{or_fail(adapters::load_deployment(layout_.file("deployment.json")))},
          dialer_{or_fail(adapters::WebSocketDialer::make(&runtime_, {}))} {}

    void run() {
        std::uint16_t next_node = 0;
        for (const std::string& text : options_.shards) {
            const std::size_t cut = text.find('=');
            if (cut == std::string::npos) fail(make_error(Errc::kInvalid, "--shard is NAME=URL,URL"));
            add_shard(text.substr(0, cut), split(text.substr(cut + 1), ','), &next_node);
        }
        const Result<void> done = wiring::run_task(&runtime_, live());
        if (!done) fail(done.error());
        std::_Exit(0);  // links and their tasks end with the process
    }

  private:
    crypto::PrivateKey key(const std::string& name) const { return or_fail(cli::load_key(layout_.key(name))); }

    void tell(Json line) {
        line.set("ms",
                 static_cast<std::uint64_t>(
                     std::chrono::duration_cast<std::chrono::milliseconds>(runtime_.now().time_since_epoch()).count()));
        std::printf("%s\n", codec::dump_json(line).c_str());
        std::fflush(stdout);
    }

    void add_shard(const std::string& name, std::vector<std::string> endpoints, std::uint16_t* next_node) {
        World world;
        world.runtime = &runtime_;
        world.dialer = dialer_.get();
        world.deployment = &deployment_;
        world.endpoints = std::move(endpoints);
        world.scheduler = or_fail(cli::keystore_address(layout_.key(name).keystore));
        world.violation = [this](const std::string& what) {
            tell(Json{codec::JsonObject{{"event", "violation"}, {"what", what}}});
        };
        for (std::size_t index = 0; index < options_.nodes / options_.shards.size(); ++index) {
            const std::string node = cli::DevnetLayout::node_name((*next_node)++);
            const Result<void> registered = wiring::run_task(&runtime_, register_node(node));
            if (!registered) fail(registered.error());
            nodes_.emplace_back(world, key(node), node);
            runtime_.spawn(nodes_.back().run());
            runtime_.spawn(nodes_.back().work());
        }
        const wiring::CapTerms terms{.scheduler = world.scheduler, .limit = kCapLimit, .days = 30, .nonce = 0};
        const SignedCap cap = or_fail(wiring::sign_cap(deployment_, key("client"), terms)).cap;
        desks_.emplace_back(world, key("gateway"), cap);
        desks_.back().on_event([this, name](const char* event, const JobId& job, std::uint64_t number) {
            tell(Json{
                codec::JsonObject{{"event", event}, {"shard", name}, {"job", codec::to_hex(job)}, {"number", number}}});
        });
        runtime_.spawn(desks_.back().run());
        runtime_.spawn(desks_.back().work());
    }

    Task<Result<void>> register_node(std::string name) {
        cli::KeySigner signer{key(name)};
        wiring::ChainConnection chain{&runtime_, options_.rpc, &signer};
        CO_TRY_OK(co_await chain.bind(deployment_));
        NodeRecord record;
        record.identity = signer.address();
        record.kind = NodeKind::kStable;
        record.hardware.region = "local";
        record.stake = cli::kNodeStake;
        const bool never = false;
        services::RegistrationDeps deps{&runtime_, chain.reader(), chain.writer(), Log{nullptr, "register"}};
        co_return co_await services::ensure_registered(std::move(deps), std::move(record), &never);
    }

    static bool is_input_over() {
        pollfd entry{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
        if (::poll(&entry, 1, 0) <= 0) return false;
        char byte = 0;
        return ::read(STDIN_FILENO, &byte, 1) <= 0;
    }

    Task<Result<void>> live() {
        while (!is_input_over()) {
            co_await runtime_.sleep_until(runtime_.now() + 20ms);
        }
        for (OrderDesk& desk : desks_) desk.stop_ordering();
        const TimePoint deadline = runtime_.now() + kEndPatience;
        while (open_jobs() > 0 && runtime_.now() < deadline) {
            co_await runtime_.sleep_until(runtime_.now() + 20ms);
        }
        report();
        co_return Result<void>{};
    }

    std::size_t open_jobs() const {
        std::size_t open = 0;
        for (const OrderDesk& desk : desks_) open += desk.open();
        return open;
    }

    void report() {
        Totals totals;
        for (const OrderDesk& desk : desks_) totals += desk.totals();
        std::uint64_t grants = 0;
        std::uint64_t finished = 0;
        for (const WatchfulNode& node : nodes_) {
            grants += node.grants();
            finished += node.finished();
        }
        tell(Json{codec::JsonObject{{"event", "end"},
                                    {"accepted", totals.accepted},
                                    {"succeeded", totals.succeeded},
                                    {"failed", totals.failed},
                                    {"lost", totals.lost},
                                    {"refused", totals.refused},
                                    {"open", static_cast<std::uint64_t>(open_jobs())},
                                    {"grants", grants},
                                    {"finished", finished}}});
    }

    Options options_;
    cli::DevnetLayout layout_;
    Deployment deployment_;
    adapters::AsioRuntime runtime_;
    std::unique_ptr<adapters::WebSocketDialer> dialer_;
    std::deque<WatchfulNode> nodes_;
    std::deque<OrderDesk> desks_;
};

}  // namespace
}  // namespace vcity::trial

int main(int argc, char** argv) {
    vcity::trial::Options options;
    CLI::App app{"peers of schedulers that are killed"};
    app.add_option("--state", options.state)->required();
    app.add_option("--rpc", options.rpc)->required();
    app.add_option("--shard", options.shards)->required();
    app.add_option("--nodes", options.nodes)->check(CLI::Range(1, 64));
    CLI11_PARSE(app, argc, argv);
    vcity::trial::Trial trial{options};
    trial.run();
    return 0;
}
