// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "adapters/local_io/local_io.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "async/task_group.hpp"
#include "services/node/tunnels/tunnel_desk.hpp"

// The SSH server that a node starts inside a sandbox, asked by the real OpenSSH client.
namespace vcity {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class SilentSink final : public LogSink {
  public:
    void write(LogLevel, std::string_view, std::string_view, const LogFields&) override {}
};

Task<void> copy(ports::ByteStream* from, ports::ByteStream* to) {
    while (true) {
        Result<Bytes> bytes = co_await from->read(65'536);
        if (!bytes || bytes->empty()) break;
        const Result<void> written = co_await to->write(*std::move(bytes));
        if (!written) break;
    }
    to->finish();
}

struct World {
    adapters::AsioRuntime runtime;
    SilentSink sink;
    std::unique_ptr<ports::SandboxProcess> process;
    std::unique_ptr<adapters::LocalListener> listener =
        adapters::LocalListener::make(runtime.executor(), "127.0.0.1", 0).value();
    std::string key;
    bool is_started = false;
};

Task<Result<void>> serve_one(World* world) {
    CO_TRY(const auto client, co_await world->listener->accept());
    ports::SandboxCommand command;
    command.command = node::ssh_server_command();
    const TimePoint deadline = world->runtime.now() + 10s;
    CO_TRY(const auto session, co_await world->process->exec(std::move(command), deadline));
    TaskGroup group{&world->runtime};
    group.spawn(copy(client.get(), session.get()));
    co_await copy(session.get(), client.get());
    client->abort();
    session->abort();
    (void)co_await group.join(world->runtime.now() + 5s);
    co_return Result<void>{};
}

Task<int> serve(World* world) {
    ports::SandboxSpec spec;
    spec.command = {"/bin/sleep", "1000"};
    spec.environment = {"VCITY_SSH_KEY=" + world->key};
    spec.work_bytes_max = 16U << 20U;
    spec.is_reachable = true;
    adapters::BwrapSandboxOptions options;
    options.init_path = VCITY_INIT;
    adapters::BwrapSandbox sandbox{&world->runtime, Log{&world->sink, "sandbox"}, options};
    auto started = co_await sandbox.start(spec);
    EXPECT_TRUE(started) << started.error().message;
    if (!started) co_return 1;
    world->process = *std::move(started);
    while (true) {
        const Result<void> served = co_await serve_one(world);
        if (!served) break;
    }
    co_return 0;
}

std::string output_of(const std::string& command) {
    std::string output;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    std::array<char, 4096> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
    ::pclose(pipe);
    return output;
}

class SshIntoASandbox : public ::testing::Test {
  protected:
    SshIntoASandbox() {
        fs::create_directories(folder);
        output_of("ssh-keygen -q -t ed25519 -N '' -f " + folder + "/key");
        output_of("ssh-keygen -q -t ed25519 -N '' -f " + folder + "/other");
        std::getline(std::ifstream{folder + "/key.pub"}, world.key);
        thread = std::thread{[this] { world.runtime.run_to_completion(serve(&world)); }};
    }
    ~SshIntoASandbox() override {
        world.runtime.stop();
        thread.join();
        fs::remove_all(folder);
    }
    std::string ssh(const std::string& words, const std::string& key = "key") const {
        return output_of("ssh -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=" + folder +
                         "/known -o BatchMode=yes -o LogLevel=ERROR -o IdentitiesOnly=yes -i " + folder + "/" + key +
                         " -p " + std::to_string(world.listener->port()) + " " + words);
    }

    World world;
    std::string folder = ::testing::TempDir() + "/sandbox_ssh_" + std::to_string(::getpid());
    std::thread thread;
};

TEST_F(SshIntoASandbox, RunsCommandsHasATerminalAndCopiesFiles) {
    EXPECT_EQ(ssh("pod@127.0.0.1 'whoami; pwd; exit 7'; echo $?"), "pod\n/job\n7\n");
    EXPECT_EQ(ssh("-tt pod@127.0.0.1 'test -t 0 && echo on a terminal'"), "on a terminal\r\n");
    // The same host key again.
    EXPECT_EQ(ssh("pod@127.0.0.1 'echo twice'"), "twice\n");
    EXPECT_NE(ssh("pod@127.0.0.1 'echo in'", "other").find("Permission denied"), std::string::npos);
    std::ofstream{folder + "/file"} << std::string(200'000, 'x');
    const std::string copied = output_of(
        "scp -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i " + folder +
        "/key -P " + std::to_string(world.listener->port()) + " " + folder + "/file pod@127.0.0.1:/job/copied");
    EXPECT_EQ(copied, "");
    EXPECT_EQ(ssh("pod@127.0.0.1 'wc -c < /job/copied'"), "200000\n");
}

}  // namespace
}  // namespace vcity
