// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/keys/key_record.hpp"
#include "services/gateway/platform/receipt_index.hpp"
#include "services/gateway/usage/usage_book.hpp"

namespace vcity::gateway {

// What was delivered and paid for, on its way into the books that people read later. Both outlive it.
class DeliveryLog {
  public:
    DeliveryLog(UsageBook* usage, ReceiptIndex* receipts) : usage_{usage}, receipts_{receipts} {}

    struct Generation {
        JobId job;
        Hash receipt;
        UsageKind kind = UsageKind::kCompletions;
        std::string model;
        TokenUsage tokens;
        Usd cost;
    };
    void note(const KeyRecord& key, const Generation& generation) {
        receipts_->put(generation.receipt, generation.job);
        usage_->add({.account = key.terms.cap.cap.client,
                     .key_id = key.id(),
                     .kind = generation.kind,
                     .item = generation.model,
                     .input_tokens = generation.tokens.input,
                     .output_tokens = generation.tokens.output,
                     .cost = generation.cost});
    }
    // A job on units whose end was just seen.
    void note_job(const Address& account, std::string key_id, std::string name, Usd charged) {
        if (charged.micro == 0) return;
        usage_->add({.account = account,
                     .key_id = std::move(key_id),
                     .kind = UsageKind::kWork,
                     .item = std::move(name),
                     .input_tokens = 0,
                     .output_tokens = 0,
                     .cost = charged});
    }

  private:
    UsageBook* usage_;
    ReceiptIndex* receipts_;
};

}  // namespace vcity::gateway
