// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "crypto/sha256.hpp"
#include "ports/blobs.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::ports::testing {

// A store of files with room for some of them, empty at first, and the world it runs in.
class BlobHarness : public TaskRunner {
  public:
    virtual BlobStore& blobs() = 0;
    // Ends the store as its owner's death would, then opens what it kept. Drafts of before must be gone already.
    virtual void reopen() = 0;
    // From now on nothing more fits.
    virtual void fill_up() = 0;
};

using BlobHarnessFactory = std::function<std::unique_ptr<BlobHarness>()>;

// What every BlobStore must do. One file of a test program includes this and instantiates the suite:
//   INSTANTIATE_TEST_SUITE_P(Folder, BlobContract, ::testing::Values(BlobHarnessFactory{make_harness}));
class BlobContract : public ::testing::TestWithParam<BlobHarnessFactory> {
  protected:
    static Bytes letters(std::size_t count, char letter = 'a') {
        return Bytes(count, static_cast<std::uint8_t>(letter));
    }
    std::unique_ptr<BlobDraft> draft() { return *await(*harness, harness->blobs().draft()); }
    Result<FileDigest> put(const std::vector<Bytes>& parts) {
        const std::unique_ptr<BlobDraft> made = draft();
        for (const Bytes& part : parts) {
            const Result<void> written = await(*harness, made->write(part));
            if (!written) return written.error();
        }
        return await(*harness, made->keep());
    }
    Result<Bytes> get(const Hash& sha256) {
        const auto source = await(*harness, harness->blobs().open(sha256));
        if (!source) return source.error();
        return read_all(source->get());
    }
    Bytes read_all(FileSource* source) {
        Bytes all;
        while (true) {
            const Result<Bytes> part = await(*harness, source->read(all.size(), 1000));
            EXPECT_TRUE(part);
            if (!part || part->empty()) return all;
            EXPECT_LE(part->size(), 1000U);
            all.insert(all.end(), part->begin(), part->end());
        }
    }
    std::vector<Hash> list(const Hash& after, std::size_t limit) {
        const auto entries = await(*harness, harness->blobs().list(after, limit));
        EXPECT_TRUE(entries);
        std::vector<Hash> found;
        for (const FileDigest& entry : *entries) found.push_back(entry.sha256);
        return found;
    }

    std::unique_ptr<BlobHarness> harness = GetParam()();
};

TEST_P(BlobContract, GivesBackWhatWasKeptUnderItsHash) {
    const Bytes first = letters(2500);
    Bytes whole = first;
    whole.push_back('z');
    const Result<FileDigest> kept = put({first, {}, {'z'}});
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->sha256, crypto::sha256(whole));
    EXPECT_EQ(kept->bytes, 2501U);
    EXPECT_EQ(get(kept->sha256).value(), whole);
    const auto source = await(*harness, harness->blobs().open(kept->sha256));
    EXPECT_EQ(source.value()->size(), 2501U);
    EXPECT_EQ(await(*harness, source.value()->read(2500, 10)).value(), Bytes{'z'});
    EXPECT_TRUE(await(*harness, source.value()->read(9999, 10)).value().empty());
    ASSERT_FALSE(get(crypto::sha256(first)));
    EXPECT_EQ(get(crypto::sha256(first)).error().code, Errc::kNotFound);
}

TEST_P(BlobContract, KeepsAnEmptyFile) {
    const Result<FileDigest> kept = put({});
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->sha256, crypto::sha256({}));
    EXPECT_TRUE(get(kept->sha256).value().empty());
}

TEST_P(BlobContract, KeepsTheSameFileOnce) {
    const Result<FileDigest> first = put({letters(10)});
    const Result<FileDigest> again = put({letters(3), letters(7)});
    ASSERT_TRUE(first && again);
    EXPECT_EQ(first->sha256, again->sha256);
    EXPECT_EQ(list({}, 10).size(), 1U);
    EXPECT_EQ(get(first->sha256).value(), letters(10));
}

TEST_P(BlobContract, ForgetsADraftThatWasNotKept) {
    {
        const std::unique_ptr<BlobDraft> left = draft();
        EXPECT_TRUE(await(*harness, left->write(letters(10))));
    }
    EXPECT_TRUE(list({}, 10).empty());
    EXPECT_EQ(get(crypto::sha256(letters(10))).error().code, Errc::kNotFound);
}

TEST_P(BlobContract, ErasesForNewReadersOnly) {
    const Hash sha256 = put({letters(3000)}).value().sha256;
    const auto source = await(*harness, harness->blobs().open(sha256));
    EXPECT_TRUE(await(*harness, harness->blobs().erase(sha256)));
    EXPECT_TRUE(await(*harness, harness->blobs().erase(sha256)));
    EXPECT_EQ(get(sha256).error().code, Errc::kNotFound);
    EXPECT_TRUE(list({}, 10).empty());
    EXPECT_EQ(read_all(source->get()), letters(3000));
    EXPECT_TRUE(put({letters(3000)})) << "it may come again";
    EXPECT_EQ(get(sha256).value(), letters(3000));
}

TEST_P(BlobContract, ListsInPagesInTheOrderOfHashes) {
    std::vector<Hash> hashes;
    for (std::size_t count = 1; count <= 20; ++count) hashes.push_back(put({letters(count)}).value().sha256);
    std::ranges::sort(hashes);
    std::vector<Hash> seen;
    Hash after;
    for (std::vector<Hash> page = list(after, 7); !page.empty(); page = list(after, 7)) {
        EXPECT_LE(page.size(), 7U);
        seen.insert(seen.end(), page.begin(), page.end());
        after = page.back();
    }
    EXPECT_EQ(seen, hashes);
}

TEST_P(BlobContract, KeepsWhatItHasWhenItsOwnerDies) {
    const Hash sha256 = put({letters(100, 'b')}).value().sha256;
    harness->reopen();
    EXPECT_EQ(get(sha256).value(), letters(100, 'b'));
    EXPECT_EQ(list({}, 10).size(), 1U);
}

TEST_P(BlobContract, TakesNothingMoreWhenItIsFull) {
    const Hash sha256 = put({letters(100, 'c')}).value().sha256;
    EXPECT_GT(await(*harness, harness->blobs().bytes_free()).value(), 0U);
    harness->fill_up();
    EXPECT_EQ(await(*harness, harness->blobs().bytes_free()).value(), 0U);
    const auto refused = await(*harness, harness->blobs().draft());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kExhausted);
    EXPECT_EQ(get(sha256).value(), letters(100, 'c'));
}

}  // namespace vcity::ports::testing
