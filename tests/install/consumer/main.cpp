// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "verify/draw.hpp"
#include "verify/judge.hpp"

// Draws an audit of a small model and judges an empty answer to it.
int main() {
    const vcity::verify::ModelShape shape{.layers = 1,
                                          .hidden = 2,
                                          .heads = 1,
                                          .kv_heads = 1,
                                          .head_dim = 2,
                                          .ffn = 2,
                                          .vocab = 2,
                                          .rms_eps = 1e-5,
                                          .rope_theta = 1e4,
                                          .tied_embeddings = true};
    const vcity::Bytes zeros(16);
    const auto matrix = [&](const char* name) {
        return vcity::verify::TensorView{
            .name = name, .type = vcity::verify::TensorType::kFloat32, .dims = {2, 2}, .bytes = zeros};
    };
    const auto vector = [&](const char* name) {
        return vcity::verify::TensorView{.name = name,
                                         .type = vcity::verify::TensorType::kFloat32,
                                         .dims = {2},
                                         .bytes = vcity::ByteView{zeros}.first(8)};
    };
    auto weights = vcity::verify::bind_weights(
        shape, {matrix("model.embed_tokens.weight"), vector("model.layers.0.input_layernorm.weight"),
                matrix("model.layers.0.self_attn.q_proj.weight"), matrix("model.layers.0.self_attn.k_proj.weight"),
                matrix("model.layers.0.self_attn.v_proj.weight"), matrix("model.layers.0.self_attn.o_proj.weight"),
                vector("model.layers.0.post_attention_layernorm.weight"), matrix("model.layers.0.mlp.gate_proj.weight"),
                matrix("model.layers.0.mlp.up_proj.weight"), matrix("model.layers.0.mlp.down_proj.weight"),
                vector("model.norm.weight")});
    if (!weights) return 1;
    const vcity::verify::AuditJudge judge{shape, *std::move(weights), {}, {}};
    const vcity::verify::AuditClaim claim{.units = {.input = 2, .output = 2}};
    const auto question = vcity::verify::draw_audit(shape, claim.units, vcity::AuditTier::kServed, {});
    const auto result = judge.judge(claim, question, {}, [](const auto&) { return vcity::Result<void>{}; }, {});
    std::printf("%zu cells asked for; %s\n", question.cells.size(), result.reason.c_str());
    return result.outcome == vcity::VerdictOutcome::kRejected ? 0 : 1;
}
