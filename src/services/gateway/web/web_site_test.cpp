// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/web/web_site.hpp"

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

class WebSiteTest : public testing::Test {
  protected:
    ports::HttpResponse get(std::string target, std::string codings = "", std::string etag = "") {
        ports::HttpRequest request{"GET", std::move(target), {}, "", ""};
        if (!codings.empty()) request.headers.set("Accept-Encoding", std::move(codings));
        if (!etag.empty()) request.headers.set("If-None-Match", std::move(etag));
        const std::optional<ports::HttpResponse> answered = site.answer(request);
        EXPECT_TRUE(answered.has_value()) << request.target;
        return answered.value_or(ports::HttpResponse{.status = 0, .headers = {}, .body = ""});
    }
    bool is_of_gateway(std::string method, std::string target) {
        return !site.answer({std::move(method), std::move(target), {}, "", ""}).has_value();
    }

    WebFiles files{{"/index.html", {"<page>", "zipped page", "brotli page"}},
                   {"/assets/a-1f.js", {"code", "zipped", ""}},
                   {"/icon.svg", {"<svg/>", "", ""}}};
    WebSite site{files, nullptr};
};

TEST_F(WebSiteTest, GivesFilesWithTheirTypesAndThePageForItsOwnPaths) {
    EXPECT_EQ(get("/assets/a-1f.js").body, "code");
    EXPECT_EQ(get("/assets/a-1f.js").headers.get("content-type"), "text/javascript; charset=utf-8");
    for (const char* path : {"/", "/rent", "/explorer/batches/7", "/account?tab=keys", "/v2", "/vv1/x"}) {
        EXPECT_EQ(get(path).body, "<page>") << path;
        EXPECT_EQ(get(path).headers.get("content-type"), "text/html; charset=utf-8");
        EXPECT_EQ(get(path).headers.get("cache-control"), "no-cache");
    }
    EXPECT_EQ(get("/assets/a-1f.js").headers.get("cache-control"), "public, max-age=31536000, immutable");
}

TEST_F(WebSiteTest, LeavesTheApiToTheGateway) {
    for (const char* path : {"/v1/models", "/v1", "/api/v1/keys", "/p/x/", "/files/t/h", "/health", "/metrics", "/d/x",
                             "/admin/keys", "/tunnels/s", "/openapi.json", "/ready?x=1"}) {
        EXPECT_TRUE(is_of_gateway("GET", path)) << path;
    }
    EXPECT_TRUE(is_of_gateway("POST", "/"));
    EXPECT_TRUE(is_of_gateway("DELETE", "/index.html"));
    EXPECT_FALSE(is_of_gateway("HEAD", "/"));
}

TEST_F(WebSiteTest, NoPathLeavesTheSite) {
    for (const char* path : {"/assets/../../x", "/assets/", "/assets/no.js", "//etc/passwd.txt", "/.env",
                             "/assets/a-1f.js/../b.js", "/../../secret.key"}) {
        EXPECT_EQ(get(path).status, 404U) << path;
    }
    for (const char* path : {"/../etc/passwd", "/..%2f..%2fetc/passwd", "/assets%2fa-1f"}) {
        EXPECT_EQ(get(path).body, "<page>") << path;
    }
}

TEST_F(WebSiteTest, GivesTheSmallestFormThatTheBrowserTakes) {
    EXPECT_EQ(get("/", "gzip, deflate, br, zstd").body, "brotli page");
    EXPECT_EQ(get("/", "gzip, deflate, br, zstd").headers.get("content-encoding"), "br");
    EXPECT_EQ(get("/", "gzip;q=1.0, br;q=0").body, "zipped page");
    EXPECT_EQ(get("/", "br;q=0.5").body, "brotli page");
    EXPECT_EQ(get("/assets/a-1f.js", "br").body, "code") << "there is no such form";
    EXPECT_EQ(get("/", "brave, xgzip").body, "<page>");
    EXPECT_EQ(get("/").headers.get("content-encoding"), "");
    EXPECT_EQ(get("/").headers.get("vary"), "Accept-Encoding");
}

TEST_F(WebSiteTest, WhatTheBrowserHasIsNotSentAgain) {
    const std::string plain{get("/").headers.get("etag")};
    const std::string packed{get("/", "br").headers.get("etag")};
    EXPECT_NE(plain, packed);
    EXPECT_EQ(get("/", "", plain).status, 304U);
    EXPECT_EQ(get("/", "", plain).body, "");
    EXPECT_EQ(get("/", "br", plain).status, 200U);
    ports::HttpRequest head{"HEAD", "/", {}, "", ""};
    EXPECT_EQ(site.answer(head)->body, "");
    EXPECT_EQ(site.answer(head)->status, 200U);
}

TEST_F(WebSiteTest, EveryAnswerKeepsThePageToItsOwnScripts) {
    for (const char* path : {"/", "/assets/a-1f.js", "/assets/none.js"}) {
        const ports::HttpResponse answer = get(path);
        EXPECT_NE(answer.headers.get("content-security-policy").find("script-src 'self';"), std::string_view::npos);
        EXPECT_NE(answer.headers.get("content-security-policy").find("frame-ancestors 'none'"), std::string_view::npos);
        EXPECT_EQ(answer.headers.get("x-content-type-options"), "nosniff");
        EXPECT_EQ(answer.headers.get("referrer-policy"), "no-referrer");
    }
}

TEST_F(WebSiteTest, ThePageMayReadTheChainAndNothingElse) {
    const auto policy = [&](const std::string& rpc_url) {
        const WebSite other{files, nullptr, rpc_url};
        return std::string{other.answer({"GET", "/", {}, "", ""})->headers.get("content-security-policy")};
    };
    EXPECT_TRUE(policy("http://127.0.0.1:8545").ends_with("; connect-src 'self' http://127.0.0.1:8545"));
    EXPECT_TRUE(policy("").ends_with("; connect-src 'self'"));
    EXPECT_TRUE(policy("x; script-src *").ends_with("; connect-src 'self'"));
}

}  // namespace
}  // namespace vcity::gateway
