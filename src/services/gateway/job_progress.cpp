// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/job_progress.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "codec/json.hpp"
#include "market/batch.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::gateway {
namespace {

// A hostile node must not fill our memory; no model writes that much in one answer.
constexpr std::size_t kTextBytesMax = 16U << 20U;

Error mismatch(std::string_view what) {
    return make_error(Errc::kCorrupt, "the receipt's " + std::string{what});
}

// A full cap and a full network have the same code on the link; what may be done about them differs.
bool is_about_cap(const JobFailed& failed) {
    return failed.message.starts_with("the cap ");
}

// What the client itself has waiting, as opposed to a full network.
bool is_about_client(const JobFailed& failed) {
    return failed.message.starts_with("this client ");
}

// Only a node has the tokenizer, so only it can tell that a prompt does not fit.
bool is_about_length(const JobFailed& failed) {
    return failed.message.find("context") != std::string::npos ||
           failed.message.find("the prompt ") != std::string::npos;
}

ErrorCode code_of(const JobFailed& failed) {
    switch (failed.code) {
        case Errc::kInvalid:
            return is_about_length(failed) ? ErrorCode::kContextLengthExceeded : ErrorCode::kRequestRefused;
        case Errc::kNotFound: return ErrorCode::kModelNotFound;
        case Errc::kDenied: return ErrorCode::kSpendingCapInvalid;
        case Errc::kExhausted:
            if (is_about_client(failed)) return ErrorCode::kParallelLimitExceeded;
            return is_about_cap(failed) ? ErrorCode::kInsufficientBalance : ErrorCode::kNoProviderAvailable;
        case Errc::kUnavailable: return ErrorCode::kNoProviderAvailable;
        // The cap is being opened on chain, which takes a block or two.
        case Errc::kTimeout:
            return is_about_cap(failed) ? ErrorCode::kSchedulerUnavailable : ErrorCode::kRequestTimeout;
        case Errc::kConflict:
        case Errc::kCorrupt:
        case Errc::kInternal: return ErrorCode::kProviderFailed;
    }
    return ErrorCode::kProviderFailed;
}

}  // namespace

void JobProgress::apply(JobEvent event) {
    if (has_ended()) return;
    std::visit([this](auto&& content) { on(std::forward<decltype(content)>(content)); }, std::move(event));
}

void JobProgress::fail(ApiError error) {
    if (failure_) return;
    done_.reset();
    failure_ = std::move(error);
}

void JobProgress::fail_with(ErrorCode code, std::string message) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    fail(std::move(error));
}

void JobProgress::on(JobPlaced placed) {
    if (has_output() && placed.lease.fencing_token != fencing_token_) {
        return fail_with(ErrorCode::kProviderStreamBroken, "the job moved to another node after its first token");
    }
    fencing_token_ = placed.lease.fencing_token;
    placed_ = std::move(placed);
}

void JobProgress::on(const TokenChunk& chunk) {
    if (!placed_ && !has_output()) fencing_token_ = chunk.fencing_token;
    // From a node that lost its lease.
    if (chunk.fencing_token != fencing_token_) return;
    if (chunk.sequence < next_sequence_) return;
    if (chunk.sequence > next_sequence_ || text_.size() + chunk.text.size() > kTextBytesMax) {
        return fail_with(ErrorCode::kProviderStreamBroken, "part of the output was lost on its way");
    }
    ++next_sequence_;
    text_ += chunk.text;
    tokens_ += chunk.tokens;
    constexpr std::size_t kLogprobsKept = 1U << 17U;
    const std::size_t room = kLogprobsKept - std::min(kLogprobsKept, logprobs_.size());
    const std::size_t taken = std::min(room, chunk.logprobs.size());
    logprobs_.insert(logprobs_.end(), chunk.logprobs.begin(),
                     chunk.logprobs.begin() + static_cast<std::ptrdiff_t>(taken));
}

void JobProgress::on(const JobDone& done) {
    done_ = done;
}

void JobProgress::on(const JobFailed& failed) {
    fail(to_api_error(failed, has_output()));
}

void JobProgress::on(const LinkLost&) {
    if (has_output()) {
        return fail_with(ErrorCode::kProviderStreamBroken, "the connection to the scheduler broke during the output");
    }
    ApiError error;
    error.code = ErrorCode::kSchedulerUnavailable;
    error.message = "the connection to the scheduler broke before the first token";
    error.retry_after = std::chrono::seconds{1};
    fail(std::move(error));
}

void JobProgress::on(const EventsLost&) {
    fail_with(ErrorCode::kClientTooSlow, "the client reads too slowly; the job was cancelled");
}

std::string JobProgress::take_text() {
    const std::string_view rest = std::string_view{text_}.substr(taken_);
    const std::size_t length = has_ended() ? rest.size() : codec::utf8_complete_prefix(rest);
    std::string piece{rest.substr(0, length)};
    taken_ += length;
    return piece;
}

ApiError to_api_error(const JobFailed& failed, bool has_output) {
    ApiError error;
    error.code = has_output ? ErrorCode::kProviderStreamBroken : code_of(failed);
    error.message = failed.message.empty() ? "the job failed" : failed.message.substr(0, 500);
    if (error.code == ErrorCode::kContextLengthExceeded) error.param = "messages";
    if (error.code == ErrorCode::kModelNotFound) error.param = "model";
    const bool may_help =
        error.code == ErrorCode::kNoProviderAvailable || error.code == ErrorCode::kSchedulerUnavailable;
    if (may_help) error.retry_after = std::chrono::seconds{2};
    // The scheduler knows better, but a client must not be sent away for a day by a mistake.
    constexpr std::chrono::milliseconds kRetryAfterMax = std::chrono::minutes{10};
    if (failed.retry_after_ms > 0) {
        error.retry_after = std::min(std::chrono::milliseconds{failed.retry_after_ms}, kRetryAfterMax);
    }
    return error;
}

Result<void> check_delivery(const Deployment& deployment,
                            const JobOrder& order,
                            const Address& scheduler,
                            const JobProgress& progress) {
    const JobDone* done = progress.done();
    CHECK(done != nullptr);
    const SignedReceipt& signed_receipt = done->receipt;
    const UsageReceipt& receipt = signed_receipt.receipt;
    if (receipt.job_id != order.job_id) return mismatch("job id is of another job");
    if (receipt.client != order.client) return mismatch("client is not ours");
    if (receipt.scheduler != scheduler) return mismatch("scheduler is not the one we asked");
    if (receipt.quote > order.quote || receipt.amount > order.quote) return mismatch("amount is above the quote");
    if (receipt.units.output > order.request.output_tokens_max) return mismatch("output is above the limit");
    if (receipt.request_hash != market::request_hash(order.request)) return mismatch("request hash differs");
    if (receipt.response_hash != market::response_hash(progress.text())) {
        return mismatch("response hash differs from what was delivered");
    }
    if (const JobPlaced* placed = progress.placed()) {
        if (receipt.node != placed->lease.node) return mismatch("node is not the one that was chosen");
        TRY(const Usd most, market::charge_of(receipt.units, placed->prices, order.quote));
        if (receipt.amount > most) return mismatch("amount is above the agreed prices");
    }
    return market::check_receipt(deployment, signed_receipt);
}

}  // namespace vcity::gateway
