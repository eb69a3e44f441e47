// SPDX-License-Identifier: Apache-2.0
#include "work/event.hpp"

#include <utility>

#include "base/check.hpp"
#include "work/order_codec.hpp"

namespace vcity::work {
namespace {

using detail::ByteReader;
using detail::ByteWriter;

constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kTermsBytes = 73;  // without the reason's text
constexpr Errc kLastErrc = Errc::kInternal;

void put_reason(ByteWriter* writer, std::string_view reason) {
    writer->put(shorten(reason));
}

void get_reason(ByteReader* reader, std::string* reason) {
    reader->get(reason);
    if (shorten(*reason).size() != reason->size()) reader->fail();
}

void put(ByteWriter* writer, const LeaseTerms& terms) {
    writer->put(terms.step);
    writer->put(terms.attempt);
    writer->put(terms.fencing_token);
    writer->put(terms.node);
    writer->put(terms.unit);
    writer->put(terms.gpu_mask);
    writer->put(terms.hourly);
    writer->put(terms.quote);
    writer->put(terms.expires_at);
    writer->put(terms.is_spot);
    put_reason(writer, terms.reason);
}

void get(ByteReader* reader, LeaseTerms* terms) {
    reader->get(&terms->step);
    reader->get(&terms->attempt);
    reader->get(&terms->fencing_token);
    reader->get(&terms->node);
    reader->get(&terms->unit);
    reader->get(&terms->gpu_mask);
    reader->get(&terms->hourly);
    reader->get(&terms->quote);
    reader->get(&terms->expires_at);
    reader->get(&terms->is_spot);
    get_reason(reader, &terms->reason);
}

void put(ByteWriter* writer, const Submitted& change) {
    detail::put(writer, *change.order);
    writer->put(static_cast<std::uint32_t>(change.hourly_max.size()));
    for (const Usd most : change.hourly_max) writer->put(most);
}
void get(ByteReader* reader, Submitted* change) {
    auto order = std::make_shared<WorkOrder>();
    detail::get(reader, order.get());
    change->order = std::move(order);
    change->hourly_max.resize(reader->count(sizeof(std::uint64_t)));
    for (Usd& most : change->hourly_max) reader->get(&most);
}

void put(ByteWriter* writer, const Leased& change) {
    put(writer, change.terms);
}
void get(ByteReader* reader, Leased* change) {
    get(reader, &change->terms);
}

void put(ByteWriter* writer, const GangLeased& change) {
    writer->put(static_cast<std::uint32_t>(change.members.size()));
    for (const LeaseTerms& terms : change.members) put(writer, terms);
}
void get(ByteReader* reader, GangLeased* change) {
    change->members.resize(reader->count(kTermsBytes));
    for (LeaseTerms& terms : change->members) get(reader, &terms);
}

void put(ByteWriter* writer, const Started& change) {
    writer->put(change.step);
    writer->put(change.fencing_token);
}
void get(ByteReader* reader, Started* change) {
    reader->get(&change->step);
    reader->get(&change->fencing_token);
}

void put(ByteWriter* writer, const Finished& change) {
    writer->put(change.step);
    writer->put(change.fencing_token);
    writer->put(static_cast<std::uint32_t>(change.exit_code));
    writer->put(change.amount);
    writer->put(change.output_bytes);
    writer->put(change.receipt_hash);
    writer->put(change.is_cut_short);
    detail::put(writer, change.files);
}
void get(ByteReader* reader, Finished* change) {
    reader->get(&change->step);
    reader->get(&change->fencing_token);
    std::uint32_t exit_code = 0;
    reader->get(&exit_code);
    change->exit_code = static_cast<std::int32_t>(exit_code);
    reader->get(&change->amount);
    reader->get(&change->output_bytes);
    reader->get(&change->receipt_hash);
    reader->get(&change->is_cut_short);
    detail::get(reader, &change->files);
}

void put(ByteWriter* writer, const AttemptFailed& change) {
    writer->put(change.step);
    writer->put(change.fencing_token);
    writer->put(change.fault);
    writer->put(change.code);
    put_reason(writer, change.reason);
}
void get(ByteReader* reader, AttemptFailed* change) {
    reader->get(&change->step);
    reader->get(&change->fencing_token);
    reader->get(&change->fault, Fault::kPreempted);
    reader->get(&change->code, kLastErrc);
    get_reason(reader, &change->reason);
}

void put(ByteWriter* writer, const GivenUp& change) {
    writer->put(change.step);
    writer->put(change.code);
    put_reason(writer, change.reason);
}
void get(ByteReader* reader, GivenUp* change) {
    reader->get(&change->step);
    reader->get(&change->code, kLastErrc);
    get_reason(reader, &change->reason);
}

void put(ByteWriter* writer, const Stopped& change) {
    writer->put(change.state);
    writer->put(change.code);
    put_reason(writer, change.reason);
}
void get(ByteReader* reader, Stopped* change) {
    reader->get(&change->state, WorkState::kCancelled);
    reader->get(&change->code, kLastErrc);
    get_reason(reader, &change->reason);
}

void put(ByteWriter* writer, const Unreachable& change) {
    writer->put(change.step);
    writer->put(change.fencing_token);
    writer->put(change.away_ms);
}
void get(ByteReader* reader, Unreachable* change) {
    reader->get(&change->step);
    reader->get(&change->fencing_token);
    reader->get(&change->away_ms);
}

void put(ByteWriter* writer, const Checkpointed& change) {
    writer->put(change.step);
    writer->put(change.fencing_token);
    writer->put(change.sequence);
    detail::put(writer, change.files);
}
void get(ByteReader* reader, Checkpointed* change) {
    reader->get(&change->step);
    reader->get(&change->fencing_token);
    reader->get(&change->sequence);
    detail::get(reader, &change->files);
}

// The change of the given number, counted in the order of the variant.
template <std::size_t number = 0>
Change read_change(std::size_t wanted, ByteReader* reader) {
    if constexpr (number == std::variant_size_v<Change>) {
        reader->fail();
        return GivenUp{};
    } else {
        if (number != wanted) return read_change<number + 1>(wanted, reader);
        std::variant_alternative_t<number, Change> change;
        get(reader, &change);
        return change;
    }
}

}  // namespace

std::string_view to_string(Fault fault) {
    switch (fault) {
        case Fault::kNode: return "node";
        case Fault::kStep: return "step";
        case Fault::kPreempted: return "preempted";
    }
    unreachable();
}

std::string_view shorten(std::string_view reason) {
    if (reason.size() <= kReasonBytesMax) return reason;
    std::size_t size = kReasonBytesMax;
    constexpr unsigned kContinuation = 0x80;
    while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xc0U) == kContinuation) --size;
    return reason.substr(0, size);
}

Bytes encode(const Event& event) {
    Bytes bytes;
    bytes.reserve(256);
    ByteWriter writer{&bytes};
    writer.put(kVersion);
    writer.put(event.at);
    writer.put(static_cast<std::uint8_t>(event.change.index()));
    std::visit([&](const auto& change) { put(&writer, change); }, event.change);
    return bytes;
}

Result<Event> parse_event(ByteView bytes) {
    if (bytes.size() > kEventBytesMax) return make_error(Errc::kCorrupt, "an event is too long");
    ByteReader reader{bytes};
    std::uint8_t version = 0;
    reader.get(&version);
    if (version != kVersion) return make_error(Errc::kCorrupt, "an event has an unknown version");
    Event event;
    reader.get(&event.at);
    std::uint8_t number = 0;
    reader.get(&number);
    event.change = read_change(number, &reader);
    if (!reader.is_at_end()) return make_error(Errc::kCorrupt, "the bytes are no event");
    return event;
}

}  // namespace vcity::work
