// SPDX-License-Identifier: Apache-2.0
// vcity-worker serve: runs a model for a node agent, over standard input and output. vcity-worker generate: the same
// for one question on a terminal. vcity-worker logprobs: how likely a model finds the answers of others. vcity-worker
// enrol: the sample that verifiers hold tier A to. vcity-worker train: trains a model; finetune: a LoRA adapter for
// one, and merge puts an adapter into its model. vcity-worker paint: a picture from a prompt.
#include <csignal>
#include <iostream>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "diffusion/painter.hpp"
#include "engine.hpp"
#include "enrol.hpp"
#include "logprobs.hpp"
#include "serve.hpp"
#include "train.hpp"
#include "tuning/finetune.hpp"
#include "tuning/shelf.hpp"

namespace {

using vcity::Result;
using vcity::worker::AdapterSource;
using vcity::worker::Engine;
using vcity::worker::EngineOptions;
using vcity::worker::FinetuneOptions;
using vcity::worker::Shelf;
using vcity::worker::TrainOptions;
using vcity::worker::diffusion::PaintOptions;

struct ServeFlags {
    std::string model;
    std::string name;
    std::vector<std::string> adapters;  // NAME=FOLDER
    std::string compute = "fp32";
    std::uint64_t trace_mib = 384;
    std::size_t hash_threads = 1;
    EngineOptions engine;
};

struct GenerateFlags {
    std::string question;
    bool plain = false;
    vcity::ModelRequest request;
};

void add_model_options(CLI::App* command, ServeFlags* flags) {
    command->add_option("--model", flags->model, "Hugging Face model directory")->required();
    command->add_option("--compute", flags->compute, "fp32 or bf16")->check(CLI::IsMember({"fp32", "bf16"}));
    command->add_option("--device", flags->engine.runner.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
    command->add_option("--threads", flags->engine.runner.threads, "threads on the cpu")->check(CLI::Range(1, 256));
}

void add_adapters(CLI::App* command, ServeFlags* flags) {
    command->add_option("--adapter", flags->adapters, "NAME=FOLDER of an adapter in PEFT's layout, again for each");
}

void add_serve(CLI::App* root, ServeFlags* flags) {
    CLI::App* serve = root->add_subcommand("serve", "run a model over standard input and output");
    add_model_options(serve, flags);
    serve->add_option("--name", flags->name, "what requests call the model (default: the directory's name)");
    add_adapters(serve, flags);
    serve->add_option("--slots", flags->engine.slots, "requests that run at the same time")->check(CLI::Range(1, 256));
    serve
        ->add_option("--prompt-rows", flags->engine.prompt_rows,
                     "prompt tokens of one request that are run in one step")
        ->check(CLI::Range(1, 4096));
    serve
        ->add_option("--hash-threads", flags->hash_threads,
                     "threads that commit to what was computed, beside it; 0: the computing thread does")
        ->check(CLI::Range(0, 64));
    serve->add_option("--trace-mib", flags->trace_mib, "memory for the traces that verifiers may open")
        ->check(CLI::Range(1, 1 << 20));
}

void add_generate(CLI::App* root, ServeFlags* flags, GenerateFlags* generate) {
    CLI::App* command = root->add_subcommand("generate", "answer one question");
    add_model_options(command, flags);
    generate->request.output_tokens_max = 160;
    generate->request.sampling.temperature = 0;
    command->add_option("question", generate->question, "what the user says")->required();
    add_adapters(command, flags);
    command->add_flag("--plain", generate->plain, "continue the text instead of answering");
    command->add_option("--max-tokens", generate->request.output_tokens_max, "at most so many tokens");
    command->add_option("--temperature", generate->request.sampling.temperature, "0: always the likeliest token");
    command->add_option("--top-p", generate->request.sampling.top_p, "sum of the probabilities that are drawn from");
    command->add_option("--seed", generate->request.sampling.seed, "of the draws");
}

void add_logprobs(CLI::App* root, ServeFlags* flags) {
    CLI::App* command = root->add_subcommand(
        "logprobs",
        "read answers of other endpoints, one JSON object a line, and write this model's log probabilities");
    command->add_option("--model", flags->model, "Hugging Face model directory")->required();
    command->add_option("--threads", flags->engine.runner.threads, "threads on the cpu")->check(CLI::Range(1, 256));
}

void add_enrol(CLI::App* root, ServeFlags* flags) {
    CLI::App* command = root->add_subcommand(
        "enrol", "read questions, one a line, and write how far honest replays are from honest answers");
    add_model_options(command, flags);
}

void add_train(CLI::App* root, TrainOptions* options) {
    CLI::App* train = root->add_subcommand("train", "train a small model on this machine's processor");
    train->add_option("--config", options->recipe, "recipe: the model's configuration and the training plan")
        ->required();
    train->add_option("--data", options->data, "folder with train.jsonl, valid.jsonl and tokenizer.model")->required();
    train->add_option("--out", options->out, "folder that becomes the model directory")->required();
}

struct MergeFlags {
    std::filesystem::path model;
    std::filesystem::path adapter;
    std::filesystem::path out;
};

void add_finetune(CLI::App* root, FinetuneOptions* options) {
    CLI::App* command =
        root->add_subcommand("finetune", "train a LoRA adapter; progress as JSON lines on standard output");
    command->add_option("--model", options->model, "Hugging Face model directory of the base")->required();
    command->add_option("--models-root", options->models_root, "folder in which --model names the model");
    command->add_option("--data", options->data, "JSONL in OpenAI's form: {\"messages\": [...]} a line")->required();
    command->add_option("--validation", options->validation, "likewise; without one a tenth of the data is held out");
    command->add_option("--out", options->out, "folder that becomes the adapter, in PEFT's layout")->required();
    command->add_option("--checkpoint", options->checkpoint, "folder of its state; goes on from what is there");
    command->add_option("--rank", options->rank, "of the adapter")->capture_default_str();
    command->add_option("--alpha", options->alpha, "its scale times the rank")->capture_default_str();
    command->add_option("--targets", options->targets, "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj")
        ->delimiter(',');
    command->add_option("--epochs", options->epochs, "times through the data")->capture_default_str();
    command->add_option("--batch", options->batch, "examples of a step")->capture_default_str();
    command->add_option("--learning-rate", options->learning_rate, "at its highest")->capture_default_str();
    command->add_option("--weight-decay", options->weight_decay, "of AdamW")->capture_default_str();
    command->add_option("--seed", options->seed, "of the adapter and the order")->capture_default_str();
    command->add_option("--length", options->length, "tokens of an example at most; 0: what the model reads");
    command->add_option("--validate-every", options->validate_every, "steps")->capture_default_str();
    command->add_option("--checkpoint-every", options->checkpoint_every, "steps")->capture_default_str();
    command->add_option("--steps", options->steps_max, "at most; 0: all epochs");
    command->add_option("--threads", options->threads, "threads on the cpu")->check(CLI::Range(1, 256));
}

void add_paint(CLI::App* root, PaintOptions* options) {
    CLI::App* command = root->add_subcommand("paint", "make a picture from the prompt on standard input");
    command->add_option("--model", options->model, "folder in the layout of diffusers")->required();
    command->add_option("--out", options->out, "a PPM file")->required();
    command->add_option("--seed", options->request.seed, "of the noise")->capture_default_str();
    command->add_option("--steps", options->request.steps, "of the sampler")->capture_default_str();
    command->add_option("--guidance", options->request.guidance, "strength of the prompt; 1: none")
        ->check(CLI::Range(1.0, 100.0));
    command->add_option("--device", options->device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
    command->add_option("--threads", options->threads, "threads on the cpu")->check(CLI::Range(1, 256));
}

void add_merge(CLI::App* root, MergeFlags* flags) {
    CLI::App* command = root->add_subcommand("merge", "write a model directory with an adapter in its weights");
    command->add_option("--model", flags->model, "Hugging Face model directory of the base")->required();
    command->add_option("--adapter", flags->adapter, "folder in PEFT's layout")->required();
    command->add_option("--out", flags->out, "folder that becomes the model directory")->required();
}

std::filesystem::path folder_of(const ServeFlags& flags) {
    std::filesystem::path folder = flags.model;
    if (!folder.has_filename()) folder = folder.parent_path();
    return folder;
}

EngineOptions engine_options(ServeFlags flags) {
    flags.engine.model_name = flags.name.empty() ? folder_of(flags).filename().string() : flags.name;
    flags.engine.trace_bytes_max = flags.trace_mib << 20U;
    flags.engine.runner.compute =
        flags.compute == "bf16" ? vcity::verify::ComputeType::kBfloat16 : vcity::verify::ComputeType::kFloat32;
    if (flags.hash_threads > 0) {
        flags.engine.background = vcity::worker::make_threaded_background(flags.hash_threads);
    }
    return flags.engine;
}

Result<std::unique_ptr<Engine>> load(const ServeFlags& flags) {
    return Engine::load(folder_of(flags), engine_options(flags));
}

Result<Shelf> load_shelf(const ServeFlags& flags) {
    std::vector<AdapterSource> adapters;
    for (const std::string& text : flags.adapters) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos) {
            return vcity::make_error(vcity::Errc::kInvalid, "--adapter " + text + " must be NAME=FOLDER");
        }
        adapters.push_back({.name = text.substr(0, equals), .folder = text.substr(equals + 1)});
    }
    return Shelf::load(folder_of(flags), engine_options(flags), adapters);
}

Result<void> run_serve(const ServeFlags& flags) {
    TRY(Shelf shelf, load_shelf(flags));
    return vcity::worker::serve(shelf, STDIN_FILENO, STDOUT_FILENO);
}

Result<void> run_logprobs(const ServeFlags& flags) {
    TRY(const auto reference, vcity::worker::LogprobReference::load(flags.model, flags.engine.runner.threads));
    return vcity::worker::serve_logprobs(*reference, std::cin, std::cout);
}

Result<void> run_enrol(const ServeFlags& flags) {
    TRY(const auto engine, load(flags));
    return vcity::worker::enrol(*engine, std::cin, std::cout);
}

Result<void> run_generate(const ServeFlags& flags, GenerateFlags generate) {
    TRY(Shelf shelf, load_shelf(flags));
    generate.request.model =
        flags.adapters.empty() ? "" : flags.adapters.front().substr(0, flags.adapters.front().find('='));
    if (generate.plain) {
        generate.request.prompt = generate.question;
    } else {
        generate.request.messages.push_back({.role = "user", .content = generate.question});
    }
    vcity::worker::WorkerMessages out;
    shelf.generate({.job_id = {}, .request = generate.request}, &out);
    while (shelf.busy()) shelf.step(&out);
    for (const vcity::WorkerMessage& message : out) {
        if (const auto* token = std::get_if<vcity::WorkerToken>(&message)) std::cout << token->text;
        if (const auto* error = std::get_if<vcity::WorkerError>(&message))
            return make_error(error->code, error->message);
    }
    std::cout << std::endl;
    return {};
}

Result<void> run(const CLI::App& app,
                 const ServeFlags& serve,
                 const GenerateFlags& generate,
                 const TrainOptions& train) {
    if (app.got_subcommand("serve")) return run_serve(serve);
    if (app.got_subcommand("generate")) return run_generate(serve, generate);
    if (app.got_subcommand("logprobs")) return run_logprobs(serve);
    if (app.got_subcommand("enrol")) return run_enrol(serve);
    return vcity::worker::train(train);
}

// As a step of a network: what a customer has given is wrong, and would be anywhere (work::kWrongOrderExit). A model
// that is not here may be elsewhere.
constexpr int kWrongOrderExit = 2;

int exit_code_of(const CLI::App& app, vcity::Errc code) {
    const bool is_wrong = code == vcity::Errc::kInvalid || code == vcity::Errc::kExhausted;
    return app.got_subcommand("finetune") && is_wrong ? kWrongOrderExit : 1;
}

}  // namespace

int main(int argc, char** argv) {
    // A closed output is an error of write(), not the end of the process without a word.
    (void)std::signal(SIGPIPE, SIG_IGN);
    CLI::App app{"The model side of a Vcity node."};
    app.set_version_flag("--version", VCITY_VERSION);
    app.require_subcommand(1);
    ServeFlags serve;
    GenerateFlags generate;
    TrainOptions train;
    add_serve(&app, &serve);
    add_generate(&app, &serve, &generate);
    add_logprobs(&app, &serve);
    add_enrol(&app, &serve);
    add_train(&app, &train);
    FinetuneOptions tuning;
    MergeFlags merging;
    PaintOptions painting;
    add_paint(&app, &painting);
    add_finetune(&app, &tuning);
    add_merge(&app, &merging);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong) == 0 ? 0 : kWrongOrderExit;
    }
    Result<void> result;
    if (app.got_subcommand("finetune")) {
        result = vcity::worker::finetune(tuning, std::cout);
    } else if (app.got_subcommand("paint")) {
        result = vcity::worker::diffusion::run_paint(painting);
    } else if (app.got_subcommand("merge")) {
        result = vcity::worker::merge_adapter(merging.model, merging.adapter, merging.out);
    } else {
        result = run(app, serve, generate, train);
    }
    if (result) return 0;
    std::cerr << "vcity-worker: " << result.error().message << std::endl;
    return exit_code_of(app, result.error().code);
}
