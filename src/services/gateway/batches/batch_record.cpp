// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/batches/batch_record.hpp"

#include <array>

#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::array<std::string_view, 8> kStates{"validating", "in_progress", "finalizing", "cancelling",
                                                  "completed",  "failed",      "expired",    "cancelled"};

Json time(std::uint64_t at) {
    return at == 0 ? Json{} : Json{at};
}

Json text(const std::string& value) {
    return value.empty() ? Json{} : Json{value};
}

Json faults_json(const std::vector<BatchFault>& faults) {
    if (faults.empty()) return {};
    codec::JsonArray data;
    for (const BatchFault& fault : faults) {
        data.push_back(codec::JsonObject{{"code", fault.code},
                                         {"message", fault.message},
                                         {"param", text(fault.param)},
                                         {"line", time(fault.line)}});
    }
    return codec::JsonObject{{"object", "list"}, {"data", std::move(data)}};
}

std::string text_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    return value == nullptr || value->get_string() == nullptr ? std::string{} : *value->get_string();
}

std::uint64_t number_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    std::uint64_t number = 0;
    if (value != nullptr) static_cast<void>(value->get_u64(&number));
    return number;
}

}  // namespace

std::string_view to_string(BatchState state) {
    return kStates.at(static_cast<std::size_t>(state));
}

bool has_ended(BatchState state) {
    return state >= BatchState::kCompleted;
}

Json to_json(const BatchRecord& record) {
    const auto ended = [&](BatchState state) { return record.state == state ? time(record.ended_at) : Json{}; };
    return codec::JsonObject{
        {"id", record.id},
        {"object", "batch"},
        {"endpoint", record.endpoint},
        {"errors", faults_json(record.faults)},
        {"input_file_id", record.input_file},
        {"completion_window", "24h"},
        {"status", std::string{to_string(record.state)}},
        {"output_file_id", text(record.output_file)},
        {"error_file_id", text(record.error_file)},
        {"created_at", record.created_at},
        {"in_progress_at", time(record.in_progress_at)},
        {"expires_at", time(record.expires_at)},
        {"finalizing_at", time(record.finalizing_at)},
        {"completed_at", ended(BatchState::kCompleted)},
        {"failed_at", ended(BatchState::kFailed)},
        {"expired_at", ended(BatchState::kExpired)},
        {"cancelling_at", time(record.cancelling_at)},
        {"cancelled_at", ended(BatchState::kCancelled)},
        {"request_counts",
         codec::JsonObject{{"total", record.total}, {"completed", record.completed}, {"failed", record.failed}}},
        {"metadata", record.metadata}};
}

std::string dump(const BatchRecord& record) {
    Json json = to_json(record);
    json.set("owner", codec::to_hex(record.owner));
    json.set("client", codec::to_hex(record.client));
    json.set("ended_at", record.ended_at);
    return codec::dump_json(json);
}

Result<BatchRecord> parse_batch_record(std::string_view stored) {
    TRY(const Json json, codec::parse_json(stored));
    BatchRecord record;
    record.id = text_of(json, "id");
    TRY(record.owner, codec::parse_fixed<Hash>(text_of(json, "owner")));
    TRY(record.client, codec::parse_fixed<Address>(text_of(json, "client")));
    record.endpoint = text_of(json, "endpoint");
    record.input_file = text_of(json, "input_file_id");
    record.output_file = text_of(json, "output_file_id");
    record.error_file = text_of(json, "error_file_id");
    const std::string state = text_of(json, "status");
    std::size_t at = 0;
    while (at < kStates.size() && kStates.at(at) != state) ++at;
    if (at == kStates.size() || record.id.empty()) return make_error(Errc::kCorrupt, "a batch's record is not whole");
    record.state = static_cast<BatchState>(at);
    if (const Json* metadata = json.find("metadata")) record.metadata = *metadata;
    const Json* errors = json.find("errors");
    const Json* faults = errors == nullptr ? nullptr : errors->find("data");
    if (faults != nullptr && faults->get_array() != nullptr) {
        for (const Json& fault : *faults->get_array()) {
            record.faults.push_back({.code = text_of(fault, "code"),
                                     .message = text_of(fault, "message"),
                                     .param = text_of(fault, "param"),
                                     .line = number_of(fault, "line")});
        }
    }
    if (const Json* counts = json.find("request_counts")) {
        record.total = number_of(*counts, "total");
        record.completed = number_of(*counts, "completed");
        record.failed = number_of(*counts, "failed");
    }
    record.created_at = number_of(json, "created_at");
    record.expires_at = number_of(json, "expires_at");
    record.in_progress_at = number_of(json, "in_progress_at");
    record.finalizing_at = number_of(json, "finalizing_at");
    record.cancelling_at = number_of(json, "cancelling_at");
    record.ended_at = number_of(json, "ended_at");
    return record;
}

}  // namespace vcity::gateway
