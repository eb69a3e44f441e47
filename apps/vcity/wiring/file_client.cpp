// SPDX-License-Identifier: Apache-2.0
#include "wiring/file_client.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/core.h>

#include "cli/keys.hpp"
#include "codec/hex.hpp"
#include "crypto/sha256.hpp"

namespace vcity::wiring {
namespace {

namespace fs = std::filesystem;
using codec::Json;

constexpr std::size_t kPieceBytes = 256U << 10U;
constexpr std::chrono::seconds kSilencePatience{60};
constexpr std::chrono::seconds kUploadPatience{60};
// Slower than this an upload is given up.
constexpr std::uint64_t kUploadBytesPerSecondMin = 16U << 10U;
constexpr int kAttemptsMax = 5;
constexpr std::chrono::milliseconds kAttemptPause{500};

std::string quotable(std::string name) {
    constexpr std::string_view kQuotes = "\"\\";
    const auto is_unsafe = [&](char character) {
        return character < ' ' ? static_cast<unsigned char>(character) < ' '
                               : kQuotes.find(character) != std::string_view::npos;
    };
    std::ranges::replace_if(name, is_unsafe, '_');
    return name;
}

// A form of a purpose and a file, which is read as it is sent.
class FormBody final : public ports::HttpBody {
  public:
    FormBody(const std::string& path, const std::string& purpose, FileProgress progress)
        : stream_{path, std::ios::binary}, progress_{std::move(progress)} {
        std::error_code error;
        file_bytes_ = fs::file_size(path, error);
        is_readable_ = stream_.is_open() && !error && fs::is_regular_file(path, error);
        boundary_ = "vcity-" + codec::to_hex(cli::random_bytes(16)).substr(2);
        const std::string name = quotable(fs::path{path}.filename().string());
        head_ = fmt::format(
            "--{0}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{1}\r\n--{0}\r\n"
            "Content-Disposition: form-data; name=\"file\"; filename=\"{2}\"\r\n"
            "Content-Type: application/octet-stream\r\n\r\n",
            boundary_, purpose, name);
        tail_ = fmt::format("\r\n--{}--\r\n", boundary_);
    }

    bool is_readable() const { return is_readable_; }
    std::string content_type() const { return "multipart/form-data; boundary=" + boundary_; }
    std::uint64_t bytes() const override { return head_.size() + file_bytes_ + tail_.size(); }

    Task<Result<std::string>> read() override {
        if (!is_head_sent_) {
            is_head_sent_ = true;
            co_return head_;
        }
        if (done_ == file_bytes_) co_return std::exchange(tail_, "");
        std::string piece(std::min<std::uint64_t>(kPieceBytes, file_bytes_ - done_), '\0');
        stream_.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        if (!stream_) co_return make_error(Errc::kConflict, "the file changed while it was sent");
        done_ += piece.size();
        if (progress_) progress_(done_, file_bytes_);
        co_return piece;
    }

  private:
    std::ifstream stream_;
    FileProgress progress_;
    std::string boundary_;
    std::string head_;
    std::string tail_;
    std::uint64_t file_bytes_ = 0;
    std::uint64_t done_ = 0;
    bool is_readable_ = false;
    bool is_head_sent_ = false;
};

// A file on its way onto the disk.
struct Download {
    explicit Download(const std::string& file)
        : part{file + ".part"}, stream{part, std::ios::binary | std::ios::trunc} {}

    std::string part;
    std::ofstream stream;
    crypto::Sha256 hash{};
    std::uint64_t done = 0;
    std::uint64_t all = 0;
};

Task<Result<void>> read_rest(
    adapters::AsioRuntime* runtime, ApiClient* client, std::string path, Download* download, FileProgress progress) {
    CO_TRY(const auto stream, co_await client->download(path, download->done));
    const ports::HttpResponse& head = stream->head();
    if (download->done > 0 && head.status != 206) co_return make_error(Errc::kCorrupt, "the server cannot go on");
    const std::string all{head.headers.get("x-file-bytes")};
    download->all = std::strtoull(all.c_str(), nullptr, 10);
    while (true) {
        CO_TRY(const std::string piece, co_await stream->read(runtime->now() + kSilencePatience));
        if (piece.empty()) co_return Result<void>{};
        download->stream.write(piece.data(), static_cast<std::streamsize>(piece.size()));
        if (!download->stream) co_return make_error(Errc::kExhausted, "cannot write " + download->part);
        download->hash.update(as_bytes(piece));
        download->done += piece.size();
        if (progress) progress(download->done, download->all);
    }
}

}  // namespace

Task<Result<Json>> upload_file(
    adapters::AsioRuntime* runtime, ApiClient* client, std::string path, std::string purpose, FileProgress progress) {
    FormBody body{path, purpose, std::move(progress)};
    if (!body.is_readable()) co_return make_error(Errc::kNotFound, "cannot read the file " + path);
    const std::chrono::seconds allowed{body.bytes() / kUploadBytesPerSecondMin};
    const TimePoint until = runtime->now() + kUploadPatience + allowed;
    co_return co_await client->upload("/v1/files", body.content_type(), &body, until);
}

Task<Result<std::uint64_t>> download_file(adapters::AsioRuntime* runtime,
                                          ApiClient* client,
                                          std::string path,
                                          std::string file,
                                          std::string sha256,
                                          FileProgress progress) {
    Download download{file};
    if (!download.stream) co_return make_error(Errc::kInvalid, "cannot write " + download.part);
    Result<void> attempt = make_error(Errc::kUnavailable, "not asked");
    for (int count = 0; count < kAttemptsMax && !attempt; ++count) {
        const std::uint64_t before = download.done;
        attempt = co_await read_rest(runtime, client, path, &download, progress);
        if (attempt) break;
        const bool may_pass = attempt.error().code == Errc::kUnavailable || attempt.error().code == Errc::kTimeout;
        if (!may_pass) break;
        if (download.done > before) count = 0;
        const TimePoint next = runtime->now() + kAttemptPause;
        co_await runtime->sleep_until(next);
    }
    download.stream.close();
    std::error_code error;
    const std::string digest = codec::to_hex(download.hash.finish()).substr(2);
    if (attempt && !sha256.empty() && digest != sha256) {
        attempt = make_error(Errc::kCorrupt, "the file came with another hash than it should have");
    }
    if (attempt) fs::rename(download.part, file, error);
    if (!attempt || error) {
        std::error_code ignored;
        fs::remove(download.part, ignored);
    }
    if (!attempt) co_return attempt.error();
    if (error) co_return make_error(Errc::kInvalid, "cannot write " + file + ": " + error.message());
    co_return download.done;
}

}  // namespace vcity::wiring
