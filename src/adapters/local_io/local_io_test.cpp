// SPDX-License-Identifier: Apache-2.0
#include "adapters/local_io/local_io.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;

class Runner : public ports::testing::TaskRunner {};

class LocalIo : public ::testing::Test {
  protected:
    LocalIo() { EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0); }
    ~LocalIo() override {
        ::close(pipe[0]);
        if (pipe[1] >= 0) ::close(pipe[1]);
    }
    template <class T>
    T run(Task<T> task) {
        return ports::testing::await(runner, std::move(task));
    }
    static Task<int> one(Task<void> task) {
        co_await std::move(task);
        co_return 0;
    }
    boost::asio::any_io_executor executor() { return static_cast<AsioRuntime&>(runner.runtime()).executor(); }

    ports::testing::OnRuntime<Runner, AsioRuntime> runner;
    int pipe[2] = {-1, -1};
};

TEST_F(LocalIo, WhatIsWrittenToOneDescriptorIsReadFromAnother) {
    auto stream = make_descriptor_stream(executor(), pipe[0], pipe[1]);
    EXPECT_TRUE(run(stream->write(Bytes{1, 2, 3})));
    EXPECT_EQ(run(stream->read(2)).value(), (Bytes{1, 2}));
    EXPECT_EQ(run(stream->read(100)).value(), (Bytes{3}));
    stream.reset();
    EXPECT_EQ(::fcntl(pipe[0], F_GETFL) & O_NONBLOCK, 0);
    ::close(std::exchange(pipe[1], -1));
}

TEST_F(LocalIo, ReadsAFileAndNothingToTheirEnd) {
    const int file = ::open(VCITY_SOURCE_DIR "/LICENSE", O_RDONLY | O_CLOEXEC);
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const auto stream = make_descriptor_stream(executor(), file, nothing);
    EXPECT_FALSE(run(stream->read(10)).value().empty());
    EXPECT_TRUE(run(stream->write(Bytes{1})));
    EXPECT_TRUE(run(make_descriptor_stream(executor(), nothing, nothing)->read(10)).value().empty());
    ::close(file);
    ::close(nothing);
}

Task<Result<Bytes>> read_and_abort(Runtime* runtime, ports::ByteStream* stream) {
    const auto abort_later = [](Runtime* of, ports::ByteStream* it) -> Task<void> {
        co_await of->sleep_until(of->now() + 1ms);
        it->abort();
    };
    runtime->spawn(abort_later(runtime, stream));
    co_return co_await stream->read(10);
}

TEST_F(LocalIo, AbortEndsAWait) {
    const auto stream = make_descriptor_stream(executor(), pipe[0], pipe[1]);
    const Result<Bytes> ended = run(read_and_abort(&runner.runtime(), stream.get()));
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Errc::kUnavailable);
    EXPECT_FALSE(run(stream->write(Bytes{1})));
}

TEST_F(LocalIo, AListenerGivesConnectionsThatEndInBothDirections) {
    const auto listener = LocalListener::make(executor(), "127.0.0.1", 0).value();
    namespace asio = boost::asio;
    asio::ip::tcp::socket peer{executor()};
    peer.connect({asio::ip::make_address("127.0.0.1"), listener->port()});
    const auto stream = run(listener->accept()).value();
    peer.write_some(asio::buffer("hello", 5));
    peer.shutdown(asio::ip::tcp::socket::shutdown_send);
    EXPECT_EQ(as_text(run(stream->read(100)).value()), "hello");
    EXPECT_TRUE(run(stream->read(100)).value().empty());
    EXPECT_TRUE(run(stream->write(Bytes{'y', 'o'})));
    stream->finish();
    char got[8] = {};
    EXPECT_EQ(peer.read_some(asio::buffer(got)), 2U);
    EXPECT_FALSE(LocalListener::make(executor(), "127.0.0.1", listener->port()));
    EXPECT_FALSE(LocalListener::make(executor(), "nowhere", 1));
}

TEST_F(LocalIo, APipeIsNoTerminal) {
    EXPECT_FALSE(is_terminal(pipe[0]));
    EXPECT_EQ(terminal_size(pipe[0]), ports::TerminalSize{});
    const RawTerminal raw{pipe[0]};
}

}  // namespace
}  // namespace vcity::adapters
