// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/files/files_api.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "services/common/http_text.hpp"
#include "services/gateway/files/file_answers.hpp"
#include "services/gateway/work/spec_reader.hpp"

namespace vcity::gateway {
namespace {

using Kind = MultipartEvent::Kind;

constexpr std::size_t kFieldBytesMax = 256;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::uint64_t kExpirySecondsMin = 3600;
constexpr std::uint64_t kExpirySecondsMax = 30ULL * 24 * 3600;
constexpr std::uint64_t kListMax = 10'000;
constexpr std::string_view kContent = "/content";
constexpr std::string_view kAnchorField = "expires_after[anchor]";
constexpr std::string_view kSecondsField = "expires_after[seconds]";

template <class Number>
bool read_number(std::string_view text, Number* out) {
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), *out);
    return code == std::errc{} && stop == text.data() + text.size();
}

std::string parameter(const Exchange& exchange, std::string_view name) {
    return services::percent_decoded(services::query_of(exchange.request.target, name));
}

ApiError no_such_file(const std::string& id) {
    return spec::refusal(ErrorCode::kFileNotFound, "file_id",
                         "no file '" + id.substr(0, 64) + "' belongs to the client of this key");
}

// The last part of what a browser or a program calls it.
std::string base_name(const std::string& name) {
    return name.substr(name.find_last_of("/\\") + 1);
}

bool is_good_name(const std::string& name) {
    return !name.empty() && name.size() <= kNameBytesMax && codec::is_utf8(name) &&
           std::ranges::none_of(name, [](char character) { return static_cast<unsigned char>(character) < ' '; });
}

}  // namespace

std::uint64_t FilesApi::now_seconds() const {
    return shared_->runtime->unix_now().count() / 1000;
}

Refusal FilesApi::unavailable() const {
    if (book_ != nullptr) return std::nullopt;
    return spec::refusal(ErrorCode::kFilesUnavailable, "", "this gateway keeps no files");
}

Task<FilesApi::Response> FilesApi::answer(Exchange* exchange, KeyRecord key) {
    Refusal refused = unavailable();
    if (refused) co_return *std::move(refused);
    const std::string path{services::path_of(exchange->request.target)};
    const std::string method = exchange->request.method;
    if (path == kFilesPath && method == "GET") co_return list(*exchange, key);
    if (path == kFilesPath) {
        co_return co_await create(exchange, std::move(key));
    }
    std::string id = services::percent_decoded(std::string_view{path}.substr(kFilePath.size()));
    const bool is_content = id.ends_with(kContent);
    if (is_content) id.resize(id.size() - kContent.size());
    if (method == "DELETE" && !is_content) {
        co_return co_await remove(std::move(key), std::move(id));
    }
    const FileRecord* record = book_->find(key.terms.cap.cap.client, id);
    if (record == nullptr) co_return no_such_file(id);
    if (method == "DELETE") {
        co_return spec::refusal(ErrorCode::kMethodNotAllowed, "", "a file's content goes with the file");
    }
    if (!is_content) co_return services::json_response(to_public_json(*record));
    const Hash sha256 = record->sha256;
    std::string name = record->name;
    co_return co_await send_file(exchange, book_, sha256, std::move(name));
}

FilesApi::Response FilesApi::list(const Exchange& exchange, const KeyRecord& key) const {
    const std::string purpose = parameter(exchange, "purpose");
    const std::string after = parameter(exchange, "after");
    const std::string limit_text = parameter(exchange, "limit");
    const std::string order = parameter(exchange, "order");
    std::uint64_t limit = kListMax;
    if (!limit_text.empty() && (!read_number(limit_text, &limit) || limit < 1 || limit > kListMax)) {
        return spec::refusal(ErrorCode::kInvalidValue, "limit", limit_text.substr(0, 64),
                             "a whole number from 1 to 10000");
    }
    if (!order.empty() && order != "asc" && order != "desc") {
        return spec::refusal(ErrorCode::kInvalidValue, "order", order.substr(0, 64), "asc or desc");
    }
    std::vector<const FileRecord*> records = book_->of(key.terms.cap.cap.client);
    if (order != "asc") std::ranges::reverse(records);
    std::erase_if(records, [&](const FileRecord* record) { return !purpose.empty() && record->purpose != purpose; });
    const auto is_after = [&](const FileRecord* record) { return record->id == after; };
    auto at = after.empty() ? records.begin() : std::ranges::find_if(records, is_after);
    if (!after.empty() && at == records.end()) return no_such_file(after);
    if (!after.empty()) ++at;
    codec::JsonArray data;
    for (; at != records.end() && data.size() < limit; ++at) data.push_back(to_public_json(**at));
    const auto id_of = [](const codec::Json& file) { return *file.find("id"); };
    return services::json_response(codec::JsonObject{{"object", "list"},
                                                     {"first_id", data.empty() ? codec::Json{} : id_of(data.front())},
                                                     {"last_id", data.empty() ? codec::Json{} : id_of(data.back())},
                                                     {"has_more", at != records.end()},
                                                     {"data", std::move(data)}});
}

Task<FilesApi::Response> FilesApi::remove(KeyRecord key, std::string id) {
    const Address client = key.terms.cap.cap.client;
    if (book_->find(client, id) == nullptr) co_return no_such_file(id);
    const Result<void> removed = co_await book_->remove(client, id);
    if (!removed && removed.error().code != Errc::kNotFound) co_return file_error(removed.error());
    co_return services::json_response(codec::JsonObject{{"id", id}, {"object", "file"}, {"deleted", true}});
}

// --- POST /v1/files

Task<FilesApi::Response> FilesApi::create(Exchange* exchange, KeyRecord key) {
    const std::optional<std::string> boundary = multipart_boundary(exchange->request.headers.get("content-type"));
    if (!boundary) {
        co_return spec::refusal(ErrorCode::kUnsupportedMediaType, "",
                                "the body must be multipart/form-data with a file and a purpose");
    }
    auto arrival = co_await book_->receive(key.terms.cap.cap.client);
    if (!arrival) co_return file_error(arrival.error());
    Form form;
    form.arrival = *std::move(arrival);
    MultipartReader reader{*boundary};
    Refusal refused = co_await read_form(exchange, std::move(reader), &form);
    if (refused) co_return *std::move(refused);
    ApiResult<FileRecord> draft = finish_form(form);
    if (!draft) co_return std::move(draft).error();
    const Result<FileRecord> record = co_await book_->add(form.arrival.get(), *std::move(draft));
    if (!record) co_return file_error(record.error());
    co_return services::json_response(to_public_json(*record));
}

Task<Refusal> FilesApi::read_form(Exchange* exchange, MultipartReader reader, Form* form) {
    while (true) {
        const Result<std::string> piece = co_await exchange->responder->read_body();
        if (!piece) co_return body_error(piece.error());
        if (piece->empty()) break;
        Result<std::vector<MultipartEvent>> events = reader.feed(*piece);
        if (!events) co_return spec::refusal(ErrorCode::kInvalidValue, "", events.error().message);
        for (MultipartEvent& event : *events) {
            Refusal refused = co_await take(std::move(event), form);
            if (refused) co_return refused;
        }
    }
    if (reader.is_complete()) co_return std::nullopt;
    co_return spec::refusal(ErrorCode::kInvalidValue, "", "the multipart body ends before its last boundary");
}

Task<Refusal> FilesApi::take(MultipartEvent event, Form* form) {
    if (event.kind == Kind::kEnd) co_return std::nullopt;
    if (event.kind == Kind::kPart) co_return begin_part(event, form);
    if (form->field != "file") co_return add_text(event, form);
    const Result<void> written = co_await form->arrival->write(event.bytes, book_->limits().file_bytes_max);
    if (written) co_return std::nullopt;
    if (written.error().code == Errc::kInvalid) {
        co_return spec::refusal(ErrorCode::kRequestTooLarge, "file", written.error().message);
    }
    co_return file_error(written.error());
}

Refusal FilesApi::begin_part(const MultipartEvent& part, Form* form) {
    form->field = part.name;
    if (part.name == "purpose" || part.name == kAnchorField || part.name == kSecondsField) return std::nullopt;
    if (part.name != "file") {
        return spec::unknown_member("", part.name, "file, purpose, expires_after[anchor], expires_after[seconds]");
    }
    if (form->has_file) return spec::refusal(ErrorCode::kInvalidValue, "file", "one file at a time");
    form->has_file = true;
    form->filename = base_name(part.filename.value_or(""));
    if (is_good_name(form->filename)) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, "file",
                         "'file' needs a file name of 1 to 255 bytes of UTF-8 without control characters");
}

Refusal FilesApi::add_text(const MultipartEvent& piece, Form* form) {
    std::string* text = form->field == "purpose"      ? &form->purpose
                        : form->field == kAnchorField ? &form->anchor
                                                      : &form->seconds;
    *text += piece.bytes;
    if (text->size() <= kFieldBytesMax) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, form->field, "'" + form->field + "' is too long");
}

ApiResult<FileRecord> FilesApi::finish_form(const Form& form) const {
    if (!form.has_file) {
        return spec::refusal(ErrorCode::kMissingParameter, "file", "missing required parameter 'file'");
    }
    if (form.purpose.empty()) {
        return spec::refusal(ErrorCode::kMissingParameter, "purpose", "missing required parameter 'purpose'");
    }
    if (!is_file_purpose(form.purpose)) {
        return spec::refusal(ErrorCode::kInvalidValue, "purpose", form.purpose, file_purposes());
    }
    FileRecord draft;
    draft.name = form.filename;
    draft.purpose = form.purpose;
    if (form.anchor.empty() && form.seconds.empty()) return draft;
    if (form.anchor != "created_at") {
        return spec::refusal(ErrorCode::kInvalidValue, "expires_after", form.anchor, "anchored at created_at");
    }
    std::uint64_t seconds = 0;
    const bool is_good =
        read_number(form.seconds, &seconds) && seconds >= kExpirySecondsMin && seconds <= kExpirySecondsMax;
    if (!is_good) {
        return spec::refusal(ErrorCode::kInvalidValue, "expires_after", form.seconds, "3600 to 2592000 seconds");
    }
    draft.expires_unix_seconds = now_seconds() + seconds;
    return draft;
}

}  // namespace vcity::gateway
