// SPDX-License-Identifier: Apache-2.0
#include "services/node/tunnels/tunnel_desk.hpp"

#include <deque>

#include <gtest/gtest.h>

#include "sim/fakes/streams.hpp"
#include "sim/runtime.hpp"

namespace vcity::node {
namespace {

using namespace std::chrono_literals;
using ports::ByteStream;
using ports::SandboxCommand;
using ports::SandboxSession;
using ports::WebSocketMessage;

// A session on a pair of streams whose other end the test holds.
class FakeSession final : public SandboxSession {
  public:
    FakeSession(std::unique_ptr<ByteStream> stream, ports::TerminalSize* size)
        : stream_{std::move(stream)}, size_{size} {}
    Task<Result<Bytes>> read(std::size_t max) override { return stream_->read(max); }
    Task<Result<void>> write(Bytes bytes) override { return stream_->write(std::move(bytes)); }
    void finish() override { stream_->finish(); }
    void abort() override { stream_->abort(); }
    void resize(ports::TerminalSize size) override { *size_ = size; }
    Task<Result<int>> wait(TimePoint /*deadline*/) override { co_return 5; }

  private:
    std::unique_ptr<ByteStream> stream_;
    ports::TerminalSize* size_;
};

class FakeProcess final : public ports::SandboxProcess {
  public:
    explicit FakeProcess(Runtime* runtime) : runtime_{runtime} {}
    Task<Result<void>> write(Bytes /*bytes*/) override { co_return Result<void>{}; }
    Task<Result<Bytes>> read(std::size_t /*max*/, TimePoint /*deadline*/) override { co_return Bytes{}; }
    void kill() override {}
    Task<Result<int>> wait(TimePoint /*deadline*/) override { co_return 0; }
    Task<Result<std::unique_ptr<ByteStream>>> dial(std::uint16_t port, TimePoint /*deadline*/) override {
        dialled.push_back(port);
        if (port == 9999) co_return make_error(Errc::kUnavailable, "refused");
        co_return open_pair();
    }
    Task<Result<std::unique_ptr<SandboxSession>>> exec(SandboxCommand command, TimePoint /*deadline*/) override {
        commands.push_back(std::move(command));
        co_return std::make_unique<FakeSession>(open_pair(), &size);
    }

    std::vector<std::uint16_t> dialled;
    std::vector<SandboxCommand> commands;
    std::deque<std::unique_ptr<ByteStream>> inside;  // the other ends of what was opened
    ports::TerminalSize size;

  private:
    std::unique_ptr<ByteStream> open_pair() {
        sim::ByteStreamPair pair = sim::make_byte_stream_pair(runtime_);
        inside.push_back(std::move(pair.second));
        return std::move(pair.first);
    }
    Runtime* runtime_;
};

class FakeDialer final : public ports::WebSocketClient {
  public:
    explicit FakeDialer(Runtime* runtime) : runtime_{runtime} {}
    Task<Result<std::unique_ptr<ports::WebSocket>>> open(std::string url,
                                                         ports::HttpHeaders /*headers*/,
                                                         TimePoint /*deadline*/) override {
        urls.push_back(std::move(url));
        if (fails) co_return make_error(Errc::kDenied, "the server answered 404");
        sim::WebSocketPair pair = sim::make_web_socket_pair(runtime_, {});
        gateways.push_back(std::move(pair.second));
        co_return std::move(pair.first);
    }

    std::vector<std::string> urls;
    std::deque<std::unique_ptr<ports::WebSocket>> gateways;
    bool fails = false;

  private:
    Runtime* runtime_;
};

class NodeTunnels : public ::testing::Test {
  protected:
    NodeTunnels() { setup.ports = {{"web", 8000}, {"gone", 9999}}; }

    TunnelDesk::Parts parts() {
        TunnelDesk::Parts made;
        made.runtime = &world;
        made.dialer = &dialer;
        made.group = &group;
        made.find = [this](const JobId& attempt, std::uint64_t token) -> std::optional<TunnelEnd> {
            if (attempt != step || token != 7) return std::nullopt;
            return TunnelEnd{.process = &process, .setup = &setup};
        };
        made.post = [this](Message message) { posted.push_back(std::move(message)); };
        return made;
    }
    TunnelRequest request(TunnelTarget target) {
        TunnelRequest made;
        made.tunnel.bytes[0] = ++last;
        made.step_id = step;
        made.fencing_token = 7;
        made.target = std::move(target);
        made.url = "ws://gateway/tunnels/secret";
        return made;
    }
    static TunnelTarget port(std::uint16_t number) {
        TunnelTarget target;
        target.port = number;
        return target;
    }
    void settle() { world.run_until(world.now() + 1s, 100'000); }
    std::string refusal() {
        settle();
        if (posted.empty()) return "";
        const auto* refused = std::get_if<TunnelRefused>(&posted.back());
        return refused != nullptr ? refused->reason : "another message";
    }
    static Task<void> say(ports::WebSocket* socket, WebSocketMessage message) {
        (void)co_await socket->write(std::move(message));
    }
    static Task<void> hear(ports::WebSocket* socket, std::vector<WebSocketMessage>* out) {
        while (true) {
            Result<WebSocketMessage> message = co_await socket->read();
            if (!message) break;
            out->push_back(*std::move(message));
        }
    }
    static Task<void> answer(ByteStream* stream, Bytes bytes) {
        (void)co_await stream->write(std::move(bytes));
        stream->finish();
    }
    static Task<void> take(ByteStream* stream, Bytes* out) {
        Result<Bytes> bytes = co_await stream->read(100);
        if (bytes) *out = *std::move(bytes);
    }

    sim::SimRuntime world{1};
    TaskGroup group{&world};
    FakeProcess process{&world};
    FakeDialer dialer{&world};
    StepSetup setup;
    JobId step = [] {
        JobId id;
        id.bytes[0] = 1;
        return id;
    }();
    std::vector<Message> posted;
    std::uint8_t last = 0;
};

TEST_F(NodeTunnels, ADeclaredPortIsDialledAndThenTheGateway) {
    TunnelDesk desk{parts()};
    desk.on_request(request(port(8000)));
    settle();
    EXPECT_EQ(process.dialled, (std::vector<std::uint16_t>{8000}));
    EXPECT_EQ(dialer.urls, (std::vector<std::string>{"ws://gateway/tunnels/secret"}));
    EXPECT_EQ(desk.open(), 1U);
    world.spawn(say(dialer.gateways[0].get(), {.bytes = {1, 2, 3}, .is_text = false}));
    Bytes arrived;
    world.spawn(take(process.inside[0].get(), &arrived));
    settle();
    EXPECT_EQ(arrived, (Bytes{1, 2, 3}));
    EXPECT_TRUE(posted.empty());
    dialer.gateways[0]->abort();
    settle();
    EXPECT_EQ(desk.open(), 0U);
    EXPECT_TRUE(posted.empty());
}

TEST_F(NodeTunnels, RefusesWhatTheStepHasNotDeclaredAndDialsNothing) {
    TunnelDesk desk{parts()};
    desk.on_request(request(port(23)));
    EXPECT_EQ(refusal(), "the step has not declared port 23");
    EXPECT_TRUE(process.dialled.empty());
    EXPECT_TRUE(dialer.urls.empty());
}

TEST_F(NodeTunnels, RefusesAStepThatDoesNotRunHereAndAStaleToken) {
    TunnelDesk desk{parts()};
    TunnelRequest stale = request(port(8000));
    stale.fencing_token = 6;
    desk.on_request(stale);
    EXPECT_EQ(refusal(), "the step does not run on this node");
}

TEST_F(NodeTunnels, SaysThatNobodyListensOrThatTheGatewayIsNotThere) {
    TunnelDesk desk{parts()};
    desk.on_request(request(port(9999)));
    EXPECT_EQ(refusal(), "refused");
    EXPECT_TRUE(dialer.urls.empty());
    dialer.fails = true;
    desk.on_request(request(port(8000)));
    EXPECT_EQ(refusal(), "the server answered 404");
    EXPECT_EQ(desk.open(), 0U);
}

TEST_F(NodeTunnels, AShellHasATerminalThatFollowsItsClientAndSaysHowItEnded) {
    TunnelDesk desk{parts()};
    TunnelTarget target;
    target.kind = TunnelKind::kShell;
    target.command = {"/bin/ls", "-l"};
    target.has_terminal = true;
    target.columns = 100;
    target.rows = 30;
    desk.on_request(request(target));
    settle();
    ASSERT_EQ(process.commands.size(), 1U);
    EXPECT_EQ(process.commands[0].command, (std::vector<std::string>{"/bin/ls", "-l"}));
    EXPECT_EQ(process.commands[0].terminal, (ports::TerminalSize{.columns = 100, .rows = 30}));
    std::vector<WebSocketMessage> heard;
    world.spawn(hear(dialer.gateways[0].get(), &heard));
    const std::string text = R"({"resize":{"columns":10,"rows":20}})";
    world.spawn(say(dialer.gateways[0].get(), {.bytes = Bytes{text.begin(), text.end()}, .is_text = true}));
    settle();
    EXPECT_EQ(process.size, (ports::TerminalSize{.columns = 10, .rows = 20}));
    world.spawn(answer(process.inside[0].get(), {'o', 'k'}));
    settle();
    ASSERT_EQ(heard.size(), 3U);
    EXPECT_EQ(as_text(heard[2].bytes), R"({"exit":5})");
    EXPECT_EQ(desk.open(), 0U);
}

TEST_F(NodeTunnels, SshGoesToTheStepsOwnServerWhereItDeclaresOne) {
    TunnelDesk desk{parts()};
    TunnelTarget target;
    target.kind = TunnelKind::kSsh;
    desk.on_request(request(target));
    settle();
    ASSERT_EQ(process.commands.size(), 1U);
    EXPECT_EQ(process.commands[0].command, ssh_server_command());
    setup.ports.push_back({"ssh", 22});
    desk.on_request(request(target));
    settle();
    EXPECT_EQ(process.dialled, (std::vector<std::uint16_t>{22}));
}

TEST_F(NodeTunnels, BoundsTheTunnelsOfAStepAndOfTheNode) {
    TunnelDesk desk{parts(), {.tunnels_max = 3, .tunnels_step_max = 2}};
    for (int count = 0; count < 3; ++count) desk.on_request(request(port(8000)));
    EXPECT_EQ(refusal(), "the step has too many tunnels");
    EXPECT_EQ(desk.open(), 2U);
    TunnelRequest twice = request(port(8000));
    twice.tunnel.bytes[0] = 1;
    desk.on_request(twice);
    EXPECT_EQ(refusal(), "this tunnel is open already");
}

TEST_F(NodeTunnels, StoppingEndsAllOfThem) {
    TunnelDesk desk{parts()};
    desk.on_request(request(port(8000)));
    desk.on_request(request(port(8000)));
    settle();
    EXPECT_EQ(desk.open(), 2U);
    desk.stop();
    settle();
    EXPECT_EQ(desk.open(), 0U);
    EXPECT_EQ(group.running(), 0U);
    desk.on_request(request(port(8000)));
    EXPECT_EQ(refusal(), "the node is stopping");
}

TEST(ResizeText, IsReadStrictly) {
    EXPECT_EQ(parse_resize(R"({"resize":{"columns":80,"rows":24}})"), (ports::TerminalSize{.columns = 80, .rows = 24}));
    for (const char* bad : {"", "{}", "[]", R"({"resize":{"columns":80}})", R"({"resize":{"columns":0,"rows":1}})",
                            R"({"resize":{"columns":80,"rows":5000}})", R"({"resize":{"columns":-1,"rows":5}})"}) {
        EXPECT_FALSE(parse_resize(bad)) << bad;
    }
}

}  // namespace
}  // namespace vcity::node
