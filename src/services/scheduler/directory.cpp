// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/directory.hpp"

#include <algorithm>

namespace vcity::scheduler {
namespace {

constexpr std::size_t kOffersMax = 16;
constexpr std::size_t kModelNameMax = 128;
constexpr std::size_t kHardwareTextMax = 31;
constexpr std::uint32_t kSlotsMax = 4096;

Result<void> check_announcement(const NodeAnnouncement& announcement) {
    if (announcement.offers.size() > kOffersMax) return make_error(Errc::kInvalid, "too many offers");
    if (announcement.hardware.gpu_model.size() > kHardwareTextMax ||
        announcement.hardware.region.size() > kHardwareTextMax) {
        return make_error(Errc::kInvalid, "hardware text is too long");
    }
    for (const ModelOffer& offer : announcement.offers) {
        if (offer.model.empty() || offer.model.size() > kModelNameMax) {
            return make_error(Errc::kInvalid, "a model name is empty or too long");
        }
        if (offer.slots == 0 || offer.slots > kSlotsMax) return make_error(Errc::kInvalid, "slots out of range");
    }
    return {};
}

}  // namespace

SessionId Directory::connect(const NodeRecord& record, SessionId session) {
    KnownNode& node = nodes_[record.identity];
    node.record = record;
    node.announcement = {};  // offers nothing until it has announced
    reputations_.note_connected(record.identity, runtime_->unix_now());
    const SessionId before = std::exchange(node.session, session);
    changed(record.identity);
    return before;
}

void Directory::disconnect(const Address& node, SessionId session) {
    KnownNode* known = find(node);
    if (known == nullptr || known->session != session) return;
    known->session = kNoSession;
    reputations_.note_disconnected(node, runtime_->unix_now());
    changed(node);
}

Result<void> Directory::announce(const Address& node, NodeAnnouncement announcement) {
    TRY_OK(check_announcement(announcement));
    nodes_[node].announcement = std::move(announcement);
    changed(node);
    changed_.notify();
    return {};
}

void Directory::occupy(const Address& node, const JobId& job_id) {
    nodes_[node].leases.insert(job_id);
    changed(node);
}

void Directory::flag(const Address& node) {
    nodes_[node].is_flagged = true;
    changed(node);
}

void Directory::release(const Address& node, const JobId& job_id) {
    nodes_[node].leases.erase(job_id);
    changed(node);
    changed_.notify();
}

void Directory::note_success(const Address& node) {
    KnownNode& known = nodes_[node];
    known.failures /= 2;
}

const KnownNode* Directory::find(const Address& node) const {
    const auto found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : &found->second;
}

KnownNode* Directory::find(const Address& node) {
    const auto found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : &found->second;
}

SessionId Directory::session_of(const Address& node) const {
    const KnownNode* known = find(node);
    return known == nullptr ? kNoSession : known->session;
}

std::vector<placement::Candidate> Directory::candidates() const {
    std::vector<placement::Candidate> all;
    for (const auto& [address, node] : nodes_) {
        for (const ModelOffer& offer : node.announcement.offers) all.push_back(candidate_of(address, node, offer));
    }
    return all;
}

std::vector<placement::Candidate> Directory::candidates(const std::set<Address>& nodes, std::string_view model) const {
    std::vector<placement::Candidate> some;
    for (const Address& address : nodes) {
        const KnownNode* node = find(address);
        if (node == nullptr) continue;
        for (const ModelOffer& offer : node->announcement.offers) {
            if (offer.model == model) some.push_back(candidate_of(address, *node, offer));
        }
    }
    return some;
}

placement::Candidate Directory::candidate_of(const Address& address,
                                             const KnownNode& node,
                                             const ModelOffer& offer) const {
    placement::Candidate candidate;
    candidate.node = address;
    candidate.offer = offer;
    // Leases of all models share the machine.
    candidate.leased = static_cast<std::uint32_t>(node.leases.size());
    candidate.failures = node.failures;
    candidate.stake = node.record.stake;
    candidate.monitor_key = node.announcement.monitor_key;
    candidate.is_active = node.session != kNoSession;
    candidate.is_flagged = is_barred(node);
    return candidate;
}

OffersReply Directory::offers() const {
    OffersReply reply;
    for (const auto& [address, node] : nodes_) {
        if (node.session == kNoSession || is_barred(node)) continue;
        for (const ModelOffer& offer : node.announcement.offers) {
            OffersReply::Entry entry;
            entry.node = address;
            entry.offer = offer;
            entry.region = node.announcement.hardware.region;
            entry.free_slots = offer.slots - std::min(offer.slots, static_cast<std::uint32_t>(node.leases.size()));
            reply.entries.push_back(std::move(entry));
        }
    }
    return reply;
}

std::uint32_t Directory::audit_per_mille(const Address& node, const AuditRates& rates) const {
    const KnownNode* known = find(node);
    const std::uint32_t lottery =
        known == nullptr ? market::kNewIdentityPerMille : known->probation.lottery_per_mille(rates);
    const bool is_spoiled = reputations_.is_below_newcomer(node, runtime_->unix_now());
    return is_spoiled ? std::max(lottery, market::kNewIdentityPerMille) : lottery;
}

std::size_t Directory::connected() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(nodes_, [](const auto& entry) { return entry.second.session != kNoSession; }));
}

std::uint64_t Directory::slots_connected() const {
    std::uint64_t slots = 0;
    for (const auto& [address, node] : nodes_) {
        if (node.session == kNoSession || node.announcement.offers.empty()) continue;
        slots += node.announcement.offers.front().slots;
    }
    return slots;
}

}  // namespace vcity::scheduler
