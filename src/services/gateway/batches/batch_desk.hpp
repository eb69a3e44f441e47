// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "ports/store.hpp"
#include "services/gateway/batches/batch_input.hpp"
#include "services/gateway/exchange.hpp"

namespace vcity::gateway {

class DeliveryLog;

// Batches of model calls: reads their input files, runs their requests some at a time on whatever nodes the scheduler
// chooses, and writes output and error files in the order of the input.
//
// A request's answer is in the store before the next one of its worker begins, so a gateway that starts again asks only
// for what was not answered. Owned by the Gateway; one logical thread with it.
class BatchDesk {
  public:
    struct Parts {
        const Shared* shared = nullptr;
        FileBook* files = nullptr;  // null: no batches
        ports::Store* store = nullptr;
        DeliveryLog* deliveries = nullptr;  // where to note what was delivered; null: nowhere
    };

    explicit BatchDesk(Parts parts);

    Task<Result<void>> load();
    // Runs what is there and what comes, until stop().
    Task<void> run();
    void stop();

    bool has_files() const { return parts_.files != nullptr; }
    // In the store when it returns. kExhausted: there are too many.
    Task<Result<BatchRecord>> add(BatchRecord record);
    // nullptr when there is none of that client; until the next call.
    const BatchRecord* find(const Address& client, const std::string& id) const;
    // Newest first; until the next call.
    std::vector<const BatchRecord*> of(const Address& client) const;
    // What is asked already is still answered. Nothing happens when it has ended.
    Task<Result<void>> cancel(std::string id);

  private:
    struct Job {
        BatchRecord record;
        std::vector<BatchLine> lines;
        std::vector<bool> is_answered;
        std::size_t next = 0;
        bool is_running = false;
    };
    struct Answer {
        bool is_good = false;
        std::string line;
    };

    Task<void> run_batch(std::string id);
    void tell_end(const BatchRecord& record) const;
    Task<Result<void>> drive(Job* job);
    Task<Result<void>> scan(Job* job);
    Task<Result<void>> find_answers(Job* job);
    Task<void> work(Job* job);
    Task<Result<void>> run_line(Job* job, std::size_t index);
    Task<Result<BatchRequest>> read_line(const Job* job, std::size_t index);
    Task<std::optional<Answer>> ask(Job* job, std::size_t index, BatchRequest request);
    Task<Result<void>> write_files(Job* job);
    Task<Result<void>> collect(Job* job, FileBook::Arrival* output, FileBook::Arrival* errors);
    Task<Result<void>> drop_answers(Job* job);
    Task<Result<void>> save(Job* job);
    bool may_go_on(const Job& job) const;
    Job* oldest_idle();
    std::uint64_t now_seconds() const;

    Parts parts_;
    Runtime* runtime_;
    std::map<std::string, Job> jobs_;
    TaskGroup tasks_;
    Notifier wake_;
    std::size_t running_ = 0;
    bool is_stopping_ = false;
};

}  // namespace vcity::gateway
