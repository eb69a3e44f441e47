// SPDX-License-Identifier: Apache-2.0
// ScriptedWorker as a program: frames on standard input and output, a token of every running job each millisecond.
#include "adapters/inference_worker/testing/scripted_worker.hpp"

#include <cstdlib>

#include <poll.h>
#include <unistd.h>

#include "wire/wire.hpp"

namespace vcity {
namespace {

constexpr std::size_t kLengthBytes = 4;

void send(const WorkerMessage& message) {
    const Bytes body = wire::encode(message);
    Bytes frame;
    for (unsigned shift = 0; shift < 32; shift += 8) frame.push_back(static_cast<std::uint8_t>(body.size() >> shift));
    append(&frame, body);
    for (std::size_t written = 0; written < frame.size();) {
        const ssize_t count = ::write(STDOUT_FILENO, frame.data() + written, frame.size() - written);
        if (count <= 0) std::_Exit(0);
        written += static_cast<std::size_t>(count);
    }
}

void send_all(const std::vector<WorkerMessage>& messages) {
    for (const WorkerMessage& message : messages) send(message);
}

// Answers the whole frames at the front of the buffer and takes them out of it.
void take_frames(adapters::testing::ScriptedWorker* worker, Bytes* buffer) {
    while (buffer->size() >= kLengthBytes) {
        std::size_t length = 0;
        for (std::size_t index = kLengthBytes; index-- > 0;) length = length << 8U | (*buffer)[index];
        if (buffer->size() < kLengthBytes + length) return;
        const auto message = wire::parse_worker_message(ByteView{*buffer}.subspan(kLengthBytes, length));
        if (!message) std::_Exit(1);
        send_all(worker->on(*message));
        buffer->erase(buffer->begin(), buffer->begin() + static_cast<std::ptrdiff_t>(kLengthBytes + length));
    }
}

int serve() {
    adapters::testing::ScriptedWorker worker;
    send(adapters::testing::ScriptedWorker::ready());
    Bytes buffer;
    for (;;) {
        pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
        if (::poll(&input, 1, worker.is_busy() ? 1 : -1) == 0) {
            send_all(worker.step());
            continue;
        }
        std::uint8_t bytes[4'096];
        const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (count <= 0) return 0;
        append(&buffer, ByteView{bytes, static_cast<std::size_t>(count)});
        take_frames(&worker, &buffer);
    }
}

}  // namespace
}  // namespace vcity

int main() {
    return vcity::serve();
}
