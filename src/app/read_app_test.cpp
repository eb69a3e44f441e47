// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "app/app_spec.hpp"
#include "app/fields.hpp"

namespace vcity::app {
namespace {

AppSpec app_of(std::string_view text) {
    AppReading reading = read_app(text);
    for (const Problem& problem : reading.problems) ADD_FAILURE() << to_text("app.yaml", problem);
    return reading.app ? *std::move(reading.app) : AppSpec{};
}

std::string problems_of(std::string_view text) {
    std::string all;
    for (const Problem& problem : read_app(text).problems) all += to_text("app.yaml", problem) + "\n";
    return all;
}

TEST(ReadApp, TakesTheSubsetThatSkyPilotUsersKnow) {
    const AppSpec app = app_of(R"(name: train
resources:
  accelerators: {H100: 8, A100: 8}
  cpus: 4+
  memory: 32+
  disk_size: 100
  image_id: docker:pytorch/pytorch:2.4
  use_spot: true
  ports: [8888]
num_nodes: 2
envs:
  URL: a=b=c
  PORT: 8080
secrets: [TOKEN]
file_mounts:
  ~/train.py: ./src/train.py
setup: pip install x
run: python train.py
max_hourly_cost: 2.50
budget: 20
)");

    EXPECT_EQ(app.terms.name, "train");
    EXPECT_EQ(app.group.ask.gpus, 8U);
    EXPECT_EQ(app.group.ask.gpu_models, (std::vector<std::string>{"H100", "A100"}));
    EXPECT_EQ(app.group.ask.cpu_milli, 4000U);
    EXPECT_EQ(app.group.ask.memory_mib, 32U * 1024U);
    EXPECT_EQ(app.group.ask.disk_mib, 100U * 1024U);
    EXPECT_EQ(app.group.setup.image, "pytorch/pytorch:2.4");
    EXPECT_EQ(app.terms.service_class, ServiceClass::kBestEffort);
    EXPECT_EQ(app.nodes, 2U);
    ASSERT_EQ(app.variables.size(), 3U);
    EXPECT_EQ(app.variables[0].value, "a=b=c");
    EXPECT_EQ(app.variables[1].value, "8080");
    EXPECT_TRUE(app.variables[2].is_secret);
    EXPECT_FALSE(app.variables[2].value);
    EXPECT_EQ(app.files.at(0).name, "train.py");
    EXPECT_EQ(app.files.at(0).path, "./src/train.py");
    EXPECT_EQ(app.terms.hourly_max, Usd{2'500'000});
}

TEST(ReadApp, VariablesInAListKeepEveryEqualsSignButTheFirst) {
    const AppSpec app = app_of("name: a\nenvs: ['A=b=c', B]\nrun: x\nbudget: 1\n");

    EXPECT_EQ(app.variables.at(0).name, "A");
    EXPECT_EQ(app.variables.at(0).value, "b=c");
    EXPECT_FALSE(app.variables.at(1).value);
}

TEST(ReadApp, NamesLineColumnAndFieldOfAllThatIsWrong) {
    EXPECT_EQ(problems_of(R"(name: a
resources:
  cpus: lots
  acelerators: H100
budget: -1
run: true
)"),
              "app.yaml:3:9: resources.cpus: is 'lots'; it must be a number above 0 and up to 16777.216\n"
              "app.yaml:4:3: resources.acelerators: there is no field 'acelerators'; did you mean 'accelerators'?\n"
              "app.yaml:5:9: budget: is '-1'; it must be dollars such as 2.50, above 0\n");
}

TEST(ReadApp, SaysWhatIsMissing) {
    EXPECT_EQ(problems_of(""),
              "app.yaml:1:1: budget: is missing: the dollars that it may cost at most (or max_hourly_cost)\n"
              "app.yaml:1:1: name: is missing\n"
              "app.yaml:1:1: run: is missing: what to run\n");
    EXPECT_EQ(problems_of("name: a\nkind: finetune\nbudget: 1\n"),
              "app.yaml:1:1: finetune: is missing: an app of kind finetune needs it\n");
    EXPECT_EQ(problems_of("name: a\nkind: serve\nrun: x\nbudget: 1\n"),
              "app.yaml:1:1: ports: is missing: an app of kind serve is reached through a port\n");
    EXPECT_EQ(problems_of("name: a\nkind: batch\nrun: x\nbudget: 1\nbatch: {}\n"),
              "app.yaml:5:8: batch.requests: is missing: the path of a file\n");
}

TEST(ReadApp, RefusesASectionOfAnotherKind) {
    EXPECT_EQ(problems_of("name: a\nkind: pod\nbudget: 1\nrender: {scene: a.blend}\n"),
              "app.yaml:4:1: render: is for apps of kind render; this one is a pod\n");
    EXPECT_NE(
        problems_of("name: a\nkind: moon\nbudget: 1\nrun: x\n").find("app.yaml:2:7: kind: is 'moon'; it must be one"),
        std::string::npos);
}

struct Bad {
    std::string_view line;
    std::string_view place;
};
TEST(ReadApp, RefusesEachFieldWhereItStands) {
    const Bad cases[] = {
        {"resources: 4", "4:12: resources: is '4'"},
        {"resources: {accelerators: 'H100:9'}", "4:27: resources.accelerators: is 'H100:9'"},
        {"resources: {accelerators: [H100, 'A100:2']}", "resources.accelerators: asks for 2 GPUs"},
        {"resources: {memory: 4PB}", "4:21: resources.memory: is '4PB'"},
        {"resources: {any_of: [{cpus: 4}]}", "resources.any_of[0].accelerators: is missing"},
        {"resources: {image_id: 'docker:a b'}", "resources.image_id: is 'docker:a b'"},
        {"ports: [80, 80]", "4:13: ports[1]: port 'port-80' (80) is there twice"},
        {"ports: 53/udp", "4:8: ports: is '53/udp'"},
        {"ports: [0]", "ports[0]: is '0'"},
        {"envs: {VCITY_INDEX: 1}", "4:8: envs.VCITY_INDEX: 'VCITY_INDEX' is no name"},
        {"envs: [=x]", "envs[0]: '' is no name"},
        {"envs: [A=1, A=2]", "envs[1]: 'A' is set twice"},
        {"envs: {A: [1]}", "envs.A: is a list"},
        {"files: {a/b: ./x}", "files.a/b: would be 'a/b'"},
        {"files: {a: ./x/}", "files.a: is './x/'"},
        {"files: {a: 's3://bucket/x'}", "files.a: is 's3://bucket/x'; only files of this machine"},
        {"network: all", "4:10: network: is 'all'"},
        {"time_limit: 5", "4:13: time_limit: is '5'"},
        {"retries: 101", "retries: is '101'; it must be a whole number from 0 to 100"},
        {"checkpoint: 5s", "checkpoint: must be 10 s or more"},
        {"num_nodes: 65", "num_nodes: is '65'"},
        {"notebook: true", "notebook: is for pods"},
        {"stop_after: 1h", "stop_after: is for pods"},
        {"keep_files: yes", "keep_files: is 'yes'; it must be true or false"},
        {"verification: {level: 9}", "verification.level: is '9'"},
        {"template: {inputs: [{key: 1a}]}", "template.inputs[0].key: is '1a'"},
        {"template: {inputs: [{key: A, type: choice}]}", "template.inputs[0].choices: is missing"},
        {"command: [x]", "there is also 'command'"},
        {"class: spot", "class: is 'spot'"},
    };
    for (const Bad& bad : cases) {
        const std::string text = "name: a\nrun: x\nbudget: 1\n" + std::string{bad.line} + "\n";
        EXPECT_NE(problems_of(text).find(bad.place), std::string::npos) << bad.line << "\n" << problems_of(text);
    }
}

TEST(ReadApp, ReportsABoundedNumberOfProblems) {
    std::string text = "name: a\nrun: x\nbudget: 1\n";
    for (int field = 0; field < 500; ++field) text += "field_" + std::to_string(field) + ": 1\n";

    EXPECT_EQ(read_app(text).problems.size(), kProblemsMax);
}

TEST(ReadApp, TellsWhatAnAutostopMeansHere) {
    const AppReading reading = read_app("name: a\nkind: pod\nbudget: 1\nautostop: 10m\n");

    ASSERT_TRUE(reading.app);
    EXPECT_EQ(reading.app->stop_seconds, 600U);
    EXPECT_EQ(reading.notes.size(), 2U);
}

TEST(ReadApp, ReadsTheRenderSection) {
    const AppSpec app = app_of(
        "name: film\nkind: render\nbudget: 9\nrender:\n  scene: ./a.blend\n  frames: 1-48\n  tiles: 2x3\n  resolution: "
        "1920x1080\n  video: mp4\n  verify: 4\n");

    const auto& part = std::get<RenderPart>(app.part);
    EXPECT_EQ(part.frame_last, 48U);
    EXPECT_EQ(part.columns, 2U);
    EXPECT_EQ(part.rows, 3U);
    EXPECT_EQ(part.width, 1920U);
    EXPECT_EQ(part.video, "mp4");
    EXPECT_EQ(problems_of("name: f\nkind: render\nbudget: 9\nrender: {scene: a.blend, frames: 9-1}\n"),
              "app.yaml:4:34: render.frames: is '9-1'; it must be frames such as 1-240 or 7\n");
    EXPECT_EQ(problems_of("name: f\nkind: render\nbudget: 9\nrender: {scene: a.blend, frames: 1-2101}\n"),
              "app.yaml:4:34: render.frames: 2101 frames; at most 2100 are taken in one app\n");
}

TEST(Fields, ReadTimesAndSizes) {
    EXPECT_EQ(parse_duration("1h30m"), 5400U);
    EXPECT_EQ(parse_duration("90s"), 90U);
    EXPECT_EQ(parse_duration("2d"), 172'800U);
    for (const std::string_view bad : {"", "5", "5x", "m", "-1s", "99999999d", "1h 2m"}) {
        EXPECT_FALSE(parse_duration(bad)) << bad;
    }
    EXPECT_EQ(parse_size("32"), 32'768U);
    EXPECT_EQ(parse_size("512MB"), 512U);
    EXPECT_EQ(parse_size("0.5GiB"), 512U);
    for (const std::string_view bad : {"", "GB", "1e9", "-1", "1.2.3", "99999999999TB"})
        EXPECT_FALSE(parse_size(bad)) << bad;
}

}  // namespace
}  // namespace vcity::app
