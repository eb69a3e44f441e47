// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/request_head.hpp"

#include <string>

#include <gtest/gtest.h>

namespace vcity::adapters {
namespace {

// The status a head is refused with; 0 when it is accepted.
unsigned status_of(const std::string& head) {
    const auto failure = check_request_head(head);
    return failure ? failure->status : 0;
}

unsigned status_with(const std::string& fields) {
    return status_of("POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
}

TEST(RequestHead, EndsAtTheEmptyLine) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";

    EXPECT_EQ(find_head_end(bytes, 0).length, bytes.size() - 4);
    EXPECT_EQ(find_head_end(bytes.substr(0, 25), 0).length, 0U);
    EXPECT_EQ(find_head_end(bytes, 25).length, bytes.size() - 4);
    EXPECT_EQ(find_head_end("", 0).length, 0U);
}

TEST(RequestHead, IsBrokenByABareLineFeed) {
    EXPECT_TRUE(find_head_end("GET / HTTP/1.1\n", 0).is_broken);
    EXPECT_TRUE(find_head_end("\n", 0).is_broken);
    EXPECT_TRUE(find_head_end("GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 0).is_broken);
    EXPECT_FALSE(find_head_end("GET / HTTP/1.1\r", 0).is_broken);
}

TEST(RequestHead, IsAcceptedWhenPlain) {
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0U);
    EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 0U);
    EXPECT_EQ(status_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0U);
    EXPECT_EQ(status_of("GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n"), 0U);
    EXPECT_EQ(status_with("Content-Length: 12\r\n"), 0U);
    EXPECT_EQ(status_with("Transfer-Encoding: Chunked\r\n"), 0U);
    EXPECT_EQ(status_with("X-Empty:\r\nX-Text:  \xc3\xa9\tb  \r\n"), 0U);
}

TEST(RequestHead, HasOneLength) {
    EXPECT_EQ(status_with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400U);
    EXPECT_EQ(status_with("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), 400U);
    EXPECT_EQ(status_with("Content-Length: 1\r\nContent-Length: 1\r\n"), 400U);
    EXPECT_EQ(status_with("Content-Length: 1\r\ncontent-length: 2\r\n"), 400U);
    EXPECT_EQ(status_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400U);
}

TEST(RequestHead, HasALengthThatAllParsersReadTheSame) {
    for (const auto* value : {"", "+1", "-1", "0x1", "1,1", "1 1", "1.0", "1e3", "9999999999999999",
                              "\x0b"
                              "1"}) {
        EXPECT_EQ(status_with(std::string{"Content-Length: "} + value + "\r\n"), 400U) << value;
    }
    for (const auto* value : {"", "gzip", "chunked, chunked", "gzip, chunked", "chunked;x", "\"chunked\"",
                              "\x0b"
                              "chunked",
                              "identity", "xchunked"}) {
        EXPECT_EQ(status_with(std::string{"Transfer-Encoding: "} + value + "\r\n"), 400U) << value;
    }
    EXPECT_EQ(status_of("GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), 400U);
}

TEST(RequestHead, HasOneHost) {
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400U);
    EXPECT_EQ(status_with("Host: b\r\n"), 400U);
    EXPECT_EQ(status_of("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400U);
}

TEST(RequestHead, SaysOnceWhoAsksAndWhatTheBodyIs) {
    EXPECT_EQ(status_with("Authorization: a\r\nContent-Type: b\r\n"), 0U);
    EXPECT_EQ(status_with("Authorization: a\r\nauthorization: a\r\n"), 400U);
    EXPECT_EQ(status_with("Content-Type: a\r\nContent-type: b\r\n"), 400U);
}

TEST(RequestHead, HasOnlyPlainLines) {
    EXPECT_EQ(status_with("X-Fold: a\r\n b\r\n"), 400U);
    EXPECT_EQ(status_with("X-Fold: a\r\n\tb\r\n"), 400U);
    EXPECT_EQ(status_with(" X-Lead: a\r\n"), 400U);
    EXPECT_EQ(status_with("Content-Length : 1\r\n"), 400U);
    EXPECT_EQ(status_with("Content-Length\r\n"), 400U);
    EXPECT_EQ(status_with(": a\r\n"), 400U);
    EXPECT_EQ(status_with("X Space: a\r\n"), 400U);
    EXPECT_EQ(status_with("X-Cr: a\rb\r\n"), 400U);
    EXPECT_EQ(status_with(std::string{"X-Nul: a"} + '\0' + "\r\n"), 400U);
    EXPECT_EQ(status_with("X-Del: \x7f\r\n"), 400U);
    EXPECT_EQ(status_with("X-\xc3\xa9: a\r\n"), 400U);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\n"), 400U);
}

TEST(RequestHead, StartsWithAProperRequestLine) {
    for (const auto* line : {"", "GET", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1",
                             "GET\t/\tHTTP/1.1", "G(T / HTTP/1.1", "GET / http/1.1", "GET / HTTP/1", "GET / HTTP/11",
                             "GET nowhere HTTP/1.1", "GET * HTTP/1.1", "GET /#a HTTP/1.1", "GET /\x7f HTTP/1.1",
                             "GET /\xff HTTP/1.1", "CONNECT a:1 HTTP/1.1", "GET / HTTP/1.1\rX"}) {
        EXPECT_EQ(status_of(std::string{line} + "\r\nHost: a\r\n\r\n"), 400U) << line;
    }
    EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505U);
    EXPECT_EQ(status_of(std::string(40, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n"), 400U);
}

TEST(RequestHead, HasABoundedNumberOfFields) {
    std::string fields;
    for (int count = 0; count < 99; ++count) fields += "A: b\r\n";
    EXPECT_EQ(status_with(fields), 0U);
    EXPECT_EQ(status_with(fields + "A: b\r\n"), 431U);
}

TEST(HttpFailure, IsAnErrorThatOpenAiClientsUnderstand) {
    const auto response = openai_failure({413, "request_too_large", "too much"});

    EXPECT_EQ(response.status, 413U);
    EXPECT_EQ(
        response.body,
        R"({"error":{"message":"too much","type":"invalid_request_error","param":null,"code":"request_too_large"}})");
}

}  // namespace
}  // namespace vcity::adapters
