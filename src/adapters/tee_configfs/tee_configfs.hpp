// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/runtime.hpp"
#include "ports/tee.hpp"

namespace vcity::adapters {

// The calls that the driver makes, so that a test can stand in for the kernel. All block; each is one system call's
// worth of work. Errors: kConflict where the kernel says that another request is under way, kUnavailable otherwise.
struct TsmFiles {
    std::function<Result<void>(const std::string& path)> make_directory;
    std::function<Result<void>(const std::string& path)> remove_directory;
    // Reads to the end, at most `bytes_max`; kCorrupt when there is more, kNotFound when there is no such file.
    std::function<Result<Bytes>(const std::string& path, std::size_t bytes_max)> read;
    std::function<Result<void>(const std::string& path, ByteView bytes)> write;
};
TsmFiles kernel_files();

struct ConfigfsOptions {
    std::string root = "/sys/kernel/config/tsm/report";
    TsmFiles files = kernel_files();
    // TDX: the CCEL log, sent along when the file exists and has at most 256 KiB; empty: none.
    std::string event_log = "/sys/firmware/acpi/tables/data/CCEL";
};

// Reports of a confidential VM through configfs-tsm (Linux 6.7, Documentation/ABI/testing/configfs-tsm-report): a
// directory of its own for each request, the report data into inblob, the quote or report out of outblob, and
// generation to know that nobody wrote in between. Work runs on the runtime's compute threads.
class ConfigfsTee final : public ports::Tee {
  public:
    // Makes one directory to see who provides reports here. kUnavailable: no configfs-tsm; kInvalid: a provider other
    // than tdx_guest and sev_guest.
    static Result<std::unique_ptr<ConfigfsTee>> open(Runtime* runtime, ConfigfsOptions options);

    attest::EvidenceKind kind() const override { return kind_; }
    std::size_t report_data_max() const override { return 64; }
    // Report data is filled up with zeros to 64 bytes.
    Task<Result<attest::Evidence>> evidence(Bytes report_data) override;

  private:
    ConfigfsTee(Runtime* runtime, ConfigfsOptions options, attest::EvidenceKind kind);

    Runtime* runtime_;
    std::shared_ptr<const ConfigfsOptions> options_;
    attest::EvidenceKind kind_;
    std::uint64_t requests_ = 0;
};

}  // namespace vcity::adapters
