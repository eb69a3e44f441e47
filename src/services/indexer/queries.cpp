// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/queries.hpp"

#include <algorithm>
#include <utility>

#include "codec/hex.hpp"
#include "services/indexer/draft.hpp"

namespace vcity::indexer {
namespace {

constexpr std::size_t kKeyBytesMax = 256;

// Without the prefix, in hex: opaque enough that nobody builds one by hand.
std::string to_cursor(std::string_view key, std::string_view prefix) {
    return codec::to_hex(as_bytes(key.substr(prefix.size()))).substr(2);
}

Result<std::string> from_cursor(const std::string& cursor, const std::string& prefix) {
    const Result<Bytes> bytes = codec::parse_hex("0x" + cursor, kKeyBytesMax);
    if (!bytes) return make_error(Errc::kInvalid, "the cursor is not one that was given out");
    return prefix + std::string{as_text(*bytes)};
}

}  // namespace

Task<Result<codec::Json>> record(ports::Store* store, std::string key) {
    CO_TRY(const std::optional<Bytes> stored, co_await store->get(std::move(key)));
    if (!stored) co_return codec::Json{};
    CO_TRY(codec::Json json, codec::parse_json(as_text(*stored)));
    co_return json;
}

Task<Result<Page>> page_of(ports::Store* store, std::string prefix, std::string cursor, std::size_t limit) {
    std::string after;
    if (!cursor.empty()) {
        CO_TRY(after, from_cursor(cursor, prefix));
    }
    // One more than asked for tells whether there is a next page.
    CO_TRY(std::vector<ports::StoreEntry> entries, co_await store->scan(prefix, after, limit + 1));
    Page page;
    if (entries.size() > limit) {
        entries.resize(limit);
        page.next = to_cursor(entries.back().key, prefix);
    }
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(codec::Json item, codec::parse_json(as_text(entry.value)));
        page.items.push_back(std::move(item));
    }
    co_return page;
}

Task<Result<Conservation>> conservation(ports::Store* store) {
    std::string key{kTotalsKey};
    CO_TRY(const codec::Json totals, co_await record(store, std::move(key)));
    Conservation sums;
    sums.deposited = Usd{number_of(totals, "deposited")};
    sums.compensated = Usd{number_of(totals, "compensated")};
    sums.available = Usd{number_of(totals, "available")};
    sums.locked = Usd{number_of(totals, "locked")};
    sums.pools = Usd{number_of(totals, "pools")};
    sums.paid = Usd{number_of(totals, "paid")};
    sums.fees = Usd{number_of(totals, "fees")};
    sums.withdrawn = Usd{number_of(totals, "withdrawn")};
    sums.prepaid = Usd{number_of(totals, "prepaid")};
    co_return sums;
}

}  // namespace vcity::indexer
