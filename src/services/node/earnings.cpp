// SPDX-License-Identifier: Apache-2.0
#include "services/node/earnings.hpp"

#include "services/common/backoff.hpp"
#include "services/node/lease_record.hpp"
#include "wire/wire.hpp"

namespace vcity::node {

Task<Result<Earnings>> read_earnings(
    Runtime* runtime, ports::Store* store, ports::ChainReader* chain, Address scheduler, Address node) {
    constexpr std::chrono::seconds kPatience{10};
    const TimePoint deadline = runtime->now() + kPatience;
    Earnings earnings;
    CO_TRY(const std::vector<ports::StoreEntry> receipts,
           co_await services::scan_all(runtime, store, std::string(kReceiptPrefix), deadline));
    for (const ports::StoreEntry& entry : receipts) {
        CO_TRY(const SignedReceipt receipt, wire::parse_receipt(entry.value));
        if (receipt.receipt.scheduler != scheduler) continue;
        ++earnings.receipts;
        CO_TRY(earnings.gross, add(earnings.gross, receipt.receipt.amount));
    }
    CO_TRY(const std::vector<ports::StoreEntry> leases,
           co_await services::scan_all(runtime, store, std::string(kLeasePrefix), deadline));
    for (const ports::StoreEntry& entry : leases) {
        CO_TRY(const LeaseRecord record, parse_lease_record(entry.value));
        if (!record.is_finished || record.finished.receipt.receipt.scheduler != scheduler) continue;
        ++earnings.unacknowledged;
        CO_TRY(earnings.unacknowledged_gross,
               add(earnings.unacknowledged_gross, record.finished.receipt.receipt.amount));
    }
    CO_TRY(earnings.claimed, co_await chain->claimed(scheduler, node));
    co_return earnings;
}

}  // namespace vcity::node
