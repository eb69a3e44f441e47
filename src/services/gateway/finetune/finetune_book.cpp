// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/finetune/finetune_book.hpp"

#include <algorithm>
#include <utility>

#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kPrefix = "gateway/finetune/";
constexpr std::size_t kScanPage = 256;

std::string key_of(const JobId& job_id) {
    return std::string{kPrefix} + codec::to_hex(job_id);
}

std::string dump(const FinetuneRecord& record) {
    return codec::dump_json(codec::JsonObject{{"job_id", codec::to_hex(record.job_id)},
                                              {"client", codec::to_hex(record.client)},
                                              {"created", record.created_unix_seconds},
                                              {"body", record.body},
                                              {"ended", record.ended}});
}

Result<FinetuneRecord> parse(std::string_view text) {
    TRY(const codec::Json json, codec::parse_json(text));
    const auto text_of = [&](std::string_view name) {
        const codec::Json* value = json.find(name);
        return value == nullptr || value->get_string() == nullptr ? std::string{} : *value->get_string();
    };
    FinetuneRecord record;
    TRY(record.job_id, codec::parse_fixed<JobId>(text_of("job_id")));
    TRY(record.client, codec::parse_fixed<Address>(text_of("client")));
    const codec::Json* created = json.find("created");
    const codec::Json* body = json.find("body");
    const bool is_whole = created != nullptr && created->get_u64(&record.created_unix_seconds) && body != nullptr;
    if (!is_whole) return make_error(Errc::kCorrupt, "a record of a fine-tuning job is not whole");
    record.body = *body;
    ApiResult<FinetuneRequest> request = parse_finetune_request(record.body);
    if (!request) return make_error(Errc::kCorrupt, "a record of a fine-tuning job: " + request.error().message);
    record.request = *std::move(request);
    if (const codec::Json* ended = json.find("ended")) record.ended = *ended;
    return record;
}

}  // namespace

Task<Result<void>> FinetuneBook::load(ports::Store* store) {
    const std::string prefix{kPrefix};
    std::string after;
    std::vector<std::pair<std::uint64_t, JobId>> found;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            CO_TRY(FinetuneRecord record, parse(as_text(entry.value)));
            found.emplace_back(record.created_unix_seconds, record.job_id);
            const JobId job_id = record.job_id;
            records_.emplace(job_id, std::move(record));
        }
        if (page.size() < kScanPage) break;
        after = page.back().key;
    }
    std::ranges::sort(found);
    for (const auto& [created, job_id] : found) order_.push_back(job_id);
    co_return Result<void>{};
}

void FinetuneBook::add(FinetuneRecord record) {
    const JobId job_id = record.job_id;
    if (records_.contains(job_id)) return;
    writes_->put(key_of(job_id), dump(record));
    records_.emplace(job_id, std::move(record));
    order_.push_back(job_id);
    while (order_.size() > records_max_) {
        writes_->erase(key_of(order_.front()));
        records_.erase(order_.front());
        order_.pop_front();
    }
}

void FinetuneBook::set_ended(const JobId& job_id, codec::Json ended) {
    const auto found = records_.find(job_id);
    if (found == records_.end()) return;
    found->second.ended = std::move(ended);
    writes_->put(key_of(job_id), dump(found->second));
}

const FinetuneRecord* FinetuneBook::find(const Address& client, const JobId& job_id) const {
    const auto found = records_.find(job_id);
    return found == records_.end() || found->second.client != client ? nullptr : &found->second;
}

std::vector<const FinetuneRecord*> FinetuneBook::of(const Address& client) const {
    std::vector<const FinetuneRecord*> mine;
    for (auto job_id = order_.rbegin(); job_id != order_.rend(); ++job_id) {
        const FinetuneRecord& record = records_.at(*job_id);
        if (record.client == client) mine.push_back(&record);
    }
    return mine;
}

}  // namespace vcity::gateway
