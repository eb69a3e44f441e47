// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "async/runtime.hpp"
#include "async/task.hpp"
#include "checkpoint/model_directory.hpp"
#include "checkpoint/token_mask.hpp"
#include "ports/audit.hpp"
#include "verify/draw.hpp"
#include "verify/judge.hpp"
#include "verify/sequential.hpp"

namespace vcity::adapters {

struct LlamaAuditorOptions {
    std::filesystem::path folder;  // Hugging Face directory of the public model
    // The number format that the network's workers compute this model in.
    verify::ComputeType compute = verify::ComputeType::kFloat32;
    verify::JudgeOptions judge;
    verify::DrawOptions draw;
    // Tier A: scores of honest runs of this model and kernel class, each a line of decimal text. Without it a sketch
    // decides nothing, only the replay is judged.
    std::filesystem::path enrolment{};
    double sketch_alpha = 1e-6;  // most that an honest node is ever rejected with for its sketches
};

// Audits of one Llama-family model: its weights and tokenizer come from a local directory, the secret vectors from the
// runtime. A verifier that restarts has new vectors. Lives on the service's runtime; one check takes milliseconds for a
// model of a few million weights and grows with the widths, not with the number of weights.
class LlamaAuditor final : public ports::Auditor {
  public:
    // Reads all weights off the service's thread, twice: for the weights root and for the secret key. An Error names
    // the file or tensor that is wrong.
    static Task<Result<std::unique_ptr<LlamaAuditor>>> open(Runtime* runtime, LlamaAuditorOptions options);

    Hash model_root() const override { return root_; }
    // From the billed token counts alone, since the worker's header is not known yet.
    AuditQuestion draw(const AuditTask& task, const Hash& seed) override;
    // The caller has checked that the request hashes to the receipt's request hash; if it does not, whoever sent the
    // task is at fault, and the finding says so. Touches nothing but what is constant, so it may run on any thread.
    ports::AuditFinding check(const AuditTask& task, const ports::AuditAnswer& answer) override;

  private:
    LlamaAuditor(Runtime* runtime, LlamaAuditorOptions options, checkpoint::ModelDirectory model)
        : runtime_{runtime}, options_{std::move(options)}, model_{std::move(model)} {}

    static Result<std::unique_ptr<LlamaAuditor>> load(Runtime* runtime,
                                                      LlamaAuditorOptions options,
                                                      const verify::Seed& key_seed);
    verify::AuditResult judge(const AuditTask& task, const ports::AuditAnswer& answer) const;
    Result<Bytes> weigh_sketch(const AuditTask& task, const ports::AuditAnswer& answer, float score) const;
    Result<void> check_output(const AuditTask& task, const std::vector<std::uint32_t>& tokens) const;
    // Nothing when any text will do; otherwise with the number of output tokens that the job can have.
    struct FormLimit {
        grammar::Form form;
        std::uint64_t tokens = 0;
    };
    Result<std::optional<FormLimit>> form_of(const AuditTask& task, std::uint64_t prompt_tokens) const;
    Result<verify::TokenFilter> filter_of(const AuditTask& task, std::uint64_t prompt_tokens) const;
    Result<void> check_form(const AuditTask& task,
                            std::uint64_t prompt_tokens,
                            const std::vector<std::uint32_t>& tokens) const;
    verify::Seed rows_seed(const UsageReceipt& receipt, const Opening& opening) const;

    Runtime* runtime_;
    LlamaAuditorOptions options_;
    checkpoint::ModelDirectory model_;
    std::shared_ptr<const checkpoint::TokenTree> tree_;  // borrows from model_
    Hash root_;
    verify::Seed rows_secret_;
    std::vector<float> enrolment_;
    std::unique_ptr<verify::AuditJudge> judge_;  // borrows from model_
};

}  // namespace vcity::adapters
