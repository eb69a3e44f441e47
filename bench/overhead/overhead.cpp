// SPDX-License-Identifier: Apache-2.0
// What committing to its work costs a worker. One process, one model; short blocks of the same requests run in turn
// without commitment, in tier A and in tier B, in changing order, so that whatever else the machine does meets all
// three alike. A block is whole requests: prompt, tokens, Merkle root. An overhead is the median over the rounds of
// (time of the tier / time without commitment - 1), for three times:
//   path   processor time of the thread that generates, which is what a request waits for when the hashing beside it
//   has
//          a core of its own; on a GPU the wall clock
//   total  processor time of the whole process: nothing is hidden
//   wall   the clock on the wall, which on a shared machine also measures the neighbours
#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <map>
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

struct Block {
    std::array<double, 3> seconds{};  // of kClocks
    std::uint64_t positions = 0;
    std::uint64_t output = 0;
    std::uint64_t retained = 0;
};

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

class Bench {
  public:
    Bench(std::unique_ptr<Engine> engine, const Options& options) : engine_{std::move(engine)}, options_{options} {}

    Figures measure(std::uint32_t batch) {
        (void)run(Commit::kServed, batch);  // everything is allocated and loaded once
        std::vector<double> plain;
        std::array<std::vector<double>, 3> a;
        std::array<std::vector<double>, 3> b;
        Figures figures{.batch = batch};
        std::uint64_t output = 0;
        for (std::uint32_t round = 0; round < options_.rounds; ++round) {
            std::map<Commit, Block> blocks;
            for (std::size_t i = 0; i < kArms.size(); ++i) {
                const Commit arm = kArms[(i + round) % kArms.size()];
                blocks[arm] = run(arm, batch);
            }
            const Block& base = blocks[Commit::kNothing];
            plain.push_back(base.seconds[path_clock()]);
            for (std::size_t clock = 0; clock < kClocks.size(); ++clock) {
                a[clock].push_back(blocks[Commit::kSketch].seconds[clock] / base.seconds[clock] - 1);
                b[clock].push_back(blocks[Commit::kServed].seconds[clock] / base.seconds[clock] - 1);
            }
            output = base.output;
            figures.retained_a = per_position(blocks[Commit::kSketch]);
            figures.retained_b = per_position(blocks[Commit::kServed]);
        }
        figures.tokens_per_second = static_cast<double>(output) / median(plain);
        for (std::size_t clock = 0; clock < kClocks.size(); ++clock) {
            figures.tier_a_percent[clock] = 100 * median(a[clock]);
            figures.tier_b_percent[clock] = 100 * median(b[clock]);
        }
        return figures;
    }

    std::size_t path_clock() const { return options_.device == "cpu" ? 0 : 2; }

    // Milliseconds to open 16 cells and the pages of 4 heads of a finished job.
    double opening_milliseconds() {
        engine_->override_commit(Commit::kServed);
        worker::WorkerMessages out;
        engine_->generate(request(1000000), &out);
        while (engine_->busy()) engine_->step(&out);
        const WorkerDone done = std::get<WorkerDone>(out.back());
        std::vector<double> times;
        for (int i = 0; i < 9; ++i) {
            out.clear();
            const double begin = seconds_of(CLOCK_MONOTONIC);
            engine_->open(question_of(done), &out);
            times.push_back(1e3 * (seconds_of(CLOCK_MONOTONIC) - begin));
            CHECK(std::holds_alternative<WorkerOpening>(out.back()));
        }
        engine_->drop(done.job_id);
        return median(times);
    }

  private:
    static double per_position(const Block& block) {
        return static_cast<double>(block.retained) / static_cast<double>(block.positions);
    }

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
        const verify::ModelShape& shape = engine_->shape();
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

    Block run(Commit commit, std::uint32_t batch) {
        engine_->override_commit(commit);
        worker::WorkerMessages out;
        Block block;
        for (std::size_t i = 0; i < kClocks.size(); ++i) block.seconds[i] = -seconds_of(kClocks[i]);
        for (std::uint32_t i = 0; i < batch; ++i) engine_->generate(request(i), &out);
        while (engine_->busy()) engine_->step(&out);
        for (std::size_t i = 0; i < kClocks.size(); ++i) block.seconds[i] += seconds_of(kClocks[i]);
        block.retained = engine_->trace_bytes();
        for (const WorkerMessage& message : out) {
            CHECK(!std::holds_alternative<WorkerError>(message));
            const auto* done = std::get_if<WorkerDone>(&message);
            if (done == nullptr) continue;
            block.output += done->usage.output;
            block.positions += done->usage.input + done->usage.output - 1;
            engine_->drop(done->job_id);
        }
        return block;
    }

    std::unique_ptr<Engine> engine_;
    Options options_;
};

Result<std::unique_ptr<Engine>> load(const Options& options) {
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
    if (options.hash_threads > 0) engine.background = worker::make_threaded_background(options.hash_threads);
    return Engine::load(folder, engine);
}

Result<void> run(const Options& options) {
    TRY(auto engine, load(options));
    Bench bench{std::move(engine), options};
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
