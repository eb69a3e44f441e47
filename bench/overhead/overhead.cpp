// SPDX-License-Identifier: Apache-2.0
// What committing to its work costs a worker. One process, one loaded model, three engines on it: without commitment,
// in tier A and in tier B. They serve the same requests, greedily, and take turns step by step in changing order, so
// that whatever else the machine does meets all three alike. Of each step (the parts of the prompts, each token, the
// last with the Merkle root) the median over the rounds is taken; an overhead is the sum of a tier's medians over the
// sum without commitment, minus one. Three times are measured:
//   path   processor time of the thread that generates: what a request waits for while the hashing beside it has a core
//          of its own. On a GPU, the wall clock
//   total  processor time of the whole process, the hashing included: nothing is hidden
//   wall   the clock on the wall, which on a shared machine also measures the neighbours
#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/check.hpp"
#include "codec/json.hpp"
#include "engine.hpp"
#include "random_model.hpp"

namespace vcity::bench {
namespace {

using worker::Commit;
using worker::Engine;

struct Options {
    std::string model;
    bool random_1b = false;
    std::string folder;  // where the random model is written, and kept
    std::string compute = "bf16";
    std::string device = "cpu";
    int threads = 1;
    std::uint32_t hash_threads = 1;
    std::vector<std::uint32_t> batches{1, 4, 16, 64};
    std::uint32_t rounds = 9;
    std::uint32_t prompt_bytes = 100;
    std::uint32_t output_tokens = 32;
};

constexpr std::array<clockid_t, 3> kClocks{CLOCK_THREAD_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID, CLOCK_MONOTONIC};
constexpr std::array<Commit, 3> kArms{Commit::kNothing, Commit::kSketch, Commit::kServed};

struct Figures {
    std::uint32_t batch = 0;
    double tokens_per_second = 0;
    std::array<double, 3> tier_a_percent{};  // of kClocks
    std::array<double, 3> tier_b_percent{};
    double retained_a = 0;  // bytes a position
    double retained_b = 0;
};

double seconds_of(clockid_t clock) {
    timespec now{};
    CHECK(::clock_gettime(clock, &now) == 0);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double median(std::vector<double> values) {
    CHECK(!values.empty());
    std::ranges::sort(values);
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Seconds of every step, by clock and step, one of each round.
using Steps = std::array<std::vector<std::vector<double>>, 3>;

double sum_of_medians(const std::vector<std::vector<double>>& steps) {
    double sum = 0;
    for (const std::vector<double>& step : steps) sum += median(step);
    return sum;
}

struct Served {
    std::uint64_t positions = 0;
    std::uint64_t output = 0;
    std::uint64_t retained = 0;

    double per_position() const { return static_cast<double>(retained) / static_cast<double>(positions); }
};

class Bench {
  public:
    Bench(std::unique_ptr<Engine> engine, std::shared_ptr<worker::Background> background, const Options& options)
        : background_{std::move(background)}, options_{options} {
        engines_[0] = std::move(engine);
        for (std::size_t i = 1; i < kArms.size(); ++i) engines_[i] = Engine::beside(*engines_[0]);
        for (std::size_t i = 0; i < kArms.size(); ++i) engines_[i]->override_commit(kArms[i]);
    }

    Figures measure(std::uint32_t batch) {
        std::array<Steps, 3> warm_up;
        std::array<Served, 3> served{};
        run_round(batch, 0, &warm_up, &served);  // everything is allocated and loaded once
        std::array<Steps, 3> steps;
        for (std::uint32_t round = 0; round < options_.rounds; ++round) run_round(batch, round, &steps, &served);
        Figures figures{.batch = batch};
        for (std::size_t clock = 0; clock < kClocks.size(); ++clock) {
            const double plain = sum_of_medians(steps[0][clock]);
            figures.tier_a_percent[clock] = 100 * (sum_of_medians(steps[1][clock]) / plain - 1);
            figures.tier_b_percent[clock] = 100 * (sum_of_medians(steps[2][clock]) / plain - 1);
            if (clock == path_clock()) figures.tokens_per_second = static_cast<double>(served[0].output) / plain;
        }
        figures.retained_a = served[1].per_position();
        figures.retained_b = served[2].per_position();
        return figures;
    }

    std::size_t path_clock() const { return options_.device == "cpu" ? 0 : 2; }

    // Milliseconds to open 16 cells and the pages of 4 heads of a finished job.
    double opening_milliseconds() {
        Engine* const engine = engines_[2].get();
        worker::WorkerMessages out;
        engine->generate(request(1000000), &out);
        while (engine->busy()) engine->step(&out);
        const WorkerDone done = std::get<WorkerDone>(out.back());
        std::vector<double> times;
        for (int i = 0; i < 9; ++i) {
            out.clear();
            const double begin = seconds_of(CLOCK_MONOTONIC);
            engine->open(question_of(done), &out);
            times.push_back(1e3 * (seconds_of(CLOCK_MONOTONIC) - begin));
            CHECK(std::holds_alternative<WorkerOpening>(out.back()));
        }
        engine->drop(done.job_id, &out);
        return median(times);
    }

  private:
    static JobId job_of(std::uint64_t number) {
        JobId job;
        for (std::size_t i = 0; i < 8; ++i) job.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
        return job;
    }

    // The same requests in every arm: greedy, so that all arms compute the same tokens.
    WorkerGenerate request(std::uint64_t number) const {
        WorkerGenerate message;
        message.job_id = job_of(number);
        message.request.prompt = "Request " + std::to_string(number % 64) + " of the benchmark.";
        message.request.prompt.resize(std::max<std::size_t>(message.request.prompt.size(), options_.prompt_bytes), 'x');
        message.request.output_tokens_max = options_.output_tokens;
        message.request.sampling.temperature = 0;
        return message;
    }

    WorkerOpen question_of(const WorkerDone& done) const {
        const verify::ModelShape& shape = engines_[0]->shape();
        const auto positions = static_cast<std::uint32_t>(done.usage.input + done.usage.output - 1);
        WorkerOpen open{.job_id = done.job_id, .root = done.verification_root, .question = {}};
        for (std::uint32_t i = 0; i < 16; ++i) {
            open.question.cells.push_back({.position = (positions - 1) * i / 15, .layer = (i * 7) % shape.layers});
        }
        for (std::uint32_t i = 0; i < 4; ++i) {
            for (std::uint32_t page = 0; page * kPagePositions < positions; ++page) {
                open.question.pages.push_back(
                    {.layer = (i * 5) % shape.layers, .kv_head = i % shape.kv_heads, .page = page});
            }
        }
        const auto unique = [](auto* list) {
            std::ranges::sort(*list);
            list->erase(std::ranges::unique(*list).begin(), list->end());
        };
        unique(&open.question.cells);
        unique(&open.question.pages);
        return open;
    }

    void drain() const {
        for (std::size_t lane = 0; lane < background_->lanes(); ++lane) background_->wait(lane);
    }

    // One step of one engine. The generating thread waits for nothing; the whole process is measured until the hashing
    // of this step has ended too, so that it does not fall into another engine's step.
    void time_step(Engine* engine, std::size_t step, Steps* steps, worker::WorkerMessages* out) const {
        std::array<double, 3> begin{};
        for (std::size_t i = 0; i < kClocks.size(); ++i) begin[i] = seconds_of(kClocks[i]);
        engine->step(out);
        std::array<double, 3> end{};
        for (const std::size_t i : {0U, 2U}) end[i] = seconds_of(kClocks[i]);
        drain();
        end[1] = seconds_of(kClocks[1]);
        for (std::size_t i = 0; i < kClocks.size(); ++i) {
            if ((*steps)[i].size() <= step) (*steps)[i].resize(step + 1);
            (*steps)[i][step].push_back(end[i] - begin[i]);
        }
    }

    void run_round(std::uint32_t batch,
                   std::uint32_t round,
                   std::array<Steps, 3>* steps,
                   std::array<Served, 3>* served) {
        std::array<worker::WorkerMessages, 3> out;
        for (std::size_t arm = 0; arm < kArms.size(); ++arm) {
            for (std::uint32_t i = 0; i < batch; ++i) engines_[arm]->generate(request(i), &out[arm]);
        }
        for (std::size_t step = 0; engines_[0]->busy(); ++step) {
            for (std::size_t i = 0; i < kArms.size(); ++i) {
                const std::size_t arm = (i + step + round) % kArms.size();
                CHECK(engines_[arm]->busy());
                time_step(engines_[arm].get(), step, &(*steps)[arm], &out[arm]);
            }
        }
        for (std::size_t arm = 0; arm < kArms.size(); ++arm) {
            CHECK(!engines_[arm]->busy());
            (*served)[arm] = {.positions = 0, .output = 0, .retained = engines_[arm]->trace_bytes()};
            for (const WorkerMessage& message : out[arm]) {
                CHECK(!std::holds_alternative<WorkerError>(message));
                const auto* done = std::get_if<WorkerDone>(&message);
                if (done == nullptr) continue;
                (*served)[arm].output += done->usage.output;
                (*served)[arm].positions += done->usage.input + done->usage.output - 1;
                worker::WorkerMessages none;
                engines_[arm]->drop(done->job_id, &none);
            }
        }
    }

    std::array<std::unique_ptr<Engine>, 3> engines_;
    std::shared_ptr<worker::Background> background_;
    Options options_;
};

Result<std::unique_ptr<Engine>> load(const Options& options, std::shared_ptr<worker::Background> background) {
    std::filesystem::path folder = options.model;
    if (options.random_1b) {
        folder = options.folder;
        if (!std::filesystem::exists(folder / "model.safetensors")) {
            TRY(const auto tokenizer, checkpoint::ModelDirectory::open(options.model));
            RandomShape shape;
            shape.vocab = static_cast<std::uint32_t>(tokenizer.config().vocab_size);
            TRY_OK(write_random_model(folder, options.model, shape));
        }
    }
    worker::EngineOptions engine;
    engine.runner.compute = options.compute == "bf16" ? verify::ComputeType::kBfloat16 : verify::ComputeType::kFloat32;
    engine.runner.device = options.device;
    engine.runner.threads = options.threads;
    engine.slots = 256;
    engine.trace_bytes_max = 4ULL << 30U;
    engine.background = std::move(background);
    return Engine::load(folder, engine);
}

Result<void> run(const Options& options) {
    const std::shared_ptr<worker::Background> background = options.hash_threads == 0
                                                               ? worker::make_inline_background()
                                                               : worker::make_threaded_background(options.hash_threads);
    TRY(auto engine, load(options, background));
    Bench bench{std::move(engine), background, options};
    codec::JsonArray rows;
    for (const std::uint32_t batch : options.batches) {
        const Figures figures = bench.measure(batch);
        rows.push_back(codec::JsonObject{{"batch", figures.batch},
                                         {"tokens_per_second", figures.tokens_per_second},
                                         {"tier_a_percent", figures.tier_a_percent[bench.path_clock()]},
                                         {"tier_b_percent", figures.tier_b_percent[bench.path_clock()]},
                                         {"tier_a_total_percent", figures.tier_a_percent[1]},
                                         {"tier_b_total_percent", figures.tier_b_percent[1]},
                                         {"tier_a_wall_percent", figures.tier_a_percent[2]},
                                         {"tier_b_wall_percent", figures.tier_b_percent[2]},
                                         {"retained_bytes_a", figures.retained_a},
                                         {"retained_bytes_b", figures.retained_b}});
    }
    const double opening = bench.opening_milliseconds();
    std::cout << codec::dump_json(codec::JsonObject{{"rows", std::move(rows)}, {"opening_ms", opening}}) << std::endl;
    return {};
}

}  // namespace
}  // namespace vcity::bench

int main(int argc, char** argv) {
    vcity::bench::Options options;
    CLI::App app{"Measures what committing to its work costs a worker; prints one JSON object."};
    app.add_option("--model", options.model, "model directory; of a random model: whose tokenizer")->required();
    app.add_option("--random-1b", options.folder, "use a random model of Llama-3.2-1B's shape, kept in this folder");
    app.add_option("--compute", options.compute)->check(CLI::IsMember({"fp32", "bf16"}));
    app.add_option("--device", options.device)->check(CLI::IsMember({"cpu", "cuda"}));
    app.add_option("--threads", options.threads)->check(CLI::Range(1, 256));
    app.add_option("--hash-threads", options.hash_threads, "0: the generating thread hashes");
    app.add_option("--batch", options.batches, "requests at the same time")->delimiter(',');
    app.add_option("--rounds", options.rounds)->check(CLI::Range(1, 1000));
    app.add_option("--prompt-bytes", options.prompt_bytes);
    app.add_option("--output", options.output_tokens, "tokens of each answer");
    CLI11_PARSE(app, argc, argv);
    options.random_1b = !options.folder.empty();
    const auto result = vcity::bench::run(options);
    if (result) return 0;
    std::cerr << "overhead_bench: " << result.error().message << std::endl;
    return 1;
}
