// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"

// What a node's record is worth. Integers only, so that everybody who saw the same events says the same.
//
// Every count fades with a half-life, so that a record must be kept up. Four parts, each in parts per million:
//   success      = (S + m w) / (N + w): deliveries, where S of N went well; m, w the prior of a newcomer
//   availability = (online time + m w) / (time + w)
//   speed        = (sum of min(1, promised / measured time to first token) + m w) / (deliveries + w)
//   verification = (accepted + m w) / (accepted + penalty * missed + w), zero while a rejection has not faded
// and score = success * availability * (1 + speed) / 2 * verification.
//
// Against washing: a newcomer's score is low, so nobody gains by coming back under another name who is above it.
// Against wash trading: what one client says counts as at most `client_cap` deliveries, and a delivery counts in
// proportion to what it cost, up to `full_weight`. To look like a node with n deliveries, an owner needs n / client_cap
// funded identities and pays the network's fee on n * full_weight, again every half-life.
namespace vcity::market {

inline constexpr std::uint64_t kPpm = 1'000'000;

struct ReputationRules {
    Duration half_life = std::chrono::hours{14 * 24};
    Usd full_weight{1'000};                  // a delivery of 0.001 USD or more counts whole
    std::uint64_t client_cap = 8 * kPpm;     // deliveries that one client can stand for, in millionths
    std::size_t clients_max = 512;           // remembered; the one with the faintest record makes room
    std::uint64_t prior_weight = 16 * kPpm;  // deliveries or audits
    std::uint64_t prior_mean = 500'000;
    Duration prior_time = std::chrono::hours{24};
    std::uint64_t missed_penalty = 8;           // accepted audits that make up for one that was not opened
    std::uint64_t rejection_forgotten = 1'000;  // a rejection that faded below this many millionths is forgiven
};

// Decayed counts, in millionths.
struct ClientRecord {
    std::uint64_t good = 0;
    std::uint64_t bad = 0;
    std::uint64_t speed = 0;
    bool operator==(const ClientRecord&) const = default;
};

// All that is remembered of a node; plain values for whoever stores it.
struct ReputationRecord {
    UnixMillis as_of{0};
    std::map<Address, ClientRecord> clients{};
    std::uint64_t online = 0;   // decayed milliseconds
    std::uint64_t offline = 0;  // decayed milliseconds
    std::uint64_t accepted = 0;
    std::uint64_t missed = 0;
    std::uint64_t rejected = 0;

    bool operator==(const ReputationRecord&) const = default;
};

struct Delivery {
    Address client{};
    bool went_well = false;
    Usd paid{};                     // for one that failed: what it was quoted
    std::uint64_t promised_ms = 0;  // to the first token; zero: nothing was promised
    std::uint64_t measured_ms = 0;
};

enum class AuditResultKind : std::uint8_t { kAccepted, kNotOpened, kRejected };

struct ReputationScore {
    std::uint64_t score = 0;  // all five in ppm
    std::uint64_t success = 0;
    std::uint64_t availability = 0;
    std::uint64_t speed = 0;
    std::uint64_t verification = 0;
};

// Times that go backwards count as no time. Whoever notes many events a second gives all of one minute the same time:
// every step of fading truncates.
void note_delivery(ReputationRecord* record, const ReputationRules& rules, const Delivery& delivery, UnixMillis now);
void note_audit(ReputationRecord* record, const ReputationRules& rules, AuditResultKind result, UnixMillis now);
// The node was online, or not, since the last note of any kind.
void note_presence(ReputationRecord* record, const ReputationRules& rules, bool was_online, UnixMillis now);

// Time passed in which nobody watched: all counts fade and nothing is added.
void fade(ReputationRecord* record, const ReputationRules& rules, UnixMillis now);

ReputationScore score_of(const ReputationRecord& record, const ReputationRules& rules, UnixMillis now);
// One sentence for each part, the weakest first.
std::vector<std::string> explain(const ReputationRecord& record, const ReputationRules& rules, UnixMillis now);

// value * 2^(-elapsed / half_life), truncated; half_life > 0.
std::uint64_t decayed(std::uint64_t value, Duration elapsed, Duration half_life);

}  // namespace vcity::market
