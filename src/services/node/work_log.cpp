// SPDX-License-Identifier: Apache-2.0
#include "services/node/work_log.hpp"

#include "codec/hex.hpp"
#include "services/common/backoff.hpp"
#include "services/common/record.hpp"
#include "services/node/lease_record.hpp"
#include "services/node/steps/step_record.hpp"
#include "wire/wire.hpp"
#include "work/plan.hpp"

namespace vcity::node {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::chrono::seconds kPatience{10};

Task<Result<void>> add_origin(Runtime* runtime, ports::Store* store, WorkEntry* entry) {
    entry->is_step = entry->receipt.model_root == work::command_root();
    if (!entry->is_step) co_return Result<void>{};
    std::string key = origin_key(entry->receipt.job_id);
    CO_TRY(const std::optional<Bytes> stored,
           co_await services::get_until(runtime, store, std::move(key), runtime->now() + kPatience));
    if (stored) {
        CO_TRY(entry->origin, parse_work_origin(*stored));
    }
    co_return Result<void>{};
}

Task<Result<std::vector<WorkEntry>>> waiting(Runtime* runtime, ports::Store* store) {
    const TimePoint deadline = runtime->now() + kPatience;
    std::vector<WorkEntry> found;
    CO_TRY(const std::vector<ports::StoreEntry> leases,
           co_await services::scan_all(runtime, store, std::string(kLeasePrefix), deadline));
    for (const ports::StoreEntry& stored : leases) {
        CO_TRY(const LeaseRecord record, parse_lease_record(stored.value));
        if (record.is_finished) found.push_back({.receipt = record.finished.receipt.receipt, .origin = {}});
    }
    CO_TRY(const std::vector<ports::StoreEntry> steps,
           co_await services::scan_all(runtime, store, std::string(kStepPrefix), deadline));
    for (const ports::StoreEntry& stored : steps) {
        CO_TRY(const StepRecord record, parse_step_record(stored.value));
        if (record.is_finished) found.push_back({.receipt = record.receipt.receipt, .origin = {}});
    }
    co_return found;
}

}  // namespace

Bytes encode(const WorkOrigin& origin) {
    services::RecordWriter writer{kVersion};
    writer.put(std::uint64_t{origin.unit}).put(std::uint64_t{origin.gpu_mask});
    return writer.take();
}

Result<WorkOrigin> parse_work_origin(ByteView bytes) {
    services::RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    WorkOrigin origin;
    origin.unit = static_cast<std::uint32_t>(reader.integer());
    origin.gpu_mask = static_cast<std::uint32_t>(reader.integer());
    TRY_OK(reader.finish("origin"));
    return origin;
}

std::string origin_key(const JobId& attempt) {
    return std::string{kOriginPrefix} + codec::to_hex(attempt);
}

Task<Result<WorkPage>> read_work(Runtime* runtime, ports::Store* store, std::string after) {
    WorkPage page;
    if (after.empty()) {
        CO_TRY(page.entries, co_await waiting(runtime, store));
    } else if (!after.starts_with(kReceiptPrefix) || after.size() > ports::kStoreKeyBytesMax) {
        co_return make_error(Errc::kInvalid, "no page begins after that");
    }
    CO_TRY(const std::vector<ports::StoreEntry> stored,
           co_await store->scan(std::string(kReceiptPrefix), std::move(after), kWorkPageMax));
    for (const ports::StoreEntry& entry : stored) {
        CO_TRY(const SignedReceipt receipt, wire::parse_receipt(entry.value));
        page.entries.push_back({.receipt = receipt.receipt, .is_acknowledged = true, .origin = {}});
    }
    for (WorkEntry& entry : page.entries) {
        CO_TRY_OK(co_await add_origin(runtime, store, &entry));
    }
    if (stored.size() == kWorkPageMax) page.next = stored.back().key;
    co_return page;
}

}  // namespace vcity::node
