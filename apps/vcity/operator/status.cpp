// SPDX-License-Identifier: Apache-2.0
#include "operator/status.hpp"

#include <fmt/core.h>

#include "codec/hex.hpp"
#include "operator/earnings.hpp"
#include "operator/host_checks.hpp"
#include "operator/service_unit.hpp"
#include "operator/times.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr double kMicro = 1e6;

std::string text_of(const Json* value) {
    if (value == nullptr || value->is_null()) return "-";
    if (const std::string* text = value->get_string()) return *text;
    return codec::dump_json(*value);
}

const Json& member(const Json& record, const char* name) {
    static const Json kNothing;
    const Json* found = record.find(name);
    return found == nullptr ? kNothing : *found;
}

std::uint64_t number(const Json& record, const char* name) {
    std::uint64_t value = 0;
    return member(record, name).get_u64(&value) ? value : 0;
}

std::string span_words(std::uint64_t milliseconds) {
    const std::uint64_t seconds = milliseconds / 1000;
    if (seconds < 120) return fmt::format("{} s", seconds);
    if (seconds < 7'200) return fmt::format("{} min", seconds / 60);
    return fmt::format("{} h {} min", seconds / 3'600, seconds / 60 % 60);
}

// Reads the blocks one after the other and collects what is wrong.
class Overview {
  public:
    Overview(const NodeFolder* folder, NodeFacts facts) : folder_{folder}, facts_{std::move(facts)} {}

    Json make() {
        const Result<Json> live = ask_node(*folder_, "/admin/status");
        if (!live) issue("service", live.error().message);
        record_.set("service", service(live));
        record_.set("node", node(live));
        record_.set("sandbox", sandbox());
        record_.set("network", network(live));
        add_chain();
        record_.set("earnings", earnings());
        record_.set("tasks", tasks(live));
        record_.set("issues", std::move(issues_));
        return std::move(record_);
    }

  private:
    void issue(const char* block, const std::string& what) {
        issues_.emplace_back(JsonObject{{"block", block}, {"what", what}});
    }

    static std::string intake_words(const Json& live) {
        const Json& intake = member(live, "intake");
        const Json& takes = member(intake, "takes_work");
        if (takes.get_bool() != nullptr && *takes.get_bool()) return "takes work";
        const Json& drained = member(intake, "drained");
        if (drained.get_bool() != nullptr && *drained.get_bool()) return "drained: takes no new work";
        const std::string pause = text_of(&member(intake, "pause"));
        return pause.empty() || pause == "-" ? "maintenance: takes no new work" : "paused: " + pause;
    }

    Json service(const Result<Json>& live) const {
        Json record{JsonObject{}};
        record.set("state", live ? "running" : "stopped");
        record.set("unit", facts_.service.empty() ? "none" : service_state(facts_.is_user_service));
        record.set("version", live ? member(*live, "version") : Json{VCITY_VERSION});
        if (!live) return record;
        record.set("pid", member(*live, "pid"));
        record.set("uptime_seconds", (number(*live, "now_ms") - number(*live, "started_ms")) / 1000);
        record.set("intake", intake_words(*live));
        record.set("maintenance", maintenance(*live));
        return record;
    }

    static Json maintenance(const Json& live) {
        JsonArray windows;
        const Json& planned = member(member(live, "intake"), "maintenance");
        if (planned.get_array() == nullptr) return Json{std::move(windows)};
        for (const Json& window : *planned.get_array()) {
            windows.emplace_back(fmt::format("{} to {} ({})", instant_text(UnixMillis{number(window, "from_ms")}),
                                             instant_text(UnixMillis{number(window, "to_ms")}),
                                             text_of(&member(window, "category"))));
        }
        return Json{std::move(windows)};
    }

    Json node(const Result<Json>& live) const {
        Json record{JsonObject{}};
        record.set("identity", facts_.identity);
        record.set("folder", folder_->path());
        if (!live) return record;
        record.set("model", member(member(*live, "model"), "name"));
        record.set("units", member(*live, "units"));
        return record;
    }

    Json sandbox() {
        const SelfCheck check = check_sandbox();
        if (check.status != CheckStatus::kPass) issue("sandbox", check.summary);
        return Json{check.status == CheckStatus::kPass ? "valid" : "no access"};
    }

    Json network(const Result<Json>& live) {
        Json record{JsonObject{}};
        const Json& connected = live ? member(*live, "connected") : Json{};
        const bool is_up = connected.get_bool() != nullptr && *connected.get_bool();
        record.set("link", is_up ? "connected" : "not connected");
        record.set("scheduler", live ? member(*live, "scheduler") : Json{});
        if (live && !is_up) issue("network", "no link to the scheduler: `vcity node doctor` looks for the reason");
        return record;
    }

    void add_chain() {
        const Result<Address> identity = crypto::parse_address(facts_.identity);
        const ChainPlace place{.rpc = facts_.rpc, .deployment = facts_.deployment};
        const Result<Standing> found =
            identity ? read_standing(place, *identity, "cpu") : Result<Standing>{identity.error()};
        if (!found) {
            issue("payments", "RPC error: " + found.error().message);
            for (const char* block : {"payments", "wallet", "stake"}) record_.set(block, Json{});
            return;
        }
        standing_ = *found;
        record_.set("payments", payments());
        record_.set("wallet", Json{JsonObject{{"coins", coin_text(standing_.coin)},
                                              {"stable_usd", to_string(standing_.stable)},
                                              {"vcai", to_string(standing_.vcai)}}});
        record_.set("stake", stake());
        try_payouts(place, *identity);
    }

    Json payments() {
        if (standing_.coin < kGasLeast) {
            issue("payments", "InsufficientGas: " + coin_text(standing_.coin) + " coins");
            return Json{"InsufficientGas"};
        }
        return Json{"ok"};
    }

    Json stake() {
        Json record{JsonObject{}};
        record.set("staked_vcai", to_string(standing_.stake));
        record.set("required_vcai", to_string(standing_.required));
        record.set("active", standing_.is_active);
        record.set("held_by_court_vcai", to_string(standing_.held_by_court));
        std::string risk = "none known";
        if (standing_.held_by_court.wei > 0)
            risk = "a case is open: " + to_string(standing_.held_by_court) + " VCAI held";
        if (standing_.suspended_until > 0) risk = "suspended until " + at(standing_.suspended_until);
        if (standing_.is_banned) risk = "banned";
        if (standing_.is_registered && standing_.stake < standing_.required) risk = "stake below the requirement";
        if (risk != "none known") issue("stake", risk);
        record.set("slash_risk", risk);
        return record;
    }

    static std::string at(std::uint64_t seconds) { return instant_text(UnixMillis{seconds * 1000}); }

    void try_payouts(const ChainPlace& place, const Address& identity) {
        const Result<std::vector<Payout>> payouts = read_payouts(place, identity);
        if (!payouts) return issue("earnings", payouts.error().message);
        for (const Payout& payout : *payouts) paid_micro_ += payout.amount.micro;
        has_payouts_ = true;
    }

    Json earnings() {
        const Result<std::vector<WorkRow>> work = load_work(*folder_);
        if (!work) {
            issue("earnings", work.error().message);
            return Json{};
        }
        std::uint64_t gross = 0;
        for (const WorkRow& row : *work) gross += row.amount.micro;
        const double net = static_cast<double>(gross) / kMicro * (1 - standing_.fee_bps / 10'000.0);
        const double paid = static_cast<double>(paid_micro_) / kMicro;
        Json record{JsonObject{}};
        record.set("results", static_cast<std::uint64_t>(work->size()));
        record.set("total_usd", fmt::format("{:.6f}", net));
        record.set("paid_usd", has_payouts_ ? Json{fmt::format("{:.6f}", paid)} : Json{});
        record.set("pending_usd", has_payouts_ ? Json{fmt::format("{:.6f}", std::max(0.0, net - paid))} : Json{});
        return record;
    }

    static Json tasks(const Result<Json>& live) {
        if (!live) return Json{};
        const Json& steps = member(*live, "steps");
        Json record{JsonObject{}};
        record.set("last_hour", member(*live, "done_last_hour"));
        record.set("model_calls", member(member(*live, "model"), "running"));
        record.set("running", steps);
        record.set("unacknowledged", member(*live, "unacknowledged"));
        return record;
    }

    const NodeFolder* folder_;
    NodeFacts facts_;
    Standing standing_;
    std::uint64_t paid_micro_ = 0;
    bool has_payouts_ = false;
    Json record_{JsonObject{}};
    JsonArray issues_;
};

void line(std::string* out, const char* title, const std::string& text) {
    *out += fmt::format("{:<12}{}\n", title, text);
}

std::string units_text(const Json& node) {
    const Json& units = member(node, "units");
    std::string text;
    if (units.get_array() == nullptr) return text;
    for (const Json& unit : *units.get_array()) {
        const bool has_gpus = number(unit, "gpus") > 0;
        const std::string what = has_gpus
                                     ? fmt::format("{} x {}", number(unit, "gpus"), text_of(&member(unit, "gpu_model")))
                                     : fmt::format("{} cores", static_cast<double>(number(unit, "cpu_milli")) / 1000);
        text += fmt::format("            unit {}: {}, {} MiB, {} USD an hour for one {}; {} running\n",
                            number(unit, "number"), what, number(unit, "memory_mib"),
                            text_of(&member(unit, "hourly_usd")), has_gpus ? "GPU" : "core", number(unit, "running"));
    }
    return text;
}

std::string tasks_text(const Json& tasks) {
    const Json& running = member(tasks, "running");
    const std::size_t steps = running.get_array() == nullptr ? 0 : running.get_array()->size();
    return fmt::format("{} in the last hour; {} steps and {} model calls running; {} results unacknowledged",
                       number(tasks, "last_hour"), steps, number(tasks, "model_calls"),
                       number(tasks, "unacknowledged"));
}

}  // namespace

Result<codec::Json> node_overview(const NodeFolder& folder) {
    TRY(NodeFacts facts, load_facts(folder));
    return Overview{&folder, std::move(facts)}.make();
}

std::string overview_text(const codec::Json& overview) {
    std::string out;
    const Json& service = member(overview, "service");
    const bool is_running = text_of(&member(service, "state")) == "running";
    const std::string version = text_of(&member(service, "version"));
    line(&out, "Service",
         is_running ? fmt::format("running for {}, version {}, pid {}; {}",
                                  span_words(number(service, "uptime_seconds") * 1000), version, number(service, "pid"),
                                  text_of(&member(service, "intake")))
                    : "stopped, version " + version);
    const Json& planned = member(service, "maintenance");
    if (planned.get_array() != nullptr) {
        for (const Json& window : *planned.get_array()) line(&out, "", "maintenance " + text_of(&window));
    }
    const Json& node = member(overview, "node");
    line(&out, "Node", text_of(&member(node, "identity")) + ", serves " + text_of(&member(node, "model")));
    out += units_text(node);
    line(&out, "Sandbox", text_of(&member(overview, "sandbox")));
    const Json& network = member(overview, "network");
    line(&out, "Network", text_of(&member(network, "link")) + ", scheduler " + text_of(&member(network, "scheduler")));
    line(&out, "Payments", text_of(&member(overview, "payments")));
    const Json& wallet = member(overview, "wallet");
    line(&out, "Wallet",
         fmt::format("{} USD, {} VCAI, {} coins", text_of(&member(wallet, "stable_usd")),
                     text_of(&member(wallet, "vcai")), text_of(&member(wallet, "coins"))));
    const Json& stake = member(overview, "stake");
    line(&out, "Stake",
         fmt::format("{} VCAI of {} required; slash risk: {}", text_of(&member(stake, "staked_vcai")),
                     text_of(&member(stake, "required_vcai")), text_of(&member(stake, "slash_risk"))));
    const Json& earnings = member(overview, "earnings");
    line(&out, "Earnings",
         fmt::format("{} USD for {} results; {} paid, {} pending", text_of(&member(earnings, "total_usd")),
                     number(earnings, "results"), text_of(&member(earnings, "paid_usd")),
                     text_of(&member(earnings, "pending_usd"))));
    line(&out, "Tasks", is_running ? tasks_text(member(overview, "tasks")) : "-");
    const Json& issues = member(overview, "issues");
    if (issues.get_array() != nullptr) {
        for (const Json& one : *issues.get_array()) {
            line(&out, "Issue", text_of(&member(one, "block")) + ": " + text_of(&member(one, "what")));
        }
    }
    return out;
}

}  // namespace vcity::cli
