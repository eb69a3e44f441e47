// SPDX-License-Identifier: Apache-2.0
#include "search/query.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace vcity::search {
namespace {

struct Symbol {
    std::string_view text;
    Operator op;
};
// The longer ones first.
constexpr std::array<Symbol, 7> kSymbols{{{"<=", Operator::kAtMost},
                                          {">=", Operator::kAtLeast},
                                          {"==", Operator::kEqual},
                                          {"!=", Operator::kNot},
                                          {"<", Operator::kLess},
                                          {">", Operator::kGreater},
                                          {"=", Operator::kEqual}}};

char folded(char c) {
    if (c == '_') return ' ';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string fold(std::string_view text) {
    std::string result{text};
    std::ranges::transform(result, result.begin(), folded);
    return result;
}

bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_bare(char c) {
    return is_name(c) || c == '-' || c == '.' || c == '/' || c == ':' || c == '+';
}

// Levenshtein's distance; both are names of fields.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
        }
    }
    return row[b.size()];
}

Result<std::size_t> find_field(std::span<const Field> fields, std::string_view name) {
    const auto found = std::ranges::find(fields, name, &Field::name);
    if (found != fields.end()) return static_cast<std::size_t>(found - fields.begin());
    constexpr std::size_t kNameMax = 64;
    std::string message = "there is no field \"" + std::string{name.substr(0, kNameMax)} + "\"";
    if (name.size() > kNameMax || fields.empty()) return make_error(Errc::kInvalid, std::move(message));
    const auto nearest =
        std::ranges::min_element(fields, {}, [&](const Field& field) { return distance(name, field.name); });
    if (distance(name, nearest->name) <= 1 + name.size() / 3) {
        message += "; did you mean \"" + std::string{nearest->name} + "\"?";
    }
    return make_error(Errc::kInvalid, std::move(message));
}

std::string_view name_of(FieldType type) {
    switch (type) {
        case FieldType::kNumber: return "a number";
        case FieldType::kFlag: return "true or false";
        case FieldType::kText: return "text";
    }
    return "";
}

std::optional<double> parse_number(std::string_view text) {
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

class Parser {
  public:
    Parser(std::span<const Field> fields, std::string_view text) : fields_{fields}, text_{text} {}

    Result<Query> parse() {
        Query query;
        for (skip_spaces(); at_ < text_.size(); skip_spaces()) {
            if (query.conditions.size() == kConditionsMax) return fail("too many conditions");
            TRY(Condition condition, parse_condition());
            query.conditions.push_back(std::move(condition));
        }
        return query;
    }

  private:
    struct Word {
        std::string text;
        bool is_quoted = false;
    };

    Error fail(std::string_view what, std::size_t at) const {
        return make_error(Errc::kInvalid, "at character " + std::to_string(at + 1) + ": " + std::string{what});
    }
    Error fail(std::string_view what) const { return fail(what, at_); }

    void skip_spaces() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    }
    bool take(std::string_view symbol) {
        if (!text_.substr(at_).starts_with(symbol)) return false;
        at_ += symbol.size();
        return true;
    }
    std::string_view take_name() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_name(text_[at_])) ++at_;
        return text_.substr(begin, at_ - begin);
    }

    Result<Condition> parse_condition() {
        const std::size_t begin = at_;
        const std::string_view name = take_name();
        if (name.empty()) return fail("a field name is missing");
        const Result<std::size_t> field = find_field(fields_, name);
        if (!field) return fail(field.error().message, begin);
        Condition condition{.field = *field, .op = Operator::kEqual, .values = {}};
        TRY(condition.op, parse_operator());
        const FieldType type = fields_[*field].type;
        const bool is_list = condition.op == Operator::kIn || condition.op == Operator::kNotIn;
        const bool is_equality = is_list || condition.op == Operator::kEqual || condition.op == Operator::kNot;
        if (!is_equality && type != FieldType::kNumber) {
            return fail("\"" + std::string{name} + "\" has no size; use = or !=", begin);
        }
        TRY(condition.values, is_list ? parse_list(type) : parse_single(type));
        return condition;
    }

    Result<Operator> parse_operator() {
        skip_spaces();
        for (const Symbol& symbol : kSymbols) {
            if (take(symbol.text)) return symbol.op;
        }
        const std::size_t begin = at_;
        const std::string_view word = take_name();
        if (word == "in") return Operator::kIn;
        if (word == "notin") return Operator::kNotIn;
        return fail("one of < <= = != >= > in notin is missing", begin);
    }

    Result<Word> parse_word() {
        skip_spaces();
        const std::size_t begin = at_;
        if (take("\"")) {
            const std::size_t end = text_.find('"', at_);
            if (end == std::string_view::npos) return fail("the quotation mark is not closed", begin);
            Word word{std::string{text_.substr(at_, end - at_)}, true};
            at_ = end + 1;
            return word;
        }
        while (at_ < text_.size() && is_bare(text_[at_])) ++at_;
        if (at_ == begin) return fail("a value is missing");
        return Word{std::string{text_.substr(begin, at_ - begin)}, false};
    }

    Result<Value> convert(const Word& word, FieldType type, std::size_t at) const {
        switch (type) {
            case FieldType::kText: return Value{fold(word.text)};
            case FieldType::kFlag:
                if (word.text == "true" || word.text == "True") return Value{true};
                if (word.text == "false" || word.text == "False") return Value{false};
                break;
            case FieldType::kNumber:
                if (const auto number = parse_number(word.text)) return Value{*number};
                break;
        }
        return fail("\"" + word.text.substr(0, 64) + "\" is not " + std::string{name_of(type)}, at);
    }

    Result<std::vector<Value>> parse_single(FieldType type) {
        skip_spaces();
        const std::size_t begin = at_;
        TRY(const Word word, parse_word());
        if (!word.is_quoted && word.text == "any") return std::vector<Value>{};
        TRY(Value value, convert(word, type, begin));
        std::vector<Value> values;
        values.push_back(std::move(value));
        return values;
    }

    Result<std::vector<Value>> parse_list(FieldType type) {
        skip_spaces();
        if (!take("[")) return fail("a list such as [a,b] is missing");
        std::vector<Value> values;
        while (true) {
            skip_spaces();
            const std::size_t begin = at_;
            if (values.size() == kListMax) return fail("the list is too long");
            TRY(const Word word, parse_word());
            TRY(Value value, convert(word, type, begin));
            values.push_back(std::move(value));
            skip_spaces();
            if (take("]")) return values;
            if (!take(",")) return fail("a comma or ] is missing");
        }
    }

    std::span<const Field> fields_;
    std::string_view text_;
    std::size_t at_ = 0;
};

bool is_equal(const Value& wanted, const Value& given) {
    const auto* text = std::get_if<std::string>(&given);
    if (text == nullptr || !std::holds_alternative<std::string>(wanted)) return wanted == given;
    return std::get<std::string>(wanted) == fold(*text);
}

bool holds(const Condition& condition, const Value& given) {
    if (condition.values.empty()) return true;
    if (std::holds_alternative<std::monostate>(given)) return false;
    const Value& first = condition.values.front();
    const double* wanted = std::get_if<double>(&first);
    const double* number = std::get_if<double>(&given);
    const bool is_number = wanted != nullptr && number != nullptr;
    const auto is_listed = [&] {
        return std::ranges::any_of(condition.values, [&](const Value& value) { return is_equal(value, given); });
    };
    switch (condition.op) {
        case Operator::kLess: return is_number && *number < *wanted;
        case Operator::kAtMost: return is_number && *number <= *wanted;
        case Operator::kAtLeast: return is_number && *number >= *wanted;
        case Operator::kGreater: return is_number && *number > *wanted;
        case Operator::kEqual:
        case Operator::kIn: return is_listed();
        case Operator::kNot:
        case Operator::kNotIn: return !is_listed();
    }
    return false;
}

bool is_unknown(const Value& value) {
    const double* number = std::get_if<double>(&value);
    return std::holds_alternative<std::monostate>(value) || (number != nullptr && std::isnan(*number));
}

}  // namespace

Result<Query> parse_query(std::span<const Field> fields, std::string_view text) {
    if (text.size() > kQueryBytesMax) {
        return make_error(Errc::kInvalid, "the query is longer than " + std::to_string(kQueryBytesMax) + " bytes");
    }
    return Parser{fields, text}.parse();
}

Result<Order> parse_order(std::span<const Field> fields, std::string_view text) {
    if (text.size() > kQueryBytesMax) return make_error(Errc::kInvalid, "the order is too long");
    Order order;
    while (!text.empty()) {
        if (order.keys.size() == kConditionsMax) return make_error(Errc::kInvalid, "the order has too many fields");
        const std::size_t comma = text.find(',');
        std::string_view name = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
        Order::Key key{.field = 0, .is_descending = name.ends_with('-')};
        if (key.is_descending) name.remove_suffix(1);
        TRY(key.field, find_field(fields, name));
        order.keys.push_back(key);
    }
    return order;
}

bool matches(const Query& query, std::span<const Value> row) {
    return std::ranges::all_of(query.conditions, [&](const Condition& condition) {
        return condition.field < row.size() && holds(condition, row[condition.field]);
    });
}

bool comes_before(const Order& order, std::span<const Value> a, std::span<const Value> b) {
    for (const Order::Key& key : order.keys) {
        if (key.field >= a.size() || key.field >= b.size()) continue;
        const Value& left = a[key.field];
        const Value& right = b[key.field];
        if (is_unknown(left) || is_unknown(right)) {
            if (is_unknown(left) != is_unknown(right)) return is_unknown(right);
            continue;
        }
        if (left == right) continue;
        return key.is_descending ? right < left : left < right;
    }
    return false;
}

}  // namespace vcity::search
