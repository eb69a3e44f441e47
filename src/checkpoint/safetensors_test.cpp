// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors.hpp"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

namespace vcity::checkpoint {
namespace {

Bytes file_of(const std::string& header, std::size_t data_size) {
    Bytes out(8);
    const std::uint64_t length = header.size();
    std::memcpy(out.data(), &length, 8);
    append(&out, as_bytes(header));
    out.resize(out.size() + data_size, 7);
    return out;
}

std::string error_of(const Bytes& file) {
    const auto parsed = parse_safetensors(file);
    return parsed ? "none" : parsed.error().message;
}

TEST(Safetensors, ReadsWhatItWrites) {
    const Bytes a(12, 1);
    const Bytes b(4, 2);
    const Bytes file = encode_safetensors({{"x", {.dtype = DType::kFloat32, .shape = {3, 1}, .bytes = a}},
                                           {"y", {.dtype = DType::kBfloat16, .shape = {2}, .bytes = b}}});

    const auto parsed = parse_safetensors(file);

    ASSERT_TRUE(parsed) << parsed.error().message;
    ASSERT_EQ(parsed->size(), 2U);
    EXPECT_EQ(parsed->at("x").shape, (std::vector<std::uint64_t>{3, 1}));
    EXPECT_TRUE(std::ranges::equal(parsed->at("x").bytes, a));
    EXPECT_EQ(parsed->at("y").dtype, DType::kBfloat16);
    EXPECT_TRUE(std::ranges::equal(parsed->at("y").bytes, b));
}

TEST(Safetensors, IgnoresMetadata) {
    const auto parsed = parse_safetensors(file_of(R"({"__metadata__": {"format": "pt"}})", 0));

    ASSERT_TRUE(parsed);
    EXPECT_TRUE(parsed->empty());
}

TEST(Safetensors, RefusesTruncatedFiles) {
    const Bytes data(8, 1);
    const Bytes file = encode_safetensors({{"x", {.dtype = DType::kFloat32, .shape = {2}, .bytes = data}}});

    for (std::size_t size = 0; size < file.size(); ++size) {
        EXPECT_FALSE(parse_safetensors(ByteView{file}.first(size))) << size;
    }
    EXPECT_NE(error_of(Bytes(file.begin(), file.end() - 1)).find("truncated"), std::string::npos);
}

TEST(Safetensors, RefusesHugeLengths) {
    EXPECT_NE(error_of(Bytes(16, 0xff)).find("too large"), std::string::npos);
    EXPECT_NE(error_of(file_of(R"({"x": {"dtype": "F32", "shape": [4294967296, 4294967296, 4294967296],
                                  "data_offsets": [0, 4]}})",
                               4))
                  .find("too large"),
              std::string::npos);
    EXPECT_NE(
        error_of(file_of(R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 18446744073709551615]}})", 4))
            .find("outside"),
        std::string::npos);
}

TEST(Safetensors, RefusesWrongTensors) {
    EXPECT_NE(error_of(file_of(R"({"x": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}})", 8)).find("I64"),
              std::string::npos);
    EXPECT_NE(error_of(file_of(R"({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", 4)).find("shape"),
              std::string::npos);
    EXPECT_NE(error_of(file_of(R"({"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", 4)).find("integer"),
              std::string::npos);
    EXPECT_NE(error_of(file_of(R"({"x": {"shape": [1], "data_offsets": [0, 4]}})", 4)).find("dtype"),
              std::string::npos);
    EXPECT_NE(error_of(file_of("[1]", 0)).find("no object"), std::string::npos);
}

TEST(Safetensors, RefusesGapsAndOverlaps) {
    const std::string gap = R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})";
    const std::string overlap = R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                                    "y": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})";

    EXPECT_NE(error_of(file_of(gap, 8)).find("cover"), std::string::npos);
    EXPECT_NE(error_of(file_of(overlap, 4)).find("cover"), std::string::npos);
}

TEST(ShardIndex, MapsTensorsToPlainFiles) {
    const auto index = parse_shard_index(R"({"metadata": {}, "weight_map": {"x": "m-1.safetensors"}})");

    ASSERT_TRUE(index);
    EXPECT_EQ(index->at("x"), "m-1.safetensors");
    EXPECT_FALSE(parse_shard_index(R"({"weight_map": {"x": "../other"}})"));
    EXPECT_FALSE(parse_shard_index(R"({"weight_map": {"x": "/etc/passwd"}})"));
    EXPECT_FALSE(parse_shard_index(R"({"weight_map": {}})"));
    EXPECT_FALSE(parse_shard_index("{}"));
}

}  // namespace
}  // namespace vcity::checkpoint
