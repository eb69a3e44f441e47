// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "ports/testing/harness.hpp"
#include "ports/transfer.hpp"

namespace vcity::ports::testing {

// What was written, and whether it was closed.
class MemorySink final : public FileSink {
  public:
    Task<Result<void>> write(Bytes more) override {
        if (is_full) co_return make_error(Errc::kExhausted, "the disk is full");
        bytes.insert(bytes.end(), more.begin(), more.end());
        co_return Result<void>{};
    }
    Task<Result<void>> close() override {
        is_closed = true;
        co_return Result<void>{};
    }

    Bytes bytes;
    bool is_closed = false;
    bool is_full = false;
};

class MemorySource final : public FileSource {
  public:
    explicit MemorySource(Bytes content) : bytes{std::move(content)} {}
    std::uint64_t size() const override { return bytes.size(); }
    Task<Result<Bytes>> read(std::uint64_t offset, std::size_t max) override {
        const std::size_t begin = std::min<std::uint64_t>(offset, bytes.size());
        const std::size_t count = std::min(max, bytes.size() - begin);
        const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(begin);
        co_return Bytes(first, first + static_cast<std::ptrdiff_t>(count));
    }

    Bytes bytes;
};

// A transfer, a server that takes and gives files by name, and the world they run in. Under a name of 64 hex digits the
// server takes only what has this hash, as a gateway does.
class TransferHarness : public TaskRunner {
  public:
    virtual Transfer& transfer() = 0;
    virtual std::string url_of(const std::string& name) = 0;
    virtual void serve(const std::string& name, Bytes content) = 0;
    // nullptr: there is none.
    virtual const Bytes* stored(const std::string& name) = 0;
    // Nobody answers any more.
    virtual void stop_server() = 0;
};

using TransferHarnessFactory = std::function<std::unique_ptr<TransferHarness>()>;

// What every Transfer must do. One file of a test program includes this and instantiates the suite:
//   INSTANTIATE_TEST_SUITE_P(Http, TransferContract, ::testing::Values(TransferHarnessFactory{make_harness}));
class TransferContract : public ::testing::TestWithParam<TransferHarnessFactory> {
  protected:
    static Bytes content(std::size_t size) {
        Bytes bytes(size);
        for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<std::uint8_t>(at * 7 + (at >> 9U));
        return bytes;
    }
    RemoteFile file_of(const std::string& name, const Bytes& bytes) {
        return {.url = harness->url_of(name), .sha256 = crypto::sha256(bytes), .bytes = bytes.size()};
    }
    TimePoint soon() { return harness->runtime().now() + std::chrono::seconds{5}; }
    TimePoint in_a_moment() { return harness->runtime().now() + std::chrono::milliseconds{5}; }
    Result<void> fetch(const RemoteFile& file) {
        return await(*harness, harness->transfer().fetch(file, &sink, soon()));
    }
    Result<void> put(const RemoteFile& file, const Bytes& bytes) {
        MemorySource source{bytes};
        return await(*harness, harness->transfer().put(file, &source, soon()));
    }
    static void expect_error(const Result<void>& result, Errc code) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << result.error().message;
    }

    std::unique_ptr<TransferHarness> harness = GetParam()();
    MemorySink sink;
};

TEST_P(TransferContract, FetchesAFileWhole) {
    const Bytes bytes = content(300'000);
    harness->serve("a", bytes);
    const Result<void> fetched = fetch(file_of("a", bytes));
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_TRUE(sink.is_closed);
    EXPECT_EQ(sink.bytes, bytes);
}

TEST_P(TransferContract, FetchesAnEmptyFile) {
    harness->serve("a", {});
    EXPECT_TRUE(fetch(file_of("a", {})));
    EXPECT_TRUE(sink.is_closed && sink.bytes.empty());
}

TEST_P(TransferContract, RefusesOtherBytesThanWerePromised) {
    const Bytes bytes = content(1000);
    Bytes other = bytes;
    other[500] ^= 1U;
    harness->serve("other", other);
    expect_error(fetch(file_of("other", bytes)), Errc::kCorrupt);
    harness->serve("longer", content(1001));
    expect_error(fetch(file_of("longer", bytes)), Errc::kCorrupt);
    harness->serve("shorter", content(999));
    expect_error(fetch(file_of("shorter", bytes)), Errc::kCorrupt);
    EXPECT_FALSE(sink.is_closed);
}

TEST_P(TransferContract, SaysThatThereIsNoSuchFile) {
    expect_error(fetch(file_of("nothing", content(10))), Errc::kNotFound);
    EXPECT_FALSE(sink.is_closed);
}

TEST_P(TransferContract, SaysWhatTheSinkSaid) {
    const Bytes bytes = content(1000);
    harness->serve("a", bytes);
    sink.is_full = true;
    expect_error(fetch(file_of("a", bytes)), Errc::kExhausted);
    EXPECT_FALSE(sink.is_closed);
}

TEST_P(TransferContract, PutsAFileThatCanBeFetched) {
    const Bytes bytes = content(300'000);
    const Result<void> done = put(file_of("b", bytes), bytes);
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_NE(harness->stored("b"), nullptr);
    EXPECT_EQ(*harness->stored("b"), bytes);
    EXPECT_TRUE(put(file_of("b", bytes), bytes)) << "it may be repeated";
    EXPECT_TRUE(fetch(file_of("b", bytes)));
    EXPECT_EQ(sink.bytes, bytes);
}

TEST_P(TransferContract, DoesNotPutAFileThatHasChanged) {
    const Bytes promised = content(1000);
    Bytes changed = promised;
    changed[0] ^= 1U;
    const std::string name = codec::to_hex(crypto::sha256(promised)).substr(2);
    expect_error(put(file_of(name, promised), changed), Errc::kCorrupt);
    changed.resize(10);
    expect_error(put(file_of(name, promised), changed), Errc::kCorrupt);
    EXPECT_EQ(harness->stored(name), nullptr);
}

TEST_P(TransferContract, GivesUpAtTheDeadlineWhenNobodyAnswers) {
    const Bytes bytes = content(10);
    const RemoteFile file = file_of("a", bytes);
    harness->stop_server();
    const Result<void> fetched = await(*harness, harness->transfer().fetch(file, &sink, in_a_moment()));
    ASSERT_FALSE(fetched);
    EXPECT_TRUE(fetched.error().code == Errc::kUnavailable || fetched.error().code == Errc::kTimeout);
    MemorySource source{bytes};
    const Result<void> done = await(*harness, harness->transfer().put(file, &source, in_a_moment()));
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().code == Errc::kUnavailable || done.error().code == Errc::kTimeout);
}

}  // namespace vcity::ports::testing
