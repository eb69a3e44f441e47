// SPDX-License-Identifier: Apache-2.0
#include "adapters/inference_worker/worker.hpp"

#include <gtest/gtest.h>

#include "adapters/inference_worker/testing/scripted_worker.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "async/task_group.hpp"
#include "ports/testing/inference_contract.hpp"
#include "wire/wire.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;
using ports::testing::InferenceRequest;
using testing::ScriptedWorker;

Bytes frame_of(const WorkerMessage& message) {
    const Bytes body = wire::encode(message);
    Bytes frame;
    for (unsigned shift = 0; shift < 32; shift += 8) frame.push_back(static_cast<std::uint8_t>(body.size() >> shift));
    append(&frame, body);
    return frame;
}

// A process whose program is a task of the test.
class FakeProcess final : public ports::SandboxProcess {
  public:
    struct Pipes {
        explicit Pipes(Runtime* runtime) : input{runtime, 64}, output{runtime, 64} {}
        Channel<Bytes> input;
        Channel<Bytes> output;
    };

    explicit FakeProcess(std::shared_ptr<Pipes> pipes) : pipes_{std::move(pipes)} {}
    ~FakeProcess() override { end(); }

    Task<Result<void>> write(Bytes bytes) override {
        co_return co_await pipes_->input.send(std::move(bytes), TimePoint::max());
    }
    Task<Result<Bytes>> read(std::size_t, TimePoint deadline) override {
        co_return co_await pipes_->output.receive(deadline);
    }
    void kill() override { end(); }
    Task<Result<int>> wait(TimePoint) override { co_return 137; }

  private:
    void end() {
        pipes_->input.close();
        pipes_->output.close();
    }

    std::shared_ptr<Pipes> pipes_;
};

using Pipes = std::shared_ptr<FakeProcess::Pipes>;
// What the n-th process started does; processes after the last run the scripted worker.
using Program = Task<void> (*)(Runtime*, Pipes);

Task<void> send(Pipes pipes, WorkerMessage message) {
    (void)co_await pipes->output.send(frame_of(message), TimePoint::max());
}

Task<void> send_all(Pipes pipes, std::vector<WorkerMessage> messages) {
    for (const WorkerMessage& message : messages) {
        (void)co_await pipes->output.send(frame_of(message), TimePoint::max());
    }
}

Task<void> run_scripted(Runtime* runtime, Pipes pipes) {
    ScriptedWorker worker;
    co_await send(pipes, ScriptedWorker::ready());
    for (;;) {
        const TimePoint next_step = worker.is_busy() ? runtime->now() + 200us : TimePoint::max();
        const Result<Bytes> frame = co_await pipes->input.receive(next_step);
        if (!frame && frame.error().code != Errc::kTimeout) co_return;
        std::vector<WorkerMessage> messages =
            frame ? worker.on(*wire::parse_worker_message(ByteView{*frame}.subspan(4))) : worker.step();
        co_await send_all(pipes, std::move(messages));
    }
}

class FakeSandbox final : public ports::Sandbox {
  public:
    explicit FakeSandbox(Runtime* runtime) : runtime_{runtime}, tasks_{runtime} {}

    Task<Result<std::unique_ptr<ports::SandboxProcess>>> start(ports::SandboxSpec) override {
        const std::size_t number = started++;
        if (number < failures) co_return make_error(Errc::kUnavailable, "cannot start");
        auto pipes = std::make_shared<FakeProcess::Pipes>(runtime_);
        tasks_.spawn(number < programs.size() ? programs[number](runtime_, pipes) : run_scripted(runtime_, pipes));
        co_return std::unique_ptr<ports::SandboxProcess>{std::make_unique<FakeProcess>(std::move(pipes))};
    }
    Task<Result<void>> join() { return tasks_.join(runtime_->now() + 5s); }

    std::vector<Program> programs;
    std::size_t failures = 0;
    std::size_t started = 0;

  private:
    Runtime* runtime_;
    TaskGroup tasks_;
};

InferenceWorkerOptions quick_options() {
    InferenceWorkerOptions options;
    options.restart_delay_min = 1ms;
    options.restart_delay_max = 2ms;
    return options;
}

class WorkerHarness final : public ports::testing::OnRuntime<ports::testing::InferenceHarness, AsioRuntime> {
  public:
    explicit WorkerHarness(std::vector<Program> programs = {}, InferenceWorkerOptions options = quick_options())
        : sandbox_{&runtime()},
          worker_{&runtime(), &sandbox_, Log{nullptr, ""}, std::move(options)},
          tasks_{&runtime()} {
        sandbox_.programs = std::move(programs);
        tasks_.spawn(worker_.run());
    }
    ~WorkerHarness() override {
        stop();
        EXPECT_TRUE(ports::testing::await(*this, tasks_.join(runtime().now() + 5s)).has_value());
        EXPECT_TRUE(ports::testing::await(*this, sandbox_.join()).has_value());
    }

    void stop() { worker_.stop(); }
    ports::Inference& inference() override { return worker_; }
    ModelRequest request_of(InferenceRequest kind) override {
        ModelRequest request;
        request.model = "vcity/scripted";
        request.prompt = kind == InferenceRequest::kImpossible ? "impossible" : "hello";
        request.output_tokens_max = kind == InferenceRequest::kEndless ? 1'000'000 : 5;
        if (kind == InferenceRequest::kSketched) request.verification = Verification::kNone;
        return request;
    }
    FakeSandbox& sandbox() { return sandbox_; }

  private:
    FakeSandbox sandbox_;
    InferenceWorker worker_;
    TaskGroup tasks_;
};

JobId job(std::uint8_t number) {
    JobId id;
    id.bytes.back() = number;
    return id;
}

// Says it is ready, then what the test wants once it is given work.
template <class Misbehave>
Task<void> misbehave_after_work(Pipes pipes, Misbehave misbehave) {
    co_await send(pipes, ScriptedWorker::ready());
    const Result<Bytes> frame = co_await pipes->input.receive(TimePoint::max());
    if (!frame) co_return;
    for (Bytes& bytes : misbehave()) {
        (void)co_await pipes->output.send(std::move(bytes), TimePoint::max());
    }
    (void)co_await pipes->input.receive(TimePoint::max());
}

// What a generation gives whose worker is that program; a good worker follows it.
struct Ending {
    Errc code = Errc::kInternal;
    std::string message;
    std::size_t workers = 0;
};
Ending ending_with(Program program, InferenceWorkerOptions options = quick_options()) {
    WorkerHarness harness{{program}, std::move(options)};
    const auto run = [&harness](auto task) { return ports::testing::await(harness, std::move(task)); };
    const TimePoint deadline = harness.runtime().now() + 5s;
    EXPECT_TRUE(run(harness.inference().ready(deadline)).has_value());
    WorkerGenerate request{.job_id = job(1), .request = harness.request_of(InferenceRequest::kShort)};
    auto generation = run(harness.inference().generate(std::move(request)));
    EXPECT_TRUE(generation.has_value());
    for (;;) {
        const auto event = run((*generation)->next(deadline));
        if (event) continue;
        EXPECT_TRUE(run(harness.inference().ready(deadline)).has_value());
        return {.code = event.error().code, .message = event.error().message, .workers = harness.sandbox().started};
    }
}

void expect_replaced(const Ending& ending, const std::string& reason) {
    EXPECT_EQ(ending.code, Errc::kUnavailable);
    EXPECT_NE(ending.message.find(reason), std::string::npos) << ending.message;
    EXPECT_EQ(ending.workers, 2U);
}

TEST(InferenceWorker, ReplacesAWorkerThatSendsGarbage) {
    const auto program = +[](Runtime*, Pipes pipes) {
        return misbehave_after_work(std::move(pipes),
                                    [] { return std::vector<Bytes>{Bytes{4, 0, 0, 0, 255, 255, 255, 255}}; });
    };
    expect_replaced(ending_with(program), "");
}

TEST(InferenceWorker, ReplacesAWorkerThatAnnouncesAHugeFrame) {
    const auto program = +[](Runtime*, Pipes pipes) {
        return misbehave_after_work(std::move(pipes), [] { return std::vector<Bytes>{Bytes{255, 255, 255, 127}}; });
    };
    expect_replaced(ending_with(program), "frame of 2147483647 bytes");
}

TEST(InferenceWorker, ReplacesAWorkerThatSendsAnEmptyFrame) {
    const auto program = +[](Runtime*, Pipes pipes) {
        return misbehave_after_work(std::move(pipes), [] { return std::vector<Bytes>{Bytes{0, 0, 0, 0}}; });
    };
    expect_replaced(ending_with(program), "frame of 0 bytes");
}

TEST(InferenceWorker, ReplacesAWorkerThatSpeaksOfAnUnknownJob) {
    const auto program = +[](Runtime*, Pipes pipes) {
        return misbehave_after_work(std::move(pipes), [] {
            return std::vector<Bytes>{frame_of(WorkerToken{.job_id = job(99), .text = "x", .tokens = 1})};
        });
    };
    expect_replaced(ending_with(program), "unknown job");
}

TEST(InferenceWorker, ReplacesAWorkerThatSaysMoreThanItWasAskedFor) {
    const auto program = +[](Runtime*, Pipes pipes) {
        return misbehave_after_work(std::move(pipes), [] {
            return std::vector<Bytes>{frame_of(WorkerToken{.job_id = job(1), .text = "x", .tokens = 6})};
        });
    };
    expect_replaced(ending_with(program), "more tokens");
}

TEST(InferenceWorker, ReplacesAWorkerThatOpensWhatNobodyAskedFor) {
    const auto program = +[](Runtime*, Pipes pipes) {
        return misbehave_after_work(std::move(pipes), [] {
            return std::vector<Bytes>{frame_of(WorkerOpening{.job_id = job(1), .opening = {}})};
        });
    };
    expect_replaced(ending_with(program), "nobody asked");
}

TEST(InferenceWorker, ReplacesAWorkerThatTalksLikeAnAgent) {
    const auto program = +[](Runtime*, Pipes pipes) {
        return misbehave_after_work(std::move(pipes),
                                    [] { return std::vector<Bytes>{frame_of(WorkerDrop{.job_id = job(1)})}; });
    };
    expect_replaced(ending_with(program), "only an agent");
}

TEST(InferenceWorker, ReplacesAWorkerThatFallsSilent) {
    const auto program = +[](Runtime*, Pipes pipes) {
        return misbehave_after_work(std::move(pipes), [] { return std::vector<Bytes>{}; });
    };
    InferenceWorkerOptions options = quick_options();
    options.silence_max = 5ms;
    expect_replaced(ending_with(program, std::move(options)), "nothing in time");
}

TEST(InferenceWorker, ReplacesAWorkerThatEnds) {
    const auto program = +[](Runtime*, Pipes pipes) -> Task<void> {
        co_await send(pipes, ScriptedWorker::ready());
        (void)co_await pipes->input.receive(TimePoint::max());
        pipes->output.close();
    };
    expect_replaced(ending_with(program), "");
}

TEST(InferenceWorker, AssemblesFramesFromPieces) {
    const auto program = +[](Runtime*, Pipes pipes) {
        return misbehave_after_work(std::move(pipes), [] {
            Bytes all = frame_of(WorkerToken{.job_id = job(1), .text = "x", .tokens = 1});
            append(&all, frame_of(WorkerToken{.job_id = job(1), .text = "y", .tokens = 1}));
            append(&all, frame_of(WorkerError{.job_id = job(1), .code = Errc::kExhausted, .message = "enough"}));
            std::vector<Bytes> pieces;
            for (const std::uint8_t byte : all) pieces.push_back({byte});
            return pieces;
        });
    };
    WorkerHarness harness{{program}};
    const auto run = [&harness](auto task) { return ports::testing::await(harness, std::move(task)); };
    const TimePoint deadline = harness.runtime().now() + 5s;
    ASSERT_TRUE(run(harness.inference().ready(deadline)).has_value());
    auto generation =
        run(harness.inference().generate({.job_id = job(1), .request = harness.request_of(InferenceRequest::kShort)}));
    ASSERT_TRUE(generation.has_value());

    const auto first = run((*generation)->next(deadline));
    const auto second = run((*generation)->next(deadline));
    const auto end = run((*generation)->next(deadline));

    ASSERT_TRUE(first.has_value() && second.has_value());
    EXPECT_EQ(std::get<WorkerToken>(*first).text, "x");
    EXPECT_EQ(std::get<WorkerToken>(*second).text, "y");
    EXPECT_EQ(end.error().code, Errc::kExhausted);
}

TEST(InferenceWorker, StartsAgainUntilItSucceeds) {
    WorkerHarness harness;
    harness.sandbox().failures = 3;

    const auto ready = ports::testing::await(harness, harness.inference().ready(harness.runtime().now() + 5s));

    ASSERT_TRUE(ready.has_value()) << ready.error().message;
    EXPECT_EQ(harness.sandbox().started, 4U);
}

TEST(InferenceWorker, RefusesAnotherModelAfterARestart) {
    const auto ended_at_once = +[](Runtime*, Pipes pipes) -> Task<void> {
        co_await send(pipes, ScriptedWorker::ready());
        (void)co_await pipes->input.receive(TimePoint::max());
        pipes->output.close();
    };
    const auto another_model = +[](Runtime*, Pipes pipes) -> Task<void> {
        WorkerReady ready = ScriptedWorker::ready();
        ready.weights_root.bytes.fill(8);
        co_await send(pipes, ready);
        (void)co_await pipes->input.receive(TimePoint::max());
    };
    WorkerHarness harness{{ended_at_once, another_model}};
    const auto run = [&harness](auto task) { return ports::testing::await(harness, std::move(task)); };
    const TimePoint deadline = harness.runtime().now() + 5s;
    ASSERT_TRUE(run(harness.inference().ready(deadline)).has_value());
    auto generation =
        run(harness.inference().generate({.job_id = job(1), .request = harness.request_of(InferenceRequest::kShort)}));
    ASSERT_TRUE(generation.has_value());
    ASSERT_FALSE(run((*generation)->next(deadline)).has_value());

    const auto ready = run(harness.inference().ready(deadline));

    ASSERT_TRUE(ready.has_value());
    EXPECT_EQ(ready->weights_root, ScriptedWorker::ready().weights_root);
    EXPECT_EQ(harness.sandbox().started, 3U);
}

TEST(InferenceWorker, RefusesAJobThatIsStillRunning) {
    WorkerHarness harness;
    const auto run = [&harness](auto task) { return ports::testing::await(harness, std::move(task)); };
    ASSERT_TRUE(run(harness.inference().ready(harness.runtime().now() + 5s)).has_value());
    const WorkerGenerate request{.job_id = job(1), .request = harness.request_of(InferenceRequest::kEndless)};
    const auto first = run(harness.inference().generate(request));
    ASSERT_TRUE(first.has_value());

    EXPECT_EQ(run(harness.inference().generate(request)).error().code, Errc::kConflict);
    const WorkerOpen early{.job_id = job(1), .question = {.cells = {Cell{}}}};
    EXPECT_EQ(run(harness.inference().open(early, TimePoint::max())).error().code, Errc::kConflict);
}

TEST(InferenceWorker, EndsAGenerationWhoseTokensNobodyTakes) {
    InferenceWorkerOptions options = quick_options();
    options.events_waiting_max = 3;
    WorkerHarness harness{{}, std::move(options)};
    const auto run = [&harness](auto task) { return ports::testing::await(harness, std::move(task)); };
    ASSERT_TRUE(run(harness.inference().ready(harness.runtime().now() + 5s)).has_value());
    const WorkerGenerate endless{.job_id = job(1), .request = harness.request_of(InferenceRequest::kEndless)};
    const auto generation = run(harness.inference().generate(endless));
    const WorkerGenerate other{.job_id = job(2), .request = harness.request_of(InferenceRequest::kShort)};
    const auto listened = run(harness.inference().generate(other));
    ASSERT_TRUE(generation.has_value() && listened.has_value());

    // The worker gives both jobs a token at every step; the five of the second one are more than the first one may
    // keep.
    for (int token = 0; token < 5; ++token) ASSERT_TRUE(run((*listened)->next(TimePoint::max())).has_value());

    for (int token = 0; token < 3; ++token) ASSERT_TRUE(run((*generation)->next(TimePoint::max())).has_value());
    EXPECT_EQ(run((*generation)->next(TimePoint::max())).error().code, Errc::kExhausted);
}

TEST(InferenceWorker, GivesUpItsGenerationsWhenStopped) {
    WorkerHarness harness;
    const auto run = [&harness](auto task) { return ports::testing::await(harness, std::move(task)); };
    ASSERT_TRUE(run(harness.inference().ready(harness.runtime().now() + 5s)).has_value());
    const WorkerGenerate request{.job_id = job(1), .request = harness.request_of(InferenceRequest::kEndless)};
    auto generation = run(harness.inference().generate(request));
    ASSERT_TRUE(generation.has_value());

    harness.stop();

    auto event = run((*generation)->next(TimePoint::max()));
    while (event.has_value()) event = run((*generation)->next(TimePoint::max()));
    EXPECT_EQ(event.error().code, Errc::kUnavailable);
    EXPECT_EQ(run(harness.inference().ready(TimePoint::max())).error().code, Errc::kUnavailable);
    EXPECT_EQ(run(harness.inference().generate(request)).error().code, Errc::kUnavailable);
}

std::unique_ptr<ports::testing::InferenceHarness> make_harness() {
    return std::make_unique<WorkerHarness>();
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Worker, InferenceContract, ::testing::Values(InferenceHarnessFactory{adapters::make_harness}));

}  // namespace vcity::ports::testing
