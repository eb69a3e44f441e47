// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "async/completion.hpp"
#include "async/work_queue.hpp"
#include "base/result.hpp"

namespace vcity {

// A change that waits for the writing thread; done is called exactly once.
template <class Change>
struct PendingChange {
    Change change;
    Completion<Result<void>> done;
};

struct WriterReaderLimits {
    std::size_t changes_waiting_max = 0;
    std::size_t bytes_waiting_max = 0;
    std::size_t reads_waiting_max = 0;
};

// What blocks, behind two threads: one owns a Writer and gives it all changes that wait as one group, the other owns a
// Reader. Callers await on their runtime and resume there; kExhausted when too many of their kind wait. No call may be
// under way at the destruction. Writer has void run(std::deque<PendingChange<Change>> group).
template <class Writer, class Reader, class Change>
class WriterReader {
  public:
    WriterReader(Writer writer, Reader reader, const WriterReaderLimits& limits)
        : writer_{std::move(writer)},
          reader_{std::move(reader)},
          changes_{limits.changes_waiting_max, limits.bytes_waiting_max},
          reads_{limits.reads_waiting_max, SIZE_MAX},
          write_thread_{[this] { write_all(); }},
          read_thread_{[this] { read_all(); }} {}
    WriterReader(const WriterReader&) = delete;
    WriterReader& operator=(const WriterReader&) = delete;

    ~WriterReader() {
        changes_.close();
        reads_.close();
        write_thread_.join();
        read_thread_.join();
    }

    // bytes: what the change counts for against bytes_waiting_max.
    Task<Result<void>> write(Change change, std::size_t bytes) {
        auto start = [this, bytes, moved = std::move(change)](Completion<Result<void>> done) mutable {
            PendingChange<Change> pending{std::move(moved), done};
            if (!changes_.try_push(std::move(pending), bytes)) {
                done(make_error(Errc::kExhausted, "too many changes wait for the store"));
            }
        };
        return complete_elsewhere<Result<void>>(std::move(start));
    }

    // Runs function(Reader*) -> T on the reading thread.
    template <class T, class Read>
    Task<T> read(Read function) {
        return complete_elsewhere<T>([this, function = std::move(function)](Completion<T> done) mutable {
            ReadJob job = [function = std::move(function), done](Reader* target) mutable { done(function(target)); };
            if (!reads_.try_push(std::move(job), 0)) done(make_error(Errc::kExhausted, "too many reads wait"));
        });
    }

  private:
    using ReadJob = std::function<void(Reader*)>;

    void write_all() {
        for (auto group = changes_.take_all(); !group.empty(); group = changes_.take_all()) {
            writer_.run(std::move(group));
        }
    }
    void read_all() {
        for (auto jobs = reads_.take_all(); !jobs.empty(); jobs = reads_.take_all()) {
            for (ReadJob& job : jobs) std::exchange(job, nullptr)(&reader_);
        }
    }

    Writer writer_;
    Reader reader_;
    WorkQueue<PendingChange<Change>> changes_;
    WorkQueue<ReadJob> reads_;
    std::thread write_thread_;
    std::thread read_thread_;
};

}  // namespace vcity
