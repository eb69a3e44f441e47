// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <random>

#include "figures.hpp"
#include "verify/testing/reference_worker.hpp"

namespace vcity::verify::bench {
namespace {

using testing::FinishedJob;
using testing::ReferenceVerifier;
using testing::ReferenceWorker;
using testing::StoredModel;
using testing::SumOrder;

constexpr SumOrder kOrders[] = {SumOrder::kLanes32, SumOrder::kForward, SumOrder::kBackward, SumOrder::kBlocks64,
                                SumOrder::kPairwise};

// The widths of the model that ships with this repository, with fewer words.
ModelShape simulated_shape(ComputeType compute) {
    return {.layers = 6,
            .hidden = 256,
            .heads = 8,
            .kv_heads = 4,
            .head_dim = 32,
            .ffn = 688,
            .vocab = 512,
            .rms_eps = 1e-5,
            .rope_theta = 10000.0,
            .tied_embeddings = true,
            .compute = compute};
}

struct Cheat {
    const char* name;
    const char* target;
    std::function<void(ReferenceWorker*)> arrange;
    DrawOptions draw{};
    double temperature = 0.7;  // every fourth job is greedy; with another one all have that
};

class Laboratory {
  public:
    Laboratory(ComputeType compute, const Effort& effort)
        : model_{testing::random_model(simulated_shape(compute), 11)}, verifier_{&model_}, effort_{effort} {}

    const StoredModel& model() const { return model_; }
    const StoredModel& changed(const std::function<void(StoredModel::Tensor*)>& change) {
        models_.push_back(std::make_unique<StoredModel>(testing::with_changed_matrices(model_, change)));
        return *models_.back();
    }
    const StoredModel& another() {
        models_.push_back(std::make_unique<StoredModel>(testing::random_model(model_.shape, 12)));
        return *models_.back();
    }

    FinishedJob job(const ReferenceWorker& worker, std::uint64_t number, double temperature = 0.7) const {
        std::mt19937_64 random{number};
        std::vector<std::uint32_t> prompt;
        for (int i = 0; i < 40; ++i) prompt.push_back(static_cast<std::uint32_t>(random() % model_.shape.vocab));
        TraceHeader header = verifier_.header(number, std::move(prompt));
        header.sampling = {.temperature = number % 4 == 0 && temperature < 1 ? 0.0 : temperature,
                           .top_p = number % 2 == 0 ? 1.0 : 0.9,
                           .seed = random()};
        return testing::run_job(worker, header, 24);
    }

    // Part of the audits that reject, `audits` over several jobs.
    double rejected(const Cheat& cheat) const {
        const int jobs = effort_.times(3, 10);
        const int audits = effort_.times(4, 20);
        int caught = 0;
        for (int number = 1; number <= jobs; ++number) {
            ReferenceWorker worker{&model_};
            worker.order = worker.audit_order = SumOrder::kLanes32;
            worker.audited = &model_;  // the strongest form: the right weights answer the audit
            cheat.arrange(&worker);
            const FinishedJob finished = job(worker, static_cast<std::uint64_t>(number), cheat.temperature);
            for (int i = 0; i < audits; ++i) {
                const auto seed = static_cast<std::uint64_t>(number) * 1000 + static_cast<std::uint64_t>(i);
                caught += verifier_.audit(finished, seed, cheat.draw).outcome == VerdictOutcome::kRejected ? 1 : 0;
            }
        }
        return static_cast<double>(caught) / (jobs * audits);
    }

    struct Honest {
        double checks = 0;
        double audits = 0;
        double rejected = 0;
    };
    void add_honest(int jobs, int audits, Honest* out) const {
        for (int number = 1; number <= jobs; ++number) {
            ReferenceWorker worker{&model_};
            worker.order = kOrders[number % 5];
            worker.audit_order = kOrders[number / 5 % 5];
            const FinishedJob finished = job(worker, static_cast<std::uint64_t>(number));
            for (int i = 0; i < audits; ++i) {
                const auto seed = static_cast<std::uint64_t>(number) * 7919 + static_cast<std::uint64_t>(i);
                const AuditQuestion question = verifier_.draw(finished, seed);
                const auto evidence =
                    verifier_.judge->measure(verifier_.claim(finished), question, finished.open(question),
                                             verifier_.check_output, testing::seed_of(seed + 1));
                out->audits += 1;
                if (!evidence || !weigh(*evidence)) {
                    out->rejected += 1;
                    continue;
                }
                out->checks += static_cast<double>(evidence->linear.count + evidence->rows.count +
                                                   evidence->attention.count + evidence->residual_rows.count);
            }
        }
    }

  private:
    StoredModel model_;
    ReferenceVerifier verifier_;
    Effort effort_;
    std::vector<std::unique_ptr<StoredModel>> models_;
};

std::function<void(ReferenceWorker*)> with(const StoredModel& served) {
    return [&served](ReferenceWorker* worker) { worker->model = &served; };
}

std::function<void(StoredModel::Tensor*)> to_integers(int bits, std::size_t group) {
    return [=](StoredModel::Tensor* tensor) { testing::quantise(tensor, bits, group); };
}

std::vector<Cheat> cheats(Laboratory* laboratory) {
    std::mt19937_64 random{5};
    const auto rank_one = [&](double size) {
        return with(laboratory->changed([&](StoredModel::Tensor* tensor) { add_rank_one(tensor, size, &random); }));
    };
    const auto to_fp8 = [](std::vector<float>* values) {
        for (float& value : *values) value = testing::round_fp8(value);
    };
    const auto other_seed = [](std::span<const float> logits, Sampling sampling, std::uint64_t step) {
        sampling.seed += 1;
        return testing::reference_sample(logits, sampling, step);
    };
    const auto spliced = [](const Cell& cell, testing::LayerValues* values) {
        if (cell.layer != cell.position % 6) return;
        for (float& value : values->h_out) value = -value;
    };
    return {
        {"int8", ">= 0.999; CommitLLM 36 of 36 scenarios", with(laboratory->changed(to_integers(8, 0)))},
        {"int8_g128", ">= 0.999", with(laboratory->changed(to_integers(8, 128)))},
        {"fp8", ">= 0.999", with(laboratory->changed(testing::quantise_fp8))},
        {"int6", ">= 0.999", with(laboratory->changed(to_integers(6, 128)))},
        {"int4", ">= 0.999; DiFR: AUC .999 at 2 to 300 tokens", with(laboratory->changed(to_integers(4, 32)))},
        {"rank_1e-2", "", rank_one(1e-2)},
        {"rank_1e-3", ">= 0.999; nothing published", rank_one(1e-3)},
        {"rank_3e-4", "", rank_one(3e-4)},
        {"rank_1e-4", "", rank_one(1e-4)},
        {"fp8_kv",
         ">= 0.99 with 8 heads; DiFR about 10,000 tokens",
         [=](ReferenceWorker* worker) { worker->change_cache = to_fp8; },
         {.heads = 8}},
        {"wrong_model", ">= 0.9999; TOPLOC 100 %", with(laboratory->another())},
        {"skipped_layer", ">= 0.9999", [](ReferenceWorker* worker) { worker->skipped_layer = 3; }},
        {"window_dropped", ">= 0.9999", [](ReferenceWorker* worker) { worker->window = 24; }, {.heads = 8}},
        {"changed_sampler",
         ">= 0.9999; temperature 1",
         [=](ReferenceWorker* worker) { worker->sample = other_seed; },
         {},
         1.0},
        {"spliced_states", ">= 0.9999", [=](ReferenceWorker* worker) { worker->after_layer = spliced; }},
    };
}

}  // namespace

void measure_detection(const Effort& effort, Figures* out) {
    Laboratory laboratory{ComputeType::kBfloat16, effort};
    for (const Cheat& cheat : cheats(&laboratory)) {
        out->push_back({std::string{"detection."} + cheat.name, laboratory.rejected(cheat), cheat.target});
    }
    Laboratory::Honest honest;
    laboratory.add_honest(effort.times(10, 20), effort.times(6, 20), &honest);
    const Laboratory wide{ComputeType::kFloat32, effort};
    wide.add_honest(effort.times(5, 10), effort.times(6, 20), &honest);
    out->push_back({"honest_audits", honest.audits, ""});
    out->push_back({"honest_checks", honest.checks, ">= 1e6 in the full run"});
    out->push_back({"false_positives", honest.rejected, "0; bound 1e-9 an audit"});
}

}  // namespace vcity::verify::bench
