// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "services/gateway/gateway.hpp"
#include "services/gateway/test_support.hpp"

namespace vcity::gateway::test {

inline GatewayDeps make_deps(Runtime* runtime, ports::Store* store, ports::LinkDialer* dialer, ports::Signer* signer) {
    return GatewayDeps{.runtime = runtime,
                       .store = store,
                       .dialer = dialer,
                       .signer = signer,
                       .metrics = &null_metrics(),
                       .log = Log{nullptr, "gateway"},
                       .deployment = a_deployment(),
                       .key_pepper = SecretBytes{Bytes(32, 0x33)},
                       .admin_token = SecretBytes{Bytes{'a', 'd', 'm', 'i', 'n'}}};
}

// A gateway with one key, connected to a scripted scheduler, in simulated time.
template <class World>
class GatewayFixture : public ::testing::Test {
  public:
    GatewayFixture() { boot({}); }
    ~GatewayFixture() override { shut_down(); }

    void boot(GatewayOptions options) {
        GatewayDeps deps = make_deps(&world, &store, &scheduler, &signer);
        deps.blobs = blobs;
        deps.webhook_http = webhook_http;
        deps.http = http;
        deps.openapi = openapi;
        gateway = std::make_unique<Gateway>(std::move(deps), std::move(options));
        world.spawn(start_and_run(gateway.get()));
        pass(std::chrono::milliseconds{500});
        if (key.empty()) key = create_key(R"("name":"test")");
    }
    void shut_down() {
        if (!gateway) return;
        gateway->stop();
        pass(std::chrono::minutes{6});
        gateway.reset();
    }
    void pass(Duration duration) { world.run_until(world.now() + duration, 1'000'000); }

    static Task<void> start_and_run(Gateway* gateway) {
        const Result<void> started = co_await gateway->start();
        EXPECT_TRUE(started.has_value());
        co_await gateway->run();
    }

    std::string cap_json() const {
        const std::uint64_t expiry = world.unix_now().count() / 1000 + 86'400;
        return codec::dump_json(to_json(a_cap(scheduler.scheduler_key.address(), expiry)));
    }
    std::string create_key(const std::string& fields) {
        const auto answer = send("POST", "/admin/keys", "{" + fields + ",\"cap\":" + cap_json() + "}", "admin");
        EXPECT_EQ(answer->head.status, 201U) << answer->body();
        const Result<codec::Json> json = codec::parse_json(answer->body());
        return json ? *json->find("key")->get_string() : std::string{};
    }

    static ports::HttpRequest a_request(std::string method,
                                        std::string target,
                                        std::string body,
                                        const std::string& bearer) {
        ports::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.body = std::move(body);
        request.remote = "127.0.0.1:4000";
        request.headers.set("content-type", "application/json");
        if (!bearer.empty()) request.headers.set("authorization", "Bearer " + bearer);
        return request;
    }
    std::shared_ptr<RecordingResponder> launch(ports::HttpRequest request, std::vector<std::string> arriving = {}) {
        auto responder = std::make_shared<RecordingResponder>();
        responder->arriving = std::move(arriving);
        world.spawn(run(gateway.get(), std::move(request), responder));
        return responder;
    }
    static Task<void> run(Gateway* gateway, ports::HttpRequest request, std::shared_ptr<RecordingResponder> responder) {
        co_await gateway->handle(std::move(request), responder.get());
    }
    std::shared_ptr<RecordingResponder> finish(std::shared_ptr<RecordingResponder> responder) {
        for (int step = 0; step < 40'000 && !responder->has_ended(); ++step) pass(std::chrono::milliseconds{10});
        EXPECT_TRUE(responder->has_ended());
        return responder;
    }
    std::shared_ptr<RecordingResponder> send(std::string method,
                                             std::string target,
                                             std::string body,
                                             const std::string& bearer) {
        return finish(launch(a_request(std::move(method), std::move(target), std::move(body), bearer)));
    }
    std::shared_ptr<RecordingResponder> chat(const std::string& extra_fields = {}) {
        return send("POST", "/v1/chat/completions", chat_body(extra_fields), key);
    }
    static std::string chat_body(const std::string& extra_fields) {
        return R"({"model":"vcity/test","messages":[{"role":"user","content":"hi"}])" + extra_fields + "}";
    }
    static std::string code_of(const RecordingResponder& answer) {
        const Result<codec::Json> json = codec::parse_json(answer.body());
        const codec::Json* error = json ? json->find("error") : nullptr;
        return error != nullptr ? *error->find("code")->get_string() : "none: " + answer.body();
    }

    World world{1};
    MemoryStore store;
    ScriptedScheduler scheduler{&world};
    KeySigner signer{14};
    ports::BlobStore* blobs = nullptr;          // of the next boot()
    ports::HttpClient* webhook_http = nullptr;  // of the next boot()
    ports::HttpClient* http = nullptr;          // of the next boot()
    std::string openapi;                        // of the next boot()
    std::unique_ptr<Gateway> gateway;
    std::string key;
};

}  // namespace vcity::gateway::test
