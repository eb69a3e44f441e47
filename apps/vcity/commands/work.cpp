// SPDX-License-Identifier: Apache-2.0
// Jobs on units: orders, and what becomes of them.
#include <csignal>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include "cli/command.hpp"
#include "cli/job_follow.hpp"
#include "cli/job_spec.hpp"
#include "cli/job_view.hpp"
#include "codec/base64.hpp"
#include "wiring/api_client.hpp"
#include "wiring/file_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using std::chrono::milliseconds;

constexpr milliseconds kAskEvery{1000};
constexpr milliseconds kSignalEvery{100};
constexpr std::chrono::seconds kLostPatience{120};
constexpr std::size_t kOutputsAtOnce = 6;  // a key may send ten requests a second

// NOLINTNEXTLINE: only a signal handler can tell.
volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int /*signal*/) {
    interrupted = 1;
}

struct SubmitOptions {
    std::string file;
    std::string idempotency_key;
    std::string budget;
    std::uint64_t quote_id = 0;
    std::uint32_t hold_minutes = 0;
    bool is_dry_run = false;
    bool follows = false;
};
struct RunOptions {
    JobFlags flags;
    bool is_detached = false;
    bool is_dry_run = false;
};
struct JobName {
    std::string id;
    std::string step;
    bool follows = false;
    std::uint32_t limit = 20;
};

// Follows one job on the terminal: output lines on standard output, progress on standard error.
class Follower {
  public:
    Follower(adapters::AsioRuntime* runtime, wiring::ApiClient* client, Session* session, std::string id)
        : runtime_{runtime},
          client_{client},
          shows_output_{!session->output.is_json()},
          is_terminal_{isatty(STDERR_FILENO) != 0 && session->output.is_interactive()},
          id_{std::move(id)} {}

    // Only this step's output; empty: of all.
    void choose(std::string step) { step_ = std::move(step); }

    // The job once it has ended; kTimeout when the user interrupted.
    Task<Result<Json>> run() {
        TimePoint heard = runtime_->now();
        while (true) {
            Result<Json> job = co_await client_->get("/v1/jobs/" + id_);
            if (job) {
                heard = runtime_->now();
                CO_TRY_OK(co_await show(*job));
                if (job_has_ended(*job)) {
                    clear_line();
                    co_return job;
                }
            } else if (!is_passing(job.error()) || runtime_->now() - heard > kLostPatience) {
                clear_line();
                co_return job;
            }
            const bool was_interrupted = co_await pause();
            if (was_interrupted) {
                clear_line();
                co_return make_error(Errc::kTimeout, "interrupted");
            }
        }
    }

  private:
    static bool is_passing(const Error& error) {
        return error.code == Errc::kUnavailable || error.code == Errc::kTimeout || error.code == Errc::kExhausted;
    }

    Task<bool> pause() {
        const TimePoint end = runtime_->now() + kAskEvery;
        while (interrupted == 0 && runtime_->now() < end) {
            co_await runtime_->sleep_until(runtime_->now() + kSignalEvery);
        }
        co_return interrupted != 0;
    }

    // All that has been written so far, so that nothing is missing at the end.
    Task<Result<void>> show(Json job) {
        while (shows_output_ && interrupted == 0) {
            bool has_more = false;
            for (const std::string& step : cursor_.due(job, kOutputsAtOnce)) {
                if (!step_.empty() && step != step_ && step != step_ + "/0") continue;
                CO_TRY(const bool is_full, co_await show_output(step));
                has_more = has_more || is_full;
            }
            if (!has_more) break;
        }
        const std::string line = progress_line(job);
        if (is_terminal_) {
            fmt::print(stderr, "\r\033[K{}", line);
            std::fflush(stderr);
        } else if (line != last_line_) {
            fmt::print(stderr, "{}\n", line);
        }
        last_line_ = line;
        co_return Result<void>{};
    }

    // True when there may be more at once.
    Task<Result<bool>> show_output(std::string step) {
        const std::string path = fmt::format("/v1/jobs/{}/logs?step={}&offset={}", id_, step, cursor_.offset(step));
        Result<Json> output = co_await client_->get(path);
        if (!output && is_passing(output.error())) co_return false;
        if (!output) co_return std::move(output).error();
        cursor_.advance(step, *output);
        const bool is_bytes = text_member(*output, "encoding") == "base64";
        std::string text = text_member(*output, "data");
        if (is_bytes) {
            const Result<Bytes> bytes = codec::parse_base64(text, codec::Base64Alphabet::kStandard);
            text = bytes ? std::string{as_text(*bytes)} : "";
        }
        if (!text.empty()) print_lines(step, std::move(text));
        const Json* end = output->find("end");
        const bool is_end = end != nullptr && end->get_bool() != nullptr && *end->get_bool();
        if (is_end) print_rest(step);
        co_return !text_member(*output, "data").empty() && !is_end;
    }

    // Whole lines, each with its step in front when there are several.
    void print_lines(const std::string& step, std::string text) {
        std::string& kept = unfinished_[step];
        kept += text;
        std::size_t end = kept.find('\n');
        while (end != std::string::npos) {
            print_line(step, std::string_view{kept}.substr(0, end));
            kept.erase(0, end + 1);
            end = kept.find('\n');
        }
    }
    void print_rest(const std::string& step) {
        if (!unfinished_[step].empty()) print_line(step, unfinished_[step]);
        unfinished_[step].clear();
    }
    void print_line(const std::string& step, std::string_view line) {
        clear_line();
        if (step_.empty())
            fmt::print("{} | {}\n", step, line);
        else
            fmt::print("{}\n", line);
        std::fflush(stdout);
    }
    void clear_line() const {
        if (is_terminal_) fmt::print(stderr, "\r\033[K");
    }

    adapters::AsioRuntime* runtime_;
    wiring::ApiClient* client_;
    bool shows_output_;
    bool is_terminal_;
    std::string id_;
    std::string step_;
    OutputCursor cursor_;
    std::map<std::string, std::string> unfinished_;
    std::string last_line_;
};

void print_job(const Json& job, Session* session) {
    if (session->output.is_json()) return session->output.print(job);
    session->output.print(job_summary(job));
    session->output.print_text("\n");
    session->output.print(job_steps(job));
}

Result<Exit> follow(adapters::AsioRuntime* runtime, wiring::ApiClient* client, const JobName& name, Session* session) {
    std::signal(SIGINT, on_interrupt);
    Follower follower{runtime, client, session, name.id};
    follower.choose(name.step);
    const Result<Json> job = wiring::run_task(runtime, follower.run());
    if (interrupted != 0) {
        session->output.note(
            fmt::format("Stopped watching; the job goes on. Come back with\n"
                        "  vcity job status {0}     how far it is\n"
                        "  vcity job logs -f {0}    its output\n"
                        "  vcity job cancel {0}     stop it",
                        name.id));
        return Exit::kInterrupted;
    }
    if (!job) return job.error();
    if (session->output.is_json()) {
        session->output.print(*job);
    } else {
        const std::string error = text_member(*job, "error");
        session->output.note(fmt::format("{}: {}{}{}", text_member(*job, "state"), progress_line(*job),
                                         error.empty() ? "" : "; ", error));
    }
    return exit_of_job(*job);
}

// Large files of an order go to the gateway first.
FileUploader make_uploader(Session* session) {
    return [session](const std::string& path) -> Result<std::string> {
        adapters::AsioRuntime runtime;
        TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
        session->output.note("uploading " + path);
        TRY(const Json file, wiring::run_task(&runtime, wiring::upload_file(&runtime, client.get(), path, "job")));
        return text_member(file, "id");
    };
}

Result<Exit> place(Json spec, const SubmitOptions& options, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    const std::string path = options.is_dry_run ? "/v1/jobs?dry_run=1" : "/v1/jobs";
    TRY(const Json answer,
        wiring::run_task(&runtime, client->post_once(path, std::move(spec), options.idempotency_key)));
    if (options.is_dry_run) {
        session->output.print(answer);
        return Exit::kOk;
    }
    const std::string id = text_member(answer, "id");
    if (!options.follows) {
        print_job(answer, session);
        if (options.hold_minutes != 0) {
            session->output.note(
                fmt::format("Held for {} minutes. Order the work with\n  vcity job submit {} --quote {}\n"
                            "or give the units back with\n  vcity job cancel {}",
                            options.hold_minutes, options.file, number_member(answer, "quote_id"), id));
        }
        return Exit::kOk;
    }
    session->output.note("ordered " + id);
    return follow(&runtime, client.get(), {.id = id, .step = {}}, session);
}

Result<Exit> run_submit(const SubmitOptions& options, Session* session) {
    TRY(Json spec, load_job_spec(options.file, make_uploader(session)));
    if (options.quote_id != 0) spec.set("quote_id", options.quote_id);
    if (options.hold_minutes != 0) spec.set("hold_minutes", options.hold_minutes);
    if (!options.budget.empty()) spec.set("budget", options.budget);
    return place(std::move(spec), options, session);
}

Result<Exit> run_command(const RunOptions& options, Session* session) {
    TRY(Json spec, make_job_spec(options.flags, make_uploader(session)));
    return place(std::move(spec),
                 {.file = {},
                  .idempotency_key = {},
                  .budget = {},
                  .quote_id = 0,
                  .hold_minutes = 0,
                  .is_dry_run = options.is_dry_run,
                  .follows = !options.is_detached},
                 session);
}

Result<Json> get_once(const Session& session, const std::string& path) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session.settings));
    return wiring::run_task(&runtime, client->get(path));
}

Result<Exit> run_status(const JobName& name, Session* session) {
    if (name.follows) {
        adapters::AsioRuntime runtime;
        TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
        return follow(&runtime, client.get(), name, session);
    }
    TRY(const Json job, get_once(*session, "/v1/jobs/" + name.id));
    print_job(job, session);
    return text_member(job, "state") == "failed" ? Exit::kGeneral : Exit::kOk;
}

// One step's whole output so far.
Task<Result<std::string>> read_output(wiring::ApiClient* client, JobName name) {
    std::string all;
    std::uint64_t offset = 0;
    while (true) {
        const std::string path = fmt::format("/v1/jobs/{}/logs?step={}&offset={}", name.id, name.step, offset);
        CO_TRY(const Json part, co_await client->get(path));
        std::string text = text_member(part, "data");
        if (text_member(part, "encoding") == "base64") {
            CO_TRY(const Bytes bytes, codec::parse_base64(text, codec::Base64Alphabet::kStandard));
            text = as_text(bytes);
        }
        all += text;
        const std::uint64_t next = number_member(part, "next_offset");
        if (text.empty() || next <= offset) co_return all;
        offset = next;
    }
}

Result<Exit> run_logs(JobName name, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    if (name.follows) return follow(&runtime, client.get(), name, session);
    if (name.step.empty()) {
        TRY(const Json job, wiring::run_task(&runtime, client->get("/v1/jobs/" + name.id)));
        const Json* steps = job.find("steps");
        const bool is_one = steps != nullptr && steps->get_array() != nullptr && steps->get_array()->size() == 1;
        if (!is_one) {
            return make_error(Errc::kInvalid, fmt::format("this job has several steps: name one, such as "
                                                          "'vcity job logs {} frame/0'; 'vcity job status {}' lists "
                                                          "them, and -f shows the output of all",
                                                          name.id, name.id));
        }
        name.step = text_member(steps->get_array()->front(), "name");
    }
    TRY(const std::string output, wiring::run_task(&runtime, read_output(client.get(), name)));
    if (session->output.is_json()) {
        session->output.print(Json{codec::JsonObject{{"id", name.id}, {"step", name.step}, {"output", output}}});
    } else {
        session->output.print_text(output);
    }
    return Exit::kOk;
}

Result<Exit> run_explain(const JobName& name, Session* session) {
    TRY(const Json explanation, get_once(*session, "/v1/jobs/" + name.id + "/explain"));
    if (session->output.is_json()) {
        session->output.print(explanation);
        return Exit::kOk;
    }
    Table steps{.titles = {"Step", "State", "Node", "Why"}, .rows = {}};
    const Json* list = explanation.find("steps");
    if (list != nullptr && list->get_array() != nullptr) {
        for (const Json& step : *list->get_array()) {
            steps.rows.push_back({text_member(step, "name"), text_member(step, "state"), text_member(step, "node"),
                                  text_member(step, "reason")});
        }
    }
    session->output.print(steps);
    session->output.print_text("\n");
    session->output.print(job_history(explanation));
    return Exit::kOk;
}

Result<Exit> run_cancel(const JobName& name, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    TRY(const Json job, wiring::run_task(&runtime, client->remove("/v1/jobs/" + name.id)));
    print_job(job, session);
    return Exit::kOk;
}

Result<Exit> run_list(const JobName& name, Session* session) {
    TRY(const Json answer, get_once(*session, fmt::format("/v1/jobs?limit={}", name.limit)));
    if (session->output.is_json()) {
        session->output.print(answer);
        return Exit::kOk;
    }
    Table table{.titles = {"Job", "Name", "State", "Charged", "Budget"}, .rows = {}};
    const Json* data = answer.find("data");
    if (data != nullptr && data->get_array() != nullptr) {
        for (const Json& job : *data->get_array()) {
            table.rows.push_back({text_member(job, "id"), text_member(job, "name"), text_member(job, "state"),
                                  text_member(job, "charged"), text_member(job, "budget")});
        }
    }
    session->output.print(table);
    return Exit::kOk;
}

void add_flags(CLI::App* run, JobFlags* flags) {
    run->add_option("--name", flags->name, "for people")->capture_default_str();
    run->add_option("--count", flags->count, "equal steps; each learns its place from VCITY_INDEX and VCITY_COUNT")
        ->capture_default_str();
    run->add_option("--gpus", flags->accelerators, "GPUs of each step, e.g. H100:2 or any:1 (default: none)");
    run->add_option("--cpus", flags->cpus, "cores of each step")->capture_default_str();
    run->add_option("--memory-gb", flags->memory_gb, "memory of each step, GiB")->capture_default_str();
    run->add_option("--disk-gb", flags->disk_gb, "working space of each step, GiB")->capture_default_str();
    run->add_option("--seconds-max", flags->seconds_max, "an attempt that runs longer is stopped")
        ->capture_default_str();
    run->add_option("--retries", flags->retries, "attempts after the first")->capture_default_str();
    run->add_option("--budget", flags->budget, "USD that the job may cost at most")->capture_default_str();
    run->add_option("--class", flags->service_class, "best_effort, standard or critical")->capture_default_str();
    run->add_option("--env", flags->environment, "NAME=value (repeat)");
    run->add_option("--input", flags->inputs, "a file for the working directory (repeat)");
    run->add_flag("--keep-files", flags->keeps_files, "keep what it leaves in /job/out: vcity job fetch brings it");
    run->add_option("--region", flags->regions, "where it may run (repeat; default: anywhere)");
    run->add_option("command", flags->command, "program and arguments, behind --")->required();
}

void add_orders(CLI::App* noun, Commands* commands) {
    auto submit_options = std::make_shared<SubmitOptions>();
    CLI::App* submit = noun->add_subcommand("submit", "order the job that a file describes (docs/api/jobs.md)");
    submit->add_option("spec", submit_options->file, "JSON file; - for standard input")->required();
    submit->add_flag("--dry-run", submit_options->is_dry_run, "only tell what it would cost and where it would run");
    submit->add_option("--quote", submit_options->quote_id, "quote_id of a dry run whose price must hold");
    submit->add_flag("--follow", submit_options->follows, "show output and progress until it has ended");
    submit->add_option("--idempotency-key", submit_options->idempotency_key, "the same key never orders a second job");
    commands->on(submit, [submit_options](Session* session) { return run_submit(*submit_options, session); });

    auto reserve_options = std::make_shared<SubmitOptions>();
    CLI::App* reserve = noun->add_subcommand(
        "reserve", "hold the units that the job of a file needs, at today's prices, paid for whether used or not");
    reserve->add_option("spec", reserve_options->file, "JSON file; - for standard input")->required();
    reserve->add_option("--minutes", reserve_options->hold_minutes, "for so long at most")
        ->required()
        ->check(CLI::Range(1, 43'199));
    reserve->add_option("--budget", reserve_options->budget, "USD that holding may cost (default: the file's)");
    reserve->add_option("--quote", reserve_options->quote_id, "quote_id of a dry run whose price must hold");
    reserve->add_flag("--dry-run", reserve_options->is_dry_run, "only tell what it would cost and where it would be");
    reserve->add_option("--idempotency-key", reserve_options->idempotency_key, "the same key never reserves twice");
    commands->on(reserve, [reserve_options](Session* session) { return run_submit(*reserve_options, session); });

    auto run_options = std::make_shared<RunOptions>();
    CLI::App* run = noun->add_subcommand("run", "run one command on the network: vcity job run -- sh -c 'echo hi'");
    add_flags(run, &run_options->flags);
    run->add_flag("--dry-run", run_options->is_dry_run, "only tell what it would cost and where it would run");
    run->add_flag("--detach", run_options->is_detached, "do not wait for it");
    commands->on(run, [run_options](Session* session) { return run_command(*run_options, session); });
}

CLI::App* add_verb(CLI::App* noun, const char* verb, const char* what, JobName* name) {
    CLI::App* command = noun->add_subcommand(verb, what);
    command->add_option("id", name->id, "job-...")->required();
    return command;
}

}  // namespace

void add_logs_command(CLI::App* root, Commands* commands) {
    auto name = std::make_shared<JobName>();
    CLI::App* logs = add_verb(root, "logs", "what a step of a job has written; as job logs", name.get());
    logs->add_option("step", name->step, "e.g. main or frame/3; without it the job's only step, or all with -f");
    logs->add_flag("-f,--follow", name->follows, "until the job has ended");
    commands->on(logs, [name](Session* session) { return run_logs(*name, session); });
}

Result<Exit> follow_job(const std::string& id, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    return follow(&runtime, client.get(), {.id = id, .step = {}}, session);
}

void add_work_commands(CLI::App* noun, Commands* commands) {
    add_orders(noun, commands);
    auto name = std::make_shared<JobName>();
    CLI::App* status = add_verb(noun, "status", "steps, nodes, cost so far", name.get());
    status->add_flag("-f,--follow", name->follows, "until it has ended");
    commands->on(status, [name](Session* session) { return run_status(*name, session); });
    CLI::App* logs = add_verb(noun, "logs", "what a step has written", name.get());
    logs->add_option("step", name->step, "e.g. main or frame/3; without it the job's only step, or all with -f");
    logs->add_flag("-f,--follow", name->follows, "until the job has ended");
    commands->on(logs, [name](Session* session) { return run_logs(*name, session); });
    CLI::App* explain = add_verb(noun, "explain", "why each step went where it did, or why nowhere", name.get());
    commands->on(explain, [name](Session* session) { return run_explain(*name, session); });
    CLI::App* cancel = add_verb(noun, "cancel", "stop it; what its steps used by then is charged", name.get());
    commands->on(cancel, [name](Session* session) { return run_cancel(*name, session); });
    CLI::App* list = noun->add_subcommand("list", "jobs that this API key ordered, the newest first");
    list->add_option("--limit", name->limit, "rows at most")->capture_default_str()->check(CLI::Range(1, 100));
    commands->on(list, [name](Session* session) { return run_list(*name, session); });
}

}  // namespace vcity::cli
