// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::ports {

struct StoreEntry {
    std::string key;
    Bytes value;

    bool operator==(const StoreEntry&) const = default;
};

// A change that happens as a whole or not at all.
struct StoreChange {
    struct Expectation {
        std::string key;
        std::optional<Bytes> value;  // nullopt: the key must be absent
    };

    std::vector<Expectation> expectations;  // checked first, all against the state before the change
    std::vector<StoreEntry> puts;
    std::vector<std::string> deletes;
};

inline constexpr std::size_t kStoreKeyBytesMax = 256;
inline constexpr std::size_t kStoreValueBytesMax = 16U << 20U;
inline constexpr std::size_t kStoreChangeBytesMax = 64U << 20U;

// All keys and values together; kInvalid when a bound is passed or a key is empty.
Result<std::size_t> change_bytes(const StoreChange& change);

// Greater than every key that starts with prefix, and not greater than any other key that is greater than those.
std::string end_of_prefix(std::string prefix);

// Ordered, durable keys and values: what a role must not forget. Owned by one role; called on its runtime. Keys are at
// most 256 bytes, values at most 16 MiB, and order is that of bytes.
class Store {
  public:
    virtual ~Store() = default;
    // Durable when it returns. kConflict: an expectation does not hold, nothing changed. kUnavailable, kTimeout: the
    // effect is unknown; repeat with expectations. Changes of concurrent callers may share one disk flush.
    virtual Task<Result<void>> commit(StoreChange change) = 0;
    virtual Task<Result<std::optional<Bytes>>> get(std::string key) = 0;
    // Entries whose key starts with prefix and is greater than after, ascending, at most limit.
    virtual Task<Result<std::vector<StoreEntry>>> scan(std::string prefix, std::string after, std::size_t limit) = 0;
};

}  // namespace vcity::ports
