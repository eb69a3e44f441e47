// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/usage/usage_book.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/sha256.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kPrefix = "gateway/usage/";
constexpr std::size_t kItemBytesMax = 128;
constexpr std::size_t kScanPage = 512;
constexpr std::uint64_t kMillisPerMinute = 60'000;
constexpr std::uint64_t kMinutesPerDay = 1'440;
constexpr std::size_t kMinuteDigits = 16;
constexpr std::array<std::string_view, 3> kKinds = {"completions", "embeddings", "work"};

std::string account_prefix(const Address& account) {
    return std::string{kPrefix} + codec::to_hex(account).substr(2) + "/";
}

std::string minute_text(std::uint64_t minute) {
    return fmt::format("{:016x}", minute);
}

codec::Json to_json(const UsageRow& row) {
    return codec::JsonObject{{"minute", row.minute},        {"key", row.key_id},
                             {"kind", to_string(row.kind)}, {"item", row.item},
                             {"requests", row.requests},    {"input", row.input_tokens},
                             {"output", row.output_tokens}, {"cost", row.cost.micro}};
}

Result<UsageRow> parse_row(ByteView bytes) {
    TRY(const codec::Json json, codec::parse_json(as_text(bytes)));
    UsageRow row;
    const auto number = [&json](std::string_view name, std::uint64_t* out) {
        const codec::Json* value = json.find(name);
        return value != nullptr && value->get_u64(out);
    };
    const auto text = [&json](std::string_view name) -> std::string {
        const codec::Json* value = json.find(name);
        return value != nullptr && value->get_string() != nullptr ? *value->get_string() : std::string{};
    };
    const bool is_whole = number("minute", &row.minute) && number("requests", &row.requests) &&
                          number("input", &row.input_tokens) && number("output", &row.output_tokens) &&
                          number("cost", &row.cost.micro);
    const auto kind = std::ranges::find(kKinds, text("kind"));
    if (!is_whole || kind == kKinds.end()) return make_error(Errc::kCorrupt, "a row of usage is broken");
    row.kind = static_cast<UsageKind>(kind - kKinds.begin());
    row.key_id = text("key");
    row.item = text("item");
    return row;
}

}  // namespace

std::string_view to_string(UsageKind kind) {
    return kKinds[static_cast<std::size_t>(kind)];
}

UsageBook::UsageBook(Runtime* runtime, ports::Store* store, WriteBehind* writes)
    : runtime_{runtime}, store_{store}, writes_{writes} {
    FixedBytes<struct BootTag, 6> bytes;
    runtime_->random_bytes(bytes.bytes);
    boot_ = codec::to_hex(bytes).substr(2);
}

std::uint64_t UsageBook::minute_now() const {
    return runtime_->unix_now().count() / kMillisPerMinute;
}

void UsageBook::add(const UsageEntry& entry) {
    const std::uint64_t minute = minute_now();
    forget_before(minute);
    std::string item = entry.item.substr(0, codec::utf8_complete_prefix(entry.item.substr(0, kItemBytesMax)));
    if (live_.size() >= kLiveMax) item = "other";
    // Keys and items are named by people: their digest keeps them out of the store's own names.
    const Hash name = crypto::sha256(as_bytes(entry.key_id + '\0' + item + '\0' + std::string{to_string(entry.kind)}));
    const std::string key =
        account_prefix(entry.account) + minute_text(minute) + "/" + boot_ + codec::to_hex(name).substr(2, 16);
    Live& live = live_[key];
    live.account = entry.account;
    UsageRow& row = live.row;
    row.minute = minute;
    row.key_id = entry.key_id;
    row.kind = entry.kind;
    row.item = std::move(item);
    row.requests += 1;
    row.input_tokens += entry.input_tokens;
    row.output_tokens += entry.output_tokens;
    row.cost = Usd{row.cost.micro + entry.cost.micro};
    writes_->put(key, codec::dump_json(to_json(row)));
}

// One minute more stays, so that what is not yet on disk is still seen.
void UsageBook::forget_before(std::uint64_t minute) {
    std::erase_if(live_, [minute](const auto& entry) { return entry.second.row.minute + 1 < minute; });
}

Task<Result<std::vector<UsageRow>>> UsageBook::rows(UsageQuery query) const {
    const std::string prefix = account_prefix(query.account);
    const std::string end = prefix + minute_text(query.to_minute);
    std::map<std::string, UsageRow> found;
    std::string after = prefix + minute_text(query.from_minute);
    bool is_done = false;
    while (!is_done) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store_->scan(prefix, after, kScanPage));
        is_done = page.size() < kScanPage;
        for (const ports::StoreEntry& entry : page) {
            after = entry.key;
            is_done = is_done || entry.key >= end;
            if (entry.key >= end) break;
            CO_TRY(found[entry.key], parse_row(entry.value));
        }
        if (found.size() > kRowsMax) co_return make_error(Errc::kExhausted, "too much happened in that time");
    }
    for (const auto& [key, live] : live_) {
        const bool is_asked =
            live.account == query.account && live.row.minute >= query.from_minute && live.row.minute < query.to_minute;
        if (is_asked) found[key] = live.row;
    }
    std::vector<UsageRow> rows;
    rows.reserve(found.size());
    for (auto& [key, row] : found) rows.push_back(std::move(row));
    co_return rows;
}

Task<Result<void>> UsageBook::prune() {
    const std::uint64_t kept = kDaysKept * kMinutesPerDay;
    const std::uint64_t now = minute_now();
    if (now < kept) co_return Result<void>{};
    const std::string oldest = minute_text(now - kept);
    const std::size_t place = account_prefix(Address{}).size();
    const std::string prefix{kPrefix};
    std::string after;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store_->scan(prefix, after, kScanPage));
        ports::StoreChange change;
        for (const ports::StoreEntry& entry : page) {
            const bool is_old = entry.key.size() > place + kMinuteDigits &&
                                std::string_view{entry.key}.substr(place, kMinuteDigits) < oldest;
            if (is_old) change.deletes.push_back(entry.key);
        }
        if (!change.deletes.empty()) {
            CO_TRY_OK(co_await store_->commit(std::move(change)));
        }
        if (page.size() < kScanPage) co_return Result<void>{};
        after = page.back().key;
    }
}

}  // namespace vcity::gateway
