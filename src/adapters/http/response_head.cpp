// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/response_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace vcity::adapters {
namespace {

constexpr std::string_view kSeparators = "()<>@,;:\\\"/[]?={} \t";

char lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool is_framing_field(std::string_view name) {
    constexpr std::array<std::string_view, 4> kOurs{"content-length", "transfer-encoding", "connection", "date"};
    return std::ranges::any_of(kOurs, [&](std::string_view ours) {
        return std::ranges::equal(name, ours, [](char left, char right) { return lower(left) == right; });
    });
}

bool is_good_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char character) {
        return character > ' ' && character < 0x7f && kSeparators.find(character) == std::string_view::npos;
    });
}

bool is_good_value(std::string_view value) {
    return std::ranges::all_of(value, [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte == '\t' || (byte >= ' ' && byte != 0x7f);
    });
}

void add(std::string* head, std::string_view name, std::string_view value) {
    head->append(name).append(": ").append(value).append("\r\n");
}

void add_framing(std::string* head, const HeadOptions& options) {
    switch (options.framing) {
        case BodyFraming::kLength: add(head, "Content-Length", std::to_string(options.body_bytes)); break;
        case BodyFraming::kChunked: add(head, "Transfer-Encoding", "chunked"); break;
        case BodyFraming::kNone:
        case BodyFraming::kToEnd: break;
    }
    add(head, "Connection", options.keep_alive ? "keep-alive" : "close");
}

}  // namespace

Result<void> check_fields(const ports::HttpHeaders& headers) {
    for (const auto& [name, value] : headers.fields) {
        if (!is_good_name(name)) return make_error(Errc::kInvalid, "a header field name is malformed");
        if (!is_good_value(value)) return make_error(Errc::kInvalid, "the value of " + name + " is malformed");
    }
    return {};
}

Result<std::string> serialize_head(const ports::HttpResponse& response, const HeadOptions& options) {
    if (response.status < 200 || response.status > 599) {
        return make_error(Errc::kInvalid, "no final status: " + std::to_string(response.status));
    }
    TRY_OK(check_fields(response.headers));
    std::string head;
    head.reserve(256);
    head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(options.reason).append("\r\n");
    add(&head, "Date", options.date);
    for (const auto& [name, value] : response.headers.fields) {
        if (!is_framing_field(name)) add(&head, name, value);
    }
    add_framing(&head, options);
    head.append("\r\n");
    return head;
}

std::string http_date(std::uint64_t unix_seconds) {
    constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto seconds = static_cast<std::time_t>(unix_seconds);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    const auto two = [](int number) { return (number < 10 ? "0" : "") + std::to_string(number); };
    return std::string{kDays[static_cast<std::size_t>(parts.tm_wday)]} + ", " + two(parts.tm_mday) + " " +
           kMonths[static_cast<std::size_t>(parts.tm_mon)] + " " + std::to_string(parts.tm_year + 1900) + " " +
           two(parts.tm_hour) + ":" + two(parts.tm_min) + ":" + two(parts.tm_sec) + " GMT";
}

std::string chunk_head(std::size_t bytes) {
    std::array<char, 18> text{};
    char* end = std::to_chars(text.data(), text.data() + 16, bytes, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    return {text.data(), end};
}

}  // namespace vcity::adapters
