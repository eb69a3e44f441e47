// SPDX-License-Identifier: Apache-2.0
#include "studio/ppm.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace vcity::studio {
namespace {

// The word up to the next white space, which goes with it.
std::string_view take_word(std::string_view* text) {
    const std::size_t end = std::min(text->find_first_of(" \t\r\n"), text->size());
    const std::string_view word = text->substr(0, end);
    text->remove_prefix(std::min(end + 1, text->size()));
    return word;
}

bool read_side(std::string_view word, std::uint32_t* out) {
    const auto [stop, code] = std::from_chars(word.data(), word.data() + word.size(), *out);
    return code == std::errc{} && stop == word.data() + word.size() && *out > 0 && *out <= kPpmSideMax;
}

}  // namespace

Result<Picture> read_ppm(ByteView file) {
    std::string_view rest = as_text(file);
    if (take_word(&rest) != "P6") return make_error(Errc::kInvalid, "is no portable pixmap");
    Size size;
    const bool has_size = read_side(take_word(&rest), &size.width) && read_side(take_word(&rest), &size.height);
    if (!has_size) return make_error(Errc::kInvalid, "the pixmap has a wrong size");
    if (take_word(&rest) != "255") return make_error(Errc::kInvalid, "the pixmap has not 8 bits a colour");
    constexpr std::size_t kColors = 3;
    const std::size_t pixels = std::size_t{size.width} * size.height;
    if (rest.size() != kColors * pixels) return make_error(Errc::kInvalid, "the pixmap has a wrong length");
    Picture picture = blank(size);
    for (std::size_t at = 0; at < pixels; ++at) {
        for (std::size_t color = 0; color < kColors; ++color) {
            picture.pixels[4 * at + color] = static_cast<std::uint8_t>(rest[kColors * at + color]);
        }
        picture.pixels[4 * at + kColors] = 255;
    }
    return picture;
}

}  // namespace vcity::studio
