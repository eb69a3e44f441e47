// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "ports/store.hpp"
#include "sim/runtime.hpp"

namespace vcity::sim {

struct DiskFaults {
    std::uint64_t failures_per_mille = 0;  // of all calls: kUnavailable or kTimeout, half of them with the effect
    Duration latency_min = std::chrono::microseconds{100};
    Duration latency_max = std::chrono::milliseconds{4};
    // A lying disk, to prove that invariants notice: what was acknowledged under this prefix during the last lie_window
    // is lost in a crash. Empty: an honest disk.
    std::string lies_about;
    Duration lie_window = std::chrono::seconds{5};
};

// What one role's disk holds; it survives the crash of the role.
class FakeDisk {
  public:
    explicit FakeDisk(SimRuntime* world) : world_{world} {}

    // The machine loses power.
    void crash();
    const std::map<std::string, Bytes>& entries() const { return entries_; }
    std::optional<Bytes> find(const std::string& key) const;
    // As ports::Store::scan().
    std::vector<ports::StoreEntry> scan(const std::string& prefix, const std::string& after, std::size_t limit) const;
    // kConflict: an expectation does not hold.
    Result<void> check(const ports::StoreChange& change) const;
    // Grows with every change.
    std::uint64_t version() const { return version_; }

    DiskFaults faults;

  private:
    friend class FakeDatabase;
    friend class FakeStore;
    struct Unsynced {
        TimePoint when;
        std::string key;
        std::optional<Bytes> before;
    };

    Result<void> apply(const ports::StoreChange& change);
    void remember(const std::string& key);

    SimRuntime* world_;
    std::map<std::string, Bytes> entries_;
    std::deque<Unsynced> unsynced_;
    std::uint64_t version_ = 0;
};

// A store on such a disk, as long as its process lives.
class FakeStore final : public ports::Store {
  public:
    FakeStore(Runtime* runtime, FakeDisk* disk) : runtime_{runtime}, disk_{disk} {}

    Task<Result<void>> commit(ports::StoreChange change) override;
    Task<Result<std::optional<Bytes>>> get(std::string key) override;
    Task<Result<std::vector<ports::StoreEntry>>> scan(std::string prefix,
                                                      std::string after,
                                                      std::size_t limit) override;

  private:
    Task<void> wait();
    std::optional<Error> draw_failure();

    Runtime* runtime_;
    FakeDisk* disk_;
};

}  // namespace vcity::sim
