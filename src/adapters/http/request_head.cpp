// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/request_head.hpp"

#include <algorithm>

namespace vcity::adapters {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMethodBytesMax = 32;
constexpr std::size_t kFieldsMax = 100;
// 2^53 - 1 has 16 digits; more is never meant.
constexpr std::size_t kLengthDigitsMax = 15;

HttpFailure bad(const char* message) {
    return HttpFailure{400, "bad_request", message};
}

char lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool equals(std::string_view text, std::string_view lower_case) {
    return std::ranges::equal(text, lower_case, [](char left, char right) { return lower(left) == right; });
}

// RFC 9110, 5.6.2: tchar.
bool is_token_character(char character) {
    const char letter = lower(character);
    return (letter >= 'a' && letter <= 'z') || is_digit(character) ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(character) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_token_character);
}

bool is_target_character(char character) {
    return character > ' ' && character < 0x7f && character != '#';
}

// Tab, visible ASCII, space and bytes of other encodings.
bool is_value_character(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct Line {
    bool is_http_1_0 = false;
    std::optional<HttpFailure> failure;
};

bool is_good_target(std::string_view method, std::string_view target) {
    if (!std::ranges::all_of(target, is_target_character)) return false;
    if (target == "*") return method == "OPTIONS";
    return target.starts_with('/') || target.starts_with("http://") || target.starts_with("https://");
}

Line check_request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) return {false, bad("the request line has not three parts")};
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, second - first - 1);
    const std::string_view version = line.substr(second + 1);
    if (!is_token(method) || method.size() > kMethodBytesMax) return {false, bad("the method is malformed")};
    if (!is_good_target(method, target)) return {false, bad("the request target is malformed")};
    if (version == "HTTP/1.1") return {false, std::nullopt};
    if (version == "HTTP/1.0") return {true, std::nullopt};
    const bool is_version = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
                            version[6] == '.' && is_digit(version[7]);
    if (!is_version) return {false, bad("the protocol version is malformed")};
    return {false, HttpFailure{505, "http_version_not_supported", "only HTTP/1.0 and HTTP/1.1 are spoken here"}};
}

// What was seen of the fields that decide where the request ends, for whom and from whom it is, and what it is.
struct Framing {
    std::size_t fields = 0;
    std::size_t hosts = 0;
    std::size_t lengths = 0;
    std::size_t encodings = 0;
    std::size_t credentials = 0;
    std::size_t kinds = 0;
};

std::optional<HttpFailure> check_field(std::string_view line, Framing* framing) {
    if (++framing->fields > kFieldsMax) return HttpFailure{431, "headers_too_large", "too many header fields"};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return bad("a header line has no colon");
    const std::string_view name = line.substr(0, colon);
    // This also refuses folded lines and white space before the colon.
    if (!is_token(name)) return bad("a header field name is malformed");
    const std::string_view value = trim(line.substr(colon + 1));
    if (!std::ranges::all_of(value, is_value_character)) return bad("a header field value has a control character");
    if (equals(name, "host")) ++framing->hosts;
    if (equals(name, "authorization")) ++framing->credentials;
    if (equals(name, "content-type")) ++framing->kinds;
    if (equals(name, "content-length")) {
        ++framing->lengths;
        const bool is_length = !value.empty() && std::ranges::all_of(value, is_digit);
        if (!is_length || value.size() > kLengthDigitsMax) return bad("Content-Length is not a number");
    }
    if (equals(name, "transfer-encoding")) {
        ++framing->encodings;
        if (!equals(value, "chunked")) return bad("Transfer-Encoding is not chunked");
    }
    return std::nullopt;
}

std::optional<HttpFailure> check_framing(const Framing& framing, bool is_http_1_0) {
    if (framing.lengths > 1) return bad("Content-Length is given twice");
    if (framing.encodings > 1) return bad("Transfer-Encoding is given twice");
    if (framing.lengths > 0 && framing.encodings > 0) {
        return bad("Content-Length and Transfer-Encoding exclude each other");
    }
    if (framing.encodings > 0 && is_http_1_0) return bad("HTTP/1.0 has no Transfer-Encoding");
    if (framing.hosts > 1) return bad("Host is given twice");
    // Whoever stands in between may have looked at the other one.
    if (framing.credentials > 1) return bad("Authorization is given twice");
    if (framing.kinds > 1) return bad("Content-Type is given twice");
    if (framing.hosts == 0 && !is_http_1_0) return bad("Host is missing");
    return std::nullopt;
}

}  // namespace

HeadEnd find_head_end(std::string_view bytes, std::size_t from) {
    for (std::size_t at = bytes.find('\n', from); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
        if (at == 0 || bytes[at - 1] != '\r') return {0, true};
        // A request that starts with an empty line ends here, too; the check of its request line refuses it.
        if (at == 1 || (at >= 3 && bytes.substr(at - 3, 2) == kLineEnd)) return {at + 1, false};
    }
    return {};
}

std::optional<HttpFailure> check_request_head(std::string_view head) {
    if (!head.ends_with("\r\n\r\n")) return bad("the header does not end in an empty line");
    head.remove_suffix(kLineEnd.size());
    const std::size_t line_end = head.find(kLineEnd);
    const Line line = check_request_line(head.substr(0, line_end));
    if (line.failure) return line.failure;
    Framing framing;
    for (head.remove_prefix(line_end + 2); !head.empty();) {
        const std::size_t end = head.find(kLineEnd);
        if (end == std::string_view::npos) return bad("a header line does not end in CR LF");
        auto failure = check_field(head.substr(0, end), &framing);
        if (failure) return failure;
        head.remove_prefix(end + kLineEnd.size());
    }
    return check_framing(framing, line.is_http_1_0);
}

}  // namespace vcity::adapters
