// SPDX-License-Identifier: Apache-2.0
#include "train.hpp"

#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <numbers>
#include <random>
#include <sstream>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/safetensors.hpp"
#include "codec/json.hpp"
#include "llama.hpp"
#include "loss.hpp"
#include "optimizer.hpp"
#include "train_data.hpp"

namespace vcity::worker {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kRecipeBytesMax = 1U << 20U;

struct Plan {
    std::uint64_t seed = 0;
    std::int64_t length = 0;
    std::int64_t batch = 0;
    std::int64_t steps = 0;
    std::int64_t warmup = 0;
    std::int64_t validate_every = 0;
    std::int64_t validation_sequences = 0;
    std::int64_t checkpoint_every = 0;
    OptimizerOptions optimizer;
};

struct Recipe {
    Json model;
    checkpoint::ModelConfig config;
    Plan plan;
};

Result<Plan> read_plan(const Json& json) {
    Plan plan;
    const std::pair<const char*, std::int64_t*> counts[] = {{"sequence_length", &plan.length},
                                                            {"sequences_per_step", &plan.batch},
                                                            {"steps", &plan.steps},
                                                            {"warmup_steps", &plan.warmup},
                                                            {"validate_every", &plan.validate_every},
                                                            {"validation_sequences", &plan.validation_sequences},
                                                            {"checkpoint_every", &plan.checkpoint_every}};
    const std::pair<const char*, double*> numbers[] = {{"adam_learning_rate", &plan.optimizer.adam_learning_rate},
                                                       {"muon_learning_rate", &plan.optimizer.muon_learning_rate},
                                                       {"weight_decay", &plan.optimizer.weight_decay},
                                                       {"gradient_clip", &plan.optimizer.gradient_clip}};
    const Json* seed = json.find("seed");
    if (seed == nullptr || !seed->get_u64(&plan.seed))
        return make_error(Errc::kInvalid, "recipe: training.seed is missing");
    for (const auto& [name, out] : counts) {
        const Json* field = json.find(name);
        if (field == nullptr || !field->get_i64(out) || *out <= 0) {
            return make_error(Errc::kInvalid, std::string{"recipe: training."} + name + " must be a positive integer");
        }
    }
    for (const auto& [name, out] : numbers) {
        const Json* field = json.find(name);
        if (field == nullptr || !field->get_double(out) || *out < 0) {
            return make_error(Errc::kInvalid, std::string{"recipe: training."} + name + " must be a number");
        }
    }
    return plan;
}

Result<Recipe> read_recipe(const std::filesystem::path& path) {
    TRY(const std::string text, checkpoint::read_text_file(path, kRecipeBytesMax));
    TRY(const Json json, codec::parse_json(text));
    const Json* model = json.find("model");
    const Json* training = json.find("training");
    if (model == nullptr || training == nullptr)
        return make_error(Errc::kInvalid, "recipe: model or training is missing");
    TRY(const auto config, checkpoint::read_model_config(*model));
    TRY(const Plan plan, read_plan(*training));
    if (plan.length > static_cast<std::int64_t>(config.max_positions)) {
        return make_error(Errc::kInvalid, "recipe: sequence_length is above max_position_embeddings");
    }
    return Recipe{.model = *model, .config = config, .plan = plan};
}

LlamaWeights random_weights(const Dims& dims) {
    const auto matrix = [](std::int64_t out, std::int64_t in, double scale) {
        return (torch::randn({out, in}) * scale).set_requires_grad(true);
    };
    const auto ones = [&] { return torch::ones({dims.hidden}).set_requires_grad(true); };
    const double inner = 1.0 / std::sqrt(static_cast<double>(dims.hidden));
    // The matrices that write to the residual stream start small, so that depth does not blow it up.
    const double outer = inner / std::sqrt(2.0 * static_cast<double>(dims.layers));
    LlamaWeights weights;
    weights.embedding = matrix(dims.vocab, dims.hidden, 0.02);
    for (std::int64_t i = 0; i < dims.layers; ++i) {
        const std::int64_t width = dims.query_width();
        const std::int64_t narrow = dims.kv_width();
        weights.layers.push_back(LayerWeights{.attention_norm = ones(),
                                              .query = matrix(width, dims.hidden, inner),
                                              .key = matrix(narrow, dims.hidden, inner),
                                              .value = matrix(narrow, dims.hidden, inner),
                                              .output = matrix(dims.hidden, width, outer),
                                              .mlp_norm = ones(),
                                              .gate = matrix(dims.ffn, dims.hidden, inner),
                                              .up = matrix(dims.ffn, dims.hidden, inner),
                                              .down = matrix(dims.hidden, dims.ffn, outer)});
    }
    weights.final_norm = ones();
    weights.head = dims.tied ? weights.embedding : matrix(dims.vocab, dims.hidden, 0.02);
    return weights;
}

// checkpoint::ChatForm::kTurnTokens as a Hugging Face template.
constexpr const char* kChatTemplate =
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '<|user|>' + message['content'] }}{% elif message['role'] == 'assistant' %}"
    "{{ '<|assistant|>' + message['content'] + eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

class Trainer {
  public:
    Trainer(Recipe recipe, std::filesystem::path out)
        : recipe_(std::move(recipe)),
          dims_(recipe_.config),
          table_(rotary_table(recipe_.config, recipe_.plan.length)),
          out_(std::move(out)),
          random_(recipe_.plan.seed) {}

    Result<void> run(const std::filesystem::path& data);

  private:
    torch::Tensor loss_of(std::span<const Sequence> sequences);
    double validation_loss();
    std::span<const Sequence> next_batch();
    double schedule(std::int64_t step) const;
    Result<void> save();
    Result<void> write(const std::string& name, ByteView bytes) const;
    Result<void> write_json(const std::string& name, const Json& json) const;
    Result<void> prepare(const std::filesystem::path& data);
    void report(std::int64_t done, double train_loss, double seconds, std::ostream* log);

    Recipe recipe_;
    Dims dims_;
    RotaryTable table_;
    std::filesystem::path out_;
    std::mt19937_64 random_;
    LlamaWeights weights_;
    std::vector<Document> documents_;
    std::vector<Sequence> epoch_;
    std::vector<Sequence> validation_;
    std::size_t position_ = 0;
};

torch::Tensor Trainer::loss_of(std::span<const Sequence> sequences) {
    std::vector<torch::Tensor> inputs;
    std::vector<torch::Tensor> targets;
    for (const Sequence& sequence : sequences) {
        inputs.push_back(torch::tensor(sequence.inputs, torch::kInt64));
        targets.push_back(torch::tensor(sequence.targets, torch::kInt64));
    }
    // Matrix products run in bfloat16 under autocast; weights, sums and the optimizer stay in fp32.
    at::autocast::set_cpu_enabled(true);
    const auto logits = forward_sequences(weights_, dims_, table_, torch::stack(inputs));
    at::autocast::clear_cache();
    at::autocast::set_cpu_enabled(false);
    return cross_entropy(logits.view({-1, dims_.vocab}), torch::stack(targets).view({-1}));
}

double Trainer::validation_loss() {
    const torch::NoGradGuard no_grad;
    double sum = 0;
    const auto batch = static_cast<std::size_t>(recipe_.plan.batch);
    std::size_t batches = 0;
    for (std::size_t at = 0; at + batch <= validation_.size(); at += batch, ++batches) {
        sum += loss_of(std::span(validation_).subspan(at, batch)).item<double>();
    }
    return batches == 0 ? 0 : sum / static_cast<double>(batches);
}

std::span<const Sequence> Trainer::next_batch() {
    const auto batch = static_cast<std::size_t>(recipe_.plan.batch);
    if (position_ + batch > epoch_.size()) {
        epoch_ = pack(documents_, static_cast<std::size_t>(recipe_.plan.length), random_);
        position_ = 0;
    }
    position_ += batch;
    return std::span(epoch_).subspan(position_ - batch, batch);
}

// Linear warm-up, then a cosine to a twentieth.
double Trainer::schedule(std::int64_t step) const {
    const auto now = static_cast<double>(step + 1);
    const auto warmup = static_cast<double>(recipe_.plan.warmup);
    if (now < warmup) return now / warmup;
    const double progress = (now - warmup) / (static_cast<double>(recipe_.plan.steps) - warmup);
    return 0.05 + 0.95 * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

Result<void> Trainer::write(const std::string& name, ByteView bytes) const {
    std::ofstream file(out_ / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) return make_error(Errc::kUnavailable, "cannot write " + (out_ / name).string());
    return {};
}

Result<void> Trainer::write_json(const std::string& name, const Json& json) const {
    return write(name, as_bytes(codec::dump_json_pretty(json) + "\n"));
}

Result<void> Trainer::save() {
    std::vector<checkpoint::NamedTensor> stored;
    std::vector<torch::Tensor> alive;
    for (const NamedWeight& weight : weights_.named(dims_)) {
        alive.push_back(weight.tensor->detach().to(torch::kBFloat16).contiguous());
        const auto& tensor = alive.back();
        const auto* data = static_cast<const std::uint8_t*>(tensor.data_ptr());
        stored.push_back({.name = weight.name,
                          .tensor = {.dtype = checkpoint::DType::kBfloat16,
                                     .shape = {tensor.sizes().begin(), tensor.sizes().end()},
                                     .bytes = {data, static_cast<std::size_t>(tensor.nbytes())}}});
    }
    TRY_OK(write("model.safetensors", checkpoint::encode_safetensors(stored)));
    TRY_OK(write_json("config.json", recipe_.model));
    TRY_OK(write_json(
        "generation_config.json",
        JsonObject{
            {"bos_token_id", 1}, {"eos_token_id", 2}, {"do_sample", true}, {"temperature", 0.7}, {"top_p", 0.9}}));
    return write_json("tokenizer_config.json",
                      JsonObject{{"tokenizer_class", "LlamaTokenizer"},
                                 {"add_bos_token", true},
                                 {"add_eos_token", false},
                                 {"bos_token", "<s>"},
                                 {"eos_token", "</s>"},
                                 {"unk_token", "<unk>"},
                                 {"additional_special_tokens", JsonArray{"<|user|>", "<|assistant|>"}},
                                 {"model_max_length", recipe_.config.max_positions},
                                 {"chat_template", kChatTemplate}});
}

Result<void> Trainer::prepare(const std::filesystem::path& data) {
    const auto tokenizer = out_ / "tokenizer.model";
    std::error_code failed;
    std::filesystem::create_directories(out_, failed);
    std::filesystem::copy_file(data / "tokenizer.model", tokenizer, std::filesystem::copy_options::overwrite_existing,
                               failed);
    if (failed) return make_error(Errc::kNotFound, "cannot copy tokenizer.model from " + data.string());
    TRY(documents_, read_documents(data / "train.jsonl", tokenizer));
    TRY(const auto held_out, read_documents(data / "valid.jsonl", tokenizer));
    std::mt19937_64 fixed(recipe_.plan.seed);
    validation_ = pack(held_out, static_cast<std::size_t>(recipe_.plan.length), fixed);
    const auto most = static_cast<std::size_t>(recipe_.plan.validation_sequences);
    if (validation_.size() > most) validation_.resize(most);
    torch::manual_seed(recipe_.plan.seed);
    weights_ = random_weights(dims_);
    std::size_t tokens = 0;
    for (const Document& document : documents_) tokens += document.tokens.size();
    if (tokens < static_cast<std::size_t>((recipe_.plan.batch + 1) * recipe_.plan.length)) {
        return make_error(Errc::kInvalid, "the training data is shorter than one step");
    }
    std::cerr << "training tokens " << tokens << ", validation sequences " << validation_.size() << std::endl;
    return {};
}

void Trainer::report(std::int64_t done, double train_loss, double seconds, std::ostream* log) {
    std::ostringstream row;
    row << done << "," << done * recipe_.plan.batch * recipe_.plan.length << "," << static_cast<std::int64_t>(seconds)
        << "," << train_loss << "," << validation_loss();
    *log << row.str() << std::endl;
    std::cerr << row.str() << std::endl;
}

Result<void> Trainer::run(const std::filesystem::path& data) {
    TRY_OK(prepare(data));
    std::vector<torch::Tensor> matrices;
    std::vector<torch::Tensor> others;
    for (const NamedWeight& weight : weights_.named(dims_)) {
        const bool inner = weight.tensor->dim() == 2 && weight.name.starts_with("model.layers.");
        (inner ? matrices : others).push_back(*weight.tensor);
    }
    Optimizer optimizer(matrices, others, recipe_.plan.optimizer);
    std::ofstream log(out_ / "loss.csv");
    log << "step,tokens,seconds,train_loss,valid_loss\n";
    const auto begin = std::chrono::steady_clock::now();
    double sum = 0;
    std::int64_t counted = 0;
    for (std::int64_t done = 1; done <= recipe_.plan.steps; ++done) {
        const auto loss = loss_of(next_batch());
        loss.backward();
        optimizer.step(schedule(done - 1));
        sum += loss.item<double>();
        ++counted;
        const bool last = done == recipe_.plan.steps;
        if (done % recipe_.plan.validate_every == 0 || last) {
            const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
            report(done, std::exchange(sum, 0) / static_cast<double>(std::exchange(counted, 0)), elapsed.count(), &log);
        }
        if (done % recipe_.plan.checkpoint_every == 0 || last) {
            TRY_OK(save());
        }
    }
    return {};
}

}  // namespace

Result<void> train(const TrainOptions& options) {
    at::set_num_threads(1);
    TRY(auto recipe, read_recipe(options.recipe));
    try {
        return Trainer(std::move(recipe), options.out).run(options.data);
    } catch (const std::exception& error) {
        return make_error(Errc::kInternal, std::string("training: ") + error.what());
    }
}

}  // namespace vcity::worker
