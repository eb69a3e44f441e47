// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/streams.hpp"

#include <algorithm>
#include <deque>

#include "async/channel.hpp"

namespace vcity::sim {
namespace {

constexpr std::size_t kQueuedMax = 4;

Error ended() {
    return make_error(Errc::kUnavailable, "the connection is over");
}

// One direction.
template <class Item>
struct Lane {
    explicit Lane(Runtime* runtime) : changed{runtime} {}

    Task<Result<void>> put(Item item) {
        while (!is_broken && !is_finished && items.size() >= kQueuedMax) {
            co_await changed.wait_until(TimePoint::max());
        }
        if (is_broken || is_finished) co_return ended();
        items.push_back(std::move(item));
        changed.notify();
        co_return Result<void>{};
    }
    // True when there is something or the writer has finished.
    Task<bool> wait() {
        while (!is_broken && !is_finished && items.empty()) {
            co_await changed.wait_until(TimePoint::max());
        }
        co_return !is_broken;
    }
    Item take() {
        Item item = std::move(items.front());
        items.pop_front();
        changed.notify();
        return item;
    }
    void finish() {
        is_finished = true;
        changed.notify();
    }
    void end() {
        is_broken = true;
        changed.notify();
    }

    std::deque<Item> items;
    bool is_finished = false;  // what is there can still be taken
    bool is_broken = false;
    Notifier changed;
};

template <class Item>
struct Lanes {
    explicit Lanes(Runtime* runtime) : there{runtime}, back{runtime} {}
    Lane<Item> there;
    Lane<Item> back;
};

class FakeByteStream final : public ports::ByteStream {
  public:
    // Both ends keep the lanes: either may go first.
    FakeByteStream(std::shared_ptr<void> owner, Lane<Bytes>* in, Lane<Bytes>* out)
        : owner_{std::move(owner)}, in_{in}, out_{out} {}
    ~FakeByteStream() override { FakeByteStream::abort(); }
    FakeByteStream(const FakeByteStream&) = delete;
    FakeByteStream& operator=(const FakeByteStream&) = delete;

    Task<Result<Bytes>> read(std::size_t max) override {
        const bool good = co_await in_->wait();
        if (!good) co_return ended();
        if (in_->items.empty()) co_return Bytes{};
        Bytes& next = in_->items.front();
        if (next.size() <= max) co_return in_->take();
        const auto cut = next.begin() + static_cast<std::ptrdiff_t>(max);
        Bytes piece{next.begin(), cut};
        next.erase(next.begin(), cut);
        co_return piece;
    }
    Task<Result<void>> write(Bytes bytes) override {
        if (bytes.empty()) co_return Result<void>{};
        co_return co_await out_->put(std::move(bytes));
    }
    void finish() override { out_->finish(); }
    void abort() override {
        in_->end();
        if (!out_->is_finished) out_->end();
    }

  private:
    std::shared_ptr<void> owner_;
    Lane<Bytes>* in_;
    Lane<Bytes>* out_;
};

class FakeWebSocket final : public ports::WebSocket {
  public:
    using Message = ports::WebSocketMessage;

    FakeWebSocket(std::shared_ptr<void> owner, Lane<Message>* in, Lane<Message>* out, ports::WebSocketLimits limits)
        : owner_{std::move(owner)}, in_{in}, out_{out}, limits_{limits} {}
    ~FakeWebSocket() override { FakeWebSocket::abort(); }
    FakeWebSocket(const FakeWebSocket&) = delete;
    FakeWebSocket& operator=(const FakeWebSocket&) = delete;

    Task<Result<Message>> read() override {
        const bool good = co_await in_->wait();
        if (!good || in_->items.empty()) co_return ended();
        Message message = in_->take();
        if (message.bytes.size() <= limits_.message_bytes_max) co_return message;
        abort();
        co_return make_error(Errc::kCorrupt, "the message is too long");
    }
    Task<Result<void>> write(Message message) override { return out_->put(std::move(message)); }
    Task<void> close() override {
        out_->finish();
        in_->end();
        co_return;
    }
    void abort() override {
        in_->end();
        if (!out_->is_finished) out_->end();  // what was sent before a close() arrives
    }

  private:
    std::shared_ptr<void> owner_;
    Lane<Message>* in_;
    Lane<Message>* out_;
    ports::WebSocketLimits limits_;
};

}  // namespace

ByteStreamPair make_byte_stream_pair(Runtime* runtime) {
    const auto lanes = std::make_shared<Lanes<Bytes>>(runtime);
    return {std::make_unique<FakeByteStream>(lanes, &lanes->back, &lanes->there),
            std::make_unique<FakeByteStream>(lanes, &lanes->there, &lanes->back)};
}

WebSocketPair make_web_socket_pair(Runtime* runtime, const ports::WebSocketLimits& limits) {
    const auto lanes = std::make_shared<Lanes<ports::WebSocketMessage>>(runtime);
    return {std::make_unique<FakeWebSocket>(lanes, &lanes->back, &lanes->there, limits),
            std::make_unique<FakeWebSocket>(lanes, &lanes->there, &lanes->back, limits)};
}

}  // namespace vcity::sim
