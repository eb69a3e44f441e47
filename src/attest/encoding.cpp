// SPDX-License-Identifier: Apache-2.0
#include "attest/encoding.hpp"

#include <chrono>

#include <fmt/format.h>

#include "attest/cursor.hpp"
#include "codec/hex.hpp"

namespace vcity::attest {
namespace {

constexpr std::string_view kPemBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kPemEnd = "-----END CERTIFICATE-----";
constexpr std::size_t kCertificateBytesMax = 8192;

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void skip_space(std::string_view* text) {
    while (!text->empty() && is_space(text->front())) text->remove_prefix(1);
}

// Two decimal digits at a place, or -1.
int two_digits(std::string_view text, std::size_t at) {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : -100; };
    const int value = digit(at) * 10 + digit(at + 1);
    return value < 0 ? -1 : value;
}

}  // namespace

Result<std::vector<Bytes>> parse_pem_certificates(std::string_view text, std::size_t count_max) {
    if (text.ends_with('\0')) text.remove_suffix(1);
    std::vector<Bytes> certificates;
    for (skip_space(&text); !text.empty(); skip_space(&text)) {
        if (certificates.size() == count_max) return make_error(Errc::kInvalid, "pem: too many certificates");
        if (!text.starts_with(kPemBegin)) return make_error(Errc::kInvalid, "pem: not a certificate");
        text.remove_prefix(kPemBegin.size());
        const std::size_t end = text.find(kPemEnd);
        if (end == std::string_view::npos || end > 2 * kCertificateBytesMax) {
            return make_error(Errc::kInvalid, "pem: no end, or too long");
        }
        std::string digits;
        for (const char c : text.substr(0, end)) {
            if (!is_space(c)) digits += c;
        }
        TRY(Bytes der, parse_base64(digits, Base64Alphabet::kStandard, kCertificateBytesMax));
        certificates.push_back(std::move(der));
        text.remove_prefix(end + kPemEnd.size());
    }
    if (certificates.empty()) return make_error(Errc::kInvalid, "pem: empty");
    return certificates;
}

Result<Bytes> parse_plain_hex(std::string_view text, std::size_t max_bytes) {
    if (text.size() > 2 * max_bytes) return make_error(Errc::kInvalid, "hex: longer than allowed");
    return codec::parse_hex("0x" + std::string{text}, max_bytes);
}

std::string plain_hex(ByteView bytes) {
    return codec::to_hex(bytes).substr(2);
}

Result<UnixMillis> parse_timestamp(std::string_view text) {
    using std::chrono::day;
    using std::chrono::month;
    using std::chrono::year;
    const auto malformed = [&] { return make_error(Errc::kInvalid, fmt::format("time: {} is not valid", text)); };
    if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
        text[16] != ':' || text[19] != 'Z') {
        return make_error(Errc::kInvalid, "time: not of the form 2025-06-19T10:16:03Z");
    }
    const int century = two_digits(text, 0);
    const int years = two_digits(text, 2);
    const int months = two_digits(text, 5);
    const int days = two_digits(text, 8);
    const int hours = two_digits(text, 11);
    const int minutes = two_digits(text, 14);
    const int seconds = two_digits(text, 17);
    if (century < 0 || years < 0 || months < 0 || days < 0 || hours < 0 || minutes < 0 || seconds < 0) {
        return malformed();
    }
    const std::chrono::year_month_day date{year{century * 100 + years}, month{static_cast<unsigned>(months)},
                                           day{static_cast<unsigned>(days)}};
    if (!date.ok() || hours > 23 || minutes > 59 || seconds > 59) return malformed();
    const std::int64_t since = std::chrono::sys_days{date}.time_since_epoch().count();
    if (since < 0) return malformed();
    const std::int64_t total = ((since * 24 + hours) * 60 + minutes) * 60 + seconds;
    return UnixMillis{static_cast<std::uint64_t>(total) * 1000U};
}

Result<std::vector<DerElement>> parse_der(ByteView bytes, std::size_t count_max) {
    std::vector<DerElement> elements;
    Cursor cursor{bytes, ByteOrder::kBig};
    while (cursor.remaining() > 0) {
        if (elements.size() == count_max) return make_error(Errc::kInvalid, "der: too many elements");
        DerElement element;
        element.tag = cursor.u8();
        std::size_t length = cursor.u8();
        if (length >= 0x80) {
            const std::size_t octets = length - 0x80;
            if (octets != 1 && octets != 2) return make_error(Errc::kInvalid, "der: a length form that is not used");
            length = octets == 1 ? cursor.u8() : cursor.u16();
            if (length < (octets == 1 ? 0x80U : 0x100U)) return make_error(Errc::kInvalid, "der: length not minimal");
        }
        element.content = cursor.take(length);
        if (!cursor.ok()) return make_error(Errc::kInvalid, "der: truncated");
        elements.push_back(element);
    }
    return elements;
}

Result<std::uint64_t> der_unsigned(const DerElement& element) {
    ByteView digits = element.content;
    if (element.tag != kDerInteger || digits.empty() || digits[0] >= 0x80) {
        return make_error(Errc::kInvalid, "der: not an unsigned integer");
    }
    if (digits[0] == 0 && digits.size() > 1) {
        if (digits[1] < 0x80) return make_error(Errc::kInvalid, "der: integer not minimal");
        digits = digits.subspan(1);
    }
    if (digits.size() > 8) return make_error(Errc::kInvalid, "der: integer too large");
    std::uint64_t value = 0;
    for (const std::uint8_t digit : digits) value = value << 8U | digit;
    return value;
}

}  // namespace vcity::attest
