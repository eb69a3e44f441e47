// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_slurm/sandbox.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/sandbox_slurm/cell_files.hpp"
#include "adapters/sandbox_slurm/program.hpp"
#include "adapters/sandbox_slurm/slurm_words.hpp"
#include "async/channel.hpp"
#include "base/check.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Phase = CellState::Phase;

constexpr Duration kProgramMax = 30s;  // of sbatch and the like
constexpr Duration kGoneMax = 2min;    // a job that was cancelled
constexpr int kExitOfSignal = 128;     // as shells count
constexpr std::size_t kStateBytesMax = 64U << 10U;
constexpr std::size_t kReadMax = 1U << 20U;
constexpr std::size_t kNameMax = 100;
constexpr int kKilled = 128 + 9;
// A shared file system may show late what a node has written before its job ended.
constexpr Duration kLateFiles = 5s;

bool is_name(const std::string& name) {
    const auto is_plain = [](char letter) {
        const bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
        return is_letter || (letter >= '0' && letter <= '9') || letter == '_' || letter == '.' || letter == '-';
    };
    return !name.empty() && name.size() <= kNameMax && name.front() != '.' && std::ranges::all_of(name, is_plain);
}

void append_file(const std::string& path, ByteView bytes, bool* is_written) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    *is_written = file >= 0 && ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    if (file >= 0) ::close(file);
}

Bytes read_at(const std::string& path, std::uint64_t offset, std::size_t max) {
    Bytes bytes(std::min(max, kReadMax));
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const ssize_t count = file < 0 ? 0 : ::pread(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (file >= 0) ::close(file);
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return bytes;
}

}  // namespace

struct SlurmShared {
    SlurmShared(Runtime* the_runtime, Log the_log, SlurmSandboxOptions the_options)
        : runtime{the_runtime}, log{std::move(the_log)}, options{std::move(the_options)}, cleared{the_runtime} {}

    std::string folder_of(const std::string& name) const {
        return options.folder + "/vcity-" + options.owner + "-" + name;
    }
    Task<Result<ProgramEnd>> run(std::vector<std::string> words) const {
        std::vector<std::string> environment{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
        if (!options.config.empty()) environment.push_back("SLURM_CONF=" + options.config);
        co_return co_await run_program(runtime, std::move(words), std::move(environment), kProgramMax);
    }

    Runtime* runtime;
    Log log;
    SlurmSandboxOptions options;
    std::size_t clearing = 0;  // jobs that are being ended, or whose files are removed
    Notifier cleared;
};

namespace {

// One job of the cluster, as its folder and Slurm tell.
struct SlurmJob {
    SlurmJob(std::shared_ptr<SlurmShared> the_shared, std::string the_folder)
        : shared{std::move(the_shared)}, folder{std::move(the_folder)} {}

    std::optional<CellState> state() const {
        const Result<std::string> text = read_whole_file(folder + "/" + kCellState, kStateBytesMax);
        if (!text) return std::nullopt;
        Result<CellState> parsed = parse_cell_state(*text);
        if (parsed) return *std::move(parsed);
        CellState lost;
        lost.phase = Phase::kEnded;
        lost.is_lost = true;
        lost.message = parsed.error().message;
        return lost;
    }
    // Whether nothing more will come of it: told by its cell, or by Slurm, which is asked now and then.
    Task<bool> is_over() {
        if (end) co_return true;
        const std::optional<CellState> seen = state();
        if (seen && seen->phase != Phase::kRunning) {
            const bool is_known = co_await knows_why(*seen);
            if (!is_known) co_return false;
            end = seen;
            end->is_lost = end->is_lost || is_taken;
            co_return true;
        }
        const TimePoint now = shared->runtime->now();
        if (now < ask_at || is_asking) co_return false;
        is_asking = true;
        const std::optional<bool> is_alive = co_await lives();
        is_asking = false;
        ask_at = shared->runtime->now() + shared->options.ask_every;
        if (!is_alive || *is_alive) {
            gone_at.reset();
            co_return false;
        }
        if (!gone_at) gone_at = now;
        ask_at = std::min(ask_at, now + kLateFiles / 4);
        if (now - *gone_at < kLateFiles) co_return false;
        end.emplace();
        end->phase = Phase::kEnded;
        end->is_lost = true;
        end->message = "the cluster ended the job";
        co_return true;
    }
    // A program that died of a signal: of its own, or because the cluster ended the job? Slurm tells once the job is
    // over.
    Task<bool> knows_why(const CellState& seen) {
        const bool is_signal = seen.status == kExitOfSignal + SIGTERM || seen.status == kExitOfSignal + SIGKILL;
        if (is_killed || seen.phase != Phase::kEnded || seen.is_lost || !is_signal) co_return true;
        const TimePoint now = shared->runtime->now();
        if (!ended_at) ended_at = now;
        if (now - *ended_at >= kGoneMax) co_return true;
        if (is_asking || now < ask_at) co_return false;
        is_asking = true;
        const std::optional<std::string> told = co_await slurm_state();
        is_asking = false;
        ask_at = shared->runtime->now() + std::min<Duration>(shared->options.ask_every, kLateFiles / 4);
        if (!told || is_alive_state(*told)) co_return false;
        is_taken = is_taken_state(*told);
        co_return true;
    }
    // In capital letters, "" when Slurm does not know the job; nullopt: nobody can tell.
    Task<std::optional<std::string>> slurm_state() const {
        std::vector<std::string> words{shared->options.bin_folder + "/squeue", "--noheader", "--states=all",
                                       "--format=%T", "--jobs=" + number};
        const Result<ProgramEnd> asked = co_await shared->run(std::move(words));
        if (!asked) co_return std::nullopt;
        co_return read_squeue(asked->status, asked->output);
    }
    // nullopt: Slurm does not say.
    Task<std::optional<bool>> lives() const {
        const std::optional<std::string> seen = co_await slurm_state();
        if (!seen) co_return std::nullopt;
        co_return is_alive_state(*seen);
    }
    Task<void> cancel() const {
        std::vector<std::string> words{shared->options.bin_folder + "/scancel", number};
        const Result<ProgramEnd> done = co_await shared->run(std::move(words));
        if (!done) shared->log.warn("slurm_cancel_failed", {{"job", number}, {"reason", done.error().message}});
    }

    std::shared_ptr<SlurmShared> shared;
    std::string folder;
    std::string number;
    std::optional<CellState> end;
    TimePoint ask_at{};
    bool is_asking = false;
    std::optional<TimePoint> gone_at;
    std::optional<TimePoint> ended_at;  // when its end by a signal was first seen
    bool is_taken = false;              // the cluster ended it
    bool is_killed = false;
};

Task<void> cancel_job(std::shared_ptr<SlurmJob> job) {
    co_await job->cancel();
}

// Ends the job if it has not ended, waits until Slurm has let it go, and removes its files.
Task<void> clear(std::shared_ptr<SlurmJob> job) {
    if (!job->number.empty()) {
        const std::optional<bool> lives = co_await job->lives();
        if (!lives || *lives) {
            co_await job->cancel();
        }
        const TimePoint deadline = job->shared->runtime->now() + kGoneMax;
        while (job->shared->runtime->now() < deadline) {
            const std::optional<bool> still = co_await job->lives();
            if (still && !*still) break;
            co_await job->shared->runtime->sleep_until(job->shared->runtime->now() + 500ms);
        }
    }
    std::error_code ignored;
    fs::remove_all(job->folder, ignored);
    --job->shared->clearing;
    job->shared->cleared.notify();
}

void begin_clearing(std::shared_ptr<SlurmJob> job) {
    ++job->shared->clearing;
    Runtime* runtime = job->shared->runtime;
    runtime->spawn(clear(std::move(job)));
}

class SlurmProcess final : public ports::SandboxProcess {
  public:
    explicit SlurmProcess(std::shared_ptr<SlurmJob> job) : job_{std::move(job)} {}
    ~SlurmProcess() override { begin_clearing(job_); }
    SlurmProcess(const SlurmProcess&) = delete;
    SlurmProcess& operator=(const SlurmProcess&) = delete;

    Task<Result<void>> write(Bytes bytes) override {
        const bool is_over = co_await job_->is_over();
        bool is_written = false;
        if (!is_over && !job_->is_killed) append_file(job_->folder + "/" + kCellInput, bytes, &is_written);
        if (!is_written) co_return make_error(Errc::kUnavailable, "the job has ended");
        co_return Result<void>{};
    }

    Task<Result<Bytes>> read(std::size_t max, TimePoint deadline) override {
        for (;;) {
            // In this order: what was written before the end is there when the end is seen.
            const bool is_over = co_await job_->is_over();
            Bytes bytes = read_at(job_->folder + "/" + kCellOutput, read_, max);
            if (!bytes.empty()) {
                read_ += bytes.size();
                co_return bytes;
            }
            if (is_over) co_return make_error(Errc::kUnavailable, "end of output");
            if (now() >= deadline) co_return make_error(Errc::kTimeout, "no output in time");
            co_await pause(deadline);
        }
    }

    void kill() override {
        if (job_->is_killed || job_->end) return;
        job_->is_killed = true;
        job_->shared->runtime->spawn(cancel_job(job_));
    }

    Task<Result<int>> wait(TimePoint deadline) override {
        for (;;) {
            const bool is_over = co_await job_->is_over();
            if (is_over && job_->is_killed) co_return kKilled;
            if (is_over && job_->end->is_lost) co_return make_error(Errc::kUnavailable, job_->end->message);
            if (is_over) co_return job_->end->status;
            if (now() >= deadline) co_return make_error(Errc::kTimeout, "still running");
            co_await pause(deadline);
        }
    }

  private:
    TimePoint now() const { return job_->shared->runtime->now(); }
    Task<void> pause(TimePoint deadline) const {
        const TimePoint next = now() + job_->shared->options.look_every;
        co_await job_->shared->runtime->sleep_until(std::min(deadline, next));
    }

    std::shared_ptr<SlurmJob> job_;
    std::uint64_t read_ = 0;
};

// Until the cell says that the program runs.
Task<Result<void>> await_cell(std::shared_ptr<SlurmJob> job) {
    const TimePoint deadline = job->shared->runtime->now() + job->shared->options.queue_max;
    for (;;) {
        const bool is_over = co_await job->is_over();
        if (is_over && job->end->phase == Phase::kRefused) co_return make_error(job->end->code, job->end->message);
        if (is_over && !job->end->is_lost) co_return Result<void>{};
        if (is_over) co_return make_error(Errc::kUnavailable, job->end->message);
        if (job->state()) co_return Result<void>{};
        const TimePoint now = job->shared->runtime->now();
        if (now >= deadline) co_return make_error(Errc::kExhausted, "the cluster had no room for it in time");
        co_await job->shared->runtime->sleep_until(std::min(deadline, now + job->shared->options.look_every));
    }
}

// The folder with all that the cell needs; then the job.
Task<Result<void>> submit(std::shared_ptr<SlurmJob> job, ports::SandboxSpec spec, std::string name) {
    CO_TRY(const std::string text, to_text(spec));
    if (::mkdir(job->folder.c_str(), 0700) != 0) {
        co_return make_error(Errc::kUnavailable, "cannot make " + job->folder + ", which the cluster must see");
    }
    CO_TRY_OK(replace_file(job->folder + "/" + kCellSpec, text));
    CO_TRY_OK(replace_file(job->folder + "/job.sh", cell_script(job->shared->options, job->folder)));
    const std::string title = "vcity-" + job->shared->options.owner + "-" + name;
    std::vector<std::string> words = sbatch_words(job->shared->options, spec, title, job->folder);
    CO_TRY(const ProgramEnd asked, co_await job->shared->run(std::move(words)));
    if (asked.status != 0) co_return make_error(Errc::kUnavailable, "sbatch: " + asked.output.substr(0, 500));
    CO_TRY(job->number, parse_job_number(asked.output));
    job->ask_at = job->shared->runtime->now() + job->shared->options.ask_every;
    co_return replace_file(job->folder + "/" + kCellJob, job->number);
}

}  // namespace

SlurmSandbox::SlurmSandbox(Runtime* runtime, Log log, SlurmSandboxOptions options)
    : shared_{std::make_shared<SlurmShared>(runtime, std::move(log), std::move(options))} {
    CHECK(is_name(shared_->options.owner));
}

SlurmSandbox::~SlurmSandbox() = default;

Task<Result<std::unique_ptr<ports::SandboxProcess>>> SlurmSandbox::start(ports::SandboxSpec spec) {
    const std::string name = spec.name.empty() ? "once-" + std::to_string(shared_->runtime->random_u64()) : spec.name;
    if (!is_name(name)) co_return make_error(Errc::kInvalid, "a sandbox cannot be called " + name);
    const auto job = std::make_shared<SlurmJob>(shared_, shared_->folder_of(name));
    Result<void> begun = co_await submit(job, std::move(spec), name);
    auto process = std::make_unique<SlurmProcess>(job);
    if (begun) {
        begun = co_await await_cell(job);
    }
    if (!begun) co_return begun.error();
    co_return std::unique_ptr<ports::SandboxProcess>{std::move(process)};
}

Task<Result<std::unique_ptr<ports::SandboxProcess>>> SlurmSandbox::adopt(std::string name) {
    const auto job = std::make_shared<SlurmJob>(shared_, shared_->folder_of(name));
    Result<std::string> number = make_error(Errc::kNotFound, "no such name");
    if (is_name(name)) number = read_whole_file(job->folder + "/" + kCellJob, kStateBytesMax);
    if (!number) co_return make_error(Errc::kNotFound, "no job of ours on the cluster has this name: " + name);
    CO_TRY(job->number, parse_job_number(*number));
    co_return std::unique_ptr<ports::SandboxProcess>{std::make_unique<SlurmProcess>(job)};
}

Task<Result<std::size_t>> SlurmSandbox::sweep(std::vector<std::string> keep) {
    std::error_code error;
    std::size_t swept = 0;
    const std::string ours = "vcity-" + shared_->options.owner + "-";
    for (const fs::directory_entry& entry : fs::directory_iterator{shared_->options.folder, error}) {
        const std::string file = entry.path().filename().string();
        if (!file.starts_with(ours) || std::ranges::find(keep, file.substr(ours.size())) != keep.end()) continue;
        const auto job = std::make_shared<SlurmJob>(shared_, entry.path().string());
        const Result<std::string> text = read_whole_file(job->folder + "/" + kCellJob, kStateBytesMax);
        const Result<std::string> number = text ? parse_job_number(*text) : Result<std::string>{text.error()};
        if (number) job->number = *number;
        begin_clearing(job);
        ++swept;
    }
    if (error) co_return make_error(Errc::kUnavailable, "the cluster's folder: " + error.message());
    co_return swept;
}

Task<Result<void>> SlurmSandbox::settle(TimePoint deadline) {
    while (shared_->clearing != 0) {
        const TimePoint now = shared_->runtime->now();
        if (now >= deadline) co_return make_error(Errc::kTimeout, "jobs of the cluster are still ending");
        co_await shared_->cleared.wait_until(deadline);
    }
    co_return Result<void>{};
}

}  // namespace vcity::adapters
