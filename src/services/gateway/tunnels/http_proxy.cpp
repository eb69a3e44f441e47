// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/tunnels/http_proxy.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "services/common/tunnel_pump.hpp"
#include "services/gateway/tunnels/http_reply.hpp"
#include "services/gateway/work/spec_reader.hpp"

namespace vcity::gateway {
namespace {

// Of requests: everything that may be said about one.
constexpr std::array<std::string_view, 15> kPassedOn = {
    "accept",           "accept-encoding", "accept-language", "cache-control",     "content-type",
    "content-encoding", "if-match",        "if-none-match",   "if-modified-since", "if-unmodified-since",
    "origin",           "range",           "referer",         "user-agent",        "x-requested-with"};

// Of answers: what is between two neighbours, or would speak for the gateway's origin.
constexpr std::array<std::string_view, 14> kHeldBack = {"connection",
                                                        "keep-alive",
                                                        "proxy-authenticate",
                                                        "proxy-connection",
                                                        "te",
                                                        "trailer",
                                                        "transfer-encoding",
                                                        "upgrade",
                                                        "content-length",
                                                        "set-cookie",
                                                        "set-cookie2",
                                                        "strict-transport-security",
                                                        "clear-site-data",
                                                        "service-worker-allowed"};

std::string lower(std::string_view text) {
    std::string result{text};
    for (char& letter : result) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return result;
}

template <std::size_t N>
bool is_among(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::ranges::find(names, lower(name)) != names.end();
}

ApiError bad_gateway(std::string message) {
    return spec::refusal(ErrorCode::kStepNotReachable, "", std::move(message));
}

// A client that hangs up ends its tunnel.
Task<bool> send_request(ports::WebSocket* socket, std::string text) {
    for (std::size_t at = 0; at < text.size(); at += services::kTunnelPieceBytes) {
        const std::string_view piece = std::string_view{text}.substr(at, services::kTunnelPieceBytes);
        ports::WebSocketMessage message;
        message.bytes.assign(piece.begin(), piece.end());
        const Result<void> sent = co_await socket->write(std::move(message));
        if (!sent) co_return false;
    }
    co_return true;
}

// Feeds the reader with the next message; an empty one is the end.
Task<Result<void>> read_more(ports::WebSocket* socket, HttpReplyReader* reader) {
    const Result<ports::WebSocketMessage> message = co_await socket->read();
    if (!message || message->bytes.empty()) co_return reader->end();
    if (message->is_text) co_return Result<void>{};
    co_return reader->feed(as_text(message->bytes));
}

}  // namespace

std::string proxied_request(const ports::HttpRequest& request, const ProxyRequest& proxied) {
    std::string text = request.method + " " + proxied.rest +
                       " HTTP/1.1\r\nHost: localhost:" + std::to_string(proxied.port) +
                       "\r\nConnection: close\r\nX-Forwarded-Prefix: " + proxied.prefix + "\r\n";
    for (const auto& [name, value] : request.headers.fields) {
        if (is_among(kPassedOn, name)) text.append(name).append(": ").append(value).append("\r\n");
    }
    const bool has_body = !request.body.empty() || request.method == "POST" || request.method == "PUT";
    if (has_body) text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    return text + "\r\n" + request.body;
}

ports::HttpResponse proxied_head(const ports::HttpResponse& head, const std::string& prefix) {
    ports::HttpResponse result;
    result.status = head.status;
    for (const auto& [name, value] : head.headers.fields) {
        if (is_among(kHeldBack, name)) continue;
        const bool is_local_place = lower(name) == "location" && value.starts_with('/') && !value.starts_with("//");
        result.headers.fields.emplace_back(name, is_local_place ? prefix + value : value);
    }
    result.headers.fields.emplace_back("Content-Security-Policy",
                                       "sandbox allow-scripts allow-forms allow-popups allow-downloads");
    result.headers.fields.emplace_back("X-Content-Type-Options", "nosniff");
    return result;
}

Task<Refusal> proxy_http(Exchange* exchange, ports::WebSocket* socket, ProxyRequest proxied) {
    ports::HttpResponder* responder = exchange->responder;
    if (proxied.rest.empty()) {
        ports::HttpResponse redirect;
        redirect.status = 307;
        redirect.headers.set("Location", proxied.prefix + "/");
        (void)co_await responder->respond(std::move(redirect));
        co_return std::nullopt;
    }
    const bool is_head = exchange->request.method == "HEAD";
    const bool is_sent = co_await send_request(socket, proxied_request(exchange->request, proxied));
    if (!is_sent) co_return bad_gateway("the tunnel to the step broke");
    HttpReplyReader reader{is_head};
    while (!reader.has_head()) {
        const Result<void> read = co_await read_more(socket, &reader);
        if (!read) co_return bad_gateway(read.error().message);
    }
    ports::HttpResponse head = proxied_head(reader.head(), proxied.prefix);
    const bool is_bodiless = reader.is_done() && (head.status == 204 || head.status == 304);
    if (is_bodiless) {
        (void)co_await responder->respond(std::move(head));
        co_return std::nullopt;
    }
    Result<void> going = co_await responder->start(std::move(head));
    while (going) {
        going = co_await responder->write(reader.take_body());
        if (!going || reader.is_done()) break;
        going = co_await read_more(socket, &reader);
    }
    // An answer that broke off must not look complete: it is not finished.
    if (going) {
        (void)co_await responder->finish();
    }
    co_return std::nullopt;
}

}  // namespace vcity::gateway
