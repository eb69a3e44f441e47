// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/worker_messages.hpp"

namespace vcity::adapters::testing {

// A worker without a model: what vcity-worker does at its border, for tests of the agent's side. Every step of a
// running job gives one token; a prompt of "impossible" is refused.
class ScriptedWorker {
  public:
    static WorkerReady ready() {
        WorkerReady message;
        message.model = "vcity/scripted";
        message.weights_root.bytes.fill(7);
        message.context_tokens_max = 1'024;
        message.vocabulary = 256;
        message.slots = 2;
        return message;
    }

    std::vector<WorkerMessage> on(const WorkerMessage& message) {
        if (const auto* generate = std::get_if<WorkerGenerate>(&message)) return start(*generate);
        if (const auto* cancel = std::get_if<WorkerCancel>(&message))
            return finish(cancel->job_id, FinishReason::kCancelled);
        if (const auto* open = std::get_if<WorkerOpen>(&message)) return answer(*open);
        if (const auto* replay = std::get_if<WorkerReplay>(&message)) return answer(*replay);
        if (const auto* drop = std::get_if<WorkerDrop>(&message)) traces_.erase(drop->job_id);
        return {};
    }

    // One token of every running job.
    std::vector<WorkerMessage> step() {
        std::vector<WorkerMessage> messages;
        std::vector<JobId> ended;
        for (auto& [job_id, progress] : running_) {
            WorkerToken token;
            token.job_id = job_id;
            token.text = "t" + std::to_string(progress.tokens++) + " ";
            token.tokens = 1;
            messages.emplace_back(std::move(token));
            if (progress.tokens == progress.tokens_max) ended.push_back(job_id);
        }
        for (const JobId& job_id : ended) messages.push_back(finish(job_id, FinishReason::kLength).front());
        return messages;
    }

    bool is_busy() const { return !running_.empty(); }

  private:
    struct Progress {
        std::uint64_t tokens = 0;
        std::uint64_t tokens_max = 0;
    };

    std::vector<WorkerMessage> start(const WorkerGenerate& generate) {
        if (generate.request.prompt == "impossible") {
            return {WorkerError{.job_id = generate.job_id, .code = Errc::kInvalid, .message = "prompt is too long"}};
        }
        running_[generate.job_id] = {.tokens = 0, .tokens_max = generate.request.output_tokens_max};
        return {};
    }

    std::vector<WorkerMessage> finish(const JobId& job_id, FinishReason reason) {
        const auto found = running_.find(job_id);
        if (found == running_.end()) return {};
        WorkerDone done;
        done.job_id = job_id;
        done.reason = reason;
        done.usage = {.input = 3, .output = found->second.tokens};
        done.verification_root = served_root();
        running_.erase(found);
        traces_.insert(job_id);
        return {std::move(done)};
    }

    static Hash served_root() {
        Hash root;
        root.bytes.fill(9);
        return root;
    }
    static Hash replay_root() {
        Hash root;
        root.bytes.fill(8);
        return root;
    }

    std::vector<WorkerMessage> answer(const WorkerReplay& replay) const {
        if (!traces_.contains(replay.job_id)) {
            return {WorkerError{.job_id = replay.job_id, .code = Errc::kNotFound, .message = "no such job"}};
        }
        return {WorkerReplayed{.job_id = replay.job_id, .root = replay_root()}};
    }

    std::vector<WorkerMessage> answer(const WorkerOpen& open) const {
        if (!traces_.contains(open.job_id)) {
            return {WorkerError{.job_id = open.job_id, .code = Errc::kNotFound, .message = "no such trace"}};
        }
        if (open.root != served_root() && open.root != replay_root()) {
            return {WorkerError{.job_id = open.job_id, .code = Errc::kNotFound, .message = "no such tree"}};
        }
        WorkerOpening opening;
        opening.job_id = open.job_id;
        opening.opening.header = {1, 2, 3};
        for (const Cell& cell : open.question.cells) opening.opening.cells.push_back({.cell = cell, .data = {4}});
        return {std::move(opening)};
    }

    std::map<JobId, Progress> running_;
    std::set<JobId> traces_;
};

}  // namespace vcity::adapters::testing
