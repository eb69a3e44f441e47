// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/runtime.hpp"
#include "model/work_messages.hpp"
#include "ports/transfer.hpp"
#include "ports/volume.hpp"

namespace vcity::node {

// How large it may become.
std::uint64_t disk_bytes(const UnitAsk& ask);

// The folder that a step has as /job: its inputs, what it leaves in out/, its checkpoints. One logical thread with the
// runner; whoever waits for keep() holds it.
class StepFiles {
  public:
    struct Parts {
        Runtime* runtime = nullptr;
        ports::Volumes* volumes = nullptr;
        ports::Transfer* transfer = nullptr;
    };

    // Whether /job must be a folder that is prepared and looked at, and cannot be the sandbox's own.
    static bool needed(const StepWork& work);
    // Makes the volume with all inputs in it. kExhausted: they do not fit; otherwise as the transfer says.
    static Task<Result<std::shared_ptr<StepFiles>>> prepare(
        Parts parts, std::string name, StepWork work, std::uint64_t bytes_max, TimePoint deadline);

    // The volume that an earlier agent prepared, with what the step has left in it. kNotFound: it is gone.
    static Task<Result<std::shared_ptr<StepFiles>>> adopt(Parts parts,
                                                          std::string path,
                                                          std::string files_url,
                                                          std::uint64_t bytes_max);

    const std::string& path() const { return volume_->path(); }  // on the host
    // Whether the step has filled more than its disk.
    Task<bool> is_over();
    // Takes what lies in the folder into the job's space of files. kInvalid: the step has left what cannot be kept, and
    // the message is for its customer; otherwise as the transfer says.
    Task<Result<std::vector<StepFile>>> keep(std::string folder, TimePoint deadline);

    static constexpr const char* kOutFolder = "out";
    static constexpr const char* kCheckpointFolder = "checkpoint";

  private:
    StepFiles(Parts parts, std::unique_ptr<ports::Volume> volume, std::string files_url, std::uint64_t bytes_max)
        : parts_{parts}, volume_{std::move(volume)}, files_url_{std::move(files_url)}, bytes_max_{bytes_max} {}

    Task<Result<void>> bring(InputFile input, TimePoint deadline);
    Task<Result<StepFile>> keep_one(std::string folder, std::string name, TimePoint deadline);
    std::string url_of(const Hash& sha256) const;

    Parts parts_;
    std::unique_ptr<ports::Volume> volume_;
    std::string files_url_;
    std::uint64_t bytes_max_;
};

}  // namespace vcity::node
