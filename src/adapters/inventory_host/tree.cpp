// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_host/tree.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace vcity::adapters {

namespace fs = std::filesystem;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n\0";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    const bool is_hex = text.starts_with("0x");
    if (is_hex) text.remove_prefix(2);
    constexpr int kHex = 16;
    constexpr int kDecimal = 10;
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, is_hex ? kHex : kDecimal);
    if (error != std::errc{} || stop != end || text.empty()) return std::nullopt;
    return value;
}

bool KernelTree::has(std::string_view below) const {
    std::error_code error;
    return fs::exists(path(below), error);
}

std::string KernelTree::text(std::string_view below, std::size_t bytes_max) const {
    std::ifstream file(path(below), std::ios::binary);
    constexpr std::size_t kPart = 4096;
    std::string bytes;
    while (file && bytes.size() < bytes_max) {
        const std::size_t before = bytes.size();
        bytes.resize(std::min(before + kPart, bytes_max));
        file.read(bytes.data() + before, static_cast<std::streamsize>(bytes.size() - before));
        bytes.resize(before + static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    }
    return std::string{trimmed(bytes)};
}

std::optional<std::uint64_t> KernelTree::number(std::string_view below) const {
    return number_of(text(below));
}

std::vector<std::string> KernelTree::names(std::string_view folder) const {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(path(folder), error), end; !error && entry != end; entry.increment(error)) {
        if (names.size() == kNamesMax) break;
        names.push_back(entry->path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

std::string KernelTree::target(std::string_view link) const {
    std::error_code error;
    return fs::read_symlink(path(link), error).filename().string();
}

}  // namespace vcity::adapters
