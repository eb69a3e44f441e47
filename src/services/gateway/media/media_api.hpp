// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/gateway/exchange.hpp"
#include "services/gateway/media/media_request.hpp"
#include "services/gateway/work/work_api.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kSpeechPath = "/v1/audio/speech";
inline constexpr std::string_view kImagesPath = "/v1/images/generations";

// Speech and images in OpenAI's shape (docs/api/media.md): a job of one step on whatever node is free, ordered and paid
// through the WorkApi, that is waited for. Its id is in x-job-id. A request that takes longer than the gateway's
// deadline, or whose client has gone, cancels its job.
class MediaApi {
  public:
    MediaApi(const Shared* shared, WorkApi* work) : shared_{shared}, work_{work} {}

    // exchange: POST of one of the paths above.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, KeyRecord key);

  private:
    using Response = ApiResult<ports::HttpResponse>;

    Task<Response> speak(Exchange* exchange, KeyRecord key, codec::Json body);
    Task<Response> paint(Exchange* exchange, KeyRecord key, codec::Json body);
    // Orders the job and waits until it has succeeded: its path, "/v1/jobs/job_...".
    Task<ApiResult<std::string>> make(Exchange* exchange, KeyRecord key, codec::Json order);
    Task<Refusal> wait(Exchange* exchange, KeyRecord key, std::string job);
    Task<ApiError> failure(Exchange* exchange, KeyRecord key, std::string job);
    // Asks the WorkApi as a client would.
    Task<Response> ask(Exchange* exchange, KeyRecord key, std::string method, std::string target, std::string body);
    Task<ApiResult<codec::Json>> ask_json(Exchange* exchange, KeyRecord key, std::string method, std::string target);
    // listed: the job's files.
    std::optional<std::string> link_of(const std::string& job,
                                       const codec::Json& listed,
                                       const std::string& name) const;
    Task<ApiResult<std::string>> encoded_file(Exchange* exchange, KeyRecord key, std::string job, std::string name);
    std::uint32_t draw_seed(const Exchange& exchange) const;
    MediaTerms terms_of(const KeyRecord& key) const;

    const Shared* shared_;
    WorkApi* work_;
};

}  // namespace vcity::gateway
