// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vcity::gateway {

// What a piece of a multipart/form-data body (RFC 7578) has brought, in order: a part begins, bytes of it, it ends.
struct MultipartEvent {
    enum class Kind : std::uint8_t { kPart, kBytes, kEnd };

    Kind kind = Kind::kPart;
    std::string name{};                     // of a part that begins: the form's field
    std::optional<std::string> filename{};  // none: a plain field
    std::string bytes{};

    bool operator==(const MultipartEvent&) const = default;
};

// The boundary that a Content-Type names; none: it is not multipart/form-data, or has no boundary that RFC 2046 allows.
std::optional<std::string> multipart_boundary(std::string_view content_type);

// Reads a body of any length in pieces; holds no more than a head of a part or a piece at a time.
class MultipartReader {
  public:
    static constexpr std::size_t kHeadBytesMax = 8U << 10U;
    static constexpr std::size_t kPartsMax = 64;

    explicit MultipartReader(const std::string& boundary);

    // kInvalid: malformed, or beyond the bounds; nothing more may follow.
    Result<std::vector<MultipartEvent>> feed(std::string_view piece);
    // The closing boundary has been seen; what follows it does not matter.
    bool is_complete() const { return state_ == State::kDone; }

  private:
    enum class State : std::uint8_t { kPreamble, kAfterDelimiter, kHead, kBytes, kDone };
    using Events = std::vector<MultipartEvent>;

    // False: more is needed.
    Result<bool> step(Events* events);
    Result<bool> skip_preamble();
    Result<bool> pass_delimiter();
    Result<bool> read_head(Events* events);
    Result<bool> read_bytes(Events* events);

    std::string delimiter_;
    std::string buffer_ = "\r\n";  // so that a boundary at the very beginning looks like any other
    State state_ = State::kPreamble;
    std::size_t parts_ = 0;
};

}  // namespace vcity::gateway
