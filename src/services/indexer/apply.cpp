// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/apply.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "codec/hex.hpp"

namespace vcity::indexer {
namespace {

// Of one event; it is found under each.
constexpr std::size_t kAddressesMax = 16;
constexpr std::size_t kAddressText = 42;

template <class Fixed>
std::string keyed(std::string_view prefix, const Fixed& id) {
    return std::string{prefix} + codec::to_hex(id).substr(2);
}

// One step of money inside a record; the amount is never negative.
struct Move {
    std::string_view name;
    std::uint64_t amount;
    bool is_out = false;
};

Result<void> move_in(codec::Json* record, const std::vector<Move>& moves) {
    for (const Move& move : moves) {
        TRY_OK(move.is_out ? take_from(record, move.name, move.amount) : add_to(record, move.name, move.amount));
    }
    return Result<void>{};
}

// Amounts of VCAI do not fit a JSON number; they are decimal text.
Vcai vcai_of(const codec::Json& record, std::string_view name) {
    const codec::Json* value = record.find(name);
    if (value == nullptr || value->get_string() == nullptr) return {};
    return parse_vcai(*value->get_string()).value_or(Vcai{});
}

Result<void> add_vcai_to(codec::Json* record, std::string name, Vcai amount) {
    TRY(const Vcai sum, add(vcai_of(*record, name), amount));
    record->set(std::move(name), to_string(sum));
    return {};
}

Task<Result<void>> change(Draft* draft, std::string key, std::vector<Move> moves) {
    CO_TRY(codec::Json record, co_await draft->get(key));
    CO_TRY_OK(move_in(&record, moves));
    draft->put(key, std::move(record));
    co_return Result<void>{};
}

Task<Result<void>> change_totals(Draft* draft, std::vector<Move> moves) {
    const std::string key{kTotalsKey};
    co_return co_await change(draft, key, std::move(moves));
}

// The same moves in an account and in the totals.
Task<Result<void>> change_account(Draft* draft, Address client, std::vector<Move> moves) {
    std::vector<Move> again = moves;
    CO_TRY_OK(co_await change_totals(draft, std::move(again)));
    std::string key = keyed(kAccountPrefix, client);
    CO_TRY(codec::Json record, co_await draft->get(key));
    record.set("address", codec::to_hex(client));
    CO_TRY_OK(move_in(&record, moves));
    draft->put(key, std::move(record));
    co_return Result<void>{};
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const NodeRegistered* event) {
    const NodeRecord& node = event->node;
    const std::string key = keyed(kNodePrefix, node.identity);
    CO_TRY(codec::Json record, co_await draft->get(key));
    const bool is_new = record.is_null();
    record.set("address", codec::to_hex(node.identity));
    record.set("role", to_string(node.role));
    record.set("kind", to_string(node.kind));
    record.set("gpu_model", node.hardware.gpu_model);
    record.set("gpu_count", static_cast<unsigned>(node.hardware.gpu_count));
    record.set("vram_mib", node.hardware.vram_mib);
    record.set("region", node.hardware.region);
    record.set("did_document_uri", node.did_document_uri);
    record.set("stake", to_string(node.stake));
    record.set("slashed", to_string(vcai_of(record, "slashed")));
    record.set("claimed", number_of(record, "claimed"));
    draft->put(key, std::move(record));
    if (!is_new) co_return Result<void>{};
    std::vector<Move> moves = {{"nodes", 1}};
    co_return co_await change_totals(draft, std::move(moves));
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const StakeChanged* event) {
    const std::string key = keyed(kNodePrefix, event->identity);
    CO_TRY(codec::Json record, co_await draft->get(key));
    record.set("address", codec::to_hex(event->identity));
    record.set("stake", to_string(event->stake));
    draft->put(key, std::move(record));
    co_return Result<void>{};
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const Slashed* event) {
    const std::string key = keyed(kNodePrefix, event->identity);
    CO_TRY(codec::Json record, co_await draft->get(key));
    record.set("address", codec::to_hex(event->identity));
    // A part may come out of stake that was already unbonding and so is not counted here.
    const Vcai stake = vcai_of(record, "stake");
    record.set("stake", to_string(Vcai{stake.wei - std::min(stake, event->amount).wei}));
    CO_TRY_OK(add_vcai_to(&record, "slashed", event->amount));
    draft->put(key, std::move(record));
    const std::string totals_key{kTotalsKey};
    CO_TRY(codec::Json totals, co_await draft->get(totals_key));
    CO_TRY_OK(add_vcai_to(&totals, "slashed", event->amount));
    draft->put(totals_key, std::move(totals));
    co_return Result<void>{};
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const Deposited* event) {
    std::vector<Move> moves = {{"deposited", event->amount.micro}, {"available", event->amount.micro}};
    co_return co_await change_account(draft, event->client, std::move(moves));
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const Withdrawn* event) {
    std::vector<Move> moves = {{"available", event->amount.micro, true}, {"withdrawn", event->amount.micro}};
    co_return co_await change_account(draft, event->client, std::move(moves));
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const Prepaid* event) {
    std::vector<Move> moves = {{"available", event->amount.micro, true}, {"prepaid", event->amount.micro}};
    co_return co_await change_account(draft, event->client, std::move(moves));
}

// The money itself comes back as a credit.
Task<Result<void>> on(Draft* draft, const ChainEvent*, const PrepaymentReturned* event) {
    std::vector<Move> moves = {{"prepaid", event->amount.micro, true}};
    co_return co_await change_account(draft, event->client, std::move(moves));
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const Credited* event) {
    std::vector<Move> moves = {{"available", event->amount.micro}, {"credited", event->amount.micro}};
    co_return co_await change_account(draft, event->client, std::move(moves));
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const CapOpened* event) {
    const SpendingCap& cap = event->cap;
    const std::string key = keyed(kCapPrefix, event->cap_id);
    CO_TRY(codec::Json record, co_await draft->get(key));
    if (!record.is_null()) co_return make_error(Errc::kCorrupt, "a spending cap was opened twice");
    record = codec::JsonObject{
        {"id", codec::to_hex(event->cap_id)},
        {"client", codec::to_hex(cap.client)},
        {"scheduler", codec::to_hex(cap.scheduler)},
        {"limit", cap.limit.micro},
        {"expiry", cap.expiry_unix_seconds},
        {"nonce", std::to_string(cap.nonce)},
        {"spent", 0U},
        {"open", true},
    };
    draft->put(key, std::move(record));
    std::vector<Move> moves = {{"available", cap.limit.micro, true}, {"locked", cap.limit.micro}, {"caps_opened", 1}};
    co_return co_await change_account(draft, cap.client, std::move(moves));
}

Task<Result<codec::Json>> known_cap(Draft* draft, CapId cap_id, Address* client) {
    CO_TRY(const codec::Json record, co_await draft->get(keyed(kCapPrefix, cap_id)));
    const codec::Json* named = record.find("client");
    if (named == nullptr || !named->is_string()) {
        co_return make_error(Errc::kCorrupt, "an event names a spending cap that was never opened");
    }
    CO_TRY(*client, codec::parse_fixed<Address>(*named->get_string()));
    co_return record;
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const CapReleased* event) {
    Address client;
    CO_TRY(codec::Json record, co_await known_cap(draft, event->cap_id, &client));
    record.set("open", false);
    draft->put(keyed(kCapPrefix, event->cap_id), std::move(record));
    std::vector<Move> moves = {{"locked", event->returned.micro, true}, {"available", event->returned.micro}};
    co_return co_await change_account(draft, client, std::move(moves));
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const Charged* event) {
    Address client;
    CO_TRY(codec::Json record, co_await known_cap(draft, event->charge.cap_id, &client));
    const std::uint64_t amount = event->charge.amount.micro;
    CO_TRY_OK(add_to(&record, "spent", amount));
    if (number_of(record, "spent") > number_of(record, "limit")) {
        co_return make_error(Errc::kCorrupt, "a spending cap was charged above its limit");
    }
    draft->put(keyed(kCapPrefix, event->charge.cap_id), std::move(record));
    std::vector<Move> moves = {{"locked", amount, true}, {"charged", amount}};
    co_return co_await change_account(draft, client, std::move(moves));
}

Task<Result<void>> on(Draft* draft, const ChainEvent* place, const BatchPosted* event) {
    const BatchHeader& header = event->header;
    codec::Json record = codec::JsonObject{
        {"scheduler", codec::to_hex(event->scheduler)},
        {"index", header.index},
        {"receipts_root", codec::to_hex(header.receipts_root)},
        {"earnings_root", codec::to_hex(header.earnings_root)},
        {"receipt_count", header.receipt_count},
        {"total_charged", event->total_charged.micro},
        {"total_earned", header.total_earned.micro},
        {"fee", event->fee.micro},
        {"units_consumed", header.units_consumed},
        {"units_available", header.units_available},
        {"block", place->block_number},
        {"transaction", codec::to_hex(place->transaction)},
    };
    const std::string key = std::string{kBatchPrefix} + newest_first(place->block_number, place->log_index);
    draft->put(key, std::move(record));
    std::vector<Move> moves = {{"pools", header.total_earned.micro},
                               {"earned", header.total_earned.micro},
                               {"fees", event->fee.micro},
                               {"batches", 1},
                               {"receipts", header.receipt_count},
                               {"units_consumed", header.units_consumed},
                               {"units_available", header.units_available}};
    co_return co_await change_totals(draft, std::move(moves));
}

Task<Result<void>> on(Draft* draft, const ChainEvent*, const Claimed* event) {
    const std::string key = keyed(kNodePrefix, event->node);
    CO_TRY(codec::Json record, co_await draft->get(key));
    record.set("address", codec::to_hex(event->node));
    CO_TRY_OK(add_to(&record, "claimed", event->amount.micro));
    draft->put(key, std::move(record));
    std::vector<Move> moves = {{"pools", event->amount.micro, true}, {"paid", event->amount.micro}};
    co_return co_await change_totals(draft, std::move(moves));
}

// The credit itself is an event of Escrow; here the node's share leaves the pool, and the rest of the credit is money
// that came out of the treasury.
Task<Result<void>> on(Draft* draft, const ChainEvent*, const ReceiptVoided* event) {
    CO_TRY(const Usd from_treasury, subtract(event->credited, event->node_share));
    std::vector<Move> moves = {
        {"pools", event->node_share.micro, true}, {"compensated", from_treasury.micro}, {"receipts_voided", 1}};
    co_return co_await change_totals(draft, std::move(moves));
}

codec::JsonObject facts(const NodeRegistered& event) {
    return {{"kind", "node_registered"},
            {"node", codec::to_hex(event.node.identity)},
            {"role", to_string(event.node.role)},
            {"stake", to_string(event.node.stake)}};
}
codec::JsonObject facts(const Prepaid& event) {
    return {{"kind", "prepaid"},
            {"client", codec::to_hex(event.client)},
            {"payee", codec::to_hex(event.payee)},
            {"amount", event.amount.micro}};
}
codec::JsonObject facts(const PrepaymentReturned& event) {
    return {{"kind", "agreement_ended"},
            {"agreement", codec::to_hex(event.agreement)},
            {"client", codec::to_hex(event.client)},
            {"returned", event.amount.micro}};
}
codec::JsonObject facts(const StakeChanged& event) {
    return {{"kind", "stake_changed"}, {"node", codec::to_hex(event.identity)}, {"stake", to_string(event.stake)}};
}
codec::JsonObject facts(const Slashed& event) {
    return {{"kind", "slashed"},
            {"node", codec::to_hex(event.identity)},
            {"amount", to_string(event.amount)},
            {"beneficiary", codec::to_hex(event.beneficiary)}};
}
codec::JsonObject facts(const Deposited& event) {
    return {{"kind", "deposited"}, {"client", codec::to_hex(event.client)}, {"amount", event.amount.micro}};
}
codec::JsonObject facts(const CapOpened& event) {
    return {{"kind", "cap_opened"},
            {"cap", codec::to_hex(event.cap_id)},
            {"client", codec::to_hex(event.cap.client)},
            {"scheduler", codec::to_hex(event.cap.scheduler)},
            {"limit", event.cap.limit.micro}};
}
codec::JsonObject facts(const CapReleased& event) {
    return {{"kind", "cap_released"}, {"cap", codec::to_hex(event.cap_id)}, {"returned", event.returned.micro}};
}
codec::JsonObject facts(const Withdrawn& event) {
    return {{"kind", "withdrawn"}, {"client", codec::to_hex(event.client)}, {"amount", event.amount.micro}};
}
codec::JsonObject facts(const Credited& event) {
    return {{"kind", "credited"}, {"client", codec::to_hex(event.client)}, {"amount", event.amount.micro}};
}
codec::JsonObject facts(const BatchPosted& event) {
    return {{"kind", "batch_posted"},
            {"scheduler", codec::to_hex(event.scheduler)},
            {"index", event.header.index},
            {"total_charged", event.total_charged.micro},
            {"fee", event.fee.micro}};
}
codec::JsonObject facts(const Charged& event) {
    return {{"kind", "charged"},
            {"scheduler", codec::to_hex(event.scheduler)},
            {"index", event.batch_index},
            {"cap", codec::to_hex(event.charge.cap_id)},
            {"amount", event.charge.amount.micro}};
}
codec::JsonObject facts(const Claimed& event) {
    return {{"kind", "claimed"},
            {"scheduler", codec::to_hex(event.scheduler)},
            {"node", codec::to_hex(event.node)},
            {"amount", event.amount.micro},
            {"cumulative", event.cumulative.micro}};
}
codec::JsonObject facts(const ReceiptVoided& event) {
    return {{"kind", "receipt_voided"},         {"scheduler", codec::to_hex(event.scheduler)},
            {"index", event.batch_index},       {"receipt", codec::to_hex(event.receipt_hash)},
            {"credited", event.credited.micro}, {"node_share", event.node_share.micro}};
}

// The addresses that a row names, without 0x, each once.
void collect_addresses(const codec::Json& row, std::set<std::string>* found) {
    const codec::JsonObject* members = row.get_object();
    if (members == nullptr) return;
    for (const auto& [name, value] : *members) {
        collect_addresses(value, found);
        const std::string* text = value.get_string();
        const bool is_address = text != nullptr && text->size() == kAddressText && codec::parse_fixed<Address>(*text);
        if (is_address && found->size() < kAddressesMax) found->insert(text->substr(2));
    }
}

}  // namespace

codec::Json describe(const ChainEvent& event) {
    return std::visit([](const auto& what) { return codec::Json{facts(what)}; }, event.what);
}

void put_row(Draft* draft, std::uint64_t block_number, std::uint32_t log_index, codec::Json row) {
    const std::string place = newest_first(block_number, log_index);
    draft->put(std::string{kEventPrefix} + place, row);
    draft->put(std::string{kEventKindPrefix} + *row.find("kind")->get_string() + "/" + place, row);
    std::set<std::string> addresses;
    collect_addresses(row, &addresses);
    for (const std::string& address : addresses) {
        draft->put(std::string{kEventOfPrefix} + address + "/" + place, row);
    }
}

Task<Result<void>> apply_event(Draft* draft, ChainEvent event) {
    codec::Json row = describe(event);
    row.set("block", event.block_number);
    row.set("block_hash", codec::to_hex(event.block_hash));
    row.set("transaction", codec::to_hex(event.transaction));
    row.set("log_index", event.log_index);
    put_row(draft, event.block_number, event.log_index, std::move(row));
    Task<Result<void>> applied = std::visit([&](const auto& what) { return on(draft, &event, &what); }, event.what);
    co_return co_await std::move(applied);
}

}  // namespace vcity::indexer
