// SPDX-License-Identifier: Apache-2.0
// One side of power_cut.py, on the store at PATH:
//
//   power_cut_store write PATH   commits from several tasks at once until the store fails or the program is killed, and
//                                tells every acknowledged commit with a line "<writer> <number>"
//   power_cut_store check PATH   opens the store as a role does after a power cut, tells the last commit of each writer
//                                in the same form, and ends with 1 when what is stored is not exactly those commits
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/store_sqlite/store.hpp"

namespace vcity {
namespace {

constexpr int kWriters = 4;
// A commit erases the one so many before it, so that the store stops growing and pages are used again.
constexpr std::uint64_t kKept = 300;

std::string prefix_of(int writer) {
    return "writer/" + std::to_string(writer) + "/";
}

std::string entry_key(int writer, char kind, std::uint64_t number) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%c/%012" PRIu64, kind, number);
    return prefix_of(writer) + digits;
}

// Of different lengths, some of them longer than a page, and known from the number.
Bytes entry_value(int writer, char kind, std::uint64_t number) {
    const std::uint64_t mixed = (number * 2'654'435'761U) ^ static_cast<std::uint64_t>(writer * 31 + kind);
    const std::size_t length = number % 16 == 0 ? 4'096 + mixed % 8'192 : 16 + mixed % 1'500;
    Bytes value(length, static_cast<std::uint8_t>(mixed));
    std::memcpy(value.data(), &number, sizeof number);
    return value;
}

Task<Result<std::uint64_t>> last_of(ports::Store* store, int writer) {
    CO_TRY(const std::optional<Bytes> stored, co_await store->get(prefix_of(writer) + "last"));
    if (!stored) co_return std::uint64_t{0};
    co_return std::uint64_t{std::stoull(std::string{as_text(*stored)})};
}

Task<void> commit_until_failure(Runtime* runtime, ports::Store* store, int writer) {
    const Result<std::uint64_t> last = co_await last_of(store, writer);
    if (!last) co_return;
    for (std::uint64_t number = *last + 1;; ++number) {
        const std::string digits = std::to_string(number);
        ports::StoreChange change;
        for (const char kind : {'a', 'b'}) {
            change.puts.push_back({.key = entry_key(writer, kind, number), .value = entry_value(writer, kind, number)});
            if (number > kKept) change.deletes.push_back(entry_key(writer, kind, number - kKept));
        }
        change.puts.push_back({.key = prefix_of(writer) + "last", .value = Bytes{digits.begin(), digits.end()}});
        const Result<void> committed = co_await store->commit(std::move(change));
        if (!committed) co_return;
        const std::string line = std::to_string(writer) + " " + digits + "\n";
        if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) co_return;
        // Commits of one group, of several, and none: the disk is found in different states.
        if (number % 64 != 0) continue;
        const TimePoint later = runtime->now() + std::chrono::milliseconds{number % 7};
        co_await runtime->sleep_until(later);
    }
}

// Whether exactly the last commits of this writer are there, whole.
Task<Result<void>> check_entries(ports::Store* store, int writer, std::uint64_t last) {
    for (const char kind : {'a', 'b'}) {
        const std::string prefix = prefix_of(writer) + kind + "/";
        CO_TRY(const std::vector<ports::StoreEntry> entries, co_await store->scan(prefix, "", 1'000'000));
        std::uint64_t number = last > kKept ? last - kKept : 0;
        for (const ports::StoreEntry& entry : entries) {
            ++number;
            if (entry.key == entry_key(writer, kind, number) && entry.value == entry_value(writer, kind, number)) {
                continue;
            }
            co_return make_error(Errc::kCorrupt, "found " + entry.key + " in place of " + std::to_string(number));
        }
        if (number != last) co_return make_error(Errc::kCorrupt, prefix + " ends at " + std::to_string(number));
    }
    co_return Result<void>{};
}

Task<int> check(ports::Store* store) {
    for (int writer = 0; writer < kWriters; ++writer) {
        const Result<std::uint64_t> last = co_await last_of(store, writer);
        if (!last) co_return 1;
        const Result<void> whole = co_await check_entries(store, writer, *last);
        if (!whole) {
            std::fprintf(stderr, "%s\n", whole.error().message.c_str());
            co_return 1;
        }
        std::printf("%d %" PRIu64 "\n", writer, *last);
    }
    co_return 0;
}

}  // namespace
}  // namespace vcity

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    vcity::adapters::AsioRuntime runtime;
    auto store = vcity::adapters::SqliteStore::open({.path = argv[2]});
    if (!store) {
        std::fprintf(stderr, "%s\n", store.error().message.c_str());
        return 1;
    }
    if (std::strcmp(argv[1], "check") == 0) return runtime.run_to_completion(vcity::check(store->get()));
    for (int writer = 0; writer < vcity::kWriters; ++writer) {
        runtime.spawn(vcity::commit_until_failure(&runtime, store->get(), writer));
    }
    runtime.run();
    return 0;
}
