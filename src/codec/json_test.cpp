// SPDX-License-Identifier: Apache-2.0
#include "codec/json.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "codec/utf8.hpp"

namespace vcity::codec {
namespace {

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

std::string reprinted(std::string_view text) {
    return dump_json(parse_json(text).value());
}

TEST(ParseJson, KeepsOrderAndKinds) {
    const Json value = parse_json(R"( {"b":[1,-2,0.5,true,null,"x"],"a":{}} )").value();
    EXPECT_EQ(dump_json(value), R"({"b":[1,-2,0.5,true,null,"x"],"a":{}})");
    EXPECT_TRUE(value.find("b")->is_array());
    EXPECT_EQ(value.find("c"), nullptr);
    EXPECT_EQ(value.find("b")->find("a"), nullptr);
}

TEST(ParseJson, IntegersAreExact) {
    std::uint64_t unsigned_value = 0;
    EXPECT_TRUE(parse_json("18446744073709551615").value().get_u64(&unsigned_value));
    EXPECT_EQ(unsigned_value, std::numeric_limits<std::uint64_t>::max());
    std::int64_t signed_value = 0;
    EXPECT_TRUE(parse_json("-9223372036854775808").value().get_i64(&signed_value));
    EXPECT_EQ(signed_value, std::numeric_limits<std::int64_t>::min());
    EXPECT_FALSE(parse_json("-1").value().get_u64(&unsigned_value));
    EXPECT_FALSE(parse_json("9223372036854775808").value().get_i64(&signed_value));
    const Json too_large = parse_json("18446744073709551616").value();
    EXPECT_FALSE(too_large.is_integer());
    EXPECT_FALSE(too_large.get_u64(&unsigned_value));
    double as_double = 0;
    EXPECT_TRUE(too_large.get_double(&as_double));
    EXPECT_EQ(as_double, 18446744073709551616.0);
    EXPECT_FALSE(parse_json("1.0").value().get_u64(&unsigned_value));
}

TEST(ParseJson, RefusesWhatIsNotOneValue) {
    for (const char* text :
         {"",   " ",  "{",   "[1,]",     "{\"a\":1,}", "{a:1}",   "'a'",    "1 2",     "[] x", "01", "+1",
          "1.", ".5", "NaN", "Infinity", "1e999",      "// x\n1", "\"\t\"", "\"\\x\"", "tru",  "nul"}) {
        EXPECT_FALSE(parse_json(text)) << text;
    }
    EXPECT_FALSE(parse_json(std::string_view{"1\0", 2}));
    EXPECT_FALSE(parse_json(std::string_view{"{}\0{}", 5}));
    EXPECT_FALSE(parse_json("\xef\xbb\xbf{}"));
}

TEST(ParseJson, RefusesRepeatedNames) {
    EXPECT_FALSE(parse_json(R"({"a":1,"b":2,"a":3})"));
    EXPECT_FALSE(parse_json(R"({"a":1,"\u0061":3})"));
    EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":{"a":1}})"));
    std::string many = "{";
    for (int index = 0; index < 100; ++index) many += "\"" + std::to_string(index) + "\":0,";
    EXPECT_TRUE(parse_json(many + "\"x\":0}"));
    EXPECT_FALSE(parse_json(many + "\"3\":0}"));
    EXPECT_FALSE(parse_json(many + "\"99\":0}"));
}

TEST(ParseJson, RefusesBadUtf8AndLoneSurrogates) {
    EXPECT_FALSE(parse_json("\"\xff\""));
    EXPECT_FALSE(parse_json("\"\xc0\x80\""));
    EXPECT_FALSE(parse_json("\"\xed\xa0\x80\""));
    EXPECT_FALSE(parse_json("\"\xe4\xbd\""));
    EXPECT_FALSE(parse_json(R"("\ud800")"));
    EXPECT_FALSE(parse_json(R"("\udc00\ud800")"));
    EXPECT_EQ(*parse_json(R"("\ud83d\ude00")").value().get_string(), "\xf0\x9f\x98\x80");
}

TEST(ParseJson, HoldsItsLimits) {
    EXPECT_TRUE(parse_json(nested(64)));
    EXPECT_FALSE(parse_json(nested(65)));
    EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
    EXPECT_TRUE(parse_json("[1,2]", {.values_max = 3}));
    EXPECT_FALSE(parse_json("[1,2,3]", {.values_max = 3}));
    EXPECT_FALSE(parse_json("[[],[],[]]", {.values_max = 3}));
    EXPECT_TRUE(parse_json("1234", {.bytes_max = 4}));
    EXPECT_FALSE(parse_json("12345", {.bytes_max = 4}));
}

TEST(ParseJson, SaysWhereItStopped) {
    EXPECT_EQ(parse_json("[1,x]").error().message, "not JSON at byte 4");
}

TEST(DumpJson, EscapesControlCharactersAndRepairsText) {
    EXPECT_EQ(dump_json(Json{std::string{"\"\\\b\f\n\r\t\x01\x7f/"}}), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f/\"");
    EXPECT_EQ(dump_json(Json{"a\xff\xe4\xbd"}), "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    EXPECT_TRUE(parse_json(dump_json(Json{"\xed\xa0\x80"})));
}

TEST(DumpJson, WritesTheShortestNumber) {
    EXPECT_EQ(dump_json(Json{0.1}), "0.1");
    EXPECT_EQ(dump_json(Json{-0.0}), "0");
    EXPECT_EQ(dump_json(Json{1.0}), "1");
    EXPECT_EQ(dump_json(Json{333333333.33333329}), "333333333.3333333");
    EXPECT_EQ(dump_json(Json{1e30}), "1e+30");
    EXPECT_EQ(dump_json(Json{4.5}), "4.5");
    EXPECT_EQ(dump_json(Json{2e-3}), "0.002");
    EXPECT_EQ(dump_json(Json{1e-27}), "1e-27");
    EXPECT_EQ(dump_json(Json{1e20}), "100000000000000000000");
    EXPECT_EQ(dump_json(Json{1e21}), "1e+21");
    EXPECT_EQ(dump_json(Json{1.5e-7}), "1.5e-7");
    EXPECT_EQ(dump_json(Json{0.000001}), "0.000001");
    EXPECT_EQ(dump_json(Json{-5e-324}), "-5e-324");
    EXPECT_EQ(dump_json(Json{std::numeric_limits<double>::infinity()}), "null");
}

TEST(DumpJson, PrettyIsTheSameValue) {
    const Json value = parse_json(R"({"a":[1,{"b":[]}],"c":{}})").value();
    EXPECT_EQ(dump_json_pretty(value), "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
    EXPECT_EQ(parse_json(dump_json_pretty(value)).value(), value);
}

TEST(DumpJsonCanonical, MatchesRfc8785) {
    // RFC 8785, section 3.2.3: order of names by UTF-16 code units.
    const Json value = parse_json(
                           "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew\","
                           "\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji\",\"\\u0080\":\"Control\",\"\\u00f6\":\"O\"}")
                           .value();
    EXPECT_EQ(dump_json_canonical(value),
              "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"O\","
              "\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji\",\"\xef\xac\xb3\":\"Hebrew\"}");
}

TEST(DumpJsonCanonical, DoesNotDependOnTheOrderOfMembers) {
    const Json a = parse_json(R"({"x":{"b":1,"a":2},"y":[]})").value();
    const Json b = parse_json(R"({"y":[],"x":{"a":2,"b":1}})").value();
    EXPECT_NE(dump_json(a), dump_json(b));
    EXPECT_EQ(dump_json_canonical(a), dump_json_canonical(b));
}

TEST(Json, EqualIntegersAreEqualValues) {
    EXPECT_EQ(Json{5}, Json{std::uint64_t{5}});
    EXPECT_EQ(Json{std::int64_t{5}}, parse_json("5").value());
    EXPECT_NE(Json{-5}, Json{5});
    EXPECT_NE(Json{1}, Json{true});
    EXPECT_EQ(Json{nullptr}, Json{});
}

TEST(Json, SetAddsAndReplaces) {
    Json value;
    value.set("a", 1).set("b", "x").set("a", 2);
    EXPECT_EQ(dump_json(value), R"({"a":2,"b":"x"})");
}

TEST(Json, ReadersTellKindsApart) {
    const Json text{"x"};
    double number = 0;
    EXPECT_EQ(text.get_bool(), nullptr);
    EXPECT_EQ(text.get_array(), nullptr);
    EXPECT_EQ(text.get_object(), nullptr);
    EXPECT_FALSE(text.get_double(&number));
    EXPECT_FALSE(text.is_number());
    EXPECT_TRUE(*Json{true}.get_bool());
    EXPECT_TRUE(Json{-3}.get_double(&number));
    EXPECT_EQ(number, -3);
}

TEST(Json, ReprintingIsStable) {
    for (const char* text : {"{}", "[]", "\"\xe4\xbd\xa0\"", "[1e-7,123.456,-0.25]", R"({"a":[{"b":null}]})"}) {
        EXPECT_EQ(reprinted(reprinted(text)), reprinted(text));
    }
}

TEST(Utf8, KnowsWellFormedText) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("a\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    for (const char* text : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                             "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe4\xbd", "\xe4\xbd\x41", "a\xbf"}) {
        EXPECT_FALSE(is_utf8(text)) << text;
    }
}

TEST(Utf8, RepairsByteByByte) {
    EXPECT_EQ(repair_utf8("a\xe4\xbd\xa0"), "a\xe4\xbd\xa0");
    EXPECT_EQ(repair_utf8("\xff"
                          "a\xe4\xbd"),
              "\xef\xbf\xbd"
              "a\xef\xbf\xbd\xef\xbf\xbd");
    EXPECT_EQ(repair_utf8(""), "");
}

TEST(Utf8, CutsBeforeAnIncompleteCharacter) {
    EXPECT_EQ(utf8_complete_prefix(""), 0U);
    EXPECT_EQ(utf8_complete_prefix("abc"), 3U);
    EXPECT_EQ(utf8_complete_prefix("ab\xe4\xbd\xa0"), 5U);
    EXPECT_EQ(utf8_complete_prefix("ab\xe4\xbd"), 2U);
    EXPECT_EQ(utf8_complete_prefix("ab\xe4"), 2U);
    EXPECT_EQ(utf8_complete_prefix("ab\xf0\x9f\x98"), 2U);
    EXPECT_EQ(utf8_complete_prefix("\xf0\x9f"), 0U);
    EXPECT_EQ(utf8_complete_prefix("ab\xff"), 3U);
    EXPECT_EQ(utf8_complete_prefix("ab\xed\xa0"), 4U);
    EXPECT_EQ(utf8_complete_prefix("a\x80\x80\x80"), 4U);
}

}  // namespace
}  // namespace vcity::codec
