// SPDX-License-Identifier: Apache-2.0
// Hostile programs in real sandboxes. An attempt counts only if it was really made: the program says what it tried and
// which error it got, errors that would mean a mistake of its own fail the test, and where that does no harm the same
// attempt is made outside of any sandbox and has to succeed there.
#include "escape_test.hpp"

#include <fstream>

namespace vcity::escape {
namespace {

std::vector<std::string> backend_names() {
    adapters::AsioRuntime runtime;
    std::vector<std::string> names;
    for (const Backend& backend : backends(&runtime)) names.push_back(backend.name);
    return names;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) {
    return info.param;
}

class Escape : public EscapeTest, public testing::WithParamInterface<std::string> {
  protected:
    void SetUp() override { take(GetParam()); }
};

TEST_P(Escape, AllAttemptsAreMadeAndNoneSucceeds) {
    const std::vector<Attempt> attempts = all_attempts();
    EXPECT_GE(attempts.size(), 120U);
    for (const Attempt& attempt : attempts) {
        SCOPED_TRACE(attempt.name);
        const Ran ran = result_of(attempt_spec(attempt.name));
        EXPECT_EQ(ran.status, 0) << ran.output;
        EXPECT_TRUE(ran.output.starts_with(std::string{attempt.name} + " refused: ")) << ran.output;
    }
    EXPECT_TRUE(ground().is_process_alive()) << "a process of the host was killed";
}

// What a customer's environment tells the loader, nothing privileged may obey.
TEST_P(Escape, NothingPrivilegedLoadsALibraryOfTheJob) {
    for (const char* variable : {"LD_PRELOAD=/job/evil.so", "LD_AUDIT=/job/evil.so"}) {
        SCOPED_TRACE(variable);
        ports::SandboxSpec spec = attempt_spec("ld_preload");
        // A shell in between loads it as well, so there is a note in any case.
        spec.command.insert(spec.command.begin(), {"/bin/sh", "-c", "/bin/true; exec \"$@\"", "sh"});
        spec.environment.emplace_back(variable);
        spec.files.push_back({.name = "evil.so", .content = file_content(ESCAPE_PRELOAD)});
        const Ran ran = result_of(std::move(spec));
        EXPECT_EQ(ran.status, 0) << ran.output;
        EXPECT_NE(ran.output.find("ld_preload refused: "), std::string::npos) << ran.output;
        if (std::string_view{variable}.starts_with("LD_PRELOAD")) {
            EXPECT_NE(ran.output.find("refused: unprivileged"), std::string::npos) << ran.output;
        }
    }
}

TEST_P(Escape, ASandboxSeesNothingOfItsNeighbour) {
    ports::SandboxSpec first = base_spec();
    first.command = {"/bin/sh", "-c",
                     "echo neighbours-secret > /tmp/neighbour; echo neighbours-secret > /dev/shm/neighbour; "
                     "echo neighbours-secret > /job/neighbour; echo ready; exec sleep 100"};
    const auto process = start(std::move(first));
    ASSERT_TRUE(process);
    EXPECT_EQ(read_line(process.get()), "ready");
    ports::SandboxSpec second = base_spec();
    second.command = {"/bin/sh", "-c",
                      "ls /tmp /dev/shm /job; grep -l sleep /proc/*/cmdline | grep -v self; kill -9 -1; echo alive"};
    const Ran ran = result_of(std::move(second));
    EXPECT_EQ(ran.output.find("neighbour"), std::string::npos) << ran.output;
    const auto left = await(process->wait(runtime().now() + std::chrono::milliseconds{100}));
    EXPECT_FALSE(left.has_value()) << "the neighbour was ended";
    process->kill();
}

INSTANTIATE_TEST_SUITE_P(Sandboxes, Escape, testing::ValuesIn(backend_names()), name_of);

// Outside, as root, the same attempts work: so they are real.
TEST(EscapeControl, AttemptsSucceedOutside) {
    if (::geteuid() != 0) {
        std::puts("controls need root; nothing to compare with");
        return;
    }
    const Ground ground{ESCAPE_PROGRAM};
    std::size_t controls = 0;
    for (const Attempt& attempt : all_attempts()) {
        const bool needs_address = attempt.name == "host_address" || attempt.name == "host_udp";
        if (attempt.control == Control::kNone) continue;
        if (needs_address && ground.outside().host_address.empty()) continue;
        SCOPED_TRACE(attempt.name);
        const Ran ran = ground.run_outside(attempt);
        EXPECT_EQ(ran.status, 10) << ran.output;
        ++controls;
    }
    EXPECT_GE(controls, 60U);
}

}  // namespace
}  // namespace vcity::escape
