// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/gateway/gateway_fixture.hpp"
#include "services/gateway/tunnels/http_proxy.hpp"
#include "services/gateway/tunnels/http_reply.hpp"
#include "sim/fakes/streams.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;
using ports::WebSocketMessage;
using test::RecordingResponder;

// Becomes a WebSocket whose other end the test holds.
class UpgradingResponder final : public RecordingResponder {
  public:
    explicit UpgradingResponder(Runtime* runtime) : runtime_{runtime} {}
    Task<Result<std::unique_ptr<ports::WebSocket>>> upgrade(ports::WebSocketLimits limits) override {
        sim::WebSocketPair pair = sim::make_web_socket_pair(runtime_, limits);
        peer = std::move(pair.first);
        co_return std::move(pair.second);
    }

    std::unique_ptr<ports::WebSocket> peer;
    bool is_over = false;

  private:
    Runtime* runtime_;
};

class GatewayTunnels : public test::GatewayFixture<sim::SimRuntime> {
  protected:
    GatewayTunnels() {
        shut_down();
        GatewayOptions options;
        options.public_url = "https://gw.example";
        options.tunnels.tunnels_client_max = 2;
        boot(options);
        scheduler.on_work = [this](const Message& message) {
            if (const auto* open = std::get_if<TunnelOpen>(&message)) opened.push_back(*open);
        };
    }
    ~GatewayTunnels() override { shut_down(); }

    static Task<void> run_upgrading(Gateway* gateway,
                                    ports::HttpRequest request,
                                    std::shared_ptr<UpgradingResponder> responder) {
        co_await gateway->handle(std::move(request), responder.get());
        responder->is_over = true;
    }
    std::shared_ptr<UpgradingResponder> connect(const std::string& target, const std::string& bearer) {
        auto responder = std::make_shared<UpgradingResponder>(&world);
        ports::HttpRequest request = a_request("GET", target, "", bearer);
        request.headers.set("Upgrade", "WebSocket");
        world.spawn(run_upgrading(gateway.get(), std::move(request), responder));
        pass(10ms);
        return responder;
    }
    std::shared_ptr<UpgradingResponder> node_dials(const std::string& url) {
        EXPECT_TRUE(url.starts_with("wss://gw.example/tunnels/")) << url;
        return connect(url.substr(std::string{"wss://gw.example"}.size()), "");
    }
    static Task<void> say(ports::WebSocket* socket, WebSocketMessage message) {
        (void)co_await socket->write(std::move(message));
    }
    static Task<void> hear(ports::WebSocket* socket, std::string* out) {
        while (true) {
            const Result<WebSocketMessage> message = co_await socket->read();
            if (!message) break;
            *out += (message->is_text ? "<" : "") + std::string{as_text(message->bytes)};
        }
        *out += "|";
    }
    static WebSocketMessage binary(std::string_view text) { return {.bytes = Bytes{text.begin(), text.end()}}; }
    std::string refused_with(Errc code) {
        const auto client = connect(path("8000"), key);
        TunnelRefused refused;
        refused.tunnel = opened.back().tunnel;
        refused.code = code;
        refused.reason = "because";
        scheduler.send(refused);
        pass(10ms);
        return std::to_string(client->head.status) + " " + code_of(*client);
    }
    static std::string path(const std::string& end) {
        return "/v1/jobs/job-" + std::string(63, '0') + "7/ports/main/3/" + end;
    }

    std::vector<TunnelOpen> opened;
};

TEST_F(GatewayTunnels, AClientAndANodeMeetAndTheirBytesGoThrough) {
    const auto client = connect(path("8000"), key);
    ASSERT_EQ(opened.size(), 1U) << client->body();
    EXPECT_EQ(opened[0].client, test::a_private_key(13).address());
    EXPECT_EQ(opened[0].job_id.bytes.back(), 7);
    EXPECT_EQ(opened[0].group, "main");
    EXPECT_EQ(opened[0].index, 3U);
    EXPECT_EQ(opened[0].target.port, 8000);
    const auto node = node_dials(opened[0].url);
    ASSERT_TRUE(client->peer && node->peer);
    std::string at_node;
    std::string at_client;
    world.spawn(hear(node->peer.get(), &at_node));
    world.spawn(hear(client->peer.get(), &at_client));
    world.spawn(say(client->peer.get(), binary("in")));
    world.spawn(say(node->peer.get(), binary("out")));
    pass(10ms);
    EXPECT_EQ(at_node, "in");
    EXPECT_EQ(at_client, "out");
    client->peer->abort();
    pass(10ms);
    EXPECT_EQ(at_node, "in|");
    EXPECT_TRUE(client->is_over && node->is_over);
}

TEST_F(GatewayTunnels, TheNodesUrlWorksOnceAndNotForAStranger) {
    const auto client = connect(path("ssh"), key);
    EXPECT_EQ(opened.at(0).target.kind, TunnelKind::kSsh);
    EXPECT_EQ(connect("/tunnels/" + std::string(64, 'a'), "")->head.status, 404U);
    const auto node = node_dials(opened[0].url);
    EXPECT_TRUE(node->peer);
    const auto again = node_dials(opened[0].url);
    EXPECT_FALSE(again->peer);
    EXPECT_EQ(again->head.status, 404U);
}

TEST_F(GatewayTunnels, AShellSaysWhatRunsAndHowLargeItsTerminalIs) {
    const auto client = connect(path("shell?tty=1&columns=120&rows=40&arg=%2Fbin%2Fls&arg=a%20b"), key);
    ASSERT_EQ(opened.size(), 1U);
    const TunnelTarget& target = opened[0].target;
    EXPECT_EQ(target.kind, TunnelKind::kShell);
    EXPECT_EQ(target.command, (std::vector<std::string>{"/bin/ls", "a b"}));
    EXPECT_TRUE(target.has_terminal);
    EXPECT_EQ(target.columns, 120);
    EXPECT_EQ(target.rows, 40);
    EXPECT_EQ(code_of(*send("GET", path("shell"), "", key)), "method_not_allowed");
    EXPECT_EQ(code_of(*send("GET", path("shell?rows=0"), "", key)), "invalid_value");
    EXPECT_EQ(code_of(*send("GET", path("70000"), "", key)), "invalid_value");
    EXPECT_EQ(code_of(*send("GET", path("80"), "", "")), "missing_api_key");
    EXPECT_EQ(code_of(*send("GET", "/v1/jobs/job-77/ports/main/0/80", "", key)), "job_not_found");
}

TEST_F(GatewayTunnels, SaysWhyThereIsNoTunnel) {
    EXPECT_EQ(refused_with(Errc::kNotFound), "404 job_not_found");
    EXPECT_EQ(refused_with(Errc::kDenied), "403 step_port_refused");
    EXPECT_EQ(refused_with(Errc::kUnavailable), "503 step_not_reachable");
    const auto patient = connect(path("8000"), key);
    pass(26s);
    EXPECT_EQ(code_of(*patient), "step_not_reachable");
}

TEST_F(GatewayTunnels, BoundsTheTunnelsOfAClient) {
    const auto first = connect(path("8000"), key);
    const auto second = connect(path("8000"), key);
    const auto third = connect(path("8000"), key);
    EXPECT_EQ(code_of(*third), "parallel_limit_exceeded");
    pass(26s);
    const auto fourth = connect(path("8000"), key);
    EXPECT_FALSE(fourth->has_ended());
}

TEST_F(GatewayTunnels, PlainHttpReachesAPortWithoutTheClientsSecrets) {
    auto answer = std::make_shared<RecordingResponder>();
    ports::HttpRequest request = a_request("GET", path("8000/a/b?c=d"), "", key);
    request.headers.set("Cookie", "session=1");
    request.headers.set("Accept", "text/html");
    world.spawn(run(gateway.get(), std::move(request), answer));
    pass(10ms);
    const auto node = node_dials(opened.at(0).url);
    std::string asked;
    world.spawn(hear(node->peer.get(), &asked));
    pass(10ms);
    EXPECT_TRUE(asked.starts_with("GET /a/b?c=d HTTP/1.1\r\nHost: localhost:8000\r\n")) << asked;
    EXPECT_NE(asked.find("\r\nAccept: text/html\r\n"), std::string::npos);
    EXPECT_EQ(asked.find("Bearer"), std::string::npos);
    EXPECT_EQ(asked.find("session"), std::string::npos);
    world.spawn(say(node->peer.get(), binary("HTTP/1.1 302 Found\r\nLocation: /login\r\nSet-Cookie: x=y\r\n")));
    pass(10ms);
    world.spawn(say(node->peer.get(), binary("Content-Length: 4\r\n\r\nbody")));
    pass(10ms);
    EXPECT_TRUE(answer->finished);
    EXPECT_EQ(answer->body(), "body");
    EXPECT_EQ(answer->head.status, 302U);
    EXPECT_EQ(answer->head.headers.get("location"), path("8000/login"));
    EXPECT_FALSE(answer->head.headers.has("set-cookie"));
    EXPECT_TRUE(answer->head.headers.get("content-security-policy").starts_with("sandbox "));
    EXPECT_TRUE(node->is_over);
}

TEST_F(GatewayTunnels, AnAnswerThatIsNoHttpIsAnError) {
    auto answer = std::make_shared<RecordingResponder>();
    world.spawn(run(gateway.get(), a_request("GET", path("8000/"), "", key), answer));
    pass(10ms);
    const auto node = node_dials(opened.at(0).url);
    world.spawn(say(node->peer.get(), binary("SSH-2.0-OpenSSH_9.2\r\n\r\n")));
    pass(10ms);
    EXPECT_EQ(code_of(*answer), "step_not_reachable");
}

TEST_F(GatewayTunnels, ALinkOpensOnePortForAWhileWithoutAKey) {
    const std::string links = "/v1/jobs/job-" + std::string(63, '0') + "7/links";
    const auto made = send("POST", links, R"({"path":"ports/main/0/8888","seconds":60})", key);
    EXPECT_EQ(made->head.status, 200U) << made->body();
    const Result<codec::Json> json = codec::parse_json(made->body());
    const std::string url = *json->find("url")->get_string();
    ASSERT_TRUE(url.starts_with("https://gw.example/p/"));
    const std::string target = url.substr(std::string{"https://gw.example"}.size());
    auto answer = std::make_shared<RecordingResponder>();
    world.spawn(run(gateway.get(), a_request("GET", target + "tree", "", ""), answer));
    pass(10ms);
    ASSERT_EQ(opened.size(), 1U);
    EXPECT_EQ(opened[0].target.port, 8888);
    const auto node = node_dials(opened[0].url);
    std::string asked;
    world.spawn(hear(node->peer.get(), &asked));
    pass(10ms);
    EXPECT_TRUE(asked.starts_with("GET /tree HTTP/1.1\r\n")) << asked;
    node->peer->abort();
    pass(61s);
    EXPECT_EQ(code_of(*send("GET", target, "", "")), "route_not_found");
    EXPECT_EQ(code_of(*send("POST", links, R"({"path":"ports/main/0/8888"})", "")), "missing_api_key");
    EXPECT_EQ(code_of(*send("POST", links, R"({"path":"logs"})", key)), "invalid_value");
    EXPECT_EQ(code_of(*send("POST", links, R"({"path":"ports/main/0/8888","seconds":100000})", key)), "invalid_value");
}

Result<std::string> read_reply(const std::vector<std::string>& pieces, bool closes) {
    HttpReplyReader reader{false};
    std::string body;
    for (const std::string& piece : pieces) {
        TRY_OK(reader.feed(piece));
        body += reader.take_body();
    }
    if (closes) {
        TRY_OK(reader.end());
    }
    if (!reader.is_done()) return make_error(Errc::kUnavailable, "not done");
    return std::to_string(reader.head().status) + " " + body;
}

TEST(HttpReply, ReadsBodiesByLengthByChunksAndToTheEnd) {
    EXPECT_EQ(read_reply({"HTTP/1.1 200 OK\r\nContent-Le", "ngth: 5\r\n\r\nhel", "loXX"}, false), "200 hello");
    EXPECT_EQ(read_reply({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n",
                          "2\r\nde\r\n0\r\nT: u\r\n", "\r\n"},
                         false),
              "200 abcde");
    EXPECT_EQ(read_reply({"HTTP/1.0 404 Not Found\r\n\r\nto the", " end"}, true), "404 to the end");
    EXPECT_EQ(read_reply({"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"}, false), "204 ");
}

TEST(HttpReply, RefusesWhatCouldBeReadInTwoWays) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    for (const std::string& bad :
         {std::string{"HTTP/2 200\r\n\r\n"}, std::string{"HTTP/1.1 20 OK\r\n\r\n"}, ok + "Content-Length: -1\r\n\r\n",
          ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", ok + "Transfer-Encoding: gzip\r\n\r\n",
          ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", ok + " folded: x\r\n\r\n",
          ok + "no colon\r\n\r\n", ok + "A: b\x01\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
          ok + std::string(33'000, 'x'), std::string{"HTTP/1.1 101 Switching\r\n\r\n"}}) {
        const auto read = read_reply({bad}, false);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().code, Errc::kCorrupt) << bad;
    }
    EXPECT_FALSE(read_reply({ok + "Content-Length: 5\r\n\r\nhel"}, true));
}

}  // namespace
}  // namespace vcity::gateway
