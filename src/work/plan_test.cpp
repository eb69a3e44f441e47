// SPDX-License-Identifier: Apache-2.0
#include "work/plan.hpp"

#include <set>

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "crypto/keccak.hpp"
#include "work/work_test_orders.hpp"

namespace vcity::work {
namespace {

TEST(WorkPlan, AStepsIdIsTheHashOfJobGroupAndIndex) {
    const JobId job = an_order().job_id;
    Bytes bytes;
    append(&bytes, as_bytes("vcity-step-v1"));
    append(&bytes, job.view());
    append(&bytes, as_bytes("frames"));
    append(&bytes, Bytes{0, 1, 2, 3});
    EXPECT_EQ(step_id(job, "frames", 0x010203), crypto::keccak256(bytes).as<JobId>());
    EXPECT_NE(step_id(job, "frames", 0), step_id(job, "frames", 1));
    EXPECT_NE(step_id(job, "frames", 0), step_id(job, "frame", 0));
}

TEST(WorkPlan, AStepLearnsItsPlaceFromItsEnvironment) {
    StepGroup group = a_group("frames", 12);
    group.environment = {"MODE=fast"};
    const StepWork work = step_work(group, 3);
    EXPECT_EQ(work.environment, (std::vector<std::string>{"VCITY_INDEX=3", "VCITY_COUNT=12", "MODE=fast"}));
    EXPECT_EQ(work.command, group.command);
    EXPECT_EQ(work.seconds_max, group.seconds_max);
}

TEST(WorkPlan, TheHashOfAWorkIsTheSameFromTheGroupAndFromTheWork) {
    StepGroup group = a_group("frames", 12);
    group.environment = {"MODE=fast"};
    group.inputs = {{"a.txt", {1, 2, 3}}, {"b.txt", {}}};
    EXPECT_EQ(step_hash(step_work(group, 3)), step_hash(group, 3, inputs_hash(group.inputs)));
}

TEST(WorkPlan, EveryFieldOfAWorkChangesItsHash) {
    StepWork work = step_work(a_group(), 0);
    work.inputs = {{"a", {1}}};
    std::set<Hash> seen{step_hash(work)};
    const auto differs = [&](auto change) {
        StepWork other = work;
        change(&other);
        return seen.insert(step_hash(other)).second;
    };
    EXPECT_TRUE(differs([](StepWork* one) { one->command = {"/bin/echo", "hel", "lo"}; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->command = {"/bin/echohello"}; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->environment.push_back(""); }));
    EXPECT_TRUE(differs([](StepWork* one) { one->inputs[0].name = "b"; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->inputs[0].content = {2}; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->inputs.push_back({"b", {}}); }));
    EXPECT_TRUE(differs([](StepWork* one) { one->ask.gpu_models = {"H100"}; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->ask.gpus = 1; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->ask.memory_mib = 1; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->seconds_max = 1; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->setup.image = "busybox"; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->setup.keeps_files = true; }));
    EXPECT_TRUE(differs([](StepWork* one) { one->inputs[0].sha256.bytes[0] = 1; }));
}

TEST(WorkPlan, ThePriceHashLooksAtPlacesAndTimesOnly) {
    WorkSpec spec = an_order().spec;
    const Hash before = price_hash(spec);
    spec.name = "another";
    spec.groups[0].command = {"/bin/true"};
    spec.groups[0].environment = {"A=1"};
    spec.groups[0].inputs = {{"a", {1}}};
    spec.groups[0].retries = 9;
    EXPECT_EQ(price_hash(spec), before);
    spec.groups[0].seconds_max = 1;
    EXPECT_NE(price_hash(spec), before);
    spec = an_order().spec;
    spec.regions = {"eu"};
    EXPECT_NE(price_hash(spec), before);
}

TEST(WorkPlan, LongAndCriticalWorkAsksStableNodesFirstAndBurstsFlexibleOnes) {
    const KindPlan stable{NodeKind::kStable, NodeKind::kFlexible};
    const KindPlan flexible{NodeKind::kFlexible, NodeKind::kStable};
    WorkSpec spec = an_order().spec;
    StepGroup group = a_group();
    group.seconds_max = kLongSeconds;
    EXPECT_EQ(needs_of(spec, group).kinds, stable);
    group.seconds_max = kLongSeconds - 1;
    EXPECT_EQ(needs_of(spec, group).kinds, flexible);
    group.is_gang = true;
    EXPECT_EQ(needs_of(spec, group).kinds, stable);
    EXPECT_TRUE(needs_of(spec, group).is_one_region);
    group.is_gang = false;
    spec.service_class = ServiceClass::kCritical;
    EXPECT_EQ(needs_of(spec, group).kinds, stable);
    spec.kind = NodeKind::kFlexible;
    EXPECT_EQ(needs_of(spec, group).kinds, (KindPlan{NodeKind::kFlexible, std::nullopt}));
    spec.kind.reset();
    spec.service_class = ServiceClass::kBestEffort;
    EXPECT_TRUE(needs_of(spec, group).is_any_kind);
}

TEST(WorkPlan, TrainingGoesToUnitsWithSeveralConnectedGpus) {
    const WorkSpec spec = an_order().spec;
    StepGroup group = a_group();
    group.is_gang = true;
    EXPECT_FALSE(needs_of(spec, group).is_training) << "a gang without GPUs";
    group.ask.gpus = 1;
    EXPECT_EQ(needs_of(spec, group).unit_gpus_min, 2U);
    EXPECT_EQ(needs_of(spec, group).interconnect, Interconnect::kPcie);
    group.is_gang = false;
    EXPECT_FALSE(needs_of(spec, group).is_training);
    EXPECT_EQ(needs_of(spec, group).unit_gpus_min, 0U);
    group.ask.gpus = 4;
    group.ask.interconnect = Interconnect::kNvlink;
    EXPECT_EQ(needs_of(spec, group).unit_gpus_min, 4U);
    EXPECT_EQ(needs_of(spec, group).interconnect, Interconnect::kNvlink);
}

TEST(WorkPlan, CriticalSpeculativeStepsHaveASpareFromTheStart) {
    WorkSpec spec = an_order().spec;
    StepGroup group = a_group();
    EXPECT_EQ(copies_of(spec, group), 1U);
    spec.service_class = ServiceClass::kCritical;
    EXPECT_EQ(copies_of(spec, group), 1U) << "the job does not allow it";
    group.is_speculative = true;
    EXPECT_EQ(copies_of(spec, group), 2U);
    group.is_gang = true;
    EXPECT_EQ(copies_of(spec, group), 1U);
}

TEST(WorkPlan, FeaturesFollowFromTheSetup) {
    StepGroup group = a_group();
    EXPECT_EQ(features_of(group), 0U);
    group.setup.image = "busybox";
    group.setup.ports = {{"web", 80}};
    group.setup.egress = Egress::kPublic;
    EXPECT_EQ(feature_names(features_of(group)), "containers, public-network, ports");
    group = a_group();
    group.setup.program = "finetune";
    group.setup.checkpoint_seconds = 60;
    EXPECT_EQ(feature_names(features_of(group)), "files, finetune");
    EXPECT_EQ(needs_of(an_order({group}).spec, group).features, features_of(group));
}

TEST(WorkPlan, PathsOfFilesHaveFourPartsAtMostAndStayWhereTheyAre) {
    for (const std::string_view good : {"a", "a/b/c/d", "A-1_2.tar.gz", "..."}) EXPECT_TRUE(is_file_path(good)) << good;
    for (const std::string_view bad : {"", "/a", "a/", "a//b", "..", "a/../b", ".", "a/b/c/d/e", "a b", "a\\b"}) {
        EXPECT_FALSE(is_file_path(bad)) << bad;
    }
    EXPECT_FALSE(is_file_path(std::string(65, 'a')));
    EXPECT_TRUE(is_file_path(input_of(a_file("a/b/c/d"), "in/frames/0/").name, kInputPartsMax));
}

TEST(WorkPlan, TheListOfFilesIsPartOfWhatIsSigned) {
    const Hash output = step_hash(step_work(a_group(), 0));
    EXPECT_EQ(result_hash(output, {}), output);
    const Hash one = result_hash(output, {a_file("a")});
    EXPECT_NE(one, output);
    EXPECT_NE(one, result_hash(output, {a_file("b")}));
    EXPECT_NE(one, result_hash(output, {a_file("a", 8)}));
    EXPECT_EQ(check_files({a_file("b"), a_file("a")}).error().message, "the names of files do not ascend");
    EXPECT_EQ(check_files({a_file("a"), a_file("a")}).error().code, Errc::kInvalid);
    EXPECT_EQ(check_files({StepFile{"a", {}, 1}}).error().message, "a file has no hash");
}

TEST(WorkPlan, FilesOfOtherStepsDoNotChangeWhatWasOrdered) {
    StepWork work = step_work(a_group(), 0);
    const Hash before = step_hash(work);
    work.inputs.push_back(input_of(a_file("a.png"), "in/frames/0/"));
    EXPECT_EQ(step_hash(work), before);
    work.inputs.push_back(input_of(a_file("a.png"), ""));
    EXPECT_NE(step_hash(work), before);
}

}  // namespace
}  // namespace vcity::work
