// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/platform/receipt_index.hpp"

#include <utility>

#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kPrefix = "gateway/receipt/";
constexpr std::size_t kScanPage = 512;

std::string key_of(const Hash& receipt) {
    return std::string{kPrefix} + codec::to_hex(receipt).substr(2);
}

}  // namespace

Task<Result<void>> ReceiptIndex::load(ports::Store* store) {
    const std::string prefix{kPrefix};
    std::string after;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) keys_.push_back(entry.key);
        if (page.size() < kScanPage) break;
        after = page.back().key;
    }
    forget_oldest();
    co_return Result<void>{};
}

void ReceiptIndex::forget_oldest() {
    while (keys_.size() > receipts_max_) {
        writes_->erase(std::move(keys_.front()));
        keys_.pop_front();
    }
}

void ReceiptIndex::put(const Hash& receipt, const JobId& job) {
    std::string key = key_of(receipt);
    writes_->put(key, codec::to_hex(job));
    keys_.push_back(std::move(key));
    forget_oldest();
}

Task<Result<std::optional<JobId>>> ReceiptIndex::find(Hash receipt) {
    std::string key = key_of(receipt);
    CO_TRY(const std::optional<std::string> text, co_await writes_->get(std::move(key)));
    if (!text) co_return std::optional<JobId>{};
    CO_TRY(const JobId job, codec::parse_fixed<JobId>(*text));
    co_return std::optional{job};
}

}  // namespace vcity::gateway
