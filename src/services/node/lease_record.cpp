// SPDX-License-Identifier: Apache-2.0
#include "services/node/lease_record.hpp"

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/record.hpp"
#include "wire/wire.hpp"

namespace vcity::node {
namespace {

constexpr std::uint64_t kVersion = 1;

}  // namespace

Bytes encode(const LeaseRecord& record) {
    services::RecordWriter writer{kVersion};
    writer.put(wire::encode(record.lease)).put(std::uint64_t{record.is_finished});
    if (record.is_finished) {
        writer.put(wire::encode(record.finished.receipt));
        writer.put(static_cast<std::uint64_t>(record.finished.reason));
        writer.put(record.chunks.size());
        for (const TokenChunk& chunk : record.chunks) writer.put(chunk.text).put(std::uint64_t{chunk.tokens});
    }
    return writer.take();
}

Result<LeaseRecord> parse_lease_record(ByteView bytes) {
    services::RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    LeaseRecord record;
    const Bytes lease = reader.bytes();
    record.is_finished = reader.integer() != 0;
    Bytes receipt;
    if (record.is_finished) {
        receipt = reader.bytes();
        record.finished.reason = reader.enumerator(FinishReason::kCancelled);
        const std::size_t count = reader.count();
        for (std::size_t index = 0; index < count; ++index) {
            TokenChunk chunk;
            chunk.sequence = index;
            chunk.text = reader.text();
            chunk.tokens = static_cast<std::uint32_t>(reader.integer());
            record.chunks.push_back(std::move(chunk));
        }
    }
    TRY_OK(reader.finish("lease"));
    TRY(record.lease, wire::parse_lease(lease));
    if (!record.is_finished) return record;
    TRY(record.finished.receipt, wire::parse_receipt(receipt));
    for (TokenChunk& chunk : record.chunks) {
        chunk.job_id = record.lease.job_id;
        chunk.fencing_token = record.lease.fencing_token;
    }
    return record;
}

JobFinished message_of(const FinishedWork& work) {
    const UsageReceipt& bill = work.receipt.receipt;
    JobFinished message;
    message.receipt_hash = market::receipt_hash(bill);
    message.job_id = bill.job_id;
    message.node = bill.node;
    message.fencing_token = bill.fencing_token;
    message.units = bill.units;
    message.amount = bill.amount;
    message.response_hash = bill.response_hash;
    message.verification_root = bill.verification_root;
    message.started_at = bill.started_at;
    message.finished_at = bill.finished_at;
    message.node_signature = work.receipt.node_signature;
    message.reason = work.reason;
    return message;
}

std::string lease_key(const JobId& job_id) {
    return std::string{kLeasePrefix} + codec::to_hex(job_id);
}

std::string receipt_key(const JobId& job_id) {
    return std::string{kReceiptPrefix} + codec::to_hex(job_id);
}

}  // namespace vcity::node
