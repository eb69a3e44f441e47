// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "app/app_spec.hpp"
#include "app/fields.hpp"
#include "app/reader.hpp"
#include "work/spec_check.hpp"

namespace vcity::app {
namespace {

using Limits = work::SpecLimits;

constexpr std::array<std::string_view, 8> kKindNames{"task",  "pod",    "serve",    "finetune",
                                                     "batch", "render", "generate", "enterprise"};
constexpr std::uint32_t kDeadlineSecondsMax = 90U * 24U * 3600U;

bool is_variable(std::string_view name) {
    return !name.empty() && (name.front() < '0' || name.front() > '9') && std::ranges::all_of(name, [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
               (character >= '0' && character <= '9') || character == '_';
    });
}

class Reader {
  public:
    Reader(const Node& root, AppReading* reading) : reading_{reading}, fields_{root, "", &reading->problems} {}

    AppSpec read() {
        read_kind();
        read_what();
        read_variables("envs", false);
        read_variables("secrets", true);
        read_files();
        read_limits();
        read_money();
        read_trust();
        read_template();
        detail::read_parts(&fields_, &app_, problems());
        check_kind();
        fields_.finish();
        return std::move(app_);
    }

  private:
    Problems* problems() { return &reading_->problems; }
    StepSetup& setup() { return app_.group.setup; }

    void read_kind() {
        fields_.text("name", Limits::kNameBytesMax, &app_.terms.name);
        if (app_.terms.name.empty()) fields_.add_missing("name", "is missing");
        std::size_t kind = 0;
        const Node* node = fields_.take("kind");
        if (node != nullptr) app_.kind_place = node->place;
        if (fields_.choice("kind", kKindNames, &kind)) app_.kind = static_cast<AppKind>(kind);
    }

    void read_what() {
        if (const Node* resources = fields_.take("resources")) {
            detail::read_resources(*resources, &app_, &reading_->notes, problems());
        }
        if (const Node* image = fields_.take("image")) detail::read_image(*image, "image", &app_, problems());
        if (const Node* ports = fields_.take("ports")) detail::read_ports(*ports, "ports", &app_, problems());
        fields_.whole("num_nodes", 1, Limits::kGangMax, &app_.nodes);
        fields_.text("setup", Limits::kCommandBytesMax, &app_.setup);
        fields_.text("run", Limits::kCommandBytesMax, &app_.run);
        fields_.texts("command", Limits::kArgumentsMax, Limits::kCommandBytesMax, &app_.group.command);
        if (const Node* run = fields_.take("run"); run != nullptr && !app_.group.command.empty()) {
            fields_.add(*run, "run", "there is also 'command': one of them");
        }
        read_network();
        fields_.flag("keep_files", &setup().keeps_files);
        fields_.flag("notebook", &app_.has_notebook);
        fields_.text("ssh_key", 4096, &app_.ssh_key);
        if (app_.ssh_key.find('\n') != std::string::npos) {
            fields_.add(*fields_.take("ssh_key"), "ssh_key", "must be one public key on one line, or its file");
        }
    }

    // none, public, or the hosts that may be reached.
    void read_network() {
        const Node* node = fields_.take("network");
        if (node == nullptr) return;
        if (node->kind == Node::Kind::kScalar) {
            if (node->text == "public") setup().egress = Egress::kPublic;
            if (node->text == "public" || node->text == "none") return;
            fields_.add(*node, "network",
                        fmt::format("is {}; it must be none, public or a list of hosts", shown(*node)));
            return;
        }
        if (fields_.texts("network", Limits::kHostsMax, Limits::kHostBytesMax, &setup().egress_hosts)) {
            for (std::size_t at = 0; at < node->children.size(); ++at) {
                const Node& host = node->children[at];
                if (!host.text.empty() && is_made_of(host.text, ".-")) continue;
                problems()->push_back(
                    {host.place, fmt::format("network[{}]", at), fmt::format("is {}; it must be a host", shown(host))});
            }
            setup().egress = setup().egress_hosts.empty() ? Egress::kNone : Egress::kPublic;
        }
    }

    void add_variable(const Node& node, const std::string& path, Variable variable) {
        if (!is_variable(variable.name) || variable.name.starts_with("VCITY_")) {
            problems()->push_back({node.key_place.line == 0 ? node.place : node.key_place, path,
                                   fmt::format("{} is no name for a variable: letters, digits and '_', not beginning "
                                               "with a digit or VCITY_",
                                               shown(variable.name))});
            return;
        }
        if (variable.value && variable.value->find('\0') != std::string::npos) {
            problems()->push_back({node.place, path, "contains a zero byte"});
            return;
        }
        if (!names_.insert(variable.name).second) {
            problems()->push_back({node.place, path, fmt::format("{} is set twice", shown(variable.name))});
            return;
        }
        if (names_.size() > Limits::kVariablesMax) {
            problems()->push_back(
                {node.place, path, fmt::format("at most {} variables are taken", Limits::kVariablesMax)});
            return;
        }
        app_.variables.push_back(std::move(variable));
    }

    // {NAME: value}, or a list of names and of NAME=value. A name alone takes the customer's own value.
    void read_variables(std::string_view field, bool is_secret) {
        const Node* node = fields_.take(field);
        if (node == nullptr) return;
        if (node->kind == Node::Kind::kScalar) {
            fields_.add(*node, field, fmt::format("is {}; it must be a map such as {{NAME: value}}", shown(*node)));
            return;
        }
        for (std::size_t at = 0; at < node->children.size() && problems()->size() < kProblemsMax; ++at) {
            const Node& child = node->children[at];
            const bool is_map = node->kind == Node::Kind::kMap;
            const std::string path = is_map ? fmt::format("{}.{}", field, child.key) : fmt::format("{}[{}]", field, at);
            if (child.kind != Node::Kind::kScalar) {
                problems()->push_back({child.place, path, fmt::format("is {}; it must be a text", shown(child))});
                continue;
            }
            // Only the first '=' parts name and value: a value may have more of them.
            const std::size_t equals = child.text.find('=');
            Variable variable{.name = is_map ? child.key : child.text.substr(0, equals),
                              .value = std::nullopt,
                              .is_secret = is_secret,
                              .place = child.place};
            if (is_map && !child.is_null()) variable.value = child.text;
            if (!is_map && equals != std::string::npos) variable.value = child.text.substr(equals + 1);
            add_variable(child, path, std::move(variable));
        }
    }

    // {name in /job: path here}; SkyPilot's file_mounts the same way.
    void read_files() {
        for (const std::string_view field : {"files", "file_mounts"}) {
            const Node* node = fields_.take(field);
            if (node == nullptr) continue;
            if (node->kind == Node::Kind::kScalar || node->children.size() > Limits::kInputsMax) {
                fields_.add(*node, field,
                            fmt::format("must be a map such as {{train.py: ./train.py}} of at most {} files",
                                        Limits::kInputsMax));
                continue;
            }
            for (const Node& child : node->children) read_one_file(child, field);
        }
    }

    void read_one_file(const Node& node, std::string_view field) {
        std::string_view name = node.key;
        for (const std::string_view prefix : {"/job/", "./", "~/"}) {
            if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
        }
        AppFile file;
        const std::string path = node.key.empty() ? std::string{field} : fmt::format("{}.{}", field, node.key);
        if (!detail::read_file(node, path, std::string{name}, problems(), &file)) return;
        if (std::ranges::find(app_.files, file.name, &AppFile::name) != app_.files.end()) {
            problems()->push_back({node.place, path, fmt::format("a file {} is there already", shown(file.name))});
            return;
        }
        app_.files.push_back(std::move(file));
    }

    bool is_service() const {
        return app_.kind == AppKind::kPod || app_.kind == AppKind::kServe || app_.kind == AppKind::kEnterprise;
    }

    void read_limits() {
        constexpr std::uint32_t kDay = 24U * 3600U;
        app_.group.seconds_max = app_.kind == AppKind::kPod ? kDay : is_service() ? Limits::kSecondsMax : 3600;
        const bool has_limit = fields_.duration("time_limit", Limits::kSecondsMax, &app_.group.seconds_max);
        const bool has_end = fields_.duration("terminate_after", Limits::kSecondsMax, &app_.group.seconds_max);
        if (has_limit && has_end) fields_.add_missing("terminate_after", "there is also 'time_limit': one of them");
        if (is_service() && !has_limit && !has_end) {
            reading_->notes.push_back(
                fmt::format("without terminate_after it ends after {} h at the latest", app_.group.seconds_max / 3600));
        }
        std::uint32_t stop = 0;
        if (fields_.duration("autostop", Limits::kSecondsMax, &stop)) {
            reading_->notes.emplace_back("autostop counts from the start: whether it idles is not measured");
            app_.stop_seconds = stop;
        }
        if (fields_.duration("stop_after", Limits::kSecondsMax, &stop)) app_.stop_seconds = stop;
        if (app_.stop_seconds && *app_.stop_seconds > app_.group.seconds_max) {
            fields_.add_missing("stop_after", "is later than the end (terminate_after)");
        }
        fields_.whole("retries", 0, Limits::kRetriesMax, &app_.group.retries);
        fields_.duration("checkpoint", Limits::kSecondsMax, &setup().checkpoint_seconds);
        if (setup().checkpoint_seconds != 0 && setup().checkpoint_seconds < Limits::kCheckpointSecondsMin) {
            fields_.add(*fields_.take("checkpoint"), "checkpoint",
                        fmt::format("must be {} s or more", Limits::kCheckpointSecondsMin));
        }
        const std::uint32_t least = std::min(app_.group.seconds_max + 3600, kDeadlineSecondsMax);
        std::uint32_t deadline = std::max(kDay, least);
        fields_.duration("deadline", kDeadlineSecondsMax, &deadline);
        app_.deadline_minutes = std::max(deadline / 60, 1U);
    }

    void read_money() {
        fields_.money("budget", &app_.budget);
        Usd hourly;
        if (fields_.money("max_hourly_cost", &hourly)) app_.terms.hourly_max = hourly;
        static constexpr std::string_view kClasses[] = {"best_effort", "standard", "critical"};
        std::size_t service_class = 1;
        if (fields_.choice("class", kClasses, &service_class)) {
            app_.terms.service_class = static_cast<ServiceClass>(service_class);
        }
        if (app_.budget.micro == 0 && !app_.terms.hourly_max && fields_.take("budget") == nullptr) {
            fields_.add_missing("budget", "is missing: the dollars that it may cost at most (or max_hourly_cost)");
        }
    }

    void read_trust() {
        const Node* node = fields_.take("verification");
        if (node == nullptr) return;
        if (node->kind == Node::Kind::kScalar) {
            fields_.whole("verification", 0, Limits::kLevelMax, &app_.terms.level_min);
            return;
        }
        Fields trust{*node, "verification", problems()};
        trust.whole("level", 0, Limits::kLevelMax, &app_.terms.level_min);
        trust.whole("min_stake", 0, UINT32_MAX, &app_.terms.stake_vcai_min);
        trust.scaled("min_reputation", Limits::kReputationMax, 1, &app_.terms.reputation_bp_min);
        trust.finish();
    }

    void read_template() {
        const Node* node = fields_.take("template");
        if (node == nullptr) return;
        Fields form{*node, "template", problems()};
        const Node* inputs = form.take("inputs");
        form.finish();
        if (inputs == nullptr) return;
        constexpr std::size_t kInputsMax = 64;
        if (inputs->kind != Node::Kind::kList || inputs->children.size() > kInputsMax) {
            form.add(*inputs, "inputs", fmt::format("must be a list of at most {} inputs", kInputsMax));
            return;
        }
        for (std::size_t at = 0; at < inputs->children.size(); ++at) read_input(inputs->children[at], at);
    }

    void read_input(const Node& node, std::size_t at) {
        Fields fields{node, fmt::format("template.inputs[{}]", at), problems()};
        TemplateInput input;
        input.place = node.place;
        fields.text("key", 64, &input.key);
        const bool is_taken = names_.contains(input.key);
        if (!is_variable(input.key) || is_taken || input.key.starts_with("VCITY_")) {
            fields.add(node, "key",
                       is_taken ? fmt::format("{} is set already", shown(input.key))
                                : fmt::format("is {}; it must be the name of a variable", shown(input.key)));
        }
        names_.insert(input.key);
        fields.text("label", 256, &input.label);
        static constexpr std::string_view kTypes[] = {"text", "number", "flag", "choice"};
        std::size_t type = 0;
        fields.choice("type", kTypes, &type);
        input.type = kTypes[type];
        fields.texts("choices", 64, 256, &input.choices);
        if (input.type == "choice" && input.choices.empty())
            fields.add_missing("choices", "is missing: what may be chosen");
        std::string preset;
        if (fields.text("default", 4096, &preset)) input.preset = std::move(preset);
        fields.flag("required", &input.is_required);
        fields.finish();
        app_.inputs.push_back(std::move(input));
    }

    void check_kind() {
        const bool has_command = !app_.run.empty() || !app_.group.command.empty();
        const bool has_own =
            app_.kind == AppKind::kFinetune || app_.kind == AppKind::kRender || app_.kind == AppKind::kGenerate;
        if (has_own && (has_command || !app_.setup.empty())) {
            fields_.add_missing("run", fmt::format("an app of kind {} brings its own command", to_string(app_.kind)));
        }
        if (has_own && !setup().image.empty()) {
            fields_.add_missing("image", fmt::format("an app of kind {} runs without an image", to_string(app_.kind)));
        }
        const bool needs_run = app_.kind == AppKind::kTask || app_.kind == AppKind::kBatch;
        const bool needs_server = app_.kind == AppKind::kServe || app_.kind == AppKind::kEnterprise;
        if (!has_command && (needs_run || (needs_server && setup().image.empty()))) {
            fields_.add_missing("run", "is missing: what to run");
        }
        if (needs_server && setup().ports.empty()) {
            fields_.add_missing(
                "ports", fmt::format("is missing: an app of kind {} is reached through a port", to_string(app_.kind)));
        }
        if (app_.kind == AppKind::kBatch && app_.run.empty() && has_command) {
            fields_.add_missing("run", "a batch has 'run', a shell script, and no 'command'");
        }
        if (app_.kind != AppKind::kPod && (app_.has_notebook || !app_.ssh_key.empty())) {
            fields_.add_missing(app_.has_notebook ? "notebook" : "ssh_key", "is for pods");
        }
        if (app_.nodes > 1 && app_.kind != AppKind::kTask && app_.kind != AppKind::kPod) {
            fields_.add_missing("num_nodes", "is for tasks and pods");
        }
        if (app_.stop_seconds && !is_service())
            fields_.add_missing("stop_after", "is for pods, services and enterprise");
    }

    AppReading* reading_;
    Fields fields_;
    AppSpec app_;
    std::set<std::string> names_;
};

}  // namespace

std::string_view to_string(AppKind kind) {
    return kKindNames.at(static_cast<std::size_t>(kind));
}

std::optional<AppKind> parse_app_kind(std::string_view text) {
    const auto found = std::ranges::find(kKindNames, text);
    if (found == kKindNames.end()) return std::nullopt;
    return static_cast<AppKind>(found - kKindNames.begin());
}

AppReading read_app(std::string_view text) {
    AppReading reading;
    const auto parsed = parse_yaml(text);
    if (const auto* problem = std::get_if<Problem>(&parsed)) {
        reading.problems.push_back(*problem);
        return reading;
    }
    const Node& root = std::get<Node>(parsed);
    if (root.kind != Node::Kind::kMap) {
        reading.problems.push_back({root.place, "", "must be a map of fields such as name, kind and run"});
        return reading;
    }
    AppSpec app = Reader{root, &reading}.read();
    if (reading.problems.empty()) {
        reading.app = std::move(app);
        return reading;
    }
    std::ranges::sort(reading.problems, [](const Problem& a, const Problem& b) {
        return std::tie(a.place.line, a.place.column, a.field, a.message) <
               std::tie(b.place.line, b.place.column, b.field, b.message);
    });
    const auto same = std::ranges::unique(reading.problems);
    reading.problems.erase(same.begin(), same.end());
    if (reading.problems.size() > kProblemsMax) reading.problems.resize(kProblemsMax);
    return reading;
}

}  // namespace vcity::app
