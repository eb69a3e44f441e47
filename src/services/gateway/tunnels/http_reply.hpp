// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "ports/http.hpp"

namespace vcity::gateway {

inline constexpr std::size_t kReplyHeadBytesMax = 32U << 10U;
inline constexpr std::size_t kReplyFieldsMax = 100;

// Reads one HTTP/1.1 response (RFC 9112) as it arrives from a program that nobody trusts. Strict: one line per field,
// CR LF only, a length or "chunked" and not both; trailers are dropped. Holds at most a head and what was fed last.
class HttpReplyReader {
  public:
    // head_only: an answer to HEAD has no body.
    explicit HttpReplyReader(bool head_only) : head_only_{head_only} {}

    // kCorrupt: this is no response; nothing may be fed after it. Bytes after the end of the response are ignored.
    Result<void> feed(std::string_view bytes);
    // The other side has closed. kCorrupt when the response is not complete.
    Result<void> end();

    bool has_head() const { return state_ != State::kHead; }
    bool is_done() const { return state_ == State::kDone; }
    // Status and fields as they were sent; once has_head().
    const ports::HttpResponse& head() const { return head_; }
    // What of the body has arrived since the last call.
    std::string take_body();

  private:
    HttpReplyReader(bool head_only, std::string buffer) : head_only_{head_only}, buffer_{std::move(buffer)} {}

    enum class State : std::uint8_t { kHead, kLength, kToEnd, kChunkSize, kChunk, kChunkEnd, kTrailer, kDone };

    Result<void> read_head();
    Result<void> read_status(std::string_view line);
    Result<void> read_field(std::string_view line);
    Result<void> begin_body();
    // One step with what is buffered; false when more is needed.
    Result<bool> advance();
    Result<bool> read_chunk_size();
    bool take_line(std::string_view* line);

    bool head_only_;
    State state_ = State::kHead;
    std::string buffer_;
    std::string body_;
    ports::HttpResponse head_;
    std::uint64_t left_ = 0;  // of the body or the chunk
    bool is_chunked_ = false;
    bool has_length_ = false;
    std::size_t trailer_bytes_ = 0;
};

}  // namespace vcity::gateway
