// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/chain.hpp"
#include "model/messages.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

// The connection to the scheduler broke while the job ran.
struct LinkLost {
    bool operator==(const LinkLost&) const = default;
};
// More events than the bounded queue holds: the client reads too slowly.
struct EventsLost {
    bool operator==(const EventsLost&) const = default;
};

using JobEvent = std::variant<JobPlaced, TokenChunk, JobDone, JobFailed, LinkLost, EventsLost>;

// What is known of one job, from the scheduler's messages alone. Pure: no clock, no waiting. A scheduler that breaks
// the protocol (a gap in the sequence, output after a retry) makes the job fail; stale chunks are dropped.
class JobProgress {
  public:
    void apply(JobEvent event);
    // Ends the job for a reason of ours; the first end counts.
    void fail(ApiError error);

    bool has_ended() const { return done_.has_value() || failure_.has_value(); }
    bool has_output() const { return next_sequence_ > 0; }
    // Null: not so, or not yet.
    const JobDone* done() const { return done_ ? &*done_ : nullptr; }
    const ApiError* failure() const { return failure_ ? &*failure_ : nullptr; }
    const JobPlaced* placed() const { return placed_ ? &*placed_ : nullptr; }
    std::uint32_t attempts() const { return placed_ ? placed_->lease.attempt : 0; }
    const std::string& text() const { return text_; }
    std::uint64_t tokens() const { return tokens_; }
    // Text that was not taken yet, up to the last whole character; everything that is left once the job has ended.
    std::string take_text();
    // Of all tokens so far; fewer than tokens() when none were asked for or a node left them out.
    const std::vector<TokenLogprobs>& logprobs() const { return logprobs_; }

  private:
    void on(JobPlaced placed);
    void on(const TokenChunk& chunk);
    void on(const JobDone& done);
    void on(const JobFailed& failed);
    void on(const LinkLost&);
    void on(const EventsLost&);
    void fail_with(ErrorCode code, std::string message);

    std::optional<JobPlaced> placed_;
    std::string text_;
    std::vector<TokenLogprobs> logprobs_;
    std::size_t taken_ = 0;
    std::uint64_t next_sequence_ = 0;
    std::uint64_t fencing_token_ = 0;
    std::uint64_t tokens_ = 0;
    std::optional<JobDone> done_;
    std::optional<ApiError> failure_;
};

// What to tell a client of a job that the scheduler gave up.
ApiError to_api_error(const JobFailed& failed, bool has_output);

// Whether a countersigned receipt is for this order and for exactly what was streamed: signatures, job, parties, both
// hashes, amount within quote and within the prices of the lease. kCorrupt says what does not match.
Result<void> check_delivery(const Deployment& deployment,
                            const JobOrder& order,
                            const Address& scheduler,
                            const JobProgress& progress);

}  // namespace vcity::gateway
