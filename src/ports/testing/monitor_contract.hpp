// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "ports/monitor.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::ports::testing {

class SealerHarness : public TaskRunner {
  public:
    virtual Sealer& sealer() = 0;
    // The model that it seals for.
    virtual Hash model_root() = 0;
    // Lets the epoch end.
    virtual void pass_an_epoch() = 0;
};

using SealerHarnessFactory = std::function<std::unique_ptr<SealerHarness>()>;

// What every Sealer must do. One file of a test program includes this and instantiates the suite with its factory.
class SealerContract : public ::testing::TestWithParam<SealerHarnessFactory> {
  protected:
    MonitorKey key() { return *await(*harness, harness->sealer().current(soon())); }
    Result<SignedSeal> seal(const MonitorSeal& wanted) {
        return await(*harness, harness->sealer().seal(wanted, soon()));
    }
    TimePoint soon() { return harness->runtime().now() + std::chrono::seconds{5}; }
    MonitorSeal a_seal() {
        MonitorSeal wanted;
        wanted.job_id.bytes.fill(1);
        wanted.verification_root.bytes.fill(2);
        wanted.request_hash.bytes.fill(3);
        wanted.client_nonce.bytes.fill(4);
        wanted.model_root = harness->model_root();
        wanted.epoch = key().epoch;
        return wanted;
    }

    std::unique_ptr<SealerHarness> harness = GetParam()();
};

TEST_P(SealerContract, SealsWhatItWasGivenAndOnlyAddsTheTime) {
    const MonitorSeal wanted = a_seal();
    const Result<SignedSeal> sealed = seal(wanted);
    ASSERT_TRUE(sealed) << sealed.error().message;
    MonitorSeal timed = wanted;
    timed.sealed_at = sealed->seal.sealed_at;
    EXPECT_EQ(sealed->seal, timed);
    EXPECT_NE(sealed->seal.sealed_at, UnixMillis{0});
}

TEST_P(SealerContract, GivesTheSameSealForTheSameRoot) {
    const Result<SignedSeal> first = seal(a_seal());
    ASSERT_TRUE(first);
    EXPECT_EQ(*seal(a_seal()), *first);
}

TEST_P(SealerContract, RefusesASecondRootOfAJob) {
    ASSERT_TRUE(seal(a_seal()));
    MonitorSeal second = a_seal();
    second.verification_root.bytes[0] ^= 1U;
    EXPECT_EQ(seal(second).error().code, Errc::kConflict);
}

TEST_P(SealerContract, ChangesItsKeyWithTheEpochAndStillSealsWhatBeganBefore) {
    const MonitorKey first = key();
    MonitorSeal begun = a_seal();
    harness->pass_an_epoch();
    EXPECT_NE(key().hash, first.hash);
    EXPECT_EQ(key().epoch, first.epoch + 1);
    EXPECT_TRUE(seal(begun));
    harness->pass_an_epoch();
    begun.job_id.bytes.fill(9);
    EXPECT_EQ(seal(begun).error().code, Errc::kNotFound);
}

}  // namespace vcity::ports::testing
