// SPDX-License-Identifier: Apache-2.0
#include "adapters/inference_worker/session.hpp"

#include <optional>

#include "base/check.hpp"
#include "wire/wire.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kReadBytes = 64U << 10U;
constexpr Duration kEndMax = 10s;

std::uint32_t read_length(const std::uint8_t* bytes) {
    return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8U |
           static_cast<std::uint32_t>(bytes[2]) << 16U | static_cast<std::uint32_t>(bytes[3]) << 24U;
}

Bytes frame_of(const WorkerMessage& message) {
    const Bytes body = wire::encode(message);
    CHECK(body.size() <= wire::kFrameBytesMax);
    Bytes frame;
    frame.reserve(kLengthBytes + body.size());
    for (unsigned shift = 0; shift < 32; shift += 8) frame.push_back(static_cast<std::uint8_t>(body.size() >> shift));
    append(&frame, body);
    return frame;
}

}  // namespace

WorkerSession::WorkerSession(Runtime* runtime,
                             std::unique_ptr<ports::SandboxProcess> process,
                             std::size_t messages_waiting_max)
    : runtime_{runtime}, process_{std::move(process)}, outgoing_{runtime, messages_waiting_max}, tasks_{runtime} {
    tasks_.spawn(write_all());
}

bool WorkerSession::send(const WorkerMessage& message) {
    return outgoing_.try_send(frame_of(message));
}

Task<void> WorkerSession::write_all() {
    for (;;) {
        Result<Bytes> frame = co_await outgoing_.receive(TimePoint::max());
        if (!frame) break;
        const Result<void> written = co_await process_->write(*std::move(frame));
        if (!written) break;
    }
    outgoing_.close();
}

Result<std::optional<Bytes>> WorkerSession::take_frame() {
    const std::size_t available = buffer_.size() - consumed_;
    if (available < kLengthBytes) return std::optional<Bytes>{};
    const std::uint32_t length = read_length(buffer_.data() + consumed_);
    if (length == 0 || length > wire::kFrameBytesMax) {
        return make_error(Errc::kCorrupt, "frame of " + std::to_string(length) + " bytes from the worker");
    }
    if (available < kLengthBytes + length) return std::optional<Bytes>{};
    const auto begin = buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_ + kLengthBytes);
    Bytes frame(begin, begin + length);
    consumed_ += kLengthBytes + length;
    return std::optional<Bytes>{std::move(frame)};
}

Task<Result<WorkerMessage>> WorkerSession::receive(TimePoint deadline) {
    for (;;) {
        CO_TRY(const std::optional<Bytes> frame, take_frame());
        if (frame) co_return wire::parse_worker_message(*frame);
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
        consumed_ = 0;
        CO_TRY(const Bytes bytes, co_await process_->read(kReadBytes, deadline));
        append(&buffer_, bytes);
    }
}

void WorkerSession::kill() {
    outgoing_.close();
    process_->kill();
}

Task<void> WorkerSession::close() {
    kill();
    // A killed process that does not end is a fault of the kernel; what it still holds must not hang the agent.
    (void)co_await process_->wait(runtime_->now() + kEndMax);
    const Result<void> joined = co_await tasks_.join(runtime_->now() + kEndMax);
    CHECK(joined.has_value());
}

}  // namespace vcity::adapters
