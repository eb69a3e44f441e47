// SPDX-License-Identifier: Apache-2.0
#include "services/common/record.hpp"

#include "base/check.hpp"

namespace vcity::services {
namespace {

constexpr std::size_t kFieldBytesMax = 16U << 20U;

void put_little_endian(Bytes* target, std::uint64_t value, std::size_t size) {
    for (std::size_t index = 0; index < size; ++index) {
        target->push_back(static_cast<std::uint8_t>(value >> (8 * index)));
    }
}

std::uint64_t read_little_endian(ByteView bytes) {
    std::uint64_t value = 0;
    for (std::size_t index = 0; index < bytes.size(); ++index) {
        value |= static_cast<std::uint64_t>(bytes[index]) << (8 * index);
    }
    return value;
}

}  // namespace

RecordWriter& RecordWriter::put(std::uint64_t value) {
    put_little_endian(&bytes_, value, 8);
    return *this;
}

RecordWriter& RecordWriter::put(ByteView bytes) {
    CHECK(bytes.size() <= kFieldBytesMax);
    put_little_endian(&bytes_, bytes.size(), 4);
    append(&bytes_, bytes);
    return *this;
}

ByteView RecordReader::raw(std::size_t size) {
    if (failed_ || rest_.size() < size) {
        failed_ = true;
        return {};
    }
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
}

std::uint64_t RecordReader::integer() {
    return read_little_endian(raw(8));
}

Bytes RecordReader::bytes() {
    const auto size = static_cast<std::size_t>(read_little_endian(raw(4)));
    const ByteView view = raw(size);
    return {view.begin(), view.end()};
}

std::string RecordReader::text() {
    const Bytes content = bytes();
    return std::string{as_text(content)};
}

std::size_t RecordReader::count() {
    const std::uint64_t value = integer();
    if (value > rest_.size()) failed_ = true;
    return failed_ ? 0 : static_cast<std::size_t>(value);
}

Result<void> RecordReader::finish(std::string_view what) const {
    if (failed_ || !rest_.empty())
        return make_error(Errc::kCorrupt, std::string{what} + ": the stored record is damaged");
    return {};
}

}  // namespace vcity::services
