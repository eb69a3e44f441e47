// SPDX-License-Identifier: Apache-2.0
#include "operator/tar.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace vcity::cli {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameMax = 100;
constexpr std::size_t kChecksumAt = 148;
constexpr std::size_t kChecksumSize = 8;

void put(std::string* block, std::size_t at, std::string_view text) {
    block->replace(at, text.size(), text);
}

// Octal digits and a zero byte.
std::string octal(std::uint64_t value, std::size_t digits) {
    return fmt::format("{:0{}o}", value, digits);
}

std::string header_of(const TarFile& file, std::uint64_t unix_seconds) {
    std::string block(kBlock, '\0');
    put(&block, 0, file.name);
    put(&block, 100, octal(0600, 7));
    put(&block, 108, octal(0, 7));
    put(&block, 116, octal(0, 7));
    put(&block, 124, octal(file.content.size(), 11));
    put(&block, 136, octal(unix_seconds, 11));
    put(&block, 156, "0");
    put(&block, 257, "ustar");
    put(&block, 263, "00");
    put(&block, kChecksumAt, std::string(kChecksumSize, ' '));
    std::uint64_t sum = 0;
    for (const char byte : block) sum += static_cast<unsigned char>(byte);
    put(&block, kChecksumAt, octal(sum, 6));
    block[kChecksumAt + 6] = '\0';
    return block;
}

}  // namespace

Result<std::string> make_tar(const std::vector<TarFile>& files, std::uint64_t unix_seconds) {
    std::string archive;
    for (const TarFile& file : files) {
        if (file.name.empty() || file.name.size() > kNameMax || file.name.front() == '/') {
            return make_error(Errc::kInvalid, "\"" + file.name + "\" is no name for a file of an archive");
        }
        archive += header_of(file, unix_seconds);
        archive += file.content;
        archive.append((kBlock - archive.size() % kBlock) % kBlock, '\0');
    }
    archive.append(2 * kBlock, '\0');
    return archive;
}

}  // namespace vcity::cli
