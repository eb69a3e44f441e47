// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "services/gateway/exchange.hpp"
#include "services/gateway/tunnels/tunnel_book.hpp"

namespace vcity::gateway {

// Where a replica's server is.
struct ReplicaPlace {
    JobId job_id;
    Address client;
    std::string group;
    std::uint16_t port = 0;
};

enum class CallOutcome : std::uint8_t {
    kAnswered = 0,
    kBroken = 1,  // nothing of an answer has come, or it broke off
    kNoNews = 2,  // it was not asked: no tunnel was to be had, or there is no scheduler
};

struct CallResult {
    CallOutcome outcome = CallOutcome::kNoNews;
    unsigned status = 0;  // of an answer
    Duration first_byte{0};
    bool is_begun = false;  // something has gone to the client: nobody else can be asked
    std::string problem;
};

// Asks a replica something through a tunnel of its own.
class ReplicaCalls {
  public:
    ReplicaCalls(const Shared* shared, TunnelBook* tunnels) : shared_{shared}, tunnels_{tunnels} {}

    // A GET of that path. Only the head of the answer is waited for.
    Task<CallResult> probe(ReplicaPlace place, std::string path, TimePoint deadline);
    // Passes the exchange's request on to `rest` and the answer back. The first byte must come by the deadline. Nothing
    // has gone to the client unless the result says so. The client gets `x-vcity-replica` with the label.
    Task<CallResult> forward(
        Exchange* exchange, ReplicaPlace place, std::string prefix, std::string rest, std::string label);

  private:
    struct Watch;

    Task<CallResult> call(Exchange* exchange, ReplicaPlace place, std::string prefix, std::string rest, Watch* watch);
    static Task<void> guard(Runtime* runtime, std::shared_ptr<Watch> watch);

    const Shared* shared_;
    TunnelBook* tunnels_;
};

}  // namespace vcity::gateway
