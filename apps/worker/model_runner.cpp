// SPDX-License-Identifier: Apache-2.0
#include "model_runner.hpp"

#include <algorithm>
#include <cstring>
#include <map>

#include "llama.hpp"
#include "tuning/lora.hpp"
#include "verify/trace/sketch.hpp"
#include "weights.hpp"

namespace vcity::worker {
namespace {

// One sequence's keys (rotated) and values, [kv_heads, positions, head_dim] for each layer, in fp32 whatever the
// compute type: rotated keys are not rounded again, and every product of the attention is one of fp32 matrices.
struct Cache {
    std::vector<torch::Tensor> keys;
    std::vector<torch::Tensor> values;
    std::int64_t used = 0;
    std::int64_t size = 0;
};

// The rows of a batch that belong to one input.
struct Rows {
    Cache* cache = nullptr;
    std::int64_t first = 0;
    std::int64_t count = 0;
};

// What a run has to hand over of one layer, [rows, width] each; the final state has h_in alone.
struct CapturedLayer {
    std::uint32_t layer = 0;
    torch::Tensor h_in, k, v, attn_out;
};

// Brings tensors of the compute type to the host, in one transfer where they are elsewhere.
std::vector<torch::Tensor> on_host(const std::vector<torch::Tensor>& tensors) {
    if (tensors.empty() || tensors.front().is_cpu()) return tensors;
    std::vector<torch::Tensor> flat;
    for (const torch::Tensor& tensor : tensors) flat.push_back(tensor.reshape({-1}));
    const torch::Tensor all = torch::cat(flat, 0).to(torch::kCPU);
    std::vector<torch::Tensor> out;
    std::int64_t at = 0;
    for (const torch::Tensor& tensor : tensors) {
        out.push_back(all.narrow(0, at, tensor.numel()).view(tensor.sizes()));
        at += tensor.numel();
    }
    return out;
}

// Shortcuts of cuBLAS that verification does not allow for: TF32 products and partial sums in 16 bits. The last switch
// came after the oldest libtorch that this builds with.
template <class Context>
void forbid_shortcuts(Context& context) {
    context.setAllowTF32CuBLAS(false);
    context.setAllowFP16ReductionCuBLAS(false);
    if constexpr (requires { context.setAllowBF16ReductionCuBLAS(false); }) context.setAllowBF16ReductionCuBLAS(false);
}

ByteView row_bytes(const torch::Tensor& tensor, std::int64_t row) {
    if (!tensor.defined()) return {};
    const auto width = static_cast<std::size_t>(tensor.size(1)) * static_cast<std::size_t>(tensor.element_size());
    return {static_cast<const std::uint8_t*>(tensor.data_ptr()) + static_cast<std::size_t>(row) * width, width};
}

// Rows of the compute type as a tensor on the device.
torch::Tensor from_rows(const std::vector<ByteView>& rows, std::int64_t width, const torch::TensorOptions& options) {
    const torch::Tensor out =
        torch::empty({static_cast<std::int64_t>(rows.size()), width}, options.device(torch::kCPU));
    const std::size_t bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(out.element_size());
    auto* target = static_cast<std::uint8_t*>(out.data_ptr());
    for (const ByteView row : rows) {
        CHECK(row.size() == bytes);
        std::memcpy(target, row.data(), bytes);
        target += bytes;
    }
    return out.to(options.device());
}

std::vector<std::vector<float>> floats_of(const torch::Tensor& tensor) {
    const torch::Tensor host = tensor.to(torch::kCPU, torch::kFloat32).contiguous();
    const auto width = static_cast<std::size_t>(host.size(1));
    std::vector<std::vector<float>> out;
    for (std::int64_t i = 0; i < host.size(0); ++i) {
        const float* row = host.data_ptr<float>() + static_cast<std::size_t>(i) * width;
        out.emplace_back(row, row + width);
    }
    return out;
}

}  // namespace

struct ModelRunner::Impl {
    Dims dims;
    torch::Device device{torch::kCPU};
    torch::ScalarType dtype = torch::kFloat32;
    LlamaWeights weights;
    RotaryTable table;
    std::map<SequenceId, Cache> sequences;
    SequenceId next_sequence = 1;

    verify::ModelShape shape;

    Impl(const checkpoint::ModelConfig& config, const verify::ModelShape& model_shape)
        : dims{config}, shape{model_shape} {}

    std::vector<Rows> rows_of(const std::vector<SequenceInput>& inputs);
    torch::Tensor attend(std::size_t layer,
                         const std::vector<Rows>& batch,
                         const RotaryTable& rotary,
                         const std::array<torch::Tensor, 3>& qkv);
    RunResult run(const std::vector<SequenceInput>& inputs);
    torch::Tensor logits_of(const torch::Tensor& states) const;
};

ModelRunner::ModelRunner(std::unique_ptr<Impl> impl, const verify::ModelShape& shape)
    : impl_{std::move(impl)}, shape_{shape} {}
ModelRunner::~ModelRunner() = default;

Result<std::unique_ptr<ModelRunner>> ModelRunner::load(const checkpoint::ModelDirectory& model,
                                                       const RunnerOptions& options) {
    if (options.device != "cpu" && options.device != "cuda")
        return make_error(Errc::kInvalid, "device must be cpu or cuda");
    if (options.device == "cuda" && !torch::cuda::is_available()) {
        return make_error(Errc::kInvalid, "no CUDA device can be used here");
    }
    TRY(const auto shape, model_shape(model.config(), options.compute));
    try {
        at::set_num_threads(options.threads);
        forbid_shortcuts(at::globalContext());
        auto impl = std::make_unique<Impl>(model.config(), shape);
        impl->device = torch::Device(options.device == "cuda" ? torch::kCUDA : torch::kCPU);
        impl->dtype = options.compute == verify::ComputeType::kBfloat16 ? torch::kBFloat16 : torch::kFloat32;
        impl->weights = load_weights(model, impl->dims, impl->device, impl->dtype);
        const auto table = rotary_table(model.config(), static_cast<std::int64_t>(model.config().max_positions));
        impl->table = {.cosine = table.cosine.to(impl->device), .sine = table.sine.to(impl->device)};
        return std::unique_ptr<ModelRunner>{new ModelRunner{std::move(impl), shape}};
    } catch (const std::exception& error) {
        return make_error(Errc::kExhausted, std::string{"loading the model: "} + error.what());
    }
}

Result<std::unique_ptr<ModelRunner>> ModelRunner::with_adapter(const ModelRunner& base,
                                                               const std::filesystem::path& folder) {
    try {
        TRY(LoraAdapter adapter, LoraAdapter::load(folder, base.impl_->dims));
        auto impl = std::make_unique<Impl>(*base.impl_);
        impl->sequences.clear();
        for (LoraPair& pair : adapter.pairs()) {
            pair.a = pair.a.to(impl->device, impl->dtype);
            pair.b = pair.b.to(impl->device, impl->dtype);
        }
        adapter.attach(&impl->weights);
        return std::unique_ptr<ModelRunner>{new ModelRunner{std::move(impl), base.shape_}};
    } catch (const std::exception& error) {
        return make_error(Errc::kExhausted, std::string{"loading the adapter: "} + error.what());
    }
}

Result<SequenceId> ModelRunner::open_sequence(std::uint64_t positions_max) {
    const auto size = static_cast<std::int64_t>(positions_max);
    CHECK(size > 0 && size <= impl_->table.cosine.size(0));
    try {
        Cache cache{.keys = {}, .values = {}, .used = 0, .size = size};
        const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(impl_->device);
        for (std::int64_t i = 0; i < impl_->dims.layers; ++i) {
            cache.keys.push_back(torch::empty({impl_->dims.kv_heads, size, impl_->dims.head_dim}, options));
            cache.values.push_back(torch::empty_like(cache.keys.back()));
        }
        const SequenceId id = impl_->next_sequence++;
        impl_->sequences.emplace(id, std::move(cache));
        return id;
    } catch (const std::exception&) {
        return make_error(Errc::kExhausted, "no memory for another sequence");
    }
}

void ModelRunner::close_sequence(SequenceId sequence) {
    impl_->sequences.erase(sequence);
}

Result<RunResult> ModelRunner::run(const std::vector<SequenceInput>& inputs) {
    try {
        const torch::NoGradGuard no_grad;
        return impl_->run(inputs);
    } catch (const std::exception& error) {
        return make_error(Errc::kInternal, std::string{"libtorch: "} + error.what());
    }
}

std::vector<Rows> ModelRunner::Impl::rows_of(const std::vector<SequenceInput>& inputs) {
    std::vector<Rows> batch;
    std::int64_t first = 0;
    for (const SequenceInput& input : inputs) {
        const auto found = sequences.find(input.sequence);
        const auto count = static_cast<std::int64_t>(input.tokens.size());
        CHECK(found != sequences.end() && count > 0 && found->second.used + count <= found->second.size);
        batch.push_back({.cache = &found->second, .first = first, .count = count});
        first += count;
    }
    return batch;
}

// Adds the new keys and values to the caches, then lets each sequence attend to its own.
torch::Tensor ModelRunner::Impl::attend(std::size_t layer,
                                        const std::vector<Rows>& batch,
                                        const RotaryTable& rotary,
                                        const std::array<torch::Tensor, 3>& qkv) {
    const auto heads = [&](const torch::Tensor& input, std::int64_t number) {
        return input.view({input.size(0), number, dims.head_dim}).to(torch::kFloat32);
    };
    const auto query = rotate(heads(qkv[0], dims.heads), rotary);
    const auto key = rotate(heads(qkv[1], dims.kv_heads), rotary).transpose(0, 1);
    const auto value = heads(qkv[2], dims.kv_heads).transpose(0, 1);
    std::vector<torch::Tensor> mixed;
    for (const auto& [cache, first, count] : batch) {
        cache->keys[layer].narrow(1, cache->used, count).copy_(key.narrow(1, first, count));
        cache->values[layer].narrow(1, cache->used, count).copy_(value.narrow(1, first, count));
        const std::int64_t seen = cache->used + count;
        mixed.push_back(served_attention(query.narrow(0, first, count), cache->keys[layer].narrow(1, 0, seen),
                                         cache->values[layer].narrow(1, 0, seen), dtype));
    }
    return (mixed.size() == 1 ? mixed.front() : torch::cat(mixed, 0)).to(dtype);
}

namespace {

bool wants(Capture capture, std::uint32_t layer, const verify::ModelShape& shape) {
    switch (capture) {
        case Capture::kNothing: return false;
        case Capture::kStates: return layer == shape.layers || layer == verify::sketch_layer(shape);
        case Capture::kServed: return true;
    }
    unreachable();
}

verify::LayerComputed split_derived(const verify::ModelShape& shape, std::span<const float> values) {
    const auto take = [&](std::size_t count) {
        const auto part = values.first(count);
        values = values.subspan(count);
        return part;
    };
    verify::LayerComputed out;
    out.q = take(shape.query_width());
    out.o = take(shape.hidden);
    out.gate = take(shape.ffn);
    out.up = take(shape.ffn);
    out.down = take(shape.hidden);
    out.act = take(shape.ffn);
    return out;
}

// The layers that a run has to hand over, in their order.
class Captured final : public CapturedRun {
  public:
    Captured(const std::vector<SequenceInput>& inputs, const std::vector<Rows>& batch, const verify::ModelShape& shape)
        : shape_{shape} {
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            parts_.push_back({.capture = inputs[i].capture,
                              .position = static_cast<std::uint32_t>(batch[i].cache->used),
                              .first = batch[i].first,
                              .count = batch[i].count});
            most_ = std::max(most_, inputs[i].capture);
        }
    }

    bool is_wanted() const { return most_ != Capture::kNothing; }

    void add(std::uint32_t layer, const LayerActivations& a) {
        if (!wants(most_, layer, shape_)) return;
        CapturedLayer captured{.layer = layer, .h_in = a.h_in.contiguous(), .k = {}, .v = {}, .attn_out = {}};
        if (most_ == Capture::kServed && layer < shape_.layers) {
            captured.k = a.k.contiguous();
            captured.v = a.v.contiguous();
            captured.attn_out = a.attn_out.contiguous();
        }
        layers_.push_back(std::move(captured));
    }

    void bring_to_host() {
        std::vector<torch::Tensor*> places;
        for (CapturedLayer& layer : layers_) {
            for (torch::Tensor* tensor : {&layer.h_in, &layer.k, &layer.v, &layer.attn_out}) {
                if (tensor->defined()) places.push_back(tensor);
            }
        }
        std::vector<torch::Tensor> tensors;
        for (const torch::Tensor* place : places) tensors.push_back(*place);
        const std::vector<torch::Tensor> host = on_host(tensors);
        for (std::size_t i = 0; i < places.size(); ++i) *places[i] = host[i];
    }

    Result<void> give(std::size_t input, const ServedSink& sink) const override {
        const Part& part = parts_.at(input);
        for (std::int64_t n = 0; n < part.count; ++n) {
            for (const CapturedLayer& layer : layers_) {
                if (!wants(part.capture, layer.layer, shape_)) continue;
                const Cell cell{.position = part.position + static_cast<std::uint32_t>(n), .layer = layer.layer};
                TRY_OK(sink(cell, row_of(part, layer, n)));
            }
        }
        return {};
    }

  private:
    struct Part {
        Capture capture = Capture::kNothing;
        std::uint32_t position = 0;
        std::int64_t first = 0;
        std::int64_t count = 0;
    };

    static verify::ServedRow row_of(const Part& part, const CapturedLayer& layer, std::int64_t n) {
        const std::int64_t row = part.first + n;
        verify::ServedRow served{.h_in = row_bytes(layer.h_in, row), .k = {}, .v = {}, .attn_out = {}};
        if (part.capture == Capture::kServed) {
            served.k = row_bytes(layer.k, row);
            served.v = row_bytes(layer.v, row);
            served.attn_out = row_bytes(layer.attn_out, row);
        }
        return served;
    }

    verify::ModelShape shape_;
    Capture most_ = Capture::kNothing;
    std::vector<Part> parts_;
    std::vector<CapturedLayer> layers_;
};

}  // namespace

RunResult ModelRunner::Impl::run(const std::vector<SequenceInput>& inputs) {
    const auto batch = rows_of(inputs);
    std::vector<std::int64_t> ids;
    std::vector<std::int64_t> positions;
    std::vector<std::int64_t> last_rows;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        for (const std::uint32_t token : inputs[i].tokens) {
            CHECK(token < dims.vocab);
            positions.push_back(batch[i].cache->used + static_cast<std::int64_t>(ids.size()) - batch[i].first);
            ids.push_back(token);
        }
        last_rows.push_back(static_cast<std::int64_t>(ids.size()) - 1);
    }
    const auto where = torch::tensor(positions, torch::kInt64).to(device);
    const RotaryTable rotary{.cosine = table.cosine.index_select(0, where), .sine = table.sine.index_select(0, where)};
    auto hidden = torch::embedding(weights.embedding, torch::tensor(ids, torch::kInt64).to(device));
    const auto captured = std::make_shared<Captured>(inputs, batch, shape);
    for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
        const auto mix = [&](const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
            return attend(layer, batch, rotary, {q, k, v});
        };
        const LayerActivations activations = run_layer(weights.layers[layer], dims, hidden, mix);
        captured->add(static_cast<std::uint32_t>(layer), activations);
        hidden = activations.h_out;
    }
    LayerActivations final_state;
    final_state.h_in = hidden;
    captured->add(static_cast<std::uint32_t>(weights.layers.size()), final_state);
    const auto last = torch::tensor(last_rows, torch::kInt64).to(device);
    auto logits = floats_of(logits_of(last_rows.size() == ids.size() ? hidden : hidden.index_select(0, last)));
    captured->bring_to_host();
    for (const Rows& rows : batch) rows.cache->used += rows.count;
    return {.logits = std::move(logits), .captured = captured->is_wanted() ? captured : nullptr};
}

torch::Tensor ModelRunner::Impl::logits_of(const torch::Tensor& states) const {
    return torch::linear(rms_norm(states, weights.final_norm, dims.rms_eps), weights.head);
}

Result<std::vector<DerivedLayer>> ModelRunner::derive(std::uint32_t layer,
                                                      const std::vector<ServedInputs>& rows) const {
    CHECK(layer < shape_.layers && !rows.empty());
    try {
        const torch::NoGradGuard no_grad;
        const Dims& dims = impl_->dims;
        const LayerWeights& weights = impl_->weights.layers[layer];
        const auto options = torch::TensorOptions().dtype(impl_->dtype).device(impl_->device);
        std::vector<ByteView> states;
        std::vector<ByteView> mixed;
        for (const ServedInputs& row : rows) {
            states.push_back(row.h_in);
            mixed.push_back(row.attn_out);
        }
        LayerActivations a;
        a.h_in = from_rows(states, dims.hidden, options);
        a.attn_out = from_rows(mixed, dims.query_width(), options);
        a.q = torch::linear(rms_norm(a.h_in, weights.attention_norm, dims.rms_eps), weights.query);
        run_after_attention(weights, dims, GateArithmetic::kFloat32, &a);
        auto values = floats_of(torch::cat({a.q, a.o, a.gate, a.up, a.down, a.act}, 1));
        std::vector<DerivedLayer> out(rows.size());
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i].values = std::move(values[i]);
            out[i].view = split_derived(shape_, out[i].values);
        }
        return out;
    } catch (const std::exception& error) {
        return make_error(Errc::kInternal, std::string{"libtorch: "} + error.what());
    }
}

Result<std::vector<std::vector<float>>> ModelRunner::derive_logits(const std::vector<ByteView>& states) const {
    CHECK(!states.empty());
    try {
        const torch::NoGradGuard no_grad;
        const auto options = torch::TensorOptions().dtype(impl_->dtype).device(impl_->device);
        return floats_of(impl_->logits_of(from_rows(states, impl_->dims.hidden, options)));
    } catch (const std::exception& error) {
        return make_error(Errc::kInternal, std::string{"libtorch: "} + error.what());
    }
}

}  // namespace vcity::worker
