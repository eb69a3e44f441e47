// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "ports/store.hpp"

namespace vcity::adapters {

struct SqliteStoreOptions {
    // The database. "<path>.lock" beside it is locked while the store is open, "<path>-wal" holds recent changes.
    std::string path;
    std::size_t changes_waiting_max = 4'096;
    std::size_t bytes_waiting_max = 128U << 20U;
    std::size_t reads_waiting_max = 4'096;
    // Reads every page when opening. Costs about a second per gigabyte.
    bool check_pages = true;
};

// ports::Store in one SQLite file (write-ahead log, synchronous=FULL). One thread writes: it takes all changes that
// wait, runs them in one transaction and flushes the disk once for all of them; another thread reads on its own
// connection. Callers await on their runtime and resume there. No call may be under way when the store is destroyed.
//
// Beyond the port: kExhausted when too many changes wait or the disk is full (nothing changed then). After an I/O error
// the effect of which is unknown every later change is kUnavailable until the store is opened again, because a failed
// flush may have dropped pages that a second flush would report as written.
class SqliteStore final : public ports::Store {
  public:
    // kConflict: another process (or another store of this one) has it open. kCorrupt: no database of ours, or a
    // damaged one. kInvalid: written by a newer program. Blocks the calling thread.
    static Result<std::unique_ptr<SqliteStore>> open(const SqliteStoreOptions& options);

    ~SqliteStore() override;
    SqliteStore(const SqliteStore&) = delete;
    SqliteStore& operator=(const SqliteStore&) = delete;

    Task<Result<void>> commit(ports::StoreChange change) override;
    Task<Result<std::optional<Bytes>>> get(std::string key) override;
    Task<Result<std::vector<ports::StoreEntry>>> scan(std::string prefix,
                                                      std::string after,
                                                      std::size_t limit) override;

  private:
    struct Impl;
    explicit SqliteStore(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace vcity::adapters
