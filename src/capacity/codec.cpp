// SPDX-License-Identifier: Apache-2.0
#include "capacity/codec.hpp"

#include <bit>
#include <cstring>

#include "base/check.hpp"

namespace vcity::capacity {
namespace {

static_assert(std::endian::native == std::endian::little, "the canonical bytes are copied without swapping");

constexpr std::string_view kMagic = "vcap";
constexpr std::uint8_t kVersion = 1;
constexpr std::int32_t kProductMax = (1 << 23) - 1;
// No tree of ours is deeper.
constexpr std::size_t kProofMax = 40;

class Writer {
  public:
    template <class T>
    void number(T value) {
        const std::size_t at = bytes.size();
        bytes.resize(at + sizeof(T));
        std::memcpy(bytes.data() + at, &value, sizeof(T));
    }
    template <class T>
    void numbers(const std::vector<T>& values) {
        number(static_cast<std::uint32_t>(values.size()));
        const std::size_t at = bytes.size();
        bytes.resize(at + (values.size() * sizeof(T)));
        if (!values.empty()) std::memcpy(bytes.data() + at, values.data(), values.size() * sizeof(T));
    }
    void hash(const Hash& value) { append(&bytes, value.view()); }
    void proof(const std::vector<Hash>& hashes) {
        CHECK(hashes.size() <= kProofMax);
        number(static_cast<std::uint8_t>(hashes.size()));
        for (const Hash& value : hashes) hash(value);
    }
    void products(const std::vector<std::int32_t>& values) {
        number(static_cast<std::uint32_t>(values.size()));
        const std::size_t at = bytes.size();
        bytes.resize(at + (values.size() * 3));
        for (std::size_t i = 0; i < values.size(); ++i) {
            CHECK(values[i] >= -kProductMax && values[i] <= kProductMax);
            std::memcpy(bytes.data() + at + (i * 3), &values[i], 3);
        }
    }
    void cell(const CapacityCell& value) {
        number(value.segment);
        number(value.block);
    }

    Bytes bytes;
};

// Reads front to back; after the first wrong read everything is zero and `ok` is false.
class Reader {
  public:
    explicit Reader(ByteView bytes) : rest_{bytes} {}

    template <class T>
    T number() {
        T value{};
        const ByteView part = take(sizeof(T));
        if (ok) std::memcpy(&value, part.data(), sizeof(T));
        return value;
    }
    template <class T>
    std::vector<T> numbers() {
        const std::size_t count = number<std::uint32_t>();
        const ByteView part = take(count * sizeof(T));
        if (!ok) return {};
        std::vector<T> values(count);
        if (count > 0) std::memcpy(values.data(), part.data(), part.size());
        return values;
    }
    Hash hash() { return Hash::make(take(Hash::kSize)); }
    std::vector<Hash> proof() {
        const std::size_t count = number<std::uint8_t>();
        const ByteView part = take(count * Hash::kSize);
        if (count > kProofMax) ok = false;
        if (!ok) return {};
        std::vector<Hash> hashes;
        for (std::size_t i = 0; i < count; ++i)
            hashes.push_back(Hash::make(part.subspan(i * Hash::kSize, Hash::kSize)));
        return hashes;
    }
    std::vector<std::int32_t> products() {
        const std::size_t count = number<std::uint32_t>();
        const ByteView part = take(count * 3);
        if (!ok) return {};
        std::vector<std::int32_t> values(count);
        for (std::size_t i = 0; i < count; ++i) {
            std::uint32_t word = 0;
            std::memcpy(&word, part.data() + (i * 3), 3);
            // The 24th bit is the sign.
            values[i] = static_cast<std::int32_t>(word << 8U) >> 8;
            if (values[i] < -kProductMax) ok = false;
        }
        return values;
    }
    CapacityCell cell() {
        CapacityCell value;
        value.segment = number<std::uint32_t>();
        value.block = number<std::uint32_t>();
        return value;
    }
    // A count of things that take at least `size` bytes each.
    std::size_t count(std::size_t size) {
        const std::size_t value = number<std::uint32_t>();
        if (value > rest_.size() / size) ok = false;
        return ok ? value : 0;
    }
    bool at_end() const { return ok && rest_.empty(); }

    bool ok = true;

  private:
    ByteView take(std::size_t size) {
        if (size > rest_.size()) ok = false;
        if (!ok) return {};
        const ByteView part = rest_.first(size);
        rest_ = rest_.subspan(size);
        return part;
    }

    ByteView rest_;
};

void write(Writer* out, const CapacityChainChallenge& message) {
    const CapacityChainShape& shape = message.shape;
    for (const std::uint32_t size : {shape.rows, shape.columns, shape.block_columns, shape.segments, shape.steps}) {
        out->number(size);
    }
    out->hash(message.seed);
}
void write(Writer* out, const CapacityChainCommitment& message) {
    out->hash(message.root);
}
void write(Writer* out, const CapacityDraw& message) {
    out->number(static_cast<std::uint32_t>(message.cells.size()));
    for (const CapacityCell& cell : message.cells) out->cell(cell);
}
void write(Writer* out, const CapacityOpening& message) {
    out->number(static_cast<std::uint32_t>(message.cells.size()));
    for (const CapacityOpenedCell& opened : message.cells) {
        out->cell(opened.cell);
        out->numbers(opened.start);
        out->numbers(opened.partner);
        out->proof(opened.start_proof);
        out->proof(opened.partner_proof);
        out->products(opened.products);
        out->proof(opened.end_proof);
    }
}
void write(Writer* out, const CapacityFill& message) {
    out->number(message.shape.rows);
    out->number(message.shape.columns);
    out->number(message.offset);
    out->numbers(message.data);
}
void write(Writer* out, const CapacitySweep& message) {
    out->number(message.round);
    out->number(message.first_row);
    out->number(message.rows);
    out->hash(message.seed);
}
void write(Writer* out, const CapacityAnswer& message) {
    out->number(message.round);
    out->numbers(message.sums);
}

void read(Reader* in, CapacityChainChallenge* message) {
    CapacityChainShape& shape = message->shape;
    for (std::uint32_t* size : {&shape.rows, &shape.columns, &shape.block_columns, &shape.segments, &shape.steps}) {
        *size = in->number<std::uint32_t>();
    }
    message->seed = in->hash();
}
void read(Reader* in, CapacityChainCommitment* message) {
    message->root = in->hash();
}
void read(Reader* in, CapacityDraw* message) {
    const std::size_t count = in->count(sizeof(CapacityCell));
    for (std::size_t i = 0; i < count; ++i) message->cells.push_back(in->cell());
}
void read(Reader* in, CapacityOpening* message) {
    // An opened cell of nothing takes 23 bytes; one in memory takes some 200.
    const std::size_t count = in->count(23);
    for (std::size_t i = 0; i < count && in->ok; ++i) {
        CapacityOpenedCell opened;
        opened.cell = in->cell();
        opened.start = in->numbers<std::int8_t>();
        opened.partner = in->numbers<std::int8_t>();
        opened.start_proof = in->proof();
        opened.partner_proof = in->proof();
        opened.products = in->products();
        opened.end_proof = in->proof();
        message->cells.push_back(std::move(opened));
    }
}
void read(Reader* in, CapacityFill* message) {
    message->shape.rows = in->number<std::uint32_t>();
    message->shape.columns = in->number<std::uint32_t>();
    message->offset = in->number<std::uint64_t>();
    message->data = in->numbers<std::uint8_t>();
}
void read(Reader* in, CapacitySweep* message) {
    message->round = in->number<std::uint32_t>();
    message->first_row = in->number<std::uint32_t>();
    message->rows = in->number<std::uint32_t>();
    message->seed = in->hash();
}
void read(Reader* in, CapacityAnswer* message) {
    message->round = in->number<std::uint32_t>();
    message->sums = in->numbers<std::int64_t>();
}

template <std::size_t I = 0>
void read_kind(Reader* in, std::size_t kind, CapacityMessage* message) {
    if constexpr (I < std::variant_size_v<CapacityMessage>) {
        if (kind != I) return read_kind<I + 1>(in, kind, message);
        std::variant_alternative_t<I, CapacityMessage> value;
        value.session = in->hash();
        value.card = in->number<std::uint32_t>();
        read(in, &value);
        *message = std::move(value);
    } else {
        in->ok = false;
    }
}

}  // namespace

Bytes encode(const CapacityMessage& message) {
    Writer out;
    append(&out.bytes, as_bytes(kMagic));
    out.number(kVersion);
    out.number(static_cast<std::uint8_t>(message.index()));
    std::visit(
        [&](const auto& value) {
            out.hash(value.session);
            out.number(value.card);
            write(&out, value);
        },
        message);
    return std::move(out.bytes);
}

Result<CapacityMessage> parse(ByteView bytes) {
    if (bytes.size() > kMessageBytesMax) return make_error(Errc::kInvalid, "a capacity message of too many bytes");
    const bool known = bytes.size() > kMagic.size() && as_text(bytes.first(kMagic.size())) == kMagic;
    Reader in{known ? bytes.subspan(kMagic.size()) : ByteView{}};
    CapacityMessage message;
    if (in.number<std::uint8_t>() == kVersion) {
        const std::size_t kind = in.number<std::uint8_t>();
        read_kind(&in, kind, &message);
        if (in.at_end()) return message;
    }
    return make_error(Errc::kInvalid, "not a capacity message");
}

}  // namespace vcity::capacity
