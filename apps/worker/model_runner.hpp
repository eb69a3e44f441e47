// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "checkpoint/model_directory.hpp"
#include "model/audit.hpp"
#include "verify/shape.hpp"
#include "verify/trace/computed.hpp"
#include "verify/trace/served_leaf.hpp"

namespace vcity::worker {

struct RunnerOptions {
    verify::ComputeType compute = verify::ComputeType::kFloat32;
    std::string device = "cpu";  // "cpu" or "cuda"
    int threads = 1;
};

// A sequence in flight, from open_sequence to close_sequence.
using SequenceId = std::uint32_t;

// What of a run is captured.
enum class Capture : std::uint8_t {
    kNothing,
    kStates,  // h_in alone, of verify::sketch_layer() and of the final cell
    kServed,  // every cell
};

// Tokens that follow what the sequence has seen so far.
struct SequenceInput {
    SequenceId sequence = 0;
    std::vector<std::uint32_t> tokens;  // at least one
    Capture capture = Capture::kNothing;
};

using ServedSink = std::function<Result<void>(const Cell& cell, const verify::ServedRow& row)>;

// What a run captured. It keeps the tensors alive, never changes, and may be read on any thread.
class CapturedRun {
  public:
    virtual ~CapturedRun() = default;
    // Gives what one input of the run asked for, position by position and of each the layers in their order. The bytes
    // are those of the computation, in the compute type, and valid during the call. Ends with the sink's first error.
    virtual Result<void> give(std::size_t input, const ServedSink& sink) const = 0;
};

struct RunResult {
    std::vector<std::vector<float>> logits;       // of each input's last token, in the order of the inputs
    std::shared_ptr<const CapturedRun> captured;  // null when no input asked for anything
};

// h_in and attn_out of one cell, in the compute type.
struct ServedInputs {
    ByteView h_in;
    ByteView attn_out;
};
// What a layer makes of them at one position, widened: the arrays of verify::LayerComputed one after the other.
struct DerivedLayer {
    std::vector<float> values;
    verify::LayerComputed view;
};

// A loaded model and the key-value caches of its sequences, on libtorch; this header is free of it. One thread.
class ModelRunner {
  public:
    // Copies the weights to the device; the directory may be closed afterwards. kInvalid for a device that is not
    // there.
    static Result<std::unique_ptr<ModelRunner>> load(const checkpoint::ModelDirectory& model,
                                                     const RunnerOptions& options);
    // The same weights, not copied, with an adapter beside them (tuning/lora.hpp), and sequences of its own.
    static Result<std::unique_ptr<ModelRunner>> with_adapter(const ModelRunner& base,
                                                             const std::filesystem::path& folder);
    ~ModelRunner();
    ModelRunner(const ModelRunner&) = delete;
    ModelRunner& operator=(const ModelRunner&) = delete;

    const verify::ModelShape& shape() const { return shape_; }

    // Reserves the cache of that many positions at once, so that a sequence that was admitted never runs out of memory
    // later. kExhausted when there is none. positions_max is 1 to the model's.
    Result<SequenceId> open_sequence(std::uint64_t positions_max);
    void close_sequence(SequenceId sequence);

    // Runs all inputs, of different sequences, as one batch. The tokens are below the vocabulary and fit the sequences'
    // caches. After an error the sequences are in an unknown state and must be closed.
    Result<RunResult> run(const std::vector<SequenceInput>& inputs);

    // The linear maps of one layer once more, for cells that were served; all rows as one batch. The arrays have the
    // shape's sizes; layer is below shape().layers.
    Result<std::vector<DerivedLayer>> derive(std::uint32_t layer, const std::vector<ServedInputs>& rows) const;
    // All logits of final states h_in.
    Result<std::vector<std::vector<float>>> derive_logits(const std::vector<ByteView>& states) const;

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
