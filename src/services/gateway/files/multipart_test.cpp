// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/files/multipart.hpp"

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

using Kind = MultipartEvent::Kind;

// One line for each part: name, file name in brackets, content.
std::string read(std::string_view body, std::size_t piece_bytes, bool expect_complete = true) {
    MultipartReader reader{"XX"};
    std::string text;
    for (std::size_t at = 0; at < body.size(); at += piece_bytes) {
        const auto events = reader.feed(body.substr(at, piece_bytes));
        if (!events) return "error: " + events.error().message;
        for (const MultipartEvent& event : *events) {
            if (event.kind == Kind::kPart) text += event.name + (event.filename ? "[" + *event.filename + "]=" : "=");
            text += event.bytes;
            if (event.kind == Kind::kEnd) text += "\n";
        }
    }
    EXPECT_EQ(reader.is_complete(), expect_complete);
    return text;
}

const std::string kBody =
    "--XX\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
    "--XX  \r\ncontent-type: text/plain\r\nCONTENT-DISPOSITION: form-data; name=file; filename=\"a \\\"b\\\"; "
    "c.txt\"\r\n\r\n"
    "one\r\n--X\r\n--Xtwo\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--XX--\r\nepilogue";
const std::string kParts = "purpose=batch\nfile[a \"b\"; c.txt]=one\r\n--X\r\n--Xtwo\r\n\nempty=\n";

TEST(Multipart, ReadsPartsHoweverTheBodyIsCut) {
    for (std::size_t piece = 1; piece <= kBody.size(); ++piece) EXPECT_EQ(read(kBody, piece), kParts) << piece;
    EXPECT_EQ(read("ignored\r\n" + kBody, 7), kParts);
}

TEST(Multipart, GivesBytesOnAsTheyComeAndKeepsHardlyAny) {
    MultipartReader reader{"XX"};
    ASSERT_TRUE(reader.feed("--XX\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n"));
    for (int count = 0; count < 100; ++count) {
        const auto events = reader.feed(std::string(1000, '\r'));
        ASSERT_TRUE(events && events->size() == 1);
        EXPECT_GE(events->front().bytes.size(), 990U);
    }
    EXPECT_FALSE(reader.is_complete());
}

TEST(Multipart, IsNotCompleteBeforeItsLastBoundary) {
    const std::string cut = kBody.substr(0, kBody.find("--XX--"));
    EXPECT_NE(read(cut, 5, false), "");
}

TEST(Multipart, RefusesWhatIsMalformed) {
    const auto error = [](const std::string& body) { return read(body, 3, false).substr(0, 6); };
    EXPECT_EQ(error(std::string(5000, 'x')), "error:");
    EXPECT_EQ(error("--XXno\r\n"), "error:");
    EXPECT_EQ(error("--XX" + std::string(100, ' ')), "error:");
    EXPECT_EQ(error("--XX\r\n\r\nno head"), "error:");
    EXPECT_EQ(error("--XX\r\nno colon\r\n\r\n"), "error:");
    EXPECT_EQ(error("--XX\r\nContent-Disposition: form-data\r\n\r\n"), "error:");
    const std::string name = "Content-Disposition: form-data; name=a\r\n";
    EXPECT_EQ(error("--XX\r\n" + name + name + "\r\n"), "error:");
    EXPECT_EQ(error("--XX\r\nX-Long: " + std::string(9000, 'x') + "\r\n" + name + "\r\n"), "error:");
    std::string many;
    for (int count = 0; count < 70; ++count) many += "--XX\r\n" + name + "\r\n\r\n";
    EXPECT_EQ(error(many), "error:");
}

TEST(Multipart, TakesTheBoundaryFromTheContentType) {
    EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc"), "abc");
    EXPECT_EQ(multipart_boundary("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a b:c\""), "a b:c");
    EXPECT_FALSE(multipart_boundary("multipart/form-data"));
    EXPECT_FALSE(multipart_boundary("application/json; boundary=abc"));
    EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary="));
    EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary=\"a\r\nb\""));
    EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
}

}  // namespace
}  // namespace vcity::gateway
