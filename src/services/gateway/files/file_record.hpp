// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "codec/json.hpp"
#include "model/job.hpp"

namespace vcity::gateway {

// A file that a client has uploaded. It belongs to the client whose spending cap is behind the key.
struct FileRecord {
    std::string id;  // "file-" and 24 hex digits
    Address client;
    std::string name;
    std::string purpose;
    Hash sha256;
    std::uint64_t bytes = 0;
    std::uint64_t created_unix_seconds = 0;
    std::uint64_t expires_unix_seconds = 0;  // 0: never

    bool operator==(const FileRecord&) const = default;
};

// The files of one job: what its order names, and what its nodes have uploaded.
struct JobSpace {
    struct Entry {
        std::uint64_t bytes = 0;
        bool is_input = false;  // counted with the client's own files

        bool operator==(const Entry&) const = default;
    };

    JobId job_id;
    Address client;
    std::uint64_t expires_unix_seconds = 0;
    std::map<Hash, Entry> files;

    bool operator==(const JobSpace&) const = default;
};

std::string dump(const FileRecord& record);
Result<FileRecord> parse_file_record(std::string_view text);
// Without its files, which have records of their own.
std::string dump(const JobSpace& space);
Result<JobSpace> parse_job_space(std::string_view text);
std::string dump(const JobSpace::Entry& entry);
Result<JobSpace::Entry> parse_space_entry(std::string_view text);

// OpenAI's file object.
codec::Json to_public_json(const FileRecord& record);

// What POST /v1/files takes as a purpose, in one text for people.
std::string_view file_purposes();
bool is_file_purpose(std::string_view text);

}  // namespace vcity::gateway
