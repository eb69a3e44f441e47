// SPDX-License-Identifier: Apache-2.0
#include "adapters/store_postgres/store.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "adapters/store_postgres/connection.hpp"
#include "async/writer_reader.hpp"

namespace vcity::adapters {
namespace {

constexpr int kAttemptsMax = 10;
constexpr std::size_t kSpaceBytesMax = 63;

// Two processes that make the table at once would collide in the server's catalogue.
constexpr const char* kSchema =
    "BEGIN; SELECT pg_advisory_xact_lock(1986226548);"
    "CREATE TABLE IF NOT EXISTS vcity_entries("
    "space text NOT NULL, key bytea NOT NULL, value bytea NOT NULL, PRIMARY KEY(space, key));"
    "COMMIT";
constexpr const char* kOwn = "SELECT pg_try_advisory_lock(hashtextextended('vcity ' || $1, 0))";
// Values come back only where one is expected. A long answer would not fit into the socket's buffer, and a process that
// is stopped while the server sends it would keep its locks: no timeout of the server's ends that wait.
constexpr const char* kLock =
    "SELECT key, CASE WHEN key = ANY($3) THEN value ELSE '' END FROM vcity_entries"
    " WHERE space = $1 AND key = ANY($2) ORDER BY key FOR UPDATE";
// Rows go in by ascending key, as the arrays have them. A key that somebody else inserted meanwhile is left alone, and
// the count tells.
constexpr const char* kInsert =
    "INSERT INTO vcity_entries(space, key, value) SELECT $1, k, v FROM unnest($2, $3) AS t(k, v)"
    " ON CONFLICT(space, key) DO NOTHING";
constexpr const char* kUpdate =
    "UPDATE vcity_entries SET value = t.v FROM unnest($2, $3) AS t(k, v) WHERE space = $1 AND key = t.k";
constexpr const char* kDelete = "DELETE FROM vcity_entries WHERE space = $1 AND key = ANY($2)";
constexpr const char* kGet = "SELECT value FROM vcity_entries WHERE space = $1 AND key = $2";
constexpr const char* kScan =
    "SELECT key, value FROM vcity_entries WHERE space = $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4";

Result<void> check_space(const std::string& space) {
    const auto is_good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    if (!space.empty() && space.size() <= kSpaceBytesMax && std::ranges::all_of(space, is_good)) return {};
    return make_error(Errc::kInvalid, "a store's space is 1 to 63 of a-z, 0-9, \"_\" and \"-\"");
}

using Group = std::vector<PendingChange<ports::StoreChange>>;
using State = std::map<std::string, std::optional<Bytes>>;

// A connection that is opened again when it broke.
class Link {
  public:
    Link(const PostgresStoreOptions& options, bool locks) : options_{options}, locks_{locks} {}

    // kDenied: another process has the space for itself.
    Result<PostgresConnection*> get() {
        if (connection_ && connection_->is_usable()) return &*connection_;
        connection_.reset();
        TRY(PostgresConnection opened,
            PostgresConnection::open(options_.uri, options_.patience, options_.idle_in_transaction));
        if (locks_) {
            TRY(const PostgresRows rows, opened.execute(kOwn, {options_.space}));
            const bool is_ours = rows.count() == 1 && rows.bytes(0, 0).size() == 1 && rows.bytes(0, 0)[0] == 1;
            if (!is_ours) {
                return make_error(Errc::kDenied, "store is in use by another process: space " + options_.space);
            }
        }
        connection_.emplace(std::move(opened));
        return &*connection_;
    }
    void drop() { connection_.reset(); }
    const std::string& space() const { return options_.space; }

  private:
    PostgresStoreOptions options_;
    bool locks_;
    std::optional<PostgresConnection> connection_;
};

// One transaction for a group of changes. The state before is that of the locked rows; every change sees those before
// it in the group.
class GroupCommit {
  public:
    GroupCommit(PostgresConnection* connection, const std::string* space) : connection_{connection}, space_{space} {}

    // One result for each change. An Error: nothing was written, or (kUnavailable, kTimeout) it is unknown.
    Result<std::vector<Result<void>>> run(const Group& group) {
        TRY_OK(connection_->run("BEGIN ISOLATION LEVEL READ COMMITTED"));
        auto results = decide_and_write(group);
        if (!results) {
            // Best effort: a connection that broke is dropped anyway.
            static_cast<void>(connection_->run("ROLLBACK").has_value());
            return results;
        }
        TRY_OK(connection_->run("COMMIT"));
        return results;
    }

  private:
    static std::vector<ByteView> views_of(const std::set<std::string>& keys) {
        std::vector<ByteView> views;
        for (const std::string& key : keys) views.push_back(as_bytes(key));
        return views;
    }

    Result<std::vector<Result<void>>> decide_and_write(const Group& group) {
        TRY_OK(lock_rows(group));
        std::vector<Result<void>> results;
        for (const auto& pending : group) results.push_back(apply(pending.change));
        TRY_OK(write());
        return results;
    }

    Result<void> lock_rows(const Group& group) {
        for (const auto& pending : group) {
            for (const auto& expectation : pending.change.expectations) {
                before_.try_emplace(expectation.key);
                expected_.insert(expectation.key);
            }
            for (const auto& entry : pending.change.puts) before_.try_emplace(entry.key);
            for (const auto& key : pending.change.deletes) before_.try_emplace(key);
        }
        std::vector<ByteView> keys;
        for (const auto& [key, value] : before_) keys.push_back(as_bytes(key));
        const std::vector<ByteView> expected = views_of(expected_);
        TRY(const PostgresRows rows, connection_->execute(kLock, {*space_, keys, expected}));
        for (int row = 0; row < rows.count(); ++row) {
            const ByteView value = rows.bytes(row, 1);
            before_[std::string{as_text(rows.bytes(row, 0))}] = Bytes{value.begin(), value.end()};
        }
        after_ = before_;
        return {};
    }

    Result<void> apply(const ports::StoreChange& change) {
        for (const auto& expectation : change.expectations) {
            if (!expectation.value && !before_.at(expectation.key)) expected_absent_.insert(expectation.key);
            if (after_.at(expectation.key) != expectation.value) {
                return make_error(Errc::kConflict, "expectation does not hold: " + expectation.key);
            }
        }
        for (const ports::StoreEntry& entry : change.puts) {
            after_[entry.key] = entry.value;
            put_.insert(entry.key);
        }
        for (const std::string& key : change.deletes) after_[key].reset();
        return {};
    }

    // What is new is inserted by ascending key, also what was only expected to be absent: that is deleted again.
    Result<void> write() {
        static const Bytes kNothing;
        std::vector<ByteView> new_keys;
        std::vector<ByteView> new_values;
        std::vector<ByteView> old_keys;
        std::vector<ByteView> old_values;
        std::vector<ByteView> gone;
        for (const auto& [key, value] : after_) {
            const std::optional<Bytes>& old = before_.at(key);
            const bool is_guarded = !old && !value && expected_absent_.contains(key);
            if (!old && (value || is_guarded)) {
                new_keys.push_back(as_bytes(key));
                new_values.emplace_back(value ? *value : kNothing);
            } else if (old && value && put_.contains(key)) {
                old_keys.push_back(as_bytes(key));
                old_values.emplace_back(*value);
            }
            if ((old && !value) || is_guarded) gone.push_back(as_bytes(key));
        }
        if (!new_keys.empty()) {
            TRY(const PostgresRows rows, connection_->execute(kInsert, {*space_, new_keys, new_values}));
            if (rows.changed() != new_keys.size()) {
                return make_error(Errc::kConflict, "postgres: another process inserted one of these keys");
            }
        }
        if (!old_keys.empty()) {
            TRY_OK(connection_->execute(kUpdate, {*space_, old_keys, old_values}));
        }
        if (!gone.empty()) {
            TRY_OK(connection_->execute(kDelete, {*space_, gone}));
        }
        return {};
    }

    PostgresConnection* connection_;
    const std::string* space_;
    State before_;  // the values of expected_; of the others, whether they are there
    State after_;
    std::set<std::string> expected_;
    std::set<std::string> expected_absent_;
    std::set<std::string> put_;
};

class Writer {
  public:
    Writer(const PostgresStoreOptions& options, std::size_t group_max)
        : link_{options, options.exclusive}, group_max_{group_max} {}

    Result<void> prepare() {
        Result<PostgresConnection*> connection = link_.get();
        if (!connection && connection.error().code == Errc::kDenied) connection.error().code = Errc::kConflict;
        TRY_OK(connection);
        return (*connection)->run(kSchema);
    }

    void run(std::deque<PendingChange<ports::StoreChange>> waiting) {
        while (!waiting.empty()) {
            Group group;
            while (!waiting.empty() && group.size() < group_max_) {
                group.push_back(std::move(waiting.front()));
                waiting.pop_front();
            }
            const Result<std::vector<Result<void>>> results = try_often(group);
            for (std::size_t i = 0; i < group.size(); ++i) {
                group[i].done(results ? (*results)[i] : Result<void>{results.error()});
            }
        }
    }

  private:
    // Whatever the server gave up for another transaction's sake is decided anew on the state that one left.
    Result<std::vector<Result<void>>> try_often(const Group& group) {
        Error last = make_error(Errc::kUnavailable, "postgres: not tried");
        for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
            TRY(PostgresConnection* const connection, link_.get());
            auto results = GroupCommit{connection, &link_.space()}.run(group);
            if (results) return results;
            last = results.error();
            if (!connection->is_usable()) link_.drop();
            if (last.code != Errc::kConflict) return last;
        }
        return make_error(Errc::kUnavailable, "postgres: given up after many conflicts: " + last.message);
    }

    Link link_;
    std::size_t group_max_;
};

class Reader {
  public:
    explicit Reader(const PostgresStoreOptions& options) : link_{options, false} {}

    Result<std::optional<Bytes>> get(const std::string& key) {
        TRY(const PostgresRows rows, ask(kGet, {link_.space(), as_bytes(key)}));
        if (rows.count() == 0) return std::optional<Bytes>{};
        const ByteView value = rows.bytes(0, 0);
        return std::optional<Bytes>{Bytes{value.begin(), value.end()}};
    }

    Result<std::vector<ports::StoreEntry>> scan(const std::string& prefix,
                                                const std::string& after,
                                                std::size_t limit) {
        // The key that follows `after` with nothing between.
        const std::string from = std::max(prefix, after + '\0');
        const std::string end = ports::end_of_prefix(prefix);
        const auto most = static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
        TRY(const PostgresRows rows, ask(kScan, {link_.space(), as_bytes(from), as_bytes(end), most}));
        std::vector<ports::StoreEntry> entries;
        for (int row = 0; row < rows.count(); ++row) {
            const ByteView value = rows.bytes(row, 1);
            entries.push_back({std::string{as_text(rows.bytes(row, 0))}, Bytes{value.begin(), value.end()}});
        }
        return entries;
    }

  private:
    // Reading twice is harmless, so a connection that had died unnoticed costs one more try.
    Result<PostgresRows> ask(const char* sql, const std::vector<PostgresValue>& values) {
        TRY(PostgresConnection * connection, link_.get());
        Result<PostgresRows> rows = connection->execute(sql, values);
        if (rows || connection->is_usable()) return rows;
        link_.drop();
        if (rows.error().code != Errc::kUnavailable) return rows;
        TRY(connection, link_.get());
        return connection->execute(sql, values);
    }

    Link link_;
};

}  // namespace

struct PostgresStore::Impl : WriterReader<Writer, Reader, ports::StoreChange> {
    using WriterReader::WriterReader;
};

PostgresStore::PostgresStore(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}

PostgresStore::~PostgresStore() = default;

Result<std::unique_ptr<PostgresStore>> PostgresStore::open(const PostgresStoreOptions& options) {
    TRY_OK(check_space(options.space));
    Writer writer{options, std::max<std::size_t>(options.group_changes_max, 1)};
    TRY_OK(writer.prepare());
    const WriterReaderLimits limits{options.changes_waiting_max, options.bytes_waiting_max, options.reads_waiting_max};
    auto impl = std::make_unique<Impl>(std::move(writer), Reader{options}, limits);
    return std::unique_ptr<PostgresStore>{new PostgresStore{std::move(impl)}};
}

Task<Result<void>> PostgresStore::commit(ports::StoreChange change) {
    CO_TRY(const std::size_t bytes, ports::change_bytes(change));
    co_return co_await impl_->write(std::move(change), bytes);
}

Task<Result<std::optional<Bytes>>> PostgresStore::get(std::string key) {
    auto read = [wanted = std::move(key)](Reader* reader) { return reader->get(wanted); };
    co_return co_await impl_->read<Result<std::optional<Bytes>>>(std::move(read));
}

Task<Result<std::vector<ports::StoreEntry>>> PostgresStore::scan(std::string prefix,
                                                                 std::string after,
                                                                 std::size_t limit) {
    auto read = [start = std::move(prefix), previous = std::move(after), limit](Reader* reader) {
        return reader->scan(start, previous, limit);
    };
    co_return co_await impl_->read<Result<std::vector<ports::StoreEntry>>>(std::move(read));
}

}  // namespace vcity::adapters
