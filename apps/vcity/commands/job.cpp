// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.hpp"
#include "wiring/api_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct JobOptions {
    std::string id;
    std::string wait_for;
    std::uint32_t timeout_seconds = 60;
};

constexpr Duration kAskEvery = std::chrono::milliseconds{300};

std::string state_of(const Json& job) {
    const Json* state = job.find("state");
    return state == nullptr || state->get_string() == nullptr ? "" : *state->get_string();
}

bool has_ended(const std::string& state) {
    return state == "settled" || state == "failed" || state == "rejected";
}

Task<Result<Json>> fetch(wiring::ApiClient* client, std::string id) {
    CO_TRY(const Json answer, co_await client->get("/v1/generation?id=" + id));
    const Json* data = answer.find("data");
    if (data == nullptr || !data->is_object()) co_return make_error(Errc::kCorrupt, "the gateway sent no job");
    co_return *data;
}

Task<Result<Json>> fetch_when(adapters::AsioRuntime* runtime, wiring::ApiClient* client, JobOptions options) {
    const TimePoint deadline = runtime->now() + std::chrono::seconds{options.timeout_seconds};
    while (true) {
        CO_TRY(const Json job, co_await fetch(client, options.id));
        const std::string state = state_of(job);
        if (options.wait_for.empty() || state == options.wait_for || has_ended(state)) co_return job;
        if (runtime->now() >= deadline) {
            co_return make_error(Errc::kTimeout,
                                 fmt::format("the job is still {} after {} s", state, options.timeout_seconds));
        }
        co_await runtime->sleep_until(runtime->now() + kAskEvery);
    }
}

void add_row(const Json& object, const char* name, const std::string& title, Table* table) {
    const Json* value = object.find(name);
    if (value == nullptr || value->is_null()) return;
    table->rows.push_back({title, value->get_string() != nullptr ? *value->get_string() : codec::dump_json(*value)});
}

void add_part(const Json& job,
              const char* part,
              const std::vector<std::pair<const char*, std::string>>& rows,
              Table* table) {
    const Json* object = job.find(part);
    if (object == nullptr || !object->is_object()) return;
    for (const auto& [name, title] : rows) add_row(*object, name, title, table);
}

Table job_table(const Json& job) {
    Table table{.titles = {"", ""}, .rows = {}};
    add_row(job, "id", "request", &table);
    add_row(job, "model", "model", &table);
    add_row(job, "state", "state", &table);
    add_row(job, "node", "node", &table);
    add_part(job, "placement", {{"reason", "why this node"}}, &table);
    add_part(job, "usage", {{"prompt_tokens", "tokens in"}, {"completion_tokens", "tokens out"}}, &table);
    add_row(job, "quote", "quoted (USD)", &table);
    add_row(job, "cost", "charged (USD)", &table);
    add_part(job, "receipt", {{"hash", "receipt"}}, &table);
    add_part(job, "verdict", {{"outcome", "verifier says"}, {"reason", "because"}, {"verifier", "verifier"}}, &table);
    add_part(job, "batch", {{"index", "batch"}, {"transaction", "settled by"}}, &table);
    add_part(job, "error", {{"message", "error"}}, &table);
    return table;
}

Result<Exit> run_show(const JobOptions& options, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    TRY(const Json job, wiring::run_task(&runtime, fetch_when(&runtime, client.get(), options)));
    if (session->output.is_json()) {
        session->output.print(job);
    } else {
        session->output.print(job_table(job));
    }
    const std::string state = state_of(job);
    if (!options.wait_for.empty() && state != options.wait_for)
        return state == "rejected" ? Exit::kVerification : Exit::kGeneral;
    return Exit::kOk;
}

}  // namespace

void add_job_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<JobOptions>();
    CLI::App* job = root->add_subcommand("job", "jobs on units of the network, and what became of a model call");
    job->require_subcommand(1);
    CLI::App* show =
        job->add_subcommand("show", "of a model call: node and why, tokens, price, receipt, verdict, settlement");
    show->add_option("id", options->id, "id of the answer, e.g. chatcmpl-...")->required();
    show->add_option("--wait", options->wait_for, "wait until the job is in this state or has ended")
        ->check(CLI::IsMember({"delivered", "batched", "settled", "failed", "rejected"}));
    show->add_option("--timeout", options->timeout_seconds, "seconds to wait at most");
    commands->on(show, [options](Session* session) { return run_show(*options, session); });
    add_work_commands(job, commands);
    add_job_file_commands(job, commands);
}

}  // namespace vcity::cli
