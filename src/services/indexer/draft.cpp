// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/draft.hpp"

#include <utility>

#include <fmt/core.h>

namespace vcity::indexer {

std::string newest_first(std::uint64_t block, std::uint32_t log_index) {
    return fmt::format("{:016x}{:08x}", UINT64_MAX - block, UINT32_MAX - log_index);
}

ports::StoreEntry to_entry(std::string key, const codec::Json& value) {
    const std::string text = codec::dump_json(value);
    return {std::move(key), Bytes(text.begin(), text.end())};
}

Task<Result<codec::Json>> Draft::get(std::string key) {
    const auto found = slots_.find(key);
    if (found != slots_.end()) co_return found->second.now;
    CO_TRY(const std::optional<Bytes> stored, co_await store_->get(key));
    Slot slot;
    if (stored) {
        CO_TRY(slot.before, codec::parse_json(as_text(*stored)));
    }
    slot.now = slot.before;
    codec::Json value = slot.now;
    slots_[std::move(key)] = std::move(slot);
    co_return value;
}

void Draft::put(const std::string& key, codec::Json value) {
    Slot& slot = slots_[key];
    slot.now = std::move(value);
    slot.written = true;
}

ports::StoreChange Draft::changes() const {
    ports::StoreChange change;
    for (const auto& [key, slot] : slots_) {
        if (slot.written) change.puts.push_back(to_entry(key, slot.now));
    }
    return change;
}

codec::Json Draft::undo() const {
    codec::JsonArray pairs;
    for (const auto& [key, slot] : slots_) {
        if (slot.written) pairs.emplace_back(codec::JsonArray{key, slot.before});
    }
    return pairs;
}

Result<ports::StoreChange> change_from_undo(const codec::Json& undo) {
    const codec::JsonArray* pairs = undo.get_array();
    if (pairs == nullptr) return make_error(Errc::kCorrupt, "the undo record is no list");
    ports::StoreChange change;
    for (const codec::Json& item : *pairs) {
        const codec::JsonArray* pair = item.get_array();
        if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string()) {
            return make_error(Errc::kCorrupt, "the undo record holds no pairs");
        }
        const std::string& key = *(*pair)[0].get_string();
        if ((*pair)[1].is_null()) {
            change.deletes.push_back(key);
        } else {
            change.puts.push_back(to_entry(key, (*pair)[1]));
        }
    }
    return change;
}

std::uint64_t number_of(const codec::Json& json, std::string_view name) {
    const codec::Json* value = json.find(name);
    std::uint64_t number = 0;
    return value != nullptr && value->get_u64(&number) ? number : 0;
}

Result<void> add_to(codec::Json* json, std::string_view name, std::uint64_t amount) {
    TRY(const Usd sum, add(Usd{number_of(*json, name)}, Usd{amount}));
    json->set(std::string{name}, sum.micro);
    return Result<void>{};
}

Result<void> take_from(codec::Json* json, std::string_view name, std::uint64_t amount) {
    const std::uint64_t present = number_of(*json, name);
    if (amount > present) {
        return make_error(Errc::kCorrupt, fmt::format("{} would fall below zero: {} - {}", name, present, amount));
    }
    json->set(std::string{name}, present - amount);
    return Result<void>{};
}

}  // namespace vcity::indexer
