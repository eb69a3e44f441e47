// SPDX-License-Identifier: Apache-2.0
#include "serve.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <poll.h>
#include <unistd.h>

#include "wire/wire.hpp"

namespace vcity::worker {
namespace {

constexpr std::size_t kLengthBytes = 4;

class FrameReader {
  public:
    explicit FrameReader(int descriptor) : descriptor_{descriptor} {}

    bool ended() const { return ended_; }

    // Takes in what has arrived; waits for something when `wait` is set.
    Result<void> fill(bool wait) {
        pollfd poll_for{.fd = descriptor_, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&poll_for, 1, wait ? -1 : 0);
        if (ready == 0 || (ready < 0 && errno == EINTR)) return {};
        std::array<std::uint8_t, 1U << 16U> chunk;
        const ssize_t size = ::read(descriptor_, chunk.data(), chunk.size());
        if (size < 0 && errno == EINTR) return {};
        if (size < 0) return make_error(Errc::kUnavailable, "the input cannot be read");
        if (size == 0) ended_ = true;
        append(&buffer_, ByteView{chunk}.first(static_cast<std::size_t>(size)));
        return {};
    }

    // The next whole frame, if there is one.
    Result<std::optional<WorkerMessage>> next() {
        if (buffer_.size() < kLengthBytes) return std::optional<WorkerMessage>{};
        std::uint32_t length = 0;
        std::memcpy(&length, buffer_.data(), kLengthBytes);
        if (length > wire::kFrameBytesMax) return make_error(Errc::kCorrupt, "a frame is larger than 8 MiB");
        if (buffer_.size() < kLengthBytes + length) return std::optional<WorkerMessage>{};
        auto message = wire::parse_worker_message(ByteView{buffer_}.subspan(kLengthBytes, length));
        if (!message) return make_error(Errc::kCorrupt, "frame: " + message.error().message);
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(kLengthBytes + length));
        return std::optional<WorkerMessage>{*std::move(message)};
    }

  private:
    int descriptor_;
    Bytes buffer_;
    bool ended_ = false;
};

Result<void> write_all(int descriptor, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t size = ::write(descriptor, bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return make_error(Errc::kUnavailable, "the output is closed");
        bytes = bytes.subspan(static_cast<std::size_t>(size));
    }
    return {};
}

// An opening may be too large for a frame; the asker is told so instead.
WorkerMessage shortened(const WorkerMessage& message) {
    const auto* opening = std::get_if<WorkerOpening>(&message);
    return WorkerError{.job_id = opening == nullptr ? JobId{} : opening->job_id,
                       .code = Errc::kExhausted,
                       .message = "the answer does not fit a frame; ask for fewer cells"};
}

Result<void> send(int descriptor, const WorkerMessage& message) {
    Bytes body = wire::encode(message);
    if (body.size() > wire::kFrameBytesMax) body = wire::encode(shortened(message));
    const auto length = static_cast<std::uint32_t>(body.size());
    Bytes frame(kLengthBytes);
    std::memcpy(frame.data(), &length, kLengthBytes);
    append(&frame, body);
    return write_all(descriptor, frame);
}

// Messages that only a worker sends are ignored.
template <class Served>
struct Dispatch {
    Served* engine;
    WorkerMessages* out;

    void operator()(const WorkerGenerate& message) const { engine->generate(message, out); }
    void operator()(const WorkerCancel& message) const { engine->cancel(message.job_id, out); }
    void operator()(const WorkerOpen& message) const { engine->open(message, out); }
    void operator()(const WorkerDrop& message) const { engine->drop(message.job_id, out); }
    void operator()(const WorkerReady&) const {}
    void operator()(const WorkerToken&) const {}
    void operator()(const WorkerDone&) const {}
    void operator()(const WorkerOpening&) const {}
    void operator()(const WorkerError&) const {}
    void operator()(const WorkerReplay& message) const { engine->replay(message, out); }
    void operator()(const WorkerReplayed&) const {}
};

template <class Served>
Result<void> serve_on(Served& engine, int input, int output) {
    TRY_OK(send(output, WorkerMessage{engine.ready()}));
    FrameReader reader{input};
    while (!reader.ended()) {
        TRY_OK(reader.fill(!engine.busy()));
        WorkerMessages answers;
        while (true) {
            TRY(const auto message, reader.next());
            if (!message) break;
            std::visit(Dispatch<Served>{.engine = &engine, .out = &answers}, *message);
        }
        engine.step(&answers);
        for (const WorkerMessage& answer : answers) {
            TRY_OK(send(output, answer));
        }
    }
    return {};
}

}  // namespace

Result<void> serve(Engine& engine, int input, int output) {
    return serve_on(engine, input, output);
}

Result<void> serve(Shelf& shelf, int input, int output) {
    return serve_on(shelf, input, output);
}

}  // namespace vcity::worker
