// SPDX-License-Identifier: Apache-2.0
#include "adapters/tee_configfs/tee_configfs.hpp"

#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/integer.hpp"

namespace vcity::adapters {
namespace {

constexpr std::size_t kReportDataBytes = 64;
constexpr std::size_t kOutMax = 32U << 10U;  // TSM_OUTBLOB_MAX
constexpr std::size_t kTextMax = 64;
constexpr int kTries = 3;

Error failure(const char* what, const std::string& path) {
    const int number = errno;
    const std::string message = fmt::format("{} {}: {}", what, path, std::generic_category().message(number));
    if (number == ENOENT) return make_error(Errc::kNotFound, message);
    if (number == EBUSY || number == EWOULDBLOCK || number == EEXIST) return make_error(Errc::kConflict, message);
    return make_error(number == EFBIG ? Errc::kCorrupt : Errc::kUnavailable, message);
}

// Closed with the object.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_{number} {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return number_; }

  private:
    int number_;
};

Result<Bytes> read_file(const std::string& path, std::size_t bytes_max) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.get() < 0) return failure("open", path);
    Bytes bytes(bytes_max + 1);
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure("read", path);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > bytes_max) return make_error(Errc::kCorrupt, path + " has more than the interface allows");
    bytes.resize(size);
    return bytes;
}

// configfs takes a binary attribute whole, at close.
Result<void> write_file(const std::string& path, ByteView bytes) {
    const Descriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (file.get() < 0) return failure("open", path);
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0) return failure("write", path);
    if (static_cast<std::size_t>(written) != bytes.size()) return make_error(Errc::kUnavailable, path + " took a part");
    return {};
}

// A request's directory; removed with the object.
class RequestDirectory {
  public:
    RequestDirectory(const TsmFiles* files, std::string path) : files_{files}, path_{std::move(path)} {}
    ~RequestDirectory() {
        // One that stays behind costs the kernel a little memory; nothing else can be done about it here.
        if (is_made_) static_cast<void>(files_->remove_directory(path_));
    }
    RequestDirectory(const RequestDirectory&) = delete;
    RequestDirectory& operator=(const RequestDirectory&) = delete;

    Result<void> make() {
        TRY_OK(files_->make_directory(path_));
        is_made_ = true;
        return {};
    }
    Result<Bytes> read(const char* name, std::size_t bytes_max) const {
        return files_->read(path_ + "/" + name, bytes_max);
    }
    Result<void> write(const char* name, ByteView bytes) const { return files_->write(path_ + "/" + name, bytes); }
    Result<std::uint64_t> generation() const {
        TRY(const Bytes bytes, read("generation", kTextMax));
        std::string_view text = as_text(bytes);
        if (text.ends_with('\n')) text.remove_suffix(1);
        Result<std::uint64_t> number = codec::parse_decimal(text);
        if (!number) return make_error(Errc::kCorrupt, "generation is no number");
        return number;
    }
    Result<attest::EvidenceKind> provider() const {
        TRY(const Bytes bytes, read("provider", kTextMax));
        std::string_view text = as_text(bytes);
        if (text.ends_with('\n')) text.remove_suffix(1);
        if (text == "tdx_guest") return attest::EvidenceKind::kTdx;
        if (text == "sev_guest") return attest::EvidenceKind::kSevSnp;
        return make_error(Errc::kInvalid, "configfs-tsm has a provider that is not known here");
    }

  private:
    const TsmFiles* files_;
    std::string path_;
    bool is_made_ = false;
};

// Absent files are fine: no table from this host, no log from this firmware.
Result<Bytes> read_if_there(Result<Bytes> read) {
    if (!read && read.error().code == Errc::kNotFound) return Bytes{};
    return read;
}

Result<attest::Evidence> report_once(const ConfigfsOptions& options,
                                     attest::EvidenceKind kind,
                                     const std::string& name,
                                     ByteView report_data) {
    RequestDirectory directory{&options.files, options.root + "/" + name};
    TRY_OK(directory.make());
    TRY(const attest::EvidenceKind provider, directory.provider());
    if (provider != kind) return make_error(Errc::kCorrupt, "configfs-tsm changed its provider");
    TRY(const std::uint64_t before, directory.generation());
    TRY_OK(directory.write("inblob", report_data));
    attest::Evidence evidence;
    evidence.kind = kind;
    TRY(evidence.report, directory.read("outblob", kOutMax));
    if (kind == attest::EvidenceKind::kSevSnp) {
        TRY(evidence.certificates, read_if_there(directory.read("auxblob", attest::kEvidenceCertificatesMax)));
    }
    TRY(const std::uint64_t after, directory.generation());
    if (after != before + 1) return make_error(Errc::kConflict, "configfs-tsm: somebody else wrote to the request");
    if (evidence.report.empty()) return make_error(Errc::kCorrupt, "configfs-tsm gave an empty report");
    return evidence;
}

Result<attest::Evidence> report(const ConfigfsOptions& options,
                                attest::EvidenceKind kind,
                                const std::string& name,
                                ByteView report_data) {
    for (int attempt = 1;; ++attempt) {
        Result<attest::Evidence> evidence =
            report_once(options, kind, fmt::format("{}-{}", name, attempt), report_data);
        if (!evidence && evidence.error().code == Errc::kConflict && attempt < kTries) continue;
        if (evidence && kind == attest::EvidenceKind::kTdx && !options.event_log.empty()) {
            // A log that cannot be had is left out: the policy says whether it must be there.
            Result<Bytes> log = options.files.read(options.event_log, attest::kEvidenceEventLogMax);
            if (log) evidence->event_log = *std::move(log);
        }
        return evidence;
    }
}

}  // namespace

TsmFiles kernel_files() {
    return {.make_directory = [](const std::string& path) -> Result<void> {
                if (::mkdir(path.c_str(), 0700) != 0) return failure("mkdir", path);
                return {};
            },
            .remove_directory = [](const std::string& path) -> Result<void> {
                if (::rmdir(path.c_str()) != 0) return failure("rmdir", path);
                return {};
            },
            .read = read_file,
            .write = write_file};
}

ConfigfsTee::ConfigfsTee(Runtime* runtime, ConfigfsOptions options, attest::EvidenceKind kind)
    : runtime_{runtime}, options_{std::make_shared<const ConfigfsOptions>(std::move(options))}, kind_{kind} {}

Result<std::unique_ptr<ConfigfsTee>> ConfigfsTee::open(Runtime* runtime, ConfigfsOptions options) {
    RequestDirectory directory{&options.files, fmt::format("{}/vcity-{}-open", options.root, ::getpid())};
    const Result<void> made = directory.make();
    if (!made) return make_error(Errc::kUnavailable, "no configfs-tsm: " + made.error().message);
    TRY(const attest::EvidenceKind kind, directory.provider());
    return std::unique_ptr<ConfigfsTee>{new ConfigfsTee{runtime, options, kind}};
}

Task<Result<attest::Evidence>> ConfigfsTee::evidence(Bytes report_data) {
    if (report_data.empty() || report_data.size() > report_data_max()) {
        co_return make_error(Errc::kInvalid, "report data has 1 to 64 bytes");
    }
    report_data.resize(kReportDataBytes);
    const auto result = std::make_shared<std::optional<Result<attest::Evidence>>>();
    const std::string name = fmt::format("vcity-{}-{}", ::getpid(), ++requests_);
    std::function<void()> work = [result, options = options_, kind = kind_, name, data = std::move(report_data)] {
        result->emplace(report(*options, kind, name, data));
    };
    co_await runtime_->compute(std::move(work));
    if (!result->has_value()) co_return make_error(Errc::kInternal, "the runtime ran no work");
    co_return std::move(result->value());
}

}  // namespace vcity::adapters
