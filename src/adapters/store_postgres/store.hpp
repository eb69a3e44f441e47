// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "ports/store.hpp"

namespace vcity::adapters {

struct PostgresStoreOptions {
    // A connection string of libpq, e.g. "postgresql://vcity@10.0.0.5/vcity". No password in it: libpq reads the file
    // that PGPASSFILE names, or a certificate.
    std::string uri;
    // Keys of one space are one store; roles that share state name the same. 1 to 63 of a-z, 0-9, "_", "-".
    std::string space;
    // The space belongs to this process alone: it holds a lock of the server's in the session that writes, so whoever
    // lost that session cannot write any more once another process has the lock.
    bool exclusive = false;
    std::chrono::milliseconds patience{10'000};  // for one call to the server
    // A transaction of ours that the server waits for longer than this, because this process sleeps or is cut off, is
    // rolled back, so that its locks do not hold up others. At most `patience`.
    std::chrono::milliseconds idle_in_transaction{10'000};
    std::size_t changes_waiting_max = 4'096;
    std::size_t bytes_waiting_max = 128U << 20U;
    std::size_t reads_waiting_max = 4'096;
    std::size_t group_changes_max = 512;  // in one transaction
};

// ports::Store in a PostgreSQL database that several processes may use at once. One thread writes: it takes changes
// that wait, runs them in one transaction, and the server flushes once for all of them; another thread reads on its
// own connection.
//
// Changes are serialisable by the keys they name: rows that exist are locked in the order of their keys before anything
// is decided, and a key that was expected absent is inserted, so that of two processes that expect the same absence one
// waits and then fails. Transactions take locks in one order and so cannot block each other for good; one that the
// server gives up all the same is repeated.
//
// Beyond the port: kExhausted when too many changes wait, kDenied when an exclusive space has gone to another process.
// A broken connection is opened again for the next group.
class PostgresStore final : public ports::Store {
  public:
    // Creates the table when it is not there. kInvalid for a bad space; kConflict when another process has it for
    // itself; kUnavailable, kTimeout, kDenied from the server. Blocks the calling thread.
    static Result<std::unique_ptr<PostgresStore>> open(const PostgresStoreOptions& options);

    ~PostgresStore() override;
    PostgresStore(const PostgresStore&) = delete;
    PostgresStore& operator=(const PostgresStore&) = delete;

    Task<Result<void>> commit(ports::StoreChange change) override;
    Task<Result<std::optional<Bytes>>> get(std::string key) override;
    Task<Result<std::vector<ports::StoreEntry>>> scan(std::string prefix,
                                                      std::string after,
                                                      std::size_t limit) override;

  private:
    struct Impl;
    explicit PostgresStore(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace vcity::adapters
