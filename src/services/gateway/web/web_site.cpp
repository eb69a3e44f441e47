// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/web/web_site.hpp"

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "crypto/sha256.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kIndex = "/index.html";
// Names under here hold a hash of their content.
constexpr std::string_view kHashed = "/assets/";
// First parts of paths that are the gateway's.
constexpr std::array<std::string_view, 11> kOfGateway{"v1",    "api",    "p",     "d",       "files",       "tunnels",
                                                      "admin", "health", "ready", "metrics", "openapi.json"};
// Own scripts only, no frames, no plugins. Styles may stand in the page: the terminal brings its own.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; connect-src 'self'";

struct MediaType {
    std::string_view ending;
    const char* type;
};
constexpr std::array kTypes{
    MediaType{".html", "text/html; charset=utf-8"},
    MediaType{".js", "text/javascript; charset=utf-8"},
    MediaType{".css", "text/css; charset=utf-8"},
    MediaType{".svg", "image/svg+xml"},
    MediaType{".png", "image/png"},
    MediaType{".ico", "image/x-icon"},
    MediaType{".json", "application/json; charset=utf-8"},
    MediaType{".txt", "text/plain; charset=utf-8"},
    MediaType{".woff2", "font/woff2"},
    MediaType{".webmanifest", "application/manifest+json"},
    MediaType{".map", "application/json; charset=utf-8"},
};

std::string_view path_of(std::string_view target) {
    return target.substr(0, target.find_first_of("?#"));
}

bool is_of_gateway(std::string_view path) {
    std::string_view first = path;
    first.remove_prefix(std::min<std::size_t>(1, first.size()));
    first = first.substr(0, first.find('/'));
    return std::ranges::find(kOfGateway, first) != kOfGateway.end();
}

// Whether a list like "gzip, br;q=0.8" names it and does not rule it out.
bool accepts(std::string_view list, std::string_view coding) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        std::string_view item = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        while (item.starts_with(' ')) item.remove_prefix(1);
        const std::string_view name = item.substr(0, item.find_first_of("; "));
        if (name == coding)
            return item.find("q=0") == std::string_view::npos || item.find("q=0.") != std::string_view::npos;
    }
    return false;
}

}  // namespace

std::string media_type_of(std::string_view path) {
    for (const MediaType& known : kTypes) {
        if (path.ends_with(known.ending)) return known.type;
    }
    return "application/octet-stream";
}

WebSite::WebSite(const WebFiles& files, ports::HttpHandler* gateway, const std::string& rpc_url)
    : gateway_{gateway}, policy_{kPolicy} {
    // A list of the policy ends at a blank or a semicolon.
    if (!rpc_url.empty() && rpc_url.find_first_of(" ;,\r\n") == std::string::npos) policy_ += " " + rpc_url;
    for (const auto& [path, file] : files) {
        Page page;
        page.plain = form_of(file.content);
        if (!file.gzip.empty()) page.gzip = form_of(file.gzip);
        if (!file.brotli.empty()) page.brotli = form_of(file.brotli);
        page.type = media_type_of(path);
        page.is_immutable = path.starts_with(kHashed);
        pages_.emplace(path, std::move(page));
    }
    CHECK(pages_.contains(kIndex));
}

WebSite::Form WebSite::form_of(const std::string& content) {
    const Hash hash = crypto::sha256(as_bytes(content));
    return {content, "\"" + codec::to_hex(hash).substr(2, 32) + "\""};
}

// A page's own path has no ending; a file that is not there is not the page.
const WebSite::Page* WebSite::find(std::string_view path) const {
    const auto found = pages_.find(path);
    if (found != pages_.end()) return &found->second;
    const std::size_t slash = path.rfind('/');
    const bool is_file = path.find('.', slash == std::string_view::npos ? 0 : slash) != std::string_view::npos;
    return is_file || path.starts_with(kHashed) ? nullptr : &pages_.find(kIndex)->second;
}

std::optional<ports::HttpResponse> WebSite::answer(const ports::HttpRequest& request) const {
    const bool is_read = request.method == "GET" || request.method == "HEAD";
    const std::string_view path = path_of(request.target);
    if (!is_read || is_of_gateway(path)) return std::nullopt;
    const Page* page = find(path);
    ports::HttpResponse response;
    response.headers.set("X-Content-Type-Options", "nosniff");
    response.headers.set("Referrer-Policy", "no-referrer");
    response.headers.set("Content-Security-Policy", policy_);
    response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
    response.headers.set("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
    if (page == nullptr) {
        response.status = 404;
        response.headers.set("Content-Type", "text/plain; charset=utf-8");
        response.body = "There is no such file.\n";
        return response;
    }
    const std::string_view codings = request.headers.get("accept-encoding");
    const Form* form = &page->plain;
    if (!page->brotli.body.empty() && accepts(codings, "br")) {
        form = &page->brotli;
        response.headers.set("Content-Encoding", "br");
    } else if (!page->gzip.body.empty() && accepts(codings, "gzip")) {
        form = &page->gzip;
        response.headers.set("Content-Encoding", "gzip");
    }
    response.headers.set("Content-Type", page->type);
    response.headers.set("Vary", "Accept-Encoding");
    response.headers.set("ETag", form->etag);
    response.headers.set("Cache-Control", page->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (request.headers.get("if-none-match") == form->etag) {
        response.status = 304;
    } else if (request.method == "GET") {
        response.body = form->body;
    }
    return response;
}

std::optional<std::uint64_t> WebSite::streams_body(const ports::HttpRequest& head) const {
    return gateway_->streams_body(head);
}

Task<void> WebSite::handle(ports::HttpRequest request, ports::HttpResponder* responder) {
    std::optional<ports::HttpResponse> own = answer(request);
    if (!own) {
        co_await gateway_->handle(std::move(request), responder);
        co_return;
    }
    (void)co_await responder->respond(*std::move(own));
}

}  // namespace vcity::gateway
