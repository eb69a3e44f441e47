// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "checkpoint/model_directory.hpp"
#include "verify/cell.hpp"

namespace vcity::worker {

struct RunnerOptions {
    verify::ComputeType compute = verify::ComputeType::kFloat32;
    std::string device = "cpu";  // "cpu" or "cuda"
    int threads = 1;
};

// A sequence in flight, from open_sequence to close_sequence.
using SequenceId = std::uint32_t;

// Tokens that follow what the sequence has seen so far.
struct SequenceInput {
    SequenceId sequence = 0;
    std::vector<std::uint32_t> tokens;  // at least one
};

// Receives every cell of a run, in the order of layers. The spans are valid during the call. `input` is an index into
// the inputs of the run.
struct CellSink {
    std::function<Result<void>(std::size_t input, const Cell& cell, const verify::CellTrace& trace)> layer;
    std::function<Result<void>(std::size_t input, std::uint32_t position, const verify::FinalCell& trace)> final;
};

// A loaded model and the key-value caches of its sequences, on libtorch; this header is free of it. One thread.
class ModelRunner {
  public:
    // Copies the weights to the device; the directory may be closed afterwards. kInvalid for a device that is not
    // there.
    static Result<std::unique_ptr<ModelRunner>> load(const checkpoint::ModelDirectory& model,
                                                     const RunnerOptions& options);
    ~ModelRunner();
    ModelRunner(const ModelRunner&) = delete;
    ModelRunner& operator=(const ModelRunner&) = delete;

    const verify::ModelShape& shape() const { return shape_; }

    // Reserves the cache of that many positions at once, so that a sequence that was admitted never runs out of memory
    // later. kExhausted when there is none. positions_max is 1 to the model's.
    Result<SequenceId> open_sequence(std::uint64_t positions_max);
    void close_sequence(SequenceId sequence);

    // Runs all inputs, of different sequences, as one batch. Gives the logits of each input's last token, in the order
    // of the inputs. The tokens are below the vocabulary and fit the sequences' caches. After an error the sequences
    // are in an unknown state and must be closed.
    Result<std::vector<std::vector<float>>> run(const std::vector<SequenceInput>& inputs, const CellSink& sink);

  private:
    struct Impl;
    ModelRunner(std::unique_ptr<Impl> impl, const verify::ModelShape& shape);

    std::unique_ptr<Impl> impl_;
    verify::ModelShape shape_;
};

// The shape that worker and verifier derive from the same configuration.
Result<verify::ModelShape> model_shape(const checkpoint::ModelConfig& config, verify::ComputeType compute);

// The identity of the stored weights.
Result<Hash> weights_root_of(const checkpoint::TensorMap& tensors);

}  // namespace vcity::worker
