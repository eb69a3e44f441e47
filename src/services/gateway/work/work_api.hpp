// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "services/gateway/exchange.hpp"
#include "services/gateway/work/work_request.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kJobsPath = "/v1/jobs";
inline constexpr std::string_view kJobPath = "/v1/jobs/";
inline constexpr std::string_view kOffersPath = "/v1/offers";

// Work on execution units for the holders of API keys (docs/api/jobs.md). A job belongs to the client whose spending
// cap pays it: every key on a cap of this client may see it and cancel it.
class WorkApi {
  public:
    explicit WorkApi(const Shared* shared) : shared_{shared} {}

    // exchange: of one of the paths above, with a method that the route takes.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, KeyRecord key);

  private:
    using Response = ApiResult<ports::HttpResponse>;

    Task<Response> submit(Exchange* exchange, KeyRecord key);
    Task<Response> place(Exchange* exchange, KeyRecord key, WorkOrder order, Hash fingerprint);
    Task<Response> quote(WorkOrder order);
    Task<Response> status(KeyRecord key, JobId job_id, bool with_history);
    Task<Response> cancel(KeyRecord key, JobId job_id);
    Task<Response> files(Exchange* exchange, KeyRecord key, JobId job_id, std::string rest);
    Task<Response> output(Exchange* exchange, KeyRecord key, JobId job_id);
    Task<Response> offers(Exchange* exchange);
    Response list(const Exchange& exchange, const KeyRecord& key) const;

    Refusal check_key(const KeyRecord& key) const;
    ApiResult<WorkRequest> read_body(const Exchange& exchange, const KeyRecord& key) const;
    ApiResult<WorkOrder> make_order(const Exchange& exchange, const KeyRecord& key, WorkRequest request) const;
    TimePoint patience() const;
    // Notes what a reply says; the budget that an ended job did not need goes back to its key.
    void learn(const WorkStatusReply& reply);

    const Shared* shared_;
};

}  // namespace vcity::gateway
