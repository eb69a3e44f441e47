// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/process.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/mount.h>
#include <unistd.h>

#include "adapters/sandbox_oci/session.hpp"

namespace vcity::adapters {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPieceBytes = 64U << 10U;
constexpr std::size_t kBufferedMax = 256U << 10U;
constexpr std::size_t kLineBytesMax = 512;
constexpr Duration kCallMax = 20s;
constexpr Duration kRemovalMax = 60s;
constexpr Duration kSilenceMax = 10min;
constexpr Duration kDialMax = 5s;
constexpr int kRemovalsTried = 50;
constexpr int kLooksMax = 15;
constexpr int kLooksAtEnd = 5;
constexpr int kKilled = 128 + 9;

const std::string* text_in(const codec::Json& json, std::string_view group, std::string_view name) {
    const codec::Json* inside = json.find(group);
    const codec::Json* value = inside != nullptr ? inside->find(name) : nullptr;
    return value != nullptr ? value->get_string() : nullptr;
}

// What an inspection says about its end; nothing while it goes on.
std::optional<int> end_in(const codec::Json& json) {
    const codec::Json* state = json.find("State");
    const codec::Json* running = state != nullptr ? state->find("Running") : nullptr;
    const codec::Json* code = state != nullptr ? state->find("ExitCode") : nullptr;
    const std::string* status = text_in(json, "State", "Status");
    std::int64_t number = 0;
    if (running == nullptr || code == nullptr || status == nullptr || !code->get_i64(&number)) return std::nullopt;
    const bool is_over = *status == "exited" || *status == "stopped" || *status == "dead" || *status == "removing";
    if (!is_over) return std::nullopt;
    return static_cast<int>(std::clamp<std::int64_t>(number, 0, 255));
}

void take(OciContainer* container, const FramePart& part) {
    if (part.kind == FrameKind::kError && !container->joins_output) {
        container->errors.add(part.bytes);
        return;
    }
    const std::size_t known = static_cast<std::size_t>(std::min<std::uint64_t>(container->skip, part.bytes.size()));
    container->skip -= known;
    const std::string_view fresh = as_text(part.bytes).substr(known);
    container->output += fresh;
    container->received += fresh.size();
}

// Until the stream ends, for whatever reason.
Task<void> take_stream(OciContainer* container) {
    while (!container->is_released) {
        if (container->output.size() >= kBufferedMax) {
            const TimePoint later = container->shared->runtime->now() + kSilenceMax;
            co_await container->changed.wait_until(later);
            continue;
        }
        const Result<Bytes> bytes = co_await container->stream->read(kPieceBytes);
        if (!bytes || bytes->empty()) break;
        const Result<std::vector<FramePart>> parts = container->frames.add(*bytes);
        if (!parts) {
            container->shared->log.warn("container_output_malformed", {{"container", container->id}});
            break;
        }
        for (const FramePart& part : *parts) take(container, part);
        container->changed.notify();
    }
}

struct Ending {
    std::optional<int> status{};  // nothing: it goes on, or nobody knows
    bool was_late = false;        // it went on after the stream had ended, so the stream may have lost something
};

// After its output ended the engine may need a moment to see the end.
Task<Ending> look_for_end(OciContainer* container) {
    Runtime* runtime = container->shared->runtime;
    Ending ending;
    for (int look = 0; look < kLooksMax && !container->is_released && !ending.status; ++look) {
        EngineRequest request{"GET", "/v1.40/containers/" + container->id + "/json", {}};
        const TimePoint deadline = runtime->now() + kCallMax;
        const Result<codec::Json> seen = co_await container->shared->engine.ask(std::move(request), deadline);
        if (seen) ending.status = end_in(*seen);
        if (seen && !ending.status && look >= kLooksAtEnd) ending.was_late = true;
        if (!seen && seen.error().code == Errc::kNotFound) ending.status = kKilled;
        if (!seen && seen.error().code != Errc::kNotFound) ending.was_late = true;
        if (ending.status) break;
        const Duration pause = look < kLooksAtEnd ? 5ms : 20ms;
        const TimePoint next = runtime->now() + pause;
        co_await runtime->sleep_until(next);
    }
    co_return ending;
}

Task<Result<std::unique_ptr<ports::ByteStream>>> open_log(OciContainer* container, bool follows) {
    const std::string kinds = container->joins_output ? "&stdout=true&stderr=true" : "&stdout=true&stderr=false";
    EngineRequest request{
        "GET", "/v1.40/containers/" + container->id + "/logs?follow=" + (follows ? "true" : "false") + kinds, {}};
    // Podman begins its answer with the first byte of output.
    const TimePoint deadline = container->shared->runtime->now() + kSilenceMax;
    return container->shared->engine.open(std::move(request), deadline);
}

Task<void> send_signal(std::shared_ptr<OciContainer> container, std::string what) {
    Runtime* runtime = container->shared->runtime;
    for (int attempt = 0; attempt < 20 && !container->status; ++attempt) {
        EngineRequest request{"POST", "/v1.40/containers/" + container->id + what, {}};
        const TimePoint deadline = runtime->now() + kRemovalMax;
        const Result<EngineReply> reply = co_await container->shared->engine.call(std::move(request), deadline);
        const bool is_settled = reply && (reply->is_success() || reply->status == 404 || reply->status == 409);
        if (is_settled) co_return;
        co_await runtime->sleep_until(runtime->now() + 200ms);
    }
}

class DialedStream final : public ports::ByteStream {
  public:
    explicit DialedStream(asio::ip::tcp::socket socket) : socket_{std::move(socket)} {}

    Task<Result<Bytes>> read(std::size_t max) override {
        Bytes bytes(std::min(max, kPieceBytes));
        const auto [error, size] = co_await socket_.async_read_some(asio::buffer(bytes), kAwait);
        if (error && error != asio::error::eof) co_return broken(error);
        bytes.resize(size);
        co_return bytes;
    }
    Task<Result<void>> write(Bytes bytes) override {
        const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), kAwait);
        if (error) co_return broken(error);
        co_return Result<void>{};
    }
    void finish() override {
        boost::system::error_code ignored;
        ignored = socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    }
    void abort() override {
        boost::system::error_code ignored;
        ignored = socket_.close(ignored);
    }

  private:
    static Error broken(const boost::system::error_code& error) {
        return make_error(Errc::kUnavailable, "container: " + error.message());
    }

    asio::ip::tcp::socket socket_;
};

std::uint64_t number_at(const codec::Json& json, std::string_view group, std::string_view name) {
    const codec::Json* inside = json.find(group);
    const codec::Json* value = inside != nullptr ? inside->find(name) : nullptr;
    std::uint64_t number = 0;
    return value != nullptr && value->get_u64(&number) ? number : 0;
}

}  // namespace

ErrorLines::ErrorLines(Runtime* runtime, Log log, const OciSandboxOptions& options)
    : runtime_{runtime},
      log_{std::move(log)},
      burst_{static_cast<double>(options.log_lines_burst)},
      per_second_{static_cast<double>(options.log_lines_per_second)},
      allowance_{burst_},
      refilled_at_{runtime->now()} {}

void ErrorLines::add(ByteView bytes) {
    for (const std::uint8_t byte : bytes) {
        if (byte == '\n') {
            end_line();
        } else if (line_.size() < kLineBytesMax) {
            line_.push_back(byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?');
        }
    }
}

void ErrorLines::end_line() {
    if (line_.empty()) return;
    const std::string line = std::exchange(line_, {});
    const TimePoint now = runtime_->now();
    const double seconds = std::chrono::duration<double>(now - refilled_at_).count();
    allowance_ = std::min(burst_, allowance_ + seconds * per_second_);
    refilled_at_ = now;
    if (allowance_ < 1) {
        ++dropped_;
        return;
    }
    allowance_ -= 1;
    log_.info("sandbox_output", {{"line", line}});
}

void ErrorLines::finish() {
    end_line();
    if (dropped_ > 0) log_.warn("sandbox_output_dropped", {{"lines", dropped_}});
    dropped_ = 0;
}

OciContainer::OciContainer(std::shared_ptr<OciShared> owner, std::string identity)
    : shared{std::move(owner)},
      id{std::move(identity)},
      errors{shared->runtime, shared->log, shared->options},
      changed{shared->runtime} {}

Task<void> follow(std::shared_ptr<OciContainer> container) {
    std::vector<std::unique_ptr<ports::ByteStream>> retired;  // a write may still wait in them
    bool is_log = false;
    bool is_whole = false;  // the log of a container that has ended: a followed one may lack the end
    while (!container->is_released) {
        if (container->stream != nullptr) {
            co_await take_stream(container.get());
            container->takes_input = false;
            const Ending ending = co_await look_for_end(container.get());
            if (ending.status && (is_whole || !(is_log || ending.was_late))) {
                container->status = ending.status;
                break;
            }
            is_whole = ending.status.has_value();
            // The engine broke the stream, not the container: go on where it broke.
            container->stream->abort();
            retired.push_back(std::move(container->stream));
        }
        if (container->is_released) break;
        Result<std::unique_ptr<ports::ByteStream>> opened = co_await open_log(container.get(), !is_whole);
        if (!opened) {
            const Ending ending = co_await look_for_end(container.get());
            container->status = ending.status;
            if (ending.status) break;
            continue;
        }
        is_log = true;
        container->frames = {};
        container->skip = container->received;
        container->stream = *std::move(opened);
    }
    container->errors.finish();
    container->is_output_over = true;
    container->changed.notify();
}

Task<bool> remove_container(std::shared_ptr<OciShared> shared, std::string id) {
    // Engines would ask it to end first, and wait.
    EngineRequest kill{"POST", "/v1.40/containers/" + id + "/kill?signal=KILL", {}};
    const TimePoint killed_by = shared->runtime->now() + kCallMax;
    const Result<EngineReply> killed = co_await shared->engine.call(std::move(kill), killed_by);
    if (!killed) shared->log.warn("container_not_killed", {{"container", id}, {"error", killed.error().message}});
    for (int attempt = 0; attempt < kRemovalsTried; ++attempt) {
        EngineRequest request{"DELETE", "/v1.40/containers/" + id + "?force=true&v=true", {}};
        const TimePoint deadline = shared->runtime->now() + kRemovalMax;
        const Result<EngineReply> reply = co_await shared->engine.call(std::move(request), deadline);
        if (reply && (reply->is_success() || reply->status == 404)) co_return true;
        // What the engine does itself after a container's end may be in the way for a moment.
        const Duration pause = attempt < 10 ? 50ms : 1s;
        co_await shared->runtime->sleep_until(shared->runtime->now() + pause);
    }
    shared->log.warn("container_left_behind", {{"container", id}});
    co_return false;
}

Task<void> remove(std::shared_ptr<OciContainer> container) {
    co_await remove_container(container->shared, container->id);
    drop_job_source(container->job_source);
    --container->shared->removals;
    container->shared->changed.notify();
}

void drop_job_source(const std::string& folder) {
    if (folder.empty()) return;
    ::umount2(folder.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    std::error_code ignored;
    std::filesystem::remove(folder, ignored);  // only what is empty: never through a mount that is still there
}

OciProcess::~OciProcess() {
    container_->is_released = true;
    if (container_->stream != nullptr) container_->stream->abort();
    container_->changed.notify();
    ++container_->shared->removals;
    container_->shared->runtime->spawn(remove(container_));
}

Task<Result<void>> OciProcess::write(Bytes bytes) {
    if (container_->status || !container_->takes_input || container_->is_ordered_to_die) {
        co_return make_error(Errc::kUnavailable, "container: it takes no input any more");
    }
    co_return co_await container_->stream->write(std::move(bytes));
}

Task<Result<Bytes>> OciProcess::read(std::size_t max, TimePoint deadline) {
    if (max == 0) co_return make_error(Errc::kInvalid, "a read of no bytes");
    bool is_in_time = true;
    while (container_->output.empty() && !container_->is_output_over && is_in_time) {
        is_in_time = co_await container_->changed.wait_until(deadline);
    }
    if (!container_->output.empty()) {
        const std::size_t size = std::min(max, container_->output.size());
        const Bytes bytes{container_->output.begin(), container_->output.begin() + static_cast<std::ptrdiff_t>(size)};
        container_->output.erase(0, size);
        container_->changed.notify();
        co_return bytes;
    }
    if (container_->is_output_over) co_return make_error(Errc::kUnavailable, "container: end of output");
    co_return make_error(Errc::kTimeout, "container: no output in time");
}

void OciProcess::kill() {
    if (std::exchange(container_->is_ordered_to_die, true)) return;
    container_->shared->runtime->spawn(send_signal(container_, "/kill?signal=KILL"));
}

void OciProcess::stop() {
    const std::string seconds = std::to_string(container_->shared->options.stop_seconds);
    container_->shared->runtime->spawn(send_signal(container_, "/stop?t=" + seconds));
}

Task<Result<int>> OciProcess::wait(TimePoint deadline) {
    bool is_in_time = true;
    while (!container_->status && is_in_time) {
        is_in_time = co_await container_->changed.wait_until(deadline);
    }
    if (container_->status) co_return *container_->status;
    co_return make_error(Errc::kTimeout, "container: it is still running");
}

Task<Result<std::unique_ptr<ports::ByteStream>>> OciProcess::dial(std::uint16_t port, TimePoint deadline) {
    const std::shared_ptr<OciContainer> container = container_;
    EngineRequest request{"GET", "/v1.40/containers/" + container->id + "/json", {}};
    CO_TRY(const codec::Json seen, co_await container->shared->engine.ask(std::move(request), deadline));
    const std::uint64_t process_id = number_at(seen, "State", "Pid");
    if (process_id == 0) co_return make_error(Errc::kUnavailable, "container: it has ended");
    Runtime* runtime = container->shared->runtime;
    const Duration patience = std::clamp<Duration>(deadline - runtime->now(), Duration::zero(), kDialMax);
    Result<int> connected = make_error(Errc::kInternal, "container: no connection");
    std::function<void()> work = [&] { connected = connect_inside(process_id, port, patience); };
    co_await runtime->compute(std::move(work));
    if (!connected) co_return connected.error();
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::tcp::socket socket{executor};
    boost::system::error_code error;
    error = socket.assign(asio::ip::tcp::v4(), *connected, error);
    if (error) {
        ::close(*connected);
        co_return make_error(Errc::kExhausted, "container: " + error.message());
    }
    co_return std::unique_ptr<ports::ByteStream>{std::make_unique<DialedStream>(std::move(socket))};
}

Task<Result<std::unique_ptr<ports::SandboxSession>>> OciProcess::exec(ports::SandboxCommand command,
                                                                      TimePoint deadline) {
    return open_session(container_->shared, container_->id, std::move(command), deadline);
}

Task<Result<ports::SandboxStats>> OciProcess::stats(TimePoint deadline) {
    if (container_->status) co_return make_error(Errc::kUnavailable, "container: it has ended");
    EngineRequest request{"GET", "/v1.40/containers/" + container_->id + "/stats?stream=false&one-shot=true", {}};
    CO_TRY(const codec::Json seen, co_await container_->shared->engine.ask(std::move(request), deadline));
    ports::SandboxStats stats;
    stats.memory_bytes = number_at(seen, "memory_stats", "usage");
    stats.processes = number_at(seen, "pids_stats", "current");
    if (const codec::Json* cpu = seen.find("cpu_stats")) {
        stats.cpu_nanoseconds = number_at(*cpu, "cpu_usage", "total_usage");
    }
    co_return stats;
}

}  // namespace vcity::adapters
