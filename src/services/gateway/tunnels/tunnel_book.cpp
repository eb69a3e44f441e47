// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/tunnels/tunnel_book.hpp"

#include <utility>

#include "codec/hex.hpp"
#include "services/common/http_text.hpp"

namespace vcity::gateway {
namespace {

ports::HttpResponse plain(unsigned status, std::string text) {
    ports::HttpResponse response;
    response.status = status;
    response.headers.set("Content-Type", "text/plain");
    response.body = std::move(text);
    return response;
}

// "https://host" and "http://host" become "wss://host" and "ws://host".
std::string web_socket_url(const std::string& public_url) {
    return public_url.starts_with("http") ? "ws" + public_url.substr(4) : public_url;
}

}  // namespace

TunnelBook::Half::~Half() {
    meeting_->is_over = true;
    if (meeting_->node != nullptr) meeting_->node->abort();
    meeting_->changed.notify();
    book_->by_secret_.erase(meeting_->secret);
    book_->by_id_.erase(meeting_->id);
    book_->give_place(meeting_->client);
}

Result<void> TunnelBook::take_place(const Address& client) {
    if (stopping_) return make_error(Errc::kUnavailable, "the gateway is stopping");
    if (public_url_.empty()) return make_error(Errc::kUnavailable, "this gateway has no address for nodes");
    if (count_ >= options_.tunnels_max) return make_error(Errc::kExhausted, "the gateway has too many tunnels");
    std::size_t& of_client = by_client_[client];
    if (of_client >= options_.tunnels_client_max) {
        return make_error(Errc::kExhausted, "this client has too many tunnels open");
    }
    ++of_client;
    ++count_;
    return {};
}

void TunnelBook::give_place(const Address& client) {
    --count_;
    const auto found = by_client_.find(client);
    if (--found->second == 0) by_client_.erase(found);
}

Task<Result<std::unique_ptr<TunnelBook::Half>>> TunnelBook::open(TunnelOpen wanted) {
    CO_TRY_OK(take_place(wanted.client));
    auto meeting = std::make_shared<Meeting>(runtime_);
    auto half = std::make_unique<Half>(this, meeting);
    Hash secret;
    runtime_->random_bytes(secret.bytes);
    runtime_->random_bytes(meeting->id.bytes);
    meeting->secret = codec::to_hex(secret).substr(2);
    meeting->client = wanted.client;
    by_secret_[meeting->secret] = meeting;
    by_id_[meeting->id] = meeting;
    wanted.tunnel = meeting->id;
    wanted.url = web_socket_url(public_url_) + std::string{kNodeTunnelPath} + meeting->secret;
    CO_TRY_OK(post_(std::move(wanted)));
    CO_TRY_OK(co_await wait_for_node(meeting.get()));
    co_return half;
}

Task<Result<void>> TunnelBook::wait_for_node(Meeting* meeting) {
    const TimePoint deadline = runtime_->now() + options_.open_patience;
    bool is_in_time = true;
    while (is_in_time && meeting->node == nullptr && !meeting->refusal && !stopping_) {
        is_in_time = co_await meeting->changed.wait_until(deadline);
    }
    if (meeting->node != nullptr) co_return Result<void>{};
    if (meeting->refusal) co_return *meeting->refusal;
    if (stopping_) co_return make_error(Errc::kUnavailable, "the gateway is stopping");
    co_return make_error(Errc::kTimeout, "the step's node did not answer in time");
}

Task<void> TunnelBook::meet(ports::HttpRequest request, ports::HttpResponder* responder) {
    const std::string secret{services::path_of(request.target).substr(kNodeTunnelPath.size())};
    const auto found = by_secret_.find(secret);
    if (found == by_secret_.end()) {
        (void)co_await responder->respond(plain(404, "no tunnel of this name waits for its node"));
        co_return;
    }
    const std::shared_ptr<Meeting> meeting = found->second;
    Result<std::unique_ptr<ports::WebSocket>> socket = co_await responder->upgrade(options_.socket);
    if (!socket) {
        if (socket.error().code == Errc::kInvalid) {
            (void)co_await responder->respond(plain(426, "a tunnel is a WebSocket"));
        }
        co_return;
    }
    // Once only; somebody else may have been faster meanwhile.
    if (meeting->is_over || meeting->node != nullptr) co_return;
    by_secret_.erase(secret);
    meeting->node = socket->get();
    meeting->changed.notify();
    while (!meeting->is_over) {
        co_await meeting->changed.wait_until(TimePoint::max());
    }
    meeting->node = nullptr;
}

void TunnelBook::on_refused(const TunnelRefused& refused) {
    const auto found = by_id_.find(refused.tunnel);
    if (found == by_id_.end()) return;
    found->second->refusal = make_error(refused.code, refused.reason);
    found->second->changed.notify();
}

void TunnelBook::stop() {
    stopping_ = true;
    for (const auto& [id, meeting] : by_id_) {
        if (meeting->node != nullptr) meeting->node->abort();
        meeting->changed.notify();
    }
}

}  // namespace vcity::gateway
