// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vcity::adapters {

// The kernel's files below a root: "" on a real machine, a folder in tests. Paths begin with a slash. Files are read
// up to kFileBytesMax; what cannot be read is empty, since every machine lacks some of them.
class KernelTree {
  public:
    static constexpr std::size_t kFileBytesMax = 1U << 20U;
    static constexpr std::size_t kNamesMax = 4096;  // of one folder

    explicit KernelTree(std::string root) : root_{std::move(root)} {}

    std::string path(std::string_view below) const { return root_ + std::string{below}; }
    bool has(std::string_view below) const;
    // Without white space at its ends.
    std::string text(std::string_view below, std::size_t bytes_max = kFileBytesMax) const;
    // Decimal, or hexadecimal after 0x.
    std::optional<std::uint64_t> number(std::string_view below) const;
    // Ascending.
    std::vector<std::string> names(std::string_view folder) const;
    // Last part of what a link points to; empty: no link.
    std::string target(std::string_view link) const;

  private:
    std::string root_;
};

std::string_view trimmed(std::string_view text);
std::vector<std::string_view> lines_of(std::string_view text);
// Decimal digits and nothing else, or hexadecimal after 0x.
std::optional<std::uint64_t> number_of(std::string_view text);

}  // namespace vcity::adapters
