// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "model/job.hpp"

namespace vcity::gateway {

// The right to read and add files of one job until a time; whoever has the text has it.
struct FileAccess {
    JobId job_id;
    std::uint64_t expires_unix_seconds = 0;

    bool operator==(const FileAccess&) const = default;
};

// Hex of job id, time (8 bytes, big endian) and the first 16 bytes of HMAC-SHA256(secret, "vcity-files-v1" || both):
// 112 digits, safe in a path.
std::string make_access_token(const Hash& secret, const FileAccess& access);
// None: not made with this secret. Whether the time has passed is for the caller to ask.
std::optional<FileAccess> parse_access_token(const Hash& secret, std::string_view token);

// The right to read one file of a job, for a link that a customer may give away: like the above with
// HMAC-SHA256(secret, "vcity-file-links-v1" || job id || time || sha256), so that neither is good for the other.
std::string make_link_token(const Hash& secret, const FileAccess& access, const Hash& sha256);
std::optional<FileAccess> parse_link_token(const Hash& secret, std::string_view token, const Hash& sha256);

// A part of a file, by a Range header (RFC 9110, 14.1.2) for one range of bytes.
struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t bytes = 0;
    bool is_part = false;  // false: all of the file, no or an unknown range was asked for

    bool operator==(const ByteRange&) const = default;
};
// None: the range begins beyond the end.
std::optional<ByteRange> parse_range(std::string_view header, std::uint64_t file_bytes);

}  // namespace vcity::gateway
