// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace google::protobuf {
class Descriptor;
class Message;
}  // namespace google::protobuf

namespace vcity::wire {

struct ShapeLimits {
    std::size_t bytes_max = 8U << 20U;
    std::size_t elements_max = 16'384;    // of all repeated fields together
    std::size_t unknown_fields_max = 64;  // room for a newer peer's additions
};

// Walks encoded bytes before protobuf allocates anything for them: a message of two bytes can cost a hundred in memory,
// and so can a field that this version does not know. kCorrupt beyond a limit or for bytes that are no message.
Result<void> check_shape(ByteView bytes, const google::protobuf::Descriptor& type, const ShapeLimits& limits);

// check_shape, then the parser.
Result<void> parse_bounded(ByteView bytes, const ShapeLimits& limits, google::protobuf::Message* message);

// The encoding; deterministic, since the messages have no maps.
Bytes serialize(const google::protobuf::Message& message);

}  // namespace vcity::wire
