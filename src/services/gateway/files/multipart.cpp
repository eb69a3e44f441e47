// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/files/multipart.hpp"

#include <algorithm>
#include <utility>

namespace vcity::gateway {
namespace {

constexpr std::size_t kBoundaryBytesMax = 70;
constexpr std::size_t kPaddingBytesMax = 64;
constexpr std::size_t kPreambleBytesMax = 4096;
constexpr std::string_view kLineEnd = "\r\n";

char lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool equals(std::string_view text, std::string_view lower_case) {
    return std::ranges::equal(text, lower_case, [](char left, char right) { return lower(left) == right; });
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "a; b=c; d=\"e;f\"" without its first ';': takes one parameter off the front.
std::pair<std::string_view, std::string> take_parameter(std::string_view* rest) {
    const std::size_t equal_sign = rest->find_first_of("=;");
    const std::string_view name = trim(rest->substr(0, equal_sign));
    if (equal_sign == std::string_view::npos || (*rest)[equal_sign] == ';') {
        *rest = equal_sign == std::string_view::npos ? std::string_view{} : rest->substr(equal_sign + 1);
        return {name, ""};
    }
    std::string_view value = rest->substr(equal_sign + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    if (!value.starts_with('"')) {
        const std::size_t end = std::min(value.find(';'), value.size());
        *rest = value.substr(std::min(end + 1, value.size()));
        return {name, std::string{trim(value.substr(0, end))}};
    }
    std::string text;
    std::size_t at = 1;
    for (; at < value.size() && value[at] != '"'; ++at) {
        if (value[at] == '\\' && at + 1 < value.size()) ++at;
        text.push_back(value[at]);
    }
    const std::size_t end = std::min(value.find(';', std::min(at, value.size())), value.size());
    *rest = value.substr(std::min(end + 1, value.size()));
    return {name, std::move(text)};
}

std::optional<std::string> find_parameter(std::string_view value, std::string_view name) {
    const std::size_t first = value.find(';');
    std::string_view rest = first == std::string_view::npos ? std::string_view{} : value.substr(first + 1);
    while (!rest.empty()) {
        auto [found, text] = take_parameter(&rest);
        if (equals(found, name)) return std::move(text);
    }
    return std::nullopt;
}

bool is_boundary(std::string_view text) {
    constexpr std::string_view kOthers = "'()+_,-./:=? ";
    const auto is_good = [&](char character) {
        const char small = lower(character);
        return (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') ||
               kOthers.find(character) != std::string_view::npos;
    };
    return !text.empty() && text.size() <= kBoundaryBytesMax && std::ranges::all_of(text, is_good) &&
           text.back() != ' ';
}

Error malformed(std::string what) {
    return make_error(Errc::kInvalid, "the multipart body is malformed: " + std::move(what));
}

}  // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
    if (!equals(trim(content_type.substr(0, content_type.find(';'))), "multipart/form-data")) return std::nullopt;
    std::optional<std::string> boundary = find_parameter(content_type, "boundary");
    if (!boundary || !is_boundary(*boundary)) return std::nullopt;
    return boundary;
}

MultipartReader::MultipartReader(const std::string& boundary) : delimiter_{"\r\n--" + boundary} {}

Result<std::vector<MultipartEvent>> MultipartReader::feed(std::string_view piece) {
    Events events;
    if (state_ == State::kDone) return events;
    buffer_.append(piece);
    while (true) {
        TRY(const bool goes_on, step(&events));
        if (!goes_on) return events;
    }
}

Result<bool> MultipartReader::step(Events* events) {
    switch (state_) {
        case State::kPreamble: return skip_preamble();
        case State::kAfterDelimiter: return pass_delimiter();
        case State::kHead: return read_head(events);
        case State::kBytes: return read_bytes(events);
        case State::kDone: buffer_.clear(); return false;
    }
    return false;
}

Result<bool> MultipartReader::skip_preamble() {
    const std::size_t at = buffer_.find(delimiter_);
    const std::size_t preamble =
        at == std::string::npos ? buffer_.size() - std::min(buffer_.size(), delimiter_.size()) : at;
    if (preamble > kPreambleBytesMax) return malformed("its boundary does not come");
    if (at == std::string::npos) return false;
    buffer_.erase(0, at + delimiter_.size());
    state_ = State::kAfterDelimiter;
    return true;
}

Result<bool> MultipartReader::pass_delimiter() {
    if (buffer_.size() < 2) return false;
    if (buffer_.starts_with("--")) {
        state_ = State::kDone;
        return true;
    }
    const std::size_t end = buffer_.find(kLineEnd);
    std::string_view padding = std::string_view{buffer_}.substr(0, end);
    if (end == std::string::npos && padding.ends_with('\r')) padding.remove_suffix(1);
    if (!trim(padding).empty()) return malformed("text after a boundary");
    if (padding.size() > kPaddingBytesMax) return malformed("a boundary's line does not end");
    if (end == std::string::npos) return false;
    // The end of this line stays: a part without a head begins with an empty line.
    buffer_.erase(0, end);
    state_ = State::kHead;
    return true;
}

Result<bool> MultipartReader::read_head(Events* events) {
    const std::size_t end = buffer_.find("\r\n\r\n");
    const std::size_t length =
        end == std::string::npos ? buffer_.size() - std::min<std::size_t>(buffer_.size(), 3) : end;
    if (length > kHeadBytesMax) return malformed("the head of a part is too long");
    if (end == std::string::npos) return false;
    if (++parts_ > kPartsMax) return malformed("more than 64 parts");
    MultipartEvent part;
    bool has_name = false;
    std::string_view lines = std::string_view{buffer_}.substr(0, end);
    while (!lines.empty()) {
        lines.remove_prefix(kLineEnd.size());
        const std::string_view line = lines.substr(0, lines.find(kLineEnd));
        lines.remove_prefix(line.size());
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) return malformed("a line in the head of a part has no colon");
        if (!equals(trim(line.substr(0, colon)), "content-disposition")) continue;
        const std::string_view value = line.substr(colon + 1);
        std::optional<std::string> name = find_parameter(value, "name");
        if (!name || has_name) return malformed("a part needs one name");
        part.name = *std::move(name);
        part.filename = find_parameter(value, "filename");
        has_name = true;
    }
    if (!has_name) return malformed("a part has no name");
    buffer_.erase(0, end + 2 * kLineEnd.size());
    events->push_back(std::move(part));
    state_ = State::kBytes;
    return true;
}

Result<bool> MultipartReader::read_bytes(Events* events) {
    const auto add = [&](std::size_t count) {
        if (count == 0) return;
        MultipartEvent bytes;
        bytes.kind = MultipartEvent::Kind::kBytes;
        bytes.bytes = buffer_.substr(0, count);
        events->push_back(std::move(bytes));
        buffer_.erase(0, count);
    };
    const std::size_t at = buffer_.find(delimiter_);
    if (at == std::string::npos) {
        // The last bytes may be the beginning of a delimiter.
        if (buffer_.size() >= delimiter_.size()) add(buffer_.size() - delimiter_.size() + 1);
        return false;
    }
    add(at);
    buffer_.erase(0, delimiter_.size());
    MultipartEvent end;
    end.kind = MultipartEvent::Kind::kEnd;
    events->push_back(std::move(end));
    state_ = State::kAfterDelimiter;
    return true;
}

}  // namespace vcity::gateway
