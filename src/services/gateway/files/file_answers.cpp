// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/files/file_answers.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "services/gateway/files/file_access.hpp"
#include "services/gateway/work/spec_reader.hpp"

namespace vcity::gateway {
namespace {

constexpr std::size_t kPieceBytes = 128U << 10U;

// For a header: nothing that could end its quotes.
std::string quotable(const std::string& name) {
    std::string safe = name.substr(name.rfind('/') + 1);
    std::ranges::replace_if(
        safe,
        [](char character) { return character < ' ' || character > '~' || character == '"' || character == '\\'; },
        '_');
    return safe;
}

ports::HttpResponse head_of(const Hash& sha256, const std::string& name, const ByteRange& range, std::uint64_t bytes) {
    ports::HttpResponse head;
    head.status = range.is_part ? 206 : 200;
    head.headers.set("content-type", "application/octet-stream");
    head.headers.set("content-disposition", fmt::format("attachment; filename=\"{}\"", quotable(name)));
    head.headers.set("etag", fmt::format("\"{}\"", codec::to_hex(sha256).substr(2)));
    head.headers.set("accept-ranges", "bytes");
    head.headers.set("x-file-bytes", std::to_string(bytes));
    if (range.is_part) {
        head.headers.set("content-range",
                         fmt::format("bytes {}-{}/{}", range.first, range.first + range.bytes - 1, bytes));
    }
    return head;
}

// Ends early when the client has gone or the file cannot be read: an answer without its end tells the client.
Task<void> send_pieces(ports::HttpResponder* responder, ports::FileSource* source, ByteRange range, Log log) {
    while (range.bytes > 0) {
        const std::size_t most = std::min<std::uint64_t>(range.bytes, kPieceBytes);
        const Result<Bytes> piece = co_await source->read(range.first, most);
        if (!piece || piece->empty()) {
            log.warn("file_cut", {{"reason", piece ? "it is shorter than it was" : piece.error().message}});
            co_return;
        }
        range.first += piece->size();
        range.bytes -= piece->size();
        std::string chunk{piece->begin(), piece->end()};
        const Result<void> written = co_await responder->write(std::move(chunk));
        if (!written) co_return;
    }
    (void)co_await responder->finish();
}

}  // namespace

ApiError file_error(const Error& error) {
    switch (error.code) {
        case Errc::kInvalid: return spec::refusal(ErrorCode::kInvalidValue, "file", error.message);
        case Errc::kNotFound: return spec::refusal(ErrorCode::kFileNotFound, "", error.message);
        case Errc::kDenied: return spec::refusal(ErrorCode::kFileQuotaExceeded, "", error.message);
        case Errc::kExhausted: return spec::refusal(ErrorCode::kStorageFull, "", error.message);
        case Errc::kConflict: {
            // Nodes come back by themselves.
            ApiError busy = spec::refusal(ErrorCode::kParallelLimitExceeded, "", error.message);
            busy.retry_after = std::chrono::seconds{1};
            return busy;
        }
        case Errc::kUnavailable:
        case Errc::kTimeout:
        case Errc::kCorrupt:
        case Errc::kInternal: break;
    }
    return spec::refusal(ErrorCode::kInternalError, "", "the file cannot be read or kept");
}

ApiError body_error(const Error& error) {
    if (error.code == Errc::kExhausted) return spec::refusal(ErrorCode::kRequestTooLarge, "file", error.message);
    return spec::refusal(ErrorCode::kInvalidValue, "file", error.message);
}

Task<ApiResult<ports::HttpResponse>> send_file(Exchange* exchange, FileBook* book, Hash sha256, std::string name) {
    const auto source = co_await book->open(sha256);
    if (!source) co_return file_error(source.error());
    const std::uint64_t bytes = (*source)->size();
    const std::optional<ByteRange> range = parse_range(exchange->request.headers.get("range"), bytes);
    if (!range) {
        exchange->headers.set("content-range", fmt::format("bytes */{}", bytes));
        co_return spec::refusal(ErrorCode::kRangeNotSatisfiable, "",
                                fmt::format("the file has {} bytes; the range begins beyond them", bytes));
    }
    ports::HttpResponse head = head_of(sha256, name, *range, bytes);
    if (exchange->request.method == "HEAD") co_return head;
    for (const auto& [field, value] : exchange->headers.fields) head.headers.set(field, value);
    exchange->is_answered = true;
    const Result<void> started = co_await exchange->responder->start(std::move(head));
    if (started) {
        co_await send_pieces(exchange->responder, source->get(), *range, exchange->log);
    }
    co_return ports::HttpResponse{};
}

Task<Refusal> receive_file(Exchange* exchange, FileBook::Arrival* arrival, std::uint64_t bytes_max) {
    while (true) {
        const Result<std::string> piece = co_await exchange->responder->read_body();
        if (!piece) co_return body_error(piece.error());
        if (piece->empty()) co_return std::nullopt;
        const Result<void> written = co_await arrival->write(*piece, bytes_max);
        if (!written) co_return file_error(written.error());
    }
}

}  // namespace vcity::gateway
