// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ports/files.hpp"

namespace vcity::ports {

struct VolumeFile {
    std::string name;  // path under the folder that was listed
    std::uint64_t bytes = 0;

    bool operator==(const VolumeFile&) const = default;
};

// The files of one step: a folder, which a sandbox may have as its /job. Names are paths of parts
// without "." or ".." and without a slash at either end. A program in the sandbox may do what it likes with the folder
// meanwhile, so nothing here follows a link or opens anything but regular files. What it holds is gone with the object.
class Volume {
  public:
    virtual ~Volume() = default;
    virtual const std::string& path() const = 0;  // on the host
    virtual Task<Result<void>> make_folder(std::string name) = 0;
    // Folders on the way are made. kExhausted: there is no room; kInvalid: the name.
    virtual Task<Result<std::unique_ptr<FileSink>>> create(std::string name) = 0;
    // kNotFound also for what is no regular file.
    virtual Task<Result<std::unique_ptr<FileSource>>> open(std::string name) = 0;
    // All regular files below the folder, their names ascending; none when there is no such folder. kExhausted: more
    // than count_max, or deeper than depth_max parts.
    virtual Task<Result<std::vector<VolumeFile>>> list(std::string folder,
                                                       std::size_t count_max,
                                                       std::size_t depth_max) = 0;
    // Bytes on the disk. kExhausted: more files than anybody would count.
    virtual Task<Result<std::uint64_t>> used() = 0;
};

class Volumes {
  public:
    virtual ~Volumes() = default;
    // Empty, writable for whoever runs in the sandbox, for nobody else. `name`: a file name, for people who look at
    // the disk. Where the system cannot bound a folder, bytes_max is for the
    // owner to watch, see used(). kExhausted: no room for so many bytes.
    virtual Task<Result<std::unique_ptr<Volume>>> make(std::string name, std::uint64_t bytes_max) = 0;
    // The volume that an earlier agent made, by its path(), with all it holds. kNotFound: it is not there, or volumes
    // end with their agent here.
    virtual Task<Result<std::unique_ptr<Volume>>> adopt(std::string path) = 0;
    // Removes what earlier agents have left, but for these paths, and says how many that were.
    virtual Task<Result<std::size_t>> sweep(std::vector<std::string> keep) = 0;
};

}  // namespace vcity::ports
