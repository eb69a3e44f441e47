// SPDX-License-Identifier: Apache-2.0
#include "commands/check_endpoint.hpp"

#include <cmath>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "wiring/endpoint_check.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using verify::BlackboxDecision;
using wiring::EndpointCheckRunOptions;

const char* name_of(BlackboxDecision decision) {
    switch (decision) {
        case BlackboxDecision::kConsistent: return "consistent";
        case BlackboxDecision::kUndecided: return "undecided";
        case BlackboxDecision::kSuspicious: return "suspicious";
    }
    return "";
}

std::string meaning_of(BlackboxDecision decision, const verify::BlackboxOptions& test) {
    switch (decision) {
        case BlackboxDecision::kConsistent:
            return fmt::format(
                "The answers fit the model: an endpoint that differs {} times as much as an honest one "
                "is called consistent in at most {:g} of cases. No proof: small changes hide below that.",
                test.effect, test.beta);
        case BlackboxDecision::kUndecided: return "Nothing can be said yet. Ask with more prompts.";
        case BlackboxDecision::kSuspicious:
            return fmt::format(
                "An honest endpoint looks like this in at most {:g} of cases. Check it by other means: "
                "another version of the weights, chat template or engine looks the same as a cheat.",
                test.alpha);
    }
    return "";
}

Json number(double value) {
    return Json{std::round(value * 1e6) / 1e6};
}

Json record_of(const verifier::EndpointReport& report, const EndpointCheckRunOptions& options) {
    Json record{codec::JsonObject{}};
    record.set("decision", name_of(report.decision));
    record.set("meaning", meaning_of(report.decision, options.check.test));
    record.set("log10_evidence", number(report.log_evidence / std::log(10)));
    record.set("log10_needed", number(-std::log10(options.check.test.alpha)));
    record.set("requests", report.requests);
    record.set("tokens", report.tokens);
    record.set("mean_difference", number(report.mean.difference));
    record.set("mean_margin", number(report.mean.margin));
    if (report.sample_mean.tokens > 0) {
        record.set("honest_difference", number(report.sample_mean.difference));
        record.set("honest_margin", number(report.sample_mean.margin));
    }
    record.set("tokens_unknown", report.tokens_unknown);
    record.set("failed_requests", report.failed);
    if (!report.last_failure.empty()) record.set("last_failure", report.last_failure);
    return record;
}

std::string line_of(const verifier::EndpointProgress& progress) {
    if (progress.is_sample) {
        return fmt::format("honest {:4}  {:6} tokens  difference {:.4f}  margin {:.4f}", progress.requests,
                           progress.tokens, progress.score.difference, progress.score.margin);
    }
    return fmt::format("asked  {:4}  {:6} tokens  difference {:.4f}  margin {:.4f}  evidence 10^{:.1f}",
                       progress.requests, progress.tokens, progress.score.difference, progress.score.margin,
                       progress.log_evidence / std::log(10));
}

Result<Exit> run(const EndpointCheckRunOptions& options, Session* session) {
    const Output& output = session->output;
    const bool talks = !output.is_json();
    const auto on_progress = [&output, talks](const verifier::EndpointProgress& progress) {
        if (talks) output.note(line_of(progress));
    };
    TRY(const verifier::EndpointReport report, wiring::run_endpoint_check(options, on_progress));
    output.print(record_of(report, options));
    return report.decision == BlackboxDecision::kSuspicious ? Exit::kVerification : Exit::kOk;
}

void add_statistics(CLI::App* command, EndpointCheckRunOptions* options) {
    verifier::EndpointCheckOptions& check = options->check;
    command->add_option("--alpha", check.test.alpha, "bound on suspecting an honest endpoint")->capture_default_str();
    command->add_option("--beta", check.test.beta, "bound on calling a different one consistent")
        ->capture_default_str();
    command->add_option("--effect", check.test.effect, "times the honest difference that \"consistent\" excludes")
        ->capture_default_str();
    command
        ->add_option("--tolerance", check.test.tolerance.difference,
                     "mean difference of log probabilities that an honest endpoint may have")
        ->capture_default_str();
    command
        ->add_option("--margin-tolerance", check.test.tolerance.margin,
                     "mean margin by which an honest endpoint may miss the likeliest token")
        ->capture_default_str();
    command->add_option("--max-tokens", check.tokens_max, "of one answer")->check(CLI::Range(1, 4096));
    command->add_option("--top", check.alternatives, "log probabilities asked for beside each token")
        ->check(CLI::Range(0, 20));
    command->add_option("--requests", check.requests_max, "at most so many")->check(CLI::Range(1, 100'000));
    command->add_flag_callback(
        "--all", [options] { options->check.stops_when_decided = false; }, "go on after a decision");
}

}  // namespace

void add_check_endpoint(CLI::App* verifier, Commands* commands) {
    auto options = std::make_shared<EndpointCheckRunOptions>();
    CLI::App* command =
        verifier->add_subcommand("check-endpoint", "compare any OpenAI-compatible endpoint with a model that you hold");
    command->add_option("--url", options->url, "base URL of the endpoint")->required();
    command->add_option("--model-dir", options->model_folder, "folder of the model it should run")->required();
    command->add_option("--prompts", options->prompts_file, "file with a prompt on each line, like its other traffic")
        ->required();
    command->add_option("--model", options->model, "what the endpoint calls the model (default: the folder's name)");
    command->add_option("--api", options->api, "chat or completions")->check(CLI::IsMember({"chat", "completions"}));
    command->add_option("--honest-url", options->honest_url,
                        "an endpoint that is known to be honest, on the same engine: asked with half of the prompts");
    command->add_option("--api-key-file", options->api_key_file, "file with the key for the endpoints");
    command->add_option("--worker", options->worker, "vcity-worker (default: beside this program)");
    command->add_option("--threads", options->threads, "for the reference")->check(CLI::Range(1, 256));
    add_statistics(command, options.get());
    commands->on(command, [options](Session* session) { return run(*options, session); });
}

}  // namespace vcity::cli
