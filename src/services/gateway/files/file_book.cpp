// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/files/file_book.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kFilePrefix = "gateway/file/";
constexpr std::string_view kSpacePrefix = "gateway/space/";
constexpr std::string_view kEntryPrefix = "gateway/space-file/";
constexpr std::size_t kScanPage = 1024;
constexpr std::size_t kEraseBatch = 256;
constexpr Duration kGatePatience = std::chrono::seconds{5};

std::string key_of(const FileRecord& record) {
    return std::string{kFilePrefix} + record.id;
}

std::string key_of(const JobId& job_id) {
    return std::string{kSpacePrefix} + codec::to_hex(job_id).substr(2);
}

std::string key_of(const JobId& job_id, const Hash& sha256) {
    return std::string{kEntryPrefix} + codec::to_hex(job_id).substr(2) + "/" + codec::to_hex(sha256).substr(2);
}

ports::StoreEntry entry_of(std::string key, const std::string& value) {
    return {.key = std::move(key), .value = Bytes(value.begin(), value.end())};
}

// The two hashes at the end of an entry's key.
Result<std::pair<JobId, Hash>> parse_entry_key(std::string_view key) {
    key.remove_prefix(kEntryPrefix.size());
    const std::size_t slash = key.find('/');
    if (slash == std::string_view::npos) return make_error(Errc::kCorrupt, "a job's file has a broken key");
    TRY(const JobId job_id, codec::parse_fixed<JobId>("0x" + std::string{key.substr(0, slash)}));
    TRY(const Hash sha256, codec::parse_fixed<Hash>("0x" + std::string{key.substr(slash + 1)}));
    return std::pair{job_id, sha256};
}

Task<Result<std::vector<ports::StoreEntry>>> scan_all(ports::Store* store, std::string prefix) {
    std::vector<ports::StoreEntry> all;
    std::string after;
    while (true) {
        CO_TRY(std::vector<ports::StoreEntry> page, co_await store->scan(prefix, after, kScanPage));
        const bool is_last = page.size() < kScanPage;
        if (!page.empty()) after = page.back().key;
        std::ranges::move(page, std::back_inserter(all));
        if (is_last) co_return all;
    }
}

}  // namespace

// --- what is coming in

FileBook::Arrival::Arrival(FileBook* book, const Address& client, std::unique_ptr<ports::BlobDraft> draft)
    : book_{book}, client_{client}, draft_{std::move(draft)} {}

FileBook::Arrival::~Arrival() {
    Account& account = book_->accounts_[client_];
    account.arriving -= bytes_;
    --account.arrivals;
}

Task<Result<void>> FileBook::Arrival::write(std::string_view piece, std::uint64_t bytes_max) {
    if (piece.size() > bytes_max - std::min(bytes_max, bytes_)) {
        co_return make_error(Errc::kInvalid, "a file may have " + std::to_string(bytes_max) + " bytes");
    }
    CO_TRY_OK(book_->check_room(client_, piece.size()));
    bytes_ += piece.size();
    book_->accounts_[client_].arriving += piece.size();
    Bytes bytes(piece.begin(), piece.end());
    co_return co_await draft_->write(std::move(bytes));
}

FileBook::Keeping::~Keeping() {
    --book->keeping_;
    book->gate_.notify();
}

FileBook::FileBook(FileBookDeps deps, FileLimits limits)
    : runtime_{deps.runtime},
      store_{deps.store},
      blobs_{deps.blobs},
      log_{std::move(deps.log)},
      limits_{limits},
      gate_{deps.runtime},
      wake_{deps.runtime} {}

std::uint64_t FileBook::now_seconds() const {
    return runtime_->unix_now().count() / 1000;
}

std::uint64_t FileBook::bytes_of(const Address& client) const {
    const auto account = accounts_.find(client);
    return account == accounts_.end() ? 0 : account->second.bytes;
}

Result<void> FileBook::check_room(const Address& client, std::uint64_t more) const {
    const auto account = accounts_.find(client);
    if (account == accounts_.end()) return {};
    const std::uint64_t used = account->second.bytes + account->second.arriving;
    if (more <= limits_.client_bytes_max - std::min(limits_.client_bytes_max, used)) return {};
    return make_error(Errc::kDenied, "the files of this client and its jobs may have " +
                                         std::to_string(limits_.client_bytes_max) + " bytes together");
}

Task<Result<std::unique_ptr<FileBook::Arrival>>> FileBook::receive(Address client) {
    CO_TRY_OK(check_room(client, 1));
    Account& account = accounts_[client];
    if (account.arrivals >= limits_.arrivals_max) {
        co_return make_error(Errc::kConflict,
                             "this client may upload " + std::to_string(limits_.arrivals_max) + " files at a time");
    }
    ++account.arrivals;
    auto arrival = std::make_unique<Arrival>(this, client, nullptr);
    CO_TRY(arrival->draft_, co_await blobs_->draft());
    co_return arrival;
}

// --- files of clients

Task<Result<FileRecord>> FileBook::add(Arrival* arrival, FileRecord draft) {
    if (accounts_[arrival->client_].files.size() >= limits_.client_files_max) {
        co_return make_error(Errc::kDenied,
                             "this client may have " + std::to_string(limits_.client_files_max) + " files");
    }
    co_await wait_for_eraser();
    const Keeping keeping{this};
    CO_TRY(const ports::FileDigest digest, co_await arrival->draft_->keep());
    FixedBytes<struct FileIdTag, 12> id;
    runtime_->random_bytes(id.bytes);
    draft.id = "file-" + codec::to_hex(id).substr(2);
    draft.client = arrival->client_;
    draft.sha256 = digest.sha256;
    draft.bytes = digest.bytes;
    draft.created_unix_seconds = now_seconds();
    ports::StoreChange change;
    change.puts.push_back(entry_of(key_of(draft), dump(draft)));
    // The use counts before it is durable, so that nothing else ends it meanwhile.
    ++uses_[digest.sha256];
    const Result<void> written = co_await store_->commit(std::move(change));
    release(digest.sha256);
    if (!written) co_return written.error();
    take_in(draft);
    co_return draft;
}

void FileBook::take_in(const FileRecord& record) {
    files_[record.id] = record;
    ++uses_[record.sha256];
    Account& account = accounts_[record.client];
    account.bytes += record.bytes;
    account.files.emplace(record.created_unix_seconds, record.id);
}

const FileRecord* FileBook::find(const Address& client, const std::string& id) const {
    const auto found = files_.find(id);
    if (found == files_.end() || found->second.client != client) return nullptr;
    const std::uint64_t expires = found->second.expires_unix_seconds;
    return expires != 0 && expires <= now_seconds() ? nullptr : &found->second;
}

std::vector<const FileRecord*> FileBook::of(const Address& client) const {
    std::vector<const FileRecord*> found;
    const auto account = accounts_.find(client);
    if (account == accounts_.end()) return found;
    for (const auto& [created, id] : account->second.files) {
        const FileRecord* record = find(client, id);
        if (record != nullptr) found.push_back(record);
    }
    return found;
}

Task<Result<void>> FileBook::remove(Address client, std::string id) {
    const auto known = files_.find(id);
    if (known == files_.end() || known->second.client != client) co_return make_error(Errc::kNotFound, "no such file");
    ports::StoreChange change;
    change.deletes.push_back(key_of(known->second));
    CO_TRY_OK(co_await store_->commit(std::move(change)));
    const auto found = files_.find(id);
    // Somebody else was faster.
    if (found == files_.end()) co_return Result<void>{};
    const FileRecord record = found->second;
    files_.erase(found);
    Account& account = accounts_[client];
    account.bytes -= record.bytes;
    account.files.erase({record.created_unix_seconds, record.id});
    release(record.sha256);
    co_return Result<void>{};
}

// --- files of jobs

Task<Result<void>> FileBook::open_space(JobSpace space) {
    for (const auto& [sha256, entry] : space.files) {
        if (!uses_.contains(sha256)) co_return make_error(Errc::kNotFound, "a file of the order was deleted meanwhile");
    }
    ports::StoreChange change;
    change.puts.push_back(entry_of(key_of(space.job_id), dump(space)));
    for (const auto& [sha256, entry] : space.files) {
        change.puts.push_back(entry_of(key_of(space.job_id, sha256), dump(entry)));
        ++uses_[sha256];
    }
    const Result<void> written = co_await store_->commit(std::move(change));
    if (written) {
        JobSpace& known = spaces_[space.job_id];
        known.job_id = space.job_id;
        known.client = space.client;
        known.expires_unix_seconds = std::max(known.expires_unix_seconds, space.expires_unix_seconds);
        for (const auto& [sha256, entry] : space.files) take_in(&known, sha256, entry);
    }
    for (const auto& [sha256, entry] : space.files) release(sha256);
    co_return written;
}

void FileBook::take_in(JobSpace* space, const Hash& sha256, const JobSpace::Entry& entry) {
    if (!space->files.emplace(sha256, entry).second) return;
    ++uses_[sha256];
    if (!entry.is_input) accounts_[space->client].bytes += entry.bytes;
}

const JobSpace* FileBook::space(const JobId& job_id) const {
    const auto found = spaces_.find(job_id);
    if (found == spaces_.end() || found->second.expires_unix_seconds <= now_seconds()) return nullptr;
    return &found->second;
}

Task<Result<void>> FileBook::drop_space(JobId job_id) {
    const auto known = spaces_.find(job_id);
    if (known == spaces_.end()) co_return Result<void>{};
    ports::StoreChange change;
    change.deletes.push_back(key_of(job_id));
    for (const auto& [sha256, entry] : known->second.files) change.deletes.push_back(key_of(job_id, sha256));
    // From here on nothing can be added to it.
    const JobSpace space = std::move(known->second);
    spaces_.erase(known);
    const Result<void> written = co_await store_->commit(std::move(change));
    if (!written) {
        spaces_[job_id] = space;
        co_return written;
    }
    forget(space);
    co_return written;
}

void FileBook::forget(const JobSpace& space) {
    Account& account = accounts_[space.client];
    for (const auto& [sha256, entry] : space.files) {
        if (!entry.is_input) account.bytes -= entry.bytes;
        release(sha256);
    }
}

Task<Result<void>> FileBook::add_to_space(Arrival* arrival, JobId job_id, Hash sha256) {
    co_await wait_for_eraser();
    const Keeping keeping{this};
    const JobSpace* before = space(job_id);
    if (before == nullptr) co_return make_error(Errc::kNotFound, "the job's files are no longer kept");
    if (before->files.size() >= limits_.job_files_max) {
        co_return make_error(Errc::kDenied, "a job may have " + std::to_string(limits_.job_files_max) + " files");
    }
    CO_TRY(const ports::FileDigest digest, co_await arrival->draft_->keep());
    // What was kept under another name than promised is nobody's.
    if (digest.sha256 != sha256) {
        ++uses_[digest.sha256];
        release(digest.sha256);
        co_return make_error(Errc::kInvalid, "the file has another hash than its address");
    }
    const JobSpace::Entry entry{.bytes = digest.bytes, .is_input = false};
    ports::StoreChange change;
    change.puts.push_back(entry_of(key_of(job_id, sha256), dump(entry)));
    ++uses_[sha256];
    const Result<void> written = co_await store_->commit(std::move(change));
    const auto found = spaces_.find(job_id);
    if (written && found != spaces_.end()) take_in(&found->second, sha256, entry);
    release(sha256);
    if (!written) co_return written.error();
    if (found == spaces_.end()) co_return make_error(Errc::kNotFound, "the job's files are no longer kept");
    co_return Result<void>{};
}

Task<Result<std::unique_ptr<ports::FileSource>>> FileBook::open(Hash sha256) {
    return blobs_->open(sha256);
}

// --- what nobody names any more

void FileBook::release(const Hash& sha256) {
    const auto use = uses_.find(sha256);
    CHECK(use != uses_.end());
    if (--use->second > 0) return;
    uses_.erase(use);
    doomed_.insert(sha256);
    wake_.notify();
}

Task<void> FileBook::wait_for_eraser() {
    while (is_erasing_) {
        const TimePoint patience = runtime_->now() + kGatePatience;
        (void)co_await gate_.wait_until(patience);
    }
}

Task<void> FileBook::erase_doomed() {
    if (keeping_ > 0 || doomed_.empty()) co_return;
    is_erasing_ = true;
    for (std::size_t count = 0; count < kEraseBatch && !doomed_.empty(); ++count) {
        const Hash sha256 = *doomed_.begin();
        doomed_.erase(doomed_.begin());
        if (uses_.contains(sha256)) continue;
        const Result<void> erased = co_await blobs_->erase(sha256);
        if (!erased) {
            doomed_.insert(sha256);
            log_.warn("file_not_removed", {{"reason", erased.error().message}});
            break;
        }
    }
    is_erasing_ = false;
    gate_.notify();
}

Task<void> FileBook::expire() {
    std::vector<std::pair<Address, std::string>> files;
    std::vector<JobId> spaces;
    const std::uint64_t now = now_seconds();
    for (const auto& [id, record] : files_) {
        if (record.expires_unix_seconds != 0 && record.expires_unix_seconds <= now)
            files.emplace_back(record.client, id);
    }
    for (const auto& [job_id, space] : spaces_) {
        if (space.expires_unix_seconds <= now) spaces.push_back(job_id);
    }
    for (const auto& [client, id] : files) {
        (void)co_await remove(client, id);
    }
    for (const JobId& job_id : spaces) {
        (void)co_await drop_space(job_id);
    }
}

Task<void> FileBook::run() {
    while (!is_stopping_) {
        co_await expire();
        co_await erase_doomed();
        const bool has_work = !doomed_.empty() && keeping_ == 0;
        const TimePoint next = runtime_->now() + (has_work ? std::chrono::seconds{1} : limits_.sweep_interval);
        if (!is_stopping_) {
            (void)co_await wake_.wait_until(next);
        }
    }
}

void FileBook::stop() {
    is_stopping_ = true;
    wake_.notify();
}

// --- after a start

Task<Result<void>> FileBook::load() {
    CO_TRY_OK(co_await load_files());
    CO_TRY_OK(co_await load_spaces());
    co_return co_await doom_strangers();
}

Task<Result<void>> FileBook::load_files() {
    const std::string prefix{kFilePrefix};
    CO_TRY(const std::vector<ports::StoreEntry> entries, co_await scan_all(store_, prefix));
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(const FileRecord record, parse_file_record(as_text(entry.value)));
        take_in(record);
    }
    co_return Result<void>{};
}

Task<Result<void>> FileBook::load_spaces() {
    const std::string spaces_prefix{kSpacePrefix};
    CO_TRY(const std::vector<ports::StoreEntry> spaces, co_await scan_all(store_, spaces_prefix));
    for (const ports::StoreEntry& entry : spaces) {
        CO_TRY(JobSpace space, parse_job_space(as_text(entry.value)));
        spaces_[space.job_id] = std::move(space);
    }
    const std::string entries_prefix{kEntryPrefix};
    CO_TRY(const std::vector<ports::StoreEntry> entries, co_await scan_all(store_, entries_prefix));
    ports::StoreChange orphans;
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(const auto key, parse_entry_key(entry.key));
        CO_TRY(const JobSpace::Entry content, parse_space_entry(as_text(entry.value)));
        const auto space = spaces_.find(key.first);
        // Written while its space went.
        if (space == spaces_.end()) {
            orphans.deletes.push_back(entry.key);
        } else {
            take_in(&space->second, key.second, content);
        }
    }
    if (orphans.deletes.empty()) co_return Result<void>{};
    co_return co_await store_->commit(std::move(orphans));
}

Task<Result<void>> FileBook::doom_strangers() {
    Hash after;
    while (true) {
        CO_TRY(const std::vector<ports::FileDigest> page, co_await blobs_->list(after, kScanPage));
        for (const ports::FileDigest& blob : page) {
            if (!uses_.contains(blob.sha256)) doomed_.insert(blob.sha256);
        }
        if (page.size() < kScanPage) co_return Result<void>{};
        after = page.back().sha256;
    }
}

}  // namespace vcity::gateway
