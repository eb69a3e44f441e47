// SPDX-License-Identifier: Apache-2.0
// Apps on the network: ordered, ended, counted.
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include "cli/app_file.hpp"
#include "cli/command.hpp"
#include "cli/job_follow.hpp"
#include "cli/job_view.hpp"
#include "upload/file_form.hpp"
#include "wiring/api_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::size_t kInlineBytesMax = 64U << 10U;      // of one file
constexpr std::size_t kInlineTotalBytesMax = 1U << 20U;  // of all; what is more goes through /v1/files
constexpr std::chrono::seconds kLookEvery{1};
constexpr std::chrono::minutes kStartPatience{10};
constexpr std::chrono::hours kUploadPatience{1};
constexpr std::string_view kDeployments = "/api/v1/deployments/";
constexpr std::string_view kJobsPath = "/v1/jobs?limit=100";

struct UpWords {
    AppQuestion question;
    bool is_dry_run = false;
    bool is_detached = false;
};
struct DownWords {
    std::string name;
};

bool is_service(const LoadedApp& loaded) {
    return loaded.spec.kind == app::AppKind::kPod || loaded.spec.kind == app::AppKind::kServe ||
           loaded.spec.kind == app::AppKind::kEnterprise;
}

const codec::JsonArray& list_of(const Json& answer, std::string_view name) {
    static const codec::JsonArray kNone;
    const Json* list = answer.find(name);
    return list == nullptr || list->get_array() == nullptr ? kNone : *list->get_array();
}

// Null when there is none.
Result<Json> find_deployment(wiring::ApiClient* client, adapters::AsioRuntime* runtime, const std::string& name) {
    Result<Json> found = wiring::run_task(runtime, client->get(std::string{kDeployments} + name));
    if (!found && found.error().code == Errc::kNotFound) return Json{};
    return found;
}

// One order of an app, with the connection that it needs.
class Order {
  public:
    Order(wiring::ApiClient* client, adapters::AsioRuntime* runtime, LoadedApp* loaded, Session* session)
        : client_{client}, runtime_{runtime}, loaded_{loaded}, session_{session} {}

    // A running service of the same name would make `vcity down NAME` ambiguous.
    Result<void> check_name() {
        if (!is_service(*loaded_)) return {};
        if (app::is_deployment(loaded_->spec)) {
            TRY(const Json known, deployment(loaded_->order.spec.name));
            if (known.is_null()) return {};
            return make_error(Errc::kConflict,
                              fmt::format("{0} is up already; 'vcity deploy update' changes it, 'vcity "
                                          "down {0}' ends it",
                                          loaded_->order.spec.name));
        }
        TRY(const Json jobs, wiring::run_task(runtime_, client_->get(std::string{kJobsPath})));
        for (const Json& job : list_of(jobs, "data")) {
            const bool is_same = text_member(job, "name") == loaded_->order.spec.name;
            if (!is_same || text_member(job, "state") != "active") continue;
            return make_error(Errc::kConflict,
                              fmt::format("{} is up already ({}); 'vcity down {}' ends it", loaded_->order.spec.name,
                                          text_member(job, "id"), loaded_->order.spec.name));
        }
        return {};
    }

    // A deployment of this name, or null.
    Result<Json> deployment(const std::string& name) { return find_deployment(client_, runtime_, name); }

    Result<Json> deploy() {
        return wiring::run_task(
            runtime_, client_->post("/api/v1/deployments", app::deployment_json(loaded_->spec, loaded_->order)));
    }
    Task<Result<Json>> wait_until_serving(std::string name) {
        const TimePoint deadline = runtime_->now() + kStartPatience;
        const std::string path = std::string{kDeployments} + name;
        std::string last;
        while (true) {
            CO_TRY(const Json deployment, co_await client_->get(path));
            const std::string state = text_member(deployment, "state");
            if (state == "Running" || state == "Failed") co_return deployment;
            const std::string line = state + " " + text_member(deployment, "reason");
            if (line != last) session_->output.note(line);
            last = line;
            if (runtime_->now() >= deadline) {
                co_return make_error(Errc::kTimeout,
                                     fmt::format("{} is not ready after {} minutes; 'vcity deploy events "
                                                 "{}' says why",
                                                 name, kStartPatience.count(), name));
            }
            co_await runtime_->sleep_until(runtime_->now() + kLookEvery);
        }
    }

    // Files do not change the price, so they stay here until the customer has agreed.
    Result<Json> quote() {
        app::AppOrder bare = loaded_->order;
        for (app::Attachment& attachment : bare.attachments) attachment.content.clear();
        return wiring::run_task(runtime_, client_->post("/v1/jobs?dry_run=1", app::order_json(bare)));
    }

    Result<void> upload() {
        std::size_t inline_bytes = 0;
        for (app::Attachment& attachment : loaded_->order.attachments) {
            const std::size_t bytes = attachment.content.size() * attachment.groups.size();
            const bool is_small = attachment.content.size() <= kInlineBytesMax;
            if (is_small && inline_bytes + bytes <= kInlineTotalBytesMax) {
                inline_bytes += bytes;
                continue;
            }
            session_->output.note(
                fmt::format("sending {} ({} bytes)", attachment.file.path, attachment.content.size()));
            upload::FileForm form{attachment.file.name, "job", attachment.content};
            TRY(const Json file, wiring::run_task(runtime_, client_->upload("/v1/files", form.content_type(), &form,
                                                                            runtime_->now() + kUploadPatience)));
            attachment.file_id = text_member(file, "id");
            if (attachment.file_id.empty()) return make_error(Errc::kCorrupt, "the gateway gave the file no id");
        }
        return {};
    }

    Result<Json> submit(std::uint64_t quote_id) {
        Json body = app::order_json(loaded_->order);
        if (quote_id != 0) body.set("quote_id", quote_id);
        return wiring::run_task(runtime_, client_->post("/v1/jobs", std::move(body)));
    }

    // The job once all its steps run, or some have ended.
    Task<Result<Json>> wait_until_up(std::string id) {
        const TimePoint deadline = runtime_->now() + kStartPatience;
        std::string last;
        while (true) {
            CO_TRY(const Json job, co_await client_->get("/v1/jobs/" + id));
            const Json* progress = job.find("progress");
            const bool is_up =
                progress != nullptr && number_member(*progress, "running") == number_member(*progress, "total");
            if (is_up || job_has_ended(job)) co_return job;
            const std::string line = progress_line(job);
            if (line != last) session_->output.note(line);
            last = line;
            if (runtime_->now() >= deadline) {
                co_return make_error(Errc::kTimeout,
                                     fmt::format("{} is not up after {} minutes; 'vcity job explain {}' says why", id,
                                                 kStartPatience.count(), id));
            }
            co_await runtime_->sleep_until(runtime_->now() + kLookEvery);
        }
    }

    adapters::AsioRuntime* runtime() const { return runtime_; }

  private:
    wiring::ApiClient* client_;
    adapters::AsioRuntime* runtime_;
    LoadedApp* loaded_;
    Session* session_;
};

bool can_ask() {
    return isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
}

Result<void> ask(const LoadedApp& loaded, const Json& quote) {
    fmt::print(stderr, "Order {}: {} dollars an hour while all of it runs, never more than {} in all? [y/N] ",
               loaded.order.spec.name, text_member(quote, "hourly"), to_string(loaded.order.budget));
    std::string answer;
    std::getline(std::cin, answer);
    if (answer == "y" || answer == "Y" || answer == "yes") return {};
    return make_error(Errc::kInvalid, "not ordered");
}

void tell_ways_in(const std::string& id, const LoadedApp& loaded, Session* session) {
    for (const StepGroup& group : loaded.order.spec.groups) {
        if (loaded.spec.kind == app::AppKind::kPod) session->output.note(fmt::format("  vcity ssh {}", id));
        for (const StepPort& port : group.setup.ports) {
            session->output.note(
                fmt::format("  vcity port-forward {} {}:{}    {}", id, port.port, port.port, port.name));
        }
    }
    session->output.note(fmt::format("  vcity down {}    ends it", loaded.order.spec.name));
}

Result<void> ask_deployment(const LoadedApp& loaded) {
    fmt::print(stderr, "Deploy {}: never more than {} dollars in all? [y/N] ", loaded.order.spec.name,
               to_string(loaded.order.budget));
    std::string answer;
    std::getline(std::cin, answer);
    if (answer == "y" || answer == "Y" || answer == "yes") return {};
    return make_error(Errc::kInvalid, "not ordered");
}

// Replicas come and go, so what is told is the most that one of them costs, and the budget.
Result<Exit> deploy(const LoadedApp& loaded, Order* work, bool is_detached, Session* session) {
    const std::string& name = loaded.order.spec.name;
    const Usd hourly = loaded.order.spec.hourly_max.value_or(Usd{});
    session->output.note(fmt::format("a replica costs {} dollars an hour at most", to_string(hourly)));
    if (!session->assume_yes) {
        TRY_OK(ask_deployment(loaded));
    }
    TRY_OK(work->upload());
    TRY(Json shown, work->deploy());
    if (!is_detached) {
        TRY(shown, wiring::run_task(work->runtime(), work->wait_until_serving(name)));
    }
    session->output.print(shown);
    session->output.note(fmt::format("{} is {}: {}", name, text_member(shown, "state"), text_member(shown, "url")));
    session->output.note(fmt::format("  vcity down {}    ends it", name));
    return text_member(shown, "state") == "Failed" ? Exit::kGeneral : Exit::kOk;
}

Result<Exit> order(LoadedApp loaded, const UpWords& words, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    Order work{client.get(), &runtime, &loaded, session};
    if (!words.is_dry_run) {
        TRY_OK(work.check_name());
    }
    if (!words.is_dry_run && app::is_deployment(loaded.spec)) return deploy(loaded, &work, words.is_detached, session);
    TRY(const Json quote, work.quote());
    if (words.is_dry_run) {
        session->output.print(quote);
        return Exit::kOk;
    }
    session->output.note(text_member(quote, "text"));
    if (!session->assume_yes) {
        TRY_OK(ask(loaded, quote));
    }
    TRY_OK(work.upload());
    TRY(const Json job, work.submit(number_member(quote, "quote_id")));
    const std::string id = text_member(job, "id");
    session->output.note("ordered " + id);
    if (words.is_detached) {
        session->output.print(job);
        return Exit::kOk;
    }
    if (!is_service(loaded)) return follow_job(id, session);
    TRY(const Json up, wiring::run_task(&runtime, work.wait_until_up(id)));
    if (session->output.is_json()) session->output.print(up);
    if (job_has_ended(up)) {
        session->output.note(fmt::format("{}: {}", text_member(up, "state"), text_member(up, "error")));
        return exit_of_job(up);
    }
    session->output.note(fmt::format("{} is up: {}", loaded.order.spec.name, progress_line(up)));
    tell_ways_in(id, loaded, session);
    return Exit::kOk;
}

Result<Exit> run_up(const UpWords& words, Session* session) {
    TRY(LoadedApp loaded, load_app(words.question));
    if (!loaded.problems.empty()) {
        fmt::print(stderr, "{}", problem_lines(loaded));
        return Exit::kUsage;
    }
    for (const std::string& note : loaded.notes) session->output.note("note: " + note);
    if (!words.is_dry_run && !session->assume_yes && !can_ask()) {
        return make_error(Errc::kInvalid,
                          "nobody can be asked here: say --yes to order it, or --dry-run for its price");
    }
    return order(std::move(loaded), words, session);
}

Result<Exit> run_down(const DownWords& words, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    std::vector<std::string> ids;
    if (!words.name.starts_with("job-")) {
        TRY(const Json deployment, find_deployment(client.get(), &runtime, words.name));
        if (!deployment.is_null()) {
            TRY_OK(wiring::run_task(&runtime, client->remove(std::string{kDeployments} + words.name)));
            session->output.print(Table{
                .titles = {"Deployment", "Name", "State", "Charged"},
                .rows = {{text_member(deployment, "id"), words.name, "ending", text_member(deployment, "charged")}}});
            return Exit::kOk;
        }
    }
    if (words.name.starts_with("job-")) {
        ids.push_back(words.name);
    } else {
        TRY(const Json jobs, wiring::run_task(&runtime, client->get(std::string{kJobsPath})));
        for (const Json& job : list_of(jobs, "data")) {
            const bool is_it = text_member(job, "name") == words.name && text_member(job, "state") == "active";
            if (is_it) ids.push_back(text_member(job, "id"));
        }
    }
    if (ids.empty()) return make_error(Errc::kNotFound, fmt::format("nothing of the name {} is up", words.name));
    Table table{.titles = {"Job", "Name", "State", "Charged"}, .rows = {}};
    for (const std::string& id : ids) {
        TRY(const Json job, wiring::run_task(&runtime, client->remove("/v1/jobs/" + id)));
        table.rows.push_back({id, text_member(job, "name"), text_member(job, "state"), text_member(job, "charged")});
    }
    session->output.print(table);
    return Exit::kOk;
}

// What runs now costs an hour.
Usd running_hourly(const Json& job) {
    Usd sum;
    for (const Json& step : list_of(job, "steps")) {
        const Result<Usd> hourly = parse_usd(text_member(step, "hourly"));
        if (text_member(step, "state") == "running" && hourly) sum.micro += hourly->micro;
    }
    return sum;
}

Result<Exit> run_cost(const DownWords& words, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    TRY(const Json jobs, wiring::run_task(&runtime, client->get(std::string{kJobsPath})));
    Table table{.titles = {"Name", "Job", "State", "Charged", "Hourly", "Budget"}, .rows = {}};
    Usd charged;
    Usd hourly;
    for (const Json& noted : list_of(jobs, "data")) {
        if (!words.name.empty() && text_member(noted, "name") != words.name) continue;
        Json job = noted;
        // The list has what was last seen; of what is up the newest counts.
        if (text_member(noted, "state") == "active") {
            TRY(job, wiring::run_task(&runtime, client->get("/v1/jobs/" + text_member(noted, "id"))));
        }
        const Usd now = running_hourly(job);
        const Result<Usd> cost = parse_usd(text_member(job, "charged"));
        if (cost) charged.micro += cost->micro;
        hourly.micro += now.micro;
        table.rows.push_back({text_member(job, "name"), text_member(job, "id"), text_member(job, "state"),
                              text_member(job, "charged"), to_string(now), text_member(job, "budget")});
    }
    table.rows.push_back({"total", "", "", to_string(charged), to_string(hourly), ""});
    session->output.print(table);
    return Exit::kOk;
}

}  // namespace

void add_up_commands(CLI::App* root, Commands* commands) {
    auto up_words = std::make_shared<UpWords>();
    CLI::App* up = root->add_subcommand("up", "orders the app of a file, after telling its price (docs/apps.md)");
    up->add_option("file", up_words->question.path, "app.yaml")->required();
    up->add_option("--set", up_words->question.answers, "KEY=value for the app's template (repeat)");
    up->add_flag("--dry-run", up_words->is_dry_run, "only tell what it would cost and where it would run");
    up->add_flag("--detach", up_words->is_detached, "do not wait for it");
    commands->on(up, [up_words](Session* session) { return run_up(*up_words, session); });

    auto words = std::make_shared<DownWords>();
    CLI::App* down = root->add_subcommand("down", "ends an app: what it used by then is charged");
    down->add_option("name", words->name, "its name, or job-...")->required();
    commands->on(down, [words](Session* session) { return run_down(*words, session); });
    CLI::App* cost = root->add_subcommand("cost", "what apps and jobs of this API key cost so far, and an hour now");
    cost->add_option("name", words->name, "of this name only");
    commands->on(cost, [words](Session* session) { return run_cost(*words, session); });
}

}  // namespace vcity::cli
