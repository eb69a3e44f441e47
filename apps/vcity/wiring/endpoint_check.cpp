// SPDX-License-Identifier: Apache-2.0
#include "wiring/endpoint_check.hpp"

#include <filesystem>
#include <fstream>

#include <fmt/core.h>

#include "adapters/reference_worker/reference.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "codec/url.hpp"
#include "wiring/http_client.hpp"
#include "wiring/run.hpp"
#include "wiring/worker_program.hpp"

namespace vcity::wiring {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPromptsMax = 100'000;
constexpr std::size_t kPromptBytesMax = 16U << 10U;

Result<std::vector<std::string>> read_prompts(const std::string& path) {
    std::ifstream file{path};
    if (!file) return make_error(Errc::kNotFound, path + " cannot be read");
    std::vector<std::string> prompts;
    for (std::string line; std::getline(file, line);) {
        if (line.size() > kPromptBytesMax) return make_error(Errc::kInvalid, "a prompt is longer than 16 KiB");
        if (!line.empty()) prompts.push_back(std::move(line));
        if (prompts.size() > kPromptsMax) return make_error(Errc::kInvalid, "more than 100,000 prompts");
    }
    return prompts;
}

Result<std::string> read_key(const std::string& path) {
    std::string key;
    if (path.empty()) return key;
    std::ifstream file{path};
    if (!file || !std::getline(file, key)) return make_error(Errc::kNotFound, path + " holds no key");
    return key;
}

Result<ports::SandboxSpec> reference_program(const EndpointCheckRunOptions& options) {
    TRY(const std::string worker, worker_program(options.worker));
    if (!fs::is_directory(options.model_folder)) {
        return make_error(Errc::kNotFound, options.model_folder + " is no model folder");
    }
    const std::string model = fs::canonical(options.model_folder).string();
    const std::string threads = std::to_string(options.threads);
    ports::SandboxSpec spec;
    spec.command = {"/worker/vcity-worker", "logprobs", "--model", "/model", "--threads", threads};
    spec.read_only = {{.source = worker, .target = "/worker/vcity-worker"}, {.source = model, .target = "/model"}};
    spec.environment = {"OMP_NUM_THREADS=" + threads, "OPENBLAS_NUM_THREADS=" + threads};
    return spec;
}

// "http://host:8000" and "http://host:8000/v1/" both mean "http://host:8000/v1".
Result<std::string> base_url(const std::string& text) {
    TRY(const codec::Url url, codec::parse_url(text));
    std::string base = text;
    while (base.ends_with('/')) base.pop_back();
    return url.target == "/" ? base + "/v1" : base;
}

}  // namespace

Result<verifier::EndpointReport> run_endpoint_check(
    EndpointCheckRunOptions options, std::function<void(const verifier::EndpointProgress&)> on_progress) {
    TRY(std::vector<std::string> prompts, read_prompts(options.prompts_file));
    TRY(adapters::ReferenceWorkerOptions program, [&]() -> Result<adapters::ReferenceWorkerOptions> {
        adapters::ReferenceWorkerOptions made;
        TRY(made.program, reference_program(options));
        return made;
    }());
    verifier::EndpointTarget target;
    TRY(target.base_url, base_url(options.url));
    TRY(target.api_key, read_key(options.api_key_file));
    target.api = options.api == "chat" ? verifier::EndpointApi::kChat : verifier::EndpointApi::kCompletions;
    target.model = options.model;
    if (target.model.empty()) target.model = fs::canonical(options.model_folder).filename().string();
    if (!options.honest_url.empty()) {
        options.check.honest = target;
        TRY(options.check.honest->base_url, base_url(options.honest_url));
    }
    options.check.target = std::move(target);

    adapters::AsioRuntime runtime;
    const auto http = make_http_client(&runtime);
    adapters::BwrapSandbox sandbox{&runtime, Log{nullptr, "worker"}};
    adapters::ReferenceWorker reference{&runtime, &sandbox, std::move(program)};
    verifier::EndpointCheck check{{&runtime, http.get(), &reference}, std::move(options.check)};
    return run_task(&runtime, check.run(std::move(prompts), std::move(on_progress)));
}

}  // namespace vcity::wiring
