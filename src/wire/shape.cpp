// SPDX-License-Identifier: Apache-2.0
#include "wire/shape.hpp"

#include <algorithm>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>
#include <google/protobuf/wire_format_lite.h>

#include "base/check.hpp"
#include "codec/json.hpp"

namespace vcity::wire {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

class Walk {
  public:
    Walk(CodedInputStream* input, const ShapeLimits& limits) : input_{*input}, limits_{limits} {}

    // Reads fields up to the current limit of the stream. Recursion ends with the schema, which has no cycles.
    bool fields_of(const Descriptor& type) {
        while (true) {
            const std::uint32_t tag = input_.ReadTag();
            if (tag == 0) return input_.ConsumedEntireMessage();
            if (!field(type, tag)) return false;
        }
    }

  private:
    bool field(const Descriptor& type, std::uint32_t tag) {
        const FieldDescriptor* known = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
        if (known == nullptr) return ++unknown_fields_ <= limits_.unknown_fields_max && skip(tag);
        if (known->is_repeated() && ++elements_ > limits_.elements_max) return false;
        const bool is_delimited = WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
        // A known field in another wire type is kept as an unknown one by the parser.
        const bool expects_delimited = known->type() == FieldDescriptor::TYPE_MESSAGE ||
                                       known->type() == FieldDescriptor::TYPE_STRING ||
                                       known->type() == FieldDescriptor::TYPE_BYTES;
        if (is_delimited && known->is_packable()) return packed();
        if (is_delimited != expects_delimited) return false;
        if (known->type() == FieldDescriptor::TYPE_MESSAGE) return submessage(*known->message_type());
        return known->type() == FieldDescriptor::TYPE_STRING ? text() : skip(tag);
    }

    // Numbers one after the other; each takes at least a byte.
    bool packed() {
        std::uint32_t size = 0;
        if (!input_.ReadVarint32(&size) || size > limits_.elements_max - std::min(elements_, limits_.elements_max)) {
            return false;
        }
        elements_ += size;
        return input_.Skip(static_cast<int>(size));
    }

    bool submessage(const Descriptor& type) {
        std::uint32_t size = 0;
        if (!input_.ReadVarint32(&size) || size > limits_.bytes_max) return false;
        const CodedInputStream::Limit outer = input_.PushLimit(static_cast<int>(size));
        if (!fields_of(type) || input_.BytesUntilLimit() != 0) return false;
        input_.PopLimit(outer);
        return true;
    }

    // The parser would refuse bad UTF-8 too, but not without a line on standard error for each.
    bool text() {
        std::uint32_t size = 0;
        const void* data = nullptr;
        int available = 0;
        if (!input_.ReadVarint32(&size) || size > limits_.bytes_max) return false;
        if (size == 0) return true;
        if (!input_.GetDirectBufferPointer(&data, &available)) return false;
        if (static_cast<std::uint32_t>(available) < size) return false;
        return codec::is_utf8({static_cast<const char*>(data), size}) && input_.Skip(static_cast<int>(size));
    }

    // Groups nest without end and nobody sends them: refused.
    bool skip(std::uint32_t tag) {
        const WireFormatLite::WireType type = WireFormatLite::GetTagWireType(tag);
        if (type == WireFormatLite::WIRETYPE_START_GROUP || type == WireFormatLite::WIRETYPE_END_GROUP) return false;
        return WireFormatLite::SkipField(&input_, tag);
    }

    CodedInputStream& input_;
    const ShapeLimits& limits_;
    std::size_t elements_ = 0;
    std::size_t unknown_fields_ = 0;
};

}  // namespace

Result<void> check_shape(ByteView bytes, const Descriptor& type, const ShapeLimits& limits) {
    if (bytes.size() > limits.bytes_max) return make_error(Errc::kCorrupt, "frame is too long");
    CodedInputStream input{bytes.data(), static_cast<int>(bytes.size())};
    if (!Walk{&input, limits}.fields_of(type)) {
        return make_error(Errc::kCorrupt, "frame is malformed, has too many parts or text that is not UTF-8");
    }
    return {};
}

Result<void> parse_bounded(ByteView bytes, const ShapeLimits& limits, google::protobuf::Message* message) {
    TRY_OK(check_shape(bytes, *message->GetDescriptor(), limits));
    if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return make_error(Errc::kCorrupt, "frame is malformed");
    }
    return {};
}

Bytes serialize(const google::protobuf::Message& message) {
    Bytes bytes(message.ByteSizeLong());
    CHECK(message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
    return bytes;
}

}  // namespace vcity::wire
