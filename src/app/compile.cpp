// SPDX-License-Identifier: Apache-2.0
#include "app/compile.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "app/compile_parts.hpp"
#include "app/scripts.hpp"
#include "work/spec_check.hpp"

namespace vcity::app {
namespace {

std::string group_name(AppKind kind) {
    return kind == AppKind::kTask ? "main" : std::string{to_string(kind)};
}

class Compiler {
  public:
    Compiler(const AppSpec& app, const CompileInput& input) : app_{app}, input_{input} {}

    std::variant<AppOrder, Problem> compile() {
        base_ = app_.group;
        base_.name = group_name(app_.kind);
        // A service that is told to stop and one whose time is over end alike.
        if (app_.stop_seconds) base_.seconds_max = *app_.stop_seconds;
        order_.spec = app_.terms;
        order_.budget = app_.budget;
        order_.deadline_minutes = app_.deadline_minutes;
        if (auto problem = add_variables()) return *problem;
        if (auto problem = add_answers()) return *problem;
        add_groups();
        if (auto problem = add_budget()) return *problem;
        const Result<void> good = work::check(order_.spec);
        if (!good) return Problem{app_.kind_place, "", good.error().message};
        return std::move(order_);
    }

  private:
    std::optional<Problem> add_variables() {
        for (const Variable& variable : app_.variables) {
            std::optional<std::string> value = variable.value;
            if (!value) {
                const auto own = input_.environment.find(variable.name);
                if (own == input_.environment.end()) {
                    return Problem{variable.place, (variable.is_secret ? "secrets." : "envs.") + variable.name,
                                   "has no value, and your environment has no such variable"};
                }
                value = own->second;
            }
            base_.environment.push_back(variable.name + "=" + *value);
        }
        if (!app_.ssh_key.empty()) {
            const std::string& key = input_.ssh_key.empty() ? app_.ssh_key : input_.ssh_key;
            if (!key.starts_with("ssh-") && !key.starts_with("ecdsa-") && !key.starts_with("sk-")) {
                return Problem{app_.kind_place, "ssh_key",
                               "must be a public key such as 'ssh-ed25519 AAAA...', or the file of one"};
            }
            base_.environment.push_back("VCITY_SSH_KEY=" + key);
        }
        return std::nullopt;
    }

    std::optional<Problem> add_answers() {
        for (const auto& [key, value] : input_.answers) {
            if (std::ranges::find(app_.inputs, key, &TemplateInput::key) == app_.inputs.end()) {
                return Problem{{}, "template.inputs", fmt::format("there is no input '{}' to set", key)};
            }
        }
        for (const TemplateInput& input : app_.inputs) {
            const std::string field = "template.inputs." + input.key;
            const auto answer = input_.answers.find(input.key);
            std::optional<std::string> value = input.preset;
            if (answer != input_.answers.end()) value = answer->second;
            if (!value && input.is_required) {
                return Problem{input.place, field, fmt::format("is required: give it with --set {}=...", input.key)};
            }
            if (!value) continue;
            const bool is_flag = *value == "true" || *value == "false";
            const bool is_number = !value->empty() && value->find_first_not_of("-0123456789.") == std::string::npos;
            const bool is_choice = std::ranges::find(input.choices, *value) != input.choices.end();
            if (input.type == "flag" && !is_flag) return Problem{input.place, field, "must be true or false"};
            if (input.type == "number" && !is_number) return Problem{input.place, field, "must be a number"};
            if (input.type == "choice" && !is_choice) {
                return Problem{input.place, field, fmt::format("must be one of {}", fmt::join(input.choices, ", "))};
            }
            base_.environment.push_back(input.key + "=" + *value);
        }
        return std::nullopt;
    }

    void add_groups() {
        const detail::Parts parts{&app_, &base_, input_.seed, &order_};
        switch (app_.kind) {
            case AppKind::kTask: add_task(); break;
            case AppKind::kPod: add_pod(); break;
            case AppKind::kServe: add_serve(); break;
            case AppKind::kEnterprise: add_enterprise(); break;
            case AppKind::kFinetune: detail::add_finetune(parts); break;
            case AppKind::kBatch: detail::add_batch(parts); break;
            case AppKind::kRender: detail::add_render(parts); break;
            case AppKind::kGenerate: detail::add_generate(parts); break;
        }
        if (app_.files.empty()) return;
        for (const AppFile& file : app_.files) {
            Attachment attachment{
                .groups = {}, .file = file, .is_requests = false, .is_chat = false, .content = {}, .file_id = {}};
            for (const StepGroup& group : order_.spec.groups) attachment.groups.push_back(group.name);
            order_.attachments.push_back(std::move(attachment));
        }
    }

    void add_command(StepGroup* group) const {
        if (!app_.run.empty()) {
            group->command = setup_and_run(app_.setup, app_.run);
        } else if (!app_.setup.empty()) {
            group->command = setup_and_run(app_.setup, stay().back());
        }
    }

    void add_task() {
        StepGroup group = base_;
        add_command(&group);
        group.count = app_.nodes;
        group.is_gang = app_.nodes > 1;
        order_.spec.groups.push_back(std::move(group));
    }

    void add_pod() {
        StepGroup group = base_;
        group.count = app_.nodes;
        group.setup.is_service = true;
        if (app_.has_notebook) {
            constexpr std::uint16_t kPort = 8888;
            const bool has_port =
                std::ranges::find(group.setup.ports, kPort, &StepPort::port) != group.setup.ports.end();
            if (!has_port) group.setup.ports.push_back({.name = "notebook", .port = kPort});
            group.command = setup_and_run(
                app_.setup,
                "exec jupyter lab --no-browser --ip=127.0.0.1 --port=8888 --notebook-dir=/job --allow-root");
        } else {
            add_command(&group);
            if (group.command.empty() && group.setup.image.empty()) group.command = stay();
        }
        order_.spec.groups.push_back(std::move(group));
    }

    // One group with one step: what every replica runs.
    void add_serve() {
        StepGroup group = base_;
        add_command(&group);
        group.setup.is_service = true;
        order_.spec.groups.push_back(std::move(group));
    }

    void add_enterprise() {
        const auto& part = std::get<EnterprisePart>(app_.part);
        StepGroup group = base_;
        add_command(&group);
        group.setup.is_service = true;
        order_.spec.kind = NodeKind::kStable;
        if (order_.spec.service_class == ServiceClass::kStandard) order_.spec.service_class = ServiceClass::kCritical;
        if (!part.endpoint.empty() && !group.setup.ports.empty()) group.setup.ports.front().name = part.endpoint;
        order_.spec.groups.push_back(std::move(group));
    }

    // Without a budget of its own: what all steps cost when each runs once to its limit at the highest price.
    std::optional<Problem> add_budget() {
        if (order_.budget.micro != 0) {
            add_hourly();
            return std::nullopt;
        }
        std::uint64_t seconds = 0;
        for (const StepGroup& group : order_.spec.groups) seconds += std::uint64_t{group.count} * group.seconds_max;
        const std::uint64_t hourly = order_.spec.hourly_max ? order_.spec.hourly_max->micro : 0;
        const Result<std::uint64_t> micro = mul_div_ceil(hourly, seconds, 3600);
        if (!micro || *micro == 0) return Problem{app_.kind_place, "budget", "is missing"};
        order_.budget.micro = *micro;
        order_.notes.push_back(
            fmt::format("budget: {} dollars, as max_hourly_cost and the times allow", to_string(order_.budget)));
        return std::nullopt;
    }

    // Of what runs until its budget is spent somebody must say how fast that may be.
    void add_hourly() {
        const auto* serve = std::get_if<ServePart>(&app_.part);
        const auto* enterprise = std::get_if<EnterprisePart>(&app_.part);
        if ((serve == nullptr && enterprise == nullptr) || order_.spec.hourly_max) return;
        constexpr std::uint64_t kDayHours = 24;
        const std::uint64_t replicas = serve != nullptr ? serve->scale_max : enterprise->nodes;
        order_.spec.hourly_max = Usd{std::max<std::uint64_t>(1, order_.budget.micro / (kDayHours * replicas))};
        order_.notes.push_back(fmt::format("max_hourly_cost: {} dollars for a replica, so that the budget lasts a day",
                                           to_string(*order_.spec.hourly_max)));
    }

    const AppSpec& app_;
    const CompileInput& input_;
    StepGroup base_;
    AppOrder order_;
};

}  // namespace

std::variant<AppOrder, Problem> compile(const AppSpec& app, const CompileInput& input) {
    return Compiler{app, input}.compile();
}

}  // namespace vcity::app
