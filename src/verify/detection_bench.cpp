// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>

#include "verify/bounds.hpp"
#include "verify/checker.hpp"
#include "verify/testing/reference_worker.hpp"

// Measures the checks against the plain reference model: `verify_bench honest 1000000` counts false rejections,
// `verify_bench audits 10000` does so for whole audits, `verify_bench cheats 100` gives detection rates and
// `verify_bench cost` times. Seeds are fixed: every run prints the same numbers but for times.
namespace vcity::verify {
namespace {

using testing::SumOrder;

struct Margin {
    std::uint64_t checks = 0;
    std::uint64_t rejected = 0;
    double worst = 0;  // of |error| / bound

    void add(double ratio) {
        ++checks;
        rejected += ratio <= 1.0 ? 0 : 1;
        worst = std::max(worst, ratio);
    }
};

// Inputs that summation finds easy and hard: Gaussian, with outliers, all of one sign, of very different sizes.
std::vector<float> make_input(std::size_t size, std::uint64_t kind, std::mt19937_64* random) {
    std::normal_distribution<float> normal;
    std::vector<float> x(size);
    for (float& value : x) {
        value = normal(*random);
        if (kind % 4 == 1 && (*random)() % 32 == 0) value *= 50.0F;
        if (kind % 4 == 2) value = std::abs(value);
        if (kind % 4 == 3) value = std::ldexp(value, static_cast<int>((*random)() % 30) - 15);
    }
    return x;
}

struct NamedMatrix {
    std::string name;
    const std::vector<float>* values;
    Matrix matrix;
};

ModelShape mini_shape(std::uint32_t layers) {
    ModelShape shape = testing::small_shape();
    shape.layers = layers;
    shape.hidden = 256;
    shape.heads = 4;
    shape.kv_heads = 2;
    shape.head_dim = 64;
    shape.ffn = 688;
    shape.vocab = 512;
    return shape;
}

void print_margin(const std::string& name, const Margin& margin) {
    std::printf("| %s | %llu | %llu | %.3g |\n", name.c_str(), static_cast<unsigned long long>(margin.checks),
                static_cast<unsigned long long>(margin.rejected), margin.worst);
}

void measure_honest(std::uint64_t wanted) {
    const testing::StoredModel model = testing::random_model(mini_shape(1), 11);
    const std::vector<TensorView> views = model.views();
    const ModelWeights weights = *bind_weights(model.shape, views);
    const std::vector<NamedMatrix> matrices = {
        {"q 256x256", &model.values("model.layers.0.self_attn.q_proj.weight"), weights.layers[0].q},
        {"gate 688x256", &model.values("model.layers.0.mlp.gate_proj.weight"), weights.layers[0].gate},
        {"down 256x688", &model.values("model.layers.0.mlp.down_proj.weight"), weights.layers[0].down}};
    std::mt19937_64 random{12};
    std::printf("| matrix, order | checks | rejected | worst error / bound |\n|---|---|---|---|\n");
    constexpr std::uint64_t kVectors = 4;
    constexpr std::uint64_t kRows = 8;
    const std::uint64_t products = wanted / (kVectors + kRows) / matrices.size() / testing::kSumOrders + 1;
    for (const NamedMatrix& matrix : matrices) {
        const FreivaldsKey key = FreivaldsKey::make(matrix.matrix, 1, testing::seed_of(3), matrix.name);
        std::vector<FreivaldsKey> keys;
        for (std::uint64_t v = 0; v < kVectors; ++v) {
            keys.push_back(FreivaldsKey::make(matrix.matrix, 1, testing::seed_of(3 + v), matrix.name));
        }
        for (int order = 0; order < testing::kSumOrders; ++order) {
            Margin freivalds;
            Margin rows;
            for (std::uint64_t i = 0; i < products; ++i) {
                const std::vector<float> x = make_input(matrix.matrix.cols(), i, &random);
                std::vector<float> y(matrix.matrix.rows());
                for (std::size_t row = 0; row < y.size(); ++row) {
                    y[row] = testing::dot(static_cast<SumOrder>(order), matrix.values->data() + row * x.size(),
                                          x.data(), x.size());
                }
                for (const FreivaldsKey& one : keys) {
                    freivalds.add(one.worst_ratio(ComputeType::kFloat32, x, y));
                }
                for (std::uint64_t r = 0; r < kRows; ++r) {
                    const auto row = static_cast<std::uint32_t>(random() % y.size());
                    rows.add(row_ratio(ComputeType::kFloat32, matrix.matrix, row, x, y[row]));
                }
            }
            print_margin(matrix.name + ", order " + std::to_string(order) + ", vectors", freivalds);
            print_margin(matrix.name + ", order " + std::to_string(order) + ", rows", rows);
        }
    }
}

std::vector<std::uint32_t> random_prompt(std::mt19937_64* random, std::uint32_t vocab) {
    std::vector<std::uint32_t> prompt(2 + (*random)() % 6);
    for (std::uint32_t& token : prompt) token = static_cast<std::uint32_t>((*random)() % vocab);
    return prompt;
}

void measure_audits(std::uint64_t count) {
    std::uint64_t rejected = 0;
    std::uint64_t cells = 0;
    std::mt19937_64 random{13};
    for (const ComputeType compute : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
        ModelShape shape = testing::small_shape();
        shape.compute = compute;
        const testing::StoredModel model = testing::random_model(shape, 14);
        const testing::ReferenceVerifier verifier{&model};
        for (std::uint64_t i = 0; i < count / 2; ++i) {
            testing::ReferenceWorker worker{&model};
            worker.order = static_cast<SumOrder>(i % testing::kSumOrders);
            const auto job = testing::run_job(worker, verifier.header(i, random_prompt(&random, shape.vocab)), 4);
            const AuditResult result = verifier.audit(job, i);
            rejected += result.outcome == VerdictOutcome::kAccepted ? 0 : 1;
            cells += draw_cells(shape, verifier.expectation(job).units, testing::seed_of(i)).size();
            if (result.outcome != VerdictOutcome::kAccepted) std::printf("%s\n", result.reason.c_str());
        }
    }
    std::printf("honest audits %llu, cells %llu, rejected %llu\n", static_cast<unsigned long long>(count),
                static_cast<unsigned long long>(cells), static_cast<unsigned long long>(rejected));
}

struct Cheat {
    std::string name;
    std::function<void(testing::StoredModel::Tensor*)> change;
};

std::vector<Cheat> cheats() {
    std::vector<Cheat> out;
    out.push_back({"int8 per row", [](auto* t) { testing::quantise(t, 8, 0); }});
    out.push_back({"int8 groups of 128", [](auto* t) { testing::quantise(t, 8, 128); }});
    out.push_back({"fp8 e4m3", testing::quantise_fp8});
    out.push_back({"int6 groups of 128", [](auto* t) { testing::quantise(t, 6, 128); }});
    out.push_back({"int4 groups of 32", [](auto* t) { testing::quantise(t, 4, 32); }});
    for (const double relative : {1e-2, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5}) {
        char name[40];
        std::snprintf(name, sizeof(name), "rank-1 change of %g", relative);
        const auto random = std::make_shared<std::mt19937_64>(15);
        out.push_back({name, [=](auto* t) { testing::add_rank_one(t, relative, random.get()); }});
    }
    return out;
}

struct Detection {
    Margin vectors;
    Margin rows;
};

// Detection by one secret vector and by one row of two matrices of the first layer.
Detection measure_checks(const ModelWeights& weights, const testing::StoredModel& cheaper, std::mt19937_64* random) {
    Detection out;
    for (std::uint64_t i = 0; i < 2000; ++i) {
        const bool wide = i % 2 == 0;
        const Matrix& matrix = wide ? weights.layers[0].gate : weights.layers[0].down;
        const auto& served =
            cheaper.values(wide ? "model.layers.0.mlp.gate_proj.weight" : "model.layers.0.mlp.down_proj.weight");
        const std::vector<float> x = make_input(matrix.cols(), i / 2 % 2, random);
        std::vector<float> y(matrix.rows());
        for (std::size_t row = 0; row < y.size(); ++row) {
            y[row] = testing::dot(SumOrder::kLanes8, served.data() + row * x.size(), x.data(), x.size());
        }
        if (i < 200) {
            const FreivaldsKey key = FreivaldsKey::make(matrix, 1, testing::seed_of((*random)()), "bench");
            out.vectors.add(key.worst_ratio(ComputeType::kFloat32, x, y));
        }
        const auto row = static_cast<std::uint32_t>((*random)() % y.size());
        out.rows.add(row_ratio(ComputeType::kFloat32, matrix, row, x, y[row]));
    }
    return out;
}

// A worker that computes one cell in twenty, past the first position, with the cheaper model.
testing::FinishedJob run_sparse_cheat(const testing::StoredModel& model,
                                      const testing::StoredModel& cheaper,
                                      const TraceHeader& header,
                                      std::uint64_t seed) {
    testing::ReferenceWorker worker{&model};
    testing::ReferenceLlama other{&cheaper, SumOrder::kLanes8};
    std::mt19937_64 chosen{seed};
    worker.after_layer = [&](const Cell& cell, testing::LayerValues* values) {
        testing::LayerValues cheated = other.layer(cell.layer, values->h_in);
        if (chosen() % 20 == 0 && cell.position > 0) *values = std::move(cheated);
    };
    return testing::run_job(worker, header, 6);
}

// Detection by one secret vector, by one row and by an audit.
void measure_cheats(std::uint64_t audits) {
    const testing::StoredModel model = testing::random_model(mini_shape(2), 16);
    const testing::ReferenceVerifier verifier{&model};
    const ModelWeights weights = *bind_weights(model.shape, verifier.views);
    std::mt19937_64 random{17};
    std::printf("| cheat | one vector | one row | audit | audit, 1 cell in 20 cheated |\n");
    std::printf("|---|---|---|---|---|\n");
    for (const Cheat& cheat : cheats()) {
        const testing::StoredModel cheaper = testing::with_changed_matrices(model, cheat.change);
        const Detection detection = measure_checks(weights, cheaper, &random);
        std::uint64_t caught[2] = {};
        for (std::uint64_t i = 0; i < audits; ++i) {
            const auto header = verifier.header(i, random_prompt(&random, model.shape.vocab));
            const auto job = testing::run_job(testing::ReferenceWorker{&cheaper}, header, 6);
            caught[0] += verifier.audit(job, i).outcome == VerdictOutcome::kRejected ? 1 : 0;
            const auto mixed = run_sparse_cheat(model, cheaper, header, i);
            caught[1] += verifier.audit(mixed, i).outcome == VerdictOutcome::kRejected ? 1 : 0;
        }
        const auto percent = [](std::uint64_t part, std::uint64_t whole) {
            return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
        };
        std::printf("| %s | %.1f %% | %.1f %% | %.0f %% | %.0f %% |\n", cheat.name.c_str(),
                    percent(detection.vectors.rejected, detection.vectors.checks),
                    percent(detection.rows.rejected, detection.rows.checks), percent(caught[0], audits),
                    percent(caught[1], audits));
        std::fflush(stdout);
    }
}

// Of processor time, which other programs on the machine do not change much.
double milliseconds(const std::function<void()>& work) {
    const std::clock_t start = std::clock();
    work();
    return 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void measure_cost() {
    ModelShape shape = mini_shape(6);
    shape.vocab = 6144;
    const testing::StoredModel model = testing::random_model(shape, 18);
    std::unique_ptr<testing::ReferenceVerifier> verifier;
    const double load = milliseconds([&] { verifier = std::make_unique<testing::ReferenceVerifier>(&model); });
    testing::FinishedJob job;
    const testing::ReferenceWorker worker{&model};
    const double generate =
        milliseconds([&] { job = testing::run_job(worker, verifier->header(1, {1, 2, 3, 4, 5, 6}), 20); });
    const AuditExpectation expected = verifier->expectation(job);
    const auto cells = draw_cells(shape, expected.units, testing::seed_of(1));
    Opening opening;
    const double open = milliseconds([&] { opening = *job.committer->open(cells); });
    AuditResult result;
    const double check = milliseconds([&] {
        for (int i = 0; i < 20; ++i) {
            result = verifier->checker->check(expected, cells, opening, verifier->hooks, testing::seed_of(2));
        }
    });
    TraceCommitter again{shape, {}};
    const auto parsed = ParsedCell::parse(shape, opening.cells[1].cell, opening.cells[1].data);
    const double commit = milliseconds([&] {
        for (std::uint32_t i = 0; i < 600; ++i) CHECK(again.add(Cell{i / 6, i % 6}, parsed->trace()).has_value());
    });
    std::printf("shape: 6 layers, hidden 256, ffn 688, vocab 6144; 25 positions\n");
    std::printf("weights root and key %.1f ms, generation %.1f ms\n", load, generate);
    std::printf("commit %.4f ms per layer cell (%zu bytes), final cell %zu bytes\n", commit / 600,
                layer_cell_bytes(shape), final_cell_bytes(shape));
    std::printf("opening %zu cells, %llu bytes, %.2f ms; check %.2f ms: %s\n", cells.size(),
                static_cast<unsigned long long>(opened_bytes(shape, cells)), open, check / 20, result.reason.c_str());
}

int run(std::string_view what, std::uint64_t count) {
    if (what == "honest") {
        measure_honest(count);
    } else if (what == "audits") {
        measure_audits(count);
    } else if (what == "cheats") {
        measure_cheats(count);
    } else if (what == "cost") {
        measure_cost();
    } else {
        std::printf("usage: verify_bench honest|audits|cheats|cost [count]\n");
        return 2;
    }
    return 0;
}

}  // namespace
}  // namespace vcity::verify

int main(int argc, char** argv) {
    return vcity::verify::run(argc > 1 ? argv[1] : "", argc > 2 ? std::stoull(argv[2]) : 1000);
}
