// SPDX-License-Identifier: Apache-2.0
#include "cell/cell.hpp"

#include <memory>

#include <fcntl.h>
#include <unistd.h>

#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "adapters/sandbox_slurm/cell_files.hpp"

namespace vcity::cell {
namespace {

using namespace std::chrono_literals;
using adapters::CellState;
using Phase = CellState::Phase;

constexpr Duration kLookEvery = 100ms;  // at the input
constexpr std::size_t kPieceMax = 64U << 10U;
constexpr std::uint64_t kOutputMax = 64U << 20U;  // kept; what follows is read and dropped

struct Cell {
    Runtime* runtime = nullptr;
    std::string folder;
    std::unique_ptr<ports::SandboxProcess> process;
    bool is_stopped = false;
};

Result<void> tell(const Cell& cell, const CellState& state) {
    return adapters::replace_file(cell.folder + "/" + adapters::kCellState, to_text(state));
}

// The agent appends; what there is reaches the program within a moment.
Task<void> feed(std::shared_ptr<Cell> cell) {
    std::uint64_t offset = 0;
    Bytes piece(kPieceMax);
    while (true) {
        const int file = ::open((cell->folder + "/" + adapters::kCellInput).c_str(), O_RDONLY | O_CLOEXEC);
        const ssize_t count = file < 0 ? 0 : ::pread(file, piece.data(), piece.size(), static_cast<off_t>(offset));
        if (file >= 0) ::close(file);
        if (count > 0) {
            offset += static_cast<std::uint64_t>(count);
            Bytes bytes{piece.begin(), piece.begin() + count};
            const Result<void> written = co_await cell->process->write(std::move(bytes));
            if (!written) co_return;
            continue;
        }
        co_await cell->runtime->sleep_until(cell->runtime->now() + kLookEvery);
    }
}

Task<Result<void>> keep_output(std::shared_ptr<Cell> cell) {
    const int file = ::open((cell->folder + "/" + adapters::kCellOutput).c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) co_return make_error(Errc::kUnavailable, "cannot write the output");
    std::uint64_t kept = 0;
    bool is_good = true;
    for (;;) {
        const Result<Bytes> bytes = co_await cell->process->read(kPieceMax, TimePoint::max());
        if (!bytes) break;
        if (kept + bytes->size() > kOutputMax || !is_good) continue;
        is_good = ::write(file, bytes->data(), bytes->size()) == static_cast<ssize_t>(bytes->size());
        kept += bytes->size();
    }
    is_good = ::fsync(file) == 0 && is_good;
    ::close(file);
    if (!is_good) co_return make_error(Errc::kUnavailable, "the shared folder took not all of the output");
    co_return Result<void>{};
}

Task<CellState> live(std::shared_ptr<Cell> cell, adapters::BwrapSandbox* sandbox) {
    CellState state;
    state.phase = Phase::kRefused;
    const Result<std::string> text =
        adapters::read_whole_file(cell->folder + "/" + adapters::kCellSpec, adapters::kCellFileBytesMax);
    Result<ports::SandboxSpec> spec = text ? adapters::parse_cell_spec(*text) : text.error();
    Result<std::unique_ptr<ports::SandboxProcess>> started = make_error(Errc::kUnavailable, "");
    if (spec) {
        started = co_await sandbox->start(*std::move(spec));
    }
    if (!spec) started = spec.error();
    if (!started) {
        state.code = started.error().code;
        state.message = started.error().message;
        co_return state;
    }
    cell->process = *std::move(started);
    if (cell->is_stopped) cell->process->kill();
    state.phase = Phase::kRunning;
    Result<void> told = tell(*cell, state);
    cell->runtime->spawn(feed(cell));
    state.phase = Phase::kEnded;
    const Result<void> kept = co_await keep_output(cell);
    const Result<int> ended = co_await cell->process->wait(TimePoint::max());
    state.status = ended ? *ended : 0;
    state.is_lost = !ended || !kept || !told;
    if (state.is_lost) state.message = !ended ? ended.error().message : !kept ? kept.error().message : "unseen";
    co_return state;
}

Task<int> run(std::shared_ptr<Cell> cell, adapters::BwrapSandbox* sandbox) {
    const CellState state = co_await live(cell, sandbox);
    const Result<void> told = tell(*cell, state);
    co_return told ? 0 : 1;
}

}  // namespace

int run_cell(adapters::AsioRuntime* runtime, const std::string& folder) {
    adapters::BwrapSandbox sandbox{runtime, Log{nullptr, "cell"}};
    const auto cell = std::make_shared<Cell>();
    cell->runtime = runtime;
    cell->folder = folder;
    runtime->on_shutdown_signal([cell] {
        cell->is_stopped = true;
        if (cell->process != nullptr) cell->process->kill();
    });
    return runtime->run_to_completion(run(cell, &sandbox));
}

}  // namespace vcity::cell
