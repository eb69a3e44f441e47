// SPDX-License-Identifier: Apache-2.0
#include "app/convert.hpp"

#include <string>

#include <gtest/gtest.h>

#include "app/app_spec.hpp"

namespace vcity::app {
namespace {

std::string converted(Format format, std::string_view text, std::string_view service = "") {
    const auto result = convert(format, text, service);
    if (const auto* app = std::get_if<std::string>(&result)) return *app;
    for (const Problem& problem : std::get<std::vector<Problem>>(result)) ADD_FAILURE() << to_text("source", problem);
    return "";
}

AppSpec app_of(Format format, std::string_view text, std::string_view service = "") {
    return read_app(converted(format, text, service)).app.value_or(AppSpec{});
}

std::string failure(Format format, std::string_view text) {
    const auto result = convert(format, text, "");
    const auto* problems = std::get_if<std::vector<Problem>>(&result);
    return problems == nullptr ? "" : to_text("source", problems->front());
}

constexpr std::string_view kSdl = R"(---
version: "2.0"
services:
  web:
    image: nginx:1.25
    command: ["/bin/sh", "-c"]
    args: ["nginx -g 'daemon off;'"]
    env: ["A=b=c", "EMPTY="]
    expose:
      - port: 80
        as: 8080
        to: [{global: true}]
  worker:
    image: busybox
profiles:
  compute:
    web:
      resources:
        cpu: {units: 500m}
        memory: {size: 512Mi}
        storage:
          - size: 1Gi
          - size: 10Gi
            attributes: {persistent: true, class: beta3}
        gpu: {units: 2, attributes: {vendor: {nvidia: [{model: h100, ram: 80Gi}, {model: a100}]}}}
  placement:
    dc: {pricing: {web: {denom: uakt, amount: 10000}}}
deployment:
  web: {dc: {profile: web, count: 3}}
)";

TEST(Convert, AnSdlServiceBecomesAService) {
    const AppSpec app = app_of(Format::kSdl, kSdl, "web");

    EXPECT_EQ(app.kind, AppKind::kServe);
    EXPECT_EQ(app.terms.name, "web");
    EXPECT_EQ(app.group.setup.image, "nginx:1.25");
    EXPECT_EQ(app.group.command, (std::vector<std::string>{"/bin/sh", "-c", "nginx -g 'daemon off;'"}));
    ASSERT_EQ(app.variables.size(), 2U);
    EXPECT_EQ(app.variables[0].value, "b=c");
    EXPECT_EQ(app.variables[1].value, "");
    EXPECT_EQ(app.group.setup.ports.at(0).port, 80);
    EXPECT_EQ(app.group.ask.cpu_milli, 500U);
    EXPECT_EQ(app.group.ask.memory_mib, 512U);
    EXPECT_EQ(app.group.ask.disk_mib, 11U * 1024U);
    EXPECT_EQ(app.group.ask.gpus, 2U);
    EXPECT_EQ(app.group.ask.gpu_models, (std::vector<std::string>{"h100", "a100"}));
    EXPECT_EQ(std::get<ServePart>(app.part).replicas, 3U);
    EXPECT_NE(converted(Format::kSdl, kSdl, "web").find("# not taken over: the price of 10000 uakt"),
              std::string::npos);
}

TEST(Convert, AnSdlWithSeveralServicesNeedsAName) {
    EXPECT_EQ(failure(Format::kSdl, kSdl), "source:4:3: services: there are web, worker; name one with --service");
    EXPECT_EQ(failure(Format::kSdl, "version: 2\n"), "source:1:1: services: is missing");
}

TEST(Convert, ASkyPilotTaskKeepsItsFieldsAndNotesTheRest) {
    constexpr std::string_view kSky = R"(name: train
workdir: .
resources:
  infra: aws/us-east-1
  accelerators: H100:8
  cpus: 4+
  autostop: 10m
num_nodes: 2
envs:
  MODEL: llama
  HF: null
file_mounts:
  ~/conf.yaml: ./conf.yaml
  /data: s3://bucket/x
setup: |
  pip install x
run: |
  if [ $SKYPILOT_NODE_RANK = 0 ]; then
    echo "first: 1"
  fi
)";
    const std::string text = converted(Format::kSkypilot, kSky);
    const AppSpec app = app_of(Format::kSkypilot, kSky);

    EXPECT_EQ(app.kind, AppKind::kTask);
    EXPECT_EQ(app.nodes, 2U);
    EXPECT_EQ(app.group.ask.gpus, 8U);
    EXPECT_EQ(app.setup, "pip install x\n");
    EXPECT_NE(app.run.find("  echo \"first: 1\"\nfi\n"), std::string::npos) << app.run;
    EXPECT_FALSE(app.variables.at(1).value);
    EXPECT_EQ(app.files.at(0).name, "conf.yaml");
    for (const char* note : {"workdir", "resources.infra", "resources.autostop", "file_mounts./data"}) {
        EXPECT_NE(text.find(std::string{"# not taken over: "} + note), std::string::npos) << note << "\n" << text;
    }
}

TEST(Convert, ASkyPilotServiceHasReplicasAndReadiness) {
    const AppSpec app = app_of(Format::kSkypilot,
                               "service:\n  readiness_probe: {path: /v1/models}\n  replica_policy: {min_replicas: 1, "
                               "max_replicas: 3}\nresources: {ports: 8000}\nrun: serve\n");

    EXPECT_EQ(std::get<ServePart>(app.part).scale_max, 3U);
    EXPECT_EQ(std::get<ServePart>(app.part).readiness_path, "/v1/models");
}

TEST(Convert, ARunPodTemplateKeepsItsDisksPortsAndVariables) {
    const AppSpec app = app_of(Format::kRunpod, R"({
  "name": "jupyter", "imageName": "runpod/pytorch:2.1", "containerDiskInGb": 20, "volumeInGb": 30,
  "volumeMountPath": "/workspace", "ports": "8888/http, 22/tcp", "env": {"JUPYTER_ARGS": "--a=b --c=d"},
  "dockerStartCmd": ["bash", "-c", "start.sh"], "isServerless": false})");

    EXPECT_EQ(app.kind, AppKind::kPod);
    EXPECT_EQ(app.group.ask.disk_mib, 50U * 1024U);
    EXPECT_EQ(app.group.setup.ports.size(), 2U);
    EXPECT_EQ(app.variables.at(0).value, "--a=b --c=d");
    EXPECT_EQ(app.group.command, (std::vector<std::string>{"bash", "-c", "start.sh"}));
    EXPECT_EQ(app.group.setup.checkpoint_seconds, 600U);
}

TEST(Convert, RunPodFlagsAreTheSameTemplate) {
    const AppSpec app = app_of(
        Format::kRunpod,
        "image: a/b\ncontainer-disk-in-gb: 7\nports: [8888/http]\nenv: '{\"A\": \"x=y\"}'\ndocker-start-cmd: run.sh\n");

    EXPECT_EQ(app.group.ask.disk_mib, 7U * 1024U);
    EXPECT_EQ(app.variables.at(0).value, "x=y");
    EXPECT_EQ(app.group.command, (std::vector<std::string>{"/bin/sh", "-c", "run.sh"}));
    EXPECT_EQ(failure(Format::kRunpod, "name: a\n"), "source:1:1: imageName: is missing");
    EXPECT_EQ(failure(Format::kRunpod, "image: a\nvolumeInGb: lots\n"),
              "source:2:13: volumeInGb: is 'lots'; it must be whole GB");
}

}  // namespace
}  // namespace vcity::app
