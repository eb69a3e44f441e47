// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "codec/json.hpp"
#include "services/gateway/api/request.hpp"
#include "services/gateway/batches/batch_record.hpp"

namespace vcity::gateway {

// One request of a batch: a line of its input file.
struct BatchLine {
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
};

struct BatchInputLimits {
    std::size_t requests_max = 50'000;
    std::size_t line_bytes_max = 2U << 20U;
    std::size_t faults_max = 100;  // further ones are not looked for
};

struct BatchRequest {
    std::string custom_id;
    GenerationRequest request;
};

// {"custom_id", "method": "POST", "url": endpoint, "body"}. The fault has no line.
std::variant<BatchRequest, BatchFault> parse_batch_line(std::string_view line,
                                                        std::string_view endpoint,
                                                        const RequestLimits& limits);

// Reads an input file in pieces and remembers where its requests are; empty lines do not count.
class BatchScanner {
  public:
    BatchScanner(std::string endpoint, RequestLimits requests, BatchInputLimits limits)
        : endpoint_{std::move(endpoint)}, requests_{requests}, limits_{limits} {}

    void feed(std::string_view piece);
    // After the last piece.
    void finish();
    // Nothing of what follows can make it a batch.
    bool is_hopeless() const { return faults_.size() >= limits_.faults_max; }
    const std::vector<BatchFault>& faults() const { return faults_; }
    std::vector<BatchLine> take_lines() { return std::move(lines_); }

  private:
    void end_line();
    void add(BatchFault fault);

    std::string endpoint_;
    RequestLimits requests_;
    BatchInputLimits limits_;
    std::string line_;
    bool is_too_long_ = false;
    std::uint64_t number_ = 0;
    std::uint64_t offset_ = 0;  // of the line's first byte
    std::uint64_t read_ = 0;
    std::set<std::string> ids_;
    std::vector<BatchLine> lines_;
    std::vector<BatchFault> faults_;
};

// Lines of the output and of the error file.
std::string answer_line(std::string_view batch,
                        std::size_t index,
                        const std::string& custom_id,
                        unsigned status,
                        const std::string& request_id,
                        codec::Json body);
std::string failure_line(std::string_view batch,
                         std::size_t index,
                         const std::string& custom_id,
                         std::string_view code,
                         std::string_view message);

}  // namespace vcity::gateway
