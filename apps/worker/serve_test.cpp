// SPDX-License-Identifier: Apache-2.0
#include "serve.hpp"

#include <array>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "checkpoint/testing/tiny_model.hpp"
#include "wire/wire.hpp"

namespace vcity::worker {
namespace {

// A worker on two pipes: what an agent sees of it.
class Served {
  public:
    Served() {
        const checkpoint::testing::TemporaryFolder folder{"serve"};
        checkpoint::testing::write_tiny_model(folder.path());
        engine_ = *Engine::load(folder.path(), {.model_name = "tiny"});
        EXPECT_EQ(::pipe(to_worker_.data()), 0);
        EXPECT_EQ(::pipe(from_worker_.data()), 0);
        thread_ = std::thread{[this] {
            result_ = serve(*engine_, to_worker_[0], from_worker_[1]);
            ::close(from_worker_[1]);
        }};
    }
    ~Served() {
        if (thread_.joinable()) (void)end();
        for (const int descriptor : {to_worker_[0], from_worker_[0]}) ::close(descriptor);
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    void send_bytes(ByteView bytes) const {
        ASSERT_EQ(::write(to_worker_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }
    void send(const WorkerMessage& message) const {
        const Bytes body = wire::encode(message);
        const auto length = static_cast<std::uint32_t>(body.size());
        Bytes frame(4);
        std::memcpy(frame.data(), &length, 4);
        append(&frame, body);
        send_bytes(frame);
    }
    WorkerMessage receive() const {
        std::uint32_t length = 0;
        read_exactly(&length, 4);
        Bytes body(length);
        read_exactly(body.data(), length);
        auto message = wire::parse_worker_message(body);
        EXPECT_TRUE(message) << message.error().message;
        return *message;
    }
    // Closes the worker's input and waits for its end.
    Result<void> end() {
        ::close(to_worker_[1]);
        thread_.join();
        return result_;
    }

  private:
    void read_exactly(void* out, std::size_t size) const {
        auto* at = static_cast<char*>(out);
        while (size > 0) {
            const ssize_t count = ::read(from_worker_[0], at, size);
            ASSERT_GT(count, 0);
            at += count;
            size -= static_cast<std::size_t>(count);
        }
    }

    std::unique_ptr<Engine> engine_;
    std::array<int, 2> to_worker_{};
    std::array<int, 2> from_worker_{};
    Result<void> result_;
    std::thread thread_;
};

WorkerGenerate ask(std::uint32_t tokens) {
    WorkerGenerate message;
    message.job_id.bytes.fill(3);
    message.request.model = "tiny";
    message.request.messages = {{.role = "user", .content = "hello"}};
    message.request.output_tokens_max = tokens;
    message.request.sampling = {.temperature = 1, .top_p = 1, .seed = 4};
    return message;
}

TEST(Serve, SaysThatItIsReadyThenAnswers) {
    Served served;
    const auto ready = served.receive();
    ASSERT_TRUE(std::holds_alternative<WorkerReady>(ready));
    EXPECT_EQ(std::get<WorkerReady>(ready).model, "tiny");

    served.send(ask(4));

    WorkerMessage last = served.receive();
    std::uint32_t tokens = 0;
    while (const auto* token = std::get_if<WorkerToken>(&last)) {
        tokens += token->tokens;
        last = served.receive();
    }
    const auto* done = std::get_if<WorkerDone>(&last);
    ASSERT_NE(done, nullptr);
    EXPECT_EQ(done->usage.output, tokens);
    served.send(WorkerOpen{.job_id = ask(1).job_id,
                           .root = done->verification_root,
                           .question = {.cells = {{.position = 0, .layer = 1}}, .pages = {}, .sketches = {}}});
    EXPECT_TRUE(std::holds_alternative<WorkerOpening>(served.receive()));
    EXPECT_TRUE(served.end());
}

TEST(Serve, CancelsARunningJob) {
    Served served;
    (void)served.receive();

    served.send(ask(55));
    served.send(WorkerCancel{.job_id = ask(1).job_id});

    WorkerMessage last = served.receive();
    while (std::holds_alternative<WorkerToken>(last)) last = served.receive();
    ASSERT_TRUE(std::holds_alternative<WorkerDone>(last));
}

TEST(Serve, AnswersBadRequestsAndGoesOn) {
    Served served;
    (void)served.receive();

    served.send(ask(0));
    served.send(WorkerOpen{.job_id = ask(1).job_id});

    for (const Errc code : {Errc::kInvalid, Errc::kNotFound}) {
        const auto message = served.receive();
        const auto* error = std::get_if<WorkerError>(&message);
        ASSERT_NE(error, nullptr);
        EXPECT_EQ(error->code, code);
    }
}

TEST(Serve, EndsAtAFrameThatCannotBeRead) {
    Served huge;
    huge.send_bytes(Bytes(4, 0xff));
    EXPECT_EQ(huge.end().error().code, Errc::kCorrupt);

    Served garbled;
    garbled.send_bytes(Bytes{3, 0, 0, 0, 0xff, 0xff, 0xff});
    EXPECT_EQ(garbled.end().error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace vcity::worker
