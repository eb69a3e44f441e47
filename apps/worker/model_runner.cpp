// SPDX-License-Identifier: Apache-2.0
#include "model_runner.hpp"

#include <limits>
#include <map>

#include "llama.hpp"

namespace vcity::worker {
namespace {

torch::ScalarType scalar_type(checkpoint::DType dtype) {
    switch (dtype) {
        case checkpoint::DType::kFloat32: return torch::kFloat32;
        case checkpoint::DType::kFloat16: return torch::kFloat16;
        case checkpoint::DType::kBfloat16: return torch::kBFloat16;
    }
    unreachable();
}

// One sequence's keys (rotated) and values, [positions, kv_heads, head_dim] for each layer.
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

// Activations on the host in fp32, [rows, width]; keeps the tensors that its spans look into.
class HostRows {
  public:
    explicit HostRows(const torch::Tensor& tensor)
        : tensor_{tensor.to(torch::kCPU, torch::kFloat32).contiguous()},
          width_{static_cast<std::size_t>(tensor_.size(1))} {}

    std::span<const float> row(std::int64_t index) const {
        return {tensor_.data_ptr<float>() + static_cast<std::size_t>(index) * width_, width_};
    }

  private:
    torch::Tensor tensor_;
    std::size_t width_;
};

}  // namespace

struct ModelRunner::Impl {
    Dims dims;
    torch::Device device{torch::kCPU};
    torch::ScalarType dtype = torch::kFloat32;
    LlamaWeights weights;
    RotaryTable table;
    std::map<SequenceId, Cache> sequences;
    SequenceId next_sequence = 1;

    explicit Impl(const checkpoint::ModelConfig& config) : dims{config} {}

    std::vector<Rows> rows_of(const std::vector<SequenceInput>& inputs);
    torch::Tensor attend(std::size_t layer,
                         const std::vector<Rows>& batch,
                         const RotaryTable& rotary,
                         const std::array<torch::Tensor, 3>& qkv);
    Result<std::vector<std::vector<float>>> run(const std::vector<SequenceInput>& inputs, const CellSink& sink);
    Result<std::vector<std::vector<float>>> finish(const std::vector<Rows>& batch,
                                                   const torch::Tensor& hidden,
                                                   const CellSink& sink);
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
        auto impl = std::make_unique<Impl>(model.config());
        impl->device = torch::Device(options.device == "cuda" ? torch::kCUDA : torch::kCPU);
        impl->dtype = options.compute == verify::ComputeType::kBfloat16 ? torch::kBFloat16 : torch::kFloat32;
        for (const NamedWeight& weight : impl->weights.named(impl->dims)) {
            const auto found = model.tensors().find(weight.name);
            CHECK(found != model.tensors().end());
            const checkpoint::Tensor& stored = found->second;
            const std::vector<std::int64_t> sizes(stored.shape.begin(), stored.shape.end());
            // libtorch has no read-only view of memory; the mapped bytes are copied right away and never written.
            auto* const data = const_cast<std::uint8_t*>(stored.bytes.data());
            *weight.tensor =
                torch::from_blob(data, sizes, scalar_type(stored.dtype)).to(impl->device, impl->dtype, false, true);
        }
        if (impl->dims.tied) impl->weights.head = impl->weights.embedding;
        const auto table = rotary_table(model.config(), static_cast<std::int64_t>(model.config().max_positions));
        impl->table = {.cosine = table.cosine.to(impl->device), .sine = table.sine.to(impl->device)};
        return std::unique_ptr<ModelRunner>{new ModelRunner{std::move(impl), shape}};
    } catch (const std::exception& error) {
        return make_error(Errc::kExhausted, std::string{"loading the model: "} + error.what());
    }
}

Result<SequenceId> ModelRunner::open_sequence(std::uint64_t positions_max) {
    const auto size = static_cast<std::int64_t>(positions_max);
    CHECK(size > 0 && size <= impl_->table.cosine.size(0));
    try {
        Cache cache{.keys = {}, .values = {}, .used = 0, .size = size};
        const auto options = torch::TensorOptions().dtype(impl_->dtype).device(impl_->device);
        for (std::int64_t i = 0; i < impl_->dims.layers; ++i) {
            cache.keys.push_back(torch::empty({size, impl_->dims.kv_heads, impl_->dims.head_dim}, options));
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

Result<std::vector<std::vector<float>>> ModelRunner::run(const std::vector<SequenceInput>& inputs,
                                                         const CellSink& sink) {
    try {
        const torch::NoGradGuard no_grad;
        return impl_->run(inputs, sink);
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
        return input.view({input.size(0), number, dims.head_dim});
    };
    const auto query = rotate(heads(qkv[0], dims.heads), rotary);
    const auto key = rotate(heads(qkv[1], dims.kv_heads), rotary);
    const auto value = heads(qkv[2], dims.kv_heads);
    std::vector<torch::Tensor> mixed;
    for (const auto& [cache, first, count] : batch) {
        cache->keys[layer].narrow(0, cache->used, count).copy_(key.narrow(0, first, count));
        cache->values[layer].narrow(0, cache->used, count).copy_(value.narrow(0, first, count));
        const std::int64_t seen = cache->used + count;
        const auto by_head = [](const torch::Tensor& rows) { return rows.transpose(0, 1).unsqueeze(0); };
        torch::Tensor mask;
        if (count > 1) {
            mask = torch::full({count, seen}, -std::numeric_limits<float>::infinity(), query.options())
                       .triu(cache->used + 1);
        }
        const auto out =
            attention(by_head(query.narrow(0, first, count)), by_head(cache->keys[layer].narrow(0, 0, seen)),
                      by_head(cache->values[layer].narrow(0, 0, seen)), mask);
        mixed.push_back(out.squeeze(0).transpose(0, 1).reshape({count, -1}));
    }
    return torch::cat(mixed, 0);
}

namespace {

Result<void> give_layer(const CellSink& sink,
                        const std::vector<Rows>& batch,
                        std::size_t layer,
                        const LayerActivations& a) {
    if (!sink.layer) return {};
    const HostRows h_in{a.h_in}, x_attn{a.x_attn}, q{a.q}, k{a.k}, v{a.v}, attn_out{a.attn_out}, o{a.o};
    const HostRows h_mid{a.h_mid}, x_mlp{a.x_mlp}, gate{a.gate}, up{a.up}, act{a.act}, down{a.down}, h_out{a.h_out};
    for (std::size_t i = 0; i < batch.size(); ++i) {
        for (std::int64_t n = 0; n < batch[i].count; ++n) {
            const std::int64_t r = batch[i].first + n;
            const Cell cell{.position = static_cast<std::uint32_t>(batch[i].cache->used + n),
                            .layer = static_cast<std::uint32_t>(layer)};
            TRY_OK(sink.layer(i, cell,
                              {.h_in = h_in.row(r),
                               .x_attn = x_attn.row(r),
                               .q = q.row(r),
                               .k = k.row(r),
                               .v = v.row(r),
                               .attn_out = attn_out.row(r),
                               .o = o.row(r),
                               .h_mid = h_mid.row(r),
                               .x_mlp = x_mlp.row(r),
                               .gate = gate.row(r),
                               .up = up.row(r),
                               .act = act.row(r),
                               .down = down.row(r),
                               .h_out = h_out.row(r)}));
        }
    }
    return {};
}

}  // namespace

Result<std::vector<std::vector<float>>> ModelRunner::Impl::run(const std::vector<SequenceInput>& inputs,
                                                               const CellSink& sink) {
    const auto batch = rows_of(inputs);
    std::vector<std::int64_t> ids;
    std::vector<std::int64_t> positions;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        for (const std::uint32_t token : inputs[i].tokens) {
            CHECK(token < dims.vocab);
            positions.push_back(batch[i].cache->used + static_cast<std::int64_t>(ids.size()) - batch[i].first);
            ids.push_back(token);
        }
    }
    const auto where = torch::tensor(positions, torch::kInt64).to(device);
    const RotaryTable rotary{.cosine = table.cosine.index_select(0, where), .sine = table.sine.index_select(0, where)};
    auto hidden = torch::embedding(weights.embedding, torch::tensor(ids, torch::kInt64).to(device));
    for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
        const auto mix = [&](const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
            return attend(layer, batch, rotary, {q, k, v});
        };
        const LayerActivations activations = run_layer(weights.layers[layer], dims, hidden, mix);
        TRY_OK(give_layer(sink, batch, layer, activations));
        hidden = activations.h_out;
    }
    TRY(auto logits, finish(batch, hidden, sink));
    for (const Rows& rows : batch) rows.cache->used += rows.count;
    return logits;
}

Result<std::vector<std::vector<float>>> ModelRunner::Impl::finish(const std::vector<Rows>& batch,
                                                                  const torch::Tensor& hidden,
                                                                  const CellSink& sink) {
    const auto normed = rms_norm(hidden, weights.final_norm, dims.rms_eps);
    const HostRows h_in{hidden}, x_final{normed}, logits{torch::linear(normed, weights.head)};
    std::vector<std::vector<float>> last;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        for (std::int64_t n = 0; sink.final && n < batch[i].count; ++n) {
            const std::int64_t r = batch[i].first + n;
            const auto position = static_cast<std::uint32_t>(batch[i].cache->used + n);
            TRY_OK(sink.final(i, position, {.h_in = h_in.row(r), .x_final = x_final.row(r), .logits = logits.row(r)}));
        }
        const auto row = logits.row(batch[i].first + batch[i].count - 1);
        last.emplace_back(row.begin(), row.end());
    }
    return last;
}

}  // namespace vcity::worker
