// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/calls/reputation_book.hpp"

#include <algorithm>

#include "codec/hex.hpp"
#include "services/common/record.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kMillisPerMinute = 60'000;
// A score that something new has changed is computed again after this long, others once a minute.
constexpr UnixMillis kScoreAge{1'000};
constexpr std::uint64_t kPpmPerBasisPoint = 100;
constexpr std::uint64_t kEstablished = market::kPpm / 2;

UnixMillis minute_of(UnixMillis now) {
    return UnixMillis{now.count() - now.count() % kMillisPerMinute};
}

}  // namespace

std::string reputation_key(const Address& node) {
    return std::string{kReputationPrefix} + codec::to_hex(node);
}

Bytes encode(const market::ReputationRecord& record) {
    services::RecordWriter writer{kVersion};
    writer.put(record.as_of).put(record.online).put(record.offline);
    writer.put(record.accepted).put(record.missed).put(record.rejected);
    writer.put(std::uint64_t{record.clients.size()});
    for (const auto& [client, each] : record.clients) writer.put(client).put(each.good).put(each.bad).put(each.speed);
    return writer.take();
}

Result<market::ReputationRecord> parse_reputation(ByteView bytes, std::size_t clients_max) {
    services::RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    market::ReputationRecord record;
    record.as_of = reader.time();
    for (std::uint64_t* value : {&record.online, &record.offline, &record.accepted, &record.missed, &record.rejected}) {
        *value = reader.integer();
    }
    const std::size_t clients = reader.count();
    if (clients > clients_max) return make_error(Errc::kCorrupt, "a reputation record has too many clients");
    for (std::size_t index = 0; index < clients; ++index) {
        const auto client = reader.fixed<Address>();
        market::ClientRecord& each = record.clients[client];
        each.good = reader.integer();
        each.bad = reader.integer();
        each.speed = reader.integer();
    }
    TRY_OK(reader.finish("reputation"));
    return record;
}

ReputationBook::ReputationBook(ReputationBookOptions options)
    : options_{options}, newcomer_{market::score_of({}, options.rules, UnixMillis{0})} {}

ReputationBook::Entry& ReputationBook::entry_of(const Address& node, UnixMillis now) {
    const auto known = entries_.find(node);
    if (known != entries_.end()) return known->second;
    if (entries_.size() >= options_.nodes_max) make_room();
    Entry& entry = entries_[node];
    entry.record.as_of = minute_of(now);
    return entry;
}

void ReputationBook::make_room() {
    auto quietest = entries_.end();
    for (auto each = entries_.begin(); each != entries_.end(); ++each) {
        const Entry& entry = each->second;
        if (entry.is_online || entry.is_changed || entry.record.rejected > 0) continue;
        const bool is_quieter = quietest == entries_.end() || entry.record.as_of < quietest->second.record.as_of;
        if (is_quieter) quietest = each;
    }
    if (quietest != entries_.end()) entries_.erase(quietest);
}

// The record with the time since its last note counted as it was: present or away.
ReputationBook::Entry* ReputationBook::present(const Address& node, UnixMillis now) {
    Entry& entry = entry_of(node, now);
    market::note_presence(&entry.record, options_.rules, entry.is_online, minute_of(now));
    return &entry;
}

market::ReputationRecord ReputationBook::as_of(const Entry& entry, UnixMillis minute) const {
    market::ReputationRecord record = entry.record;
    market::note_presence(&record, options_.rules, entry.is_online, minute);
    return record;
}

void ReputationBook::mark(const Address& node, Entry* entry) {
    entry->is_stale = true;
    if (entry->is_changed) return;
    entry->is_changed = true;
    changed_.push_back(node);
}

void ReputationBook::note_connected(const Address& node, UnixMillis now) {
    Entry* entry = present(node, now);
    entry->is_online = true;
    mark(node, entry);
}

void ReputationBook::note_disconnected(const Address& node, UnixMillis now) {
    Entry* entry = present(node, now);
    entry->is_online = false;
    mark(node, entry);
}

void ReputationBook::note_delivery(const Address& node, const market::Delivery& delivery, UnixMillis now) {
    Entry* entry = present(node, now);
    market::note_delivery(&entry->record, options_.rules, delivery, minute_of(now));
    mark(node, entry);
}

void ReputationBook::note_audit(const Address& node, market::AuditResultKind result, UnixMillis now) {
    Entry* entry = present(node, now);
    market::note_audit(&entry->record, options_.rules, result, minute_of(now));
    mark(node, entry);
    entry->scored_at = UnixMillis{0};  // counts at once
}

const ReputationBook::Entry* ReputationBook::scored(const Address& node, UnixMillis now) const {
    const auto found = entries_.find(node);
    if (found == entries_.end()) return nullptr;
    const Entry& entry = found->second;
    const UnixMillis age = now > entry.scored_at ? now - entry.scored_at : UnixMillis{0};
    const bool is_due = entry.is_stale ? age >= kScoreAge : age.count() >= kMillisPerMinute;
    if (entry.scored_at.count() == 0 || is_due) {
        const UnixMillis minute = minute_of(now);
        const market::ReputationRecord record = as_of(entry, minute);
        entry.score = market::score_of(record, options_.rules, minute);
        entry.is_stale = false;
        entry.scored_at = now;
    }
    return &entry;
}

const market::ReputationScore& ReputationBook::score(const Address& node, UnixMillis now) const {
    const Entry* entry = scored(node, now);
    return entry == nullptr ? newcomer_ : entry->score;
}

std::uint16_t ReputationBook::basis_points(const Address& node, UnixMillis now) const {
    return static_cast<std::uint16_t>(score(node, now).score / kPpmPerBasisPoint);
}

bool ReputationBook::is_newcomer(const Address& node, UnixMillis now) const {
    const Entry* entry = scored(node, now);
    if (entry == nullptr) return true;
    const std::uint64_t score = entry->score.score;
    return entry->record.rejected == 0 && score >= newcomer_.score && score < kEstablished;
}

bool ReputationBook::is_below_newcomer(const Address& node, UnixMillis now) const {
    return score(node, now).score < newcomer_.score;
}

std::vector<std::string> ReputationBook::explain(const Address& node, UnixMillis now) const {
    const auto found = entries_.find(node);
    const UnixMillis minute = minute_of(now);
    return market::explain(found == entries_.end() ? market::ReputationRecord{} : as_of(found->second, minute),
                           options_.rules, minute);
}

Result<void> ReputationBook::restore(const Address& node, ByteView bytes, UnixMillis now) {
    TRY(market::ReputationRecord record, parse_reputation(bytes, options_.rules.clients_max));
    market::fade(&record, options_.rules, minute_of(now));
    if (entries_.size() >= options_.nodes_max) return {};
    Entry& entry = entries_[node];
    entry = {};
    entry.record = std::move(record);
    return {};
}

void ReputationBook::put(ports::StoreChange* change, const Address& node) {
    const auto found = entries_.find(node);
    if (found == entries_.end()) return;
    change->puts.push_back({reputation_key(node), encode(found->second.record)});
}

std::size_t ReputationBook::put_changed(ports::StoreChange* change, std::size_t most) {
    std::size_t count = 0;
    while (!changed_.empty() && count < most) {
        const Address node = changed_.front();
        changed_.pop_front();
        const auto found = entries_.find(node);
        if (found == entries_.end()) continue;
        found->second.is_changed = false;
        put(change, node);
        ++count;
    }
    return count;
}

void ReputationBook::mark_connected(UnixMillis now) {
    for (auto& [node, entry] : entries_) {
        if (!entry.is_online) continue;
        market::note_presence(&entry.record, options_.rules, true, minute_of(now));
        mark(node, &entry);
    }
}

}  // namespace vcity::scheduler
