// SPDX-License-Identifier: Apache-2.0
#include "ports/store.hpp"

namespace vcity::ports {
namespace {

Result<std::size_t> key_bytes(const std::string& key) {
    if (key.empty()) return make_error(Errc::kInvalid, "empty key");
    if (key.size() > kStoreKeyBytesMax) {
        return make_error(Errc::kInvalid, "key of " + std::to_string(key.size()) + " bytes, at most " +
                                              std::to_string(kStoreKeyBytesMax));
    }
    return key.size();
}

Result<std::size_t> value_bytes(const Bytes& value) {
    if (value.size() > kStoreValueBytesMax) {
        return make_error(Errc::kInvalid, "value of " + std::to_string(value.size()) + " bytes, at most " +
                                              std::to_string(kStoreValueBytesMax));
    }
    return value.size();
}

}  // namespace

Result<std::size_t> change_bytes(const StoreChange& change) {
    std::size_t sum = 0;
    for (const auto& expectation : change.expectations) {
        TRY(const std::size_t key, key_bytes(expectation.key));
        sum += key;
        if (!expectation.value) continue;
        TRY(const std::size_t value, value_bytes(*expectation.value));
        sum += value;
    }
    for (const StoreEntry& entry : change.puts) {
        TRY(const std::size_t key, key_bytes(entry.key));
        TRY(const std::size_t value, value_bytes(entry.value));
        sum += key + value;
    }
    for (const std::string& each : change.deletes) {
        TRY(const std::size_t key, key_bytes(each));
        sum += key;
    }
    if (sum > kStoreChangeBytesMax) {
        return make_error(Errc::kInvalid, "change of " + std::to_string(sum) + " bytes, at most " +
                                              std::to_string(kStoreChangeBytesMax));
    }
    return sum;
}

std::string end_of_prefix(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (prefix.empty()) {
        prefix.assign(kStoreKeyBytesMax + 1, '\xff');
        return prefix;
    }
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}

}  // namespace vcity::ports
