// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/yaml.hpp"
#include "base/amount.hpp"
#include "model/work.hpp"

// An app file in our own words (docs/apps.md).
namespace vcity::app {

enum class AppKind : std::uint8_t {
    kTask = 0,  // a command that ends
    kPod = 1,
    kServe = 2,
    kFinetune = 3,
    kBatch = 4,
    kRender = 5,
    kGenerate = 6,
    kEnterprise = 7,
};
std::string_view to_string(AppKind kind);
std::optional<AppKind> parse_app_kind(std::string_view text);

// A file of the customer's machine that each step finds in its folder.
struct AppFile {
    std::string name;  // in /job
    std::string path;  // relative to the app file
    Place place;
};

struct Variable {
    std::string name;
    std::optional<std::string> value;  // none: that of the customer's own environment when the app is ordered
    bool is_secret = false;            // never shown
    Place place;
};

struct ServePart {
    std::uint32_t replicas = 1;
    std::uint32_t scale_max = 1;
    std::string scale_by = "requests";  // or "delay"
    std::uint32_t requests_per_replica = 4;
    std::uint32_t idle_seconds = 3600;  // without a request before the last one goes, where the minimum is 0
    std::string readiness_path;         // empty: the port answers
    std::uint32_t ready_seconds = 600;
    std::string openai_model;  // "/": the app's name; empty: no OpenAI-compatible server
};

struct FinetunePart {
    std::string model;
    AppFile data;
    AppFile valid;  // path may be empty
    std::uint32_t rank = 8;
    std::uint32_t alpha = 16;
    std::vector<std::string> targets;
    std::uint32_t epochs = 1;
    std::uint32_t batch = 8;
    std::string learning_rate = "0.0001";
    std::uint32_t seed = 1;
};

struct BatchPart {
    AppFile requests;
    std::uint32_t shards = 1;
    bool is_each = true;      // the command runs once for each request; else once for each shard
    bool is_json = true;      // what it writes is a JSON value; else text
    std::uint32_t tries = 1;  // of each request
    std::uint32_t request_seconds = 600;
};

struct RenderPart {
    AppFile scene;
    std::uint32_t frame_first = 1;
    std::uint32_t frame_last = 1;
    std::uint32_t columns = 1;  // tiles of a frame
    std::uint32_t rows = 1;
    std::uint32_t width = 0;  // 0: the scene's own
    std::uint32_t height = 0;
    std::uint32_t samples = 0;  // 0: the scene's own
    std::uint32_t verify = 1;   // tiles that are computed again elsewhere
    std::string video;          // "mp4", "webm"; empty: images only
    std::uint32_t fps = 24;
};

struct GeneratePart {
    std::string task;  // upscale, ocr, speech, image, text
    std::string model;
    std::vector<AppFile> inputs;
    std::vector<std::string> prompts;
    std::vector<std::string> arguments;
    std::uint32_t shards = 1;
};

struct EnterprisePart {
    std::uint32_t nodes = 1;
    std::uint32_t availability_bp = 9900;  // of 10,000
    std::string endpoint;                  // name under which its port is reached
};

using AppPart =
    std::variant<std::monostate, ServePart, FinetunePart, BatchPart, RenderPart, GeneratePart, EnterprisePart>;

// A question to whoever orders the app; its answer becomes a variable.
struct TemplateInput {
    std::string key;
    std::string label;
    std::string type = "text";  // text, number, flag, choice
    std::vector<std::string> choices;
    std::optional<std::string> preset;  // "default" in the file
    bool is_required = false;
    Place place;
};

struct AppSpec {
    AppKind kind = AppKind::kTask;
    Place kind_place;
    AppPart part;

    // What runs, the same for every step of the app. name, is_gang, count, needs and takes are the compiler's.
    StepGroup group;
    std::string setup;
    std::string run;
    std::vector<Variable> variables;
    std::vector<AppFile> files;
    std::vector<TemplateInput> inputs;
    std::uint32_t nodes = 1;
    std::optional<std::uint32_t> stop_seconds;
    std::string ssh_key;  // a public key, or where one is: "~/.ssh/id_ed25519.pub"
    bool has_notebook = false;

    // Where it may run and what it may cost; no groups.
    WorkSpec terms;
    Usd budget;
    std::uint32_t deadline_minutes = 0;
};

struct AppReading {
    std::optional<AppSpec> app;  // none when there are problems
    std::vector<Problem> problems;
    std::vector<std::string> notes;  // what the customer should know of an app that is fine
};
inline constexpr std::size_t kProblemsMax = 20;

// The app of a YAML text, or all that is wrong with it, in the order of the file.
AppReading read_app(std::string_view text);

}  // namespace vcity::app
