// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/session.hpp"

#include <csignal>

#include <sys/syscall.h>
#include <unistd.h>

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;
using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kPieceBytes = 64U << 10U;
constexpr Duration kCallMax = 20s;

// The program on this machine, so that it can be ended: engines have no call for it.
class RemoteProgram {
  public:
    RemoteProgram() = default;
    ~RemoteProgram() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    RemoteProgram(const RemoteProgram&) = delete;
    RemoteProgram& operator=(const RemoteProgram&) = delete;

    void open(std::uint64_t process_id) {
        if (descriptor_ >= 0 || process_id <= 1) return;
        descriptor_ = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(process_id), 0));
    }
    void kill() const {
        if (descriptor_ >= 0) ::syscall(SYS_pidfd_send_signal, descriptor_, SIGKILL, nullptr, 0);
    }

  private:
    int descriptor_ = -1;
};

class OciSession final : public ports::SandboxSession {
  public:
    OciSession(std::shared_ptr<OciShared> shared,
               std::string id,
               std::unique_ptr<ports::ByteStream> stream,
               bool has_terminal)
        : shared_{std::move(shared)}, id_{std::move(id)}, stream_{std::move(stream)}, has_terminal_{has_terminal} {}
    ~OciSession() override { program_.kill(); }
    OciSession(const OciSession&) = delete;
    OciSession& operator=(const OciSession&) = delete;

    Task<Result<Bytes>> read(std::size_t max) override {
        while (pending_.empty()) {
            CO_TRY(Bytes bytes, co_await stream_->read(kPieceBytes));
            if (bytes.empty()) co_return bytes;
            if (has_terminal_) {
                pending_ = std::move(bytes);
                break;
            }
            CO_TRY(const std::vector<FramePart> parts, frames_.add(bytes));
            for (const FramePart& part : parts) pending_.insert(pending_.end(), part.bytes.begin(), part.bytes.end());
        }
        const auto size = static_cast<std::ptrdiff_t>(std::min(max, pending_.size()));
        Bytes bytes{pending_.begin(), pending_.begin() + size};
        pending_.erase(pending_.begin(), pending_.begin() + size);
        co_return bytes;
    }
    Task<Result<void>> write(Bytes bytes) override { return stream_->write(std::move(bytes)); }
    void finish() override { stream_->finish(); }
    void abort() override { stream_->abort(); }
    void resize(ports::TerminalSize size) override {
        if (has_terminal_) shared_->runtime->spawn(resize_at(shared_, id_, size));
    }

    Task<Result<int>> wait(TimePoint deadline) override {
        while (true) {
            CO_TRY(const Json seen, co_await look(deadline));
            const Json* running = seen.find("Running");
            const Json* code = seen.find("ExitCode");
            const bool* is_running = running != nullptr ? running->get_bool() : nullptr;
            std::int64_t status = 0;
            if (is_running == nullptr) co_return make_error(Errc::kCorrupt, "container engine: no state of a program");
            if (!*is_running && code != nullptr && code->get_i64(&status)) co_return static_cast<int>(status);
            if (shared_->runtime->now() >= deadline) co_return make_error(Errc::kTimeout, "the program goes on");
            co_await shared_->runtime->sleep_until(std::min(deadline, shared_->runtime->now() + 20ms));
        }
    }

    // Learns which process it is.
    Task<void> identify(TimePoint deadline) {
        const Result<Json> seen = co_await look(deadline);
        const Json* number = seen ? seen->find("Pid") : nullptr;
        std::uint64_t process_id = 0;
        if (number != nullptr && number->get_u64(&process_id)) program_.open(process_id);
    }

  private:
    static Task<void> resize_at(std::shared_ptr<OciShared> shared, std::string id, ports::TerminalSize size) {
        const std::string query = "/resize?h=" + std::to_string(size.rows) + "&w=" + std::to_string(size.columns);
        EngineRequest request{"POST", "/v1.40/exec/" + id + query, {}};
        const TimePoint deadline = shared->runtime->now() + kCallMax;
        const Result<EngineReply> reply = co_await shared->engine.call(std::move(request), deadline);
        if (!reply) shared->log.debug("terminal_not_resized");
    }
    Task<Result<Json>> look(TimePoint deadline) {
        EngineRequest request{"GET", "/v1.40/exec/" + id_ + "/json", {}};
        Result<Json> seen = co_await shared_->engine.ask(std::move(request), deadline);
        const bool is_gone = !seen && seen.error().code == Errc::kNotFound;
        if (is_gone) co_return make_error(Errc::kUnavailable, "container: it has ended");
        co_return seen;
    }

    std::shared_ptr<OciShared> shared_;
    std::string id_;
    std::unique_ptr<ports::ByteStream> stream_;
    bool has_terminal_;
    FrameDecoder frames_;
    Bytes pending_;
    RemoteProgram program_;
};

std::string exec_body(const ports::SandboxCommand& command) {
    Json body{JsonObject{{"AttachStdin", true},
                         {"AttachStdout", true},
                         {"AttachStderr", true},
                         {"Tty", command.terminal.has_value()},
                         {"Cmd", JsonArray(command.command.begin(), command.command.end())},
                         {"Env", JsonArray(command.environment.begin(), command.environment.end())}}};
    return codec::dump_json(body);
}

}  // namespace

Task<Result<std::unique_ptr<ports::SandboxSession>>> open_session(std::shared_ptr<OciShared> shared,
                                                                  std::string container,
                                                                  ports::SandboxCommand command,
                                                                  TimePoint deadline) {
    if (command.command.empty()) co_return make_error(Errc::kInvalid, "no command");
    EngineRequest create{"POST", "/v1.40/containers/" + container + "/exec", exec_body(command)};
    Result<Json> made = co_await shared->engine.ask(std::move(create), deadline);
    const bool is_gone = !made && (made.error().code == Errc::kNotFound || made.error().code == Errc::kConflict);
    if (is_gone) co_return make_error(Errc::kUnavailable, "container: it has ended");
    if (!made) co_return made.error();
    const Json* id = made->find("Id");
    const std::string* text = id != nullptr ? id->get_string() : nullptr;
    if (text == nullptr) co_return make_error(Errc::kCorrupt, "container engine: no id of a program");
    const std::string session_id = *text;
    Json settings{JsonObject{{"Detach", false}, {"Tty", command.terminal.has_value()}}};
    if (command.terminal) {
        settings.set("h", command.terminal->rows);
        settings.set("w", command.terminal->columns);
    }
    EngineRequest start{"POST", "/v1.40/exec/" + session_id + "/start", codec::dump_json(settings)};
    CO_TRY(auto stream, co_await shared->engine.open(std::move(start), deadline));
    auto session = std::make_unique<OciSession>(shared, session_id, std::move(stream), command.terminal.has_value());
    if (command.terminal) session->resize(*command.terminal);
    co_await session->identify(deadline);
    co_return std::unique_ptr<ports::SandboxSession>{std::move(session)};
}

}  // namespace vcity::adapters
