// SPDX-License-Identifier: Apache-2.0
#include "tuning/finetune.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>
#include <ostream>
#include <random>

#include "checkpoint/mapped_file.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/sha256.hpp"
#include "loss.hpp"
#include "optimizer.hpp"
#include "train_data.hpp"
#include "tuning/chat_data.hpp"
#include "tuning/lora.hpp"
#include "tuning/tensor_file.hpp"
#include "weights.hpp"

namespace vcity::worker {
namespace {

using codec::Json;
using codec::JsonObject;

constexpr const char* kStateFile = "finetune.state";
constexpr std::uint64_t kStateHeaderMax = 1U << 20U;
constexpr std::size_t kHeldOutPart = 10;
constexpr double kWarmupPart = 0.05;
constexpr std::int64_t kSeedStep = 1'000'003;

std::string model_name(std::filesystem::path folder) {
    if (!folder.has_filename()) folder = folder.parent_path();
    return folder.filename().string();
}

// Pipelines that paint have a model_index.json instead.
bool is_language_model(const std::filesystem::path& folder) {
    std::error_code failed;
    return std::filesystem::is_regular_file(folder / "config.json", failed);
}

// Stands in a node's sandbox for a stranger's argument.
Result<std::filesystem::path> model_folder(const FinetuneOptions& options) {
    if (options.models_root.empty()) return options.model;
    const std::string name = options.model.string();
    const bool is_bare = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
    const std::filesystem::path folder = options.models_root / name;
    if (is_bare && is_language_model(folder)) return folder;
    std::string known;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator{options.models_root, failed}) {
        if (!is_language_model(entry.path())) continue;
        known += (known.empty() ? "" : ", ") + entry.path().filename().string();
    }
    return make_error(Errc::kNotFound,
                      "there is no model " + name + " here; there is " + (known.empty() ? "none" : known));
}

Result<void> check(const FinetuneOptions& options) {
    const auto bad = [](const char* what) { return make_error(Errc::kInvalid, what); };
    if (options.epochs < 1 || options.epochs > 1000) return bad("epochs must be 1 to 1,000");
    if (options.batch < 1 || options.batch > 4096) return bad("the batch must be 1 to 4,096 examples");
    const bool is_rate = options.learning_rate > 0 && options.learning_rate <= 1;
    if (!is_rate) return bad("the learning rate must be above 0 and at most 1");
    if (!(options.weight_decay >= 0 && options.weight_decay < 1)) return bad("the weight decay must be 0 to 1");
    if (options.validate_every < 1 || options.checkpoint_every < 1)
        return bad("what is done every so often needs steps");
    return {};
}

class Finetuner {
  public:
    Finetuner(const FinetuneOptions& options, checkpoint::ModelDirectory model, std::ostream* events)
        : options_{options}, model_{std::move(model)}, dims_{model_.config()}, events_{events} {}

    Result<void> run();

  private:
    Result<void> prepare();
    Result<void> read_data();
    Result<void> resume();
    Result<void> save_state() const;
    Result<void> train_step();
    void validate();
    void emit(JsonObject event) const;

    std::vector<std::size_t> order_of(std::int64_t epoch) const;
    double schedule(std::int64_t step) const;
    torch::Tensor loss_of(const std::vector<const ChatExample*>& batch) const;
    std::string identity() const;
    std::int64_t steps_per_epoch() const {
        const auto examples = static_cast<std::int64_t>(train_.size());
        return (examples + options_.batch - 1) / options_.batch;
    }
    std::int64_t steps_total() const {
        const std::int64_t all = steps_per_epoch() * options_.epochs;
        return options_.steps_max > 0 ? std::min(all, options_.steps_max) : all;
    }

    const FinetuneOptions& options_;
    checkpoint::ModelDirectory model_;
    Dims dims_;
    std::ostream* events_;
    RotaryTable table_;
    LlamaWeights weights_;
    LoraAdapter adapter_;
    std::unique_ptr<Optimizer> optimizer_;
    std::vector<ChatExample> train_;
    std::vector<ChatExample> held_out_;
    Hash data_hash_;
    std::int64_t done_ = 0;  // steps
    double last_loss_ = 0;
};

void Finetuner::emit(JsonObject event) const {
    *events_ << codec::dump_json(Json{std::move(event)}) << std::endl;
}

// What a checkpoint must have been made with.
std::string Finetuner::identity() const {
    Json json = JsonObject{{"rank", options_.rank},
                           {"alpha", options_.alpha},
                           {"epochs", options_.epochs},
                           {"batch", options_.batch},
                           {"learning_rate", options_.learning_rate},
                           {"weight_decay", options_.weight_decay},
                           {"seed", options_.seed},
                           {"length", options_.length},
                           {"data", codec::to_hex(data_hash_)}};
    json.set("targets", codec::JsonArray(adapter_.config().targets.begin(), adapter_.config().targets.end()));
    return codec::dump_json(json);
}

Result<void> Finetuner::read_data() {
    const auto most = static_cast<std::size_t>(model_.config().max_positions);
    const std::size_t length = options_.length > 0 ? std::min(most, static_cast<std::size_t>(options_.length)) : most;
    TRY(ChatData data, read_chat_file(options_.data, model_, length));
    crypto::Sha256 hash;
    for (const ChatExample& example : data.examples) {
        hash.update({reinterpret_cast<const std::uint8_t*>(example.tokens.data()),
                     example.tokens.size() * sizeof(std::uint32_t)});
    }
    data_hash_ = hash.finish();
    train_ = std::move(data.examples);
    if (!options_.validation.empty()) {
        TRY(ChatData valid, read_chat_file(options_.validation, model_, length));
        held_out_ = std::move(valid.examples);
    } else {
        for (std::size_t at = train_.size(); at-- > 0;) {
            if (at % kHeldOutPart != kHeldOutPart - 1) continue;
            held_out_.push_back(std::move(train_[at]));
            train_.erase(train_.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }
    emit({{"event", "start"},
          {"model", model_name(options_.model)},
          {"examples", train_.size()},
          {"held_out", held_out_.size()},
          {"cut", data.cut},
          {"dropped", data.dropped},
          {"steps", steps_total()},
          {"tokens_learned", data.learned_tokens}});
    return {};
}

Result<void> Finetuner::prepare() {
    weights_ = load_weights(model_, dims_, torch::kCPU, torch::kFloat32);
    table_ = rotary_table(model_.config(), static_cast<std::int64_t>(model_.config().max_positions));
    LoraConfig config{.rank = options_.rank, .alpha = options_.alpha, .targets = options_.targets};
    if (config.targets.empty()) config.targets = lora_targets();
    TRY_OK(check_lora(config));
    adapter_ = LoraAdapter::fresh(std::move(config), dims_, options_.seed);
    TRY_OK(read_data());
    std::vector<torch::Tensor> parameters;
    for (LoraPair& pair : adapter_.pairs()) {
        parameters.push_back(pair.a.set_requires_grad(true));
        parameters.push_back(pair.b.set_requires_grad(true));
    }
    const OptimizerOptions rates{.adam_learning_rate = options_.learning_rate,
                                 .muon_learning_rate = 0,
                                 .weight_decay = options_.weight_decay,
                                 .gradient_clip = 1.0};
    optimizer_ = std::make_unique<Optimizer>(std::vector<torch::Tensor>{}, parameters, rates);
    adapter_.attach(&weights_);
    return {};
}

// Linear warm-up, then a cosine to a twentieth.
double Finetuner::schedule(std::int64_t step) const {
    const auto total = static_cast<double>(steps_per_epoch() * options_.epochs);
    const double warmup = std::max(1.0, total * kWarmupPart);
    const auto now = static_cast<double>(step + 1);
    if (now < warmup) return now / warmup;
    const double progress = (now - warmup) / std::max(1.0, total - warmup);
    return 0.05 + 0.95 * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

std::vector<std::size_t> Finetuner::order_of(std::int64_t epoch) const {
    std::vector<std::size_t> order(train_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::mt19937_64 random{options_.seed * static_cast<std::uint64_t>(kSeedStep) + static_cast<std::uint64_t>(epoch)};
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    return order;
}

// Padded on the right, where no token sees it.
torch::Tensor Finetuner::loss_of(const std::vector<const ChatExample*>& batch) const {
    std::size_t longest = 0;
    for (const ChatExample* example : batch) longest = std::max(longest, example->tokens.size() - 1);
    std::vector<torch::Tensor> inputs;
    std::vector<torch::Tensor> targets;
    for (const ChatExample* example : batch) {
        std::vector<std::int64_t> input(longest, 0);
        std::vector<std::int64_t> target(longest, kNoTarget);
        for (std::size_t at = 0; at + 1 < example->tokens.size(); ++at) {
            input[at] = example->tokens[at];
            if (at + 1 >= example->given) target[at] = example->tokens[at + 1];
        }
        inputs.push_back(torch::tensor(input, torch::kInt64));
        targets.push_back(torch::tensor(target, torch::kInt64));
    }
    const auto logits = forward_sequences(weights_, dims_, table_, torch::stack(inputs));
    return cross_entropy(logits.view({-1, dims_.vocab}), torch::stack(targets).view({-1}));
}

Result<void> Finetuner::train_step() {
    const std::int64_t epoch = done_ / steps_per_epoch();
    const std::vector<std::size_t> order = order_of(epoch);
    const auto from = static_cast<std::size_t>(done_ % steps_per_epoch() * options_.batch);
    std::vector<const ChatExample*> batch;
    for (std::size_t at = from; at < std::min(order.size(), from + static_cast<std::size_t>(options_.batch)); ++at) {
        batch.push_back(&train_[order[at]]);
    }
    const auto loss = loss_of(batch);
    loss.backward();
    optimizer_->step(schedule(done_));
    last_loss_ = loss.item<double>();
    ++done_;
    if (std::isfinite(last_loss_)) return {};
    return make_error(Errc::kInvalid, "the loss is no number any more at step " + std::to_string(done_) +
                                          ": a smaller learning rate may help");
}

void Finetuner::validate() {
    const torch::NoGradGuard no_grad;
    double sum = 0;
    std::size_t tokens = 0;
    const auto batch = static_cast<std::size_t>(options_.batch);
    for (std::size_t at = 0; at < held_out_.size(); at += batch) {
        std::vector<const ChatExample*> examples;
        std::size_t learned = 0;
        for (std::size_t one = at; one < std::min(held_out_.size(), at + batch); ++one) {
            examples.push_back(&held_out_[one]);
            learned += held_out_[one].tokens.size() - held_out_[one].given;
        }
        sum += loss_of(examples).item<double>() * static_cast<double>(learned);
        tokens += learned;
    }
    JsonObject event{{"event", "metrics"},
                     {"step", done_},
                     {"epoch", static_cast<double>(done_) / static_cast<double>(steps_per_epoch())}};
    if (done_ > 0) event.emplace_back("train_loss", last_loss_);
    if (tokens > 0) event.emplace_back("valid_loss", sum / static_cast<double>(tokens));
    emit(std::move(event));
}

// A JSON object of the run, its length before it, then the tensors: one file, so that it is whole or not there.
Result<void> Finetuner::save_state() const {
    if (options_.checkpoint.empty()) return {};
    std::vector<std::pair<std::string, torch::Tensor>> tensors;
    const std::vector<torch::Tensor> moments = optimizer_->moments();
    for (std::size_t at = 0; at < adapter_.pairs().size(); ++at) {
        const std::string name = std::to_string(at);
        tensors.emplace_back("a." + name, adapter_.pairs()[at].a);
        tensors.emplace_back("b." + name, adapter_.pairs()[at].b);
        for (std::size_t part = 0; part < 4; ++part) {
            tensors.emplace_back("moment." + name + "." + std::to_string(part), moments[4 * at + part]);
        }
    }
    const std::string header = codec::dump_json(Json{JsonObject{{"version", 1}, {"step", done_}, {"run", identity()}}});
    Bytes bytes(sizeof(std::uint64_t));
    const std::uint64_t size = header.size();
    std::memcpy(bytes.data(), &size, sizeof(size));
    append(&bytes, as_bytes(header));
    append(&bytes, encode_tensors(tensors));
    TRY_OK(write_whole(options_.checkpoint / kStateFile, bytes));
    emit({{"event", "checkpoint"}, {"step", done_}});
    return {};
}

Result<void> Finetuner::resume() {
    const std::filesystem::path path = options_.checkpoint / kStateFile;
    if (options_.checkpoint.empty() || !std::filesystem::exists(path)) return {};
    const auto wrong = [&](const std::string& what) {
        return make_error(Errc::kCorrupt, "checkpoint " + path.string() + ": " + what);
    };
    TRY(const auto file, checkpoint::MappedFile::open(path));
    std::uint64_t size = 0;
    if (file.bytes().size() < sizeof(size)) return wrong("is cut off");
    std::memcpy(&size, file.bytes().data(), sizeof(size));
    if (size > kStateHeaderMax || size > file.bytes().size() - sizeof(size)) return wrong("is damaged");
    const Result<Json> header = codec::parse_json(as_text(file.bytes().subspan(sizeof(size), size)));
    const Json* run = header ? header->find("run") : nullptr;
    const Json* step = header ? header->find("step") : nullptr;
    std::int64_t done = 0;
    if (run == nullptr || run->get_string() == nullptr || step == nullptr || !step->get_i64(&done)) {
        return wrong("is damaged");
    }
    if (*run->get_string() != identity()) return wrong("belongs to a run with other data or settings");
    if (done < 0 || done > steps_per_epoch() * options_.epochs) return wrong("is damaged");
    auto tensors = parse_tensors(file.bytes().subspan(sizeof(size) + size));
    if (!tensors) return wrong(tensors.error().message);
    const torch::NoGradGuard no_grad;
    const auto take = [&](const std::string& name, const torch::Tensor& into) {
        const auto found = tensors->find(name);
        const bool fits = found != tensors->end() && found->second.sizes() == into.sizes();
        if (fits) into.copy_(found->second);
        return fits;
    };
    std::vector<torch::Tensor> moments;
    for (const torch::Tensor& moment : optimizer_->moments()) moments.push_back(torch::empty_like(moment));
    for (std::size_t at = 0; at < adapter_.pairs().size(); ++at) {
        const std::string name = std::to_string(at);
        bool is_good = take("a." + name, adapter_.pairs()[at].a) && take("b." + name, adapter_.pairs()[at].b);
        for (std::size_t part = 0; part < 4; ++part) {
            is_good = is_good && take("moment." + name + "." + std::to_string(part), moments[4 * at + part]);
        }
        if (!is_good) return wrong("lacks tensors");
    }
    optimizer_->restore(moments, done);
    done_ = done;
    emit({{"event", "resumed"}, {"step", done_}});
    return {};
}

Result<void> Finetuner::run() {
    TRY_OK(prepare());
    TRY_OK(resume());
    if (done_ == 0) validate();
    const auto begin = std::chrono::steady_clock::now();
    const std::int64_t before = done_;
    while (done_ < steps_total()) {
        TRY_OK(train_step());
        const bool is_last = done_ == steps_total();
        if (done_ % options_.validate_every == 0 || is_last) {
            validate();
        } else {
            emit({{"event", "metrics"},
                  {"step", done_},
                  {"epoch", static_cast<double>(done_) / static_cast<double>(steps_per_epoch())},
                  {"train_loss", last_loss_}});
        }
        if (done_ % options_.checkpoint_every == 0 || is_last) {
            TRY_OK(save_state());
        }
    }
    TRY_OK(adapter_.save(options_.out, model_name(options_.model)));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    emit({{"event", "done"}, {"step", done_}, {"steps_run", done_ - before}, {"seconds", elapsed.count()}});
    return {};
}

}  // namespace

Result<void> finetune(const FinetuneOptions& options, std::ostream& events) {
    TRY_OK(check(options));
    at::set_num_threads(options.threads);
    TRY(const std::filesystem::path folder, model_folder(options));
    TRY(auto model, checkpoint::ModelDirectory::open(folder));
    try {
        return Finetuner(options, std::move(model), &events).run();
    } catch (const std::exception& error) {
        return make_error(Errc::kInternal, std::string("fine-tuning: ") + error.what());
    }
}

Result<void> merge_adapter(const std::filesystem::path& model,
                           const std::filesystem::path& adapter,
                           const std::filesystem::path& out) {
    TRY(const auto base, checkpoint::ModelDirectory::open(model));
    const Dims dims{base.config()};
    std::error_code failed;
    std::filesystem::create_directories(out, failed);
    for (const char* name : {"config.json", "generation_config.json", "tokenizer.model", "tokenizer.json",
                             "tokenizer_config.json", "special_tokens_map.json"}) {
        if (!std::filesystem::exists(model / name)) continue;
        std::filesystem::copy_file(model / name, out / name, std::filesystem::copy_options::overwrite_existing, failed);
        if (failed) return make_error(Errc::kUnavailable, "cannot write " + (out / name).string());
    }
    try {
        TRY(const LoraAdapter loaded, LoraAdapter::load(adapter, dims));
        LlamaWeights weights = load_weights(base, dims, torch::kCPU, torch::kFloat32);
        loaded.merge_into(&weights);
        std::vector<std::pair<std::string, torch::Tensor>> tensors;
        for (const NamedWeight& weight : weights.named(dims)) {
            tensors.emplace_back(weight.name, weight.tensor->to(torch::kBFloat16));
        }
        return write_whole(out / "model.safetensors", encode_tensors(tensors));
    } catch (const std::exception& error) {
        return make_error(Errc::kInternal, std::string("merging: ") + error.what());
    }
}

}  // namespace vcity::worker
