// SPDX-License-Identifier: Apache-2.0
#include "adapters/link/link.hpp"

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/link_contract.hpp"

namespace vcity::adapters {
namespace {

using ports::testing::chunk;
using ports::testing::LinkContract;
using namespace std::chrono_literals;

constexpr Duration kTestTimeout = 20s;

Task<int> run_test(Task<void> test) {
    co_await std::move(test);
    co_return 0;
}

Task<void> fail_after(AsioRuntime* runtime, Duration timeout) {
    co_await runtime->sleep_until(runtime->now() + timeout);
    runtime->stop();
}

class WebSocketLinkHarness final : public ports::testing::LinkHarness {
  public:
    WebSocketLinkHarness() : WebSocketLinkHarness(LinkListenerOptions{}, LinkDialerOptions{}) {}

    WebSocketLinkHarness(const LinkListenerOptions& listening, const LinkDialerOptions& dialling)
        : listener_{WebSocketListener::make(&runtime_, runtime_.executor(), listening).value()},
          dialer_{WebSocketDialer::make(&runtime_, dialling).value()} {}

    Runtime* runtime() override { return &runtime_; }
    WebSocketListener* listener() override { return listener_.get(); }
    ports::LinkDialer* dialer() override { return dialer_.get(); }
    std::string endpoint() override { return "ws://127.0.0.1:" + std::to_string(listener_->port()) + "/link"; }

    // A port that was free a moment ago.
    std::string dead_endpoint() override {
        const auto other = WebSocketListener::make(&runtime_, runtime_.executor(), {}).value();
        return "ws://127.0.0.1:" + std::to_string(other->port());
    }

    void run(Task<void> test) override {
        runtime_.spawn(fail_after(&runtime_, kTestTimeout));
        ASSERT_EQ(runtime_.run_to_completion(run_test(std::move(test))), 0);
    }

  private:
    AsioRuntime runtime_;
    std::unique_ptr<WebSocketListener> listener_;
    std::unique_ptr<WebSocketDialer> dialer_;
};

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(WebSocket, LinkContract, vcity::adapters::WebSocketLinkHarness);

}  // namespace vcity::ports::testing
