// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/runtime.hpp"
#include "ports/tee.hpp"

namespace vcity::adapters {

struct SevOptions {
    std::string device = "/dev/sev-guest";
    std::uint32_t vmpl = 0;
    // ioctl(2) on the opened device: 0, or an errno. A test stands in for the driver; empty: the device is opened and
    // asked.
    std::function<int(unsigned long request, void* argument)> ioctl;
};

// Reports of a SEV-SNP guest through /dev/sev-guest, for kernels before configfs-tsm (Linux 5.19;
// uapi/linux/sev-guest.h, SNP_GET_EXT_REPORT): the report with the host's certificate table. Work runs on the runtime's
// compute threads.
class SevTee final : public ports::Tee {
  public:
    // kUnavailable: no such device, or no right to it.
    static Result<std::unique_ptr<SevTee>> open(Runtime* runtime, SevOptions options);

    attest::EvidenceKind kind() const override { return attest::EvidenceKind::kSevSnp; }
    std::size_t report_data_max() const override { return 64; }
    // Report data is filled up with zeros to 64 bytes.
    Task<Result<attest::Evidence>> evidence(Bytes report_data) override;

  private:
    SevTee(Runtime* runtime, SevOptions options)
        : runtime_{runtime}, options_{std::make_shared<const SevOptions>(std::move(options))} {}

    Runtime* runtime_;
    std::shared_ptr<const SevOptions> options_;
};

}  // namespace vcity::adapters
