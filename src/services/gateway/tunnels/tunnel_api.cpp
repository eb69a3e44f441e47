// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/tunnels/tunnel_api.hpp"

#include <charconv>
#include <utility>

#include "codec/hex.hpp"
#include "services/common/http_text.hpp"
#include "services/common/tunnel_pump.hpp"
#include "services/gateway/tunnels/http_proxy.hpp"
#include "services/gateway/work/spec_reader.hpp"
#include "services/gateway/work/work_api.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

constexpr std::size_t kLinksMax = 10'000;
constexpr std::uint64_t kLinkSecondsMax = 86'400;
constexpr std::uint64_t kLinkSecondsDefault = 3'600;
constexpr std::uint32_t kTerminalSideMax = 1'000;
constexpr std::string_view kPortsPart = "ports";
constexpr std::string_view kLinksPart = "links";

template <class Number>
bool read_number(std::string_view text, Number* out) {
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), *out);
    return code == std::errc{} && stop == text.data() + text.size();
}

// The next part of a path, taken off its front.
std::string_view take_part(std::string_view* path) {
    const std::size_t slash = path->find('/');
    const std::string_view part = path->substr(0, slash);
    path->remove_prefix(slash == std::string_view::npos ? path->size() : slash + 1);
    return part;
}

std::vector<std::string> words_of(std::string_view target) {
    std::vector<std::string> words;
    const std::size_t mark = target.find('?');
    if (mark == std::string_view::npos) return words;
    std::string_view query = target.substr(mark + 1);
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (pair.starts_with("arg=")) words.push_back(services::percent_decoded(pair.substr(4)));
    }
    return words;
}

ApiError bad_value(std::string_view param, std::string_view value, const char* wanted) {
    return spec::refusal(ErrorCode::kInvalidValue, std::string{param}, std::string{value.substr(0, 64)}, wanted);
}

ApiResult<TunnelTarget> shell_of(std::string_view target) {
    TunnelTarget shell;
    shell.kind = TunnelKind::kShell;
    shell.command = words_of(target);
    if (shell.command.size() > kTunnelArgumentsMax) {
        return bad_value("arg", std::to_string(shell.command.size()) + " words", "at most 64");
    }
    for (const std::string& word : shell.command) {
        if (word.size() > kTunnelArgumentBytesMax) return bad_value("arg", word, "words of at most 4,096 bytes");
    }
    shell.has_terminal = services::query_of(target, "tty") == "1";
    for (const auto& [name, side] : {std::pair{"columns", &shell.columns}, std::pair{"rows", &shell.rows}}) {
        const std::string_view text = services::query_of(target, name);
        if (text.empty()) continue;
        if (!read_number(text, side) || *side == 0 || *side > kTerminalSideMax) {
            return bad_value(name, text, "a whole number from 1 to 1000");
        }
    }
    return shell;
}

ApiResult<TunnelTarget> target_of(std::string_view end, std::string_view request_target) {
    TunnelTarget target;
    if (end == "shell") return shell_of(request_target);
    if (end == "ssh") {
        target.kind = TunnelKind::kSsh;
        return target;
    }
    if (!read_number(end, &target.port) || target.port == 0) {
        return bad_value("port", end, "a number from 1 to 65535, 'shell' or 'ssh'");
    }
    return target;
}

// What a tunnel that did not come about is to its client.
ApiError not_reached(const Error& error) {
    switch (error.code) {
        case Errc::kNotFound: return spec::refusal(ErrorCode::kJobNotFound, "id", error.message);
        case Errc::kDenied:
        case Errc::kInvalid: return spec::refusal(ErrorCode::kStepPortRefused, "port", error.message);
        case Errc::kExhausted: return spec::refusal(ErrorCode::kParallelLimitExceeded, "", error.message);
        default: return spec::refusal(ErrorCode::kStepNotReachable, "", error.message);
    }
}

bool wants_web_socket(const ports::HttpRequest& request) {
    std::string upgrade{request.headers.get("upgrade")};
    for (char& letter : upgrade) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return upgrade == "websocket";
}

}  // namespace

ApiResult<std::optional<TunnelPlace>> parse_tunnel_path(std::string_view target) {
    std::string_view path = services::path_of(target);
    const std::string_view whole = path;
    if (!path.starts_with(kJobPath)) return std::optional<TunnelPlace>{};
    path.remove_prefix(kJobPath.size());
    const std::string_view job = take_part(&path);
    if (take_part(&path) != kPortsPart) return std::optional<TunnelPlace>{};
    TunnelPlace place;
    const std::optional<JobId> job_id = job_of_work(job);
    if (!job_id) return spec::refusal(ErrorCode::kJobNotFound, "id", "this is not the id of a job");
    place.job_id = *job_id;
    place.group = take_part(&path);
    const std::string_view index = take_part(&path);
    if (place.group.empty() || place.group.size() > 32) return bad_value("group", place.group, "the name of a group");
    if (!read_number(index, &place.index)) return bad_value("index", index, "the number of a step in its group");
    const bool has_rest = path.find('/') != std::string_view::npos;
    ApiResult<TunnelTarget> end = target_of(take_part(&path), target);
    if (!end) return std::move(end).error();
    place.target = *std::move(end);
    if (has_rest) place.rest = "/" + std::string{target.substr(whole.size() - path.size())};
    place.prefix = whole.substr(0, whole.size() - path.size() - (has_rest ? 1 : 0));
    return std::optional<TunnelPlace>{std::move(place)};
}

TunnelApi::Door TunnelApi::door_of(const ports::HttpRequest& request) {
    std::string_view path = services::path_of(request.target);
    if (path.starts_with(kNodeTunnelPath)) return Door::kNode;
    if (path.starts_with(kLinkPath)) return Door::kLink;
    if (!path.starts_with(kJobPath)) return Door::kNone;
    path.remove_prefix(kJobPath.size());
    take_part(&path);
    const bool is_link = path == kLinksPart && request.method == "POST";
    return is_link || take_part(&path) == kPortsPart ? Door::kKey : Door::kNone;
}

Task<Refusal> TunnelApi::serve(Exchange* exchange, const KeyRecord* key) {
    const Door door = door_of(exchange->request);
    if (door == Door::kNode) {
        co_await book_->meet(std::move(exchange->request), exchange->responder);
        co_return std::nullopt;
    }
    if (door == Door::kLink) {
        co_return co_await use_link(exchange);
    }
    const Address client = key->terms.cap.cap.client;
    ApiResult<std::optional<TunnelPlace>> place = parse_tunnel_path(exchange->request.target);
    if (!place) co_return std::move(place).error();
    if (!*place) {
        co_return co_await make_link(exchange, client);
    }
    TunnelPlace known = **std::move(place);
    co_return co_await enter(exchange, client, std::move(known));
}

Task<Refusal> TunnelApi::enter(Exchange* exchange, Address client, TunnelPlace place) {
    const bool is_socket = wants_web_socket(exchange->request);
    if (!is_socket && place.target.kind != TunnelKind::kPort) {
        co_return spec::refusal(ErrorCode::kMethodNotAllowed, "", "a shell is reached with a WebSocket");
    }
    TunnelOpen wanted;
    wanted.job_id = place.job_id;
    wanted.client = client;
    wanted.group = place.group;
    wanted.index = place.index;
    wanted.target = place.target;
    Result<std::unique_ptr<TunnelBook::Half>> node = co_await book_->open(std::move(wanted));
    if (!node) co_return not_reached(node.error());
    if (!is_socket) {
        ProxyRequest proxied{.prefix = place.prefix, .rest = place.rest, .port = place.target.port};
        co_return co_await proxy_http(exchange, (*node)->socket(), std::move(proxied));
    }
    Result<std::unique_ptr<ports::WebSocket>> socket = co_await exchange->responder->upgrade(book_->options().socket);
    if (!socket && socket.error().code == Errc::kInvalid) {
        co_return spec::refusal(ErrorCode::kInvalidValue, "upgrade", socket.error().message);
    }
    if (!socket) co_return std::nullopt;  // the client has gone
    services::PumpOptions options;
    options.runtime = shared_->runtime;
    options.idle_max = book_->options().idle_max;
    (void)co_await services::splice(socket->get(), (*node)->socket(), std::move(options));
    co_return std::nullopt;
}

// {"path": "ports/{group}/{index}/{end}", "seconds": 3600}: a url that needs no key.
Task<Refusal> TunnelApi::make_link(Exchange* exchange, Address client) {
    const Result<codec::Json> body = codec::parse_json(exchange->request.body);
    const codec::Json* path = body ? body->find("path") : nullptr;
    if (path == nullptr || path->get_string() == nullptr) {
        co_return spec::refusal(ErrorCode::kMissingParameter, "path", "what the link is to, e.g. ports/main/0/8888");
    }
    std::uint64_t seconds = kLinkSecondsDefault;
    const codec::Json* asked = body->find("seconds");
    if (asked != nullptr && (!asked->get_u64(&seconds) || seconds == 0 || seconds > kLinkSecondsMax)) {
        co_return spec::refusal(ErrorCode::kInvalidValue, "seconds", "a link lasts from 1 to 86400 seconds");
    }
    const std::string own{services::path_of(exchange->request.target)};
    const std::string base = own.substr(0, own.size() - kLinksPart.size());
    ApiResult<std::optional<TunnelPlace>> place = parse_tunnel_path(base + path->get_string()->substr(0, 256));
    if (!place) co_return std::move(place).error();
    if (!*place) co_return spec::refusal(ErrorCode::kInvalidValue, "path", "a link is to ports/{group}/{index}/{end}");
    const TimePoint now = shared_->runtime->now();
    std::erase_if(links_, [now](const auto& entry) { return entry.second.until <= now; });
    if (links_.size() >= kLinksMax) co_return spec::refusal(ErrorCode::kGatewayOverloaded, "", "too many links");
    Hash secret;
    shared_->runtime->random_bytes(secret.bytes);
    const std::string token = codec::to_hex(secret).substr(2);
    links_[token] = {.client = client, .place = **place, .until = now + std::chrono::seconds{seconds}};
    const codec::Json answer = codec::JsonObject{
        {"url", shared_->options->public_url + std::string{kLinkPath} + token + "/"}, {"seconds", seconds}};
    (void)co_await exchange->responder->respond(services::json_response(answer));
    co_return std::nullopt;
}

Task<Refusal> TunnelApi::use_link(Exchange* exchange) {
    std::string_view path = services::path_of(exchange->request.target).substr(kLinkPath.size());
    const std::string token{take_part(&path)};
    const auto found = links_.find(token);
    if (found == links_.end() || found->second.until <= shared_->runtime->now()) {
        co_return spec::refusal(ErrorCode::kRouteNotFound, "", "this link is unknown or its time has passed");
    }
    const Link& link = found->second;
    const std::string_view target = exchange->request.target;
    TunnelPlace place = link.place;
    place.prefix = std::string{kLinkPath} + token;
    place.rest = target.size() > place.prefix.size() ? std::string{target.substr(place.prefix.size())} : std::string{};
    if (place.target.kind == TunnelKind::kShell) {
        // The browser knows how large its terminal is; what runs in it was decided when the link was made.
        const ApiResult<TunnelTarget> asked = shell_of(target);
        if (asked) place.target.columns = asked->columns;
        if (asked) place.target.rows = asked->rows;
    }
    const Address client = link.client;
    co_return co_await enter(exchange, client, std::move(place));
}

}  // namespace vcity::gateway
