// SPDX-License-Identifier: Apache-2.0
// The keeper's adapter keeps the contract that its fake keeps, on the contracts themselves.
#include <gtest/gtest.h>

#include "adapters/chain_evm/deploy.hpp"
#include "adapters/chain_evm/upkeep.hpp"
#include "adapters/http/client.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "anvil.hpp"
#include "base/check.hpp"
#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"
#include "ports/testing/upkeep_contract.hpp"

namespace vcity::integration {
namespace {

using adapters::EvmRpc;
using codec::JsonArray;

constexpr std::uint64_t kPeriodSeconds = 600;

class KeySigner final : public ports::Signer {
  public:
    explicit KeySigner(std::uint8_t number) : key_{crypto::PrivateKey::make(Bytes(32, number)).value()} {}
    Address address() const override { return key_.address(); }
    Result<Signature> sign(const Hash& digest) override { return key_.sign(digest); }

  private:
    crypto::PrivateKey key_;
};

struct World {
    Anvil anvil;
    Deployment deployment;
};

class AnvilUpkeepHarness final
    : public ports::testing::OnRuntime<ports::testing::UpkeepHarness, adapters::AsioRuntime> {
  public:
    AnvilUpkeepHarness() {
        World& world = shared();
        if (world.deployment.chain_id == 0) {
            await_chain();
            for (const KeySigner* signer : {&first_, &second_}) give_coins(signer->address());
            world.deployment = deploy();
        }
        upkeep_ = std::make_unique<adapters::EvmUpkeep>(&rpc_, &first_sender_, world.deployment);
        other_ = std::make_unique<adapters::EvmUpkeep>(&rpc_, &second_sender_, world.deployment);
    }

    ports::Upkeep& upkeep() override { return *upkeep_; }
    ports::Upkeep& other() override { return *other_; }
    void pass_a_period() override {
        request("evm_increaseTime", JsonArray{kPeriodSeconds + 1});
        request("evm_mine", JsonArray());
    }

  private:
    static World& shared() {
        static World world;
        return world;
    }

    template <class T>
    T await_here(Task<T> task) {
        return ports::testing::await(*this, std::move(task));
    }
    void request(const std::string& method, JsonArray parameters) {
        CHECK(await_here(rpc_.request(method, std::move(parameters))).has_value());
    }
    void await_chain() {
        const TimePoint deadline = runtime().now() + std::chrono::seconds{30};
        while (!await_here(rpc_.chain_id())) {
            CHECK(runtime().now() < deadline);
            run(runtime().sleep_until(runtime().now() + std::chrono::milliseconds{20}));
        }
    }
    void give_coins(const Address& account) {
        request("anvil_setBalance", JsonArray{codec::to_hex(account), "0x56bc75e2d63100000"});
    }
    Deployment deploy() {
        adapters::DeployOptions options =
            adapters::load_deploy_options(VCITY_SOURCE_DIR "/contracts/deployments").value();
        options.settings = {{"foundation", "0x00000000000000000000000000000000000000f0"},
                            {"guardian", "0x0000000000000000000000000000000000000060"},
                            {"firstVerifier", "0x000000000000000000000000000000000000007e"},
                            {"IncentiveController.periodLength", std::to_string(kPeriodSeconds)}};
        return await_here(adapters::deploy(&runtime(), &rpc_, &first_sender_, std::move(options))).value();
    }

    static std::unique_ptr<ports::HttpClient> make_http(Runtime* runtime) {
        return adapters::BeastHttpClient::make(runtime, adapters::HttpClientOptions{}).value();
    }

    std::unique_ptr<ports::HttpClient> http_ = make_http(&runtime());
    EvmRpc rpc_{&runtime(), http_.get(), shared().anvil.url()};
    KeySigner first_{1};
    KeySigner second_{2};
    adapters::TransactionSender first_sender_{&runtime(), &rpc_, &first_, 31'337};
    adapters::TransactionSender second_sender_{&runtime(), &rpc_, &second_, 31'337};
    std::unique_ptr<adapters::EvmUpkeep> upkeep_;
    std::unique_ptr<adapters::EvmUpkeep> other_;
};

}  // namespace
}  // namespace vcity::integration

namespace vcity::ports::testing {
namespace {

std::unique_ptr<UpkeepHarness> make_harness() {
    return std::make_unique<integration::AnvilUpkeepHarness>();
}

INSTANTIATE_TEST_SUITE_P(Anvil, UpkeepContract, ::testing::Values(UpkeepHarnessFactory{make_harness}));

}  // namespace
}  // namespace vcity::ports::testing
