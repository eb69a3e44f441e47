// SPDX-License-Identifier: Apache-2.0
// Every kind of app, with everything that its section can get wrong: each problem names its line, column and field.
#include <string>

#include <gtest/gtest.h>

#include "app/app_spec.hpp"

namespace vcity::app {
namespace {

struct Bad {
    std::string_view lines;  // from line 4 on
    std::string_view problem;
};

// Of the first problem.
std::string problem_of(std::string_view kind, std::string_view lines) {
    const std::string text = "name: a\nkind: " + std::string{kind} + "\nbudget: 1\n" + std::string{lines} + "\n";
    const AppReading reading = read_app(text);
    if (reading.problems.empty()) return "it is taken";
    std::string all;
    for (const Problem& problem : reading.problems) all += to_text("app.yaml", problem) + "\n";
    return all;
}

void expect_each(std::string_view kind, std::span<const Bad> cases) {
    for (const Bad& bad : cases) {
        const std::string text = problem_of(kind, bad.lines);
        EXPECT_NE(text.find("app.yaml:" + std::string{bad.problem}), std::string::npos) << kind << "\n"
                                                                                        << bad.lines << "\n"
                                                                                        << text;
    }
}

TEST(BadApps, Tasks) {
    const Bad cases[] = {
        {"run: [a]", "4:6: run: "},
        {"run: x\nnum_nodes: 0", "5:12: num_nodes: is '0'"},
        {"run: x\ncommand: [/bin/true]", "4:6: run: there is also 'command'"},
        {"setup: x", "1:1: run: is missing"},
        {"run: x\nimage: 'a b'", "5:8: image: is 'a b'"},
        {"run: x\nresources:\n  cpus: 0", "6:9: resources.cpus: is '0'"},
        {"run: x\nresources:\n  memory: -1", "6:11: resources.memory: is '-1'"},
        {"run: x\nresources:\n  region: [eu]\n  node_kind: fast", "7:14: resources.node_kind: is 'fast'"},
        {"run: x\nresources:\n  gpu_share: 2\n  accelerators: any", "6:14: resources.gpu_share: is '2'"},
        {"run: x\nsecrets:\n  '1X': a", "6:3: secrets.1X: '1X' is no name"},
        {"run: x\nssh_key: ssh-ed25519 AAAA", "5:10: ssh_key: is for pods"},
        {"run: x\nbudget: 2", "5:1: 'budget' is there twice"},
        {"run: x\ndeadline: soon", "5:11: deadline: is 'soon'"},
        {"run: x\nmax_hourly_cost: free", "5:18: max_hourly_cost: is 'free'"},
        {"run: x\nfinetune: {}", "5:1: finetune: is for apps of kind finetune; this one is a task"},
    };
    expect_each("task", cases);
}

TEST(BadApps, Pods) {
    const Bad cases[] = {
        {"ssh_key: \"a\\nb\"", "4:10: ssh_key: must be one public key on one line"},
        {"notebook: maybe", "4:11: notebook: is 'maybe'"},
        {"ports: [70000]", "4:9: ports[0]: is '70000'"},
        {"ports: {a b: 80}", "4:14: ports.a b: is named 'a b'; a name is 1 to"},
        {"stop_after: tomorrow", "4:13: stop_after: is 'tomorrow'"},
        {"stop_after: 2h\nterminate_after: 1h", "4:13: stop_after: is later than the end (terminate_after)"},
        {"terminate_after: 90d", "4:18: terminate_after: is '90d'"},
        {"time_limit: 1h\nterminate_after: 1h", "5:18: terminate_after: there is also 'time_limit'"},
        {"network: [a b]", "4:11: network[0]: is 'a b'; it must be a host"},
        {"service: {}", "4:1: service: is for apps of kind serve; this one is a pod"},
    };
    expect_each("pod", cases);
}

TEST(BadApps, Services) {
    const Bad cases[] = {
        {"run: x", "1:1: ports: is missing: an app of kind serve is reached through a port"},
        {"ports: [80]", "1:1: run: is missing"},
        {"run: x\nports: [80]\nservice: {replicas: 0}", "6:21: service.replicas: is '0'"},
        {"run: x\nports: [80]\nservice: {readiness: health}", "6:22: service.readiness: is 'health'"},
        {"run: x\nports: [80]\nservice:\n  readiness:\n    path: /h\n    timeout: 2",
         "9:14: service.readiness.timeout: is '2'"},
        {"run: x\nports: [80]\nservice:\n  scale: {by: mood}", "7:15: service.scale.by: is 'mood'"},
        {"run: x\nports: [80]\nservice:\n  scale: {min: 3, max: 2}", "7:24: service.scale.max: is '2'"},
        {"run: x\nports: [80]\nservice: {moon: 1}", "6:11: service.moon: there is no field 'moon'"},
        {"run: x\nports: [80]\nnum_nodes: 2", "6:12: num_nodes: is for tasks and pods"},
    };
    expect_each("serve", cases);
}

TEST(BadApps, Finetunes) {
    const Bad cases[] = {
        {"run: x\nfinetune: {model: m, data: d.jsonl}", "4:6: run: an app of kind finetune brings its own command"},
        {"image: x\nfinetune: {model: m, data: d.jsonl}", "4:8: image: an app of kind finetune runs without an image"},
        {"finetune: {data: d.jsonl}", "4:11: finetune.model: is missing"},
        {"finetune: {model: m}", "4:11: finetune.data: is missing: the path of a file"},
        {"finetune: {model: ../m, data: d.jsonl}", "4:19: finetune.model: is '../m'"},
        {"finetune: {model: m, data: 'https://x/y'}", "4:28: finetune.data: is 'https://x/y'"},
        {"finetune: {model: m, data: d.jsonl, rank: 257}", "4:43: finetune.rank: is '257'"},
        {"finetune: {model: m, data: d.jsonl, learning_rate: 2}", "4:52: finetune.learning_rate: is '2'"},
        {"finetune: {model: m, data: d.jsonl, epochs: none}", "4:45: finetune.epochs: is 'none'"},
        {"finetune: {model: m, data: d.jsonl, targets: [[a]]}", "4:47: finetune.targets: has a list"},
        {"finetune: {model: m, data: d.jsonl, lr: 1}", "4:37: finetune.lr: there is no field 'lr'"},
    };
    expect_each("finetune", cases);
}

TEST(BadApps, Batches) {
    const Bad cases[] = {
        {"run: x", "1:1: batch: is missing: an app of kind batch needs it"},
        {"run: x\nbatch: {requests: [a]}", "5:19: batch.requests: is a list"},
        {"run: x\nbatch: {requests: r.jsonl, shards: 1025}", "5:36: batch.shards: is '1025'"},
        {"run: x\nbatch: {requests: r.jsonl, mode: some}", "5:34: batch.mode: is 'some'"},
        {"run: x\nbatch: {requests: r.jsonl, output: xml}", "5:36: batch.output: is 'xml'"},
        {"run: x\nbatch: {requests: r.jsonl, tries: 0}", "5:35: batch.tries: is '0'"},
        {"run: x\nbatch: {requests: r.jsonl, request_timeout: 9}", "5:45: batch.request_timeout: is '9'"},
        {"command: [/bin/cat]\nbatch: {requests: r.jsonl}", "1:1: run: a batch has 'run'"},
    };
    expect_each("batch", cases);
}

TEST(BadApps, Renders) {
    const Bad cases[] = {
        {"render: {}", "4:9: render.scene: is missing: the path of a file"},
        {"render: {scene: a.blend, frames: 9-1}", "4:34: render.frames: is '9-1'"},
        {"render: {scene: a.blend, tiles: 31x1}", "4:33: render.tiles: is '31x1'"},
        {"render: {scene: a.blend, resolution: wide}", "4:38: render.resolution: is 'wide'"},
        {"render: {scene: a.blend, samples: 0}", "4:35: render.samples: is '0'"},
        {"render: {scene: a.blend, video: avi}", "4:33: render.video: is 'avi'"},
        {"render: {scene: a.blend, fps: 500}", "4:31: render.fps: is '500'"},
        {"render: {scene: a.blend, verify: 65}", "4:34: render.verify: is '65'"},
        {"render: {scene: a.blend, frames: 1-100, tiles: 30x30}", "4:34: render.frames: 100 frames of 900 tiles"},
    };
    expect_each("render", cases);
}

TEST(BadApps, Generations) {
    const Bad cases[] = {
        {"generate: {inputs: [a.png]}", "4:11: generate.task: is missing; it is one of"},
        {"generate: {task: song, inputs: [a.png]}", "4:18: generate.task: is 'song'"},
        {"generate: {task: ocr}", "4:11: generate.inputs: is missing: there must be inputs or prompts"},
        {"generate: {task: ocr, inputs: a.png}", "4:31: generate.inputs: must be a list of at most"},
        {"generate: {task: ocr, inputs: [a.png, ./]}", "4:39: generate.inputs[1]: is './'"},
        {"generate: {task: speech, prompts: [{a: b}]}", "4:36: generate.prompts: has a map"},
        {"generate: {task: speech, prompts: [a], shards: 0}", "4:48: generate.shards: is '0'"},
        {"run: x\ngenerate: {task: ocr, inputs: [a.png]}", "4:6: run: an app of kind generate brings its own command"},
    };
    expect_each("generate", cases);
}

TEST(BadApps, Enterprises) {
    const Bad cases[] = {
        {"run: x", "1:1: ports: is missing: an app of kind enterprise is reached through a port"},
        {"ports: [80]", "1:1: run: is missing"},
        {"run: x\nports: [80]\nenterprise: {nodes: 65}", "6:21: enterprise.nodes: is '65'"},
        {"run: x\nports: [80]\nenterprise: {availability: 100%}", "6:28: enterprise.availability: is '100%'"},
        {"run: x\nports: [80]\nenterprise: {endpoint: [a]}", "6:24: enterprise.endpoint: "},
        {"run: x\nports: [80]\nnotebook: true", "6:11: notebook: is for pods"},
    };
    expect_each("enterprise", cases);
}

TEST(BadApps, WhatIsNoYamlAtAll) {
    for (const std::string_view bad : {"name: [", "name: a\n\tkind: pod", "a: &x 1\nb: *x", "name: a\nname: b", "- a",
                                       "name: a\n---\nname: b", "name: !!str a", "\xff\xfe"}) {
        const AppReading reading = read_app(bad);
        ASSERT_FALSE(reading.problems.empty()) << bad;
        EXPECT_FALSE(reading.app) << bad;
        EXPECT_GT(reading.problems[0].place.line, 0U) << bad;
        EXPECT_GT(reading.problems[0].place.column, 0U) << bad;
        EXPECT_FALSE(reading.problems[0].message.empty()) << bad;
    }
}

}  // namespace
}  // namespace vcity::app
