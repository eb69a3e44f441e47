// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "codec/json.hpp"

namespace vcity::cli {

// What `vcity job run` is told.
struct JobFlags {
    std::vector<std::string> command;
    std::string name = "run";
    std::uint32_t count = 1;
    std::string accelerators;  // "H100:2"; empty: none
    double cpus = 1;
    double memory_gb = 0.25;
    double disk_gb = 0;
    std::uint32_t seconds_max = 3600;
    std::uint32_t retries = 2;
    std::string budget = "1";
    std::string service_class = "standard";
    std::vector<std::string> environment;  // "NAME=value"
    std::vector<std::string> inputs;       // paths; each keeps its last name
    std::vector<std::string> regions;
    bool keeps_files = false;  // what lies in /job/out at the end
};

// Brings a local file to the gateway and gives its id, "file-...".
using FileUploader = std::function<Result<std::string>(const std::string& path)>;

// The body of POST /v1/jobs. A program that is no absolute path is looked up in the sandbox's PATH. kInvalid for a
// variable without "=", kNotFound for a file that cannot be read. Files that are too large to stand in the order are
// uploaded; without an uploader they are kInvalid.
Result<codec::Json> make_job_spec(const JobFlags& flags, const FileUploader& upload = {});

// A spec file ("-": standard input), in which an input may also be {"file": "path"}, relative to the spec's folder:
// its content takes its place, or the id of the uploaded file. The id of a file stays. kInvalid with the place for what
// is no JSON.
Result<codec::Json> load_job_spec(const std::string& path, const FileUploader& upload = {});

}  // namespace vcity::cli
