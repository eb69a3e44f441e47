// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_slurm/slurm_words.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace vcity::adapters {
namespace {

SlurmSandboxOptions some_options() {
    SlurmSandboxOptions options;
    options.folder = "/shared";
    options.owner = "ab";
    options.cell_program = "/opt/it's/vcity";
    options.time_max = std::chrono::minutes{90};
    return options;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
    return std::ranges::find(words, word) != words.end();
}

TEST(SlurmWords, AskForWhatTheStepMayUse) {
    ports::SandboxSpec spec;
    spec.cores_max = 3;
    spec.memory_total_bytes_max = (100U << 20U) + 1;
    spec.work_bytes_max = 1U << 20U;
    const std::vector<std::string> words = sbatch_words(some_options(), spec, "vcity-ab-x", "/shared/vcity-ab-x");
    EXPECT_EQ(words.front(), "/usr/bin/sbatch");
    EXPECT_EQ(words.back(), "/shared/vcity-ab-x/job.sh");
    EXPECT_TRUE(has(words, "--cpus-per-task=3"));
    EXPECT_TRUE(has(words, "--mem=166M")) << "with 64 for the cell, rounded up";
    EXPECT_TRUE(has(words, "--time=90"));
    EXPECT_TRUE(has(words, "--export=NONE")) << "nothing of the agent's environment";
    EXPECT_TRUE(has(words, "--no-requeue")) << "a step is begun again by the scheduler alone";
    EXPECT_TRUE(std::ranges::none_of(words, [](const std::string& word) { return word.starts_with("--partition"); }));
}

TEST(SlurmWords, NamePartitionAndAccountWhereThereAreAny) {
    SlurmSandboxOptions options = some_options();
    options.partition = "gpu";
    options.account = "rented";
    const std::vector<std::string> words = sbatch_words(options, {}, "n", "/f");
    EXPECT_TRUE(has(words, "--partition=gpu"));
    EXPECT_TRUE(has(words, "--account=rented"));
    EXPECT_TRUE(has(words, "--cpus-per-task=1"));
}

TEST(SlurmWords, AFolderIsOneWordOfTheShell) {
    EXPECT_EQ(cell_script(some_options(), "/a b/$(x)'"),
              "#!/bin/sh\nexec '/opt/it'\\''s/vcity' cell '/a b/$(x)'\\'''\n");
}

TEST(SlurmWords, TheNumberOfAJobIsTheLastLine) {
    EXPECT_EQ(parse_job_number("4711\n").value(), "4711");
    EXPECT_EQ(parse_job_number("4711;cluster\n").value(), "4711");
    EXPECT_EQ(parse_job_number("sbatch: a warning\n12\n").value(), "12");
    for (const char* bad : {"", "\n", "x", "12x", "-1", "123456789012345678901", "sbatch: error: no\n"}) {
        EXPECT_EQ(parse_job_number(bad).error().code, Errc::kUnavailable) << bad;
    }
}

TEST(SlurmWords, KnowWhichJobsLive) {
    for (const char* state : {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED"}) {
        EXPECT_TRUE(is_alive_state(state)) << state;
    }
    for (const char* state :
         {"", "COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "PREEMPTED"}) {
        EXPECT_FALSE(is_alive_state(state)) << state;
    }
}

TEST(SlurmWords, WhatTheClusterEndedIsNotWhatTheProgramEnded) {
    for (const char* state : {"CANCELLED", "PREEMPTED", "NODE_FAIL", "TIMEOUT"}) {
        EXPECT_TRUE(is_taken_state(state)) << state;
    }
    for (const char* state : {"", "COMPLETED", "FAILED", "OUT_OF_MEMORY", "RUNNING"}) {
        EXPECT_FALSE(is_taken_state(state)) << state;
    }
}

TEST(SlurmWords, DoubtIsNoDeath) {
    EXPECT_EQ(read_squeue(0, "RUNNING\n"), "RUNNING");
    EXPECT_EQ(read_squeue(0, ""), "");
    EXPECT_EQ(read_squeue(1, "slurm_load_jobs error: Invalid job id specified\n"), "");
    EXPECT_EQ(read_squeue(1, "slurm_load_jobs error: Unable to contact slurm controller\n"), std::nullopt);
    EXPECT_EQ(read_squeue(0, "some talk"), std::nullopt);
}

}  // namespace
}  // namespace vcity::adapters
