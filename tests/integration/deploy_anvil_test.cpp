// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <gtest/gtest.h>

#include "adapters/chain_evm/verify.hpp"
#include "adapters/http/client.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "anvil.hpp"
#include "base/check.hpp"
#include "codec/hex.hpp"
#include "contracts/access_manager.hpp"
#include "crypto/secp256k1.hpp"
#include "crypto/transaction.hpp"
#include "ports/signer.hpp"

namespace vcity::integration {
namespace {

using namespace std::chrono_literals;
using adapters::Finding;
using codec::Json;
using codec::JsonArray;

class KeySigner final : public ports::Signer {
  public:
    explicit KeySigner(crypto::PrivateKey key) : key_{std::move(key)} {}
    Address address() const override { return key_.address(); }
    Result<Signature> sign(const Hash& digest) override { return key_.sign(digest); }

  private:
    crypto::PrivateKey key_;
};

// Passes everything on, and cuts the line before a given transaction is sent or after it was.
class FragileLine final : public ports::HttpClient {
  public:
    explicit FragileLine(ports::HttpClient* line) : line_{line} {}

    int sends_until_cut = -1;  // -1: never
    bool loses_answer = false;
    int sends = 0;

    Task<Result<ports::HttpResponse>> send(ports::HttpRequest request, TimePoint deadline) override {
        if (is_cut_) co_return make_error(Errc::kDenied, "the line is cut");
        const bool is_transaction = request.body.find("eth_sendRawTransaction") != std::string::npos;
        const bool cuts = is_transaction && sends_until_cut == sends;
        if (is_transaction) ++sends;
        if (cuts) {
            is_cut_ = true;
            if (!loses_answer) co_return make_error(Errc::kDenied, "the line is cut");
        }
        Result<ports::HttpResponse> response = co_await line_->send(std::move(request), deadline);
        if (is_cut_) co_return make_error(Errc::kDenied, "the line is cut");
        co_return response;
    }
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest, TimePoint) override {
        co_return make_error(Errc::kUnavailable, "no streams here");
    }
    void mend() {
        is_cut_ = false;
        sends_until_cut = -1;
        sends = 0;
    }

  private:
    ports::HttpClient* line_;
    bool is_cut_ = false;
};

class DeployOnAnvil : public ::testing::Test {
  protected:
    DeployOnAnvil() {
        const TimePoint deadline = runtime.now() + 30s;
        while (!run(rpc.chain_id()).has_value()) {
            CHECK(runtime.now() < deadline);
            runtime.run_to_completion(pause());
        }
        JsonArray parameters{codec::to_hex(signer.address()), "0x56bc75e2d63100000"};
        CHECK(run(rpc.request("anvil_setBalance", std::move(parameters))).has_value());
        std::filesystem::remove(progress);
    }
    ~DeployOnAnvil() override { std::filesystem::remove(progress); }

    Task<int> pause() {
        co_await runtime.sleep_until(runtime.now() + 20ms);
        co_return 0;
    }
    template <class T>
    static Task<int> keep(Task<T> task, std::optional<T>* out) {
        T value = co_await std::move(task);
        out->emplace(std::move(value));
        co_return 0;
    }
    template <class T>
    T run(Task<T> task) {
        std::optional<T> value;
        runtime.run_to_completion(keep(std::move(task), &value));
        return *std::move(value);
    }
    static adapters::PlanSettings settings() {
        return {{"foundation", "0x00000000000000000000000000000000000000f0"},
                {"guardian", "0x0000000000000000000000000000000000000060"},
                {"firstVerifier", "0x000000000000000000000000000000000000007e"}};
    }
    Result<Deployment> deploy(const adapters::PlanSettings& given = settings()) {
        adapters::DeployOptions options =
            adapters::load_deploy_options(VCITY_SOURCE_DIR "/contracts/deployments").value();
        options.settings = given;
        options.progress_file = progress;
        adapters::TransactionSender sender{&runtime, &rpc, &signer, 31'337};
        return run(adapters::deploy(&runtime, &rpc, &sender, std::move(options)));
    }
    std::vector<Finding> findings_of(const Deployment& deployment) {
        adapters::VerifyOptions options =
            adapters::load_verify_options(VCITY_SOURCE_DIR "/contracts/deployments", progress).value();
        options.at_start = true;
        const auto findings = run(adapters::verify_deployment(&rpc, deployment, std::move(options)));
        EXPECT_TRUE(findings.has_value()) << findings.error().message;
        return findings.value_or(std::vector<Finding>{});
    }
    static std::string wrong_in(const std::vector<Finding>& findings) {
        std::string text;
        for (const Finding& finding : findings) {
            if (!finding.is_good) text += finding.check + ": " + finding.detail + "\n";
        }
        return text;
    }
    std::uint64_t nonce() { return run(rpc.transaction_count(signer.address(), "latest")).value(); }
    void send_as(const Address& account, const Address& to, const Bytes& data) {
        JsonArray whom{codec::to_hex(account)};
        CHECK(run(rpc.request("anvil_impersonateAccount", std::move(whom))).has_value());
        JsonArray money{codec::to_hex(account), "0x56bc75e2d63100000"};
        CHECK(run(rpc.request("anvil_setBalance", std::move(money))).has_value());
        Json transaction;
        transaction.set("from", codec::to_hex(account));
        transaction.set("to", codec::to_hex(to));
        transaction.set("data", codec::to_hex(data));
        JsonArray parameters{std::move(transaction)};
        const auto sent = run(rpc.request("eth_sendTransaction", std::move(parameters)));
        CHECK(sent.has_value());
    }

    Anvil anvil;
    adapters::AsioRuntime runtime;
    std::unique_ptr<adapters::BeastHttpClient> http = adapters::BeastHttpClient::make(&runtime, {}).value();
    FragileLine line{http.get()};
    adapters::EvmRpc rpc{&runtime, &line, anvil.url()};
    KeySigner signer{crypto::PrivateKey::make(Bytes(32, 0x21)).value()};
    std::string progress =
        (std::filesystem::temp_directory_path() / ("vcity-progress-" + std::to_string(::getpid()) + ".json")).string();
};

TEST_F(DeployOnAnvil, LeavesWhatThePlanDemandsAndNothingElse) {
    const Result<Deployment> made = deploy();

    ASSERT_TRUE(made.has_value()) << made.error().message;
    EXPECT_GT(made->contracts.size(), 25U);
    EXPECT_EQ(made->registry, made->require("NodeRegistry").value());
    const std::vector<Finding> findings = findings_of(*made);
    EXPECT_GT(findings.size(), 30U);
    EXPECT_EQ(wrong_in(findings), "");
}

TEST_F(DeployOnAnvil, GoesOnWhereItWasCutOff) {
    const Address first = crypto::created_address(signer.address(), 0);
    // In every phase: creations, roles, calls, the handover; with and without the transaction having got through.
    bool loses_answer = false;
    for (const int sends : {0, 3, 11, 9, 4, 2, 1, 1, 1, 3}) {
        line.mend();
        line.sends_until_cut = sends;
        line.loses_answer = loses_answer;
        loses_answer = !loses_answer;
        ASSERT_FALSE(deploy().has_value());
    }
    line.mend();
    const Result<Deployment> made = deploy();
    ASSERT_TRUE(made.has_value()) << made.error().message;
    EXPECT_EQ(made->access_manager, first);
    EXPECT_EQ(wrong_in(findings_of(*made)), "");

    const std::uint64_t used = nonce();
    EXPECT_EQ(deploy().value(), *made);
    EXPECT_EQ(nonce(), used) << "a finished deployment sends nothing";
}

TEST_F(DeployOnAnvil, RefusesTheProgressOfAnotherDeployment) {
    line.sends_until_cut = 4;
    ASSERT_FALSE(deploy().has_value());
    line.mend();
    adapters::PlanSettings other = settings();
    other["Settlement.challengeWindow"] = "77";

    EXPECT_EQ(deploy(other).error().code, Errc::kConflict);
    EXPECT_EQ(deploy({}).error().code, Errc::kConflict);
    EXPECT_TRUE(deploy().has_value());
}

TEST_F(DeployOnAnvil, SaysWhichSettingIsMissingOrUnknown) {
    EXPECT_NE(deploy({}).error().message.find("must be given"), std::string::npos);
    adapters::PlanSettings wrong = settings();
    wrong["Settlement.challengeWindows"] = "77";
    std::filesystem::remove(progress);
    EXPECT_NE(deploy(wrong).error().message.find("no setting Settlement.challengeWindows"), std::string::npos);
}

TEST_F(DeployOnAnvil, FindsWhatWasChangedAfterwards) {
    namespace manager = contracts::access_manager;
    const Result<Deployment> made = deploy();
    ASSERT_TRUE(made.has_value()) << made.error().message;
    const Address timelock = made->require("Timelock").value();

    send_as(timelock, made->access_manager, manager::encode_grant_role(2, signer.address(), 0));
    std::string wrong = wrong_in(findings_of(*made));
    EXPECT_NE(wrong.find("has role PARAMS, which the plan does not give it"), std::string::npos) << wrong;
    EXPECT_NE(wrong.find("the deployer has no role"), std::string::npos) << wrong;

    send_as(timelock, made->access_manager, manager::encode_revoke_role(2, signer.address()));
    EXPECT_EQ(wrong_in(findings_of(*made)), "");

    contracts::ShortBytes<4> charge;
    charge.bytes = {0xf4, 0xe5, 0x29, 0x94};
    send_as(timelock, made->access_manager, manager::encode_set_target_function_role(made->escrow, {charge}, 2));
    send_as(timelock, made->access_manager, manager::encode_set_target_closed(made->settlement, true));
    wrong = wrong_in(findings_of(*made));
    EXPECT_NE(wrong.find("Escrow.charge"), std::string::npos) << wrong;
    EXPECT_NE(wrong.find("Settlement is closed"), std::string::npos) << wrong;
}

}  // namespace
}  // namespace vcity::integration
