// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/work/work_store.hpp"

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "crypto/keccak.hpp"
#include "services/common/record.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::uint64_t kEventsVersion = 1;

}  // namespace

JobId attempt_id(const JobId& step_id, std::uint32_t attempt) {
    Bytes bytes;
    append(&bytes, as_bytes(std::string_view{"vcity-attempt-v1"}));
    append(&bytes, step_id.view());
    for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes.push_back(static_cast<std::uint8_t>(attempt >> shift));
    return crypto::keccak256(bytes).as<JobId>();
}

std::string work_key(const JobId& job_id, std::uint32_t first_event) {
    return fmt::format("{}{}/{:010}", kWorkPrefix, codec::to_hex(job_id), first_event);
}

std::string work_live_key(const JobId& job_id) {
    return std::string{kWorkLivePrefix} + codec::to_hex(job_id);
}

std::string work_output_key(const JobId& step_id, std::uint64_t token, std::size_t chunk) {
    return fmt::format("{}{}/{:020}/{:04}", kWorkOutputPrefix, codec::to_hex(step_id), token, chunk);
}

Bytes encode_events(const std::vector<work::Event>& events) {
    services::RecordWriter writer{kEventsVersion};
    writer.put(events.size());
    for (const work::Event& event : events) writer.put(work::encode(event));
    return writer.take();
}

Result<std::vector<work::Event>> parse_events(ByteView bytes) {
    services::RecordReader reader{bytes};
    if (reader.integer() != kEventsVersion) reader.fail();
    const std::size_t count = reader.count();
    std::vector<work::Event> events;
    while (events.size() < count) {
        const Bytes encoded = reader.bytes();
        if (encoded.empty()) break;
        TRY(work::Event event, work::parse_event(encoded));
        events.push_back(std::move(event));
    }
    TRY_OK(reader.finish("events of a job"));
    if (events.size() != count) return make_error(Errc::kCorrupt, "events of a job are missing");
    return events;
}

Task<Result<std::vector<work::Event>>> load_events(Context* context, JobId job_id) {
    const std::string prefix = fmt::format("{}{}/", kWorkPrefix, codec::to_hex(job_id));
    CO_TRY(
        const std::vector<ports::StoreEntry> entries,
        co_await services::scan_all(context->runtime(), context->deps.store, prefix, context->now() + kStorePatience));
    std::vector<work::Event> events;
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(std::vector<work::Event> some, parse_events(entry.value));
        events.insert(events.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    }
    co_return events;
}

void put_output(ports::StoreChange* change, const JobId& step_id, std::uint64_t token, std::string_view output) {
    for (std::size_t chunk = 0; chunk * kWorkOutputChunk < output.size(); ++chunk) {
        const ByteView part = as_bytes(output.substr(chunk * kWorkOutputChunk, kWorkOutputChunk));
        change->puts.push_back({work_output_key(step_id, token, chunk), Bytes{part.begin(), part.end()}});
    }
}

}  // namespace vcity::scheduler
