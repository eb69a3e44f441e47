// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "services/gateway/state/write_behind.hpp"

namespace vcity::gateway {

enum class UsageKind : std::uint8_t { kCompletions, kEmbeddings, kWork };
std::string_view to_string(UsageKind kind);

// One thing that was paid for.
struct UsageEntry {
    Address account;
    std::string key_id;
    UsageKind kind = UsageKind::kCompletions;
    std::string item;  // the model, or what the job was; at most 128 bytes are kept
    std::uint64_t input_tokens = 0;
    std::uint64_t output_tokens = 0;
    Usd cost;
};

// What one key used of one item in one minute.
struct UsageRow {
    std::uint64_t minute = 0;  // since the unix epoch
    std::string key_id;
    UsageKind kind = UsageKind::kCompletions;
    std::string item;
    std::uint64_t requests = 0;
    std::uint64_t input_tokens = 0;
    std::uint64_t output_tokens = 0;
    Usd cost;
};

struct UsageQuery {
    Address account;
    std::uint64_t from_minute = 0;
    std::uint64_t to_minute = 0;  // the first one after
};

// Sums by account, key, item and minute, for people who want to see where their money went. The minute that runs is in
// memory and written behind; older ones are in the store alone. A crash may forget the last second: what is owed is in
// the receipts, not here.
class UsageBook {
  public:
    static constexpr std::size_t kRowsMax = 50'000;  // of one answer
    static constexpr std::size_t kLiveMax = 20'000;  // rows of running minutes; more are counted under "other"
    static constexpr std::uint64_t kDaysKept = 400;

    UsageBook(Runtime* runtime, ports::Store* store, WriteBehind* writes);

    void add(const UsageEntry& entry);
    // Rows in the order of their minutes. kExhausted: more than kRowsMax, so ask for less time.
    Task<Result<std::vector<UsageRow>>> rows(UsageQuery query) const;
    // Drops what is older than kDaysKept. Once after a start is enough.
    Task<Result<void>> prune();

  private:
    struct Live {
        Address account;
        UsageRow row;
    };

    std::uint64_t minute_now() const;
    void forget_before(std::uint64_t minute);

    Runtime* runtime_;
    ports::Store* store_;
    WriteBehind* writes_;
    std::string boot_;  // rows of one minute before and after a restart are two rows
    std::map<std::string, Live> live_;
};

}  // namespace vcity::gateway
