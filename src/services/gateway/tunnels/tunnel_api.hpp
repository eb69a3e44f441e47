// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "services/gateway/exchange.hpp"
#include "services/gateway/tunnels/tunnel_book.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kLinkPath = "/p/";

// What a path or a link of a tunnel names.
struct TunnelPlace {
    JobId job_id;
    std::string group;
    std::uint32_t index = 0;
    TunnelTarget target;
    std::string prefix;  // of the path, without what is asked of the step itself
    std::string rest;    // of a request to the step, begins with '/'; empty: there was none

    bool operator==(const TunnelPlace&) const = default;
};

// "/v1/jobs/{id}/ports/{group}/{index}/{port|shell|ssh}[/...]", with what the query says of a shell: tty, columns, rows
// and arg, once for every word. nullopt: no such path. Untrusted.
ApiResult<std::optional<TunnelPlace>> parse_tunnel_path(std::string_view target);

// Ways into running steps for their customers (docs/pods.md): a WebSocket to a port, a shell or an SSH server; plain
// HTTP to a port; and links, by which a browser that has no API key may do either for a while.
class TunnelApi {
  public:
    TunnelApi(const Shared* shared, TunnelBook* book) : shared_{shared}, book_{book} {}

    // Whether a request is for this API, and whether it needs a key.
    enum class Door : std::uint8_t { kNone, kKey, kLink, kNode };
    static Door door_of(const ports::HttpRequest& request);

    // key: of Door::kKey. Answers, or says what the answer is.
    Task<Refusal> serve(Exchange* exchange, const KeyRecord* key);

  private:
    struct Link {
        Address client;
        TunnelPlace place;
        TimePoint until;
    };

    Task<Refusal> enter(Exchange* exchange, Address client, TunnelPlace place);
    Task<Refusal> use_link(Exchange* exchange);
    Task<Refusal> make_link(Exchange* exchange, Address client);

    const Shared* shared_;
    TunnelBook* book_;
    std::map<std::string, Link> links_;
};

}  // namespace vcity::gateway
