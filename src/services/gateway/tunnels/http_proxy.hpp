// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ports/web_socket.hpp"
#include "services/gateway/exchange.hpp"

namespace vcity::gateway {

// A plain HTTP request to a port of a step.
struct ProxyRequest {
    std::string prefix;  // of the path at the gateway
    std::string rest;    // what is asked of the step; empty: nothing yet, the client is sent to prefix + "/"
    std::uint16_t port = 0;
};

// The request as the step's server gets it: origin form, one connection for one request, with the fields that are about
// the request itself. Never the client's API key or cookies, which are not the step's business.
std::string proxied_request(const ports::HttpRequest& request, const ProxyRequest& proxied);

// The head of the answer as the client gets it: without fields about the connection and without cookies; redirects stay
// under the prefix. What a stranger's program sends must not act in the name of this gateway's origin: browsers get it
// as a document without one ("Content-Security-Policy: sandbox").
ports::HttpResponse proxied_head(const ports::HttpResponse& head, const std::string& prefix);

// Asks through the tunnel, whose socket is used up, and answers. The body is passed on as it comes.
Task<Refusal> proxy_http(Exchange* exchange, ports::WebSocket* socket, ProxyRequest proxied);

}  // namespace vcity::gateway
