// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/files/file_record.hpp"

#include <algorithm>
#include <array>

#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::array<std::string_view, 7> kPurposes = {"assistants", "batch",  "evals",    "fine-tune",
                                                       "job",        "vision", "user_data"};

// Reads members of a record; the first that is missing or of another kind is remembered.
class Members {
  public:
    explicit Members(const Json& json) : json_{json} {}

    std::string text(const char* name) {
        const Json* value = json_.find(name);
        if (value != nullptr && value->get_string() != nullptr) return *value->get_string();
        missing_ = name;
        return {};
    }
    std::uint64_t number(const char* name) {
        const Json* value = json_.find(name);
        std::uint64_t number = 0;
        if (value == nullptr || !value->get_u64(&number)) missing_ = name;
        return number;
    }
    bool flag(const char* name) {
        const Json* value = json_.find(name);
        if (value != nullptr && value->get_bool() != nullptr) return *value->get_bool();
        missing_ = name;
        return false;
    }
    template <class Fixed>
    Fixed fixed(const char* name) {
        const Result<Fixed> value = codec::parse_fixed<Fixed>(text(name));
        if (!value) missing_ = name;
        return value.value_or(Fixed{});
    }
    Result<void> end() const {
        if (missing_.empty()) return {};
        return make_error(Errc::kCorrupt, "a record of a file has no " + missing_);
    }

  private:
    const Json& json_;
    std::string missing_;
};

}  // namespace

std::string dump(const FileRecord& record) {
    return codec::dump_json(codec::JsonObject{{"id", record.id},
                                              {"client", codec::to_hex(record.client)},
                                              {"name", record.name},
                                              {"purpose", record.purpose},
                                              {"sha256", codec::to_hex(record.sha256)},
                                              {"bytes", record.bytes},
                                              {"created", record.created_unix_seconds},
                                              {"expires", record.expires_unix_seconds}});
}

Result<FileRecord> parse_file_record(std::string_view text) {
    TRY(const Json json, codec::parse_json(text));
    Members members{json};
    FileRecord record;
    record.id = members.text("id");
    record.client = members.fixed<Address>("client");
    record.name = members.text("name");
    record.purpose = members.text("purpose");
    record.sha256 = members.fixed<Hash>("sha256");
    record.bytes = members.number("bytes");
    record.created_unix_seconds = members.number("created");
    record.expires_unix_seconds = members.number("expires");
    TRY_OK(members.end());
    return record;
}

std::string dump(const JobSpace& space) {
    return codec::dump_json(codec::JsonObject{{"job_id", codec::to_hex(space.job_id)},
                                              {"client", codec::to_hex(space.client)},
                                              {"expires", space.expires_unix_seconds}});
}

Result<JobSpace> parse_job_space(std::string_view text) {
    TRY(const Json json, codec::parse_json(text));
    Members members{json};
    JobSpace space;
    space.job_id = members.fixed<JobId>("job_id");
    space.client = members.fixed<Address>("client");
    space.expires_unix_seconds = members.number("expires");
    TRY_OK(members.end());
    return space;
}

std::string dump(const JobSpace::Entry& entry) {
    return codec::dump_json(codec::JsonObject{{"bytes", entry.bytes}, {"input", entry.is_input}});
}

Result<JobSpace::Entry> parse_space_entry(std::string_view text) {
    TRY(const Json json, codec::parse_json(text));
    Members members{json};
    JobSpace::Entry entry;
    entry.bytes = members.number("bytes");
    entry.is_input = members.flag("input");
    TRY_OK(members.end());
    return entry;
}

Json to_public_json(const FileRecord& record) {
    const bool ends = record.expires_unix_seconds != 0;
    return codec::JsonObject{{"id", record.id},
                             {"object", "file"},
                             {"bytes", record.bytes},
                             {"created_at", record.created_unix_seconds},
                             {"expires_at", ends ? Json{record.expires_unix_seconds} : Json{}},
                             {"filename", record.name},
                             {"purpose", record.purpose},
                             {"status", "processed"},
                             {"sha256", codec::to_hex(record.sha256).substr(2)}};
}

std::string_view file_purposes() {
    return "assistants, batch, evals, fine-tune, job, vision or user_data";
}

bool is_file_purpose(std::string_view text) {
    return std::ranges::find(kPurposes, text) != kPurposes.end();
}

}  // namespace vcity::gateway
