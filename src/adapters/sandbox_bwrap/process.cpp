// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/process.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "adapters/sandbox_bwrap/control.hpp"

namespace vcity::adapters {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kReadBytesMax = 1U << 20U;
constexpr std::size_t kLineBytesMax = 512;
constexpr std::size_t kInfoBytesMax = 4'096;

bool would_block(int number) {
    return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

// The number after "child-pid" in bubblewrap's report, e.g. {"child-pid": 4711, ...}.
std::optional<pid_t> child_id_of(std::string_view report) {
    constexpr std::string_view kName = "\"child-pid\":";
    const std::size_t found = report.find(kName);
    if (found == std::string_view::npos) return std::nullopt;
    std::string_view rest = report.substr(found + kName.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    pid_t id = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), id);
    const bool is_whole = end != rest.data() + rest.size();
    if (error != std::errc{} || !is_whole || id <= 1) return std::nullopt;
    return id;
}

}  // namespace

Task<bool> AsyncDescriptor::readable(TimePoint deadline) {
    // Shared with the timer's callback, which may already be on its way when the wait ends.
    const auto over = std::make_shared<bool>(false);
    asio::steady_timer timer{stream_.get_executor(), deadline};
    timer.async_wait([this, over](const boost::system::error_code& error) {
        if (!error && !*over) stream_.cancel();
    });
    const auto [error] =
        co_await stream_.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
    *over = true;
    co_return !error;
}

Task<void> AsyncDescriptor::writable() {
    co_await stream_.async_wait(asio::posix::stream_descriptor::wait_write, asio::as_tuple(asio::use_awaitable));
}

Task<Result<Bytes>> AsyncDescriptor::read(std::size_t max, TimePoint deadline) {
    Bytes bytes(std::min(max, kReadBytesMax));
    for (;;) {
        const ssize_t count = ::read(get(), bytes.data(), bytes.size());
        if (count >= 0) {
            bytes.resize(static_cast<std::size_t>(count));
            co_return bytes;
        }
        if (!would_block(errno)) {
            co_return make_error(Errc::kUnavailable, "sandbox: read: " + std::system_category().message(errno));
        }
        const bool is_ready = co_await readable(deadline);
        if (!is_ready) co_return make_error(Errc::kTimeout, "sandbox: no output in time");
    }
}

LineLog::LineLog(Runtime* runtime, Log log, const BwrapSandboxOptions& options)
    : runtime_{runtime},
      log_{std::move(log)},
      burst_{static_cast<double>(options.log_lines_burst)},
      per_second_{static_cast<double>(options.log_lines_per_second)},
      allowance_{burst_},
      refilled_at_{runtime->now()} {}

void LineLog::add(ByteView bytes) {
    for (const std::uint8_t byte : bytes) {
        if (byte == '\n') {
            end_line();
        } else if (line_.size() < kLineBytesMax) {
            const bool is_printable = byte >= 0x20 && byte < 0x7f;
            line_.push_back(is_printable ? static_cast<char>(byte) : '?');
        }
    }
}

void LineLog::end_line() {
    if (line_.empty()) return;
    last_line_ = std::exchange(line_, {});
    const TimePoint now = runtime_->now();
    const double seconds = std::chrono::duration<double>(now - refilled_at_).count();
    allowance_ = std::min(burst_, allowance_ + seconds * per_second_);
    refilled_at_ = now;
    if (allowance_ < 1) {
        ++dropped_;
        return;
    }
    allowance_ -= 1;
    log_.info("sandbox_output", {{"line", last_line_}});
}

void LineLog::finish() {
    end_line();
    if (dropped_ > 0) log_.warn("sandbox_output_dropped", {{"lines", dropped_}});
}

SandboxState::SandboxState(Runtime* owner, const asio::any_io_executor& executor, ChildProcess child, LineLog lines)
    : runtime{owner},
      outer{::fcntl(child.process.get(), F_DUPFD_CLOEXEC, 0)},
      ended{executor, std::move(child.process)},
      input{executor, std::move(child.input)},
      output{executor, std::move(child.output)},
      error{executor, std::move(child.error)},
      info{executor, std::move(child.info)},
      log{std::move(lines)},
      changed{owner},
      release{std::move(child.release)} {}

// The inner process is the init of its process namespace: with it everything in there ends. Bubblewrap would pass on
// its own death, but not before it has told its child to listen for it.
void SandboxState::kill() {
    if (status) return;
    is_killed = true;
    if (inner.is_open()) send_kill(inner);
    if (outer.is_open()) send_kill(outer);
}

Task<void> log_standard_error(std::shared_ptr<SandboxState> state) {
    for (;;) {
        const Result<Bytes> bytes = co_await state->error.read(4'096, TimePoint::max());
        if (!bytes || bytes->empty()) break;
        state->log.add(*bytes);
    }
    state->log.finish();
    state->error_closed = true;
    state->changed.notify();
}

Task<void> reap_when_ended(std::shared_ptr<SandboxState> state) {
    while (!state->status) {
        co_await state->ended.readable(TimePoint::max());
        const std::optional<ProcessEnd> end = reap(state->outer);
        if (!end) continue;
        state->status = end->status;
        // Of a program that a signal ended bubblewrap tells by its exit status.
        state->is_lost = end->is_by_signal && !state->is_killed;
    }
    // Bubblewrap may have been killed before it told its child to end with it.
    if (state->inner.is_open()) send_kill(state->inner);
    state->changed.notify();
}

namespace {

// The program has not begun, so nothing can slip out of the group.
Result<void> let_start(SandboxState* state, pid_t child) {
    if (state->group) {
        const Result<void> added = state->group->add(child);
        if (!added) {
            state->kill();
            return added;
        }
    }
    const char go = 1;
    const ssize_t written = ::write(state->release.get(), &go, 1);
    state->release = {};
    if (written == 1) return {};
    state->kill();
    return make_error(Errc::kUnavailable, "sandbox did not start: bubblewrap has ended");
}

}  // namespace

Task<Result<void>> await_start(std::shared_ptr<SandboxState> state, TimePoint deadline) {
    std::string report;
    for (;;) {
        const Result<Bytes> bytes = co_await state->info.read(kInfoBytesMax, deadline);
        if (!bytes) co_return make_error(bytes.error().code, "sandbox did not start: " + bytes.error().message);
        if (bytes->empty() || report.size() > kInfoBytesMax) break;
        report += as_text(*bytes);
        const std::optional<pid_t> id = child_id_of(report);
        if (!id) continue;
        Result<Descriptor> inner = open_process(*id);
        // It may have ended by now; then bubblewrap's status tells how.
        if (inner) state->inner = *std::move(inner);
        co_return let_start(state.get(), *id);
    }
    while (!state->error_closed) {
        const bool notified = co_await state->changed.wait_until(deadline);
        if (!notified) break;
    }
    co_return make_error(Errc::kUnavailable, "sandbox did not start: " + state->log.last_line());
}

Task<Result<void>> BwrapProcess::write(Bytes bytes) {
    std::size_t written = 0;
    while (written < bytes.size()) {
        // What was in the sandbox may hold the pipe open for a moment longer; nobody will read from it.
        if (state_->status) co_return make_error(Errc::kUnavailable, "sandbox: write: the process has ended");
        const ssize_t count = ::write(state_->input.get(), bytes.data() + written, bytes.size() - written);
        if (count >= 0) {
            written += static_cast<std::size_t>(count);
        } else if (would_block(errno)) {
            co_await state_->input.writable();
        } else {
            co_return make_error(Errc::kUnavailable, "sandbox: write: " + std::system_category().message(errno));
        }
    }
    co_return Result<void>{};
}

Task<Result<Bytes>> BwrapProcess::read(std::size_t max, TimePoint deadline) {
    if (max == 0) co_return make_error(Errc::kInvalid, "sandbox: a read of no bytes");
    CO_TRY(Bytes bytes, co_await state_->output.read(max, deadline));
    if (bytes.empty()) co_return make_error(Errc::kUnavailable, "sandbox: end of output");
    co_return bytes;
}

Task<Result<int>> BwrapProcess::wait(TimePoint deadline) {
    // Its standard error ends with it; by then all of that is in the log.
    while (!state_->status || !state_->error_closed) {
        const bool notified = co_await state_->changed.wait_until(deadline);
        if (!notified) break;
    }
    const std::optional<int> status = state_->status;
    if (!status) co_return make_error(Errc::kTimeout, "sandbox: still running");
    if (state_->is_lost) co_return make_error(Errc::kUnavailable, "sandbox: bubblewrap was killed");
    co_return *status;
}

void BwrapProcess::stop() {
    if (!control_) return kill();
    init::Request request;
    request.operation = init::Operation::kTerminate;
    control_->tell(request);
}

Task<Result<std::unique_ptr<ports::ByteStream>>> BwrapProcess::dial(std::uint16_t port, TimePoint deadline) {
    const auto control = control_;
    if (!control) co_return make_error(Errc::kInvalid, "this sandbox has no way in");
    init::Request request;
    request.operation = init::Operation::kDial;
    request.port = port;
    std::string nothing;
    CO_TRY(auto socket, co_await control->open(&request, std::move(nothing), deadline));
    control->forget(request.id);
    co_return std::make_unique<SandboxStream>(std::move(socket));
}

Task<Result<std::unique_ptr<ports::SandboxSession>>> BwrapProcess::exec(ports::SandboxCommand command,
                                                                        TimePoint deadline) {
    const auto control = control_;
    if (!control) co_return make_error(Errc::kInvalid, "this sandbox has no way in");
    constexpr std::size_t kWordsMax = 512;
    if (command.command.empty() || command.command.size() > kWordsMax || command.environment.size() > kWordsMax) {
        co_return make_error(Errc::kInvalid, "sandbox: no command, or too many words");
    }
    init::Request request;
    request.operation = init::Operation::kExec;
    request.arguments = static_cast<std::uint16_t>(command.command.size());
    request.variables = static_cast<std::uint16_t>(command.environment.size());
    if (command.terminal) {
        request.has_terminal = 1;
        request.columns = command.terminal->columns;
        request.rows = command.terminal->rows;
    }
    std::string strings;
    for (const auto* words : {&command.command, &command.environment}) {
        for (const std::string& word : *words) {
            // A word ends at a zero byte, whatever it says.
            strings += word.substr(0, word.find('\0'));
            strings += '\0';
        }
    }
    CO_TRY(auto socket, co_await control->open(&request, std::move(strings), deadline));
    co_return std::make_unique<BwrapSession>(control, request.id, std::move(socket));
}

}  // namespace vcity::adapters
