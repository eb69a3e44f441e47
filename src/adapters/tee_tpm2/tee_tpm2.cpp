// SPDX-License-Identifier: Apache-2.0
#include "adapters/tee_tpm2/tee_tpm2.hpp"

#include <filesystem>
#include <fstream>
#include <optional>

#include "adapters/tee_tpm2/tpm_device.hpp"
#include "crypto/sha256.hpp"

namespace vcity::adapters {
namespace {

// Empty when there is none or it is too long. The kernel's files have no size of their own, so it is read to its end.
Bytes read_log(const std::string& path) {
    if (path.empty()) return {};
    std::ifstream file{path, std::ios::binary};
    Bytes log(attest::kEvidenceEventLogMax + 1);
    file.read(reinterpret_cast<char*>(log.data()), static_cast<std::streamsize>(log.size()));
    log.resize(static_cast<std::size_t>(file.gcount()));
    if (log.size() > attest::kEvidenceEventLogMax) log.clear();
    return log;
}

// Runs a blocking call on the compute threads. What the task borrows must outlive the call even if nobody waits for it.
template <class T>
Task<Result<T>> on_compute(Runtime* runtime, std::function<Result<T>()> call) {
    const auto result = std::make_shared<std::optional<Result<T>>>();
    std::function<void()> work = [result, call = std::move(call)] { result->emplace(call()); };
    co_await runtime->compute(std::move(work));
    if (!result->has_value()) co_return make_error(Errc::kInternal, "the runtime ran no work");
    co_return std::move(result->value());
}

}  // namespace

Tpm2Tee::Tpm2Tee(Runtime* runtime, std::shared_ptr<TpmDevice> device, std::string event_log)
    : runtime_{runtime}, device_{std::move(device)}, event_log_{std::move(event_log)} {}

Tpm2Tee::~Tpm2Tee() = default;

Result<std::unique_ptr<Tpm2Tee>> Tpm2Tee::open(Runtime* runtime, const Tpm2Options& options) {
    TRY(std::shared_ptr<TpmDevice> device, TpmDevice::open(options.tcti, options.registers));
    return std::unique_ptr<Tpm2Tee>{new Tpm2Tee{runtime, std::move(device), options.event_log}};
}

Task<Result<attest::Evidence>> Tpm2Tee::evidence(Bytes report_data) {
    if (report_data.empty() || report_data.size() > report_data_max()) {
        co_return make_error(Errc::kInvalid, "report data has 1 to 64 bytes");
    }
    std::function<Result<attest::Evidence>()> call = [device = device_, log = event_log_,
                                                      nonce = crypto::sha256(report_data)]() {
        Result<attest::Evidence> evidence = device->quote(nonce.view());
        if (evidence) evidence->event_log = read_log(log);
        return evidence;
    };
    co_return co_await on_compute(runtime_, std::move(call));
}

Task<Result<ports::TpmIdentity>> Tpm2Tee::identity() {
    std::function<Result<ports::TpmIdentity>()> call = [device = device_] { return device->identity(); };
    co_return co_await on_compute(runtime_, std::move(call));
}

Task<Result<Bytes>> Tpm2Tee::activate(Bytes blob, Bytes secret) {
    std::function<Result<Bytes>()> call = [device = device_, blob = std::move(blob), secret = std::move(secret)] {
        return device->activate(blob, secret);
    };
    co_return co_await on_compute(runtime_, std::move(call));
}

}  // namespace vcity::adapters
