// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "async/runtime.hpp"
#include "ports/http.hpp"
#include "ports/monitor.hpp"
#include "seal/judge.hpp"

namespace vcity::seal {

// A monitor at the other end of HTTP. Whoever answers may be hostile: answers are bounded and parsed strictly, and none
// of them is believed before judge_monitor() or check_seal(). Errors: those of the HTTP client; a refusal of the
// monitor with its own code and message; kCorrupt for an answer that is none. Borrows its runtime and client.
class MonitorClient final : public ports::Sealer {
  public:
    // base_url: "http://127.0.0.1:8100", without a path. kInvalid otherwise.
    static Result<std::unique_ptr<MonitorClient>> make(Runtime* runtime, ports::HttpClient* http, std::string base_url);

    Task<Result<MonitorStatement>> statement(TimePoint deadline);
    Task<Result<EvidenceReply>> evidence(Hash nonce, TimePoint deadline);
    // Has the TPM show that its attestation key and one of the policy's endorsement keys are in one device. kDenied:
    // the endorsement key is not the policy's, or the TPM did not open the credential.
    Task<Result<attest::EnrolledKey>> enrol(std::vector<Hash> endorsement_keys, TimePoint deadline);
    Task<Result<SignedSeal>> find_seal(JobId job_id, TimePoint deadline);

    // Of the monitor's listener for its node.
    Task<Result<ports::MonitorKey>> current(TimePoint deadline) override;
    Task<Result<SignedSeal>> seal(MonitorSeal wanted, TimePoint deadline) override;

  private:
    MonitorClient(Runtime* runtime, ports::HttpClient* http, std::string base_url)
        : runtime_{runtime}, http_{http}, base_url_{std::move(base_url)} {}
    Task<Result<std::string>> exchange(std::string method, std::string path, std::string body, TimePoint deadline);

    Runtime* runtime_;
    ports::HttpClient* http_;
    std::string base_url_;
};

}  // namespace vcity::seal
