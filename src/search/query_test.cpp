// SPDX-License-Identifier: Apache-2.0
#include "search/query.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace vcity::search {
namespace {

constexpr std::array<Field, 5> kFields{{{"num_gpus", FieldType::kNumber, "cards"},
                                        {"gpu_name", FieldType::kText, "model"},
                                        {"dph", FieldType::kNumber, "dollars an hour"},
                                        {"verified", FieldType::kFlag, "has passed audits"},
                                        {"geolocation", FieldType::kText, "region"}}};

using Row = std::array<Value, 5>;

const Row kSmall{2.0, std::string{"RTX 4090"}, 0.5, true, std::string{"eu-west"}};
const Row kLarge{8.0, std::string{"H100 SXM"}, 20.0, false, std::monostate{}};

bool accepts(std::string_view text, const Row& row) {
    const Result<Query> query = parse_query(kFields, text);
    EXPECT_TRUE(query) << (query ? "" : query.error().message);
    return query && matches(*query, row);
}

std::string complaint(std::string_view text) {
    const Result<Query> query = parse_query(kFields, text);
    EXPECT_FALSE(query) << text;
    return query ? "" : query.error().message;
}

TEST(Query, ComparesNumbers) {
    EXPECT_TRUE(accepts("num_gpus>=2 dph<=0.5", kSmall));
    EXPECT_FALSE(accepts("num_gpus>2", kSmall));
    EXPECT_FALSE(accepts("dph < 0.5", kSmall));
    EXPECT_TRUE(accepts("dph > 4.99e-1", kSmall));
    EXPECT_TRUE(accepts("num_gpus=2 num_gpus==2 num_gpus!=3", kSmall));
    EXPECT_TRUE(accepts("num_gpus in [1, 2,4]", kSmall));
    EXPECT_FALSE(accepts("num_gpus notin [1,2]", kSmall));
}

TEST(Query, ComparesTextWithoutCaseAndWithUnderscoresForSpaces) {
    EXPECT_TRUE(accepts("gpu_name=rtx_4090", kSmall));
    EXPECT_TRUE(accepts("gpu_name=\"RTX 4090\"", kSmall));
    EXPECT_TRUE(accepts("gpu_name in [H100_SXM,RTX_4090]", kSmall));
    EXPECT_FALSE(accepts("gpu_name!=RTX_4090", kSmall));
    EXPECT_FALSE(accepts("gpu_name=\"any\"", kSmall));  // in quotes it is a name
}

TEST(Query, AnyMatchesEverythingAndWhatIsNotKnownMatchesNothingElse) {
    EXPECT_TRUE(accepts("geolocation=any", kLarge));
    EXPECT_FALSE(accepts("geolocation=eu-west", kLarge));
    EXPECT_FALSE(accepts("geolocation!=eu-west", kLarge));
    EXPECT_FALSE(accepts("geolocation notin [eu-west]", kLarge));
    EXPECT_TRUE(accepts("", kLarge));
    EXPECT_TRUE(accepts("  verified=false ", kLarge));
}

TEST(Query, SaysWhereAndWhyItIsWrong) {
    EXPECT_EQ(complaint("gpu_nam=x"), "at character 1: there is no field \"gpu_nam\"; did you mean \"gpu_name\"?");
    EXPECT_EQ(complaint("dph<1 quux=1"), "at character 7: there is no field \"quux\"");
    EXPECT_EQ(complaint("dph<cheap"), "at character 5: \"cheap\" is not a number");
    EXPECT_EQ(complaint("dph<nan"), "at character 5: \"nan\" is not a number");
    EXPECT_EQ(complaint("verified=yes"), "at character 10: \"yes\" is not true or false");
    EXPECT_EQ(complaint("gpu_name<x"), "at character 1: \"gpu_name\" has no size; use = or !=");
    EXPECT_EQ(complaint("dph"), "at character 4: one of < <= = != >= > in notin is missing");
    EXPECT_EQ(complaint("dph<"), "at character 5: a value is missing");
    EXPECT_EQ(complaint("=3"), "at character 1: a field name is missing");
    EXPECT_EQ(complaint("gpu_name=\"x"), "at character 10: the quotation mark is not closed");
    EXPECT_EQ(complaint("num_gpus in 3"), "at character 13: a list such as [a,b] is missing");
    EXPECT_EQ(complaint("num_gpus in [3 4]"), "at character 16: a comma or ] is missing");
    EXPECT_EQ(complaint("num_gpus in []"), "at character 14: a value is missing");
}

TEST(Query, KeepsItsBounds) {
    EXPECT_EQ(complaint(std::string(kQueryBytesMax + 1, ' ')), "the query is longer than 4096 bytes");
    std::string many;
    for (std::size_t i = 0; i <= kConditionsMax; ++i) many += "dph<1 ";
    EXPECT_TRUE(complaint(many).ends_with("too many conditions"));
    std::string list = "dph in [1";
    for (std::size_t i = 0; i < kListMax; ++i) list += ",1";
    EXPECT_TRUE(complaint(list + "]").ends_with("the list is too long"));
    EXPECT_TRUE(complaint(std::string(3000, 'x') + "=1").size() < 200);
}

TEST(Order, SortsByImportanceWithUnknownsLast) {
    const Order order = parse_order(kFields, "verified-,dph").value();
    EXPECT_EQ(order.keys, (std::vector<Order::Key>{{3, true}, {2, false}}));
    EXPECT_TRUE(comes_before(order, kSmall, kLarge));
    EXPECT_FALSE(comes_before(order, kLarge, kSmall));
    EXPECT_FALSE(comes_before(order, kSmall, kSmall));
    const Order place = parse_order(kFields, "geolocation-").value();
    EXPECT_TRUE(comes_before(place, kSmall, kLarge));
    EXPECT_FALSE(comes_before(place, kLarge, kSmall));
    EXPECT_EQ(parse_order(kFields, "dhp").error().message, "there is no field \"dhp\"; did you mean \"dph\"?");
    EXPECT_FALSE(parse_order(kFields, "dph,,verified"));
}

TEST(Order, IsAStrictWeakOrder) {
    std::mt19937_64 random{4};
    const Order order = parse_order(kFields, "dph-,num_gpus").value();
    std::vector<Row> rows(60);
    for (Row& row : rows) {
        row[0] = static_cast<double>(random() % 3);
        row[2] = random() % 4 == 0 ? Value{} : random() % 4 == 0 ? Value{std::nan("")} : Value{double(random() % 3)};
    }
    for (const Row& a : rows) {
        for (const Row& b : rows) {
            EXPECT_FALSE(comes_before(order, a, b) && comes_before(order, b, a));
            for (const Row& c : rows) {
                if (comes_before(order, a, b) && comes_before(order, b, c)) {
                    ASSERT_TRUE(comes_before(order, a, c));
                }
            }
        }
    }
}

}  // namespace
}  // namespace vcity::search
