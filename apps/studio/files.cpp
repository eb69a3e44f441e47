// SPDX-License-Identifier: Apache-2.0
#include "files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <png.h>

namespace vcity::studio {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kJsonBytesMax = 64U << 10U;
constexpr std::size_t kPngBytesMax = std::size_t{512} << 20U;

}  // namespace

std::string name_of(const std::string& path) {
    return fs::path{path}.filename().string();
}

Result<Bytes> read_file(const std::string& path, std::size_t bytes_max) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
        return make_error(Errc::kNotFound, fmt::format("{}: is not there or no file", name_of(path)));
    }
    const std::uintmax_t size = fs::file_size(path, error);
    if (error || size > bytes_max) {
        return make_error(Errc::kInvalid,
                          fmt::format("{}: has {} bytes; {} at most are read", name_of(path), size, bytes_max));
    }
    Bytes bytes(size);
    std::ifstream file{path, std::ios::binary};
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    if (!file) return make_error(Errc::kUnavailable, fmt::format("{}: cannot be read", name_of(path)));
    return bytes;
}

Result<void> write_file(const std::string& path, ByteView bytes) {
    const std::string beside = path + ".part";
    std::ofstream file{beside, std::ios::binary | std::ios::trunc};
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.close();
    std::error_code error;
    if (file) fs::rename(beside, path, error);
    if (!file || error) return make_error(Errc::kExhausted, fmt::format("{}: cannot be written", name_of(path)));
    return {};
}

Result<codec::Json> read_json(const std::string& path) {
    TRY(const Bytes bytes, read_file(path, kJsonBytesMax));
    Result<codec::Json> json = codec::parse_json(as_text(bytes));
    if (!json) return make_error(Errc::kInvalid, fmt::format("{}: {}", name_of(path), json.error().message));
    if (!json->is_object()) return make_error(Errc::kInvalid, fmt::format("{}: is no JSON object", name_of(path)));
    return json;
}

Result<Picture> read_png(const std::string& path) {
    TRY(const Bytes bytes, read_file(path, kPngBytesMax));
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) {
        return make_error(Errc::kInvalid, fmt::format("{}: is no PNG: {}", name_of(path), image.message));
    }
    const bool is_small =
        image.width <= kSideMax && image.height <= kSideMax && std::uint64_t{image.width} * image.height <= kPixelsMax;
    if (!is_small) {
        png_image_free(&image);
        return make_error(Errc::kInvalid, fmt::format("{}: has {} x {} pixels, which is too many", name_of(path),
                                                      image.width, image.height));
    }
    image.format = PNG_FORMAT_RGBA;
    Picture picture = blank({.width = image.width, .height = image.height});
    if (png_image_finish_read(&image, nullptr, picture.pixels.data(), 0, nullptr) == 0) {
        const std::string why = image.message;
        png_image_free(&image);
        return make_error(Errc::kInvalid, fmt::format("{}: is a broken PNG: {}", name_of(path), why));
    }
    return picture;
}

Result<void> write_png(const std::string& path, const Picture& picture) {
    Bytes opaque;
    bool is_opaque = true;
    for (std::size_t at = 0; at < picture.pixels.size(); at += 4) {
        is_opaque = is_opaque && picture.pixels[at + 3] == 255;
        opaque.insert(opaque.end(), {picture.pixels[at], picture.pixels[at + 1], picture.pixels[at + 2]});
    }
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = picture.size.width;
    image.height = picture.size.height;
    image.format = is_opaque ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
    const std::uint8_t* pixels = is_opaque ? opaque.data() : picture.pixels.data();
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    Bytes bytes(size);
    if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels, 0, nullptr) == 0) {
        return make_error(Errc::kInternal, fmt::format("{}: cannot be packed: {}", name_of(path), image.message));
    }
    bytes.resize(size);
    return write_file(path, bytes);
}

void say(codec::JsonObject fields) {
    std::puts(codec::dump_json(codec::Json{std::move(fields)}).c_str());
    std::fflush(stdout);
}

}  // namespace vcity::studio
