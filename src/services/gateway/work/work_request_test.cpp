// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/work_request.hpp"

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

ApiResult<WorkRequest> parse(const std::string& text) {
    const Result<codec::Json> body = codec::parse_json(text);
    EXPECT_TRUE(body) << text;
    return parse_work_request(body ? *body : codec::Json{});
}

// A step with these members besides its script.
ApiResult<WorkRequest> parse_step(const std::string& members) {
    return parse(R"({"budget":1,"steps":[{"run":"true",)" + members + "}]}");
}

TEST(WorkRequest, ReadsEveryFieldOfAnOrder) {
    const auto request = parse(R"({
        "name": "render", "service_class": "critical", "budget": "1.50", "deadline_minutes": 60, "quote_id": 7,
        "customer_region": "eu-west",
        "steps": [
            {"name": "frame", "count": 4, "run": "echo $VCITY_INDEX", "env": {"A": "b=c"},
             "inputs": {"a.txt": "hello", "b.txt": {"text": "x"}, "c.bin": {"base64": "AAEC"}},
             "resources": {"accelerators": "H100:1", "gpu_share": 0.3, "vram_gb": 20, "cpus": 0.5, "memory_gb": 0.25,
                           "disk_gb": 1, "interconnect": "pcie"},
             "seconds_max": 60, "retries": 1, "speculative": true},
            {"name": "join", "needs": ["frame"], "command": ["/bin/echo", "done"]}],
        "where": {"regions": ["eu"], "kind": "flexible", "hourly_max": 2.5, "reputation_min": 0.9, "level_min": 1,
                  "stake_min": 100},
        "prefer": {"price": 80, "latency": 1, "quality": 2, "packing": 3}})");
    ASSERT_TRUE(request) << request.error().message;
    const WorkSpec& spec = request->spec;
    EXPECT_EQ(spec.name, "render");
    EXPECT_EQ(spec.service_class, ServiceClass::kCritical);
    EXPECT_EQ(request->budget, Usd{1'500'000});
    EXPECT_EQ(request->deadline_minutes, 60U);
    EXPECT_EQ(request->quote_id, 7U);
    EXPECT_EQ(spec.customer_region, "eu-west");
    ASSERT_EQ(spec.groups.size(), 2U);
    const StepGroup& frame = spec.groups[0];
    EXPECT_EQ(frame.count, 4U);
    EXPECT_EQ(frame.command, (std::vector<std::string>{"/bin/sh", "-c", "echo $VCITY_INDEX"}));
    EXPECT_EQ(frame.environment, (std::vector<std::string>{"A=b=c"}));
    ASSERT_EQ(frame.inputs.size(), 3U);
    EXPECT_EQ(as_text(frame.inputs[0].content), "hello");
    EXPECT_EQ(as_text(frame.inputs[1].content), "x");
    EXPECT_EQ(frame.inputs[2].content, (Bytes{0, 1, 2}));
    const UnitAsk wanted{.gpu_models = {"H100"},
                         .gpus = 1,
                         .gpu_milli = 300,
                         .vram_mib = 20 * 1024,
                         .cpu_milli = 500,
                         .memory_mib = 256,
                         .disk_mib = 1024,
                         .interconnect = Interconnect::kPcie};
    EXPECT_EQ(frame.ask, wanted);
    EXPECT_TRUE(frame.is_speculative);
    EXPECT_EQ(spec.groups[1].needs, (std::vector<std::string>{"frame"}));
    EXPECT_EQ(spec.kind, NodeKind::kFlexible);
    EXPECT_EQ(spec.hourly_max, Usd{2'500'000});
    EXPECT_EQ(spec.reputation_bp_min, 9000U);
    EXPECT_EQ(spec.level_min, 1U);
    EXPECT_EQ(spec.stake_vcai_min, 100U);
    EXPECT_EQ(spec.prefer, (Preferences{.latency = 1, .price = 80, .quality = 2, .packing = 3}));
}

TEST(WorkRequest, GivesNamesAndDefaultsToTheSmallestOrder) {
    const auto request = parse(R"({"budget":0.01,"steps":[{"run":"true","resources":null}]})");
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->spec.name, "main");
    EXPECT_EQ(request->spec.groups.front().ask, UnitAsk{});
    EXPECT_EQ(request->budget, Usd{10'000});
}

TEST(WorkRequest, ReadsAcceleratorsInEveryForm) {
    const auto ask = [](const std::string& accelerators) {
        const auto request = parse_step(R"("resources":{"accelerators":)" + accelerators + "}");
        EXPECT_TRUE(request) << accelerators;
        return request ? request->spec.groups.front().ask : UnitAsk{};
    };
    EXPECT_EQ(ask("null").gpus, 0U);
    EXPECT_EQ(ask(R"("H100")").gpus, 1U);
    EXPECT_EQ(ask(R"("any:2")").gpus, 2U);
    EXPECT_TRUE(ask(R"("any:2")").gpu_models.empty());
    EXPECT_EQ(ask(R"(["H100:8","A100:8"])").gpu_models, (std::vector<std::string>{"H100", "A100"}));
}

struct Bad {
    const char* step;  // members
    const char* param;
};

TEST(WorkRequest, NamesTheFieldOfEveryRefusal) {
    const Bad cases[] = {
        {R"("count":0)", "steps[0].count"},
        {R"("count":-3)", "steps[0].count"},
        {R"("count":1.5)", "steps[0].count"},
        {R"("count":99999999999999999999999)", "steps[0].count"},
        {R"("count":"4")", "steps[0].count"},
        {R"("seconds_max":0)", "steps[0].seconds_max"},
        {R"("retries":1e9)", "steps[0].retries"},
        {R"("gang":1)", "steps[0].gang"},
        {R"("moon":1)", "steps[0].moon"},
        {R"("command":["/bin/true"])", "steps[0].command"},
        {R"("env":[])", "steps[0].env"},
        {R"("env":{"A":1})", "steps[0].env.A"},
        {R"("inputs":{"a":{"base64":"%%"}})", "steps[0].inputs.a"},
        {R"("inputs":{"a":{"text":"x","base64":""}})", "steps[0].inputs.a"},
        {R"("inputs":{"a":3})", "steps[0].inputs.a"},
        {R"("resources":{"cpus":-1})", "steps[0].resources.cpus"},
        {R"("resources":{"memory_gb":1e300})", "steps[0].resources.memory_gb"},
        {R"("resources":{"accelerators":"H100:0"})", "steps[0].resources.accelerators"},
        {R"("resources":{"accelerators":"H100:9"})", "steps[0].resources.accelerators"},
        {R"("resources":{"accelerators":"H100:2x"})", "steps[0].resources.accelerators"},
        {R"("resources":{"accelerators":["A:1","B:2"]})", "steps[0].resources.accelerators[1]"},
        {R"("resources":{"gpu_share":1.1})", "steps[0].resources.gpu_share"},
        {R"("resources":{"interconnect":"string"})", "steps[0].resources.interconnect"},
        {R"("needs":["nobody"])", "steps"},
        {R"("env":{"VCITY_INDEX":"9"})", "steps"},
        {R"("inputs":{"../a":"x"})", "steps"},
    };
    for (const Bad& bad : cases) {
        const auto request = parse_step(bad.step);
        ASSERT_FALSE(request) << bad.step;
        EXPECT_EQ(request.error().param, bad.param) << bad.step;
        EXPECT_EQ(spec_of(request.error().code).status, 400U) << bad.step;
    }
}

TEST(WorkRequest, ReadsWhatSurroundsACommand) {
    const std::string hash(64, 'b');
    const auto resolve = [](const std::string& id, const std::string& path) -> ApiResult<InputFile> {
        if (id != "file-1") return no_files(id, path);
        InputFile file;
        file.sha256.bytes.fill(7);
        file.bytes = 99;
        return file;
    };
    const auto body = codec::parse_json(R"({"budget":1,"steps":[
        {"name":"first","image":"debian:12","keeps_files":true,"checkpoint_seconds":30,
         "inputs":{"a":{"file":"file-1"},"b":{"url":"https://example.com/b","sha256":")" +
                                        hash + R"(","bytes":5}},
         "ports":[{"name":"web","port":8080},{"port":22}],"service":true,"egress":["pypi.org"]},
        {"name":"second","needs":["first"],"takes":["first"],"program":"finetune","command":["--rank","8"],
         "egress":"public"}]})");
    ASSERT_TRUE(body) << body.error().message;
    const auto request = parse_work_request(*body, resolve);
    ASSERT_TRUE(request) << request.error().message;
    const StepGroup& first = request->spec.groups[0];
    EXPECT_TRUE(first.command.empty());
    EXPECT_EQ(first.setup.image, "debian:12");
    EXPECT_TRUE(first.setup.keeps_files && first.setup.is_service);
    EXPECT_EQ(first.setup.checkpoint_seconds, 30U);
    EXPECT_EQ(first.setup.ports, (std::vector<StepPort>{{"web", 8080}, {"port-22", 22}}));
    EXPECT_EQ(first.setup.egress, Egress::kPublic);
    EXPECT_EQ(first.setup.egress_hosts, std::vector<std::string>{"pypi.org"});
    ASSERT_EQ(first.inputs.size(), 2U);
    EXPECT_EQ(first.inputs[0].bytes, 99U);
    EXPECT_EQ(first.inputs[0].url, "");
    EXPECT_EQ(first.inputs[1].url, "https://example.com/b");
    EXPECT_EQ(first.inputs[1].bytes, 5U);
    const StepGroup& second = request->spec.groups[1];
    EXPECT_EQ(second.takes, std::vector<std::string>{"first"});
    EXPECT_EQ(second.setup.program, "finetune");
    EXPECT_EQ(second.setup.egress, Egress::kPublic);
    EXPECT_TRUE(second.setup.egress_hosts.empty());
}

TEST(WorkRequest, NamesTheFieldOfASetupThatIsWrong) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {R"("inputs":{"a":{"file":"train.jsonl"}})", "steps[0].inputs.a.file"},
        {R"("inputs":{"a":{"file":3}})", "steps[0].inputs.a.file"},
        {R"("inputs":{"a":{"url":"ftp://x","sha256":"","bytes":1}})", "steps[0].inputs.a.sha256"},
        {R"("inputs":{"a":{"url":"https://x"}})", "steps[0].inputs.a"},
        {R"("inputs":{"a":{"url":"https://x","sha256":"00","bytes":1}})", "steps[0].inputs.a.sha256"},
        {R"("inputs":{"a":{"url":"https://x","bytes":-1}})", "steps[0].inputs.a.bytes"},
        {R"("ports":[{"name":"a"}])", "steps[0].ports[0].port"},
        {R"("ports":[{"port":70000}])", "steps[0].ports[0].port"},
        {R"("ports":8080)", "steps[0].ports"},
        {R"("egress":"lan")", "steps[0].egress"},
        {R"("egress":[1])", "steps[0].egress[0]"},
        {R"("checkpoint_seconds":1)", "steps[0].checkpoint_seconds"},
        {R"("keeps_files":"yes")", "steps[0].keeps_files"},
        {R"("image":7)", "steps[0].image"},
        {R"("takes":["a"])", "steps"},
        {R"("program":"mine bitcoin")", "steps"},
    };
    for (const auto& [step, param] : cases) {
        const auto request = parse_step(step);
        ASSERT_FALSE(request) << step;
        EXPECT_EQ(request.error().param, param) << step;
    }
    const auto unknown = parse_step(R"("inputs":{"a":{"file":"file-2"}})");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().param, "steps[0].inputs.a");
    EXPECT_FALSE(parse_step(R"("egress":[])")->spec.groups[0].setup.egress == Egress::kPublic);
}

TEST(WorkRequest, RefusesMoneyThatIsNone) {
    for (const char* budget : {"0", "-1", "1e300", "true", "\"1e3\"", "\"-1\"", "\"NaN\"", "[]", "\"99999999999\""}) {
        const auto request = parse(R"({"steps":[{"run":"true"}],"budget":)" + std::string{budget} + "}");
        ASSERT_FALSE(request) << budget;
        EXPECT_EQ(request.error().param, "budget") << budget;
    }
}

TEST(WorkRequest, SaysWhatIsAllowedInstead) {
    const auto request = parse_step(R"("count":-3)");
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().message, "'steps[0].count' is -3; it must be a whole number from 1 to 4096");
}

TEST(WorkRequest, NeedsStepsAndABudget) {
    EXPECT_EQ(parse(R"({"budget":1})").error().param, "steps");
    EXPECT_EQ(parse(R"({"steps":[{"run":"true"}]})").error().param, "budget");
    EXPECT_EQ(parse(R"({"budget":1,"steps":[{"name":"a"}]})").error().param, "steps[0].run");
    EXPECT_EQ(parse(R"({"budget":1,"steps":[]})").error().param, "steps");
    EXPECT_FALSE(parse("[]"));
    EXPECT_FALSE(parse("3"));
}

TEST(WorkRequest, HoldsUnitsInsteadOfRunning) {
    const std::string steps = R"("budget":1,"steps":[{"run":"echo hi","inputs":{"a":"b"},"image":"debian:12"}])";
    const ApiResult<WorkRequest> held = parse_work_request(*codec::parse_json(R"({"hold_minutes":120,)" + steps + "}"));
    ASSERT_TRUE(held.has_value());
    EXPECT_EQ(held->spec.groups[0].command, (std::vector<std::string>{"/bin/sleep", "7200"}));
    EXPECT_EQ(held->spec.groups[0].setup.image, "debian:12") << "a unit that can run it";
    EXPECT_GT(held->deadline_minutes, 120U);
    for (const char* wrong : {"0", "43200", "-1", "\"1\"", "1.5"}) {
        const auto refused =
            parse_work_request(*codec::parse_json(std::string{R"({"hold_minutes":)"} + wrong + "," + steps + "}"));
        EXPECT_EQ(refused.error().param, "hold_minutes") << wrong;
    }
    const auto program = parse_work_request(
        *codec::parse_json(R"({"hold_minutes":5,"budget":1,"steps":[{"program":"render","command":["x"]}]})"));
    EXPECT_EQ(program.error().param, "hold_minutes");
}

}  // namespace
}  // namespace vcity::gateway
