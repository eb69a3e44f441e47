// SPDX-License-Identifier: Apache-2.0
#include "app/yaml.hpp"

#include <string>

#include <gtest/gtest.h>

namespace vcity::app {
namespace {

std::string failure(std::string_view text, const YamlLimits& limits = {}) {
    const auto parsed = parse_yaml(text, limits);
    const auto* problem = std::get_if<Problem>(&parsed);
    return problem == nullptr ? "" : to_text("a.yaml", *problem);
}

Node root_of(std::string_view text) {
    const auto parsed = parse_yaml(text);
    EXPECT_TRUE(std::holds_alternative<Node>(parsed)) << failure(text);
    return std::holds_alternative<Node>(parsed) ? std::get<Node>(parsed) : Node{};
}

TEST(Yaml, KnowsWhereEveryValueStands) {
    const Node root = root_of("name: a\nresources:\n  cpus: 4+\n  any: [x, {y: 'z'}]\n");

    ASSERT_EQ(root.children.size(), 2U);
    EXPECT_EQ(root.find("name")->text, "a");
    const Node* cpus = root.find("resources")->find("cpus");
    EXPECT_EQ(cpus->place, (Place{3, 9}));
    EXPECT_EQ(cpus->key_place, (Place{3, 3}));
    EXPECT_TRUE(cpus->is_plain);
    const Node& z = root.find("resources")->find("any")->children[1].children[0];
    EXPECT_EQ(z.key, "y");
    EXPECT_EQ(z.text, "z");
    EXPECT_FALSE(z.is_plain);
}

TEST(Yaml, AnEmptyTextIsAnEmptyMap) {
    for (const std::string_view text : {"", "# only a comment\n", "\n\n"}) {
        EXPECT_EQ(root_of(text).kind, Node::Kind::kMap);
        EXPECT_TRUE(root_of(text).children.empty());
    }
}

TEST(Yaml, NullsArePlainOnly) {
    const Node root = root_of("a:\nb: ~\nc: null\nd: ''\ne: 'null'\n");

    EXPECT_TRUE(root.find("a")->is_null() && root.find("b")->is_null() && root.find("c")->is_null());
    EXPECT_FALSE(root.find("d")->is_null() || root.find("e")->is_null());
}

TEST(Yaml, RefusesWhatAnAppFileDoesNotNeed) {
    EXPECT_EQ(failure("a: &x 1\n"), "a.yaml:1:4: anchors (&name) are not taken: write it out");
    EXPECT_EQ(failure("a: *x\n"), "a.yaml:1:4: aliases (*name) are not taken: write it out");
    EXPECT_EQ(failure("a: !!python/object:os.system x\n"), "a.yaml:1:4: tags (!name) are not taken");
    EXPECT_EQ(failure("a: 1\n---\nb: 2\n"), "a.yaml:2:1: a second document: one file describes one app");
    EXPECT_EQ(failure("a: 1\nb: 2\na: 3\n"), "a.yaml:3:1: 'a' is there twice");
    EXPECT_EQ(failure("{[a]: 1}\n"), "a.yaml:1:2: a field's name must be a text");
    EXPECT_NE(failure("a: [1\nb: 2\n").find("a.yaml:2:"), std::string::npos);
    EXPECT_NE(failure("a: \xff\n"), "");
    EXPECT_NE(failure(std::string_view{"a: \0", 4}), "");
}

TEST(Yaml, BoundsWhatAStrangerSends) {
    EXPECT_EQ(failure(std::string(300'000, 'a')), "a.yaml: it has 300000 bytes; at most 262144 are taken");
    EXPECT_EQ(failure(std::string(200'000, '[')), "a.yaml:1:17: it is nested more than 16 deep");
    EXPECT_EQ(failure("[a,a,a,a,a]", {.bytes_max = 100, .depth_max = 4, .nodes_max = 4}),
              "a.yaml:1:8: it has more than 4 values");
    EXPECT_NE(failure(std::string(1000, 'k') + ": 1"), "");
}

TEST(Yaml, EveryTextReadsBackAsItself) {
    std::string all;
    for (int byte = 0; byte < 128; ++byte) all.push_back(static_cast<char>(byte));
    for (const std::string& text :
         {all, std::string{"\xc2\x85\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xef\xbf\xbe\xc2\xa0"}, std::string{"true"},
          std::string{"a: b # c"}, std::string{"\xf0\x9f\x98\x80 \xe4\xb8\xad"}}) {
        EXPECT_EQ(root_of("value: " + yaml_scalar(text)).find("value")->text, text);
    }
}

}  // namespace
}  // namespace vcity::app
