// SPDX-License-Identifier: Apache-2.0
#include "adapters/transfer_http/transfer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "codec/url.hpp"
#include "crypto/sha256.hpp"

namespace vcity::adapters {
namespace {

constexpr std::size_t kPieceBytes = 256U << 10U;

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// What a status other than success means for the file.
Error to_error(unsigned status) {
    const std::string what = "the server of the file answered " + std::to_string(status);
    if (status == 404 || status == 410) return make_error(Errc::kNotFound, what);
    if (status == 416) return make_error(Errc::kCorrupt, what + ": the file is shorter than it should be");
    const bool may_pass = status == 408 || status == 425 || status == 429 || (status >= 500 && status != 507);
    return make_error(may_pass ? Errc::kUnavailable : Errc::kDenied, what);
}

bool may_be_tried_again(const Error& error) {
    return error.code == Errc::kUnavailable || error.code == Errc::kTimeout;
}

// The client's errors, in the words of the port. A URL may hold a secret, so none of them has it.
Error of_client(const Error& error) {
    switch (error.code) {
        case Errc::kDenied:
        case Errc::kInvalid: return make_error(Errc::kInvalid, "the file's server may not be reached from here");
        case Errc::kTimeout: return make_error(Errc::kTimeout, "the file's server does not answer");
        case Errc::kCorrupt:
        case Errc::kNotFound:
        case Errc::kConflict:
        case Errc::kExhausted:
        case Errc::kUnavailable:
        case Errc::kInternal: break;
    }
    return make_error(Errc::kUnavailable, "the file's server cannot be reached or breaks off");
}

Result<std::string> target_of(const std::string& from, std::string_view location) {
    if (location.starts_with("http://") || location.starts_with("https://")) return std::string{location};
    TRY(const codec::Url url, codec::parse_url(from));
    if (location.starts_with('/') && !location.starts_with("//")) {
        return url.scheme + "://" + url.authority() + std::string{location};
    }
    return make_error(Errc::kInvalid, "the file's server redirects to no address");
}

// "bytes 5-9/10" begins at 5.
bool begins_at(std::string_view content_range, std::uint64_t from) {
    constexpr std::string_view kUnit = "bytes ";
    if (!content_range.starts_with(kUnit)) return false;
    content_range.remove_prefix(kUnit.size());
    std::uint64_t first = 0;
    const char* end = content_range.data() + content_range.size();
    const auto [stop, code] = std::from_chars(content_range.data(), end, first);
    return code == std::errc{} && stop != end && *stop == '-' && first == from;
}

ports::HttpRequest request_of(std::string method, const std::string& url) {
    ports::HttpRequest request;
    request.method = std::move(method);
    request.target = url;
    return request;
}

// Waits between attempts.
class Pauses {
  public:
    Pauses(Runtime* runtime, const HttpTransferOptions& options)
        : runtime_{runtime}, options_{options}, next_{options.pause_min} {}

    void start_anew() { next_ = options_.pause_min; }
    // False: the deadline would pass.
    Task<bool> wait(TimePoint deadline) {
        const TimePoint until = runtime_->now() + next_;
        next_ = std::min(2 * next_, options_.pause_max);
        if (until >= deadline) co_return false;
        co_await runtime_->sleep_until(until);
        co_return true;
    }

  private:
    Runtime* runtime_;
    HttpTransferOptions options_;
    Duration next_;
};

// Reads a source front to back and knows afterwards what it was.
class SourceBody final : public ports::HttpBody {
  public:
    SourceBody(ports::FileSource* source, std::uint64_t bytes) : source_{source}, bytes_{bytes} {}

    std::uint64_t bytes() const override { return bytes_; }
    Task<Result<std::string>> read() override {
        const std::size_t most = std::min<std::uint64_t>(bytes_ - done_, kPieceBytes);
        CO_TRY(const Bytes piece, co_await source_->read(done_, most));
        if (piece.empty()) co_return make_error(Errc::kCorrupt, "the file has become shorter");
        hash_.update(piece);
        done_ += piece.size();
        co_return std::string{piece.begin(), piece.end()};
    }
    // Once, after all was read.
    bool was(const Hash& sha256) { return done_ == bytes_ && hash_.finish() == sha256; }
    bool is_read() const { return done_ == bytes_; }

  private:
    ports::FileSource* source_;
    std::uint64_t bytes_;
    std::uint64_t done_ = 0;
    crypto::Sha256 hash_;
};

}  // namespace

struct HttpTransfer::Download {
    ports::RemoteFile file;
    ports::FileSink* sink = nullptr;
    crypto::Sha256 hash{};
    std::uint64_t done = 0;
    bool is_sink_broken = false;
};

TimePoint HttpTransfer::silence_until(TimePoint deadline) const {
    return std::min(deadline, runtime_->now() + options_.patience);
}

Task<Result<void>> HttpTransfer::fetch(ports::RemoteFile file, ports::FileSink* sink, TimePoint deadline) {
    Download download{.file = std::move(file), .sink = sink};
    Pauses pauses{runtime_, options_};
    const Duration silence = download.file.silence_max;
    TimePoint patience = silence == Duration{} ? deadline : std::min(deadline, runtime_->now() + silence);
    while (download.done < download.file.bytes) {
        const std::uint64_t before = download.done;
        const Result<void> attempt = co_await get_rest(&download, deadline);
        if (attempt) break;
        if (download.is_sink_broken || !may_be_tried_again(attempt.error())) co_return attempt;
        if (download.done > before) {
            pauses.start_anew();
            if (silence != Duration{}) patience = std::min(deadline, runtime_->now() + silence);
        }
        const bool may_go_on = co_await pauses.wait(patience);
        if (!may_go_on) co_return attempt.error();
    }
    if (download.hash.finish() != download.file.sha256) {
        co_return make_error(Errc::kCorrupt, "the file has another hash than it should have");
    }
    co_return co_await sink->close();
}

Task<Result<std::unique_ptr<ports::HttpStream>>> HttpTransfer::open(std::string url,
                                                                    std::uint64_t from,
                                                                    TimePoint deadline) {
    for (std::size_t hop = 0; hop <= options_.redirects_max; ++hop) {
        ports::HttpRequest request = request_of("GET", url);
        if (from > 0) request.headers.set("Range", "bytes=" + std::to_string(from) + "-");
        const TimePoint patience = silence_until(deadline);
        auto opened = co_await client_->open(std::move(request), patience);
        if (!opened) co_return of_client(opened.error());
        const ports::HttpResponse& head = (*opened)->head();
        if (!is_redirect(head.status)) co_return opened;
        CO_TRY(url, target_of(url, head.headers.get("location")));
    }
    co_return make_error(Errc::kInvalid, "the file's server redirects again and again");
}

Task<Result<void>> HttpTransfer::get_rest(Download* download, TimePoint deadline) {
    CO_TRY(const auto stream, co_await open(download->file.url, download->done, deadline));
    const ports::HttpResponse& head = stream->head();
    if (head.status != 200 && head.status != 206) co_return to_error(head.status);
    const bool is_rest = head.status == 206;
    if (is_rest && !begins_at(head.headers.get("content-range"), download->done)) {
        co_return make_error(Errc::kCorrupt, "the file's server answers with another part than was asked for");
    }
    // Who knows no ranges begins at the front again: what is there already is passed over.
    const std::uint64_t skip = is_rest ? 0 : download->done;
    co_return co_await read_rest(download, stream.get(), skip, deadline);
}

Task<Result<void>> HttpTransfer::read_rest(Download* download,
                                           ports::HttpStream* stream,
                                           std::uint64_t skip,
                                           TimePoint deadline) {
    while (true) {
        const TimePoint patience = silence_until(deadline);
        const Result<std::string> piece = co_await stream->read(patience);
        if (!piece) co_return of_client(piece.error());
        const std::size_t known = std::min<std::uint64_t>(skip, piece->size());
        skip -= known;
        const std::uint64_t left = download->file.bytes - download->done;
        if (piece->empty() && left == 0 && skip == 0) co_return Result<void>{};
        if (piece->empty()) co_return make_error(Errc::kCorrupt, "the file is shorter than it should be");
        if (piece->size() - known > left) co_return make_error(Errc::kCorrupt, "the file is longer than it should be");
        Bytes bytes(piece->begin() + static_cast<std::ptrdiff_t>(known), piece->end());
        if (bytes.empty()) continue;
        download->hash.update(bytes);
        download->done += bytes.size();
        const Result<void> written = co_await download->sink->write(std::move(bytes));
        if (written) continue;
        download->is_sink_broken = true;
        co_return written;
    }
}

Task<Result<void>> HttpTransfer::put(ports::RemoteFile file, ports::FileSource* source, TimePoint deadline) {
    Pauses pauses{runtime_, options_};
    while (true) {
        const Result<void> attempt = co_await put_once(file, source, deadline);
        if (attempt || !may_be_tried_again(attempt.error())) co_return attempt;
        const bool may_go_on = co_await pauses.wait(deadline);
        if (!may_go_on) co_return attempt;
    }
}

Task<Result<void>> HttpTransfer::put_once(ports::RemoteFile file, ports::FileSource* source, TimePoint deadline) {
    const TimePoint patience = silence_until(deadline);
    ports::HttpRequest question = request_of("HEAD", file.url);
    const auto known = co_await client_->send(std::move(question), patience);
    if (!known) co_return of_client(known.error());
    if (known->status == 200) co_return Result<void>{};
    if (known->status != 404) co_return to_error(known->status);
    SourceBody body{source, file.bytes};
    ports::HttpRequest request = request_of("PUT", file.url);
    request.headers.set("Content-Type", "application/octet-stream");
    const auto answer = co_await client_->upload(std::move(request), &body, deadline);
    if (!answer && answer.error().code == Errc::kCorrupt) co_return answer.error();
    if (!answer) co_return of_client(answer.error());
    if (answer->status == 200 || answer->status == 201) co_return Result<void>{};
    // The server says no to a body that is not what its address promises; whose fault it is, the hash tells.
    if (body.is_read() && !body.was(file.sha256)) {
        co_return make_error(Errc::kCorrupt, "the file has changed since it was looked at");
    }
    co_return to_error(answer->status);
}

}  // namespace vcity::adapters
