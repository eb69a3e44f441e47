// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <random>

#include "crypto/keccak.hpp"
#include "crypto/sha256.hpp"
#include "figures.hpp"
#include "verify/judge.hpp"
#include "verify/testing/reference_llama.hpp"
#include "verify/testing/reference_worker.hpp"
#include "verify/trace/serve_committer.hpp"
#include "wire/wire.hpp"

namespace vcity::verify::bench {
namespace {

constexpr std::uint32_t kLayers = 16;  // all of them views of the same random bytes, each with a key of its own
constexpr std::uint32_t kPositions = 512;
constexpr std::size_t kCells = 16;
constexpr std::size_t kHeads = 4;

ModelShape shape_of(std::uint32_t hidden,
                    std::uint32_t heads,
                    std::uint32_t kv_heads,
                    std::uint32_t head_dim,
                    std::uint32_t ffn,
                    std::uint32_t vocab) {
    return {.layers = kLayers,
            .hidden = hidden,
            .heads = heads,
            .kv_heads = kv_heads,
            .head_dim = head_dim,
            .ffn = ffn,
            .vocab = vocab,
            .rms_eps = 1e-5,
            .rope_theta = 500000.0,
            .tied_embeddings = true,
            .compute = ComputeType::kBfloat16};
}

// A model of random bf16 weights whose matrices overlap, so that even a wide one fits into little memory.
class WideModel {
  public:
    explicit WideModel(const ModelShape& shape) : shape_{shape} {
        std::mt19937_64 random{3};
        std::normal_distribution<float> normal{0, 1 / std::sqrt(static_cast<float>(shape.hidden))};
        std::vector<std::uint16_t> pattern(1U << 20U);
        for (std::uint16_t& value : pattern) value = testing::to_bfloat16(normal(random));
        const std::size_t most = std::max<std::size_t>(shape.vocab, std::size_t{shape.ffn} * 2) * shape.hidden;
        stored_.resize(2 * (most + 4096));
        // Odd steps through the pattern, so that no two rows repeat.
        for (std::size_t i = 0; i < stored_.size() / 2; ++i) {
            const std::uint16_t value = pattern[(i + i / pattern.size() * 40503) % pattern.size()];
            std::memcpy(stored_.data() + 2 * i, &value, 2);
        }
        norm_.assign(shape.hidden * 2, 0);
        for (std::size_t i = 0; i < shape.hidden; ++i) {
            const std::uint16_t one = testing::to_bfloat16(1.0F + 0.1F * static_cast<float>(i % 7));
            std::memcpy(norm_.data() + 2 * i, &one, 2);
        }
        add("model.embed_tokens.weight", shape.vocab, shape.hidden, 0);
        vector("model.norm.weight");
        for (std::uint32_t layer = 0; layer < shape.layers; ++layer) add_layer(layer);
    }

    const ModelShape& shape() const { return shape_; }
    std::vector<TensorView> views() const {
        std::vector<TensorView> out;
        for (const auto& [name, view] : views_) out.push_back(view);
        return out;
    }
    Matrix matrix(const std::string& name) const { return *Matrix::make(views_.at(name), shape_.compute); }

    std::vector<float> linear(const std::string& name, const std::vector<float>& x) const {
        const Matrix weights = matrix(name);
        std::vector<float> row(weights.cols());
        std::vector<float> y(weights.rows());
        for (std::uint32_t i = 0; i < weights.rows(); ++i) {
            weights.read_row(i, row);
            y[i] = testing::round_bfloat16(testing::dot(testing::SumOrder::kLanes32, row.data(), x.data(), x.size()));
        }
        return y;
    }
    std::vector<float> norm(const std::vector<float>& h) const {
        const double scale = 1.0 / std::sqrt(dot(h, h) / static_cast<double>(h.size()) + shape_.rms_eps);
        std::vector<float> out;
        for (std::size_t i = 0; i < h.size(); ++i) {
            const float weight = 1.0F + 0.1F * static_cast<float>(i % 7);
            out.push_back(round_to_bf16(round_to_bf16(h[i] * static_cast<float>(scale)) * round_to_bf16(weight)));
        }
        return out;
    }

  private:
    void add(const std::string& name, std::uint32_t rows, std::uint32_t cols, std::size_t shift) {
        const auto stored = names_.emplace(name, name).first;
        const ByteView bytes = ByteView{stored_}.subspan(2 * shift, std::size_t{2} * rows * cols);
        views_[name] = {.name = stored->second, .type = TensorType::kBfloat16, .dims = {rows, cols}, .bytes = bytes};
    }
    void vector(const std::string& name) {
        const auto stored = names_.emplace(name, name).first;
        views_[name] = {.name = stored->second,
                        .type = TensorType::kBfloat16,
                        .dims = {shape_.hidden},
                        .bytes = ByteView{norm_}.first(std::size_t{2} * shape_.hidden)};
    }
    void add_layer(std::uint32_t layer) {
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        const std::size_t shift = layer * 977;
        vector(prefix + "input_layernorm.weight");
        vector(prefix + "post_attention_layernorm.weight");
        add(prefix + "self_attn.q_proj.weight", shape_.query_width(), shape_.hidden, shift);
        add(prefix + "self_attn.k_proj.weight", shape_.kv_width(), shape_.hidden, shift + 1);
        add(prefix + "self_attn.v_proj.weight", shape_.kv_width(), shape_.hidden, shift + 2);
        add(prefix + "self_attn.o_proj.weight", shape_.hidden, shape_.query_width(), shift + 3);
        add(prefix + "mlp.gate_proj.weight", shape_.ffn, shape_.hidden, shift + 4);
        add(prefix + "mlp.up_proj.weight", shape_.ffn, shape_.hidden, shift + 5);
        add(prefix + "mlp.down_proj.weight", shape_.hidden, shape_.ffn, shift + 6);
    }

    ModelShape shape_;
    Bytes stored_;
    Bytes norm_;
    std::map<std::string, std::string> names_;
    std::map<std::string, TensorView> views_;
};

// A finished tier B job of which only the cells that will be opened are computed; the others are random numbers.
class WideJob {
  public:
    explicit WideJob(const WideModel* model) : model_{model}, shape_{model->shape()} {
        committer_ = std::make_unique<ServeCommitter>(shape_, ServeOptions{.bytes_max = 4ULL << 30U});
        for (std::uint32_t i = 0; i < kPositions; ++i) header_.prompt_tokens.push_back(i * 37 % shape_.vocab);
        header_.shape = shape_hash(shape_);
        header_.kernel = KernelClass::kFlashBf16;
        header_.sampling = {.temperature = 0.7, .top_p = 1.0, .seed = 3};
        fill_random();
        for (std::uint32_t i = 0; i + 1 < kCells; ++i) {
            const Cell cell{(i + 1) * kPositions / static_cast<std::uint32_t>(kCells), i % shape_.layers};
            question_.cells.push_back(cell);
            // The last ones are probed: the longest runs of pages.
            compute(cell, i + 1 + kHeads >= kCells ? i + 1 + kHeads - kCells : kHeads);
        }
        question_.cells.push_back({kPositions - 1, shape_.layers});
        compute_final();
        commit();
    }

    AuditClaim claim() const {
        return {.roots = {.tier = AuditTier::kServed, .receipt = root_, .cells = root_},
                .job_id = {},
                .request_hash = {},
                .weights_root = {},
                .client_nonce = {},
                .monitor_key = {},
                .units = {header_.prompt_tokens.size(), 1},
                .sampling = header_.sampling,
                .prompt_tokens = header_.prompt_tokens};
    }
    const AuditQuestion& question() const { return question_; }
    const Opening& opening() const { return opening_; }

  private:
    struct Row {
        std::vector<float> h_in, k, v, attn_out;
    };

    std::vector<float> random_values(std::size_t count) {
        std::vector<float> values(count);
        for (float& value : values) value = testing::round_bfloat16(normal_(random_));
        return values;
    }
    void fill_random() {
        for (std::uint32_t position = 0; position < kPositions; ++position) {
            for (std::uint32_t layer = 0; layer <= shape_.layers; ++layer) {
                Row& row = rows_[{position, layer}];
                row.h_in = random_values(shape_.hidden);
                if (layer == shape_.layers) continue;
                row.k = random_values(shape_.kv_width());
                row.v = random_values(shape_.kv_width());
                row.attn_out = random_values(shape_.query_width());
            }
            // The first layer's keys and values tell the tokens, so they are the real ones everywhere.
            Row& first = rows_[{position, 0}];
            model_->matrix("model.embed_tokens.weight").read_row(header_.prompt_tokens[position], first.h_in);
            const std::vector<float> x = model_->norm(first.h_in);
            first.k = model_->linear("model.layers.0.self_attn.k_proj.weight", x);
            first.v = model_->linear("model.layers.0.self_attn.v_proj.weight", x);
        }
    }

    // A head's keys and values, the last position's among them.
    void attend(const Cell& cell, std::uint32_t kv_head, const std::vector<float>& q) {
        const std::size_t dim = shape_.head_dim;
        const std::uint32_t group = shape_.heads / shape_.kv_heads;
        for (std::uint32_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
            std::vector<float> query(q.begin() + static_cast<std::ptrdiff_t>(head * dim),
                                     q.begin() + static_cast<std::ptrdiff_t>((head + 1) * dim));
            rotate(&query, cell.position);
            std::vector<float> weights;
            for (std::uint32_t t = 0; t <= cell.position; ++t) {
                const auto& k = rows_[{t, cell.layer}].k;
                std::vector<float> key(k.begin() + static_cast<std::ptrdiff_t>(kv_head * dim),
                                       k.begin() + static_cast<std::ptrdiff_t>((kv_head + 1) * dim));
                rotate(&key, t);
                const float score = testing::dot(testing::SumOrder::kForward, query.data(), key.data(), dim);
                weights.push_back(score / std::sqrt(static_cast<float>(dim)));
            }
            const float peak = *std::max_element(weights.begin(), weights.end());
            float total = 0;
            for (float& weight : weights) total += weight = std::exp(weight - peak);
            for (float& weight : weights) weight = testing::round_bfloat16(weight / total);
            for (std::size_t i = 0; i < dim; ++i) {
                float sum = 0;
                for (std::uint32_t t = 0; t <= cell.position; ++t) {
                    sum += weights[t] * rows_[{t, cell.layer}].v[kv_head * dim + i];
                }
                rows_[cell].attn_out[head * dim + i] = testing::round_bfloat16(sum);
            }
        }
    }
    void rotate(std::vector<float>* head, std::uint32_t position) const {
        const std::size_t half = head->size() / 2;
        for (std::size_t i = 0; i < half; ++i) {
            const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(head->size());
            const double angle = position * std::pow(shape_.rope_theta, exponent);
            const auto c = static_cast<float>(std::cos(angle));
            const auto s = static_cast<float>(std::sin(angle));
            const float low = (*head)[i];
            const float high = (*head)[i + half];
            (*head)[i] = low * c - high * s;
            (*head)[i + half] = high * c + low * s;
        }
    }

    void compute(const Cell& cell, std::size_t probe) {
        const std::string prefix = "model.layers." + std::to_string(cell.layer) + ".";
        Row& row = rows_[cell];
        if (cell.layer == 0) {
            model_->matrix("model.embed_tokens.weight").read_row(header_.prompt_tokens[cell.position], row.h_in);
        }
        testing::LayerValues values;
        const std::vector<float> x = model_->norm(row.h_in);
        values.q = model_->linear(prefix + "self_attn.q_proj.weight", x);
        row.k = model_->linear(prefix + "self_attn.k_proj.weight", x);
        row.v = model_->linear(prefix + "self_attn.v_proj.weight", x);
        const std::uint32_t kv_head = static_cast<std::uint32_t>(probe) % shape_.kv_heads;
        if (probe < kHeads) {
            attend(cell, kv_head, values.q);
            for (std::uint32_t page = 0; page <= cell.position / kPagePositions; ++page) {
                question_.pages.push_back({cell.layer, kv_head, page});
            }
        } else {
            question_.pages.push_back({cell.layer, kv_head, cell.position / kPagePositions});
        }
        values.o = model_->linear(prefix + "self_attn.o_proj.weight", row.attn_out);
        std::vector<float> h_mid;
        for (std::size_t i = 0; i < shape_.hidden; ++i) h_mid.push_back(round_to_bf16(row.h_in[i] + values.o[i]));
        const std::vector<float> x_mlp = model_->norm(h_mid);
        values.gate = model_->linear(prefix + "mlp.gate_proj.weight", x_mlp);
        values.up = model_->linear(prefix + "mlp.up_proj.weight", x_mlp);
        for (std::size_t i = 0; i < shape_.ffn; ++i) {
            const float gate = values.gate[i];
            values.act.push_back(round_to_bf16(gate / (1.0F + std::exp(-gate)) * values.up[i]));
        }
        values.down = model_->linear(prefix + "mlp.down_proj.weight", values.act);
        std::vector<float>& next = rows_[{cell.position, cell.layer + 1}].h_in;
        for (std::size_t i = 0; i < shape_.hidden; ++i) next[i] = round_to_bf16(h_mid[i] + values.down[i]);
        computed_.push_back(encode_computed(shape_, values.computed()));
    }
    void compute_final() {
        const std::vector<float> logits =
            model_->linear("model.embed_tokens.weight", model_->norm(rows_[{kPositions - 1, shape_.layers}].h_in));
        header_.output_tokens = {testing::reference_sample(logits, header_.sampling, 0)};
        computed_.push_back(encode_final_computed(shape_, logits));
    }
    void commit() {
        const double before = processor_seconds();
        for (const auto& [cell, row] : rows_) {
            testing::LayerValues values;
            values.h_in = row.h_in;
            values.k = row.k;
            values.v = row.v;
            values.attn_out = row.attn_out;
            testing::commit_row(committer_.get(), shape_.compute, cell, values);
        }
        root_ = *committer_->finish(header_);
        commit_seconds = processor_seconds() - before;
        rows_.clear();
        opening_ = *committer_->open(question_, computed_);
    }

    const WideModel* model_;
    ModelShape shape_;
    std::mt19937_64 random_{9};
    std::normal_distribution<float> normal_;
    std::map<Cell, Row> rows_;
    std::unique_ptr<ServeCommitter> committer_;
    TraceHeader header_;
    AuditQuestion question_;
    std::vector<Bytes> computed_;
    Hash root_;
    Opening opening_;

  public:
    double commit_seconds = 0;
};

std::size_t proof_bytes(const OpenedCell& cell) {
    return (cell.proof.size() + cell.next_proof.size()) * (Hash::kSize + 2);
}

std::size_t largest_cell(const Opening& opening) {
    std::size_t most = 0;
    for (const OpenedCell& cell : opening.cells) {
        most = std::max(most, cell.data.size() + cell.next.size() + cell.computed.size() + proof_bytes(cell));
    }
    return most;
}

void measure_shape(const Effort& effort, const std::string& name, const ModelShape& shape, Figures* out) {
    const WideModel model{shape};
    auto weights = bind_weights(shape, model.views());
    CHECK(weights.has_value());
    const double before = processor_seconds();
    const AuditJudge judge{shape, *std::move(weights), {}, testing::seed_of(1)};
    const double key_seconds = processor_seconds() - before;
    const WideJob job{&model};
    const OutputCheck any = [](const auto&) { return Result<void>{}; };
    std::vector<double> times;
    for (int i = 0; i < effort.times(5, 40); ++i) {
        const double start = processor_seconds();
        const AuditResult result = judge.judge(job.claim(), job.question(), job.opening(), any,
                                               testing::seed_of(static_cast<std::uint64_t>(i) + 2));
        times.push_back(1e3 * (processor_seconds() - start));
        if (result.outcome != VerdictOutcome::kAccepted)
            std::fprintf(stderr, "%s: %s\n", name.c_str(), result.reason.c_str());
    }
    std::sort(times.begin(), times.end());
    const std::string suffix = name.empty() ? "" : "_" + name;
    out->push_back({"verifier_ms_per_audit" + suffix, times[times.size() / 2],
                    "<= 5 at 8B; CommitLLM 62 us a layer and token (M4), attention left out"});
    out->push_back({"opening_bytes_max" + suffix, static_cast<double>(largest_cell(job.opening())),
                    "<= 120,000 a cell without pages; CommitLLM 501-594 KiB a token"});
    out->push_back({"key_seconds_per_layer" + suffix, key_seconds / kLayers, "once for each epoch"});
}

void measure_hashes(Figures* out) {
    const Bytes data(20480, 7);
    const auto rate = [&](auto&& hash) {
        const double before = processor_seconds();
        int count = 0;
        while (processor_seconds() - before < 0.2) {
            static_cast<void>(hash(data));
            ++count;
        }
        return static_cast<double>(count) * static_cast<double>(data.size()) / (processor_seconds() - before) / 1e6;
    };
    out->push_back({"sha256_mb_per_second", rate([](const Bytes& d) { return crypto::sha256(d); }), "leaves of data"});
    out->push_back({"keccak_mb_per_second", rate([](const Bytes& d) { return crypto::keccak256(d); }), "inner nodes"});
}

// What a node sends for one request, with every number as large as it gets. Nothing is sent for a token.
void measure_receipt(Figures* out) {
    const auto bytes = [](auto fixed) {
        fixed.bytes.fill(0xa5);
        return fixed;
    };
    const JobFinished finished{.receipt_hash = bytes(Hash{}),
                               .job_id = bytes(JobId{}),
                               .node = bytes(Address{}),
                               .fencing_token = 1U << 30U,
                               .units = {131'072, 131'072},
                               .amount = Usd{1'000'000'000},
                               .response_hash = bytes(Hash{}),
                               .verification_root = bytes(Hash{}),
                               .started_at = UnixMillis{1'800'000'000'000},
                               .finished_at = UnixMillis{1'800'000'900'000},
                               .node_signature = bytes(Signature{}),
                               .reason = FinishReason::kStop};
    out->push_back({"receipt_bytes", static_cast<double>(wire::encode(Message{finished}).size()), "<= 300 a request"});
}

}  // namespace

void measure_cost(const Effort& effort, Figures* out) {
    measure_hashes(out);
    measure_receipt(out);
    measure_shape(effort, "", shape_of(4096, 32, 8, 128, 14336, 128256), out);
    measure_shape(effort, "1b", shape_of(2048, 32, 8, 64, 8192, 128256), out);
    measure_shape(effort, "shipped", shape_of(256, 8, 4, 32, 688, 6144), out);
}

}  // namespace vcity::verify::bench
