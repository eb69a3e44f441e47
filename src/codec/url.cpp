// SPDX-License-Identifier: Apache-2.0
#include "codec/url.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace vcity::codec {
namespace {

constexpr std::size_t kBytesMax = 2048;

struct Scheme {
    std::string_view name;
    std::uint16_t port;
};
constexpr std::array kSchemes{Scheme{"http", 80}, Scheme{"https", 443}, Scheme{"ws", 80}, Scheme{"wss", 443}};

bool is_visible(char character) {
    return character > ' ' && character < 0x7f;
}

bool is_name_character(char character) {
    const bool is_digit = character >= '0' && character <= '9';
    const bool is_letter = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
    return is_digit || is_letter || character == '.' || character == '-' || character == '_';
}

bool is_ipv6_character(char character) {
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f') ||
           (character >= 'A' && character <= 'F') || character == ':' || character == '.';
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failure != std::errc{} || end != text.data() + text.size() || port == 0) {
        return make_error(Errc::kInvalid, "port of the url is not in 1..65535");
    }
    return port;
}

// Splits "host", "host:port", "[v6]" and "[v6]:port"; the port stays as it is when there is none.
Result<void> parse_authority(std::string_view text, Url* url) {
    const bool bracketed = text.starts_with('[');
    const std::size_t end = bracketed ? text.find(']') : text.find(':');
    if (bracketed && end == std::string_view::npos) return make_error(Errc::kInvalid, "bracket without its pair");
    const std::string_view host = text.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
    if (host.empty() || !std::ranges::all_of(host, bracketed ? is_ipv6_character : is_name_character)) {
        return make_error(Errc::kInvalid, "bad host in the url");
    }
    url->host = host;
    const std::size_t host_end = end == std::string_view::npos ? text.size() : end + (bracketed ? 1 : 0);
    const std::string_view rest = text.substr(host_end);
    if (rest.empty()) return {};
    if (!rest.starts_with(':')) return make_error(Errc::kInvalid, "bad authority in the url");
    TRY(url->port, parse_port(rest.substr(1)));
    return {};
}

}  // namespace

std::string Url::authority() const {
    std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    const auto known = std::ranges::find(kSchemes, scheme, &Scheme::name);
    if (known == kSchemes.end() || known->port != port) text += ":" + std::to_string(port);
    return text;
}

Result<Url> parse_url(std::string_view text) {
    if (text.size() > kBytesMax) return make_error(Errc::kInvalid, "url is too long");
    if (!std::ranges::all_of(text, is_visible)) return make_error(Errc::kInvalid, "url has a byte that is not visible");
    const std::size_t colon = text.find("://");
    const auto scheme = std::ranges::find(kSchemes, text.substr(0, colon), &Scheme::name);
    if (colon == std::string_view::npos || scheme == kSchemes.end()) {
        return make_error(Errc::kInvalid, "url does not start with http, https, ws or wss");
    }
    Url url{.scheme = std::string{scheme->name}, .host = {}, .port = scheme->port, .target = "/"};
    const std::string_view rest = text.substr(colon + 3);
    const std::size_t path = rest.find_first_of("/?#");
    TRY_OK(parse_authority(rest.substr(0, path), &url));
    if (path == std::string_view::npos) return url;
    const std::string_view target = rest.substr(path);
    if (target.find('#') != std::string_view::npos) return make_error(Errc::kInvalid, "url has a fragment");
    url.target = target.starts_with('/') ? std::string{target} : "/" + std::string{target};
    return url;
}

}  // namespace vcity::codec
