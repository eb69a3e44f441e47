// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/event_log.hpp"

#include <optional>

#include <fmt/format.h>

#include "attest/cursor.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kLogBytesMax = 16U << 20U;
constexpr std::size_t kEventsMax = 1U << 16U;
constexpr std::size_t kAlgorithmsMax = 8;
constexpr std::uint32_t kNoAction = 3;
constexpr std::string_view kSpecId03{"Spec ID Event03\0", 16};
constexpr std::string_view kStartupLocality{"StartupLocality\0", 16};

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, fmt::format("event log: {}", what));
}

std::optional<HashAlgorithm> algorithm_of(std::uint16_t id) {
    switch (id) {
        case 0x0004: return HashAlgorithm::kSha1;
        case 0x000b: return HashAlgorithm::kSha256;
        case 0x000c: return HashAlgorithm::kSha384;
        case 0x000d: return HashAlgorithm::kSha512;
        default: return std::nullopt;
    }
}

// Id to digest size, as the first event declares them: unknown algorithms can be stepped over.
using Sizes = std::map<std::uint16_t, std::uint16_t>;

// TCG_EfiSpecIdEvent; nothing when the log has no such event and is of the SHA-1 form.
Result<std::optional<Sizes>> read_spec_id(ByteView data) {
    if (!as_text(data).starts_with(kSpecId03)) return std::optional<Sizes>{};
    Cursor cursor{data.subspan(kSpecId03.size()), ByteOrder::kLittle};
    cursor.take(8);  // platform class, version, errata, uintn size
    const std::uint32_t count = cursor.u32();
    if (count == 0 || count > kAlgorithmsMax) return malformed("a number of algorithms that is refused");
    Sizes sizes;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint16_t id = cursor.u16();
        const std::uint16_t size = cursor.u16();
        const std::optional<HashAlgorithm> known = algorithm_of(id);
        if (!cursor.ok() || size == 0 || size > 64 || (known && digest_size(*known) != size)) {
            return malformed("an algorithm of the wrong size");
        }
        sizes[id] = size;
    }
    return std::optional{std::move(sizes)};
}

Result<LogEvent> read_sha1_event(Cursor* cursor) {
    LogEvent event;
    event.register_index = cursor->u32();
    event.type = cursor->u32();
    event.digests.push_back({HashAlgorithm::kSha1, to_bytes(cursor->take(20))});
    event.data = cursor->take(cursor->u32());
    if (!cursor->ok()) return malformed("truncated");
    return event;
}

Result<LogEvent> read_agile_event(Cursor* cursor, const Sizes& sizes) {
    LogEvent event;
    event.register_index = cursor->u32();
    event.type = cursor->u32();
    const std::uint32_t count = cursor->u32();
    if (count > kAlgorithmsMax) return malformed("too many digests");
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint16_t id = cursor->u16();
        const auto size = sizes.find(id);
        if (!cursor->ok() || size == sizes.end()) return malformed("a digest of an algorithm not declared");
        const ByteView value = cursor->take(size->second);
        const std::optional<HashAlgorithm> known = algorithm_of(id);
        if (known) event.digests.push_back({*known, to_bytes(value)});
    }
    event.data = cursor->take(cursor->u32());
    if (!cursor->ok()) return malformed("truncated");
    return event;
}

bool is_padding(ByteView rest) {
    return all_equal(rest, 0xff) || all_equal(rest, 0);
}

void note_locality(const LogEvent& event, EventLog* log) {
    if (event.type == kNoAction && event.register_index == 0 && event.data.size() == kStartupLocality.size() + 1 &&
        as_text(event.data).starts_with(kStartupLocality)) {
        log->startup_locality = event.data.back();
    }
}

}  // namespace

Result<EventLog> parse_event_log(ByteView bytes) {
    if (bytes.size() > kLogBytesMax) return malformed("too long");
    EventLog log;
    Cursor cursor{bytes, ByteOrder::kLittle};
    TRY(LogEvent first, read_sha1_event(&cursor));
    TRY(const std::optional<Sizes> sizes, read_spec_id(first.data));
    if (sizes && first.type != kNoAction) return malformed("the first event extends a register");
    if (!sizes) log.events.push_back(std::move(first));
    while (!is_padding(bytes.subspan(cursor.offset()))) {
        if (log.events.size() == kEventsMax) return malformed("too many events");
        Result<LogEvent> event = sizes ? read_agile_event(&cursor, *sizes) : read_sha1_event(&cursor);
        if (!event) return event.error();
        note_locality(*event, &log);
        log.events.push_back(*std::move(event));
    }
    return log;
}

std::map<std::uint32_t, Bytes> replay(const EventLog& log, HashAlgorithm algorithm) {
    std::map<std::uint32_t, Bytes> registers;
    for (const LogEvent& event : log.events) {
        if (event.type == kNoAction) continue;
        for (const EventDigest& measured : event.digests) {
            if (measured.algorithm != algorithm) continue;
            auto [value, is_new] = registers.try_emplace(event.register_index, digest_size(algorithm));
            if (is_new && event.register_index == 0) value->second.back() = log.startup_locality;
            append(&value->second, measured.value);
            value->second = digest(algorithm, value->second);
        }
    }
    return registers;
}

void check_ccel(ByteView ccel, Verdict* verdict) {
    const Result<EventLog> log = parse_event_log(ccel);
    if (!log) return verdict->fail(Step::kEventLog, log.error().message);
    const std::map<std::uint32_t, Bytes> registers = replay(*log, HashAlgorithm::kSha384);
    const Bytes zeros(digest_size(HashAlgorithm::kSha384));
    for (std::uint32_t i = 0; i < 4; ++i) {
        const Bytes* quoted = verdict->measurement(fmt::format("rtmr{}", i));
        const auto replayed = registers.find(i + 1);
        const Bytes& value = replayed == registers.end() ? zeros : replayed->second;
        if (quoted == nullptr || *quoted != value) {
            return verdict->fail(Step::kEventLog, fmt::format("the log does not replay to RTMR {}", i));
        }
    }
    verdict->pass(Step::kEventLog);
}

bool is_ccel_table(ByteView bytes) {
    Cursor cursor{bytes, ByteOrder::kLittle};
    const std::string_view signature = as_text(cursor.take(4));
    return bytes.size() == 56 && signature == "CCEL" && cursor.u32() == bytes.size();
}

}  // namespace vcity::attest
