// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/accounts/caller.hpp"
#include "services/gateway/work/work_api.hpp"

namespace vcity::gateway {

// /api/v1/jobs and /api/v1/leases: the jobs of an account, whichever of its keys ordered them, for its sessions and for
// its keys with the scope rent. Orders themselves need a key, because a key names the spending cap that pays.
class AccountWork {
  public:
    static constexpr std::size_t kLeasesJobsMax = 50;  // active jobs whose leases are told, the newest

    AccountWork(const Shared* shared, WorkApi* work) : shared_{shared}, work_{work} {}

    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, Caller caller);

  private:
    ApiResult<ports::HttpResponse> list(const Exchange& exchange, const Address& account) const;
    Task<ApiResult<ports::HttpResponse>> leases(Address account);
    // The newest jobs of all keys of the account.
    std::vector<WorkNote> notes_of(const Address& account, std::size_t limit) const;

    const Shared* shared_;
    WorkApi* work_;
};

}  // namespace vcity::gateway
