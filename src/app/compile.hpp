// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "app/app_spec.hpp"
#include "codec/json.hpp"
#include "model/work.hpp"

// From an app to the job that it is.
namespace vcity::app {

// A file that goes with the groups of a job. Who orders the job reads it, and puts it here as content (small files) or
// as what the gateway knows it by.
struct Attachment {
    std::vector<std::string> groups;
    AppFile file;
    bool is_requests = false;  // of a batch: what a node gets is prepare_requests() of it
    bool is_chat = false;      // of a finetune: check_chat_lines() finds nothing wrong with it
    Bytes content;
    std::string file_id;  // "file-..."; empty: content is all of it
};

struct AppOrder {
    WorkSpec spec;  // without the attachments
    Usd budget;
    std::uint32_t deadline_minutes = 0;
    std::vector<Attachment> attachments;
    std::vector<std::string> notes;  // what of the app this network does not do yet
};

struct CompileInput {
    std::map<std::string, std::string> environment{};  // the customer's, for variables without a value
    std::map<std::string, std::string> answers{};      // to the template's questions
    std::string ssh_key{};                             // what stands in the file that ssh_key names
    std::uint64_t seed = 0;                            // unpredictable: chooses the tiles that are computed twice
};

// The job, which has passed work::check(), or what is missing.
std::variant<AppOrder, Problem> compile(const AppSpec& app, const CompileInput& input);

// Body of POST /v1/jobs.
codec::Json order_json(const AppOrder& order);

// Whether the app is a deployment (docs/serve.md) and not a job: its order is what one replica runs.
bool is_deployment(const AppSpec& app);
// Body of POST /api/v1/deployments.
codec::Json deployment_json(const AppSpec& app, const AppOrder& order);

}  // namespace vcity::app
