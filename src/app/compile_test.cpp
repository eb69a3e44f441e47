// SPDX-License-Identifier: Apache-2.0
#include "app/compile.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "app/requests.hpp"
#include "work/spec_check.hpp"

namespace vcity::app {
namespace {

AppOrder order_of(std::string_view text, const CompileInput& input = {}) {
    const AppReading reading = read_app(text);
    for (const Problem& problem : reading.problems) ADD_FAILURE() << to_text("app.yaml", problem);
    if (!reading.app) return {};
    auto compiled = compile(*reading.app, input);
    if (const auto* problem = std::get_if<Problem>(&compiled)) {
        ADD_FAILURE() << to_text("app.yaml", *problem);
        return {};
    }
    return std::get<AppOrder>(std::move(compiled));
}

std::string failure_of(std::string_view text, const CompileInput& input = {}) {
    const AppReading reading = read_app(text);
    for (const Problem& problem : reading.problems) ADD_FAILURE() << to_text("app.yaml", problem);
    const auto compiled = compile(reading.app.value(), input);
    const auto* problem = std::get_if<Problem>(&compiled);
    return problem == nullptr ? "" : to_text("app.yaml", *problem);
}

const StepGroup& group_of(const AppOrder& order, std::string_view name) {
    static const StepGroup kNone;
    const auto found = std::ranges::find(order.spec.groups, name, &StepGroup::name);
    EXPECT_NE(found, order.spec.groups.end()) << name;
    return found == order.spec.groups.end() ? kNone : *found;
}

TEST(Compile, ATaskOnSeveralNodesIsAGang) {
    const AppOrder order = order_of("name: t\nnum_nodes: 3\nsetup: a\nrun: b\nbudget: 1\nenvs: {X: y=z}\n");

    const StepGroup& group = group_of(order, "main");
    EXPECT_TRUE(group.is_gang);
    EXPECT_EQ(group.count, 3U);
    EXPECT_EQ(group.command.size(), 6U);
    EXPECT_EQ(group.environment, std::vector<std::string>{"X=y=z"});
    EXPECT_EQ(order.budget, Usd{1'000'000});
}

TEST(Compile, APodIsAServiceWithItsPortsAndKey) {
    const AppOrder order = order_of(
        "name: p\nkind: pod\nports: [22/tcp, 8888/http]\nssh_key: ssh-ed25519 AAAA me\nbudget: 1\nstop_after: 2h\n");

    const StepGroup& group = group_of(order, "pod");
    EXPECT_TRUE(group.setup.is_service);
    EXPECT_EQ(group.setup.ports.size(), 2U);
    EXPECT_EQ(group.environment, std::vector<std::string>{"VCITY_SSH_KEY=ssh-ed25519 AAAA me"});
    EXPECT_EQ(group.seconds_max, 7200U);
    EXPECT_FALSE(group.command.empty());
}

TEST(Compile, ANotebookHasItsPort) {
    const AppOrder order = order_of("name: p\nkind: pod\nimage: jupyter/base\nnotebook: true\nbudget: 1\n");

    EXPECT_EQ(group_of(order, "pod").setup.ports.at(0).port, 8888);
}

TEST(Compile, ValuesComeFromTheCustomersEnvironmentOrTheAppIsRefused) {
    constexpr std::string_view kText = "name: t\nrun: b\nbudget: 1\nsecrets: [TOKEN]\n";
    EXPECT_EQ(failure_of(kText),
              "app.yaml:4:11: secrets.TOKEN: has no value, and your environment has no such variable");
    const AppOrder order = order_of(kText, {.environment = {{"TOKEN", "s3cret"}}});
    EXPECT_EQ(group_of(order, "main").environment, std::vector<std::string>{"TOKEN=s3cret"});
}

TEST(Compile, AnswersOfTheFormAreChecked) {
    constexpr std::string_view kText =
        "name: t\nrun: b\nbudget: 1\ntemplate: {inputs: [{key: SIZE, type: choice, choices: [s, m], required: true},\n"
        "  {key: N, type: number, default: 3}]}\n";
    EXPECT_EQ(failure_of(kText), "app.yaml:4:21: template.inputs.SIZE: is required: give it with --set SIZE=...");
    EXPECT_EQ(failure_of(kText, {.answers = {{"SIZE", "x"}}}),
              "app.yaml:4:21: template.inputs.SIZE: must be one of s, m");
    EXPECT_EQ(failure_of(kText, {.answers = {{"SIZE", "s"}, {"N", "x"}}}),
              "app.yaml:5:3: template.inputs.N: must be a number");
    EXPECT_EQ(failure_of(kText, {.answers = {{"MOON", "s"}}}),
              "app.yaml: template.inputs: there is no input 'MOON' to set");
    const AppOrder order = order_of(kText, {.answers = {{"SIZE", "s"}}});
    EXPECT_EQ(group_of(order, "main").environment, (std::vector<std::string>{"SIZE=s", "N=3"}));
}

codec::Json deployment_of(const std::string& text) {
    const AppReading reading = read_app(text);
    EXPECT_TRUE(reading.app.has_value());
    return deployment_json(*reading.app, order_of(text));
}

TEST(Compile, AServiceIsADeploymentOfOneStep) {
    const std::string text =
        "name: s\nkind: serve\nimage: vllm/vllm\nports: [8000]\nbudget: 24\nservice: {readiness: {path: /health, "
        "timeout: 5m}, openai: qwen, scale: {min: 0, max: 8, by: delay, requests_per_replica: 16, idle: 10m}}\n";
    const AppOrder order = order_of(text);
    EXPECT_EQ(group_of(order, "serve").count, 1U);
    EXPECT_TRUE(group_of(order, "serve").setup.is_service);
    EXPECT_EQ(order.spec.hourly_max, Usd{125'000}) << "the budget lasts eight replicas for a day";
    EXPECT_EQ(order.notes.size(), 1U) << "and that is said";
    const codec::Json json = deployment_of(text);
    EXPECT_EQ(codec::dump_json(*json.find("scale")),
              R"({"min":0,"max":8,"by":"delay","requests_per_replica":16,"idle_seconds":600})");
    EXPECT_EQ(codec::dump_json(*json.find("readiness")), R"({"seconds":300,"path":"/health"})");
    EXPECT_EQ(codec::dump_json(*json.find("openai")), R"({"model":"qwen"})");
    EXPECT_EQ(codec::dump_json(*json.find("replica_seconds")), "86400");
}

TEST(Compile, AnEnterpriseAppGoesToStableNodes) {
    const std::string text =
        "name: e\nkind: enterprise\nimage: a/b\nports: [443]\nbudget: 1\nenterprise: {nodes: 2, endpoint: api, "
        "availability: 99.9%}\n";
    const AppOrder order = order_of(text);
    EXPECT_EQ(order.spec.kind, NodeKind::kStable);
    EXPECT_EQ(order.spec.service_class, ServiceClass::kCritical);
    EXPECT_EQ(group_of(order, "enterprise").setup.ports.at(0).name, "api");
    const codec::Json json = deployment_of(text);
    EXPECT_EQ(codec::dump_json(*json.find("scale")), R"({"min":2,"max":2})");
    EXPECT_EQ(codec::dump_json(*json.find("sla")), R"({"availability":0.999})");
}

TEST(Compile, AFinetuneIsOneStepOfTheNodesProgram) {
    const AppOrder order =
        order_of("name: f\nkind: finetune\nbudget: 1\nfinetune: {model: m, data: d.jsonl, valid: v.jsonl, rank: 4}\n");

    const StepGroup& group = group_of(order, "finetune");
    EXPECT_EQ(group.setup.program, "finetune");
    EXPECT_TRUE(group.setup.keeps_files);
    EXPECT_EQ(group.setup.checkpoint_seconds, 60U);
    ASSERT_EQ(order.attachments.size(), 2U);
    EXPECT_EQ(order.attachments[1].file.name, "valid.jsonl");
    EXPECT_NE(std::ranges::find(group.command, "/job/valid.jsonl"), group.command.end());
}

TEST(Compile, ABatchIsShardsAndAMerge) {
    const AppOrder order = order_of(
        "name: b\nkind: batch\nbudget: 1\nrun: cat\nbatch: {requests: r.jsonl, shards: 5}\nresources: {accelerators: "
        "H100}\n");

    EXPECT_EQ(group_of(order, "shard").count, 5U);
    EXPECT_EQ(group_of(order, "merge").takes, std::vector<std::string>{"shard"});
    EXPECT_EQ(group_of(order, "merge").ask.gpus, 0U) << "joining lines needs no GPU";
    EXPECT_TRUE(order.attachments.at(0).is_requests);
    EXPECT_EQ(order.attachments.at(0).groups, std::vector<std::string>{"shard"});
}

// Every tile of every frame is rendered once, and every check names tiles of its own block.
TEST(Compile, ARenderCoversEveryTileInBlocksThatOneStepCanTake) {
    for (const auto& [frames, columns, rows] :
         {std::tuple{1, 1, 1}, {48, 2, 2}, {7, 17, 30}, {1000, 1, 3}, {3, 30, 30}, {2100, 1, 1}}) {
        const AppOrder order =
            order_of("name: r\nkind: render\nbudget: 1\nrender: {scene: a.blend, frames: 1-" + std::to_string(frames) +
                         ", tiles: " + std::to_string(columns) + "x" + std::to_string(rows) + ", verify: 9}\n",
                     {.seed = static_cast<std::uint64_t>(frames)});
        std::uint32_t tiles = 0;
        std::uint32_t again = 0;
        std::uint32_t stitches = 0;
        for (const StepGroup& group : order.spec.groups) {
            if (group.name.starts_with("tiles-")) tiles += group.count;
            if (group.name.starts_with("verify-")) again += group.count;
            if (group.name.starts_with("stitch-")) ++stitches;
        }
        EXPECT_EQ(tiles, static_cast<std::uint32_t>(frames * columns * rows));
        EXPECT_EQ(again, std::min(9U, tiles));
        EXPECT_EQ(group_of(order, "film").takes.size(), stitches);
        EXPECT_EQ(group_of(order, "stitch-0").retries, 0U);
    }
}

TEST(Compile, TheSeedChoosesWhatIsRenderedTwice) {
    constexpr std::string_view kText =
        "name: r\nkind: render\nbudget: 1\nrender: {scene: a.blend, frames: 1-100, verify: 3}\n";
    std::set<std::vector<std::string>> choices;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        choices.insert(group_of(order_of(kText, {.seed = seed}), "verify-0").command);
    }
    EXPECT_EQ(choices.size(), 20U);
}

TEST(Compile, ABudgetFollowsFromTheHighestPriceAndTheTime) {
    const AppOrder order = order_of("name: p\nkind: pod\nmax_hourly_cost: 0.5\nterminate_after: 90m\nnum_nodes: 2\n");

    EXPECT_EQ(order.budget, Usd{1'500'000});
}

TEST(Requests, ArePreparedLineByLine) {
    const auto prepared = prepare_requests(
        "{\"custom_id\": \"a\", \"body\": {\"x\": \"tab\\t\"}}\r\n\n{\"custom_id\": \"b\\n\", \"method\": \"POST\", "
        "\"url\": \"/v1\", "
        "\"body\": {}}");

    ASSERT_TRUE(std::holds_alternative<std::string>(prepared));
    EXPECT_EQ(std::get<std::string>(prepared), "\"a\"\t{\"x\":\"tab\\t\"}\n\"b\\n\"\t{}\n");
}

TEST(Requests, NameTheLineAndTheFieldOfWhatIsWrong) {
    const auto failures = [](std::string_view text) {
        std::string all;
        const auto prepared = prepare_requests(text);
        if (std::holds_alternative<std::string>(prepared)) return all;
        for (const Problem& problem : std::get<std::vector<Problem>>(prepared))
            all += to_text("r.jsonl", problem) + "\n";
        return all;
    };
    EXPECT_EQ(
        failures(
            "{\"custom_id\": \"a\", \"body\": {}}\n{\"custom_id\": \"a\", \"body\": {}}\n{\"custom_id\": \"c\"}\n"),
        "r.jsonl:2:1: custom_id: is 'a', as in line 1\nr.jsonl:3:1: body: must be an object\n");
    EXPECT_EQ(failures("{\"custom_id\": 1, \"body\": {}}\n[]\n"),
              "r.jsonl:1:1: custom_id: must be a text\nr.jsonl:2:1: must be a JSON object\n");
    EXPECT_NE(failures("{oops\n").find("r.jsonl:1:1: is no JSON"), std::string::npos);
    EXPECT_EQ(failures("{\"custom_id\": \"a\", \"body\": {}, \"moon\": 1}"),
              "r.jsonl:1:1: 'moon': is no field of a request; there are custom_id, method, url and body\n");
    EXPECT_EQ(failures("\n\n"), "r.jsonl:1:1: there is no request\n");
}

}  // namespace
}  // namespace vcity::app
