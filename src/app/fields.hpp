// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/yaml.hpp"
#include "base/amount.hpp"

// Reading the members of a map one by one, collecting what is wrong with them.
namespace vcity::app {

using Problems = std::vector<Problem>;

// Members of one map. A member that nobody took is a problem, reported by finish(). Borrows node and problems.
class Fields {
  public:
    // A node that is no map is a problem, and then has no members.
    Fields(const Node& node, std::string path, Problems* problems);

    // nullptr when it is absent or null.
    const Node* take(std::string_view name);
    void finish();

    std::string path_of(std::string_view name) const;
    void add(const Node& node, std::string_view name, std::string message);
    // Of a field that is not there, or does not go with others: its place, or that of the map.
    void add_missing(std::string_view name, std::string message);
    Problems* problems() const { return problems_; }
    const Place& place() const { return node_->place; }

    // Each leaves *out alone when the field is absent, and when it is wrong after adding the problem. True when it was
    // there and right.
    bool text(std::string_view name, std::size_t bytes_max, std::string* out);
    bool whole(std::string_view name, std::uint32_t least, std::uint32_t most, std::uint32_t* out);
    bool flag(std::string_view name, bool* out);
    bool duration(std::string_view name, std::uint32_t seconds_max, std::uint32_t* out);
    bool money(std::string_view name, Usd* out);
    // A number, fractions and a "+" behind it allowed, as ceil(number * scale).
    bool scaled(std::string_view name, std::uint32_t scale, double most, std::uint32_t* out);
    // Of GiB, "32", "32+", "32GB", "512MB", in MiB.
    bool size(std::string_view name, std::uint32_t mib_max, std::uint32_t* out);
    bool choice(std::string_view name, std::span<const std::string_view> names, std::size_t* out);
    // A text alone stands for a list of one.
    bool texts(std::string_view name, std::size_t count_max, std::size_t bytes_max, std::vector<std::string>* out);

  private:
    const std::string* scalar(const Node& node, std::string_view name, std::string_view allowed);

    const Node* node_;
    std::string path_;
    Problems* problems_;
    std::vector<std::string> known_;
};

// "90s", "10m", "2h", "1d", "1h30m". nullopt for anything else and for more than 2^32 - 1 seconds.
std::optional<std::uint32_t> parse_duration(std::string_view text);
// A decimal number without sign or exponent.
std::optional<double> parse_decimal(std::string_view text);
std::optional<std::uint32_t> parse_whole(std::string_view text);
// A "32GB" in MiB, fractions of a MiB rounded up. A number alone is GiB.
std::optional<std::uint32_t> parse_size(std::string_view text);
// Letters, digits and the others only.
bool is_made_of(std::string_view text, std::string_view others);
// For a message: short, without control characters, in quotes.
std::string shown(std::string_view text);
std::string shown(const Node& node);

}  // namespace vcity::app
