// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/file_text.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace vcity::adapters {
namespace {

Error write_error(const std::string& path) {
    return make_error(Errc::kUnavailable, path + ": " + std::system_category().message(errno));
}

}  // namespace

Result<std::string> read_text(const std::string& path, std::size_t bytes_max) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) return make_error(Errc::kNotFound, path + ": " + error.message());
    if (size > bytes_max) return make_error(Errc::kInvalid, path + ": larger than " + std::to_string(bytes_max));
    std::ifstream file{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
    if (file.bad() || text.size() != size) return make_error(Errc::kUnavailable, path + ": cannot be read");
    return text;
}

Result<void> write_text(const std::string& path, const std::string& text) {
    const std::string temporary = path + ".new";
    const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return write_error(temporary);
    const bool is_written =
        ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
    const bool is_closed = ::close(file) == 0;
    if (!is_written || !is_closed) return write_error(temporary);
    if (::rename(temporary.c_str(), path.c_str()) != 0) return write_error(path);
    return {};
}

}  // namespace vcity::adapters
