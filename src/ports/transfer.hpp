// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/time.hpp"
#include "ports/files.hpp"

namespace vcity::ports {

// What a file is, and where.
struct RemoteFile {
    std::string url;  // http or https
    Hash sha256;
    std::uint64_t bytes = 0;
    Duration silence_max{};  // a fetch to which nothing has come for so long is given up; zero: only at the deadline
};

// Files over the network, by their hash. A node follows the URLs of strangers with it: an implementation reaches public
// addresses only, and the origins that its operator has named. Nothing of a URL but its origin may reach a log.
class Transfer {
  public:
    virtual ~Transfer() = default;
    // Into the sink, closed when all of it is there and right. Tries again, from where it broke, until the deadline.
    // kInvalid: a url that cannot be or must not be followed; kCorrupt: other bytes than the hash says; kNotFound;
    // kDenied: the server refuses; kUnavailable, kTimeout: no answer; else what the sink said.
    virtual Task<Result<void>> fetch(RemoteFile file, FileSink* sink, TimePoint deadline) = 0;
    // PUTs the source's bytes at the url, or nothing when they are there already. kCorrupt: the source has changed;
    // otherwise as above.
    virtual Task<Result<void>> put(RemoteFile file, FileSource* source, TimePoint deadline) = 0;
};

}  // namespace vcity::ports
