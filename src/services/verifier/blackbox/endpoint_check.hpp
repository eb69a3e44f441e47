// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "async/runtime.hpp"
#include "ports/http.hpp"
#include "ports/reference.hpp"
#include "services/verifier/blackbox/endpoint_reply.hpp"
#include "telemetry/log.hpp"
#include "verify/blackbox/evidence.hpp"

namespace vcity::verifier {

struct EndpointTarget {
    std::string base_url;  // with the version: "http://host:8000/v1"
    EndpointApi api = EndpointApi::kChat;
    std::string model;
    std::string api_key;  // empty: none is sent
};

struct EndpointCheckOptions {
    EndpointTarget target;
    // An endpoint that is known to be honest, on the engine that the target should have. Half of the prompts then go
    // there, drawn at random, and the answers are the sample that the target is compared with.
    std::optional<EndpointTarget> honest;
    verify::BlackboxOptions test;  // its calibration sample is replaced when there is an honest endpoint
    std::uint32_t tokens_max = 48;
    std::uint32_t alternatives = 5;
    std::size_t requests_max = 200;  // to the target
    bool stops_when_decided = true;
    Duration request_max = std::chrono::seconds{60};
    Duration reference_max = std::chrono::minutes{5};
    std::size_t failures_in_a_row_max = 5;
};

// The pointers are borrowed and must outlive the check.
struct EndpointCheckDeps {
    Runtime* runtime = nullptr;
    ports::HttpClient* http = nullptr;
    ports::ReferenceModel* reference = nullptr;
    Log log{nullptr, "endpoint"};
};

// After each request. `is_sample`: it went to the honest endpoint.
struct EndpointProgress {
    bool is_sample = false;
    verify::BlackboxScore score;
    verify::BlackboxDecision decision = verify::BlackboxDecision::kUndecided;
    double log_evidence = 0;
    double log_support = 0;
    std::uint64_t requests = 0;
    std::uint64_t tokens = 0;
};

struct EndpointReport {
    verify::BlackboxDecision decision = verify::BlackboxDecision::kUndecided;
    double log_evidence = 0;
    double log_support = 0;
    verify::BlackboxScore mean;
    verify::BlackboxScore sample_mean;  // of the honest endpoint; tokens 0: none was asked
    std::uint64_t requests = 0;         // compared
    std::uint64_t tokens = 0;           // compared
    std::uint64_t tokens_unknown = 0;   // not compared: of or after a token that the reference does not have
    std::uint64_t failed = 0;           // requests without an answer that can be compared
    std::string last_failure;
};

// Compares an endpoint that commits to nothing with a model whose weights we hold: sends prompts as ordinary requests,
// reads the log probabilities that come back, and lets the reference say what it thinks of the same tokens. The prompts
// should be like the endpoint's other traffic, or it may serve them better. Each is used once: the same question twice
// would be one observation. Never says that an endpoint cheats: its worst word is "suspicious", which asks for a check
// of another kind.
class EndpointCheck {
  public:
    EndpointCheck(EndpointCheckDeps deps, EndpointCheckOptions options);

    // kInvalid for options out of range or too few prompts; kUnavailable when an endpoint fails too often in a row,
    // kNotFound when it gives no log probabilities; what the reference says when it fails. Once at a time.
    Task<Result<EndpointReport>> run(std::vector<std::string> prompts,
                                     std::function<void(const EndpointProgress&)> on_progress);

  private:
    // One prompt to one endpoint. nullopt: nothing to compare, and the report says why.
    Task<Result<std::optional<verify::BlackboxScore>>> ask(const EndpointTarget* target, std::string prompt);
    Task<Result<std::vector<ClaimedToken>>> request(const EndpointTarget* target, std::string prompt);
    Task<Result<std::vector<verify::BlackboxScore>>> sample();
    Result<void> note_failure(const Error& error);
    void report_progress(const verify::BlackboxTest& test, const verify::BlackboxScore& score);
    void shuffle(std::vector<std::string>* prompts) const;
    double draw_uniform() const;

    EndpointCheckDeps deps_;
    EndpointCheckOptions options_;
    std::vector<std::string> prompts_;
    std::function<void(const EndpointProgress&)> on_progress_;
    EndpointReport report_;
    std::size_t failures_in_a_row_ = 0;
};

}  // namespace vcity::verifier
