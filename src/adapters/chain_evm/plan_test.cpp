// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "adapters/chain_evm/deploy.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"

namespace vcity::adapters {
namespace {

Plan the_plan() {
    return load_plan(std::string{VCITY_SOURCE_DIR} + "/contracts/deployments/plan.json").value();
}

PlanSettings required() {
    return {{"foundation", "0xf0"}, {"guardian", "0x60"}, {"firstVerifier", "0x7e"}};
}

PlanWords words_with(const PlanSettings& given) {
    Address deployer;
    deployer.bytes.fill(0xde);
    return PlanWords::make(the_plan(), "devnet", given, deployer, 1'800'000'000).value();
}

TEST(Plan, IsReadAsItIsWritten) {
    const Plan plan = the_plan();
    EXPECT_GT(plan.steps.size(), 40U);
    EXPECT_EQ(plan.steps.front().name, "AccessManager");
    EXPECT_EQ(plan.steps.back().name, "hand over to the timelock");
    EXPECT_GT(plan.restricted.size(), 80U);
    EXPECT_GT(plan.facts.size(), 30U);
    EXPECT_EQ(plan.timelock_members.size(), 4U);
    // Creations come first: addresses follow from nonces.
    bool creates = true;
    for (const PlanStep& step : plan.steps) {
        EXPECT_TRUE(creates || step.kind != PlanStep::Kind::kCreate) << step.name;
        creates = step.kind == PlanStep::Kind::kCreate;
    }
}

TEST(Plan, RefusesWhatIsNoPlan) {
    for (const char* text : {"", "[]", "{}", R"({"steps":[{"name":"x"}]})",
                             R"({"steps":[{"name":"x","kind":"burn","profile":"","unless":"","artifact":"","to":"",)"
                             R"("data":"0x","patches":[],"done":{"to":"","data":"0x","patches":[]}}]})",
                             R"({"steps":[{"name":"x","kind":"call","profile":"","unless":"","artifact":"","to":"",)"
                             R"("data":"0x00","patches":[{"offset":0,"ref":"config:a"}],)"
                             R"("done":{"to":"","data":"0x","patches":[]}}]})"}) {
        const Result<Plan> plan = parse_plan(text);
        ASSERT_FALSE(plan.has_value()) << text;
        EXPECT_EQ(plan.error().code, Errc::kInvalid);
    }
    EXPECT_EQ(load_plan("/no/such/plan.json").error().code, Errc::kNotFound);
}

TEST(PlanWords, AskForWhatMustBeGiven) {
    PlanSettings given = required();
    given.erase("guardian");
    const auto missing = PlanWords::make(the_plan(), "devnet", given, Address{}, 1);
    ASSERT_FALSE(missing.has_value());
    EXPECT_NE(missing.error().message.find("guardian"), std::string::npos);
    EXPECT_FALSE(PlanWords::make(the_plan(), "production", required(), Address{}, 1).has_value());
    EXPECT_FALSE(PlanWords::make(the_plan(), "festival", required(), Address{}, 1).has_value());
    given = required();
    given["nonsense"] = "1";
    EXPECT_FALSE(PlanWords::make(the_plan(), "devnet", given, Address{}, 1).has_value());
}

TEST(PlanWords, StandForNumbersMomentsAndAddresses) {
    PlanWords words = words_with(required());
    Address address;
    address.bytes.fill(0xaa);
    words.set_address("Escrow", address);
    words.set_found("grant", codec::to_u256(77));
    EXPECT_EQ(words.address("address:Escrow").value(), address);
    EXPECT_EQ(words.word("word:grant").value(), codec::to_u256(77));
    EXPECT_EQ(words.word("config:foundation").value(), codec::to_u256(0xf0));
    EXPECT_EQ(words.word("config:tge").value(), codec::to_u256(1'800'000'000));
    EXPECT_EQ(words.word("config:GenesisNFT.saleEnd").value(), codec::to_u256(1'800'000'000 + 30 * 86'400));
    EXPECT_EQ(words.address("config:deployer").value().bytes[0], 0xde);
    EXPECT_EQ(words.value("12").value(), codec::to_u256(12));
    EXPECT_FALSE(words.is_given("stable"));
    EXPECT_TRUE(words.is_given("foundation"));
    for (const char* ref : {"address:Nobody", "config:nothing", "word:nothing", "Escrow", ""}) {
        EXPECT_FALSE(words.word(ref).has_value()) << ref;
    }
    for (const char* value : {"twelve", "-1", "now+", "0xzz"}) EXPECT_FALSE(words.value(value).has_value()) << value;
    EXPECT_FALSE(words_with({{"foundation", "0x01" + std::string(40, '0')}, {"guardian", "1"}, {"firstVerifier", "1"}})
                     .address("config:foundation")
                     .has_value());
}

TEST(PlanWords, FillInWordsAndNothingElse) {
    PlanWords words = words_with(required());
    PlanView view;
    view.data = Bytes(4 + 64, 0x11);
    view.patches = {{.offset = 36, .ref = "config:guardian"}};
    const Bytes filled = words.fill(view).value();
    ASSERT_EQ(filled.size(), view.data.size());
    EXPECT_EQ(codec::to_hex(ByteView{filled}.first(36)), codec::to_hex(Bytes(36, 0x11)));
    EXPECT_EQ(filled.back(), 0x60);
    EXPECT_EQ(filled[36], 0);
    view.patches.push_back({.offset = 4, .ref = "address:Nobody"});
    EXPECT_FALSE(words.fill(view).has_value());
}

}  // namespace
}  // namespace vcity::adapters
