// SPDX-License-Identifier: Apache-2.0
#include "adapters/link/link.hpp"
#include "adapters/link/session.hpp"
#include "adapters/link/websocket.hpp"

namespace vcity::adapters {

Result<std::unique_ptr<WebSocketDialer>> WebSocketDialer::make(Runtime* runtime, const LinkDialerOptions& options) {
    std::shared_ptr<TlsSettings> tls;
    if (!options.authorities_file.empty()) {
        TRY(tls, load_client_tls(options.authorities_file));
    }
    return std::unique_ptr<WebSocketDialer>{new WebSocketDialer{runtime, options.link, std::move(tls)}};
}

WebSocketDialer::WebSocketDialer(Runtime* runtime, LinkOptions options, std::shared_ptr<TlsSettings> tls)
    : runtime_{runtime}, options_{options}, tls_{std::move(tls)} {}

Task<Result<std::unique_ptr<ports::Connection>>> WebSocketDialer::dial(std::string endpoint, TimePoint deadline) {
    CO_TRY(const auto url, codec::parse_url(endpoint));
    if (url.scheme != "ws" && url.scheme != "wss") {
        co_return make_error(Errc::kInvalid, "a link is dialled at ws:// or wss://");
    }
    if (url.is_secure() && !tls_) {
        CO_TRY(tls_, load_client_tls({}));
    }
    CO_TRY(auto socket, co_await dial_websocket(url, tls_, options_, deadline));
    auto session = LinkSession::start(runtime_, std::move(socket), options_, nullptr);
    co_return std::make_unique<LinkConnection>(std::move(session));
}

}  // namespace vcity::adapters
