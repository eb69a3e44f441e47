// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "services/gateway/exchange.hpp"
#include "services/gateway/finetune/finetune_book.hpp"
#include "services/gateway/finetune/finetune_progress.hpp"
#include "services/gateway/work/work_api.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kFinetunesPath = "/v1/fine_tuning/jobs";
inline constexpr std::string_view kFinetunePath = "/v1/fine_tuning/jobs/";

// Fine-tuning in OpenAI's shape (docs/api/fine-tuning.md): each is a job on units with one step, ordered, followed and
// cancelled through the WorkApi, so that money, keys and idempotency are the same. A client sees its own.
class FinetuneApi {
  public:
    FinetuneApi(const Shared* shared, WorkApi* work, FinetuneBook* book) : shared_{shared}, work_{work}, book_{book} {}

    // exchange: of one of the paths above, with a method that the route takes.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, KeyRecord key);

  private:
    using Response = ApiResult<ports::HttpResponse>;
    // A page of a list.
    struct Page {
        std::string after;
        std::size_t limit = 20;
    };
    // What there is to know about a job.
    struct View {
        FinetuneRecord record;
        codec::Json work;
        FinetuneProgress progress;
    };

    Task<Response> create(Exchange* exchange, KeyRecord key);
    Task<Response> list(Exchange* exchange, KeyRecord key);
    Task<Response> show(Exchange* exchange, KeyRecord key, FinetuneRecord record);
    Task<Response> cancel(Exchange* exchange, KeyRecord key, FinetuneRecord record);
    Task<Response> parts(Exchange* exchange, KeyRecord key, FinetuneRecord record, std::string part);

    Task<ApiResult<codec::Json>> object_of(Exchange* exchange, KeyRecord key, FinetuneRecord record);
    Task<ApiResult<View>> view(Exchange* exchange, KeyRecord key, FinetuneRecord record);
    // Asks the WorkApi as a client would.
    Task<Response> ask(Exchange* exchange, KeyRecord key, std::string method, std::string target, std::string body);
    Task<ApiResult<codec::Json>> ask_json(Exchange* exchange, KeyRecord key, std::string method, std::string target);
    Task<std::string> output_of(Exchange* exchange, KeyRecord key, JobId job_id);
    ApiResult<FinetuneRecord> read_request(const Exchange& exchange, const KeyRecord& key) const;
    static ApiResult<Page> page_of(const Exchange& exchange);
    static Response paged(codec::JsonArray all, const Page& page);

    const Shared* shared_;
    WorkApi* work_;
    FinetuneBook* book_;
};

}  // namespace vcity::gateway
