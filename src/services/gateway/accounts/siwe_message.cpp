// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/accounts/siwe_message.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "codec/integer.hpp"
#include "crypto/keccak.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kInvitation = " wants you to sign in with your Ethereum account:";
constexpr std::size_t kResourcesMax = 32;
constexpr std::int64_t kTimeMax = 253'402'300'799;  // the end of the year 9999
// RFC 3986, section 2.
constexpr std::string_view kUnreservedMarks = "-._~";
constexpr std::string_view kSubDelims = "!$&'()*+,;=";
constexpr std::string_view kGenDelims = ":/?#[]@";

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool is_alpha(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

bool is_hex(char character) {
    return is_digit(character) || (character >= 'a' && character <= 'f') || (character >= 'A' && character <= 'F');
}

bool is_one_of(char character, std::string_view set) {
    return set.find(character) != std::string_view::npos;
}

bool is_unreserved(char character) {
    return is_alpha(character) || is_digit(character) || is_one_of(character, kUnreservedMarks);
}

// Unreserved, sub-delims, whole escapes, and what else is allowed there.
bool is_uri_text(std::string_view text, std::string_view also) {
    for (std::size_t index = 0; index < text.size(); ++index) {
        const char character = text[index];
        if (is_unreserved(character) || is_one_of(character, kSubDelims) || is_one_of(character, also)) continue;
        const bool is_escape =
            character == '%' && index + 2 < text.size() && is_hex(text[index + 1]) && is_hex(text[index + 2]);
        if (!is_escape) return false;
        index += 2;
    }
    return true;
}

bool is_scheme(std::string_view text) {
    return !text.empty() && is_alpha(text.front()) && std::ranges::all_of(text, [](char character) {
        return is_alpha(character) || is_digit(character) || is_one_of(character, "+-.");
    });
}

bool is_uri(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return false;
    return is_uri_text(text.substr(colon + 1), kGenDelims);
}

bool is_statement(std::string_view text) {
    return std::ranges::all_of(text, [](char character) {
        return is_unreserved(character) || is_one_of(character, kSubDelims) || is_one_of(character, kGenDelims) ||
               character == ' ';
    });
}

bool is_nonce(std::string_view text) {
    return text.size() >= 8 &&
           std::ranges::all_of(text, [](char character) { return is_alpha(character) || is_digit(character); });
}

Error bad_line(std::string_view what) {
    return make_error(Errc::kInvalid, "the sign-in message has no valid " + std::string{what});
}

// Lines, one after another, separated by LF.
class Lines {
  public:
    explicit Lines(std::string_view text) : rest_{text} {}

    bool at_end() const { return at_end_; }
    std::string_view peek() const { return rest_.substr(0, rest_.find('\n')); }
    std::string_view take() {
        const std::string_view line = peek();
        at_end_ = line.size() == rest_.size();
        rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
        return line;
    }
    bool take_empty() { return !at_end_ && take().empty(); }
    // What follows the label in the next line; kInvalid when the line has another.
    Result<std::string_view> take_labelled(std::string_view label) {
        if (at_end_ || !peek().starts_with(label)) return bad_line(label.substr(0, label.find(':')));
        return take().substr(label.size());
    }
    bool has_label(std::string_view label) const { return !at_end_ && peek().starts_with(label); }

  private:
    std::string_view rest_;
    bool at_end_ = false;
};

Result<void> read_opening(Lines* lines, SiweMessage* message) {
    std::string_view opening = lines->take();
    if (!opening.ends_with(kInvitation)) return bad_line("first line");
    opening.remove_suffix(kInvitation.size());
    const std::size_t mark = opening.find("://");
    if (mark != std::string_view::npos) {
        message->scheme = opening.substr(0, mark);
        if (!is_scheme(message->scheme)) return bad_line("scheme");
        opening.remove_prefix(mark + 3);
    }
    if (opening.empty() || !is_uri_text(opening, ":[]@")) return bad_line("domain");
    message->domain = opening;
    return {};
}

// address LF LF [statement LF] LF
Result<void> read_account(Lines* lines, SiweMessage* message) {
    const std::string_view address = lines->at_end() ? std::string_view{} : lines->take();
    TRY(message->address, crypto::parse_address(address));
    if (crypto::to_checksum_address(message->address) != address) return bad_line("address as EIP-55 writes it");
    if (!lines->take_empty()) return bad_line("empty line after the address");
    const std::string_view statement = lines->at_end() ? std::string_view{} : lines->take();
    if (statement.empty()) return {};
    if (!is_statement(statement)) return bad_line("statement");
    message->statement = statement;
    if (!lines->take_empty()) return bad_line("empty line after the statement");
    return {};
}

Result<std::uint64_t> read_time(std::string_view text, std::string_view what) {
    const Result<std::uint64_t> time = parse_rfc3339(text);
    if (!time) return bad_line(what);
    return time;
}

Result<void> read_fixed_fields(Lines* lines, SiweMessage* message) {
    TRY(const std::string_view uri, lines->take_labelled("URI: "));
    if (!is_uri(uri)) return bad_line("URI");
    message->uri = uri;
    TRY(const std::string_view version, lines->take_labelled("Version: "));
    if (version != "1") return bad_line("Version");
    TRY(const std::string_view chain, lines->take_labelled("Chain ID: "));
    if (chain.empty() || !std::ranges::all_of(chain, is_digit)) return bad_line("Chain ID");
    TRY(message->chain_id, codec::parse_decimal(chain));
    TRY(const std::string_view nonce, lines->take_labelled("Nonce: "));
    if (!is_nonce(nonce)) return bad_line("Nonce");
    message->nonce = nonce;
    TRY(const std::string_view issued, lines->take_labelled("Issued At: "));
    TRY(message->issued_at_unix_seconds, read_time(issued, "Issued At"));
    return {};
}

Result<void> read_resources(Lines* lines, SiweMessage* message) {
    if (lines->take() != "Resources:") return bad_line("Resources");
    while (lines->has_label("- ")) {
        const std::string_view resource = lines->take().substr(2);
        if (!is_uri(resource) || message->resources.size() == kResourcesMax) return bad_line("Resources");
        message->resources.emplace_back(resource);
    }
    return {};
}

Result<void> read_optional_fields(Lines* lines, SiweMessage* message) {
    if (lines->has_label("Expiration Time: ")) {
        TRY(const std::string_view text, lines->take_labelled("Expiration Time: "));
        TRY(message->expires_at_unix_seconds, read_time(text, "Expiration Time"));
    }
    if (lines->has_label("Not Before: ")) {
        TRY(const std::string_view text, lines->take_labelled("Not Before: "));
        TRY(message->not_before_unix_seconds, read_time(text, "Not Before"));
    }
    if (lines->has_label("Request ID: ")) {
        TRY(const std::string_view text, lines->take_labelled("Request ID: "));
        if (!is_uri_text(text, ":@")) return bad_line("Request ID");
        message->request_id = text;
    }
    if (lines->has_label("Resources:")) return read_resources(lines, message);
    return {};
}

}  // namespace

Result<SiweMessage> parse_siwe_message(std::string_view text) {
    if (text.size() > kSiweMessageMax) return make_error(Errc::kInvalid, "the sign-in message is too long");
    SiweMessage message;
    Lines lines{text};
    TRY_OK(read_opening(&lines, &message));
    TRY_OK(read_account(&lines, &message));
    TRY_OK(read_fixed_fields(&lines, &message));
    TRY_OK(read_optional_fields(&lines, &message));
    if (!lines.at_end()) return bad_line("end: there are lines after it");
    return message;
}

namespace {

// Takes that many digits off the front.
bool take_number(std::string_view* text, std::size_t digits, int* out) {
    if (text->size() < digits) return false;
    int number = 0;
    for (const char character : text->substr(0, digits)) {
        if (!is_digit(character)) return false;
        number = number * 10 + (character - '0');
    }
    text->remove_prefix(digits);
    *out = number;
    return true;
}

bool take_mark(std::string_view* text, std::string_view marks) {
    if (text->empty() || !is_one_of(text->front(), marks)) return false;
    text->remove_prefix(1);
    return true;
}

// ".123": nothing, or a point and at least one digit.
bool take_fraction(std::string_view* text) {
    if (!take_mark(text, ".")) return true;
    const std::size_t digits = std::min(text->find_first_not_of("0123456789"), text->size());
    text->remove_prefix(digits);
    return digits > 0;
}

// "Z" or "+hh:mm", in minutes.
bool take_offset(std::string_view* text, int* minutes) {
    if (take_mark(text, "Zz")) return true;
    const bool is_east = text->starts_with('+');
    int hours = 0;
    int rest = 0;
    const bool is_whole = take_mark(text, "+-") && take_number(text, 2, &hours) && take_mark(text, ":") &&
                          take_number(text, 2, &rest) && hours < 24 && rest < 60;
    *minutes = (is_east ? 1 : -1) * (hours * 60 + rest);
    return is_whole;
}

}  // namespace

Result<std::uint64_t> parse_rfc3339(std::string_view text) {
    const Error wrong = make_error(Errc::kInvalid, "not a time of RFC 3339");
    int year = 0;
    int month = 0;
    int day = 0;
    const bool has_date = take_number(&text, 4, &year) && take_mark(&text, "-") && take_number(&text, 2, &month) &&
                          take_mark(&text, "-") && take_number(&text, 2, &day) && take_mark(&text, "Tt");
    int hour = 0;
    int minute = 0;
    int second = 0;
    int offset = 0;
    const bool has_time = has_date && take_number(&text, 2, &hour) && take_mark(&text, ":") &&
                          take_number(&text, 2, &minute) && take_mark(&text, ":") && take_number(&text, 2, &second) &&
                          take_fraction(&text) && take_offset(&text, &offset);
    if (!has_time || !text.empty() || hour > 23 || minute > 59 || second > 60) return wrong;
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) return wrong;
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    const std::int64_t seconds = days * 86'400 + hour * 3'600 + (minute - offset) * 60 + second;
    if (seconds < 0 || seconds > kTimeMax) return wrong;
    return static_cast<std::uint64_t>(seconds);
}

std::string to_rfc3339(std::uint64_t unix_seconds) {
    const auto days = static_cast<std::int64_t>(unix_seconds / 86'400);
    const std::uint64_t rest = unix_seconds % 86'400;
    const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3'600,
                       rest / 60 % 60, rest % 60);
}

Hash personal_message_hash(std::string_view text) {
    return crypto::keccak256_text(
        fmt::format("\x19"
                    "Ethereum Signed Message:\n{}{}",
                    text.size(), text));
}

}  // namespace vcity::gateway
