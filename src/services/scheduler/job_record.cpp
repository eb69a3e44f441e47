// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/job_record.hpp"

#include "codec/hex.hpp"
#include "services/common/record.hpp"
#include "wire/wire.hpp"

namespace vcity::scheduler {
namespace {

using services::RecordReader;
using services::RecordWriter;

constexpr std::uint64_t kVersion = 1;

void put_placement(RecordWriter* writer, const PlacementReason& reason) {
    writer->put(reason.node).put(reason.text);
    writer->put(std::uint64_t{reason.candidates}).put(std::uint64_t{reason.rejected});
}

PlacementReason read_placement(RecordReader* reader) {
    PlacementReason reason;
    reason.node = reader->fixed<Address>();
    reason.text = reader->text();
    reason.candidates = static_cast<std::uint32_t>(reader->integer());
    reason.rejected = static_cast<std::uint32_t>(reader->integer());
    return reason;
}

// Nested records that are absent are empty, so that a record costs what its state needs.
Result<void> parse_nested(JobRecord* record, ByteView lease, ByteView receipt, ByteView verdict) {
    if (!lease.empty()) {
        TRY(record->lease, wire::parse_lease(lease));
    }
    if (!receipt.empty()) {
        TRY(record->receipt, wire::parse_receipt(receipt));
    }
    if (!verdict.empty()) {
        TRY(record->verdict, wire::parse_verdict(verdict));
    }
    return {};
}

}  // namespace

Bytes encode(const JobRecord& record) {
    RecordWriter writer{kVersion};
    writer.put(record.job_id).put(record.client).put(record.cap_id).put(record.request_hash);
    writer.put(record.quote).put(record.deadline).put(record.trace_id);
    writer.put(static_cast<std::uint64_t>(record.state));
    writer.put(record.lease == Lease{} ? Bytes{} : wire::encode(record.lease));
    writer.put(record.prices.input).put(record.prices.output).put(record.model_root);
    writer.put(record.monitor_key);
    put_placement(&writer, record.placement);
    writer.put(std::uint64_t{record.excluded.size()});
    for (const Address& node : record.excluded) writer.put(node);
    writer.put(record.receipt == SignedReceipt{} ? Bytes{} : wire::encode(record.receipt));
    writer.put(static_cast<std::uint64_t>(record.finish)).put(static_cast<std::uint64_t>(record.audit));
    writer.put(record.verdict == SignedVerdict{} ? Bytes{} : wire::encode(record.verdict));
    writer.put(record.batch_index).put(static_cast<std::uint64_t>(record.error_code)).put(record.error);
    return writer.take();
}

Result<JobRecord> parse_job_record(ByteView bytes) {
    RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    JobRecord record;
    record.job_id = reader.fixed<JobId>();
    record.client = reader.fixed<Address>();
    record.cap_id = reader.fixed<CapId>();
    record.request_hash = reader.fixed<Hash>();
    record.quote = reader.usd();
    record.deadline = reader.time();
    record.trace_id = reader.text();
    record.state = reader.enumerator(JobState::kRejected);
    const Bytes lease = reader.bytes();
    record.prices.input = reader.integer();
    record.prices.output = reader.integer();
    record.model_root = reader.fixed<Hash>();
    record.monitor_key = reader.fixed<Hash>();
    record.placement = read_placement(&reader);
    const std::size_t excluded = reader.count();
    for (std::size_t index = 0; index < excluded; ++index) record.excluded.push_back(reader.fixed<Address>());
    const Bytes receipt = reader.bytes();
    record.finish = reader.enumerator(FinishReason::kCancelled);
    record.audit = reader.enumerator(AuditState::kNotOpened);
    const Bytes verdict = reader.bytes();
    record.batch_index = reader.integer();
    record.error_code = reader.enumerator(Errc::kInternal);
    record.error = reader.text();
    TRY_OK(reader.finish("job"));
    TRY_OK(parse_nested(&record, lease, receipt, verdict));
    return record;
}

std::string JobOutput::text() const {
    std::string whole;
    for (const Piece& piece : pieces) whole += piece.text;
    return whole;
}

Bytes encode(const JobOutput& output) {
    RecordWriter writer{kVersion};
    writer.put(std::uint64_t{output.pieces.size()});
    for (const JobOutput::Piece& piece : output.pieces) writer.put(piece.text).put(std::uint64_t{piece.tokens});
    return writer.take();
}

Result<JobOutput> parse_job_output(ByteView bytes) {
    RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    JobOutput output;
    const std::size_t count = reader.count();
    for (std::size_t index = 0; index < count; ++index) {
        JobOutput::Piece piece;
        piece.text = reader.text();
        piece.tokens = static_cast<std::uint32_t>(reader.integer());
        output.pieces.push_back(std::move(piece));
    }
    TRY_OK(reader.finish("output"));
    return output;
}

Bytes encode(const CapRecord& record) {
    const SpendingCap& cap = record.cap.cap;
    RecordWriter writer{kVersion};
    writer.put(cap.client).put(cap.scheduler).put(cap.limit).put(cap.expiry_unix_seconds).put(cap.nonce);
    writer.put(record.cap.signature).put(record.charged);
    return writer.take();
}

Result<CapRecord> parse_cap_record(ByteView bytes) {
    RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    CapRecord record;
    SpendingCap& cap = record.cap.cap;
    cap.client = reader.fixed<Address>();
    cap.scheduler = reader.fixed<Address>();
    cap.limit = reader.usd();
    cap.expiry_unix_seconds = reader.integer();
    cap.nonce = reader.integer();
    record.cap.signature = reader.fixed<Signature>();
    record.charged = reader.usd();
    TRY_OK(reader.finish("cap"));
    return record;
}

std::string job_key(std::string_view prefix, const JobId& job_id) {
    return std::string{prefix} + codec::to_hex(job_id);
}

std::string cap_key(const CapId& cap_id) {
    return std::string{kCapPrefix} + codec::to_hex(cap_id);
}

std::string flag_key(const Address& node) {
    return std::string{kFlagPrefix} + codec::to_hex(node);
}

std::string probation_key(const Address& node) {
    return std::string{kProbationPrefix} + codec::to_hex(node);
}

std::string batch_key(std::string_view prefix, std::uint64_t index) {
    constexpr std::size_t kDigits = 20;  // of the largest 64-bit number
    std::string digits = std::to_string(index);
    digits.insert(0, kDigits - digits.size(), '0');
    return std::string{prefix} + digits;
}

}  // namespace vcity::scheduler
