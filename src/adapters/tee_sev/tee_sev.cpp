// SPDX-License-Identifier: Apache-2.0
#include "adapters/tee_sev/tee_sev.hpp"

#include <cerrno>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "adapters/tee_sev/guest_device.hpp"
#include "attest/cursor.hpp"
#include "attest/snp.hpp"

namespace vcity::adapters {
namespace {

constexpr int kTries = 3;

// Kept open by the function that uses it.
class Device {
  public:
    explicit Device(int number) : number_{number} {}
    ~Device() { ::close(number_); }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    int call(unsigned long request, void* argument) const {
        return ::ioctl(number_, request, argument) < 0 ? errno : 0;
    }

  private:
    int number_;
};

Result<Bytes> read_response(ByteView response) {
    attest::Cursor cursor{response, attest::ByteOrder::kLittle};
    const std::uint32_t status = cursor.u32();
    const std::uint32_t size = cursor.u32();
    cursor.take(kSnpResponseHead - 8);
    if (status != 0) return make_error(Errc::kUnavailable, fmt::format("the SEV firmware says {:#x}", status));
    if (size != attest::SnpReport::kBytes)
        return make_error(Errc::kCorrupt, "the SEV firmware's report has another size");
    return attest::to_bytes(cursor.take(size));
}

Result<attest::Evidence> report(const SevOptions& options, ByteView report_data) {
    SnpExtendedRequest request;
    std::ranges::copy(report_data, request.data.user_data.begin());
    request.data.vmpl = options.vmpl;
    Bytes certificates(kSnpCertificatesMax);
    Bytes response(kSnpResponseBytes);
    request.certificates = reinterpret_cast<std::uint64_t>(certificates.data());
    request.certificates_size = kSnpCertificatesMax;
    SnpGuestRequest guest;
    guest.request = reinterpret_cast<std::uint64_t>(&request);
    guest.response = reinterpret_cast<std::uint64_t>(response.data());
    int failed = EAGAIN;
    for (int attempt = 0; attempt < kTries && (failed == EAGAIN || failed == EINTR); ++attempt) {
        failed = options.ioctl(kSnpGetExtendedReport, &guest);
    }
    if (failed != 0) {
        const Errc code = failed == EAGAIN || failed == EBUSY ? Errc::kConflict : Errc::kUnavailable;
        return make_error(code, fmt::format("SEV guest device: {}, firmware and host {:#x}",
                                            std::generic_category().message(failed), guest.exit_info));
    }
    attest::Evidence evidence;
    evidence.kind = attest::EvidenceKind::kSevSnp;
    TRY(evidence.report, read_response(response));
    // A host without certificates leaves zeros.
    if (!attest::all_equal(certificates, 0)) evidence.certificates = std::move(certificates);
    return evidence;
}

}  // namespace

Result<std::unique_ptr<SevTee>> SevTee::open(Runtime* runtime, SevOptions options) {
    if (!options.ioctl) {
        const int number = ::open(options.device.c_str(), O_RDWR | O_CLOEXEC);
        if (number < 0) {
            return make_error(Errc::kUnavailable,
                              fmt::format("{}: {}", options.device, std::generic_category().message(errno)));
        }
        options.ioctl = [device = std::make_shared<Device>(number)](unsigned long request, void* argument) {
            return device->call(request, argument);
        };
    }
    return std::unique_ptr<SevTee>{new SevTee{runtime, std::move(options)}};
}

Task<Result<attest::Evidence>> SevTee::evidence(Bytes report_data) {
    if (report_data.empty() || report_data.size() > report_data_max()) {
        co_return make_error(Errc::kInvalid, "report data has 1 to 64 bytes");
    }
    const auto result = std::make_shared<std::optional<Result<attest::Evidence>>>();
    std::function<void()> work = [result, options = options_, data = std::move(report_data)] {
        result->emplace(report(*options, data));
    };
    co_await runtime_->compute(std::move(work));
    if (!result->has_value()) co_return make_error(Errc::kInternal, "the runtime ran no work");
    co_return std::move(result->value());
}

}  // namespace vcity::adapters
