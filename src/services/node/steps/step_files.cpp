// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/step_files.hpp"

#include <algorithm>

#include "codec/hex.hpp"
#include "work/plan.hpp"

namespace vcity::node {
namespace {

constexpr std::uint64_t kMib = 1U << 20U;
constexpr std::uint64_t kDefaultDiskMib = 256;
constexpr std::chrono::seconds kCustomersSilenceMax{30};  // of a server that the customer has named

// What the customer did not do right; the rest is between node and network.
Error of_customer(std::string_view folder, const std::string& what) {
    return make_error(Errc::kInvalid, "/job/" + std::string{folder} + ": " + what);
}

}  // namespace

std::uint64_t disk_bytes(const UnitAsk& ask) {
    return (ask.disk_mib == 0 ? kDefaultDiskMib : ask.disk_mib) * kMib;
}

bool StepFiles::needed(const StepWork& work) {
    const StepSetup& setup = work.setup;
    return setup.keeps_files || setup.checkpoint_seconds != 0 ||
           std::ranges::any_of(work.inputs, [](const InputFile& file) { return !file.sha256.is_zero(); });
}

Task<Result<std::shared_ptr<StepFiles>>> StepFiles::prepare(
    Parts parts, std::string name, StepWork work, std::uint64_t bytes_max, TimePoint deadline) {
    std::uint64_t bytes = 0;
    for (const InputFile& input : work.inputs) {
        const bool is_good = work::is_file_path(input.name, work::kInputPartsMax) && input.bytes <= bytes_max;
        if (!is_good) co_return make_error(Errc::kInvalid, "an input file has no name or is larger than the disk");
        bytes += input.content.size() + input.bytes;
        if (bytes > bytes_max)
            co_return make_error(Errc::kExhausted, "the input files are larger than the step's disk");
    }
    CO_TRY(std::unique_ptr<ports::Volume> volume, co_await parts.volumes->make(std::move(name), bytes_max));
    std::shared_ptr<StepFiles> files{new StepFiles{parts, std::move(volume), work.files_url, bytes_max}};
    if (work.setup.keeps_files) {
        CO_TRY_OK(co_await files->volume_->make_folder(kOutFolder));
    }
    if (work.setup.checkpoint_seconds != 0) {
        CO_TRY_OK(co_await files->volume_->make_folder(kCheckpointFolder));
    }
    for (const InputFile& input : work.inputs) {
        CO_TRY_OK(co_await files->bring(input, deadline));
    }
    co_return files;
}

Task<Result<std::shared_ptr<StepFiles>>> StepFiles::adopt(Parts parts,
                                                          std::string path,
                                                          std::string files_url,
                                                          std::uint64_t bytes_max) {
    if (parts.volumes == nullptr) co_return make_error(Errc::kNotFound, "this node keeps no volumes any more");
    CO_TRY(std::unique_ptr<ports::Volume> volume, co_await parts.volumes->adopt(std::move(path)));
    co_return std::shared_ptr<StepFiles>{new StepFiles{parts, std::move(volume), std::move(files_url), bytes_max}};
}

Task<Result<void>> StepFiles::bring(InputFile input, TimePoint deadline) {
    CO_TRY(const std::unique_ptr<ports::FileSink> sink, co_await volume_->create(input.name));
    if (input.sha256.is_zero()) {
        CO_TRY_OK(co_await sink->write(std::move(input.content)));
        co_return co_await sink->close();
    }
    ports::RemoteFile remote;
    remote.url = input.url.empty() ? url_of(input.sha256) : input.url;
    remote.sha256 = input.sha256;
    remote.bytes = input.bytes;
    // A unit that waits is paid by nobody.
    if (!input.url.empty()) remote.silence_max = kCustomersSilenceMax;
    const Result<void> fetched = co_await parts_.transfer->fetch(std::move(remote), sink.get(), deadline);
    if (fetched) co_return fetched;
    // What lies at an address of the customer's is the customer's affair; what the network keeps is not.
    const Errc code = input.url.empty() ? Errc::kUnavailable : Errc::kNotFound;
    co_return make_error(code, "input file " + input.name + ": " + fetched.error().message);
}

std::string StepFiles::url_of(const Hash& sha256) const {
    return files_url_ + codec::to_hex(sha256).substr(2);
}

Task<bool> StepFiles::is_over() {
    const Result<std::uint64_t> used = co_await volume_->used();
    co_return used ? *used > bytes_max_ : used.error().code == Errc::kExhausted;
}

Task<Result<std::vector<StepFile>>> StepFiles::keep(std::string folder, TimePoint deadline) {
    const Result<std::vector<ports::VolumeFile>> listed =
        co_await volume_->list(folder, kStepFilesMax, work::kFilePartsMax);
    if (!listed && listed.error().code == Errc::kExhausted) co_return of_customer(folder, listed.error().message);
    if (!listed) co_return listed.error();
    std::vector<StepFile> kept;
    for (const ports::VolumeFile& file : *listed) {
        if (!work::is_file_path(file.name)) {
            co_return of_customer(folder, "a name of a file has other characters than A-Z, a-z, 0-9, '.', '_' and '-'");
        }
        CO_TRY(StepFile one, co_await keep_one(folder, file.name, deadline));
        kept.push_back(std::move(one));
    }
    co_return kept;
}

Task<Result<StepFile>> StepFiles::keep_one(std::string folder, std::string name, TimePoint deadline) {
    CO_TRY(const std::unique_ptr<ports::FileSource> source, co_await volume_->open(folder + "/" + name));
    CO_TRY(const ports::FileDigest digest, co_await ports::digest_of(source.get()));
    ports::RemoteFile remote;
    remote.url = url_of(digest.sha256);
    remote.sha256 = digest.sha256;
    remote.bytes = digest.bytes;
    CO_TRY_OK(co_await parts_.transfer->put(std::move(remote), source.get(), deadline));
    StepFile file;
    file.name = std::move(name);
    file.sha256 = digest.sha256;
    file.bytes = digest.bytes;
    co_return file;
}

}  // namespace vcity::node
