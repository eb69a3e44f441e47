// SPDX-License-Identifier: Apache-2.0
#include "ports/testing/transfer_contract.hpp"
#include "sim/fakes/files.hpp"
#include "sim/runtime.hpp"

namespace vcity::ports::testing {
namespace {

class FakeTransferHarness final : public TransferHarness {
  public:
    Runtime& runtime() override { return world_; }
    void run(Task<void> task) override {
        world_.spawn(std::move(task));
        world_.run(100'000);
    }
    Transfer& transfer() override { return transfer_; }
    std::string url_of(const std::string& name) override { return "https://files/" + name; }
    void serve(const std::string& name, Bytes content) override { server_.files[url_of(name)] = std::move(content); }
    const Bytes* stored(const std::string& name) override {
        const auto found = server_.files.find(url_of(name));
        return found == server_.files.end() ? nullptr : &found->second;
    }
    void stop_server() override { server_.is_down = true; }

  private:
    sim::SimRuntime world_{1};
    sim::FakeFileServer server_;
    sim::FakeTransfer transfer_{&server_};
};

std::unique_ptr<TransferHarness> make_transfer_harness() {
    return std::make_unique<FakeTransferHarness>();
}

INSTANTIATE_TEST_SUITE_P(Fake, TransferContract, ::testing::Values(TransferHarnessFactory{make_transfer_harness}));

}  // namespace
}  // namespace vcity::ports::testing
