// SPDX-License-Identifier: Apache-2.0
#include "codec/hex.hpp"
#include "services/node/agent.hpp"

namespace vcity::node {

// The key changes with the epoch, and what is announced with it. A monitor that does not answer is none.
Task<void> NodeAgent::watch_monitor() {
    while (!stopping_) {
        const TimePoint next = deps_.runtime->now() + options_.monitor_poll;
        co_await stopped_.wait_until(next);
        if (stopping_) break;
        co_await learn_monitor_key();
    }
}

Task<void> NodeAgent::learn_monitor_key() {
    const TimePoint deadline = deps_.runtime->now() + options_.monitor_timeout;
    const Result<ports::MonitorKey> answer = co_await deps_.sealer->current(deadline);
    const ports::MonitorKey key = answer ? *answer : ports::MonitorKey{};
    if (key == monitor_key_) co_return;
    if (!answer) log_.warn("monitor_does_not_answer", {{"reason", answer.error().message}});
    monitor_key_ = key;
    if (session_ != nullptr) announce();
}

// Without its seal a result counts as that of a node without a monitor; it is delivered all the same.
Task<void> NodeAgent::seal_root(ports::MonitorKey key, SignedReceipt receipt, Hash client_nonce) {
    if (deps_.sealer == nullptr || key.hash.is_zero()) co_return;
    MonitorSeal wanted;
    wanted.job_id = receipt.receipt.job_id;
    wanted.verification_root = receipt.receipt.verification_root;
    wanted.request_hash = receipt.receipt.request_hash;
    wanted.client_nonce = client_nonce;
    wanted.model_root = receipt.receipt.model_root;
    wanted.epoch = key.epoch;
    const TimePoint deadline = deps_.runtime->now() + options_.monitor_timeout;
    const Result<SignedSeal> sealed = co_await deps_.sealer->seal(wanted, deadline);
    if (sealed) {
        metrics_.seals->increment();
        co_return;
    }
    metrics_.seals_missing->increment();
    log_.warn("not_sealed", {{"job", codec::to_hex(receipt.receipt.job_id)}, {"reason", sealed.error().message}});
}

}  // namespace vcity::node
