// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/mapped_file.hpp"

#include <fstream>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vcity::checkpoint {

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return make_error(Errc::kNotFound, "cannot open " + path.string());
    struct stat info{};
    if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0) {
        ::close(descriptor);
        return make_error(Errc::kCorrupt, path.string() + " is empty or no regular file");
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    ::close(descriptor);
    if (data == MAP_FAILED) return make_error(Errc::kUnavailable, "cannot map " + path.string());
    return MappedFile{static_cast<const std::uint8_t*>(data), size};
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t bytes_max) {
    std::error_code failed;
    const std::uintmax_t size = std::filesystem::file_size(path, failed);
    if (failed) return make_error(Errc::kNotFound, "cannot read " + path.string());
    if (size > bytes_max)
        return make_error(Errc::kInvalid, path.string() + " is larger than " + std::to_string(bytes_max));
    std::string text(size, '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(text.data(), static_cast<std::streamsize>(size));
    if (!file) return make_error(Errc::kUnavailable, "cannot read " + path.string());
    return text;
}

}  // namespace vcity::checkpoint
