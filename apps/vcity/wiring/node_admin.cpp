// SPDX-License-Identifier: Apache-2.0
#include "wiring/node_admin.hpp"

#include <filesystem>

#include <fmt/core.h>
#include <unistd.h>

#include "cli/keys.hpp"
#include "cli/settings.hpp"
#include "codec/hex.hpp"
#include "services/common/http_text.hpp"

namespace vcity::wiring {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kTokenBytes = 32;

std::string address_text(const Address& address) {
    return crypto::to_checksum_address(address);
}

Json intake_json(const node::NodeStatus& status, UnixMillis now) {
    JsonArray windows;
    for (const node::Maintenance& window : status.intake.windows) {
        if (window.to <= now) continue;
        windows.emplace_back(JsonObject{{"from_ms", window.from.count()},
                                        {"to_ms", window.to.count()},
                                        {"category", std::string{to_string(window.category)}}});
    }
    return Json{JsonObject{{"takes_work", status.takes_work},
                           {"drained", status.intake.is_drained},
                           {"pause", status.pause},
                           {"maintenance", std::move(windows)}}};
}

Json unit_json(const node::UnitStatus& unit) {
    const UnitOffer& offer = unit.offer;
    Json record{JsonObject{{"number", std::uint64_t{offer.number}},
                           {"gpu_model", offer.gpu_model},
                           {"gpus", std::uint64_t{offer.gpus}},
                           {"vram_mib", std::uint64_t{offer.vram_mib}},
                           {"cpu_milli", std::uint64_t{offer.cpu_milli}},
                           {"memory_mib", std::uint64_t{offer.memory_mib}},
                           {"disk_mib", std::uint64_t{offer.disk_mib}},
                           {"hourly_usd", to_string(offer.hourly)}}};
    record.set("spot_hourly_usd", offer.spot_hourly ? Json{to_string(*offer.spot_hourly)} : Json{});
    record.set("running", std::uint64_t{unit.running});
    record.set("cpu_milli_used", std::uint64_t{unit.cpu_milli});
    record.set("memory_mib_used", std::uint64_t{unit.memory_mib});
    record.set("gpu_mask_used", std::uint64_t{unit.gpu_mask});
    return record;
}

Json step_json(const node::RunningStep& step) {
    return Json{JsonObject{{"job", codec::to_hex(step.attempt)},
                           {"unit", std::uint64_t{step.unit}},
                           {"gpu_mask", std::uint64_t{step.gpu_mask}},
                           {"started_ms", step.started_at.count()},
                           {"output_bytes", step.output_bytes},
                           {"hourly_usd", to_string(step.hourly)}}};
}

Json status_json(const node::NodeStatus& status, UnixMillis now, UnixMillis started) {
    JsonArray units;
    for (const node::UnitStatus& unit : status.units) units.push_back(unit_json(unit));
    JsonArray steps;
    for (const node::RunningStep& step : status.steps) steps.push_back(step_json(step));
    Json record{JsonObject{{"version", VCITY_VERSION},
                           {"pid", static_cast<std::uint64_t>(::getpid())},
                           {"started_ms", started.count()},
                           {"now_ms", now.count()},
                           {"identity", address_text(status.identity)},
                           {"connected", status.is_connected}}};
    record.set("scheduler", status.scheduler ? Json{address_text(*status.scheduler)} : Json{});
    record.set("intake", intake_json(status, now));
    record.set("model", Json{JsonObject{{"name", status.model},
                                        {"slots", std::uint64_t{status.slots}},
                                        {"running", static_cast<std::uint64_t>(status.model_calls)}}});
    record.set("units", std::move(units));
    record.set("steps", std::move(steps));
    record.set("unacknowledged", static_cast<std::uint64_t>(status.unacknowledged));
    record.set("done_last_hour", static_cast<std::uint64_t>(status.done_last_hour));
    return record;
}

// Answers the owner's calls for one agent.
class OwnerDesk {
  public:
    OwnerDesk(Runtime* runtime, ports::Store* store, node::NodeAgent* agent)
        : runtime_{runtime}, store_{store}, agent_{agent}, started_{runtime->unix_now()} {}

    Task<Result<Json>> answer(AdminCall call) {
        const std::string path{services::path_of(call.target)};
        if (call.method == "GET" && path == "/admin/work") {
            co_return co_await work(std::move(call));
        }
        if (call.method == "GET" && path == "/admin/status") co_return describe();
        if (call.method != "POST") co_return make_error(Errc::kNotFound, "no such call");
        CO_TRY_OK(co_await change(path, std::move(call)));
        co_return describe();
    }

  private:
    Json describe() const { return status_json(agent_->status(), runtime_->unix_now(), started_); }

    Task<Result<Json>> work(AdminCall call) {
        std::string after = services::percent_decoded(services::query_of(call.target, "after"));
        CO_TRY(const node::WorkPage page, co_await node::read_work(runtime_, store_, std::move(after)));
        co_return to_json(page);
    }

    Task<Result<void>> change(std::string path, AdminCall call) {
        if (path == "/admin/drain") {
            const Json* now = call.body.find("now");
            const bool is_now = now != nullptr && now->get_bool() != nullptr && *now->get_bool();
            if (is_now) {
                co_return co_await agent_->drain_now();
            }
            co_return co_await agent_->drain();
        }
        if (path == "/admin/resume") {
            co_return co_await agent_->resume();
        }
        if (path == "/admin/maintenance/cancel") {
            co_return co_await agent_->cancel_maintenance();
        }
        if (path != "/admin/maintenance") co_return make_error(Errc::kNotFound, "no such call");
        CO_TRY(const node::Maintenance window, window_of(call.body));
        co_return co_await agent_->maintain(window);
    }

    static Result<node::Maintenance> window_of(const Json& body) {
        std::uint64_t from = 0;
        std::uint64_t to = 0;
        const Json* begin = body.find("from_ms");
        const Json* end = body.find("to_ms");
        const Json* category = body.find("category");
        if (begin == nullptr || !begin->get_u64(&from) || end == nullptr || !end->get_u64(&to)) {
            return make_error(Errc::kInvalid, "from_ms and to_ms are milliseconds since 1970");
        }
        node::Maintenance window{UnixMillis{from}, UnixMillis{to}, node::MaintenanceCategory::kOther};
        if (category != nullptr && category->get_string() != nullptr) {
            TRY(window.category, node::parse_maintenance_category(*category->get_string()));
        }
        return window;
    }

    Runtime* runtime_;
    ports::Store* store_;
    node::NodeAgent* agent_;
    UnixMillis started_;
};

Result<SecretBytes> owner_token(const std::string& state) {
    const std::string path = ops_token_path(state);
    if (!std::filesystem::exists(path)) {
        TRY_OK(cli::write_file(path, codec::to_hex(cli::random_bytes(kTokenBytes)) + "\n", 0600));
    }
    TRY(const std::string text, cli::read_file(path, 1024));
    return SecretBytes{Bytes{text.begin(), text.end()}};
}

void write_family(std::string* out, std::string_view name, std::string_view help) {
    *out += fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, help, name);
}

}  // namespace

std::string ops_facts_path(const std::string& state) {
    return state + "/ops.json";
}

std::string ops_token_path(const std::string& state) {
    return state + "/ops-token";
}

codec::Json to_json(const node::WorkEntry& entry) {
    const UsageReceipt& receipt = entry.receipt;
    return Json{JsonObject{{"job", codec::to_hex(receipt.job_id)},
                           {"kind", entry.is_step ? "step" : "model"},
                           {"acknowledged", entry.is_acknowledged},
                           {"scheduler", address_text(receipt.scheduler)},
                           {"unit", std::uint64_t{entry.origin.unit}},
                           {"gpu_mask", std::uint64_t{entry.origin.gpu_mask}},
                           {"amount_micro", receipt.amount.micro},
                           {"started_ms", receipt.started_at.count()},
                           {"finished_ms", receipt.finished_at.count()},
                           {"input_tokens", receipt.units.input},
                           {"output_tokens", receipt.units.output}}};
}

codec::Json to_json(const node::WorkPage& page) {
    JsonArray entries;
    for (const node::WorkEntry& entry : page.entries) entries.push_back(to_json(entry));
    return Json{JsonObject{{"entries", std::move(entries)}, {"next", page.next}}};
}

std::string unit_metrics(const node::NodeStatus& status, UnixMillis now) {
    std::string out;
    write_family(&out, "vcity_node_takes_work", "1 while the node takes new work");
    out += fmt::format("vcity_node_takes_work {}\n", status.takes_work ? 1 : 0);
    const auto of_units = [&](std::string_view name, std::string_view help, auto value) {
        if (status.units.empty()) return;
        write_family(&out, name, help);
        for (const node::UnitStatus& unit : status.units) {
            out += fmt::format("{}{{unit=\"{}\"}} {}\n", name, unit.offer.number, value(unit));
        }
    };
    constexpr double kMilli = 1000;
    of_units("vcity_node_unit_steps_running", "Steps that run on a unit",
             [](const node::UnitStatus& unit) { return unit.running; });
    of_units("vcity_node_unit_cores", "Cores that a unit offers",
             [](const node::UnitStatus& unit) { return unit.offer.cpu_milli / kMilli; });
    of_units("vcity_node_unit_cores_used", "Cores that the steps on a unit asked for",
             [](const node::UnitStatus& unit) { return unit.cpu_milli / kMilli; });
    of_units("vcity_node_unit_memory_used_mib", "Memory that the steps on a unit asked for",
             [](const node::UnitStatus& unit) { return unit.memory_mib; });
    of_units("vcity_node_unit_gpus", "GPUs that a unit offers",
             [](const node::UnitStatus& unit) { return unit.offer.gpus; });
    of_units("vcity_node_unit_gpus_used", "GPUs of a unit that steps hold",
             [](const node::UnitStatus& unit) { return __builtin_popcount(unit.gpu_mask); });
    const auto of_steps = [&](std::string_view name, std::string_view help, auto value) {
        if (status.steps.empty()) return;
        write_family(&out, name, help);
        for (const node::RunningStep& step : status.steps) {
            out += fmt::format("{}{{job=\"{}\",unit=\"{}\"}} {}\n", name, codec::to_hex(step.attempt), step.unit,
                               value(step));
        }
    };
    of_steps("vcity_node_step_seconds", "For how long a step has run", [now](const node::RunningStep& step) {
        const bool has_started = step.started_at.count() > 0 && now > step.started_at;
        return has_started ? static_cast<double>((now - step.started_at).count()) / kMilli : 0.0;
    });
    of_steps("vcity_node_step_output_bytes", "What a step has written so far",
             [](const node::RunningStep& step) { return step.output_bytes; });
    of_steps("vcity_node_step_hourly_usd", "What a step pays for an hour", [](const node::RunningStep& step) {
        constexpr double kMicro = 1'000'000;
        return static_cast<double>(step.hourly.micro) / kMicro;
    });
    return out;
}

Result<void> serve_owner(RoleHost* host, node::NodeAgent* agent, const NodeRunOptions& options) {
    TRY(SecretBytes token, owner_token(options.role.state));
    TRY(const Endpoint ops, parse_endpoint(options.role.ops));
    const bool is_any = ops.address == "0.0.0.0" || ops.address == "::";
    Json facts{JsonObject{{"url", fmt::format("http://{}:{}", is_any ? "127.0.0.1" : ops.address, host->ops_port())},
                          {"pid", static_cast<std::uint64_t>(::getpid())}}};
    TRY_OK(cli::write_file(ops_facts_path(options.role.state), codec::dump_json(facts) + "\n", 0600));
    const auto desk = std::make_shared<OwnerDesk>(host->runtime(), host->store(), agent);
    host->set_admin(std::move(token), [desk](AdminCall call) { return desk->answer(std::move(call)); });
    Runtime* runtime = host->runtime();
    host->add_metrics([agent, runtime] { return unit_metrics(agent->status(), runtime->unix_now()); });
    return {};
}

}  // namespace vcity::wiring
