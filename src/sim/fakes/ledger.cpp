// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/ledger.hpp"

#include "base/check.hpp"
#include "crypto/merkle.hpp"
#include "crypto/secp256k1.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::sim {
namespace {

constexpr std::uint64_t kWholeBps = 10'000;

Error reverted(std::string reason) {
    return make_error(Errc::kConflict, "reverted: " + std::move(reason));
}

Usd plus(Usd a, Usd b) {
    const Result<Usd> sum = add(a, b);
    CHECK(sum.has_value());
    return *sum;
}

Usd minus(Usd a, Usd b) {
    const Result<Usd> rest = subtract(a, b);
    CHECK(rest.has_value());
    return *rest;
}

template <class Key>
Usd find_amount(const std::map<Key, Usd>& amounts, const Key& key) {
    const auto found = amounts.find(key);
    return found == amounts.end() ? Usd{} : found->second;
}

}  // namespace

Usd Ledger::balance(const Address& account) const {
    return find_amount(balances_, account);
}

Vcai Ledger::vcai_balance(const Address& account) const {
    const auto found = vcai_.find(account);
    return found == vcai_.end() ? Vcai{} : found->second;
}

Usd Ledger::available(const Address& client) const {
    return find_amount(available_, client);
}

Usd Ledger::claimed(const Address& scheduler, const Address& node) const {
    return find_amount(claimed_, std::pair{scheduler, node});
}

std::optional<NodeRecord> Ledger::node(const Address& identity) const {
    const auto found = nodes_.find(identity);
    return found == nodes_.end() ? std::nullopt : std::optional{found->second};
}

const LedgerCap* Ledger::cap(const CapId& cap_id) const {
    const auto found = caps_.find(cap_id);
    return found == caps_.end() ? nullptr : &found->second;
}

const std::vector<LedgerBatch>& Ledger::batches(const Address& scheduler) const {
    static const std::vector<LedgerBatch> kNone;
    const auto found = batches_.find(scheduler);
    return found == batches_.end() ? kNone : found->second;
}

bool Ledger::is_final(const LedgerBatch& batch, std::uint64_t now) const {
    return batch.posted_at + params_.window_seconds <= now;
}

Result<void> Ledger::move(const Address& from, const Address& to, Usd amount) {
    if (balance(from) < amount) return reverted("ERC20InsufficientBalance");
    balances_[from] = minus(balance(from), amount);
    balances_[to] = plus(balance(to), amount);
    return {};
}

Result<void> Ledger::mint(const Address& to, Usd amount) {
    balances_[to] = plus(balance(to), amount);
    minted_ = plus(minted_, amount);
    return {};
}

Result<void> Ledger::give_vcai(const Address& to, Vcai amount) {
    TRY(given_, add(given_, amount));
    vcai_[to].wei += amount.wei;
    return {};
}

Result<void> Ledger::register_node(const Address& sender, NodeRecord record) {
    if (sender != record.identity) return reverted("the identity is not the sender");
    if (nodes_.contains(sender)) return reverted("AlreadyRegistered");
    if (vcai_balance(sender) < record.stake) return reverted("ERC20InsufficientBalance");
    vcai_[sender].wei -= record.stake.wei;
    vcai_[params_.deployment.registry].wei += record.stake.wei;
    record.active = record.stake >= params_.stake_min;
    nodes_[sender] = std::move(record);
    return {};
}

Result<void> Ledger::deposit(const Address& sender, const Address& client, Usd amount) {
    TRY_OK(move(sender, params_.deployment.escrow, amount));
    available_[client] = plus(available(client), amount);
    return {};
}

Result<void> Ledger::open_cap(const SignedCap& cap, std::uint64_t now) {
    const Result<Address> signer = crypto::recover(market::cap_digest(params_.deployment, cap.cap), cap.signature);
    if (!signer || *signer != cap.cap.client) return reverted("InvalidSignature");
    if (nonces_.contains({cap.cap.client, cap.cap.nonce})) return reverted("NonceUsed");
    if (cap.cap.expiry_unix_seconds <= now) return reverted("CapExpired");
    if (available(cap.cap.client) < cap.cap.limit) return reverted("InsufficientAvailable");
    available_[cap.cap.client] = minus(available(cap.cap.client), cap.cap.limit);
    nonces_.insert({cap.cap.client, cap.cap.nonce});
    caps_[market::cap_id(cap.cap)] = LedgerCap{cap.cap, Usd{}, true};
    return {};
}

Result<Usd> Ledger::check_charges(const Address& sender, const std::vector<Charge>& charges, std::uint64_t now) const {
    Usd total;
    std::map<CapId, Usd> of_cap;
    for (const Charge& charge : charges) {
        const LedgerCap* known = cap(charge.cap_id);
        if (known == nullptr || !known->is_open) return reverted("CapNotOpen");
        if (known->cap.scheduler != sender) return reverted("NotCapScheduler");
        if (now > known->cap.expiry_unix_seconds + params_.cap_grace_seconds) return reverted("CapExpired");
        of_cap[charge.cap_id] = plus(of_cap[charge.cap_id], charge.amount);
        if (plus(known->spent, of_cap[charge.cap_id]) > known->cap.limit) return reverted("CapExceeded");
        total = plus(total, charge.amount);
    }
    return total;
}

Result<Usd> Ledger::check_fee(const BatchHeader& header, Usd total) const {
    if (header.total_earned > total) return reverted("EarnedAboveCharged");
    const Usd fee = minus(total, header.total_earned);
    TRY(const std::uint64_t least, mul_div_floor(total.micro, params_.fee_bps, kWholeBps));
    if (fee.micro < least || fee.micro > least + header.receipt_count) return reverted("FeeOutOfRange");
    return fee;
}

Result<void> Ledger::post_batch(const Address& sender,
                                const BatchHeader& header,
                                const std::vector<Charge>& charges,
                                std::uint64_t now) {
    const auto registered = node(sender);
    if (!registered || registered->role != Role::kScheduler || !registered->active) return reverted("NotScheduler");
    const std::uint64_t next = next_index(sender);
    const bool is_repeated = params_.takes_batches_twice && header.index < next;
    if (header.index != next && !is_repeated) {
        return reverted("BatchIndexMismatch(" + std::to_string(next) + ", " + std::to_string(header.index) + ")");
    }
    TRY(const Usd total, check_charges(sender, charges, now));
    TRY(const Usd fee, check_fee(header, total));
    TRY_OK(move(params_.deployment.escrow, params_.deployment.settlement, total));
    TRY_OK(move(params_.deployment.settlement, params_.deployment.treasury, fee));
    for (const Charge& charge : charges) caps_[charge.cap_id].spent = plus(caps_[charge.cap_id].spent, charge.amount);
    pools_[sender] = plus(find_amount(pools_, sender), header.total_earned);
    if (!is_repeated) batches_[sender].push_back(LedgerBatch{header, charges, total, now});
    return {};
}

Result<void> Ledger::claim(const Address& scheduler,
                           std::uint64_t index,
                           const Earning& earning,
                           const std::vector<Hash>& proof,
                           std::uint64_t now) {
    if (index >= next_index(scheduler)) return reverted("UnknownBatch");
    const LedgerBatch& batch = batches(scheduler)[index];
    if (!is_final(batch, now)) return reverted("NotFinal");
    const Hash root = crypto::merkle_root_of_proof(market::earnings_leaf(earning), proof);
    if (root != batch.header.earnings_root) return reverted("InvalidProof");
    const Usd before = claimed(scheduler, earning.node);
    if (earning.cumulative <= before) return reverted("NothingToClaim");
    const Usd amount = minus(earning.cumulative, before);
    if (find_amount(pools_, scheduler) < amount) return reverted("PoolExhausted");
    TRY_OK(move(params_.deployment.settlement, earning.node, amount));
    pools_[scheduler] = minus(pools_[scheduler], amount);
    claimed_[{scheduler, earning.node}] = earning.cumulative;
    return {};
}

}  // namespace vcity::sim
