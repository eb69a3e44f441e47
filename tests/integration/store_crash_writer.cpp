// SPDX-License-Identifier: Apache-2.0
// Commits to the store it is given from several tasks at once until it is killed, and tells every acknowledged commit
// with a line on standard output: "<writer> <number>".
#include <cstdio>
#include <string>

#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/store_sqlite/store.hpp"

namespace vcity {
namespace {

Task<void> commit_for_ever(ports::Store* store, int writer) {
    for (std::uint64_t number = 1;; ++number) {
        const std::string prefix = "writer/" + std::to_string(writer) + "/";
        const std::string digits = std::to_string(number);
        ports::StoreChange change;
        // Two entries and a counter: all or nothing of them must be there afterwards.
        change.puts.push_back({.key = prefix + "a/" + digits, .value = Bytes(200, 1)});
        change.puts.push_back({.key = prefix + "b/" + digits, .value = Bytes(200, 2)});
        change.puts.push_back({.key = prefix + "last", .value = Bytes{digits.begin(), digits.end()}});
        const Result<void> committed = co_await store->commit(std::move(change));
        if (!committed) co_return;
        const std::string line = std::to_string(writer) + " " + digits + "\n";
        if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) co_return;
    }
}

}  // namespace
}  // namespace vcity

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    vcity::adapters::AsioRuntime runtime;
    auto store = vcity::adapters::SqliteStore::open({.path = argv[1]});
    if (!store) {
        std::fprintf(stderr, "%s\n", store.error().message.c_str());
        return 1;
    }
    const int writers = static_cast<int>(std::strtol(argv[2], nullptr, 10));
    for (int writer = 0; writer < writers; ++writer) runtime.spawn(vcity::commit_for_ever(store->get(), writer));
    runtime.run();
    return 0;
}
