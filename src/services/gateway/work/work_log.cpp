// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/work_log.hpp"

#include <algorithm>
#include <utility>

#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kPrefix = "gateway/work/";
constexpr std::size_t kScanPage = 256;

std::string key_of(const JobId& job_id) {
    return std::string{kPrefix} + codec::to_hex(job_id);
}

std::string dump(const WorkNote& note) {
    return codec::dump_json(codec::JsonObject{{"job_id", codec::to_hex(note.job_id)},
                                              {"owner", codec::to_hex(note.owner)},
                                              {"scheduler", codec::to_hex(note.scheduler)},
                                              {"fingerprint", codec::to_hex(note.fingerprint)},
                                              {"name", note.name},
                                              {"budget", note.budget.micro},
                                              {"charged", note.charged.micro},
                                              {"created", note.created_unix_seconds},
                                              {"state", static_cast<std::uint64_t>(note.state)}});
}

std::string text_of(const codec::Json& json, std::string_view name) {
    const codec::Json* value = json.find(name);
    return value == nullptr || value->get_string() == nullptr ? std::string{} : *value->get_string();
}

Result<std::uint64_t> number_of(const codec::Json& json, std::string_view name) {
    const codec::Json* value = json.find(name);
    std::uint64_t number = 0;
    if (value != nullptr && value->get_u64(&number)) return number;
    return make_error(Errc::kCorrupt, "a note of a job has no " + std::string{name});
}

Result<WorkNote> parse(std::string_view text) {
    TRY(const codec::Json json, codec::parse_json(text));
    WorkNote note;
    TRY(note.job_id, codec::parse_fixed<JobId>(text_of(json, "job_id")));
    TRY(note.owner, codec::parse_fixed<Hash>(text_of(json, "owner")));
    TRY(note.fingerprint, codec::parse_fixed<Hash>(text_of(json, "fingerprint")));
    TRY(note.budget.micro, number_of(json, "budget"));
    TRY(note.charged.micro, number_of(json, "charged"));
    TRY(note.created_unix_seconds, number_of(json, "created"));
    note.name = text_of(json, "name");
    if (json.find("scheduler") != nullptr) {
        TRY(note.scheduler, codec::parse_fixed<Address>(text_of(json, "scheduler")));
    }
    TRY(const std::uint64_t state, number_of(json, "state"));
    if (state > static_cast<std::uint64_t>(WorkState::kCancelled)) return make_error(Errc::kCorrupt, "no such state");
    note.state = static_cast<WorkState>(state);
    return note;
}

}  // namespace

Task<Result<void>> WorkLog::load(ports::Store* store) {
    const std::string prefix{kPrefix};
    std::string after;
    std::vector<std::pair<std::uint64_t, JobId>> found;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            CO_TRY(WorkNote note, parse(as_text(entry.value)));
            found.emplace_back(note.created_unix_seconds, note.job_id);
            notes_.emplace(note.job_id, std::move(note));
        }
        if (page.size() < kScanPage) break;
        after = page.back().key;
    }
    std::ranges::sort(found);
    for (const auto& [created, job_id] : found) order_.push_back(job_id);
    co_return Result<void>{};
}

void WorkLog::add(WorkNote note) {
    writes_->put(key_of(note.job_id), dump(note));
    const JobId job_id = note.job_id;
    const bool is_new = notes_.insert_or_assign(job_id, std::move(note)).second;
    if (is_new) order_.push_back(job_id);
    while (order_.size() > notes_max_) {
        writes_->erase(key_of(order_.front()));
        notes_.erase(order_.front());
        order_.pop_front();
    }
}

std::optional<WorkNote> WorkLog::update(const JobId& job_id, WorkState state, Usd charged) {
    const auto found = notes_.find(job_id);
    if (found == notes_.end()) return std::nullopt;
    WorkNote& note = found->second;
    if (note.state == state && note.charged == charged) return std::nullopt;
    const WorkNote before = note;
    note.state = state;
    note.charged = charged;
    writes_->put(key_of(job_id), dump(note));
    const bool is_end = before.state == WorkState::kActive && state != WorkState::kActive;
    return is_end ? std::optional{before} : std::nullopt;
}

const WorkNote* WorkLog::find(const JobId& job_id) const {
    const auto found = notes_.find(job_id);
    return found == notes_.end() ? nullptr : &found->second;
}

std::optional<Address> WorkLog::scheduler_of(const JobId& job_id) const {
    const WorkNote* note = find(job_id);
    return note == nullptr ? std::nullopt : std::optional{note->scheduler};
}

std::vector<WorkNote> WorkLog::of(const Hash& owner, std::size_t limit) const {
    std::vector<WorkNote> mine;
    for (auto job_id = order_.rbegin(); job_id != order_.rend() && mine.size() < limit; ++job_id) {
        const WorkNote& note = notes_.at(*job_id);
        if (note.owner == owner) mine.push_back(note);
    }
    return mine;
}

std::vector<WorkNote> WorkLog::active() const {
    std::vector<WorkNote> active;
    for (const JobId& job_id : order_) {
        const auto note = notes_.find(job_id);
        if (note != notes_.end() && note->second.state == WorkState::kActive) active.push_back(note->second);
    }
    return active;
}

}  // namespace vcity::gateway
