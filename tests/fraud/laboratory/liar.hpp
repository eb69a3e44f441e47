// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/audit_llama/llama_auditor.hpp"
#include "adapters/audit_llama/testing/model_folder.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "model_runner.hpp"
#include "ports/testing/harness.hpp"
#include "verify/trace/serve_committer.hpp"

// A worker built of the real one's parts (libtorch runner, sampler, committer) that lies where it is told to, and the
// real auditor before it.
namespace vcity::fraud {

using adapters::testing::ModelFolder;
using verify::testing::StoredModel;

// The values of one cell, as bytes of the compute type.
struct Row {
    Bytes h_in, k, v, attn_out;
};

// What a liar does differently; everything unset is honest.
struct Lie {
    const StoredModel* served_with = nullptr;                                  // weights of the computation
    std::function<void(std::vector<std::uint32_t>*)> change_prompt;            // what is run; as many tokens
    std::size_t forgotten = 0;                                                 // first tokens the rest does not see
    std::function<void(Sampling*)> change_sampling;                            // what tokens are chosen with
    std::function<void(const Cell&, Row*)> change_row;                         // before it is committed to
    std::function<std::uint32_t(std::uint64_t, std::uint32_t)> replace_token;  // step, honest choice
    std::function<void(verify::TraceHeader*)> change_header;                   // before it is committed to
    std::function<void(Opening*)> forge;                                       // what is sent to the verifier
    bool shows_served_weights = false;  // opens with served_with; otherwise with the public weights, which is cleverer
};

// One answer with what belongs to it.
struct Served {
    AuditTask task;
    verify::TraceHeader header;
    std::vector<std::pair<Cell, Row>> rows;
    std::unique_ptr<verify::ServeCommitter> tree;
    Lie lie;
};

class Laboratory {
  public:
    Laboratory(const StoredModel& model, verify::ComputeType compute);

    // Request number `number`, answered by this liar.
    Served serve(std::uint64_t number, const Lie& lie);
    // Commits to the same rows under this header and gives the receipt its root.
    void commit(Served* served, const verify::TraceHeader& header);
    // One audit of it with a fresh draw; `answered` opens, which is `served` itself unless another answer is passed
    // off.
    ports::AuditFinding audit(const Served& served, const Served& answered);
    ports::AuditFinding audit(const Served& served) { return audit(served, served); }

    // Tier A: how far the sketches of what was served are from those of an honest replay on the public weights, which
    // runs all tokens at once.
    float sketch_score(const Served& served);

    const verify::ModelShape& shape() const { return shape_; }
    const StoredModel& model() const { return *model_; }

  private:
    // A copy of the model on disk and in the runner.
    struct Loaded {
        explicit Loaded(const StoredModel& stored) : folder{stored} {}

        ModelFolder folder;
        std::unique_ptr<worker::ModelRunner> runner;
    };

    Loaded& loaded(const StoredModel& model);
    void run(Loaded* by, Served* served, const std::vector<std::uint32_t>& prompt);
    Opening open(const Served& served, const AuditQuestion& question);

    class Runner final : public ports::testing::OnRuntime<ports::testing::TaskRunner, adapters::AsioRuntime> {};

    const StoredModel* model_;
    verify::ModelShape shape_;
    Runner runner_;
    std::vector<std::pair<const StoredModel*, std::unique_ptr<Loaded>>> loaded_;
    std::optional<checkpoint::ModelDirectory> directory_;
    std::unique_ptr<adapters::LlamaAuditor> auditor_;
};

}  // namespace vcity::fraud
