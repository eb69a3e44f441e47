// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/batches/batch_desk.hpp"

#include <algorithm>
#include <cstdlib>
#include <tuple>

#include <fmt/format.h>

#include "services/gateway/batches/captured_answer.hpp"
#include "services/gateway/generation_flow.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kRecords = "gateway/batch/";
constexpr std::string_view kAnswers = "gateway/batch-answer/";
constexpr std::size_t kScanPage = 256;
constexpr std::size_t kBatchesMax = 1'000;  // all clients'; the oldest that has ended makes room
constexpr std::size_t kRunningMax = 8;      // at the same time
constexpr std::size_t kWorkers = 8;         // requests of one batch at the same time
constexpr std::size_t kReadBytes = 256U << 10U;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{4} << 30U;
constexpr Duration kIdle = std::chrono::seconds{30};
constexpr Duration kRetryFirst = std::chrono::seconds{1};
constexpr Duration kRetryMost = std::chrono::seconds{60};
constexpr int kTriesMax = 5;

std::string record_key(const std::string& id) {
    return std::string{kRecords} + id;
}

std::string answer_prefix(const std::string& id) {
    return fmt::format("{}{}/", kAnswers, id);
}

std::string answer_key(const std::string& id, std::size_t index) {
    return fmt::format("{}{:06}", answer_prefix(id), index);
}

// Too much at once, no node now, no scheduler now: a batch has a day, and waits.
bool is_busy(unsigned status) {
    return status == 429 || status == 503;
}

// A node that broke or took too long: another may do better.
bool is_broken(unsigned status) {
    return status == 408 || status == 502 || status == 504;
}

}  // namespace

BatchDesk::BatchDesk(Parts parts) : parts_{parts}, runtime_{parts.shared->runtime}, tasks_{runtime_}, wake_{runtime_} {}

std::uint64_t BatchDesk::now_seconds() const {
    return static_cast<std::uint64_t>(runtime_->unix_now().count() / 1000);
}

Task<Result<void>> BatchDesk::load() {
    const std::string prefix{kRecords};
    std::string after;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await parts_.store->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            CO_TRY(BatchRecord record, parse_batch_record(as_text(entry.value)));
            Job job;
            job.record = std::move(record);
            const std::string id = job.record.id;
            jobs_.emplace(id, std::move(job));
        }
        if (page.size() < kScanPage) co_return Result<void>{};
        after = page.back().key;
    }
}

BatchDesk::Job* BatchDesk::oldest_idle() {
    Job* oldest = nullptr;
    for (auto& [id, job] : jobs_) {
        if (job.is_running || has_ended(job.record.state)) continue;
        if (oldest == nullptr || job.record.created_at < oldest->record.created_at) oldest = &job;
    }
    return oldest;
}

Task<void> BatchDesk::run() {
    while (!is_stopping_) {
        Job* job = running_ < kRunningMax ? oldest_idle() : nullptr;
        if (job != nullptr) {
            job->is_running = true;
            ++running_;
            tasks_.spawn(run_batch(job->record.id));
            continue;
        }
        (void)co_await wake_.wait_until(runtime_->now() + kIdle);
    }
    while (tasks_.running() > 0) {
        // Requests under way end by themselves once the link has; the deadline only bounds one wait.
        const TimePoint patience = runtime_->now() + kIdle;
        (void)co_await tasks_.join(patience);
    }
}

void BatchDesk::stop() {
    is_stopping_ = true;
    wake_.notify();
}

Task<Result<BatchRecord>> BatchDesk::add(BatchRecord record) {
    if (jobs_.size() >= kBatchesMax) {
        const auto oldest = std::ranges::min_element(jobs_, {}, [](const auto& entry) {
            const BatchRecord& other = entry.second.record;
            return std::pair{!has_ended(other.state), other.created_at};
        });
        if (!has_ended(oldest->second.record.state)) {
            co_return make_error(Errc::kExhausted, fmt::format("{} batches are under way", jobs_.size()));
        }
        ports::StoreChange removal;
        removal.deletes.push_back(record_key(oldest->first));
        jobs_.erase(oldest);
        CO_TRY_OK(co_await parts_.store->commit(std::move(removal)));
    }
    Job job;
    job.record = std::move(record);
    const std::string id = job.record.id;
    Job* added = &jobs_.emplace(id, std::move(job)).first->second;
    // Nobody runs it before it is in the store.
    added->is_running = true;
    const Result<void> saved = co_await save(added);
    added->is_running = false;
    if (!saved) {
        jobs_.erase(id);
        co_return saved.error();
    }
    wake_.notify();
    co_return added->record;
}

const BatchRecord* BatchDesk::find(const Address& client, const std::string& id) const {
    const auto found = jobs_.find(id);
    return found == jobs_.end() || found->second.record.client != client ? nullptr : &found->second.record;
}

std::vector<const BatchRecord*> BatchDesk::of(const Address& client) const {
    std::vector<const BatchRecord*> mine;
    for (const auto& [id, job] : jobs_) {
        if (job.record.client == client) mine.push_back(&job.record);
    }
    std::ranges::sort(mine, [](const BatchRecord* a, const BatchRecord* b) {
        return std::tie(a->created_at, a->id) > std::tie(b->created_at, b->id);
    });
    return mine;
}

Task<Result<void>> BatchDesk::cancel(std::string id) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) co_return make_error(Errc::kNotFound, "there is no such batch");
    BatchRecord& record = found->second.record;
    if (has_ended(record.state) || record.state == BatchState::kCancelling) co_return Result<void>{};
    record.state = BatchState::kCancelling;
    record.cancelling_at = now_seconds();
    co_return co_await save(&found->second);
}

Task<Result<void>> BatchDesk::save(Job* job) {
    const std::string text = dump(job->record);
    ports::StoreChange change;
    change.puts.push_back({.key = record_key(job->record.id), .value = Bytes{text.begin(), text.end()}});
    co_return co_await parts_.store->commit(std::move(change));
}

// --- one batch

Task<void> BatchDesk::run_batch(std::string id) {
    Job* job = &jobs_.at(id);
    const Result<void> ended = co_await drive(job);
    if (!ended && !is_stopping_) {
        parts_.shared->log.warn("batch_stuck", {{"batch", id}, {"reason", ended.error().message}});
        // The store or the disk does not take it now: later again, from where it was.
        const TimePoint later = runtime_->now() + kRetryMost;
        co_await runtime_->sleep_until(later);
    }
    job->is_running = false;
    job->lines.clear();
    job->is_answered.clear();
    --running_;
    wake_.notify();
}

bool BatchDesk::may_go_on(const Job& job) const {
    return !is_stopping_ && job.record.state == BatchState::kInProgress && now_seconds() < job.record.expires_at;
}

void BatchDesk::tell_end(const BatchRecord& record) const {
    WebhookDesk* webhooks = parts_.shared->webhooks;
    if (webhooks == nullptr) return;
    const std::string ending{to_string(record.state)};
    webhooks->publish(record.client, "batch." + ending, codec::JsonObject{{"id", record.id}, {"status", ending}});
}

Task<Result<void>> BatchDesk::drive(Job* job) {
    CO_TRY_OK(co_await scan(job));
    if (has_ended(job->record.state)) {
        CO_TRY_OK(co_await save(job));
        tell_end(job->record);
        co_return Result<void>{};
    }
    CO_TRY_OK(co_await find_answers(job));
    if (job->record.state == BatchState::kValidating) {
        job->record.state = BatchState::kInProgress;
        job->record.in_progress_at = now_seconds();
        CO_TRY_OK(co_await save(job));
    }
    job->next = 0;
    TaskGroup workers{runtime_};
    for (std::size_t worker = 0; worker < kWorkers; ++worker) workers.spawn(work(job));
    while (workers.running() > 0) {
        const TimePoint patience = runtime_->now() + kIdle;
        (void)co_await workers.join(patience);
    }
    if (is_stopping_) co_return Result<void>{};
    const bool is_whole = std::ranges::find(job->is_answered, false) == job->is_answered.end();
    const bool is_over = job->record.state == BatchState::kCancelling || now_seconds() >= job->record.expires_at;
    if (!is_whole && !is_over) co_return make_error(Errc::kUnavailable, "some requests could not be kept");
    co_return co_await write_files(job);
}

// The lines of the input file; the batch has failed when it is none.
Task<Result<void>> BatchDesk::scan(Job* job) {
    BatchScanner scanner{job->record.endpoint, parts_.shared->options->limits, {}};
    const auto fail = [&](std::vector<BatchFault> faults) {
        job->record.faults = std::move(faults);
        job->record.state = BatchState::kFailed;
        job->record.ended_at = now_seconds();
    };
    const FileRecord* file = parts_.files->find(job->record.client, job->record.input_file);
    if (file == nullptr) {
        fail({{.code = "input_file_not_found",
               .message = "the input file is not there any more",
               .param = "input_file_id",
               .line = 0}});
        co_return Result<void>{};
    }
    const Hash sha256 = file->sha256;
    CO_TRY(const auto source, co_await parts_.files->open(sha256));
    std::uint64_t offset = 0;
    while (!scanner.is_hopeless()) {
        CO_TRY(const Bytes piece, co_await source->read(offset, kReadBytes));
        if (piece.empty()) break;
        offset += piece.size();
        scanner.feed(as_text(piece));
    }
    scanner.finish();
    if (!scanner.faults().empty()) {
        fail(scanner.faults());
        co_return Result<void>{};
    }
    job->lines = scanner.take_lines();
    job->is_answered.assign(job->lines.size(), false);
    job->record.total = job->lines.size();
    co_return Result<void>{};
}

// What was answered before a restart.
Task<Result<void>> BatchDesk::find_answers(Job* job) {
    const std::string prefix = answer_prefix(job->record.id);
    std::string after;
    job->record.completed = 0;
    job->record.failed = 0;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await parts_.store->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            const std::size_t index = std::strtoull(entry.key.c_str() + prefix.size(), nullptr, 10);
            if (index >= job->is_answered.size() || entry.value.empty()) continue;
            job->is_answered[index] = true;
            ++(entry.value.front() == '+' ? job->record.completed : job->record.failed);
        }
        if (page.size() < kScanPage) co_return Result<void>{};
        after = page.back().key;
    }
}

Task<void> BatchDesk::work(Job* job) {
    while (may_go_on(*job) && job->next < job->lines.size()) {
        const std::size_t index = job->next++;
        if (job->is_answered[index]) continue;
        const Result<void> ran = co_await run_line(job, index);
        // What could not be kept is asked again when the batch is taken up again.
        if (!ran) co_return;
    }
}

Task<Result<BatchRequest>> BatchDesk::read_line(const Job* job, std::size_t index) {
    const FileRecord* file = parts_.files->find(job->record.client, job->record.input_file);
    if (file == nullptr) co_return make_error(Errc::kNotFound, "the input file is not there any more");
    const Hash sha256 = file->sha256;
    CO_TRY(const auto source, co_await parts_.files->open(sha256));
    const BatchLine line = job->lines[index];
    std::string text;
    while (text.size() < line.bytes) {
        CO_TRY(const Bytes piece, co_await source->read(line.offset + text.size(), line.bytes - text.size()));
        if (piece.empty()) co_return make_error(Errc::kCorrupt, "the input file is shorter than it was");
        text += as_text(piece);
    }
    auto parsed = parse_batch_line(text, job->record.endpoint, parts_.shared->options->limits);
    if (auto* request = std::get_if<BatchRequest>(&parsed)) co_return std::move(*request);
    co_return make_error(Errc::kCorrupt, "the input file is another than it was");
}

Task<Result<void>> BatchDesk::run_line(Job* job, std::size_t index) {
    CO_TRY(BatchRequest request, co_await read_line(job, index));
    const std::optional<Answer> answer = co_await ask(job, index, std::move(request));
    if (!answer) co_return Result<void>{};
    std::string value = (answer->is_good ? "+" : "-") + answer->line;
    ports::StoreChange change;
    change.puts.push_back({.key = answer_key(job->record.id, index), .value = Bytes{value.begin(), value.end()}});
    CO_TRY_OK(co_await parts_.store->commit(std::move(change)));
    job->is_answered[index] = true;
    ++(answer->is_good ? job->record.completed : job->record.failed);
    co_return Result<void>{};
}

// None: it was not answered before the batch was cancelled, has expired, or the gateway stops.
Task<std::optional<BatchDesk::Answer>> BatchDesk::ask(Job* job, std::size_t index, BatchRequest request) {
    Duration wait = kRetryFirst;
    for (int tries = 1;; ++tries) {
        const ApiResult<KeyRecord> key = parts_.shared->keys->find(job->record.owner);
        if (!key) {
            co_return Answer{.is_good = false,
                             .line = failure_line(job->record.id, index, request.custom_id,
                                                  spec_of(key.error().code).name, key.error().message)};
        }
        CapturedAnswer captured;
        Exchange exchange;
        exchange.request_id = fmt::format("{}_{}", job->record.id, index);
        exchange.started = runtime_->now();
        exchange.responder = &captured;
        exchange.log = parts_.shared->log;
        {
            GenerationFlow flow{parts_.shared, &exchange, *key, request.request};
            flow.set_deliveries(parts_.deliveries);
            co_await flow.run();
        }
        const ports::HttpResponse& response = captured.response();
        const bool is_good = response.status == 200;
        if (is_stopping_ && !is_good) co_return std::nullopt;
        const bool may_try = is_busy(response.status) || (is_broken(response.status) && tries < kTriesMax);
        if (is_good || !may_try) {
            const Result<codec::Json> body = codec::parse_json(response.body);
            co_return Answer{.is_good = is_good,
                             .line = answer_line(job->record.id, index, request.custom_id, response.status,
                                                 exchange.request_id, body ? *body : codec::Json{})};
        }
        const TimePoint later = runtime_->now() + wait;
        wait = std::min(2 * wait, kRetryMost);
        while (may_go_on(*job) && runtime_->now() < later) {
            const TimePoint next = std::min(later, runtime_->now() + kRetryFirst);
            co_await runtime_->sleep_until(next);
        }
        if (!may_go_on(*job)) co_return std::nullopt;
    }
}

// --- the end

Task<Result<void>> BatchDesk::collect(Job* job, FileBook::Arrival* output, FileBook::Arrival* errors) {
    const bool is_expired = job->record.state != BatchState::kCancelling;
    for (std::size_t index = 0; index < job->lines.size(); ++index) {
        if (job->is_answered[index]) {
            CO_TRY(const std::optional<Bytes> value, co_await parts_.store->get(answer_key(job->record.id, index)));
            if (!value || value->empty()) co_return make_error(Errc::kCorrupt, "an answer is not there any more");
            const std::string_view line = as_text(*value).substr(1);
            FileBook::Arrival* file = value->front() == '+' ? output : errors;
            CO_TRY_OK(co_await file->write(line, kFileBytesMax));
        } else if (is_expired) {
            CO_TRY(const BatchRequest request, co_await read_line(job, index));
            const std::string line = failure_line(job->record.id, index, request.custom_id, "batch_expired",
                                                  "the request was not run before the batch's window ended");
            CO_TRY_OK(co_await errors->write(line, kFileBytesMax));
            ++job->record.failed;
        }
    }
    co_return Result<void>{};
}

Task<Result<void>> BatchDesk::write_files(Job* job) {
    BatchRecord& record = job->record;
    const bool is_cancelled = record.state == BatchState::kCancelling;
    const bool is_whole = std::ranges::find(job->is_answered, false) == job->is_answered.end();
    if (!is_cancelled) {
        record.state = BatchState::kFinalizing;
        record.finalizing_at = now_seconds();
        CO_TRY_OK(co_await save(job));
    }
    CO_TRY(const auto output, co_await parts_.files->receive(record.client));
    CO_TRY(const auto errors, co_await parts_.files->receive(record.client));
    CO_TRY_OK(co_await collect(job, output.get(), errors.get()));
    for (FileBook::Arrival* file : {output.get(), errors.get()}) {
        if (file->bytes() == 0) continue;
        FileRecord draft;
        const bool is_output = file == output.get();
        draft.name = fmt::format("{}_{}.jsonl", record.id, is_output ? "output" : "error");
        draft.purpose = "batch_output";
        CO_TRY(const FileRecord added, co_await parts_.files->add(file, std::move(draft)));
        (is_output ? record.output_file : record.error_file) = added.id;
    }
    record.state = is_cancelled ? BatchState::kCancelled : is_whole ? BatchState::kCompleted : BatchState::kExpired;
    record.ended_at = now_seconds();
    CO_TRY_OK(co_await save(job));
    tell_end(record);
    co_return co_await drop_answers(job);
}

Task<Result<void>> BatchDesk::drop_answers(Job* job) {
    for (std::size_t begin = 0; begin < job->lines.size(); begin += kScanPage) {
        ports::StoreChange change;
        for (std::size_t index = begin; index < std::min(begin + kScanPage, job->lines.size()); ++index) {
            change.deletes.push_back(answer_key(job->record.id, index));
        }
        CO_TRY_OK(co_await parts_.store->commit(std::move(change)));
    }
    co_return Result<void>{};
}

}  // namespace vcity::gateway
