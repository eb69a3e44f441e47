// SPDX-License-Identifier: Apache-2.0
#include "adapters/reference_worker/reference.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;
using ports::testing::await;

struct Runner : ports::testing::TaskRunner {};

// A program that answers each line; "" means that it says nothing.
struct Script {
    std::string hello = "{\"ready\":true}\n";
    std::function<std::string(const std::string&)> answer;
    std::vector<std::string> heard;
    int starts = 0;
    int kills = 0;
};

class ScriptedProcess final : public ports::SandboxProcess {
  public:
    explicit ScriptedProcess(Script* script) : script_{script}, output_{script->hello} {}

    Task<Result<void>> write(Bytes bytes) override {
        const std::string line{bytes.begin(), bytes.end()};
        script_->heard.push_back(line);
        output_ += script_->answer(line);
        co_return Result<void>{};
    }
    // Piece by piece, so that lines are put together again.
    Task<Result<Bytes>> read(std::size_t /*max*/, TimePoint /*deadline*/) override {
        if (output_.empty()) co_return make_error(Errc::kTimeout, "nothing to read");
        const std::string piece = output_.substr(0, 7);
        output_.erase(0, 7);
        co_return Bytes{piece.begin(), piece.end()};
    }
    void kill() override { ++script_->kills; }
    Task<Result<int>> wait(TimePoint /*deadline*/) override { co_return 0; }

  private:
    Script* script_;
    std::string output_;
};

class ScriptedSandbox final : public ports::Sandbox {
  public:
    explicit ScriptedSandbox(Script* script) : script_{script} {}
    Task<Result<std::unique_ptr<ports::SandboxProcess>>> start(ports::SandboxSpec /*spec*/) override {
        ++script_->starts;
        std::unique_ptr<ports::SandboxProcess> process = std::make_unique<ScriptedProcess>(script_);
        co_return process;
    }

  private:
    Script* script_;
};

class ReferenceWorkerTest : public ::testing::Test {
  protected:
    Result<std::vector<ports::ReferenceReading>> ask(std::function<std::string(const std::string&)> answer) {
        script_.answer = std::move(answer);
        ports::ReferenceQuestion question;
        question.messages = {{"user", "hi"}};
        question.tokens = {{"a\xff", {"b", "c"}}, {"d", {}}};
        return await(runner_, worker_.read(std::move(question), runner_.runtime().now() + 1min));
    }
    Result<std::vector<ports::ReferenceReading>> ask(const std::string& line) {
        return ask([line](const std::string&) { return line + "\n"; });
    }

    ports::testing::OnRuntime<Runner, AsioRuntime> runner_;
    Script script_;
    ScriptedSandbox sandbox_{&script_};
    ReferenceWorker worker_{&runner_.runtime(), &sandbox_, {}};
};

TEST_F(ReferenceWorkerTest, AsksOnOneLineAndReadsTheAnswer) {
    const auto readings = ask(R"({"tokens":[{"logprob":-1.5,"margin":0.25,"alternatives":[-2,null]},)"
                              R"({"logprob":0,"margin":0,"alternatives":[]}]})");

    ASSERT_TRUE(readings) << readings.error().message;
    ASSERT_EQ(readings->size(), 2U);
    EXPECT_EQ(readings->front().logprob, -1.5);
    EXPECT_EQ(readings->front().margin, 0.25);
    EXPECT_EQ(readings->front().alternatives, (std::vector<std::optional<double>>{-2.0, std::nullopt}));
    EXPECT_EQ(
        script_.heard.front(),
        R"({"messages":[{"role":"user","content":"hi"}],"tokens":[{"bytes":"0x61ff","alternatives":["0x62","0x63"]},)"
        R"({"bytes":"0x64","alternatives":[]}]})"
        "\n");
}

TEST_F(ReferenceWorkerTest, KeepsTheProgramForTheNextQuestionEvenAfterARefusal) {
    EXPECT_EQ(ask(R"({"error":"too long"})").error().code, Errc::kInvalid);
    EXPECT_TRUE(ask(R"({"tokens":[]})"));
    EXPECT_EQ(script_.starts, 1);
    EXPECT_EQ(script_.kills, 0);
}

TEST_F(ReferenceWorkerTest, EndsAProgramThatAnswersInAnotherForm) {
    int starts = 0;
    for (const char* bad : {"", "{", "[]", R"({"tokens":1})", R"({"tokens":[{}]})", R"({"tokens":[{"logprob":-1}]})",
                            R"({"tokens":[{"logprob":-1,"margin":0,"alternatives":[-1]}]})",
                            R"({"tokens":[{"logprob":"x","margin":0,"alternatives":[null,null]}]})",
                            R"({"tokens":[{"logprob":-1,"margin":0,"alternatives":[true,null]}]})",
                            R"({"tokens":[{"logprob":1e999,"margin":0,"alternatives":[null,null]}]})"}) {
        const auto readings = ask(bad);
        EXPECT_FALSE(readings) << bad;
        ++starts;
    }
    EXPECT_EQ(script_.kills, starts);
    EXPECT_EQ(script_.starts, starts);
}

TEST_F(ReferenceWorkerTest, StartsAgainAfterADeadline) {
    EXPECT_EQ(ask([](const std::string&) { return std::string{}; }).error().code, Errc::kTimeout);
    EXPECT_EQ(script_.kills, 1);
    EXPECT_TRUE(ask(R"({"tokens":[]})"));
    EXPECT_EQ(script_.starts, 2);
}

TEST_F(ReferenceWorkerTest, RefusesAProgramThatIsNotReady) {
    script_.hello = "{\"ready\":false}\n";
    EXPECT_FALSE(ask(R"({"tokens":[]})"));
    EXPECT_EQ(script_.kills, 1);
}

}  // namespace
}  // namespace vcity::adapters
