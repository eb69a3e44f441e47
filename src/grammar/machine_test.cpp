// SPDX-License-Identifier: Apache-2.0
#include "grammar/machine.hpp"

#include <random>

#include <gtest/gtest.h>

#include "grammar/form.hpp"

namespace vcity::grammar {
namespace {

Machine machine_of(std::string_view schema) {
    const auto json = codec::parse_json(schema);
    auto read = read_schema(json.value());
    EXPECT_TRUE(read.has_value()) << read.error().message;
    return Machine{*std::move(read)};
}

bool takes(const Machine& machine, std::string_view text) {
    State state = machine.start();
    for (const char byte : text) state = machine.next(state, static_cast<std::uint8_t>(byte));
    return Machine::may_end(state);
}

std::string refusal_of(std::string_view schema) {
    const auto read = read_schema(codec::parse_json(schema).value());
    return read ? "" : read.error().message;
}

constexpr std::string_view kPerson = R"({"type": "object", "additionalProperties": false,
    "required": ["name", "age"], "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5}, "nick": {"type": ["string", "null"]},
        "age": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"enum": ["a", "ab", 3, true]}}}})";

TEST(Machine, TakesExactlyTheObjectsOfASchema) {
    const Machine person = machine_of(kPerson);
    for (const char* good : {R"({"name":"x","age":0})", R"({"name": "x", "nick": null, "age": 12})",
                             R"({"name":"é\n\u00e9","nick":"","age":7,"tags":["ab",3]})"}) {
        EXPECT_TRUE(takes(person, good)) << good;
        EXPECT_TRUE(codec::parse_json(good).has_value()) << good;
    }
    for (const char* bad :
         {R"({"name":"x"})", R"({"age":1,"name":"x"})", R"({"name":"","age":1})", R"({"name":"x","age":-1})",
          R"({"name":"abcdef","age":1})", R"({"name":"x","age":1.5})", R"({"name":"x","age":1,"tags":[]})",
          R"({"name":"x","age":1,"tags":["a","a","a"]})", R"({"name":"x","age":01})", R"({"name":"x","age":1,})",
          R"({"name":"x","age":1,"more":2})", R"({"name":"x","age":1} )", R"({"name":"\ud800","age":1})",
          "{\"name\":\"\xed\xa0\x80\",\"age\":1}", "{\"name\":\"\xc0\x80\",\"age\":1}"}) {
        EXPECT_FALSE(takes(person, bad)) << bad;
    }
}

TEST(Machine, TakesAnyJsonValueWithoutSpaces) {
    const Machine any = machine_of("{}");
    for (const char* good : {"{}", "[]", "null", "-0.5e-10", "\"\"", R"({"a":[1, {"b": false}],"":{}})", "0", "12e3"}) {
        EXPECT_TRUE(takes(any, good)) << good;
    }
    for (const char* bad :
         {"", "{", "[1,]", "nul", "1.", "-", "01", "1e", "\"", " 1", "1 ", "[1 ,2]", "1e123", "tru"}) {
        EXPECT_FALSE(takes(any, bad)) << bad;
    }
}

TEST(Machine, FollowsReferencesAndAlternatives) {
    const Machine list = machine_of(R"({"$ref": "#/$defs/list", "$defs": {"list": {"anyOf": [{"type": "null"},
        {"type": "object", "properties": {"value": {"type": "number"}, "next": {"$ref": "#/$defs/list"}},
         "required": ["value", "next"], "additionalProperties": false}]}}})");
    EXPECT_TRUE(takes(list, "null"));
    EXPECT_TRUE(takes(list, R"({"value":1,"next":{"value":-2.5,"next":null}})"));
    EXPECT_FALSE(takes(list, R"({"value":1})"));
}

TEST(Machine, NamesWhatASchemaMayNotSay) {
    EXPECT_NE(refusal_of(R"({"type": "string", "pattern": "a"})").find("'pattern'"), std::string::npos);
    EXPECT_NE(refusal_of(R"({"properties": {"a": {"type": "number", "minimum": 3}}})").find("/properties/a"),
              std::string::npos);
    EXPECT_NE(refusal_of(R"({"type": "date"})").find("no type"), std::string::npos);
    EXPECT_NE(refusal_of(R"({"$ref": "#/$defs/none"})").find("nowhere"), std::string::npos);
    EXPECT_NE(refusal_of(R"({"$ref": "#"})").find("no finite value"), std::string::npos);
    EXPECT_NE(refusal_of(R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})").find("no finite value"),
              std::string::npos);
    EXPECT_NE(refusal_of(R"({"properties": {}, "required": ["a"]})").find("'required'"), std::string::npos);
    EXPECT_NE(refusal_of("false").find("nothing"), std::string::npos);
    EXPECT_NE(refusal_of(R"({"enum": []})").find("'enum'"), std::string::npos);
    std::string deep = "{}";
    for (int i = 0; i < 40; ++i) deep = R"({"type": "array", "items": )" + deep + "}";
    EXPECT_NE(refusal_of(deep).find("deeply"), std::string::npos);
}

// From any state some byte leads one byte nearer to an end, so that what must end in time can.
TEST(Machine, AWalkAlwaysFindsItsWayToTheEnd) {
    std::mt19937 random{7};
    for (const std::string_view schema :
         {kPerson, std::string_view{"{}"}, std::string_view{R"({"type": "object", "additionalProperties":
            {"type": "array", "minItems": 2, "items": {"type": "number"}}})"}}) {
        const Machine machine = machine_of(schema);
        for (int walk = 0; walk < 4; ++walk) {
            State state = machine.start();
            for (int step = 0; step < 40; ++step) {
                std::vector<State> next;
                for (int byte = 0; byte < 256; ++byte) {
                    State one = machine.next(state, static_cast<std::uint8_t>(byte));
                    if (!one.empty()) next.push_back(std::move(one));
                }
                if (next.empty()) break;
                std::uint32_t nearest = kEndless;
                for (const State& one : next) nearest = std::min(nearest, machine.distance(one));
                const std::uint32_t here = machine.distance(state);
                ASSERT_EQ(here == 0, Machine::may_end(state));
                if (here > 0) ASSERT_EQ(nearest, here - 1);
                state = next[random() % next.size()];
            }
        }
    }
}

TEST(Form, ReadsFreeTextUntilItsTrigger) {
    const Form form = Form::parse(R"({"after": "<call>", "schema": {"const": 1}})").value();
    const auto after = [&](std::string_view text) {
        FormState state = form.start();
        for (const char byte : text) state = form.next(state, static_cast<std::uint8_t>(byte));
        return state;
    };
    EXPECT_TRUE(Form::may_end(after("")));
    EXPECT_TRUE(Form::may_end(after("<cat> sat")));
    EXPECT_FALSE(Form::may_end(after("<call>")));
    EXPECT_EQ(form.distance(after("<call>")), 1U);
    EXPECT_TRUE(Form::may_end(after("<call>1")));
    EXPECT_FALSE(Form::fits(after("<call>2")));
    EXPECT_FALSE(Form::parse("{}").has_value());
    EXPECT_FALSE(Form::parse(R"({"schema": {}, "after": ""})").has_value());
    EXPECT_FALSE(Form::parse("{").has_value());
}

}  // namespace
}  // namespace vcity::grammar
