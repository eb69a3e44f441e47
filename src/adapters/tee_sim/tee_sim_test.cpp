// SPDX-License-Identifier: Apache-2.0
#include "adapters/tee_sim/tee_sim.hpp"

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/tee_contract.hpp"

namespace vcity::ports::testing {
namespace {

class SimulatedTeeHarness : public OnRuntime<TeeHarness, adapters::AsioRuntime> {
  public:
    Tee& tee() override { return tee_; }
    attest::EvidenceContext context() override {
        attest::EvidenceContext context;
        context.simulated_roots = {tee_.root()};
        return context;
    }
    Bytes report_data() override { return Bytes(64, 7); }
    UnixMillis now() override { return runtime().unix_now(); }
    Bytes bound(const Bytes& report_data) override { return report_data; }

  private:
    adapters::SimulatedTee tee_{*crypto::PrivateKey::make(Bytes(32, 5)), Hash{}, Hash{}};
};

INSTANTIATE_TEST_SUITE_P(Sim,
                         TeeContract,
                         ::testing::Values(TeeHarnessFactory{[] { return std::make_unique<SimulatedTeeHarness>(); }}));

}  // namespace
}  // namespace vcity::ports::testing
