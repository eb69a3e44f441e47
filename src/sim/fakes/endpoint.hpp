// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ports/http.hpp"
#include "ports/reference.hpp"
#include "sim/runtime.hpp"

namespace vcity::sim {

// A toy language model over sixteen letters: log probabilities follow from its weights, the prompt and what was written
// so far. `noise` is what another engine adds to every logit.
struct ToyModel {
    std::uint64_t weights = 1;
    double noise = 0;
    std::uint64_t engine = 1;

    static constexpr std::size_t kLetters = 16;
    std::vector<double> log_probabilities(const std::string& prompt, const std::string& written) const;
};

struct FakeEndpointOptions {
    ToyModel model;
    // Claims what this model would, for tokens that `model` chose.
    bool forges_claims = false;
    ToyModel forged;
    unsigned status = 200;
    std::string body;  // not empty: every answer
    Duration delay = std::chrono::milliseconds{50};
    std::uint64_t unavailable_per_mille = 0;
};

// An OpenAI-compatible chat endpoint.
class FakeEndpoint final : public ports::HttpClient {
  public:
    FakeEndpoint(SimRuntime* world, FakeEndpointOptions options) : world_{world}, options_{std::move(options)} {}

    Task<Result<ports::HttpResponse>> send(ports::HttpRequest request, TimePoint deadline) override;
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest request, TimePoint deadline) override;

    FakeEndpointOptions& options() { return options_; }
    const std::vector<ports::HttpRequest>& requests() const { return requests_; }

  private:
    std::string answer(const std::string& prompt, std::uint64_t tokens) const;

    SimRuntime* world_;
    FakeEndpointOptions options_;
    std::vector<ports::HttpRequest> requests_;
};

class FakeReference final : public ports::ReferenceModel {
  public:
    explicit FakeReference(ToyModel model) : model_{model} {}
    Task<Result<std::vector<ports::ReferenceReading>>> read(ports::ReferenceQuestion question,
                                                            TimePoint deadline) override;

    Errc fails_with = Errc::kInternal;
    bool is_broken = false;

  private:
    ToyModel model_;
};

}  // namespace vcity::sim
