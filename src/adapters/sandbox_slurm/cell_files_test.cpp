// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_slurm/cell_files.hpp"

#include <filesystem>

#include <gtest/gtest.h>

namespace vcity::adapters {
namespace {

ports::SandboxSpec a_spec() {
    ports::SandboxSpec spec;
    spec.command = {"/bin/sh", "-c", "echo \"$X\"\n"};
    spec.environment = {"X=1", "Y=ü"};
    spec.read_only = {{"/opt/models", "/models"}};
    spec.files = {{"input", Bytes{0, 255, 7}}};
    spec.work_bytes_max = UINT64_MAX;
    spec.job_folder = "/shared/steps/1";
    spec.memory_bytes_max = 1U << 30U;
    spec.memory_total_bytes_max = 2U << 20U;
    spec.processes_max = 9;
    spec.cores_max = 2;
    spec.joins_output = true;
    return spec;
}

TEST(CellFiles, ASpecArrivesAsItWasWritten) {
    const std::string text = to_text(a_spec()).value();
    const ports::SandboxSpec read = parse_cell_spec(text).value();
    EXPECT_EQ(to_text(read).value(), text);
    EXPECT_EQ(read.command, a_spec().command);
    EXPECT_EQ(read.environment, a_spec().environment);
    EXPECT_EQ(read.files[0].content, a_spec().files[0].content);
    EXPECT_EQ(read.work_bytes_max, UINT64_MAX);
    EXPECT_EQ(read.read_only[0].target, "/models");
    EXPECT_TRUE(read.joins_output);
}

TEST(CellFiles, WhatACellCannotDoIsRefused) {
    for (int kind = 0; kind < 5; ++kind) {
        ports::SandboxSpec spec = a_spec();
        if (kind == 0) spec.image = "an/image";
        if (kind == 1) spec.gpus = {"nvidia.com/gpu=0"};
        if (kind == 2) spec.egress = Egress::kPublic;
        if (kind == 3) spec.is_reachable = true;
        if (kind == 4) spec.command.clear();
        EXPECT_EQ(to_text(spec).error().code, Errc::kInvalid) << kind;
    }
}

TEST(CellFiles, ADamagedSpecIsNone) {
    const std::string text = to_text(a_spec()).value();
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_FALSE(parse_cell_spec(std::string_view{text}.substr(0, size)).has_value()) << size;
    }
    for (const char* bad : {"{}", "[]", R"({"command":"x"})", R"({"command":[1]})"}) {
        EXPECT_FALSE(parse_cell_spec(bad).has_value()) << bad;
    }
}

TEST(CellFiles, AStateArrivesAsItWasWritten) {
    using Phase = CellState::Phase;
    for (const Phase phase : {Phase::kRunning, Phase::kRefused, Phase::kEnded}) {
        CellState state;
        state.phase = phase;
        state.status = 137;
        state.is_lost = true;
        state.code = Errc::kExhausted;
        state.message = "why";
        EXPECT_EQ(parse_cell_state(to_text(state)).value(), state);
    }
    for (const char* bad : {"", "{}", R"({"phase":"x","status":0,"lost":false,"code":"invalid","message":""})",
                            R"({"phase":"ended","status":256,"lost":false,"code":"invalid","message":""})",
                            R"({"phase":"ended","status":-1,"lost":false,"code":"invalid","message":""})",
                            R"({"phase":"ended","status":0,"lost":false,"code":"other","message":""})"}) {
        EXPECT_FALSE(parse_cell_state(bad).has_value()) << bad;
    }
}

TEST(CellFiles, AFileIsReplacedAsAWholeAndReadWithABound) {
    std::string folder = (std::filesystem::temp_directory_path() / "vcity-cell-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const std::string path = folder + "/state";
    EXPECT_EQ(read_whole_file(path, 10).error().code, Errc::kNotFound);
    ASSERT_TRUE(replace_file(path, "a longer text").has_value());
    ASSERT_TRUE(replace_file(path, "short").has_value());
    EXPECT_EQ(read_whole_file(path, 10).value(), "short");
    EXPECT_EQ(read_whole_file(path, 4).error().code, Errc::kExhausted);
    EXPECT_EQ(read_whole_file(path, 5).value(), "short");
    // Can be opened, but not be read from its start.
    EXPECT_EQ(read_whole_file("/proc/self/mem", 10).error().code, Errc::kUnavailable);
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms{0600});
    EXPECT_EQ(replace_file(folder + "/none/state", "x").error().code, Errc::kUnavailable);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace vcity::adapters
