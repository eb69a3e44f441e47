// SPDX-License-Identifier: Apache-2.0
#include "app/fields.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "codec/json.hpp"

namespace vcity::app {
namespace {

// Levenshtein's distance; both texts are short.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t above = row[j + 1];
            row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row.back();
}

std::string unknown(std::string_view name, const std::vector<std::string>& known) {
    constexpr std::size_t kNear = 2;
    for (const std::string& other : known) {
        if (distance(name, other) <= kNear) {
            return fmt::format("there is no field {}; did you mean '{}'?", shown(name), other);
        }
    }
    return fmt::format("there is no field {}; there are {}", shown(name), fmt::join(known, ", "));
}

}  // namespace

std::string shown(std::string_view text) {
    constexpr std::size_t kShownMax = 48;
    const bool is_cut = text.size() > kShownMax;
    if (is_cut) text = text.substr(0, codec::utf8_complete_prefix(text.substr(0, kShownMax)));
    std::string clean{text};
    for (char& character : clean) {
        if (static_cast<unsigned char>(character) < ' ' || character == '\x7f') character = ' ';
    }
    return "'" + clean + (is_cut ? "..." : "") + "'";
}

std::string shown(const Node& node) {
    if (node.kind == Node::Kind::kList) return "a list";
    if (node.kind == Node::Kind::kMap) return "a map";
    return shown(node.text);
}

bool is_made_of(std::string_view text, std::string_view others) {
    return std::ranges::all_of(text, [&](char character) {
        return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
               (character >= '0' && character <= '9') || others.find(character) != std::string_view::npos;
    });
}

std::optional<std::uint32_t> parse_whole(std::string_view text) {
    std::uint32_t number = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<double> parse_decimal(std::string_view text) {
    const bool is_decimal = !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](char character) {
        return (character >= '0' && character <= '9') || character == '.';
    });
    double number = 0;
    if (!is_decimal) return std::nullopt;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (code != std::errc{} || stop != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
    return number;
}

std::optional<std::uint32_t> parse_duration(std::string_view text) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    std::uint64_t total = 0;
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        std::uint32_t number = 0;
        const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (code != std::errc{} || stop == text.data() + text.size()) return std::nullopt;
        std::uint64_t unit = 0;
        switch (*stop) {
            case 's': unit = 1; break;
            case 'm': unit = 60; break;
            case 'h': unit = 3600; break;
            case 'd': unit = 24U * 3600U; break;
            default: return std::nullopt;
        }
        total += number * unit;
        if (total > kMost) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(stop + 1 - text.data()));
    }
    return static_cast<std::uint32_t>(total);
}

std::optional<std::uint32_t> parse_size(std::string_view text) {
    struct Unit {
        std::string_view name;
        double mib;
    };
    constexpr double kKib = 1024;
    static constexpr Unit kUnits[] = {
        {"GiB", kKib},        {"Gi", kKib},        {"GB", kKib},        {"G", kKib},
        {"MiB", 1},           {"Mi", 1},           {"MB", 1},           {"M", 1},
        {"TiB", 1024 * kKib}, {"Ti", 1024 * kKib}, {"TB", 1024 * kKib}, {"T", 1024 * kKib}};
    double mib = kKib;
    for (const Unit& unit : kUnits) {
        if (!text.ends_with(unit.name)) continue;
        mib = unit.mib;
        text.remove_suffix(unit.name.size());
        break;
    }
    const std::optional<double> number = parse_decimal(text);
    if (!number) return std::nullopt;
    const double whole = std::ceil(*number * mib - 1e-6);
    if (whole > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    return static_cast<std::uint32_t>(whole);
}

Fields::Fields(const Node& node, std::string path, Problems* problems)
    : node_{&node}, path_{std::move(path)}, problems_{problems} {
    if (node.kind == Node::Kind::kMap || node.is_null()) return;
    problems_->push_back({node.place, path_, fmt::format("is {}; it must be a map of fields", shown(node))});
}

std::string Fields::path_of(std::string_view name) const {
    return path_.empty() ? std::string{name} : fmt::format("{}.{}", path_, name);
}

void Fields::add(const Node& node, std::string_view name, std::string message) {
    problems_->push_back({node.place, path_of(name), std::move(message)});
}

void Fields::add_missing(std::string_view name, std::string message) {
    const Node* found = node_->find(name);
    const bool is_there = found != nullptr && found->place.line != 0;
    problems_->push_back({is_there ? found->place : node_->place, path_of(name), std::move(message)});
}

const Node* Fields::take(std::string_view name) {
    if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
    const Node* found = node_->find(name);
    return found == nullptr || found->is_null() ? nullptr : found;
}

void Fields::finish() {
    if (node_->kind != Node::Kind::kMap) return;
    for (const Node& child : node_->children) {
        if (std::ranges::find(known_, child.key) != known_.end()) continue;
        const std::string_view name = std::string_view{child.key}.substr(
            0, codec::utf8_complete_prefix(std::string_view{child.key}.substr(0, 48)));
        problems_->push_back({child.key_place, path_of(name), unknown(name, known_)});
    }
}

const std::string* Fields::scalar(const Node& node, std::string_view name, std::string_view allowed) {
    if (node.kind == Node::Kind::kScalar) return &node.text;
    add(node, name, fmt::format("is {}; it must be {}", shown(node), allowed));
    return nullptr;
}

bool Fields::text(std::string_view name, std::size_t bytes_max, std::string* out) {
    const Node* node = take(name);
    if (node == nullptr) return false;
    const std::string* text = scalar(*node, name, "a text");
    if (text == nullptr) return false;
    if (text->size() > bytes_max) {
        add(*node, name, fmt::format("has {} bytes; at most {} are taken", text->size(), bytes_max));
        return false;
    }
    if (text->find('\0') != std::string::npos) {
        add(*node, name, "contains a zero byte");
        return false;
    }
    *out = *text;
    return true;
}

bool Fields::whole(std::string_view name, std::uint32_t least, std::uint32_t most, std::uint32_t* out) {
    const Node* node = take(name);
    if (node == nullptr) return false;
    const std::optional<std::uint32_t> number =
        node->kind == Node::Kind::kScalar ? parse_whole(node->text) : std::nullopt;
    if (!number || *number < least || *number > most) {
        add(*node, name, fmt::format("is {}; it must be a whole number from {} to {}", shown(*node), least, most));
        return false;
    }
    *out = *number;
    return true;
}

bool Fields::flag(std::string_view name, bool* out) {
    const Node* node = take(name);
    if (node == nullptr) return false;
    const bool is_flag = node->kind == Node::Kind::kScalar && (node->text == "true" || node->text == "false");
    if (!is_flag) {
        add(*node, name, fmt::format("is {}; it must be true or false", shown(*node)));
        return false;
    }
    *out = node->text == "true";
    return true;
}

bool Fields::duration(std::string_view name, std::uint32_t seconds_max, std::uint32_t* out) {
    const Node* node = take(name);
    if (node == nullptr) return false;
    const auto seconds = node->kind == Node::Kind::kScalar ? parse_duration(node->text) : std::nullopt;
    if (!seconds || *seconds == 0 || *seconds > seconds_max) {
        add(*node, name,
            fmt::format("is {}; it must be a time such as 90s, 10m, 2h or 1d, at most {} s", shown(*node),
                        seconds_max));
        return false;
    }
    *out = *seconds;
    return true;
}

bool Fields::money(std::string_view name, Usd* out) {
    const Node* node = take(name);
    if (node == nullptr) return false;
    constexpr std::uint64_t kMostMicro = 1'000'000'000'000'000;
    if (node->kind == Node::Kind::kScalar) {
        const Result<Usd> amount = parse_usd(node->text);
        if (amount && amount->micro > 0 && amount->micro <= kMostMicro) {
            *out = *amount;
            return true;
        }
    }
    add(*node, name, fmt::format("is {}; it must be dollars such as 2.50, above 0", shown(*node)));
    return false;
}

bool Fields::scaled(std::string_view name, std::uint32_t scale, double most, std::uint32_t* out) {
    const Node* node = take(name);
    if (node == nullptr) return false;
    std::string_view text = node->text;
    if (text.ends_with('+')) text.remove_suffix(1);
    const auto number = node->kind == Node::Kind::kScalar ? parse_decimal(text) : std::nullopt;
    if (!number || *number <= 0 || *number > most) {
        add(*node, name, fmt::format("is {}; it must be a number above 0 and up to {}", shown(*node), most));
        return false;
    }
    // A decimal such as 0.3 must not become one thousandth more by its last binary digit.
    *out = static_cast<std::uint32_t>(std::ceil(*number * scale - 1e-6));
    return true;
}

bool Fields::size(std::string_view name, std::uint32_t mib_max, std::uint32_t* out) {
    const Node* node = take(name);
    if (node == nullptr) return false;
    std::string_view text = node->text;
    if (text.ends_with('+')) text.remove_suffix(1);
    const auto mib = node->kind == Node::Kind::kScalar ? parse_size(text) : std::nullopt;
    if (!mib || *mib == 0 || *mib > mib_max) {
        add(*node, name,
            fmt::format("is {}; it must be a size such as 32, 32+, 32GB or 512MB (a number alone is GiB), at most {}",
                        shown(*node), mib_max / 1024));
        return false;
    }
    *out = *mib;
    return true;
}

bool Fields::choice(std::string_view name, std::span<const std::string_view> names, std::size_t* out) {
    const Node* node = take(name);
    if (node == nullptr) return false;
    const auto found = node->kind == Node::Kind::kScalar ? std::ranges::find(names, node->text) : names.end();
    if (found == names.end()) {
        add(*node, name, fmt::format("is {}; it must be one of {}", shown(*node), fmt::join(names, ", ")));
        return false;
    }
    *out = static_cast<std::size_t>(found - names.begin());
    return true;
}

bool Fields::texts(std::string_view name, std::size_t count_max, std::size_t bytes_max, std::vector<std::string>* out) {
    const Node* node = take(name);
    if (node == nullptr) return false;
    std::vector<std::string> list;
    const auto add_one = [&](const Node& item) {
        const bool is_good = item.kind == Node::Kind::kScalar && item.text.size() <= bytes_max &&
                             item.text.find('\0') == std::string::npos;
        if (!is_good)
            add(item, name, fmt::format("has {}; it must hold texts of at most {} bytes", shown(item), bytes_max));
        if (is_good) list.push_back(item.text);
        return is_good;
    };
    if (node->kind == Node::Kind::kScalar) {
        if (!add_one(*node)) return false;
    } else if (node->kind == Node::Kind::kMap || node->children.size() > count_max) {
        add(*node, name, fmt::format("must be a list of at most {} texts", count_max));
        return false;
    } else if (!std::ranges::all_of(node->children, add_one)) {
        return false;
    }
    *out = std::move(list);
    return true;
}

}  // namespace vcity::app
