// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/tunnels/http_reply.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace vcity::gateway {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kChunkLineMax = 256;
constexpr std::size_t kTrailerBytesMax = 4096;

Error corrupt(const char* what) {
    return make_error(Errc::kCorrupt, std::string{"the answer is no HTTP: "} + what);
}

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool is_same(std::string_view text, std::string_view lower_case) {
    return std::ranges::equal(text, lower_case, [](char left, char right) { return lower(left) == right; });
}

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

bool is_token(std::string_view text) {
    const auto is_good = [](char letter) {
        const char small = lower(letter);
        return (small >= 'a' && small <= 'z') || is_digit(letter) ||
               std::string_view{"!#$%&'*+-.^_`|~"}.find(letter) != std::string_view::npos;
    };
    return !text.empty() && std::ranges::all_of(text, is_good);
}

bool is_value(std::string_view text) {
    return std::ranges::all_of(text, [](char letter) {
        const auto byte = static_cast<unsigned char>(letter);
        return byte == '\t' || (byte >= ' ' && byte != 0x7f);
    });
}

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool read_number(std::string_view text, int base, std::uint64_t* out) {
    if (text.empty() || text.size() > 15) return false;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), *out, base);
    return code == std::errc{} && stop == text.data() + text.size();
}

}  // namespace

bool HttpReplyReader::take_line(std::string_view* line) {
    const std::size_t end = buffer_.find(kLineEnd);
    if (end == std::string::npos) return false;
    *line = std::string_view{buffer_}.substr(0, end);
    return true;
}

Result<void> HttpReplyReader::read_status(std::string_view line) {
    const bool is_http = line.size() >= 12 && line.starts_with("HTTP/1.") && is_digit(line[7]) && line[8] == ' ';
    std::uint64_t status = 0;
    if (!is_http || !read_number(line.substr(9, 3), 10, &status) || status < 100 || status > 599) {
        return corrupt("its first line");
    }
    if (line.size() > 12 && line[12] != ' ') return corrupt("its first line");
    head_.status = static_cast<unsigned>(status);
    return {};
}

Result<void> HttpReplyReader::read_field(std::string_view line) {
    if (head_.headers.fields.size() >= kReplyFieldsMax) return corrupt("too many fields");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return corrupt("a field without a colon");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (!is_token(name) || !is_value(value)) return corrupt("a malformed field");
    if (is_same(name, "content-length")) {
        if (has_length_ || !read_number(value, 10, &left_)) return corrupt("its length");
        has_length_ = true;
    }
    if (is_same(name, "transfer-encoding")) {
        if (is_chunked_ || !is_same(value, "chunked")) return corrupt("its encoding");
        is_chunked_ = true;
    }
    head_.headers.fields.emplace_back(name, value);
    return {};
}

Result<void> HttpReplyReader::begin_body() {
    if (is_chunked_ && has_length_) return corrupt("a length and chunks");
    const bool is_interim = head_.status / 100 == 1;
    if (is_interim && head_.status == 101) return corrupt("it changes the protocol");
    if (is_interim) {
        *this = HttpReplyReader{head_only_, std::move(buffer_)};
        return {};
    }
    const bool has_none = head_only_ || head_.status == 204 || head_.status == 304;
    if (has_none || (has_length_ && left_ == 0)) {
        state_ = State::kDone;
    } else {
        state_ = is_chunked_ ? State::kChunkSize : has_length_ ? State::kLength : State::kToEnd;
    }
    return {};
}

Result<void> HttpReplyReader::read_head() {
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (std::min(end, buffer_.size()) > kReplyHeadBytesMax) return corrupt("its head is too long");
    if (end == std::string::npos) return {};
    const std::string text = buffer_.substr(0, end + kLineEnd.size());
    buffer_.erase(0, end + 4);
    std::string_view rest = text;
    bool is_first = true;
    while (!rest.empty()) {
        const std::size_t stop = rest.find(kLineEnd);
        const std::string_view line = rest.substr(0, stop);
        rest.remove_prefix(stop + kLineEnd.size());
        TRY_OK(std::exchange(is_first, false) ? read_status(line) : read_field(line));
    }
    return begin_body();
}

Result<bool> HttpReplyReader::read_chunk_size() {
    std::string_view line;
    if (!take_line(&line)) {
        if (buffer_.size() > kChunkLineMax) return corrupt("a chunk's length");
        return false;
    }
    const std::string_view size = trim(line.substr(0, line.find(';')));
    if (line.size() > kChunkLineMax || !read_number(size, 16, &left_)) return corrupt("a chunk's length");
    buffer_.erase(0, line.size() + kLineEnd.size());
    state_ = left_ == 0 ? State::kTrailer : State::kChunk;
    return true;
}

Result<bool> HttpReplyReader::advance() {
    switch (state_) {
        case State::kHead: {
            const std::size_t before = buffer_.size();
            TRY_OK(read_head());
            return buffer_.size() != before;
        }
        case State::kToEnd: body_ += std::exchange(buffer_, {}); return false;
        case State::kLength:
        case State::kChunk: {
            const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer_.size()));
            body_.append(buffer_, 0, count);
            buffer_.erase(0, count);
            left_ -= count;
            if (left_ > 0) return false;
            state_ = state_ == State::kLength ? State::kDone : State::kChunkEnd;
            return true;
        }
        case State::kChunkEnd:
            if (buffer_.size() < kLineEnd.size()) return false;
            if (!buffer_.starts_with(kLineEnd)) return corrupt("a chunk's end");
            buffer_.erase(0, kLineEnd.size());
            state_ = State::kChunkSize;
            return true;
        case State::kChunkSize: return read_chunk_size();
        case State::kTrailer: {
            std::string_view line;
            if (!take_line(&line)) {
                if (buffer_.size() > kTrailerBytesMax) return corrupt("its trailer");
                return false;
            }
            const bool is_last = line.empty();
            trailer_bytes_ += line.size();
            if (trailer_bytes_ > kTrailerBytesMax) return corrupt("its trailer");
            buffer_.erase(0, line.size() + kLineEnd.size());
            if (is_last) state_ = State::kDone;
            return true;
        }
        case State::kDone: buffer_.clear(); return false;
    }
    return false;
}

Result<void> HttpReplyReader::feed(std::string_view bytes) {
    buffer_ += bytes;
    while (true) {
        TRY(const bool goes_on, advance());
        if (!goes_on) return {};
    }
}

Result<void> HttpReplyReader::end() {
    if (state_ == State::kToEnd) state_ = State::kDone;
    if (state_ != State::kDone) return corrupt("it breaks off");
    return {};
}

std::string HttpReplyReader::take_body() {
    return std::exchange(body_, {});
}

}  // namespace vcity::gateway
