// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "services/verifier/blackbox/endpoint_check.hpp"

namespace vcity::wiring {

struct EndpointCheckRunOptions {
    std::string url;
    std::string honest_url;
    std::string model;  // empty: the folder's name
    std::string model_folder;
    std::string worker;
    std::string prompts_file;
    std::string api_key_file;
    std::string api = "chat";
    int threads = 1;
    verifier::EndpointCheckOptions check;
};

// Runs a whole check: the reference is vcity-worker in a sandbox. Every line of the prompts file is a prompt.
Result<verifier::EndpointReport> run_endpoint_check(EndpointCheckRunOptions options,
                                                    std::function<void(const verifier::EndpointProgress&)> on_progress);

}  // namespace vcity::wiring
