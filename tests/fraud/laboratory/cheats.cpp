// SPDX-License-Identifier: Apache-2.0
#include "cheats.hpp"

#include <random>

#include "base/check.hpp"
#include "verify/sequential.hpp"
#include "verify/testing/reference_worker.hpp"

namespace vcity::fraud {
namespace {

namespace reference = verify::testing;
using reference::StoredModel;

using Change = std::function<void(StoredModel::Tensor*)>;

verify::ModelShape shape_of() {
    verify::ModelShape shape = reference::small_shape();
    shape.layers = 4;
    shape.hidden = 256;
    shape.heads = 4;
    shape.kv_heads = 2;
    shape.head_dim = 64;
    shape.ffn = 688;
    shape.vocab = 264;
    shape.compute = verify::ComputeType::kBfloat16;
    return shape;
}

// The public model, its cheaper relatives and the laboratory; shared by all cheats.
struct Bench {
    StoredModel model = reference::random_model(shape_of(), 41);
    Laboratory laboratory{model, verify::ComputeType::kBfloat16};
    std::vector<std::unique_ptr<StoredModel>> relatives;

    const StoredModel* keep(StoredModel made) {
        made.store();
        relatives.push_back(std::make_unique<StoredModel>(std::move(made)));
        return relatives.back().get();
    }
    const StoredModel* changed(const Change& change) { return keep(reference::with_changed_matrices(model, change)); }
    // Tensors whose name contains one of these, changed.
    const StoredModel* changed(const std::vector<std::string>& names,
                               const std::function<void(const std::string&, StoredModel::Tensor*)>& change) {
        StoredModel made = model;
        for (auto& [name, tensor] : made.tensors) {
            for (const std::string& part : names) {
                if (name.find(part) != std::string::npos) change(name, &tensor);
            }
        }
        return keep(std::move(made));
    }
};

std::shared_ptr<Bench> bench() {
    static const auto one = std::make_shared<Bench>();
    return one;
}

Attempt judged(const ports::AuditFinding& finding) {
    return {finding.outcome != VerdictOutcome::kAccepted, finding.reason};
}

Cheat with(std::string name, std::string meaning, Lie lie) {
    return {std::move(name), std::move(meaning), [lie = std::move(lie)](std::uint64_t number) {
                Laboratory& laboratory = bench()->laboratory;
                return judged(laboratory.audit(laboratory.serve(number, lie)));
            }};
}

Lie weights(const StoredModel* served_with) {
    Lie lie;
    lie.served_with = served_with;
    return lie;
}

Change to_integers(int bits, std::size_t group) {
    return [=](StoredModel::Tensor* tensor) { reference::quantise(tensor, bits, group); };
}

void to_zero(const std::string&, StoredModel::Tensor* tensor) {
    std::ranges::fill(tensor->values, 0.0F);
}

std::vector<std::string> outputs_of_layers(std::uint32_t first, std::uint32_t end) {
    std::vector<std::string> names;
    for (std::uint32_t layer = first; layer < end; ++layer) {
        const std::string prefix = "layers." + std::to_string(layer) + ".";
        names.push_back(prefix + "self_attn.o_proj");
        names.push_back(prefix + "mlp.down_proj");
    }
    return names;
}

void add_weight_cheats(std::vector<Cheat>* out) {
    Bench& at = *bench();
    std::mt19937_64 random{7};
    const StoredModel another = reference::random_model(shape_of(), 42);
    const auto from_another = [&](const std::string& name, StoredModel::Tensor* tensor) {
        *tensor = another.tensors.at(name);
    };
    out->push_back(with("int8_weights", "int8 weights, one scale a row", weights(at.changed(to_integers(8, 0)))));
    out->push_back(with("int8_weights_group", "int8, groups of 128", weights(at.changed(to_integers(8, 128)))));
    out->push_back(with("fp8_weights", "fp8 e4m3 weights", weights(at.changed(reference::quantise_fp8))));
    out->push_back(with("int4_weights", "int4, groups of 32", weights(at.changed(to_integers(4, 32)))));
    Lie candid = weights(at.changed(to_integers(8, 0)));
    candid.shows_served_weights = true;
    out->push_back(with("int8_not_hidden", "int8, and the audit is answered with them too", candid));
    out->push_back(with("smaller_model", "only the first of four layers is computed",
                        weights(at.changed(outputs_of_layers(1, 4), to_zero))));
    out->push_back(
        with("skipped_layer", "one layer is left out", weights(at.changed(outputs_of_layers(2, 3), to_zero))));
    out->push_back(with("wrong_model", "another model of the same shape", weights(at.keep(another))));
    out->push_back(
        with("low_rank_delta", "a rank-one fine-tune of relative size 0.01",
             weights(at.changed([&](StoredModel::Tensor* tensor) { add_rank_one(tensor, 1e-2, &random); }))));
    out->push_back(with("kv_other_model", "keys and values from another model's matrices",
                        weights(at.changed({"k_proj", "v_proj"}, from_another))));
}

void add_request_cheats(std::vector<Cheat>* out) {
    Lie prompt;
    prompt.change_prompt = [](std::vector<std::uint32_t>* tokens) {
        for (std::size_t i = 1; i < tokens->size(); ++i) (*tokens)[i] ^= 1U;
    };
    out->push_back(with("changed_prompt", "another prompt is answered", prompt));
    Lie token = prompt;
    token.change_prompt = [](std::vector<std::uint32_t>* tokens) { (*tokens)[tokens->size() / 2] ^= 1U; };
    out->push_back(with("changed_token", "one token of the prompt is another", token));
    Lie shorter;
    shorter.forgotten = 12;
    out->push_back(with("truncated_context", "the first 12 tokens are forgotten", shorter));
    Lie seed;
    seed.change_sampling = [](Sampling* sampling) {
        sampling->seed += 1;
        sampling->temperature = sampling->temperature > 0 ? sampling->temperature : 0.9;
    };
    out->push_back(with("changed_seed", "tokens drawn with another seed", seed));
    Lie sampler;
    sampler.change_sampling = [](Sampling* sampling) { sampling->temperature = sampling->temperature > 0 ? 0.0 : 1.5; };
    out->push_back(with("changed_sampler", "greedy instead of drawn, or drawn instead of greedy", sampler));
    Lie word;
    word.replace_token = [](std::uint64_t, std::uint32_t token) { return (token + 1) % 256; };
    out->push_back(with("chosen_words", "words of its own instead of the model's", word));
}

void add_commitment_cheats(std::vector<Cheat>* out) {
    Lie noise;
    noise.change_row = [](const Cell& cell, Row* row) {
        std::mt19937_64 random{cell.position * 64ULL + cell.layer};
        for (Bytes* bytes : {&row->h_in, &row->k, &row->v, &row->attn_out}) {
            // bf16 numbers below two, of either sign
            for (std::size_t i = 0; i < bytes->size(); ++i) {
                (*bytes)[i] = static_cast<std::uint8_t>(i % 2 == 0 ? random() : (random() & 0x80U) | 0x3FU);
            }
        }
    };
    out->push_back(with("proxying", "the text comes from somewhere else, the states are made up", noise));
    Lie spliced;
    spliced.change_row = [](const Cell& cell, Row* row) {
        if (cell.layer != 2) return;
        for (std::size_t i = 0; i + 3 < row->attn_out.size(); i += 4) {
            std::swap(row->attn_out[i], row->attn_out[i + 2]);
            std::swap(row->attn_out[i + 1], row->attn_out[i + 3]);
        }
    };
    out->push_back(with("changed_attention", "one layer's attention is another mixture", spliced));
    Lie forged;
    forged.forge = [](Opening* opening) {
        if (!opening->cells.empty() && !opening->cells[0].data.empty()) opening->cells[0].data[0] ^= 1U;
    };
    out->push_back(with("forged_opening", "one bit of an opened state is another than was committed to", forged));
    Lie computed;
    computed.forge = [](Opening* opening) {
        for (OpenedCell& cell : opening->cells) {
            if (cell.computed.size() > 64) cell.computed[cell.computed.size() / 2] ^= 0x40U;
        }
    };
    out->push_back(with("forged_computation", "what is computed for the audit is changed", computed));
    Lie empty;
    empty.forge = [](Opening* opening) { *opening = Opening{}; };
    out->push_back(with("empty_opening", "an opening without anything in it", empty));
    Lie unbound;
    unbound.change_header = [](verify::TraceHeader* header) { header->client_nonce = {}; };
    out->push_back(with("without_nonce", "a computation made before the client asked", unbound));
    Lie kernel;
    kernel.change_header = [](verify::TraceHeader* header) { header->kernel = KernelClass::kFloat32; };
    out->push_back(with("wrong_kernel", "another kernel class than the one that was run", kernel));
}

void add_replay_cheats(std::vector<Cheat>* out) {
    out->push_back({"replayed_receipt", "the tree of an earlier answer for a new request", [](std::uint64_t number) {
                        Laboratory& laboratory = bench()->laboratory;
                        const Served old = laboratory.serve(number, {});
                        Served fresh = laboratory.serve(number + 5000, {});
                        fresh.task.receipt.receipt.verification_root = old.task.receipt.receipt.verification_root;
                        fresh.task.receipt.receipt.units = old.task.receipt.receipt.units;
                        return judged(laboratory.audit(fresh, old));
                    }});
    out->push_back(
        {"cached_answer", "an earlier answer, committed to again under the new request", [](std::uint64_t number) {
             Laboratory& laboratory = bench()->laboratory;
             Served old = laboratory.serve(number, {});
             // Requests this far apart have prompts of equal length and different words.
             std::uint64_t other = number + 16;
             Served fresh = laboratory.serve(other, {});
             while (fresh.header.positions() != old.header.positions()) fresh = laboratory.serve(other += 16, {});
             verify::TraceHeader header = fresh.header;
             header.output_tokens = old.header.output_tokens;
             const std::string text = old.task.response_text;
             const Hash response = old.task.receipt.receipt.response_hash;
             old.task = fresh.task;
             old.task.response_text = text;
             old.task.receipt.receipt.response_hash = response;
             old.task.receipt.receipt.units.output = header.output_tokens.size();
             laboratory.commit(&old, header);
             return judged(laboratory.audit(old));
         }});
}

// The runner keeps its cache to itself, so these three run on the reference model, before the same judge.
struct ReferenceBench {
    StoredModel model = reference::random_model(shape_of(), 43);
    reference::ReferenceVerifier verifier{&model};
};

Cheat on_cache(std::string name, std::string meaning, std::function<void(reference::ReferenceWorker*)> arrange) {
    static const auto at = std::make_shared<ReferenceBench>();
    return {std::move(name), std::move(meaning), [arrange = std::move(arrange)](std::uint64_t number) {
                reference::ReferenceWorker worker{&at->model};
                arrange(&worker);
                std::mt19937_64 random{number};
                std::vector<std::uint32_t> prompt;
                for (int i = 0; i < 40; ++i)
                    prompt.push_back(static_cast<std::uint32_t>(random() % at->model.shape.vocab));
                const auto job = reference::run_job(worker, at->verifier.header(number, prompt), 16);
                const verify::AuditResult result = at->verifier.audit(job, number * 3 + 1, {.heads = 8});
                return Attempt{result.outcome != VerdictOutcome::kAccepted, result.reason};
            }};
}

void add_cache_cheats(std::vector<Cheat>* out) {
    out->push_back(on_cache("fp8_kv", "keys and values kept in fp8, 8 heads probed", [](auto* worker) {
        worker->change_cache = [](std::vector<float>* values) {
            for (float& value : *values) value = reference::round_fp8(value);
        };
    }));
    out->push_back(on_cache("window_dropped", "attention to the last 24 tokens only, 8 heads probed",
                            [](auto* worker) { worker->window = 24; }));
}

const std::vector<float>& enrolment() {
    static const std::vector<float> sample = [] {
        std::vector<float> scores;
        Laboratory& laboratory = bench()->laboratory;
        for (std::uint64_t number = 0; number < 240; ++number) {
            scores.push_back(laboratory.sketch_score(laboratory.serve(20'000 + number, {})));
        }
        return scores;
    }();
    return sample;
}

Cheat in_tier_a(std::string name, std::string meaning, Lie lie) {
    return {std::move(name), std::move(meaning), [lie = std::move(lie)](std::uint64_t number) {
                constexpr double kAlpha = 1e-6;
                constexpr std::uint64_t kRequests = 20;
                Laboratory& laboratory = bench()->laboratory;
                verify::SequentialTest test{enrolment()};
                std::mt19937_64 random{number};
                for (std::uint64_t i = 1; i <= kRequests; ++i) {
                    const float score = laboratory.sketch_score(laboratory.serve(number * kRequests + i, lie));
                    test.add(score, (static_cast<double>(random() >> 11U) + 1) * 0x1p-53);
                    if (test.rejects(kAlpha)) return Attempt{true, "after " + std::to_string(i) + " requests"};
                }
                return Attempt{};
            }};
}

}  // namespace

std::vector<Cheat> sketch_cheats() {
    Bench& at = *bench();
    return {
        in_tier_a("tier_a.int8_weights", "tier A, int8 weights, honest replay", weights(at.changed(to_integers(8, 0)))),
        in_tier_a("tier_a.fp8_weights", "tier A, fp8 weights, honest replay",
                  weights(at.changed(reference::quantise_fp8))),
        in_tier_a("tier_a.int4_weights", "tier A, int4 weights, honest replay",
                  weights(at.changed(to_integers(4, 32)))),
        in_tier_a("tier_a.skipped_layer", "tier A, a layer left out, honest replay",
                  weights(at.changed(outputs_of_layers(2, 3), to_zero)))};
}

Cheat honest_sketches() {
    return in_tier_a("tier_a.honest", "tier A, the public model as agreed", {});
}

std::vector<Cheat> computation_cheats() {
    std::vector<Cheat> cheats;
    add_weight_cheats(&cheats);
    add_request_cheats(&cheats);
    add_commitment_cheats(&cheats);
    add_replay_cheats(&cheats);
    add_cache_cheats(&cheats);
    return cheats;
}

Cheat honest_answer() {
    return with("honest", "the public model as agreed", {});
}

}  // namespace vcity::fraud
