// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/step_record.hpp"

#include "codec/hex.hpp"
#include "services/common/record.hpp"
#include "wire/wire.hpp"

namespace vcity::node {
namespace {

constexpr std::uint64_t kVersion = 2;

}  // namespace

Bytes encode(const StepRecord& record) {
    services::RecordWriter writer{kVersion};
    writer.put(wire::encode(record.lease)).put(std::uint64_t{record.is_finished});
    if (record.is_finished) {
        writer.put(wire::encode(record.receipt));
        writer.put(static_cast<std::uint64_t>(static_cast<std::uint32_t>(record.exit_code)));
        writer.put(record.output).put(std::uint64_t{record.files.size()});
        for (const StepFile& file : record.files) writer.put(file.name).put(file.sha256).put(file.bytes);
    }
    return writer.take();
}

Result<StepRecord> parse_step_record(ByteView bytes) {
    services::RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    StepRecord record;
    const Bytes lease = reader.bytes();
    record.is_finished = reader.integer() != 0;
    Bytes receipt;
    if (record.is_finished) {
        receipt = reader.bytes();
        record.exit_code = static_cast<std::int32_t>(static_cast<std::uint32_t>(reader.integer()));
        record.output = reader.text();
        record.files.resize(reader.count());
        for (StepFile& file : record.files) {
            file.name = reader.text();
            file.sha256 = reader.fixed<Hash>();
            file.bytes = reader.integer();
        }
    }
    TRY_OK(reader.finish("step"));
    TRY(record.lease, wire::parse_lease(lease));
    if (record.is_finished) {
        TRY(record.receipt, wire::parse_receipt(receipt));
    }
    return record;
}

std::string step_key(const JobId& attempt) {
    return std::string{kStepPrefix} + codec::to_hex(attempt);
}

}  // namespace vcity::node
