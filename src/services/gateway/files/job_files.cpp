// SPDX-License-Identifier: Apache-2.0
// Files of jobs: what orders name, what nodes fetch and upload, what customers get back.
#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/files/file_access.hpp"
#include "services/gateway/files/file_answers.hpp"
#include "services/gateway/files/files_api.hpp"
#include "services/gateway/work/spec_reader.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

bool is_kept_here(const InputFile& file) {
    return !file.sha256.is_zero() && file.url.empty();
}

bool needs_place(const WorkOrder& order) {
    return std::ranges::any_of(order.spec.groups, [](const StepGroup& group) {
        return group.setup.keeps_files || group.setup.checkpoint_seconds != 0 ||
               std::ranges::any_of(group.inputs, is_kept_here);
    });
}

std::string path_of_file(const std::string& id, const StepStatus& step, const std::string& name) {
    return fmt::format("/v1/jobs/{}/files/{}/{}/{}", id, step.group, step.index, name);
}

codec::Json list_files(const WorkStatusReply& status, const JobSpace* space) {
    const std::string id = make_work_id(status.job_id);
    codec::JsonArray data;
    for (const StepStatus& step : status.steps) {
        for (const StepFile& file : step.files) {
            data.emplace_back(codec::JsonObject{{"group", step.group},
                                                {"index", step.index},
                                                {"name", file.name},
                                                {"bytes", file.bytes},
                                                {"sha256", codec::to_hex(file.sha256).substr(2)},
                                                {"is_kept", space != nullptr && space->files.contains(file.sha256)},
                                                {"path", path_of_file(id, step, file.name)}});
        }
    }
    return codec::JsonObject{
        {"object", "list"},
        {"expires_at", space != nullptr ? codec::Json{space->expires_unix_seconds} : codec::Json{}},
        {"data", std::move(data)}};
}

// "GROUP/INDEX/NAME"; nullptr when no such step left such a file.
const StepFile* find_file(const WorkStatusReply& status, const std::string& rest) {
    const std::size_t group_end = std::min(rest.find('/'), rest.size());
    const std::size_t index_end = std::min(rest.find('/', std::min(group_end + 1, rest.size())), rest.size());
    if (index_end + 1 >= rest.size()) return nullptr;
    std::uint32_t index = 0;
    const char* end = rest.data() + index_end;
    const auto [stop, code] = std::from_chars(rest.data() + group_end + 1, end, index);
    if (code != std::errc{} || stop != end) return nullptr;
    const std::string_view group = std::string_view{rest}.substr(0, group_end);
    const std::string_view name = std::string_view{rest}.substr(index_end + 1);
    for (const StepStatus& step : status.steps) {
        if (step.group != group || step.index != index) continue;
        const auto file = std::ranges::find(step.files, name, &StepFile::name);
        if (file != step.files.end()) return &*file;
    }
    return nullptr;
}

}  // namespace

// --- orders

ApiResult<InputFile> FilesApi::resolve(const Address& client, const std::string& id, const std::string& path) const {
    if (Refusal refused = unavailable()) return *std::move(refused);
    const FileRecord* record = book_->find(client, id);
    if (record == nullptr) {
        return spec::refusal(
            ErrorCode::kFileNotFound, path,
            fmt::format("'{}': no file '{}' belongs to the client of this key", path, id.substr(0, 64)));
    }
    InputFile file;
    file.sha256 = record->sha256;
    file.bytes = record->bytes;
    return file;
}

Refusal FilesApi::give_place(WorkOrder* order) const {
    if (!needs_place(*order)) return std::nullopt;
    if (Refusal refused = unavailable()) return refused;
    if (shared_->options->public_url.empty()) {
        return spec::refusal(ErrorCode::kFilesUnavailable, "",
                             "this gateway does not know the address that nodes have "
                             "to ask for files");
    }
    const auto kept = std::chrono::duration_cast<std::chrono::seconds>(book_->limits().kept_after_job);
    const FileAccess access{
        .job_id = order->job_id,
        .expires_unix_seconds = order->deadline.count() / 1000 + static_cast<std::uint64_t>(kept.count())};
    order->files_url =
        shared_->options->public_url + std::string{kNodeFilesPath} + make_access_token(secret_, access) + "/";
    return std::nullopt;
}

Task<Refusal> FilesApi::open_space(WorkOrder order) {
    if (order.files_url.empty()) co_return std::nullopt;
    const auto kept = std::chrono::duration_cast<std::chrono::seconds>(book_->limits().kept_after_job);
    JobSpace space;
    space.job_id = order.job_id;
    space.client = order.client;
    space.expires_unix_seconds = order.deadline.count() / 1000 + static_cast<std::uint64_t>(kept.count());
    for (const StepGroup& group : order.spec.groups) {
        for (const InputFile& file : group.inputs) {
            if (is_kept_here(file)) space.files[file.sha256] = JobSpace::Entry{.bytes = file.bytes, .is_input = true};
        }
    }
    const Result<void> opened = co_await book_->open_space(std::move(space));
    if (!opened) co_return file_error(opened.error());
    co_return std::nullopt;
}

Task<void> FilesApi::drop_space(JobId job_id) {
    if (book_ == nullptr) co_return;
    // What could not be removed goes when it expires.
    (void)co_await book_->drop_space(job_id);
}

// --- nodes

Task<FilesApi::Response> FilesApi::answer_node(Exchange* exchange) {
    Refusal refused = unavailable();
    if (refused) co_return *std::move(refused);
    std::string_view rest = services::path_of(exchange->request.target);
    rest.remove_prefix(kNodeFilesPath.size());
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    std::optional<FileAccess> access = parse_access_token(secret_, rest.substr(0, slash));
    const std::string digits = "0x" + std::string{rest.substr(std::min(slash + 1, rest.size()))};
    const Result<Hash> sha256 = codec::parse_fixed<Hash>(digits);
    const bool may_be_link = !access && sha256 && exchange->request.method != "PUT";
    if (may_be_link) access = parse_link_token(secret_, rest.substr(0, slash), *sha256);
    const bool is_valid = access && sha256 && access->expires_unix_seconds > now_seconds();
    const JobSpace* space = is_valid ? book_->space(access->job_id) : nullptr;
    if (space == nullptr) {
        co_return spec::refusal(ErrorCode::kFileNotFound, "", "this address names no file, or its time has passed");
    }
    const bool is_there = space->files.contains(*sha256);
    if (exchange->request.method == "PUT") {
        if (is_there) co_return services::json_response(codec::JsonObject{{"sha256", digits.substr(2)}});
        JobSpace target;
        target.job_id = space->job_id;
        target.client = space->client;
        co_return co_await put_for_job(exchange, std::move(target), *sha256);
    }
    if (!is_there) co_return spec::refusal(ErrorCode::kFileNotFound, "", "the job has no file of this hash");
    std::string name = digits.substr(2);
    co_return co_await send_file(exchange, book_, *sha256, std::move(name));
}

std::string FilesApi::link_to(const JobId& job_id, const Hash& sha256, Duration good_for) const {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(good_for);
    const FileAccess access{.job_id = job_id,
                            .expires_unix_seconds = now_seconds() + static_cast<std::uint64_t>(seconds.count())};
    return shared_->options->public_url + std::string{kNodeFilesPath} + make_link_token(secret_, access, sha256) + "/" +
           codec::to_hex(sha256).substr(2);
}

Task<FilesApi::Response> FilesApi::put_for_job(Exchange* exchange, JobSpace space, Hash sha256) {
    auto arrival = co_await book_->receive(space.client);
    if (!arrival) co_return file_error(arrival.error());
    Refusal refused = co_await receive_file(exchange, arrival->get(), book_->limits().job_file_bytes_max);
    if (refused) co_return *std::move(refused);
    const std::uint64_t bytes = (*arrival)->bytes();
    const Result<void> added = co_await book_->add_to_space(arrival->get(), space.job_id, sha256);
    if (!added) co_return file_error(added.error());
    ports::HttpResponse response =
        services::json_response(codec::JsonObject{{"sha256", codec::to_hex(sha256).substr(2)}, {"bytes", bytes}});
    response.status = 201;
    co_return response;
}

// --- customers

Task<FilesApi::Response> FilesApi::answer_job(Exchange* exchange, WorkStatusReply status, std::string rest) {
    Refusal refused = unavailable();
    if (refused) co_return *std::move(refused);
    const JobSpace* space = book_->space(status.job_id);
    if (rest.empty()) co_return services::json_response(list_files(status, space));
    const StepFile* file = find_file(status, rest);
    const bool is_kept = file != nullptr && space != nullptr && space->files.contains(file->sha256);
    if (!is_kept) {
        co_return spec::refusal(ErrorCode::kFileNotFound, "",
                                file != nullptr ? "the file is no longer kept"
                                                : "no step of this job has left a file of this name; ask for "
                                                  "GROUP/INDEX/NAME as the list has them");
    }
    const Hash sha256 = file->sha256;
    std::string name = file->name;
    co_return co_await send_file(exchange, book_, sha256, std::move(name));
}

}  // namespace vcity::gateway
