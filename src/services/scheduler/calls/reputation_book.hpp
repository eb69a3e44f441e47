// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "market/reputation.hpp"
#include "ports/store.hpp"

namespace vcity::scheduler {

inline constexpr std::string_view kReputationPrefix = "reputation/";  // ReputationRecord of a node
std::string reputation_key(const Address& node);

Bytes encode(const market::ReputationRecord& record);
// kCorrupt when it is not what encode() writes, or has more clients than clients_max.
Result<market::ReputationRecord> parse_reputation(ByteView bytes, std::size_t clients_max);

struct ReputationBookOptions {
    // Fewer clients than the default: a record is written every few seconds.
    market::ReputationRules rules{.clients_max = 128};
    // Records in memory; the one that was quiet for longest makes room, unless it has a rejection or is connected. Its
    // node is a newcomer again.
    std::size_t nodes_max = 65'536;
};

// The records of the nodes that one scheduler has seen itself, from deliveries, presence and audits. No I/O: what has
// changed is collected for whoever writes. Losing the last seconds in a crash costs nobody more than these seconds of
// its record; audits are written with the commit that decides them. Times of one minute count as the same time.
class ReputationBook {
  public:
    explicit ReputationBook(ReputationBookOptions options = {});

    // --- what happened
    void note_connected(const Address& node, UnixMillis now);
    void note_disconnected(const Address& node, UnixMillis now);
    void note_delivery(const Address& node, const market::Delivery& delivery, UnixMillis now);
    void note_audit(const Address& node, market::AuditResultKind result, UnixMillis now);

    // --- what it is worth. A node that nobody has seen is a newcomer.
    const market::ReputationScore& score(const Address& node, UnixMillis now) const;
    // In basis points, 0 to 10000.
    std::uint16_t basis_points(const Address& node, UnixMillis now) const;
    // Nothing bad is known and it is not worth half of a perfect record yet: it may be tried.
    bool is_newcomer(const Address& node, UnixMillis now) const;
    // It is worth less than a newcomer's name: coming back under another one would pay, so it is audited like one.
    bool is_below_newcomer(const Address& node, UnixMillis now) const;
    const market::ReputationScore& newcomer() const { return newcomer_; }
    std::vector<std::string> explain(const Address& node, UnixMillis now) const;
    std::size_t size() const { return entries_.size(); }

    // --- the store
    // kCorrupt. Time since the record was written counts neither way.
    Result<void> restore(const Address& node, ByteView bytes, UnixMillis now);
    void put(ports::StoreChange* change, const Address& node);
    // Up to `most` records that changed and were not put since, the longest ago first; returns how many.
    std::size_t put_changed(ports::StoreChange* change, std::size_t most);
    // Marks the connected nodes as changed, so that time online is not lost either. For a slow beat.
    void mark_connected(UnixMillis now);

  private:
    struct Entry {
        market::ReputationRecord record;
        bool is_online = false;
        bool is_changed = false;
        mutable market::ReputationScore score;
        mutable bool is_stale = true;  // the score, since the record changed
        mutable UnixMillis scored_at{0};
    };

    Entry& entry_of(const Address& node, UnixMillis now);
    Entry* present(const Address& node, UnixMillis now);
    const Entry* scored(const Address& node, UnixMillis now) const;
    market::ReputationRecord as_of(const Entry& entry, UnixMillis minute) const;
    void mark(const Address& node, Entry* entry);
    void make_room();

    ReputationBookOptions options_;
    market::ReputationScore newcomer_;
    std::map<Address, Entry> entries_;
    std::deque<Address> changed_;  // in the order of the first change
};

}  // namespace vcity::scheduler
