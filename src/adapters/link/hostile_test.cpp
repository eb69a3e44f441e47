// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "adapters/link/link.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/link_contract.hpp"
#include "wire/wire.hpp"

// Peers that do not keep to the protocol, by accident or on purpose.
namespace vcity::adapters {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ports::Connection;
using ports::testing::chunk;
using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::uint8_t kTextFrame = 0x81;
constexpr std::uint8_t kBinaryFrame = 0x82;
constexpr std::uint8_t kCloseFrame = 0x88;

// The head of a frame of a client, masked with zeros so that the payload follows as it is.
std::string frame_head(std::uint8_t kind, std::uint64_t length) {
    const std::uint64_t short_length = length < 126 ? length : length < 65'536 ? 126 : 127;
    std::string head{static_cast<char>(kind), static_cast<char>(0x80U | short_length)};
    const int bits = short_length < 126 ? 0 : short_length == 126 ? 16 : 64;
    for (int shift = bits - 8; shift >= 0; shift -= 8) head.push_back(static_cast<char>(length >> shift));
    return head + std::string(4, '\0');
}

std::string frame(std::uint8_t kind, const std::string& payload) {
    return frame_head(kind, payload.size()) + payload;
}

std::string encoded(const Message& message) {
    const Bytes bytes = wire::encode(message);
    return std::string{as_text(bytes)};
}

LinkListenerOptions quick_options() {
    LinkListenerOptions options;
    options.link.close_timeout = 20ms;
    return options;
}

// A listener and one hostile peer that speaks TCP by hand.
class HostilePeer : public testing::Test {
  protected:
    void listen(const LinkListenerOptions& options) {
        listener_ = WebSocketListener::make(&runtime_, runtime_.executor(), options).value();
        dialer_ = WebSocketDialer::make(&runtime_, {}).value();
    }

    void run(Task<void> test) {
        runtime_.spawn(stop_late());
        ASSERT_EQ(runtime_.run_to_completion(finish(std::move(test))), 0);
    }

    TimePoint soon() { return runtime_.now() + 5s; }

    Task<void> connect() {
        const tcp::endpoint endpoint{asio::ip::make_address("127.0.0.1"), listener_->port()};
        const auto [error] = co_await peer_.async_connect(endpoint, kAwait);
        EXPECT_FALSE(error);
    }

    Task<void> say(std::string text) {
        const auto [error, size] = co_await asio::async_write(peer_, asio::buffer(text), kAwait);
        EXPECT_FALSE(error);
    }

    // Everything until the server closes.
    Task<std::string> listen_to_the_end() {
        std::string heard;
        const auto [error, size] = co_await asio::async_read(peer_, asio::dynamic_buffer(heard), kAwait);
        EXPECT_TRUE(error);
        co_return heard;
    }

    Task<std::unique_ptr<Connection>> shake_hands() {
        co_await connect();
        co_await say(
            "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
        auto accepted = co_await listener_->accept();
        EXPECT_TRUE(accepted);
        co_return accepted ? *std::move(accepted) : nullptr;
    }

    Task<void> expect_error(Connection* connection, Errc code) {
        const auto message = co_await connection->receive(soon());
        EXPECT_FALSE(message);
        if (!message) EXPECT_EQ(message.error().code, code) << message.error().message;
    }

    // The server still serves others.
    Task<void> expect_service() {
        const std::string endpoint = "ws://127.0.0.1:" + std::to_string(listener_->port());
        const auto dialled = co_await dialer_->dial(endpoint, soon());
        EXPECT_TRUE(dialled);
        const auto accepted = co_await listener_->accept();
        EXPECT_TRUE(accepted);
    }

    Task<void> expect_connections(std::size_t count) {
        const TimePoint deadline = soon();
        while (listener_->connections() != count && runtime_.now() < deadline) {
            co_await runtime_.sleep_until(runtime_.now() + 1ms);
        }
        EXPECT_EQ(listener_->connections(), count);
    }

    // After one such sequence of bytes the connection gives kCorrupt once and is over.
    Task<void> expect_corrupt(std::string bytes) {
        const auto connection = co_await shake_hands();
        if (!connection) co_return;
        co_await say(std::move(bytes));
        co_await expect_error(connection.get(), Errc::kCorrupt);
        co_await expect_error(connection.get(), Errc::kUnavailable);
        co_await expect_service();
    }

    static Task<int> finish(Task<void> test) {
        co_await std::move(test);
        co_return 0;
    }

    Task<void> stop_late() {
        co_await runtime_.sleep_until(runtime_.now() + 20s);
        runtime_.stop();
    }

    AsioRuntime runtime_;
    tcp::socket peer_{runtime_.executor()};
    std::unique_ptr<WebSocketListener> listener_;
    std::unique_ptr<WebSocketDialer> dialer_;

    Task<void> talk_without_websocket();
    Task<void> stay_silent();
    Task<void> send_long_first_frame();
    Task<void> send_long_second_frame();
    Task<void> take_leave_in_disorder();
    Task<void> never_read();
    Task<void> vanish_in_a_frame();
    Task<void> answer_no_pings();
    Task<void> answer_pings();
    Task<void> come_too_many();
    Task<void> flood();
    Task<void> leave_messages_lying();
    Task<void> dial_silent_server();
    Task<void> dial_bad_addresses();
};

Task<void> HostilePeer::talk_without_websocket() {
    co_await connect();
    co_await say("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    co_await listen_to_the_end();
    co_await expect_service();
}

TEST_F(HostilePeer, ThatIsNoWebSocketIsCut) {
    listen({});
    run(talk_without_websocket());
}

Task<void> HostilePeer::stay_silent() {
    co_await connect();
    const std::string heard = co_await listen_to_the_end();
    EXPECT_EQ(heard, "");
    co_await expect_connections(0);
}

TEST_F(HostilePeer, ThatNeverShakesHandsIsCut) {
    LinkListenerOptions options;
    options.link.handshake_timeout = 20ms;
    listen(options);
    run(stay_silent());
}

TEST_F(HostilePeer, MaySendNoText) {
    listen(quick_options());
    run(expect_corrupt(frame(kTextFrame, "hello")));
}

TEST_F(HostilePeer, MaySendNoGarbage) {
    listen(quick_options());
    run(expect_corrupt(frame(kBinaryFrame, "\xff\xff\xff\xff\xff")));
}

TEST_F(HostilePeer, MaySendNoEmptyMessage) {
    listen(quick_options());
    run(expect_corrupt(frame(kBinaryFrame, "")));
}

TEST_F(HostilePeer, MayNotLeaveFramesUnmasked) {
    listen(quick_options());
    run(expect_corrupt("\x82\x01x"));
}

TEST_F(HostilePeer, MayNotWriteAShortLengthLong) {
    const std::string too_long = std::string{"\x82\xff"} + std::string(7, '\0') + "\x01" + std::string(4, '\0') + "x";
    listen(quick_options());
    run(expect_corrupt(too_long));
}

TEST_F(HostilePeer, MayNotClaimAHugeFrame) {
    listen(quick_options());
    run(expect_corrupt(frame_head(kBinaryFrame, std::uint64_t{1} << 62U)));
}

Task<void> HostilePeer::send_long_first_frame() {
    // Valid, and allowed later: but nobody knows this peer yet.
    co_await expect_corrupt(frame(kBinaryFrame, encoded(chunk(0, std::string(70'000, 'x')))));
}

TEST_F(HostilePeer, MaySendOnlyLittleAtFirst) {
    listen(quick_options());
    run(send_long_first_frame());
}

Task<void> HostilePeer::send_long_second_frame() {
    const Message large = chunk(1, std::string(60'000, 'x'));
    const auto connection = co_await shake_hands();
    if (!connection) co_return;
    co_await say(frame(kBinaryFrame, encoded(chunk(0))));
    co_await say(frame(kBinaryFrame, encoded(large)));
    co_await say(frame_head(kBinaryFrame, (100U << 10U) + 1));
    co_await ports::testing::send_chunks(connection.get(), 1);
    const auto first = co_await connection->receive(soon());
    EXPECT_TRUE(first);
    const auto second = co_await connection->receive(soon());
    EXPECT_TRUE(second && *second == large);
    co_await expect_error(connection.get(), Errc::kCorrupt);
}

TEST_F(HostilePeer, MaySendNoFrameBeyondTheLimit) {
    LinkListenerOptions options = quick_options();
    options.first_frame_bytes_max = 1000;
    options.link.frame_bytes_max = 100U << 10U;
    listen(options);
    run(send_long_second_frame());
}

Task<void> HostilePeer::take_leave_in_disorder() {
    const auto connection = co_await shake_hands();
    if (!connection) co_return;
    co_await say(frame(kBinaryFrame, "\xff\xff"));
    const std::string heard = co_await listen_to_the_end();
    const std::size_t close = heard.find(static_cast<char>(kCloseFrame));
    EXPECT_NE(close, std::string::npos);
    // 1002, "protocol error", after the two bytes of the frame's head.
    EXPECT_EQ(heard.substr(close + 2, 2), "\x03\xea");
}

TEST_F(HostilePeer, IsToldWhatItBroke) {
    listen(quick_options());
    run(take_leave_in_disorder());
}

Task<void> HostilePeer::never_read() {
    auto connection = co_await shake_hands();
    if (!connection) co_return;
    const Message message = chunk(0, std::string(100'000, 'x'));
    Result<void> sent;
    for (int count = 0; sent && count < 1000; ++count) {
        sent = co_await connection->send(message);
        co_await runtime_.sleep_until(runtime_.now());
    }
    EXPECT_FALSE(sent);
    if (!sent) EXPECT_EQ(sent.error().code, Errc::kExhausted);
    connection.reset();
    co_await expect_connections(0);
}

TEST_F(HostilePeer, ThatReadsNothingFillsABoundedQueueAndIsCut) {
    LinkListenerOptions options = quick_options();
    options.link.outgoing_bytes_max = 1U << 20U;
    listen(options);
    run(never_read());
}

Task<void> HostilePeer::vanish_in_a_frame() {
    auto connection = co_await shake_hands();
    if (!connection) co_return;
    co_await say(frame_head(kBinaryFrame, 1000) + "only the beginning");
    peer_.close();
    co_await expect_error(connection.get(), Errc::kUnavailable);
    connection.reset();
    co_await expect_connections(0);
}

TEST_F(HostilePeer, ThatVanishesInAFrameIsGone) {
    listen(quick_options());
    run(vanish_in_a_frame());
}

Task<void> HostilePeer::answer_no_pings() {
    auto connection = co_await shake_hands();
    if (!connection) co_return;
    co_await expect_error(connection.get(), Errc::kUnavailable);
    connection.reset();
    co_await expect_connections(0);
}

TEST_F(HostilePeer, ThatAnswersNoPingsIsGone) {
    LinkListenerOptions options = quick_options();
    options.link.idle_timeout = 20ms;
    listen(options);
    run(answer_no_pings());
}

Task<void> HostilePeer::answer_pings() {
    const std::string endpoint = "ws://127.0.0.1:" + std::to_string(listener_->port());
    const auto dialled = co_await dialer_->dial(endpoint, soon());
    EXPECT_TRUE(dialled);
    const auto accepted = co_await listener_->accept();
    EXPECT_TRUE(accepted);
    if (!dialled || !accepted) co_return;
    const auto nothing = co_await accepted.value()->receive(runtime_.now() + 400ms);
    EXPECT_FALSE(nothing);
    if (!nothing) EXPECT_EQ(nothing.error().code, Errc::kTimeout);
}

TEST_F(HostilePeer, UnlikeAQuietFriendWhoAnswersPings) {
    LinkListenerOptions options;
    options.link.idle_timeout = 150ms;
    listen(options);
    run(answer_pings());
}

Task<void> HostilePeer::come_too_many() {
    auto connection = co_await shake_hands();
    const std::string endpoint = "ws://127.0.0.1:" + std::to_string(listener_->port());
    const auto refused = co_await dialer_->dial(endpoint, soon());
    EXPECT_FALSE(refused);
    connection.reset();
    co_await expect_connections(0);
    co_await expect_service();
}

TEST_F(HostilePeer, FindsOnlySoManyConnections) {
    LinkListenerOptions options = quick_options();
    options.connections_max = 1;
    listen(options);
    run(come_too_many());
}

Task<void> HostilePeer::flood() {
    const auto connection = co_await shake_hands();
    if (!connection) co_return;
    std::string burst;
    for (std::uint64_t sequence = 0; sequence < 40; ++sequence) {
        burst += frame(kBinaryFrame, encoded(chunk(sequence)));
    }
    co_await say(std::move(burst));
    // The reader stops at four messages and goes on as they are taken: none is lost.
    co_await runtime_.sleep_until(runtime_.now() + 2ms);
    for (std::uint64_t sequence = 0; sequence < 40; ++sequence) {
        const auto message = co_await connection->receive(soon());
        EXPECT_TRUE(message && *message == Message{chunk(sequence)});
    }
}

TEST_F(HostilePeer, ThatFloodsHasToWait) {
    LinkListenerOptions options = quick_options();
    options.link.incoming_frames_max = 4;
    listen(options);
    run(flood());
}

Task<void> HostilePeer::leave_messages_lying() {
    const auto connection = co_await shake_hands();
    if (!connection) co_return;
    co_await say(frame(kBinaryFrame, encoded(chunk(0))) + frame(kBinaryFrame, encoded(chunk(1))));
    co_await listen_to_the_end();
}

TEST_F(HostilePeer, WhoseOwnerTakesNothingIsCut) {
    LinkListenerOptions options = quick_options();
    options.link.incoming_frames_max = 1;
    options.link.idle_timeout = 100ms;
    listen(options);
    run(leave_messages_lying());
}

Task<void> HostilePeer::dial_silent_server() {
    tcp::acceptor silent{runtime_.executor(), tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
    const std::string endpoint = "ws://127.0.0.1:" + std::to_string(silent.local_endpoint().port());
    const auto dialled = co_await dialer_->dial(endpoint, runtime_.now() + 10ms);
    EXPECT_FALSE(dialled);
    if (!dialled) EXPECT_EQ(dialled.error().code, Errc::kTimeout);
}

TEST_F(HostilePeer, ThatIsASilentServerIsGivenUpAtTheDeadline) {
    listen({});
    run(dial_silent_server());
}

Task<void> HostilePeer::dial_bad_addresses() {
    for (const std::string endpoint : {"http://127.0.0.1:1", "ws://", "nowhere"}) {
        const auto dialled = co_await dialer_->dial(endpoint, soon());
        EXPECT_FALSE(dialled);
        if (!dialled) EXPECT_EQ(dialled.error().code, Errc::kInvalid);
    }
}

TEST_F(HostilePeer, CannotBeDialledAtABadAddress) {
    listen({});
    run(dial_bad_addresses());
}

TEST_F(HostilePeer, ListenerRefusesBadOptions) {
    const auto make = [this](const LinkListenerOptions& options) {
        return WebSocketListener::make(&runtime_, runtime_.executor(), options);
    };
    LinkListenerOptions options;
    options.address = "not an address";
    EXPECT_EQ(make(options).error().code, Errc::kInvalid);
    options = {};
    options.certificate_file = "only-this.pem";
    EXPECT_EQ(make(options).error().code, Errc::kInvalid);
    options.key_file = "missing.pem";
    EXPECT_EQ(make(options).error().code, Errc::kInvalid);
    options = {};
    const auto first = make(options);
    options.port = first.value()->port();
    EXPECT_EQ(make(options).error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace vcity::adapters
