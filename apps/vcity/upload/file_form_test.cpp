// SPDX-License-Identifier: Apache-2.0
#include "upload/file_form.hpp"

#include <gtest/gtest.h>

#include "wiring/run.hpp"

namespace vcity::upload {
namespace {

Task<Result<std::string>> read_all(FileForm* form) {
    std::string all;
    while (true) {
        CO_TRY(const std::string piece, co_await form->read());
        if (piece.empty()) co_return all;
        all += piece;
    }
}

TEST(FileForm, HasAsManyBytesAsItSaysAndTheWholeFile) {
    adapters::AsioRuntime runtime;
    for (const std::size_t size : {0U, 1U, 600'000U}) {
        const Bytes content(size, 'x');
        FileForm form{"a\"b\r\n.jsonl", "batch", content};

        const Result<std::string> body = wiring::run_task(&runtime, read_all(&form));

        ASSERT_TRUE(body);
        EXPECT_EQ(body->size(), form.bytes());
        const std::string boundary = form.content_type().substr(form.content_type().find('=') + 1);
        EXPECT_TRUE(body->starts_with("--" + boundary + "\r\n"));
        EXPECT_TRUE(body->ends_with("\r\n--" + boundary + "--\r\n"));
        EXPECT_NE(body->find("filename=\"a_b__.jsonl\"\r\n"), std::string::npos);
        EXPECT_NE(body->find("\r\n\r\n" + std::string(size, 'x') + "\r\n--"), std::string::npos);
    }
}

}  // namespace
}  // namespace vcity::upload
