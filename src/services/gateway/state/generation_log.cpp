// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/state/generation_log.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kPrefix = "gateway/generation/";
constexpr std::size_t kScanPage = 256;

std::uint64_t created_of(const codec::Json& envelope) {
    const codec::Json* record = envelope.find("record");
    const codec::Json* created = record == nullptr ? nullptr : record->find("created");
    std::uint64_t seconds = 0;
    return created != nullptr && created->get_u64(&seconds) ? seconds : 0;
}

}  // namespace

Task<Result<void>> GenerationLog::load(ports::Store* store) {
    std::vector<std::pair<std::uint64_t, std::string>> found;
    const std::string prefix{kPrefix};
    std::string after;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            const Result<codec::Json> envelope = codec::parse_json(as_text(entry.value));
            found.emplace_back(envelope ? created_of(*envelope) : 0, entry.key);
        }
        if (page.size() < kScanPage) break;
        after = page.back().key;
    }
    std::ranges::sort(found);
    for (auto& [created, key] : found) store_keys_.push_back(std::move(key));
    forget_oldest();
    co_return Result<void>{};
}

void GenerationLog::forget_oldest() {
    while (store_keys_.size() > records_max_) {
        writes_->erase(std::move(store_keys_.front()));
        store_keys_.pop_front();
    }
}

void GenerationLog::put(const std::string& id, const Hash& owner, codec::Json record) {
    std::string key = std::string{kPrefix} + id;
    const codec::Json envelope = codec::JsonObject{{"owner", codec::to_hex(owner)}, {"record", std::move(record)}};
    writes_->put(key, codec::dump_json(envelope));
    store_keys_.push_back(std::move(key));
    forget_oldest();
}

Task<Result<std::optional<codec::Json>>> GenerationLog::get(std::string id, Hash owner) {
    std::string key = std::string{kPrefix} + id;
    CO_TRY(const std::optional<std::string> text, co_await writes_->get(std::move(key)));
    if (!text) co_return std::optional<codec::Json>{};
    CO_TRY(const codec::Json envelope, codec::parse_json(*text));
    const codec::Json* named = envelope.find("owner");
    const codec::Json* record = envelope.find("record");
    const bool is_owner =
        named != nullptr && named->get_string() != nullptr && *named->get_string() == codec::to_hex(owner);
    if (!is_owner || record == nullptr) co_return std::optional<codec::Json>{};
    co_return std::optional<codec::Json>{*record};
}

}  // namespace vcity::gateway
