// SPDX-License-Identifier: Apache-2.0
// The same hostile attempts in containers of a real podman, all of them in one container.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/sandbox_oci/sandbox.hpp"
#include "ground.hpp"
#include "podman.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::escape {
namespace {

using namespace std::chrono_literals;
using adapters::EngineDialect;

// What succeeds, but within the container alone. The program may look at the container's first process, which is its
// own; and in a user namespace it is root over the users, files and /dev (memory, 64 MiB) of that namespace, whose root
// is nobody on the host.
bool is_own_affair(std::string_view attempt, EngineDialect dialect) {
    if (attempt == "proc_mem" || attempt == "uid_map") return true;
    const bool is_as_root = attempt == "setuid_0" || attempt == "setuid_program" || attempt == "chown_to_root" ||
                            attempt == "write_system_folders";
    return is_as_root && dialect == EngineDialect::kLibpod;
}

class OciEscape : public testing::TestWithParam<EngineDialect>,
                  public ports::testing::OnRuntime<ports::testing::TaskRunner, adapters::AsioRuntime> {
  protected:
    template <class T>
    T await(Task<T> task) {
        return ports::testing::await(*this, std::move(task));
    }
    std::string output_of(adapters::OciSandbox* sandbox, ports::SandboxSpec spec) {
        auto started = await(sandbox->start(std::move(spec)));
        EXPECT_TRUE(started.has_value()) << started.error().message;
        std::string output;
        while (started) {
            const Result<Bytes> bytes = await((*started)->read(65'536, runtime().now() + 60s));
            if (!bytes) break;
            output += as_text(*bytes);
        }
        started = make_error(Errc::kUnavailable, "over");
        EXPECT_TRUE(await(sandbox->settle(runtime().now() + 30s)).has_value());
        return output;
    }

    integration::Podman podman;
    Ground ground{ESCAPE_PROGRAM};
};

TEST_P(OciEscape, AllAttemptsAreMadeAndNoneSucceeds) {
    adapters::OciSandboxOptions options;
    options.socket_path = podman.socket();
    options.dialect = GetParam();
    options.scratch_folder = podman.folder() + "/scratch";
    adapters::OciSandbox sandbox{&runtime(), Log{nullptr, ""}, options};
    std::string script = "try() { /opt/escape/escape \"$1\"";
    for (const std::string& word : words_of(ground.inside())) script += " '" + word + "'";
    script += "; echo \"status $1 $?\"; }";
    for (const Attempt& attempt : all_attempts()) script += "; try " + std::string{attempt.name};
    ports::SandboxSpec spec;
    spec.image = podman.image();
    spec.command = {"/bin/sh", "-c", script};
    spec.read_only = {{.source = ground.public_folder().string(), .target = kPublicFolder}};
    spec.memory_bytes_max = 256U << 20U;
    spec.work_bytes_max = 64U << 20U;
    spec.joins_output = true;

    const std::string output = output_of(&sandbox, std::move(spec));

    for (const Attempt& attempt : all_attempts()) {
        const std::string name{attempt.name};
        if (is_own_affair(name, GetParam())) continue;
        EXPECT_NE(output.find("status " + name + " 0\n"), std::string::npos) << name;
        const std::size_t found = output.find(name + " refused: ");
        const std::size_t begun = output.find("\n" + name + " ");
        EXPECT_NE(found, std::string::npos)
            << name << (begun == std::string::npos ? "" : output.substr(begun, output.find('\n', begun + 1) - begun));
    }
    EXPECT_TRUE(ground.is_process_alive()) << "a process of the host was killed";
}

INSTANTIATE_TEST_SUITE_P(Libpod, OciEscape, testing::Values(EngineDialect::kLibpod));
INSTANTIATE_TEST_SUITE_P(Docker, OciEscape, testing::Values(EngineDialect::kDocker));

}  // namespace
}  // namespace vcity::escape
