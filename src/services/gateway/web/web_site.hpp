// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ports/http.hpp"

namespace vcity::gateway {

// A file of the web page, with what a build has compressed beforehand; empty: there is no such form.
struct WebFile {
    std::string content;
    std::string gzip;
    std::string brotli;
};

// By path, e.g. "/assets/index-4f2a.js". All of them are in memory: no request can reach a disk.
using WebFiles = std::map<std::string, WebFile, std::less<>>;

// The web page in front of a gateway. What begins like a path of its API goes to the gateway, and so does what is
// neither GET nor HEAD; everything else is a file, or the page itself, which knows its own paths.
//
// Every answer carries the headers that keep the page to its own scripts (docs/web.md); files with a hash in their name
// may be kept for ever, everything else is asked for again with its ETag.
class WebSite final : public ports::HttpHandler {
  public:
    // files: with "/index.html"; the gateway is borrowed; rpc_url: of the chain, which the page may read as well, or
    // empty.
    WebSite(const WebFiles& files, ports::HttpHandler* gateway, const std::string& rpc_url = "");

    std::optional<std::uint64_t> streams_body(const ports::HttpRequest& head) const override;
    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;

    // What it would answer; nullopt: this is for the gateway.
    std::optional<ports::HttpResponse> answer(const ports::HttpRequest& request) const;

  private:
    struct Form {
        std::string body;
        std::string etag;
    };
    struct Page {
        Form plain;
        Form gzip;
        Form brotli;
        std::string type;
        bool is_immutable = false;
    };
    static Form form_of(const std::string& content);
    const Page* find(std::string_view path) const;

    std::map<std::string, Page, std::less<>> pages_;
    ports::HttpHandler* gateway_;
    std::string policy_;
};

// "text/javascript; charset=utf-8" for "/a.js"; what is not known is application/octet-stream.
std::string media_type_of(std::string_view path);

}  // namespace vcity::gateway
