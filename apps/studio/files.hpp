// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "codec/json.hpp"
#include "studio/picture.hpp"

namespace vcity::studio {

// Files of the program's folders. Every message begins with the last part of the path, which is what a customer knows.
Result<Bytes> read_file(const std::string& path, std::size_t bytes_max);
// Written beside and renamed, so that a file is whole or not there.
Result<void> write_file(const std::string& path, ByteView bytes);
// An object of at most 64 KiB.
Result<codec::Json> read_json(const std::string& path);

// PNG of any kind, as 8 bits of each channel; kPixelsMax pixels at most. kInvalid: what is wrong with it.
Result<Picture> read_png(const std::string& path);
// Without opacity where all of it is opaque. The same picture gives the same bytes.
Result<void> write_png(const std::string& path, const Picture& picture);

inline constexpr std::uint64_t kPixelsMax = 1U << 27U;

// "scene.blend" of "/job/scene.blend".
std::string name_of(const std::string& path);
// One JSON object a line on standard output.
void say(codec::JsonObject fields);

}  // namespace vcity::studio
