// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "async/channel.hpp"
#include "ports/blobs.hpp"
#include "ports/store.hpp"
#include "services/gateway/files/file_record.hpp"
#include "telemetry/log.hpp"

namespace vcity::gateway {

struct FileLimits {
    std::uint64_t file_bytes_max = 512ULL << 20U;     // of a file that a client uploads, as OpenAI has it
    std::uint64_t job_file_bytes_max = 16ULL << 30U;  // of a file that a node uploads
    std::uint64_t client_bytes_max = 20ULL << 30U;    // of one client, with what its jobs left
    std::size_t client_files_max = 10'000;
    std::size_t job_files_max = 20'000;
    std::size_t arrivals_max = 64;  // uploads of one client and its jobs at a time
    // What a job left goes so long after the deadline of its order.
    Duration kept_after_job = std::chrono::hours{7 * 24};
    Duration sweep_interval = std::chrono::seconds{30};
};

struct FileBookDeps {
    Runtime* runtime = nullptr;
    ports::Store* store = nullptr;
    ports::BlobStore* blobs = nullptr;
    Log log;
};

// Which files there are, whose they are, and until when. Contents are in the blob store, each once, however many
// records name it; this removes them when none does. What it says is there is in the store first.
class FileBook {
  public:
    FileBook(FileBookDeps deps, FileLimits limits);

    // A file that is coming in, counted with its client's from its first byte.
    class Arrival {
      public:
        Arrival(FileBook* book, const Address& client, std::unique_ptr<ports::BlobDraft> draft);
        ~Arrival();
        Arrival(const Arrival&) = delete;
        Arrival& operator=(const Arrival&) = delete;

        // kDenied: more than the client may have; kExhausted: the disk is full; kInvalid: longer than bytes_max.
        Task<Result<void>> write(std::string_view piece, std::uint64_t bytes_max);
        std::uint64_t bytes() const { return bytes_; }
        const Address& client() const { return client_; }

      private:
        friend class FileBook;
        FileBook* book_;
        Address client_;
        std::unique_ptr<ports::BlobDraft> draft_;
        std::uint64_t bytes_ = 0;
    };

    // Reads the store; contents that nobody names are removed later.
    Task<Result<void>> load();
    // Ends what has expired and removes contents, until stop().
    Task<void> run();
    void stop();

    // kConflict: too many uploads at a time; kDenied: nothing is left of what the client may have; kExhausted: the disk
    // is full.
    Task<Result<std::unique_ptr<Arrival>>> receive(Address client);

    // --- files of clients
    // Name, purpose and expiry of the draft count; the rest is filled in.
    Task<Result<FileRecord>> add(Arrival* arrival, FileRecord draft);
    // nullptr when there is none of that client, or it has expired; until the next call.
    const FileRecord* find(const Address& client, const std::string& id) const;
    // Oldest first; until the next call.
    std::vector<const FileRecord*> of(const Address& client) const;
    // kNotFound.
    Task<Result<void>> remove(Address client, std::string id);

    // --- files of jobs
    // Makes the space of a job, or adds to it. kNotFound: one of its files is nobody's any more.
    Task<Result<void>> open_space(JobSpace space);
    const JobSpace* space(const JobId& job_id) const;
    // The space goes with all that is in it.
    Task<Result<void>> drop_space(JobId job_id);
    // kInvalid: other bytes than the hash says; kNotFound: there is no such space; kDenied: too many files.
    Task<Result<void>> add_to_space(Arrival* arrival, JobId job_id, Hash sha256);

    // kNotFound also for contents that were lost.
    Task<Result<std::unique_ptr<ports::FileSource>>> open(Hash sha256);

    const FileLimits& limits() const { return limits_; }
    std::uint64_t bytes_of(const Address& client) const;
    std::size_t files() const { return files_.size(); }
    std::size_t spaces() const { return spaces_.size(); }

  private:
    struct Account {
        std::uint64_t bytes = 0;
        std::uint64_t arriving = 0;
        std::size_t arrivals = 0;
        std::set<std::pair<std::uint64_t, std::string>> files;  // by time of creation
    };
    // While one lives, no contents are removed.
    struct Keeping {
        explicit Keeping(FileBook* of) : book{of} { ++book->keeping_; }
        ~Keeping();
        Keeping(const Keeping&) = delete;
        Keeping& operator=(const Keeping&) = delete;
        FileBook* book;
    };

    Task<void> wait_for_eraser();
    Task<Result<void>> load_files();
    Task<Result<void>> load_spaces();
    Task<Result<void>> doom_strangers();
    Task<void> expire();
    Task<void> erase_doomed();
    Result<void> check_room(const Address& client, std::uint64_t more) const;
    void take_in(const FileRecord& record);
    void take_in(JobSpace* space, const Hash& sha256, const JobSpace::Entry& entry);
    void forget(const JobSpace& space);
    void release(const Hash& sha256);
    std::uint64_t now_seconds() const;

    Runtime* runtime_;
    ports::Store* store_;
    ports::BlobStore* blobs_;
    Log log_;
    FileLimits limits_;
    std::map<std::string, FileRecord> files_;
    std::map<JobId, JobSpace> spaces_;
    std::map<Address, Account> accounts_;
    std::map<Hash, std::uint64_t> uses_;
    std::set<Hash> doomed_;  // perhaps used again meanwhile
    std::size_t keeping_ = 0;
    bool is_erasing_ = false;
    bool is_stopping_ = false;
    Notifier gate_;
    Notifier wake_;
};

}  // namespace vcity::gateway
