// SPDX-License-Identifier: Apache-2.0
#include "operator/redact.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "codec/hex.hpp"
#include "crypto/sha256.hpp"

namespace vcity::cli {
namespace {

constexpr std::size_t kKnownBytesMin = 6;
constexpr std::size_t kMarkDigits = 8;
constexpr std::size_t kSeedWordsMin = 12;
constexpr std::size_t kRunMin = 16;      // shorter runs are names
constexpr std::size_t kLettersMin = 24;  // of one run of letters that is no word
constexpr std::size_t kCaseChangesMin = 8;
constexpr std::size_t kDigitChangesMin = 2;
constexpr std::size_t kWholeMin = 20;  // of a run with separators
constexpr std::size_t kAddressDigits = 40;

constexpr std::array<std::string_view, 17> kNames = {
    "password", "passwd",        "passphrase", "secret",     "token",  "api_key",   "apikey", "api-key", "private",
    "mnemonic", "authorization", "cookie",     "credential", "pepper", "signature", "bearer", "seed"};
constexpr std::array<std::string_view, 9> kPrefixes = {"AKIA", "ASIA", "ghp_",   "gho_", "sk-",
                                                       "xox",  "pat_", "glpat-", "vc_"};

char lower(char letter) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}
bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}
bool is_upper(char letter) {
    return letter >= 'A' && letter <= 'Z';
}
bool is_lower(char letter) {
    return letter >= 'a' && letter <= 'z';
}
bool is_alnum(char letter) {
    return is_digit(letter) || is_upper(letter) || is_lower(letter);
}
bool is_hex(char letter) {
    return is_digit(letter) || (lower(letter) >= 'a' && lower(letter) <= 'f');
}
bool is_name(char letter) {
    return is_alnum(letter) || letter == '_' || letter == '-';
}
bool is_run(char letter) {
    return is_alnum(letter) || std::string_view{"_+/=-.~%"}.find(letter) != std::string_view::npos;
}
bool is_quote(char letter) {
    return letter == '"' || letter == '\'';
}

std::string lowered(std::string_view text) {
    std::string copy{text};
    std::ranges::transform(copy, copy.begin(), lower);
    return copy;
}

// What a stretch of letters and digits looks like.
struct Shape {
    std::size_t size = 0;
    std::size_t digits = 0;
    std::size_t digit_changes = 0;  // between letter and digit
    std::size_t case_changes = 0;   // between small and capital

    void add(char before, char letter) {
        ++size;
        digits += is_digit(letter) ? 1 : 0;
        if (!is_alnum(before)) return;
        if (is_digit(before) != is_digit(letter)) ++digit_changes;
        if ((is_upper(before) && is_lower(letter)) || (is_lower(before) && is_upper(letter))) ++case_changes;
    }
    bool is_number() const { return digits == size; }
};

bool is_address(std::string_view stretch) {
    return stretch.size() == kAddressDigits + 2 && stretch.starts_with("0x") &&
           std::ranges::all_of(stretch.substr(2), is_hex);
}

bool is_secret_stretch(std::string_view stretch) {
    if (stretch.size() < kRunMin || is_address(stretch)) return false;
    Shape shape;
    char before = '\0';
    for (const char letter : stretch) shape.add(std::exchange(before, letter), letter);
    if (shape.is_number()) return false;
    return shape.digit_changes >= kDigitChangesMin || shape.case_changes >= kCaseChangesMin ||
           (shape.digits == 0 && shape.size >= kLettersMin);
}

// 8-4-4-4-12 digits of a UUID.
bool has_uuid(std::string_view run) {
    constexpr std::array<std::size_t, 4> kDashes = {8, 13, 18, 23};
    constexpr std::size_t kSize = 36;
    for (std::size_t at = 0; at + kSize <= run.size(); ++at) {
        bool is_match = true;
        for (std::size_t index = 0; index < kSize && is_match; ++index) {
            const bool is_dash = std::ranges::find(kDashes, index) != kDashes.end();
            is_match = is_dash ? run[at + index] == '-' : is_hex(run[at + index]);
        }
        if (is_match) return true;
    }
    return false;
}

// Letters, digits and what stands between them in keys: a secret as a whole, or a name, a path, a number?
bool is_secret_run(std::string_view run) {
    if (run.size() < kRunMin) return false;
    for (const std::string_view prefix : kPrefixes) {
        const std::size_t at = run.find(prefix);
        const bool begins = at != std::string_view::npos && (at == 0 || !is_alnum(run[at - 1]));
        if (begins && run.size() - at >= kRunMin) return true;
    }
    if (has_uuid(run)) return true;
    Shape whole;
    char before = '\0';
    std::size_t begin = 0;
    bool has_address = false;
    for (std::size_t at = 0; at <= run.size(); ++at) {
        if (at < run.size() && is_alnum(run[at])) {
            whole.add(std::exchange(before, run[at]), run[at]);
            continue;
        }
        const std::string_view stretch = run.substr(begin, at - begin);
        if (is_secret_stretch(stretch)) return true;
        has_address = has_address || is_address(stretch);
        begin = at + 1;
        before = '\0';
    }
    // Keys with separators in them, as base64 makes them.
    const bool is_mixed = whole.digits > 0 && !whole.is_number();
    return !has_address && whole.size >= kWholeMin && is_mixed &&
           (whole.digit_changes + whole.case_changes) * 4 >= whole.size;
}

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

bool is_told_by_name(std::string_view line, std::size_t begin, std::size_t end) {
    const std::string name = lowered(line.substr(begin, end - begin));
    // "password_file" names a file, "output_tokens" a number.
    for (const std::string_view suffix : {"file", "path", "tokens", "seconds", "total", "_ms", "_bytes"}) {
        if (name.ends_with(suffix)) return false;
    }
    return true;
}

// The value after a name that ends at `at`; nullopt when none follows.
bool find_value(std::string_view line, std::size_t at, bool is_option, bool is_scheme, Span* out) {
    const auto skip = [&](std::string_view letters) {
        while (at < line.size() && letters.find(line[at]) != std::string_view::npos) ++at;
    };
    skip("\\\"'");
    const std::size_t after_name = at;
    skip(" \t");
    char separator = '\0';
    if (at < line.size() && (line[at] == ':' || line[at] == '=')) {
        separator = line[at++];
        skip(" \t");
    } else if (!((is_option || is_scheme) && at > after_name)) {
        return false;
    }
    const bool is_escaped = at + 1 < line.size() && line[at] == '\\' && is_quote(line[at + 1]);
    if (is_escaped) ++at;
    if (at < line.size() && is_quote(line[at])) {
        const char quote = line[at++];
        out->begin = at;
        while (at < line.size() && !(line[at] == quote && (is_escaped || line[at - 1] != '\\'))) ++at;
        out->end = is_escaped && at > out->begin && at < line.size() ? at - 1 : at;
        return out->end > out->begin;
    }
    out->begin = at;
    // After a colon the rest of the line is meant, after "=" one word.
    while (at < line.size() && (separator == ':' || !std::isspace(static_cast<unsigned char>(line[at])))) ++at;
    out->end = at;
    return out->end > out->begin;
}

void add_named(std::string_view line, std::vector<Span>* out) {
    const std::string small = lowered(line);
    for (const std::string_view word : kNames) {
        for (std::size_t at = small.find(word); at != std::string::npos; at = small.find(word, at + 1)) {
            std::size_t begin = at;
            while (begin > 0 && is_name(small[begin - 1])) --begin;
            std::size_t end = at + word.size();
            while (end < small.size() && is_name(small[end])) ++end;
            Span value;
            const bool is_option = small.compare(begin, 2, "--") == 0;
            const bool is_scheme = word == "bearer";
            if (is_told_by_name(line, begin, end) && find_value(line, end, is_option, is_scheme, &value)) {
                out->push_back(value);
            }
        }
    }
}

void add_url_users(std::string_view line, std::vector<Span>* out) {
    for (std::size_t at = line.find("://"); at != std::string_view::npos; at = line.find("://", at + 3)) {
        const std::size_t begin = at + 3;
        const std::size_t end = line.find_first_of("/ \t\"'<>", begin);
        const std::string_view authority = line.substr(begin, end == std::string_view::npos ? end : end - begin);
        const std::size_t sign = authority.rfind('@');
        if (sign != std::string_view::npos && sign > 0) out->push_back({begin, begin + sign});
    }
}

void add_seed_phrases(std::string_view line, std::vector<Span>* out) {
    constexpr std::size_t kShortest = 3;
    constexpr std::size_t kLongest = 8;
    std::size_t begin = 0;
    std::size_t words = 0;
    std::size_t last_end = 0;
    const auto flush = [&] {
        if (words >= kSeedWordsMin) out->push_back({begin, last_end});
        words = 0;
    };
    for (std::size_t at = 0; at < line.size();) {
        if (!is_alnum(line[at])) {
            // One space or comma between words keeps the list going.
            const bool is_gap = line[at] == ' ' || line[at] == ',' || line[at] == '\t';
            if (!is_gap) flush();
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < line.size() && is_alnum(line[end])) ++end;
        const std::string_view word = line.substr(at, end - at);
        const bool fits = word.size() >= kShortest && word.size() <= kLongest && std::ranges::all_of(word, is_lower);
        if (!fits) flush();
        if (fits) {
            if (words++ == 0) begin = at;
            last_end = end;
        }
        at = end;
    }
    flush();
}

void add_runs(std::string_view line, std::vector<Span>* out) {
    for (std::size_t at = 0; at < line.size();) {
        if (!is_run(line[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < line.size() && is_run(line[end])) ++end;
        if (is_secret_run(line.substr(at, end - at))) out->push_back({at, end});
        at = end;
    }
}

}  // namespace

void Redactor::add_secret(std::string value) {
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back()))) value.pop_back();
    if (value.size() < kKnownBytesMin) return;
    known_.push_back(std::move(value));
    std::ranges::sort(known_, [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string Redactor::mark(std::string_view secret) const {
    const Hash digest = crypto::hmac_sha256(salt_, as_bytes(secret));
    return "<redacted:" + codec::to_hex(digest).substr(2, kMarkDigits) + ">";
}

std::string Redactor::without_known(std::string text) const {
    for (const std::string& secret : known_) {
        const std::string replacement = mark(secret);
        for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
            text.replace(at, secret.size(), replacement);
            at += replacement.size();
        }
    }
    return text;
}

// A block without its end is taken to the end of the text.
std::string Redactor::without_pem(std::string_view text) const {
    constexpr std::string_view kBegin = "-----BEGIN ";
    constexpr std::string_view kEnd = "-----END ";
    std::string out;
    while (true) {
        const std::size_t begin = text.find(kBegin);
        if (begin == std::string_view::npos) return out += text;
        const std::size_t last = text.find(kEnd, begin);
        const std::size_t close = last == std::string_view::npos ? last : text.find("-----", last + kEnd.size());
        const std::size_t end = close == std::string_view::npos ? text.size() : close + 5;
        out += text.substr(0, begin);
        out += mark(text.substr(begin, end - begin));
        text.remove_prefix(end);
    }
}

std::string Redactor::redact_line(std::string_view line) const {
    std::vector<Span> spans;
    add_named(line, &spans);
    add_url_users(line, &spans);
    add_seed_phrases(line, &spans);
    add_runs(line, &spans);
    std::ranges::sort(spans, {}, &Span::begin);
    std::string out;
    std::size_t at = 0;
    for (std::size_t index = 0; index < spans.size();) {
        // Spans that touch are one.
        Span span = spans[index++];
        while (index < spans.size() && spans[index].begin <= span.end) {
            span.end = std::max(span.end, spans[index++].end);
        }
        out += line.substr(at, span.begin - at);
        out += mark(line.substr(span.begin, span.end - span.begin));
        at = span.end;
    }
    return out += line.substr(at);
}

std::string Redactor::redact(std::string_view text) const {
    const std::string plain = without_pem(without_known(std::string{text}));
    std::string out;
    std::size_t at = 0;
    while (at < plain.size()) {
        const std::size_t end = std::min(plain.find('\n', at), plain.size());
        out += redact_line(std::string_view{plain}.substr(at, end - at));
        if (end < plain.size()) out += '\n';
        at = end + 1;
    }
    return out;
}

}  // namespace vcity::cli
