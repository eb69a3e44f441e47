// SPDX-License-Identifier: Apache-2.0
#include "train.hpp"

#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <numbers>

#include <ATen/core/ivalue.h>

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <nlohmann/json.hpp>
#include <torch/utils.h>

#include "llama.hpp"
#include "loss.hpp"
#include "optimizer.hpp"
#include "safetensors.hpp"
#include "train_data.hpp"

namespace vcity::worker {
namespace {

using Json = nlohmann::ordered_json;

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
    ModelConfig config;
    Plan plan;
};

Result<Recipe> read_recipe(const std::filesystem::path& path) {
    std::ifstream file(path);
    const Json json = Json::parse(file, nullptr, false);
    if (!json.is_object() || !json.contains("model") || !json.contains("training")) {
        return make_error(Errc::kInvalid, path.string() + " is no training recipe");
    }
    Recipe recipe;
    recipe.model = json["model"];
    TRY(recipe.config, parse_model_config(recipe.model.dump()));
    try {
        const Json& t = json["training"];
        recipe.plan = Plan{.seed = t.at("seed"),
                           .length = t.at("sequence_length"),
                           .batch = t.at("sequences_per_step"),
                           .steps = t.at("steps"),
                           .warmup = t.at("warmup_steps"),
                           .validate_every = t.at("validate_every"),
                           .validation_sequences = t.at("validation_sequences"),
                           .checkpoint_every = t.at("checkpoint_every"),
                           .optimizer = {.adam_learning_rate = t.at("adam_learning_rate"),
                                         .muon_learning_rate = t.at("muon_learning_rate"),
                                         .weight_decay = t.at("weight_decay"),
                                         .gradient_clip = t.at("gradient_clip")}};
    } catch (const std::exception& error) {
        return make_error(Errc::kInvalid, path.string() + ": " + error.what());
    }
    return recipe;
}

LlamaWeights random_weights(const ModelConfig& config) {
    const auto matrix = [](std::int64_t out, std::int64_t in, double scale) {
        return (torch::randn({out, in}) * scale).set_requires_grad(true);
    };
    const auto ones = [&] { return torch::ones({config.hidden_size}).set_requires_grad(true); };
    const double inner = 1.0 / std::sqrt(static_cast<double>(config.hidden_size));
    // The matrices that write to the residual stream start small, so that depth does not blow it up.
    const double outer = inner / std::sqrt(2.0 * static_cast<double>(config.layers));
    LlamaWeights weights;
    weights.embedding = matrix(config.vocab_size, config.hidden_size, 0.02);
    for (std::int64_t i = 0; i < config.layers; ++i) {
        const std::int64_t width = config.heads * config.head_dim;
        const std::int64_t narrow = config.kv_heads * config.head_dim;
        weights.layers.push_back(LayerWeights{.attention_norm = ones(),
                                              .query = matrix(width, config.hidden_size, inner),
                                              .key = matrix(narrow, config.hidden_size, inner),
                                              .value = matrix(narrow, config.hidden_size, inner),
                                              .output = matrix(config.hidden_size, width, outer),
                                              .mlp_norm = ones(),
                                              .gate = matrix(config.intermediate_size, config.hidden_size, inner),
                                              .up = matrix(config.intermediate_size, config.hidden_size, inner),
                                              .down = matrix(config.hidden_size, config.intermediate_size, outer)});
    }
    weights.final_norm = ones();
    weights.head = config.tie_word_embeddings ? weights.embedding : matrix(config.vocab_size, config.hidden_size, 0.02);
    return weights;
}

class Trainer {
  public:
    Trainer(Recipe recipe, std::filesystem::path out)
        : recipe_(std::move(recipe)), out_(std::move(out)), random_(recipe_.plan.seed) {}

    Result<bool> run(const std::filesystem::path& data);

  private:
    torch::Tensor loss_of(std::span<const Sequence> sequences);
    double validation_loss();
    std::span<const Sequence> next_batch();
    double schedule(std::int64_t step) const;
    Result<bool> save();
    Result<bool> write_json(const std::string& name, const Json& json);

    Recipe recipe_;
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
    const auto logits = forward_sequences(weights_, recipe_.config, torch::stack(inputs));
    at::autocast::clear_cache();
    at::autocast::set_cpu_enabled(false);
    return cross_entropy(logits.view({-1, recipe_.config.vocab_size}), torch::stack(targets).view({-1}));
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

Result<bool> Trainer::write_json(const std::string& name, const Json& json) {
    std::ofstream file(out_ / name);
    file << json.dump(2) << "\n";
    if (!file) return make_error(Errc::kUnavailable, "cannot write " + (out_ / name).string());
    return true;
}

Result<bool> Trainer::save() {
    std::vector<TensorToStore> tensors;
    std::vector<torch::Tensor> alive;
    for (const NamedTensor& named : weights_.named(recipe_.config)) {
        alive.push_back(named.tensor->detach().to(torch::kBFloat16).contiguous());
        const auto& tensor = alive.back();
        const auto* bytes = static_cast<const std::uint8_t*>(tensor.data_ptr());
        tensors.push_back({.name = named.name,
                           .dtype = DType::kBf16,
                           .shape = tensor.sizes().vec(),
                           .bytes = {bytes, static_cast<std::size_t>(tensor.nbytes())}});
    }
    TRY_OK(write_safetensors(out_ / "model.safetensors", tensors));
    TRY_OK(write_json("config.json", recipe_.model));
    TRY_OK(write_json("generation_config.json",
                      {{"bos_token_id", 1}, {"eos_token_id", 2}, {"temperature", 0.7}, {"top_p", 0.9}, {"do_sample", true}}));
    return write_json(
        "tokenizer_config.json",
        {{"tokenizer_class", "LlamaTokenizer"},
         {"add_bos_token", true},
         {"add_eos_token", false},
         {"bos_token", "<s>"},
         {"eos_token", "</s>"},
         {"unk_token", "<unk>"},
         {"additional_special_tokens", {"<|user|>", "<|assistant|>"}},
         {"model_max_length", recipe_.config.max_positions},
         {"chat_template",
          "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '<|user|>' + message['content'] "
          "}}{% elif message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + eos_token }}{% endif %}{% "
          "endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"}});
}

Result<bool> Trainer::run(const std::filesystem::path& data) {
    const auto tokenizer = out_ / "tokenizer.model";
    std::error_code failed;
    std::filesystem::copy_file(data / "tokenizer.model", tokenizer, std::filesystem::copy_options::overwrite_existing, failed);
    if (failed) return make_error(Errc::kNotFound, "no tokenizer.model in " + data.string());
    TRY(documents_, read_documents(data / "train.jsonl", tokenizer));
    TRY(const auto held_out, read_documents(data / "valid.jsonl", tokenizer));
    std::mt19937_64 fixed(recipe_.plan.seed);
    validation_ = pack(held_out, static_cast<std::size_t>(recipe_.plan.length), fixed);
    const auto most = static_cast<std::size_t>(recipe_.plan.validation_sequences);
    if (validation_.size() > most) validation_.resize(most);

    torch::manual_seed(recipe_.plan.seed);
    weights_ = random_weights(recipe_.config);
    std::vector<torch::Tensor> matrices;
    std::vector<torch::Tensor> others;
    std::int64_t parameters = 0;
    for (const NamedTensor& named : weights_.named(recipe_.config)) {
        parameters += named.tensor->numel();
        const bool inner = named.tensor->dim() == 2 && named.name.starts_with("model.layers.");
        (inner ? matrices : others).push_back(*named.tensor);
    }
    Optimizer optimizer(matrices, others, recipe_.plan.optimizer);
    std::size_t tokens = 0;
    for (const Document& document : documents_) tokens += document.tokens.size();
    std::cerr << "parameters " << parameters << ", training tokens " << tokens << ", validation sequences "
              << validation_.size() << std::endl;

    std::ofstream log(out_ / "loss.csv");
    log << "step,tokens,seconds,train_loss,valid_loss\n";
    const auto begin = std::chrono::steady_clock::now();
    double sum = 0;
    const auto batch_tokens = recipe_.plan.batch * recipe_.plan.length;
    for (std::int64_t step = 0; step < recipe_.plan.steps; ++step) {
        const auto loss = loss_of(next_batch());
        loss.backward();
        optimizer.step(schedule(step));
        sum += loss.item<double>();
        const std::int64_t done = step + 1;
        const bool last = done == recipe_.plan.steps;
        if (done % recipe_.plan.validate_every == 0 || last) {
            const auto interval = done % recipe_.plan.validate_every == 0 ? recipe_.plan.validate_every
                                                                         : done % recipe_.plan.validate_every;
            const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
            std::ostringstream row;
            row << done << "," << done * batch_tokens << "," << static_cast<std::int64_t>(elapsed.count()) << ","
                << sum / static_cast<double>(interval) << "," << validation_loss();
            log << row.str() << std::endl;
            std::cerr << row.str() << std::endl;
            sum = 0;
        }
        if (done % recipe_.plan.checkpoint_every == 0 || last) {
            TRY_OK(save());
        }
    }
    return true;
}

}  // namespace

Result<bool> train(const TrainOptions& options) {
    at::set_num_threads(1);
    TRY(auto recipe, read_recipe(options.recipe));
    std::error_code ignored;
    std::filesystem::create_directories(options.out, ignored);
    try {
        return Trainer(std::move(recipe), options.out).run(options.data);
    } catch (const std::exception& error) {
        return make_error(Errc::kInternal, std::string("training: ") + error.what());
    }
}

}  // namespace vcity::worker
