// SPDX-License-Identifier: Apache-2.0
#include "enrol.hpp"

#include <algorithm>
#include <istream>
#include <ostream>
#include <variant>
#include <vector>

#include "crypto/keccak.hpp"
#include "verify/check/sketch_score.hpp"
#include "verify/draw.hpp"

namespace vcity::worker {
namespace {

constexpr std::size_t kTogether = 4;
constexpr std::uint32_t kOutputTokensMax = 48;

JobId job_of(std::uint64_t number) {
    return crypto::keccak256_text("enrolment " + std::to_string(number)).as<JobId>();
}

// Half of them greedy, half drawn.
ModelRequest request_of(std::uint64_t number, std::string question) {
    ModelRequest request;
    request.messages.push_back({.role = "user", .content = std::move(question)});
    request.output_tokens_max = kOutputTokensMax;
    request.sampling = {.temperature = number % 2 == 0 ? 0.0 : 0.8, .top_p = 0.95, .seed = number};
    request.client_nonce = crypto::keccak256_text("enrolment nonce " + std::to_string(number));
    request.verification = Verification::kNone;
    return request;
}

template <class Message>
const Message* find(const WorkerMessages& messages, const JobId& job) {
    for (const WorkerMessage& message : messages) {
        const Message* const found = std::get_if<Message>(&message);
        if (found != nullptr && found->job_id == job) return found;
    }
    return nullptr;
}

Result<float> score_of(Engine& engine, const JobId& job, const WorkerDone& done) {
    WorkerMessages messages;
    engine.replay({.job_id = job}, &messages);
    while (engine.busy()) engine.step(&messages);
    const auto* const replayed = find<WorkerReplayed>(messages, job);
    if (replayed == nullptr) return make_error(Errc::kInternal, "an answer could not be replayed");
    const Hash root = replayed->root;
    verify::DrawOptions options;
    options.sketches = static_cast<std::uint32_t>(kOpenedSketchesMax);
    const verify::Seed seed = crypto::keccak256({job.view(), root.view()}).as<verify::Seed>();
    const AuditQuestion question = draw_audit(engine.shape(), done.usage, AuditTier::kSketch, seed, options);
    messages.clear();
    engine.open({.job_id = job, .root = root, .question = question}, &messages);
    const auto* const opened = find<WorkerOpening>(messages, job);
    if (opened == nullptr) return make_error(Errc::kInternal, "a replay could not be opened");
    const verify::OpeningRoots roots{.tier = AuditTier::kSketch, .receipt = done.verification_root, .cells = root};
    TRY(const verify::CheckedAudit audit,
        check_audit_opening(engine.shape(), roots, done.usage, question, opened->opening));
    const std::optional<float> score = verify::sketch_score(engine.shape(), audit);
    if (!score) return make_error(Errc::kInternal, "no sketch was opened");
    return *score;
}

}  // namespace

Result<void> enrol(Engine& engine, std::istream& questions, std::ostream& scores) {
    std::uint64_t number = 0;
    std::uint64_t written = 0;
    while (questions) {
        WorkerMessages messages;
        std::vector<JobId> jobs;
        for (std::string line; jobs.size() < kTogether && std::getline(questions, line);) {
            if (line.empty()) continue;
            jobs.push_back(job_of(number));
            engine.generate({.job_id = jobs.back(), .request = request_of(number, std::move(line))}, &messages);
            ++number;
        }
        while (engine.busy()) engine.step(&messages);
        for (const JobId& job : jobs) {
            const auto* const done = find<WorkerDone>(messages, job);
            if (done == nullptr) continue;
            TRY(const float score, score_of(engine, job, *done));
            scores << score << '\n';
            ++written;
            engine.drop(job, &messages);
        }
    }
    if (written == 0) return make_error(Errc::kInvalid, "the model could take none of the questions");
    return {};
}

}  // namespace vcity::worker
