// SPDX-License-Identifier: Apache-2.0
#include "adapters/store_sqlite/store.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "adapters/store_sqlite/database.hpp"
#include "async/writer_reader.hpp"

namespace vcity::adapters {
namespace {

// "vcit" in the file's header says whose database it is.
constexpr std::int64_t kApplicationId = 0x76636974;
constexpr std::int64_t kSchemaVersion = 1;

class FileDescriptor {
  public:
    explicit FileDescriptor(int descriptor) : descriptor_{descriptor} {}
    FileDescriptor(FileDescriptor&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    int get() const { return descriptor_; }

  private:
    int descriptor_;
};

Error system_error(const std::string& what) {
    const int number = errno;
    return make_error(number == EACCES || number == EROFS ? Errc::kDenied : Errc::kUnavailable,
                      what + ": " + std::system_category().message(number));
}

Result<FileDescriptor> lock_file(const std::string& path) {
    FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (file.get() < 0) return system_error("open " + path);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
    if (errno == EWOULDBLOCK) return make_error(Errc::kConflict, "store is in use by another process: " + path);
    return system_error("lock " + path);
}

// The file is made here rather than by SQLite, so that only its owner can read it and its name is on disk.
Result<void> make_file(const std::string& path) {
    const FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (file.get() < 0) return system_error("open " + path);
    std::string folder = std::filesystem::path{path}.parent_path().string();
    if (folder.empty()) folder = ".";
    const FileDescriptor parent{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (parent.get() < 0) return system_error("open " + folder);
    if (::fsync(parent.get()) != 0) return system_error("sync " + folder);
    return {};
}

Result<void> prepare_schema(Database* database) {
    TRY(const std::int64_t application, database->query_integer("PRAGMA application_id"));
    TRY(const std::int64_t version, database->query_integer("PRAGMA user_version"));
    TRY(const std::int64_t tables, database->query_integer("SELECT count(*) FROM sqlite_schema"));
    if (application == kApplicationId && version == kSchemaVersion && tables == 1) return {};
    if (application == kApplicationId && version > kSchemaVersion) {
        return make_error(Errc::kInvalid, "store has schema " + std::to_string(version) +
                                              ", this program knows up to " + std::to_string(kSchemaVersion));
    }
    if (application != 0 || version != 0 || tables != 0) {
        return make_error(Errc::kCorrupt, "not a store of this program, or a damaged one");
    }
    return database->execute(
        "BEGIN IMMEDIATE;"
        "CREATE TABLE entries(key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;"
        "PRAGMA application_id = 0x76636974;"
        "PRAGMA user_version = 1;"
        "COMMIT");
}

Result<Database> open_writer(const SqliteStoreOptions& options) {
    TRY_OK(make_file(options.path));
    TRY(Database database, Database::open(options.path, false));
    TRY(const std::string mode, database.query_text("PRAGMA journal_mode = WAL"));
    if (mode != "wal") return make_error(Errc::kUnavailable, "no write-ahead log on this file system: " + mode);
    TRY_OK(
        database.execute("PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;"
                         "PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 2000"));
    TRY_OK(prepare_schema(&database));
    if (options.check_pages) {
        TRY(const std::string verdict, database.query_text("PRAGMA quick_check(1)"));
        if (verdict != "ok") return make_error(Errc::kCorrupt, "damaged store: " + verdict);
    }
    return database;
}

using Group = std::deque<PendingChange<ports::StoreChange>>;

// The statements of the writing thread.
class Writer {
  public:
    static Result<Writer> make(Database database) {
        TRY(Statement select, database.prepare("SELECT value FROM entries WHERE key = ?1"));
        TRY(Statement upsert, database.prepare("INSERT INTO entries(key, value) VALUES(?1, ?2)"
                                               " ON CONFLICT(key) DO UPDATE SET value = excluded.value"));
        TRY(Statement erase, database.prepare("DELETE FROM entries WHERE key = ?1"));
        return Writer{std::move(database), std::move(select), std::move(upsert), std::move(erase)};
    }

    // Runs all changes in one transaction; every one gets its own result. A change whose expectation fails has written
    // nothing by then, so it needs no savepoint; any other failure fails the whole group.
    void run(Group group) {
        std::vector<Result<void>> results;
        const Result<void> committed = try_run(group, &results);
        for (std::size_t index = 0; index < group.size(); ++index) {
            group[index].done(committed ? results[index] : committed);
        }
    }

  private:
    Writer(Database database, Statement select, Statement upsert, Statement erase)
        : database_{std::move(database)},
          select_{std::move(select)},
          upsert_{std::move(upsert)},
          erase_{std::move(erase)} {}

    Result<void> try_run(const Group& group, std::vector<Result<void>>* results) {
        if (failure_) return *failure_;
        TRY_OK(database_.execute("BEGIN IMMEDIATE"));
        for (const auto& pending : group) {
            Result<void> result = apply(pending.change);
            if (!result && result.error().code != Errc::kConflict) return give_up(result.error());
            results->push_back(std::move(result));
        }
        const Result<void> committed = database_.execute("COMMIT");
        if (!committed) return give_up(committed.error());
        return {};
    }

    Error give_up(const Error& cause) {
        if (database_.in_transaction()) {
            const Result<void> undone = database_.execute("ROLLBACK");
            if (!undone) failure_ = make_error(Errc::kUnavailable, "store failed: " + undone.error().message);
        }
        if (cause.code == Errc::kExhausted && !failure_) return cause;
        if (!failure_) failure_ = make_error(Errc::kUnavailable, "store failed: " + cause.message);
        return cause;
    }

    Result<void> apply(const ports::StoreChange& change) {
        for (const auto& expectation : change.expectations) {
            TRY(const bool holds, check(expectation));
            if (!holds) return make_error(Errc::kConflict, "expectation does not hold: " + expectation.key);
        }
        for (const ports::StoreEntry& entry : change.puts) {
            const StatementUse use{&upsert_};
            TRY_OK(upsert_.bind(1, as_bytes(entry.key)));
            TRY_OK(upsert_.bind(2, entry.value));
            TRY_OK(upsert_.step());
        }
        for (const std::string& key : change.deletes) {
            const StatementUse use{&erase_};
            TRY_OK(erase_.bind(1, as_bytes(key)));
            TRY_OK(erase_.step());
        }
        return {};
    }

    Result<bool> check(const ports::StoreChange::Expectation& expectation) {
        const StatementUse use{&select_};
        TRY_OK(select_.bind(1, as_bytes(expectation.key)));
        TRY(const bool found, select_.step());
        if (found != expectation.value.has_value()) return false;
        return !found || std::ranges::equal(select_.column_bytes(0), *expectation.value);
    }

    Database database_;
    Statement select_;
    Statement upsert_;
    Statement erase_;
    std::optional<Error> failure_;
};

// The statements of the reading thread.
class Reader {
  public:
    static Result<Reader> make(Database database) {
        TRY(Statement select, database.prepare("SELECT value FROM entries WHERE key = ?1"));
        TRY(Statement range, database.prepare("SELECT key, value FROM entries WHERE key >= ?1 AND key < ?2"
                                              " ORDER BY key LIMIT ?3"));
        return Reader{std::move(database), std::move(select), std::move(range)};
    }

    Result<std::optional<Bytes>> get(const std::string& key) {
        const StatementUse use{&select_};
        TRY_OK(select_.bind(1, as_bytes(key)));
        TRY(const bool found, select_.step());
        if (!found) return std::optional<Bytes>{};
        const ByteView value = select_.column_bytes(0);
        return std::optional<Bytes>{Bytes{value.begin(), value.end()}};
    }

    Result<std::vector<ports::StoreEntry>> scan(const std::string& prefix,
                                                const std::string& after,
                                                std::size_t limit) {
        // The key that follows `after` with nothing between.
        const std::string from = std::max(prefix, after + '\0');
        const std::string end = ports::end_of_prefix(prefix);
        const StatementUse use{&range_};
        TRY_OK(range_.bind(1, as_bytes(from)));
        TRY_OK(range_.bind(2, as_bytes(end)));
        TRY_OK(range_.bind(3, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX))));
        std::vector<ports::StoreEntry> entries;
        for (;;) {
            TRY(const bool found, range_.step());
            if (!found) return entries;
            const ByteView value = range_.column_bytes(1);
            entries.push_back(
                {.key = std::string{as_text(range_.column_bytes(0))}, .value = Bytes{value.begin(), value.end()}});
        }
    }

  private:
    Reader(Database database, Statement select, Statement range)
        : database_{std::move(database)}, select_{std::move(select)}, range_{std::move(range)} {}

    Database database_;
    Statement select_;
    Statement range_;
};

}  // namespace

struct SqliteStore::Impl {
    FileDescriptor lock;  // outlives the threads
    WriterReader<Writer, Reader, ports::StoreChange> threads;

    Impl(FileDescriptor held, Writer writer, Reader reader, const WriterReaderLimits& limits)
        : lock{std::move(held)}, threads{std::move(writer), std::move(reader), limits} {}
};

SqliteStore::SqliteStore(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}

SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteStoreOptions& options) {
    const auto with_path = [&options](Error error) {
        error.message = options.path + ": " + error.message;
        return error;
    };
    TRY(FileDescriptor lock, lock_file(options.path + ".lock"));
    Result<Database> database = open_writer(options);
    if (!database) return with_path(database.error());
    TRY(Writer writer, Writer::make(*std::move(database)));
    TRY(Database read_database, Database::open(options.path, true));
    TRY(Reader reader, Reader::make(std::move(read_database)));
    const WriterReaderLimits limits{options.changes_waiting_max, options.bytes_waiting_max, options.reads_waiting_max};
    auto impl = std::make_unique<Impl>(std::move(lock), std::move(writer), std::move(reader), limits);
    return std::unique_ptr<SqliteStore>{new SqliteStore{std::move(impl)}};
}

Task<Result<void>> SqliteStore::commit(ports::StoreChange change) {
    CO_TRY(const std::size_t bytes, ports::change_bytes(change));
    co_return co_await impl_->threads.write(std::move(change), bytes);
}

Task<Result<std::optional<Bytes>>> SqliteStore::get(std::string key) {
    auto read = [wanted = std::move(key)](Reader* reader) { return reader->get(wanted); };
    co_return co_await impl_->threads.read<Result<std::optional<Bytes>>>(std::move(read));
}

Task<Result<std::vector<ports::StoreEntry>>> SqliteStore::scan(std::string prefix,
                                                               std::string after,
                                                               std::size_t limit) {
    auto read = [start = std::move(prefix), previous = std::move(after), limit](Reader* reader) {
        return reader->scan(start, previous, limit);
    };
    co_return co_await impl_->threads.read<Result<std::vector<ports::StoreEntry>>>(std::move(read));
}

}  // namespace vcity::adapters
