// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/step_record.hpp"

#include "codec/hex.hpp"
#include "services/common/record.hpp"
#include "wire/wire.hpp"

namespace vcity::node {
namespace {

constexpr std::uint64_t kVersion = 3;

}  // namespace

Bytes encode(const StepRecord& record) {
    services::RecordWriter writer{kVersion};
    writer.put(wire::encode(record.lease)).put(std::uint64_t{record.is_finished});
    writer.put(std::uint64_t{record.heritage.has_value()});
    if (record.heritage) {
        writer.put(wire::encode(Message{record.heritage->grant})).put(record.heritage->scheduler);
        writer.put(record.heritage->started_at.count()).put(record.heritage->volume);
    }
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
    Bytes grant;
    if (reader.integer() != 0) {
        record.heritage.emplace();
        grant = reader.bytes();
        record.heritage->scheduler = reader.fixed<Address>();
        record.heritage->started_at = UnixMillis{reader.integer()};
        record.heritage->volume = reader.text();
    }
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
    if (record.heritage) {
        TRY(Message message, wire::parse_message(grant));
        auto* parsed = std::get_if<StepGrant>(&message);
        if (parsed == nullptr) return make_error(Errc::kCorrupt, "a step's record holds another message");
        record.heritage->grant = std::move(*parsed);
    }
    return record;
}

std::string step_key(const JobId& attempt) {
    return std::string{kStepPrefix} + codec::to_hex(attempt);
}

}  // namespace vcity::node
