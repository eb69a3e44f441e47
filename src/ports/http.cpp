// SPDX-License-Identifier: Apache-2.0
#include "ports/http.hpp"

#include <algorithm>

#include "ports/web_socket.hpp"

namespace vcity::ports {
namespace {

char lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char left, char right) { return lower(left) == lower(right); });
}

}  // namespace

std::string_view HttpHeaders::get(std::string_view name) const {
    for (const auto& [field, value] : fields) {
        if (same_name(field, name)) return value;
    }
    return {};
}

bool HttpHeaders::has(std::string_view name) const {
    return std::ranges::any_of(fields, [&](const auto& field) { return same_name(field.first, name); });
}

void HttpHeaders::set(std::string name, std::string value) {
    for (auto& [field, present] : fields) {
        if (!same_name(field, name)) continue;
        present = std::move(value);
        return;
    }
    fields.emplace_back(std::move(name), std::move(value));
}

Task<Result<std::string>> HttpResponder::read_body() {
    co_return std::string{};
}

std::optional<std::uint64_t> HttpHandler::streams_body(const HttpRequest& /*head*/) const {
    return std::nullopt;
}

Task<Result<HttpResponse>> HttpClient::upload(HttpRequest /*request*/, HttpBody* /*body*/, TimePoint /*deadline*/) {
    co_return make_error(Errc::kInvalid, "this client sends no bodies in pieces");
}

Task<Result<std::unique_ptr<WebSocket>>> HttpResponder::upgrade(WebSocketLimits /*limits*/) {
    co_return make_error(Errc::kInvalid, "this server speaks no WebSocket");
}

}  // namespace vcity::ports
