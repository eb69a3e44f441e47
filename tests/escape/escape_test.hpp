// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "backend.hpp"
#include "ground.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::escape {

inline constexpr std::uint64_t kMib = 1U << 20U;
inline constexpr std::uint64_t kMemoryMib = 256;
inline constexpr std::uint64_t kDiskMib = 64;
inline constexpr std::uint32_t kProcesses = 64;

// Starts programs in one backend's sandboxes, on a ground that all tests of a class share.
class EscapeTest : public testing::Test,
                   public ports::testing::OnRuntime<ports::testing::TaskRunner, adapters::AsioRuntime> {
  protected:
    static void SetUpTestSuite() { shared_ground() = std::make_unique<Ground>(ESCAPE_PROGRAM); }
    static void TearDownTestSuite() { shared_ground().reset(); }
    static const Ground& ground() { return *shared_ground(); }

    void take(const std::string& name) {
        for (Backend& candidate : backends(&runtime())) {
            if (candidate.name == name) backend = std::move(candidate);
        }
        ASSERT_TRUE(backend.sandbox);
    }

    // Like a step of a customer: a folder to work in, limits on everything.
    ports::SandboxSpec base_spec() const {
        ports::SandboxSpec spec;
        spec.read_only = {{.source = ground().public_folder().string(), .target = kPublicFolder}};
        spec.memory_bytes_max = kMemoryMib * kMib;
        spec.memory_total_bytes_max = kMemoryMib * kMib;
        spec.work_bytes_max = kDiskMib * kMib;
        spec.processes_max = kProcesses;
        spec.image = backend.image;
        return spec;
    }
    ports::SandboxSpec attempt_spec(std::string_view name) const {
        ports::SandboxSpec spec = base_spec();
        spec.command = {std::string{kPublicFolder} + "/escape", std::string{name}};
        for (std::string& word : words_of(ground().inside())) spec.command.push_back(std::move(word));
        return spec;
    }

    template <class T>
    T await(Task<T> task) {
        return ports::testing::await(*this, std::move(task));
    }
    std::unique_ptr<ports::SandboxProcess> start(ports::SandboxSpec spec) {
        auto started = await(backend.sandbox->start(std::move(spec)));
        EXPECT_TRUE(started.has_value()) << started.error().message;
        return started ? *std::move(started) : nullptr;
    }
    Ran result_of(ports::SandboxSpec spec) {
        Ran ran;
        const auto process = start(std::move(spec));
        if (!process) return ran;
        const TimePoint deadline = runtime().now() + std::chrono::seconds{60};
        for (;;) {
            const Result<Bytes> bytes = await(process->read(65'536, deadline));
            if (!bytes) break;
            ran.output += as_text(*bytes);
        }
        ran.status = await(process->wait(deadline)).value_or(-1);
        return ran;
    }
    // Without its end; what came after it is lost.
    std::string read_line(ports::SandboxProcess* process) {
        std::string all;
        while (all.find('\n') == std::string::npos) {
            const Result<Bytes> bytes = await(process->read(4'096, runtime().now() + std::chrono::seconds{20}));
            if (!bytes) return all;
            all += as_text(*bytes);
        }
        return all.substr(0, all.find('\n'));
    }
    static Bytes file_content(const std::string& path) {
        std::ifstream file{path, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    Backend backend;

  private:
    static std::unique_ptr<Ground>& shared_ground() {
        static std::unique_ptr<Ground> ground;
        return ground;
    }
};

}  // namespace vcity::escape
