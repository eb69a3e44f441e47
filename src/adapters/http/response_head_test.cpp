// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/response_head.hpp"

#include <gtest/gtest.h>

namespace vcity::adapters {
namespace {

ports::HttpResponse with_field(std::string name, std::string value) {
    ports::HttpResponse response;
    response.headers.set(std::move(name), std::move(value));
    return response;
}

TEST(ResponseHead, IsWrittenAsHttpWantsIt) {
    const auto response = with_field("Content-Type", "text/plain");
    const HeadOptions options{BodyFraming::kLength, 5, true, "now", "OK"};

    EXPECT_EQ(serialize_head(response, options).value(),
              "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
              "Connection: keep-alive\r\n\r\n");
}

TEST(ResponseHead, KeepsFramingToItself) {
    ports::HttpResponse response = with_field("content-length", "99");
    response.headers.set("Transfer-Encoding", "gzip");
    response.headers.set("Connection", "upgrade");

    EXPECT_EQ(serialize_head(response, {BodyFraming::kChunked, 0, false, "now", "OK"}).value(),
              "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(serialize_head({}, {BodyFraming::kNone, 0, true, "now", "OK"}).value(),
              "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseHead, RefusesWhatWouldAddToTheHeader) {
    for (const auto& response : {with_field("X-A", "b\r\nX-C: d"), with_field("X-A\r\nX-B", "c"), with_field("", "a"),
                                 with_field("X A", "b"), with_field("X-A", std::string{"a\0b", 3})}) {
        EXPECT_EQ(serialize_head(response, {}).error().code, Errc::kInvalid);
    }
    ports::HttpResponse response;
    for (const unsigned status : {0U, 100U, 199U, 600U}) {
        response.status = status;
        EXPECT_EQ(serialize_head(response, {}).error().code, Errc::kInvalid);
    }
}

TEST(ResponseHead, WritesDatesAndChunks) {
    EXPECT_EQ(http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(chunk_head(10), "a\r\n");
    EXPECT_EQ(chunk_head(SIZE_MAX), "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace vcity::adapters
