// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "async/runtime.hpp"
#include "ports/reference.hpp"
#include "ports/sandbox.hpp"

namespace vcity::adapters {

struct ReferenceWorkerOptions {
    // How to run "vcity-worker logprobs": questions and answers are lines of JSON on standard input and output.
    ports::SandboxSpec program;
    // From its start to the line that says it is ready: loading the weights.
    Duration load_max = std::chrono::minutes{10};
};

// ports::ReferenceModel over a program in a sandbox, started with the first question. An answer that is too long or of
// another form ends it; so does a deadline, since a late answer could be taken for the next one. It is started again
// with the next question. Used on its runtime only.
class ReferenceWorker final : public ports::ReferenceModel {
  public:
    // The pointers are borrowed and must outlive the worker.
    ReferenceWorker(Runtime* runtime, ports::Sandbox* sandbox, ReferenceWorkerOptions options);
    ~ReferenceWorker() override;
    ReferenceWorker(const ReferenceWorker&) = delete;
    ReferenceWorker& operator=(const ReferenceWorker&) = delete;

    Task<Result<std::vector<ports::ReferenceReading>>> read(ports::ReferenceQuestion question,
                                                            TimePoint deadline) override;

  private:
    Task<Result<void>> start();
    Task<Result<std::string>> ask(std::string line, TimePoint deadline);
    Task<Result<std::string>> read_line(TimePoint deadline);
    void end();

    Runtime* runtime_;
    ports::Sandbox* sandbox_;
    ReferenceWorkerOptions options_;
    std::unique_ptr<ports::SandboxProcess> process_;
    std::string buffer_;
};

}  // namespace vcity::adapters
