// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "codec/json.hpp"
#include "model/job.hpp"

namespace vcity::gateway {

enum class BatchState : std::uint8_t {
    kValidating = 0,
    kInProgress = 1,
    kFinalizing = 2,
    kCancelling = 3,
    kCompleted = 4,
    kFailed = 5,  // its input is no batch
    kExpired = 6,
    kCancelled = 7,
};
std::string_view to_string(BatchState state);
bool has_ended(BatchState state);

// What is wrong with a line of the input.
struct BatchFault {
    std::string code;
    std::string message;
    std::string param;
    std::uint64_t line = 0;  // from 1; 0: the file as a whole

    bool operator==(const BatchFault&) const = default;
};

// OpenAI's batch. Times are unix seconds; 0: not yet.
struct BatchRecord {
    std::string id;  // "batch_" and 24 hex digits
    Hash owner;      // digest of the key that ordered it, and pays
    Address client;  // every key on a cap of this client may see it
    std::string endpoint;
    std::string input_file;
    std::string output_file;  // empty: none
    std::string error_file;
    BatchState state = BatchState::kValidating;
    std::vector<BatchFault> faults;
    codec::Json metadata;
    std::uint64_t total = 0;
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;
    std::uint64_t created_at = 0;
    std::uint64_t expires_at = 0;
    std::uint64_t in_progress_at = 0;
    std::uint64_t finalizing_at = 0;
    std::uint64_t cancelling_at = 0;
    std::uint64_t ended_at = 0;

    bool operator==(const BatchRecord&) const = default;
};

codec::Json to_json(const BatchRecord& record);
// As the store has it. kCorrupt for anything else.
std::string dump(const BatchRecord& record);
Result<BatchRecord> parse_batch_record(std::string_view text);

}  // namespace vcity::gateway
