// SPDX-License-Identifier: Apache-2.0
#include "codec/hex.hpp"
#include "services/node/steps/step_runner_test_stand.hpp"

namespace vcity::node {
namespace {

class StepFilesTest : public StepRunnerTest {
  protected:
    static constexpr const char* kFilesUrl = "https://gateway.example/files/token/";

    static std::string url_of(std::string_view content) {
        return kFilesUrl + codec::to_hex(crypto::sha256(as_bytes(content))).substr(2);
    }
    // A file that the gateway keeps.
    InputFile a_kept(std::string name, const std::string& content) {
        files.files[url_of(content)] = Bytes{content.begin(), content.end()};
        InputFile input;
        input.name = std::move(name);
        input.sha256 = crypto::sha256(as_bytes(content));
        input.bytes = content.size();
        return input;
    }
    StepGrant files_grant(std::vector<std::string> arguments, std::uint8_t number = 1) const {
        StepGrant order = grant_of(std::move(arguments), number);
        order.work.files_url = kFilesUrl;
        order.work.setup.keeps_files = true;
        return order;
    }
    std::string kept_at(const StepFile& file) {
        const auto found = files.files.find(kFilesUrl + codec::to_hex(file.sha256).substr(2));
        return found == files.files.end() ? "" : std::string{as_text(found->second)};
    }
};

TEST_F(StepFilesTest, BringsInputsAndKeepsWhatIsLeftInOut) {
    StepGrant order = files_grant({"--show=a.txt", "--show=in/frames/0/a/b/c/d.txt", "--leave=out/x/y.txt:result"});
    order.work.inputs.push_back({.name = "a.txt", .content = Bytes{'o', 'n', 'e', ' '}});
    order.work.inputs.push_back(a_kept("in/frames/0/a/b/c/d.txt", "two"));
    grant(order);
    pump_for(1s);

    EXPECT_EQ(output(), "one two");
    const auto finished = only<StepFinished>();
    EXPECT_EQ(finished.exit_code, 0);
    ASSERT_EQ(finished.files.size(), 1U);
    EXPECT_EQ(finished.files[0].name, "x/y.txt");
    EXPECT_EQ(finished.files[0].bytes, 6U);
    EXPECT_EQ(kept_at(finished.files[0]), "result");
    const UsageReceipt bill = bill_of(order, finished);
    EXPECT_EQ(bill.response_hash, work::result_hash(market::response_hash("one two"), finished.files));
    EXPECT_EQ(finished.finished.receipt_hash, market::receipt_hash(bill));
    EXPECT_EQ(volumes.alive(), 0U) << "nothing of it is left on the node";
}

TEST_F(StepFilesTest, AResultHasItsFilesAfterARestartToo) {
    const StepGrant order = files_grant({"--leave=out/a:result"});
    grant(order);
    room = 1;  // StepStarted
    pump_for(1s);
    EXPECT_TRUE(all_of<StepFinished>().empty());
    crash();
    room = SIZE_MAX;
    boot();
    pump_for(1s);
    ASSERT_EQ(only<StepFinished>().files.size(), 1U);
    EXPECT_EQ(only<StepFinished>().files[0].name, "a");
}

TEST_F(StepFilesTest, AnInputThatCannotBeHadFailsTheStepForNothing) {
    StepGrant order = files_grant({"--print=never"});
    order.work.inputs.push_back(a_kept("a.txt", "content"));
    files.files.begin()->second[0] = '?';
    grant(order);
    pump_for(1s);
    EXPECT_EQ(only<NodeFailedJob>().code, Errc::kUnavailable) << "what the network keeps is the network's affair";
    EXPECT_EQ(only<NodeFailedJob>().reason, "input file a.txt: other bytes than the hash says");
    EXPECT_EQ(sandbox.starts(), 0U);
}

TEST_F(StepFilesTest, AnInputAtTheCustomersAddressIsTheCustomersAffair) {
    StepGrant order = files_grant({"--print=never"});
    order.work.inputs.push_back(a_kept("a.txt", "content"));
    order.work.inputs.back().url = "https://example.com/nothing";
    grant(order);
    pump_for(1s);
    EXPECT_EQ(only<NodeFailedJob>().code, Errc::kNotFound);
    EXPECT_TRUE(only<NodeFailedJob>().reason.starts_with("input file a.txt: ")) << only<NodeFailedJob>().reason;
    EXPECT_EQ(sandbox.starts(), 0U);
}

TEST_F(StepFilesTest, InputsThatDoNotFitTheDiskAreRefusedBeforeTheyAreFetched) {
    StepGrant order = files_grant({});
    order.work.inputs.push_back(a_kept("a.txt", "content"));
    order.work.inputs.back().bytes = 1U << 30U;
    order.work.ask.disk_mib = 64;
    grant(order);
    pump_for(1s);
    EXPECT_EQ(only<NodeFailedJob>().code, Errc::kInvalid);
}

TEST_F(StepFilesTest, FilesThatCannotBeKeptAreTheCustomersAffairAndAreBilled) {
    grant(files_grant({"--leave=out/bad name:x", "--milliseconds=5000"}));
    pump_for(6s);
    const auto finished = only<StepFinished>();
    EXPECT_EQ(finished.exit_code, kFilesExit);
    EXPECT_TRUE(finished.files.empty());
    EXPECT_NE(output().find("vcity: /job/out: a name of a file"), std::string::npos) << output();
    EXPECT_EQ(finished.finished.amount, Usd{14});
}

TEST_F(StepFilesTest, AServerThatIsDownFailsTheAttemptForNothing) {
    files.is_down = true;
    grant(files_grant({"--leave=out/a:x"}));
    pump_for(1s);
    EXPECT_EQ(only<NodeFailedJob>().code, Errc::kUnavailable);
    EXPECT_TRUE(all_of<StepFinished>().empty());
}

TEST_F(StepFilesTest, CheckpointsAreSentWhileItRunsAndOnceMoreWhenItIsCutShort) {
    StepGrant order = files_grant({"--leave=checkpoint/weights:w", "--endless"});
    order.work.setup.keeps_files = false;
    order.work.setup.checkpoint_seconds = 10;
    order.work.seconds_max = 25;
    grant(order);
    pump_for(23s);
    ASSERT_EQ(all_of<StepCheckpoint>().size(), 2U);
    const StepCheckpoint first = all_of<StepCheckpoint>().front();
    EXPECT_EQ(first.step_id, order.lease.job_id);
    EXPECT_EQ(first.fencing_token, order.lease.fencing_token);
    EXPECT_EQ(first.sequence, 1U);
    ASSERT_EQ(first.files.size(), 1U);
    EXPECT_EQ(first.files[0].name, "weights");
    EXPECT_EQ(kept_at(first.files[0]), "w");
    pump_for(5s);
    EXPECT_EQ(only<StepFinished>().exit_code, kTimeLimitExit);
    EXPECT_EQ(all_of<StepCheckpoint>().back().sequence, 3U) << "the last one, after its time was over";
}

TEST_F(StepFilesTest, AStepThatGivesWayKeepsItsCheckpointAndBillsTheTimeUntilThen) {
    StepGrant order = files_grant({"--leave=checkpoint/weights:w", "--endless"});
    order.work.setup.checkpoint_seconds = 600;
    grant(order);
    pump_for(36s);
    EXPECT_TRUE(all_of<StepCheckpoint>().empty());

    runner->give_way("the owner is using the machine");
    pump_for(1s);

    EXPECT_EQ(kept_at(only<StepCheckpoint>().files.at(0)), "w");
    EXPECT_EQ(only<StepFinished>().exit_code, work::kGaveWayExit);
    EXPECT_EQ(only<StepFinished>().finished.amount, Usd{100}) << "36 s at a hundredth of a dollar";
    EXPECT_TRUE(all_of<NodeFailedJob>().empty());
    EXPECT_EQ(sandbox.running(), 0U);
}

TEST_F(StepFilesTest, ASchedulerMayAskOneStepToGiveWay) {
    StepGrant order = files_grant({"--leave=checkpoint/weights:w", "--endless"});
    order.work.setup.checkpoint_seconds = 600;
    grant(order);
    pump_for(36s);
    runner->on_cancel({.job_id = order.lease.job_id, .fencing_token = order.lease.fencing_token, .gives_way = true});
    pump_for(1s);
    EXPECT_EQ(kept_at(only<StepCheckpoint>().files.at(0)), "w");
    EXPECT_EQ(only<StepFinished>().exit_code, work::kGaveWayExit);
    EXPECT_EQ(only<StepFinished>().finished.amount, Usd{100}) << "36 s at a hundredth of a dollar";
}

TEST_F(StepFilesTest, AStepThatGivesWayIsPaidUpToItsNewestCheckpointOnly) {
    StepGrant order = files_grant({"--leave=checkpoint/weights:w", "--endless"});
    order.work.setup.checkpoint_seconds = 18;
    grant(order);
    pump_for(30s);
    ASSERT_EQ(all_of<StepCheckpoint>().size(), 1U);
    files.is_down = true;

    runner->give_way("the owner is using the machine");
    pump_for(1s);

    const Usd paid = only<StepFinished>().finished.amount;
    EXPECT_GE(paid, Usd{50}) << "18 s at a hundredth of a dollar";
    EXPECT_LE(paid, Usd{57}) << "a node looks every two seconds";
}

TEST_F(StepFilesTest, AStepThatGivesWayWithoutACheckpointIsReportedForOthers) {
    StepGrant order = files_grant({"--endless"});
    order.work.setup.checkpoint_seconds = 600;
    grant(order);
    pump_for(2s);

    runner->give_way("the owner is using the machine");
    pump_for(1s);

    EXPECT_TRUE(all_of<StepCheckpoint>().empty());
    EXPECT_EQ(only<NodeFailedJob>().code, Errc::kUnavailable);
    EXPECT_EQ(only<NodeFailedJob>().reason, "the owner is using the machine");
    EXPECT_TRUE(all_of<StepFinished>().empty());
    EXPECT_EQ(sandbox.running(), 0U);
}

TEST_F(StepFilesTest, ACheckpointThatCannotBeKeptDoesNotEndTheCommand) {
    StepGrant order = files_grant({"--leave=checkpoint/weights:w", "--milliseconds=15000"});
    order.work.setup.keeps_files = false;
    order.work.setup.checkpoint_seconds = 10;
    files.is_down = true;
    grant(order);
    pump_for(20s);
    EXPECT_EQ(only<StepFinished>().exit_code, 0);
    EXPECT_TRUE(all_of<StepCheckpoint>().empty());
}

TEST_F(StepFilesTest, AStepThatFillsMoreThanItsDiskIsStoppedAndBilled) {
    StepGrant order = files_grant({"--leave=out/big:" + std::string(2U << 20U, 'x'), "--endless"});
    order.work.ask.disk_mib = 1;
    grant(order);
    pump_for(5s);
    EXPECT_EQ(only<StepFinished>().exit_code, kOutputLimitExit);
    EXPECT_NE(output().find("more than the disk"), std::string::npos);
}

TEST_F(StepFilesTest, RefusesWhatItsUnitDoesNotOffer) {
    const auto reason = [this](const std::function<void(StepGrant*)>& spoil) { return refusal_of(spoil).reason; };
    EXPECT_EQ(reason([](StepGrant* bad) { bad->work.setup.image = "busybox"; }), "this unit does not offer containers");
    EXPECT_EQ(reason([](StepGrant* bad) { bad->work.setup.program = "render"; }), "this unit does not offer render");
    EXPECT_EQ(reason([](StepGrant* bad) { bad->work.setup.egress = Egress::kPublic; }),
              "this unit does not offer public-network");
}

TEST_F(StepFilesTest, AProgramOfTheNodeRunsWithItsOwnMounts) {
    StepGrant order = grant_of({});
    order.work.setup.program = "finetune";
    order.work.command = {"--epochs", "3"};
    grant(order);
    pump_for(1s);
    const ports::SandboxSpec& spec = sandbox.last_spec();
    const std::vector<std::string> expected{"/worker/program", "finetune", "--epochs", "3"};
    EXPECT_TRUE(std::ranges::equal(std::span{spec.command}.last(4), expected));
    ASSERT_EQ(spec.read_only.size(), 1U);
    EXPECT_EQ(spec.read_only[0].target, "/model");
    EXPECT_EQ(spec.environment.at(0), "VCITY_NODE=" + codec::to_hex(order.lease.node));
    EXPECT_EQ(spec.environment.at(1), "THREADS=1");
}

class StepGpuTest : public StepRunnerTest {
  protected:
    StepGpuTest() {
        end();
        offer.gpus = 2;
        offer.gpu_model = "NVIDIA H100";
        offer.features |= bit(UnitFeature::kContainers);
        machine.unit_gpus[offer.number] = {"nvidia.com/gpu=0", "nvidia.com/gpu=1"};
        boot();
    }
    StepGrant gpu_grant(std::uint32_t mask, std::uint32_t milli, std::uint8_t number) const {
        StepGrant order = grant_of({"--endless"}, number);
        order.work.setup.image = "busybox";
        order.work.ask.gpus = static_cast<std::uint32_t>(std::popcount(mask));
        order.work.ask.gpu_milli = milli;
        order.gpu_mask = mask;
        order.hourly = Usd{20'000};
        return order;
    }
};

TEST_F(StepGpuTest, AStepGetsTheGpusOfItsLease) {
    grant(gpu_grant(0b10, 1000, 1));
    pump_for(100ms);
    EXPECT_EQ(sandbox.last_spec().gpus, std::vector<std::string>{"nvidia.com/gpu=1"});
    EXPECT_EQ(sandbox.last_spec().image, "busybox");
}

TEST_F(StepGpuTest, AGpuIsNotGivenTwice) {
    grant(gpu_grant(0b01, 600, 1));
    EXPECT_EQ(refusal_of([&](StepGrant* bad) { *bad = gpu_grant(0b01, 500, 77); }).code, Errc::kExhausted);
    EXPECT_EQ(refusal_of([&](StepGrant* bad) { *bad = gpu_grant(0b11, 1000, 77); }).code, Errc::kExhausted);
    const StepGrant rest = gpu_grant(0b01, 400, 2);
    grant(rest);
    EXPECT_TRUE(runner->owns(rest.lease.job_id));
}

TEST_F(StepGpuTest, GpusThatAreNotThereOrHaveNoContainerAreRefused) {
    EXPECT_EQ(refusal_of([&](StepGrant* bad) { *bad = gpu_grant(0b100, 1000, 77); }).code, Errc::kInvalid);
    const auto no_image = [&](StepGrant* bad) {
        *bad = gpu_grant(0b1, 1000, 77);
        bad->work.setup.image.clear();
    };
    EXPECT_EQ(refusal_of(no_image).reason, "steps with GPUs run in containers here: they need an image");
}

}  // namespace
}  // namespace vcity::node
