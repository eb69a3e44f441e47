// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/check.hpp"
#include "codec/json.hpp"
#include "codec/utf8.hpp"

namespace vcity::codec {

// Reads the alternatives of a value, which its public interface gives one by one.
struct JsonAccess {
    template <class Visitor>
    static void visit(const Json& value, const Visitor& visitor) {
        std::visit(visitor, value.value_);
    }
};

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::size_t kIndent = 2;

enum class Form { kCompact, kPretty, kCanonical };

// The two-character escape of RFC 8259, or an empty view.
std::string_view short_escape(char letter) {
    switch (letter) {
        case '"': return "\\\"";
        case '\\': return "\\\\";
        case '\b': return "\\b";
        case '\f': return "\\f";
        case '\n': return "\\n";
        case '\r': return "\\r";
        case '\t': return "\\t";
        default: return {};
    }
}

void append_string(std::string* out, std::string_view text) {
    *out += '"';
    while (!text.empty()) {
        const std::size_t length = utf8_character_length(text);
        const std::string_view escape = short_escape(text.front());
        if (length == 0) {
            *out += kReplacement;
        } else if (!escape.empty()) {
            *out += escape;
        } else if (static_cast<unsigned char>(text.front()) < 0x20) {
            fmt::format_to(std::back_inserter(*out), "\\u{:04x}", static_cast<unsigned>(text.front()));
        } else {
            *out += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    *out += '"';
}

// The shortest digits that read back as the same double, and the decimal exponent of the first of them.
struct Decimal {
    std::string digits;
    int exponent = 0;
};

Decimal shortest(double positive) {
    std::array<char, 32> buffer{};
    const auto [end, error] =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), positive, std::chars_format::scientific);
    CHECK(error == std::errc{});
    const std::string_view text{buffer.data(), static_cast<std::size_t>(end - buffer.data())};
    const std::size_t mark = text.find('e');
    Decimal decimal;
    for (const char digit : text.substr(0, mark)) {
        if (digit != '.') decimal.digits += digit;
    }
    const char* exponent = text.data() + mark + (text[mark + 1] == '+' ? 2 : 1);
    CHECK(std::from_chars(exponent, text.data() + text.size(), decimal.exponent).ec == std::errc{});
    return decimal;
}

// ECMAScript Number::toString, as RFC 8785 asks: plain digits from 1e-6 up to 1e21, an exponent outside. JSON knows no
// infinities and no NaN; they become null.
void append_double(std::string* out, double value) {
    if (!std::isfinite(value)) {
        *out += "null";
        return;
    }
    if (value == 0) {
        *out += '0';
        return;
    }
    if (value < 0) *out += '-';
    Decimal decimal = shortest(std::fabs(value));
    const int count = static_cast<int>(decimal.digits.size());
    const int point = decimal.exponent + 1;  // digits before the decimal point
    if (count <= point && point <= 21) {
        *out += decimal.digits.append(static_cast<std::size_t>(point - count), '0');
    } else if (0 < point && point <= 21) {
        *out += decimal.digits.insert(static_cast<std::size_t>(point), ".");
    } else if (-6 < point && point <= 0) {
        *out += "0." + std::string(static_cast<std::size_t>(-point), '0') + decimal.digits;
    } else {
        if (count > 1) decimal.digits.insert(1, ".");
        *out += fmt::format("{}e{:+}", decimal.digits, decimal.exponent);
    }
}

// RFC 8785 sorts names by UTF-16 code units: that is byte order, but the planes above the first come before U+E000.
std::u16string utf16_of(std::string_view text) {
    std::u16string units;
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(utf8_character_length(text), 1);
        const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
        unsigned code = byte(0);
        if (length > 1) code &= 0x7fU >> length;
        for (std::size_t index = 1; index < length; ++index) code = code << 6U | (byte(index) & 0x3fU);
        if (length == 1 && code >= 0x80) code = 0xfffd;
        if (code >= 0x10000) {
            units += static_cast<char16_t>(0xd800U + ((code - 0x10000U) >> 10U));
            code = 0xdc00U + (code & 0x3ffU);
        }
        units += static_cast<char16_t>(code);
        text.remove_prefix(length);
    }
    return units;
}

class Writer {
  public:
    Writer(Form form, std::string* out) : form_{form}, out_{out} {}

    void write(const Json& value) {
        JsonAccess::visit(value, [this](const auto& alternative) { put(alternative); });
    }

  private:
    void put(std::monostate) { *out_ += "null"; }
    void put(bool value) { *out_ += value ? "true" : "false"; }
    void put(std::int64_t value) { *out_ += fmt::to_string(value); }
    void put(std::uint64_t value) { *out_ += fmt::to_string(value); }
    void put(double value) { append_double(out_, value); }
    void put(const std::string& value) { append_string(out_, value); }
    void put(const JsonArray& items);
    void put(const JsonObject& members);
    void put_member(const JsonObject::value_type& member);
    void begin(char bracket);
    void separate(bool is_first);
    void end(char bracket, bool is_empty);
    void break_line();

    Form form_;
    std::string* out_;
    std::size_t depth_ = 0;
};

void Writer::put(const JsonArray& items) {
    begin('[');
    for (const Json& item : items) {
        separate(&item == &items.front());
        write(item);
    }
    end(']', items.empty());
}

void Writer::put(const JsonObject& members) {
    begin('{');
    if (form_ == Form::kCanonical) {
        std::vector<std::pair<std::u16string, const JsonObject::value_type*>> sorted;
        sorted.reserve(members.size());
        for (const auto& member : members) sorted.emplace_back(utf16_of(member.first), &member);
        std::ranges::sort(sorted);  // Equal names, which only unparsed values can have, keep their order.
        for (const auto& [name, member] : sorted) {
            separate(member == sorted.front().second);
            put_member(*member);
        }
    } else {
        for (const auto& member : members) {
            separate(&member == &members.front());
            put_member(member);
        }
    }
    end('}', members.empty());
}

void Writer::put_member(const JsonObject::value_type& member) {
    append_string(out_, member.first);
    *out_ += form_ == Form::kPretty ? ": " : ":";
    write(member.second);
}

void Writer::begin(char bracket) {
    *out_ += bracket;
    ++depth_;
}

void Writer::separate(bool is_first) {
    if (!is_first) *out_ += ',';
    break_line();
}

void Writer::end(char bracket, bool is_empty) {
    --depth_;
    if (!is_empty) break_line();
    *out_ += bracket;
}

void Writer::break_line() {
    if (form_ != Form::kPretty) return;
    *out_ += '\n';
    out_->append(kIndent * depth_, ' ');
}

std::string dump(const Json& value, Form form) {
    std::string text;
    Writer{form, &text}.write(value);
    return text;
}

}  // namespace

std::string dump_json(const Json& value) {
    return dump(value, Form::kCompact);
}

std::string dump_json_pretty(const Json& value) {
    return dump(value, Form::kPretty);
}

std::string dump_json_canonical(const Json& value) {
    return dump(value, Form::kCanonical);
}

}  // namespace vcity::codec
