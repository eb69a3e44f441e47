// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "services/gateway/exchange.hpp"
#include "services/gateway/work/work_request.hpp"

namespace vcity::gateway {

class DeliveryLog;

inline constexpr std::string_view kJobsPath = "/v1/jobs";
inline constexpr std::string_view kJobPath = "/v1/jobs/";
inline constexpr std::string_view kOffersPath = "/v1/offers";

// Work on execution units for the holders of API keys (docs/api/jobs.md). A job belongs to the client whose spending
// cap pays it: every key on a cap of this client may see it and cancel it.
class WorkApi {
  public:
    explicit WorkApi(const Shared* shared) : shared_{shared} {}
    // Where to note what jobs cost; null: nowhere.
    void set_deliveries(DeliveryLog* deliveries) { deliveries_ = deliveries; }
    // A job as the gateway remembers it, for lists.
    static codec::Json to_json(const WorkNote& note);

    // exchange: of one of the paths above, with a method that the route takes.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, KeyRecord key);
    // GET /v1/offers, which is nobody's secret. scheduler: whose; zero: of all.
    Task<ApiResult<ports::HttpResponse>> offers(Exchange* exchange, Address scheduler);

    // Learns what became of a job, for those who wait to be told.
    Task<void> refresh(JobId job_id, Address client);

  private:
    using Response = ApiResult<ports::HttpResponse>;

    Task<Response> submit(Exchange* exchange, KeyRecord key);
    Task<Response> place(Exchange* exchange, KeyRecord key, WorkOrder order, Hash fingerprint);
    Task<Response> quote(WorkOrder order);
    Task<Response> status(KeyRecord key, JobId job_id, bool with_history);
    Task<Response> cancel(KeyRecord key, JobId job_id);
    Task<Response> files(Exchange* exchange, KeyRecord key, JobId job_id, std::string rest);
    Task<Response> output(Exchange* exchange, KeyRecord key, JobId job_id);
    Response list(const Exchange& exchange, const KeyRecord& key) const;

    Refusal check_key(const KeyRecord& key) const;
    ApiResult<WorkRequest> read_body(const Exchange& exchange, const KeyRecord& key) const;
    ApiResult<WorkOrder> make_order(const Exchange& exchange, const KeyRecord& key, WorkRequest request) const;
    TimePoint patience() const;
    // Notes what a reply to that client says; the budget that an ended job did not need goes back to its key.
    void learn(const WorkStatusReply& reply, const Address& account);

    const Shared* shared_;
    DeliveryLog* deliveries_ = nullptr;
};

}  // namespace vcity::gateway
