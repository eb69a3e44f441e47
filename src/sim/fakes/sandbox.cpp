// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/sandbox.hpp"

#include <algorithm>
#include <charconv>

#include "async/channel.hpp"

namespace vcity::sim {
namespace {

constexpr int kKilled = 128 + 9;
constexpr int kUsageError = 2;
constexpr std::uint64_t kStatusMax = 255;
constexpr std::uint64_t kPiecesMax = 1000;
constexpr std::uint64_t kFloodMax = 16U << 20U;
constexpr std::uint64_t kMillisecondsMax = 24ULL * 3600 * 1000;
constexpr std::size_t kPipeBytes = 64U << 10U;

std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t max) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_whole = end == text.data() + text.size();
    if (error != std::errc{} || !is_whole || number > max) return std::nullopt;
    return number;
}

// One argument; false: it cannot be understood.
bool read_number(std::string_view name, std::string_view value, FakeProgram* program) {
    if (name == "--flood") {
        const auto bytes = number_in(value, kFloodMax);
        if (bytes) program->output.append(*bytes, 'x');
        return bytes.has_value();
    }
    if (name == "--milliseconds") {
        const auto length = number_in(value, kMillisecondsMax);
        program->duration = std::chrono::milliseconds{length.value_or(0)};
        return length.has_value();
    }
    if (name == "--pieces") {
        const auto pieces = number_in(value, kPiecesMax);
        program->pieces = static_cast<std::uint32_t>(pieces.value_or(0));
        return program->pieces != 0;
    }
    if (name == "--exit") {
        const auto status = number_in(value, kStatusMax);
        program->status = static_cast<int>(status.value_or(0));
        return status.has_value();
    }
    return true;
}

std::optional<std::string> content_of(std::string_view name, const ports::SandboxSpec& spec, const FakeFiles* files) {
    if (files != nullptr) {
        const auto found = files->find(std::string{name});
        if (found == files->end()) return std::nullopt;
        return std::string{as_text(found->second)};
    }
    const auto file = std::ranges::find(spec.files, name, &ports::SandboxFile::name);
    if (file == spec.files.end()) return std::nullopt;
    return std::string{as_text(file->content)};
}

void read_text(std::string_view name,
               std::string_view value,
               const ports::SandboxSpec& spec,
               FakeFiles* files,
               FakeProgram* program) {
    if (name == "--print") program->output += value;
    if (name == "--show") {
        const std::optional<std::string> content = content_of(value, spec, files);
        program->output += content.value_or("");
        if (!content) program->status = 1;
    }
    if (name == "--leave" && files != nullptr) {
        const std::size_t colon = std::min(value.find(':'), value.size());
        const std::string_view text = value.substr(std::min(colon + 1, value.size()));
        (*files)[std::string{value.substr(0, colon)}] = Bytes{text.begin(), text.end()};
    }
    if (name == "--variable") {
        const std::string start = std::string{value} + "=";
        for (const std::string& variable : spec.environment) {
            if (variable.starts_with(start)) program->output += variable.substr(start.size());
        }
    }
    program->is_echo = program->is_echo || name == "--echo";
    program->is_endless = program->is_endless || program->is_echo || name == "--endless";
}

Result<void> check_spec(const ports::SandboxSpec& spec) {
    if (spec.command.empty()) return make_error(Errc::kInvalid, "no command");
    if (spec.processes_max == 0) return make_error(Errc::kInvalid, "no process allowed");
    std::uint64_t bytes = 0;
    for (const ports::SandboxFile& file : spec.files) {
        const bool is_name =
            !file.name.empty() && file.name != "." && file.name != ".." && file.name.find('/') == std::string::npos;
        if (!is_name) return make_error(Errc::kInvalid, "a file's name must be one component of a path");
        bytes += file.content.size();
    }
    if (bytes > spec.work_bytes_max) return make_error(Errc::kInvalid, "the files do not fit into /work");
    return {};
}

}  // namespace

FakeProgram fake_program_of(const ports::SandboxSpec& spec, FakeFiles* files) {
    FakeProgram program;
    for (const std::string& word : spec.command) {
        const std::string_view all = word;
        const std::size_t sign = std::min(all.find('='), all.size());
        const std::string_view name = all.substr(0, sign);
        const std::string_view value = all.substr(std::min(sign + 1, all.size()));
        if (!read_number(name, value, &program)) {
            FakeProgram refused;
            refused.status = kUsageError;
            return refused;
        }
        read_text(name, value, spec, files, &program);
    }
    return program;
}

struct FakeSandbox::Course {
    std::string name;
    FakeProgram program;
    TimePoint started;
    bool dies = false;
    bool is_lost = false;
};

class FakeSandbox::FakeProcess final : public ports::SandboxProcess {
  public:
    FakeProcess(FakeSandbox* owner, std::shared_ptr<const Course> course)
        : owner_{owner}, course_{std::move(course)}, program_{course_->program}, changed_{owner->runtime_} {
        ++owner_->running_;
        if (!course_->name.empty()) owner_->named_[course_->name] = this;
    }
    ~FakeProcess() override {
        if (owner_ == nullptr) return;
        end(kKilled);
        const auto named = owner_->named_.find(course_->name);
        if (named != owner_->named_.end() && named->second == this) owner_->named_.erase(named);
    }
    FakeProcess(const FakeProcess&) = delete;
    FakeProcess& operator=(const FakeProcess&) = delete;

    Task<Result<void>> write(Bytes bytes) override {
        advance();
        if (status_) co_return make_error(Errc::kUnavailable, "the process has ended");
        if (program_.is_echo) program_.output += as_text(bytes);
        changed_.notify();
        co_return Result<void>{};
    }

    Task<Result<Bytes>> read(std::size_t max, TimePoint deadline) override {
        if (max == 0) co_return make_error(Errc::kInvalid, "a read of no bytes");
        while (true) {
            advance();
            if (taken_ < written_) break;
            if (status_) co_return make_error(Errc::kUnavailable, "end of output");
            if (owner_->runtime_->now() >= deadline) co_return make_error(Errc::kTimeout, "no output in time");
            co_await changed_.wait_until(std::min(deadline, next_change()));
        }
        const std::string part = program_.output.substr(taken_, std::min(max, written_ - taken_));
        taken_ += part.size();
        changed_.notify();
        co_return Bytes{part.begin(), part.end()};
    }

    // The process goes on without this handle.
    std::shared_ptr<const Course> detach() {
        if (!status_) --owner_->running_;
        owner_ = nullptr;
        return is_killed_ ? nullptr : course_;
    }

    void kill() override {
        advance();
        is_killed_ = is_killed_ || !status_;
        end(kKilled);
    }

    Task<Result<int>> wait(TimePoint deadline) override {
        while (true) {
            advance();
            if (status_ && course_->is_lost && !is_killed_)
                co_return make_error(Errc::kUnavailable, "the sandbox was killed");
            if (status_) co_return *status_;
            if (owner_->runtime_->now() >= deadline) co_return make_error(Errc::kTimeout, "still running");
            co_await changed_.wait_until(std::min(deadline, next_change()));
        }
    }

  private:
    bool dies() const { return course_->dies || course_->is_lost; }
    TimePoint piece_at(std::uint32_t piece) const {
        return course_->started + program_.duration * piece / program_.pieces;
    }
    TimePoint death() const { return course_->started + program_.duration / 2; }

    // Does what it would have done by now.
    void advance() {
        if (status_) return;
        const TimePoint now = owner_->runtime_->now();
        if (program_.is_echo) {
            written_ = program_.output.size();
            return;
        }
        while (pieces_ < program_.pieces && piece_at(pieces_ + 1) <= now) ++pieces_;
        written_ = program_.output.size() * pieces_ / program_.pieces;
        if (dies() && death() <= now) {
            end(kKilled);
            return;
        }
        // Like a pipe, which holds a program back that nobody reads from.
        const bool is_through = pieces_ == program_.pieces && written_ - taken_ <= kPipeBytes;
        if (is_through && !program_.is_endless) end(program_.status);
    }

    void end(int status) {
        if (status_) return;
        status_ = status;
        --owner_->running_;
        changed_.notify();
    }

    TimePoint next_change() const {
        TimePoint next = TimePoint::max();
        if (pieces_ < program_.pieces && !program_.is_echo) next = piece_at(pieces_ + 1);
        if (dies()) next = std::min(next, death());
        return next;
    }

    FakeSandbox* owner_;
    std::shared_ptr<const Course> course_;
    FakeProgram program_;
    bool is_killed_ = false;  // by who started it
    Notifier changed_;
    std::uint32_t pieces_ = 0;
    std::size_t written_ = 0;
    std::size_t taken_ = 0;
    std::optional<int> status_;
};

Task<Result<std::unique_ptr<ports::SandboxProcess>>> FakeSandbox::start(ports::SandboxSpec spec) {
    CO_TRY_OK(check_spec(spec));
    co_await runtime_->sleep_until(runtime_->now() + options_.start_time);
    constexpr std::uint64_t kWhole = 1000;
    if (world_->chance(options_.start_failures_per_mille, kWhole)) {
        co_return make_error(Errc::kUnavailable, "the sandbox did not start");
    }
    ++starts_;
    Course course;
    course.name = spec.name;
    course.started = runtime_->now();
    course.dies = world_->chance(options_.deaths_per_mille, kWhole);
    course.is_lost = options_.losses_per_mille != 0 && world_->chance(options_.losses_per_mille, kWhole);
    FakeFiles* files = volumes_ == nullptr ? nullptr : volumes_->files_at(spec.job_folder);
    if (!spec.job_folder.empty() && files == nullptr)
        co_return make_error(Errc::kInvalid, "the job's folder is not there");
    course.program = fake_program_of(spec, files);
    auto process = std::make_unique<FakeProcess>(this, std::make_shared<const Course>(std::move(course)));
    last_spec_ = std::move(spec);
    co_return Result<std::unique_ptr<ports::SandboxProcess>>{std::move(process)};
}

void FakeSandbox::lose_agent() {
    for (const auto& [name, process] : named_) {
        if (std::shared_ptr<const Course> course = process->detach()) orphans_[name] = std::move(course);
    }
    named_.clear();
}

Task<Result<std::unique_ptr<ports::SandboxProcess>>> FakeSandbox::adopt(std::string name) {
    const auto found = orphans_.find(name);
    if (found == orphans_.end()) co_return make_error(Errc::kNotFound, "no sandbox has this name: " + name);
    auto process = std::make_unique<FakeProcess>(this, found->second);
    orphans_.erase(found);
    co_return Result<std::unique_ptr<ports::SandboxProcess>>{std::move(process)};
}

Task<Result<std::size_t>> FakeSandbox::sweep(std::vector<std::string> keep) {
    co_return std::erase_if(orphans_,
                            [&](const auto& orphan) { return std::ranges::find(keep, orphan.first) == keep.end(); });
}

}  // namespace vcity::sim
