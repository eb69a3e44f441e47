// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ports/audit.hpp"
#include "ports/inference.hpp"
#include "sim/runtime.hpp"

namespace vcity::sim {

// A model whose output is a function of its weights and the request alone, so that anybody can tell what an honest run
// gives. Requests whose text contains "endless" go on until they are cancelled; "impossible" is refused.
struct FakeModel {
    std::string name = "vcity/fake";
    Hash root;

    std::vector<std::string> tokens_of(const ModelRequest& request) const;
    std::uint64_t input_tokens_of(const ModelRequest& request) const;
    Bytes header_of(const ModelRequest& request, std::string_view text) const;
    Bytes cell_of(const ModelRequest& request, const Cell& cell) const;
    // Tier A: what is committed of one position while it is served.
    Bytes sketch_of(const ModelRequest& request, std::uint32_t position) const;
};

Hash fake_verification_root(const Bytes& header);
// Of the tree of a replay; they differ from each other as those of real kernels may.
Hash fake_replay_root(const Bytes& header, std::uint64_t number);

struct FakeInferenceOptions {
    std::uint32_t slots = 2;
    Duration load_time = std::chrono::seconds{1};
    Duration token_min = std::chrono::milliseconds{5};
    Duration token_max = std::chrono::milliseconds{60};
    std::uint64_t failures_per_mille = 0;  // of all tokens: the worker dies
    // What it really computes with. A cheat announces model.root and computes with another.
    Hash true_root;
    bool refuses_to_open = false;       // another way to cheat: deny every audit
    bool is_honest_when_asked = false;  // and another: to replay with the public weights what was served with others
    Duration opening_delay{};           // late openings
};

class FakeInference final : public ports::Inference {
  public:
    FakeInference(SimRuntime* world, Runtime* runtime, FakeModel model, FakeInferenceOptions options);
    ~FakeInference() override;

    Task<Result<WorkerReady>> ready(TimePoint deadline) override;
    Task<Result<std::unique_ptr<ports::Generation>>> generate(WorkerGenerate request) override;
    Task<Result<Hash>> replay(JobId job_id, TimePoint deadline) override;
    Task<Result<Opening>> open(WorkerOpen request, TimePoint deadline) override;
    void drop(JobId job_id) override { traces_.erase(job_id); }

    std::uint32_t running() const { return running_; }

  private:
    class FakeGeneration;
    struct Trace {
        ModelRequest request;
        std::string text;
        Hash root;
        std::uint64_t replays = 0;
        Hash replay_root;
    };
    // What it computes with: for clients, and for those who ask.
    FakeModel served_model() const;
    FakeModel opened_model(const Trace& trace) const;
    Task<Result<Trace*>> find_trace(JobId job_id, TimePoint deadline);

    SimRuntime* world_;
    Runtime* runtime_;
    FakeModel model_;
    FakeInferenceOptions options_;
    std::map<JobId, Trace> traces_;
    std::uint32_t running_ = 0;
};

// Accepts exactly the openings of an honest run.
class FakeAuditor final : public ports::Auditor {
  public:
    explicit FakeAuditor(FakeModel model) : model_{std::move(model)} {}

    Hash model_root() const override { return model_.root; }
    AuditQuestion draw(const AuditTask& task, const Hash& seed) override;
    ports::AuditFinding check(const AuditTask& task, const ports::AuditAnswer& answer) override;

    bool rejects_shallow = false;  // a broken verifier: wrong about everybody unless it looks deep

  private:
    std::string fault_in(const AuditTask& task, const ports::AuditAnswer& answer) const;
    std::string fault_in_sketches(const AuditTask& task, const ports::AuditAnswer& answer) const;

    FakeModel model_;
};

}  // namespace vcity::sim
