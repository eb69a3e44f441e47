// SPDX-License-Identifier: Apache-2.0
#include "adapters/blobs_fs/blobs.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "codec/hex.hpp"
#include "crypto/sha256.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPrivateFile = 0600;
constexpr mode_t kPrivateFolder = 0700;
constexpr int kFolders = 256;

class Descriptor {
  public:
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    bool is_open() const { return number_ >= 0; }

  private:
    int number_;
};

Error disk_error(const char* what, int number) {
    Errc code = Errc::kUnavailable;
    if (number == ENOSPC || number == EDQUOT || number == EMFILE || number == ENFILE) code = Errc::kExhausted;
    if (number == ENOENT) code = Errc::kNotFound;
    return make_error(code, std::string{what} + ": " + std::generic_category().message(number));
}

std::string digits_of(const Hash& sha256) {
    return codec::to_hex(sha256).substr(2);
}

std::string folder_of(const std::string& root, const std::string& digits) {
    return root + "/" + digits.substr(0, 2);
}

std::string path_of(const std::string& root, const Hash& sha256) {
    const std::string digits = digits_of(sha256);
    return folder_of(root, digits) + "/" + digits;
}

template <class Value>
Task<Result<Value>> off_thread(Runtime* runtime, std::function<Result<Value>()> work) {
    // Shared: a runtime that ends may leave the work behind.
    const auto result = std::make_shared<Result<Value>>(make_error(Errc::kInternal, "not run"));
    std::function<void()> run = [work = std::move(work), result] { *result = work(); };
    co_await runtime->compute(std::move(run));
    co_return std::move(*result);
}

Result<void> sync_folder(const std::string& path) {
    const Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder.is_open() || ::fsync(folder.get()) != 0) return disk_error("syncing a folder", errno);
    return {};
}

Result<void> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), kPrivateFolder) == 0 || errno == EEXIST) return {};
    return disk_error("making a folder", errno);
}

Result<std::uint64_t> room(const FolderBlobsOptions& options) {
    struct statvfs disk{};
    if (::statvfs(options.folder.c_str(), &disk) != 0) return disk_error("looking at the disk", errno);
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    return free - std::min(free, options.disk_bytes_reserved);
}

Result<void> write_all(int file, const Bytes& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t written = ::write(file, bytes.data() + done, bytes.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return disk_error("writing a file", errno);
        done += static_cast<std::size_t>(written);
    }
    return {};
}

class Source final : public ports::FileSource {
  public:
    Source(Runtime* runtime, std::shared_ptr<Descriptor> file, std::uint64_t size)
        : runtime_{runtime}, file_{std::move(file)}, size_{size} {}

    std::uint64_t size() const override { return size_; }
    Task<Result<Bytes>> read(std::uint64_t offset, std::size_t max) override {
        return off_thread<Bytes>(runtime_, [file = file_, offset, max]() -> Result<Bytes> {
            Bytes bytes(max);
            const ssize_t got = ::pread(file->get(), bytes.data(), max, static_cast<off_t>(offset));
            if (got < 0) return disk_error("reading a file", errno);
            bytes.resize(static_cast<std::size_t>(got));
            return bytes;
        });
    }

  private:
    Runtime* runtime_;
    std::shared_ptr<Descriptor> file_;  // also of work that is left behind
    std::uint64_t size_;
};

// The file of a draft, removed with it unless it has another name by then.
struct DraftFile {
    DraftFile(int number, std::string at) : file{number}, path{std::move(at)} {}
    DraftFile(const DraftFile&) = delete;
    DraftFile& operator=(const DraftFile&) = delete;
    ~DraftFile() {
        if (!is_kept) ::unlink(path.c_str());
    }

    Descriptor file;
    std::string path;
    crypto::Sha256 hash;
    std::uint64_t bytes = 0;
    bool is_kept = false;
};

Result<std::shared_ptr<DraftFile>> open_draft(const FolderBlobsOptions& options, const std::string& name) {
    TRY(const std::uint64_t left, room(options));
    if (left == 0) return make_error(Errc::kExhausted, "the disk is full");
    const std::string path = options.folder + "/drafts/" + name;
    const int opened = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kPrivateFile);
    if (opened < 0) return disk_error("opening a draft", errno);
    return std::make_shared<DraftFile>(opened, path);
}

class Draft final : public ports::BlobDraft {
  public:
    Draft(Runtime* runtime, FolderBlobsOptions options, std::shared_ptr<DraftFile> file)
        : runtime_{runtime}, options_{std::move(options)}, file_{std::move(file)} {}

    Task<Result<void>> write(Bytes bytes) override {
        return off_thread<void>(runtime_,
                                [file = file_, options = options_, bytes = std::move(bytes)]() -> Result<void> {
                                    TRY(const std::uint64_t left, room(options));
                                    if (left < bytes.size()) return make_error(Errc::kExhausted, "the disk is full");
                                    TRY_OK(write_all(file->file.get(), bytes));
                                    file->hash.update(bytes);
                                    file->bytes += bytes.size();
                                    return {};
                                });
    }

    Task<Result<ports::FileDigest>> keep() override {
        return off_thread<ports::FileDigest>(runtime_,
                                             [file = file_, root = options_.folder]() -> Result<ports::FileDigest> {
                                                 if (::fsync(file->file.get()) != 0)
                                                     return disk_error("syncing a file", errno);
                                                 const ports::FileDigest digest{file->hash.finish(), file->bytes};
                                                 const std::string path = path_of(root, digest.sha256);
                                                 const std::string folder = folder_of(root, digits_of(digest.sha256));
                                                 if (::rename(file->path.c_str(), path.c_str()) != 0)
                                                     return disk_error("keeping a file", errno);
                                                 file->is_kept = true;
                                                 TRY_OK(sync_folder(folder));
                                                 return digest;
                                             });
    }

  private:
    Runtime* runtime_;
    FolderBlobsOptions options_;
    std::shared_ptr<DraftFile> file_;
};

std::optional<ports::FileDigest> entry_of(const fs::directory_entry& file) {
    std::error_code error;
    const Result<Hash> sha256 = codec::parse_fixed<Hash>("0x" + file.path().filename().string());
    if (!sha256 || !fs::is_regular_file(file.symlink_status(error))) return std::nullopt;
    const std::uint64_t bytes = file.file_size(error);
    if (error) return std::nullopt;
    return ports::FileDigest{*sha256, bytes};
}

// One folder at a time, so that a page needs no more memory than that and itself.
Result<std::vector<ports::FileDigest>> list_files(const std::string& root, const Hash& after, std::size_t limit) {
    std::vector<ports::FileDigest> found;
    for (int number = after.bytes.front(); number < kFolders && found.size() < limit; ++number) {
        const Bytes first{static_cast<std::uint8_t>(number)};
        std::vector<ports::FileDigest> here;
        std::error_code error;
        for (fs::directory_iterator at{root + "/" + codec::to_hex(first).substr(2), error}, end; !error && at != end;
             at.increment(error)) {
            const auto entry = entry_of(*at);
            if (entry && entry->sha256 > after) here.push_back(*entry);
        }
        if (error) return disk_error("reading a folder", error.value());
        std::ranges::sort(here, {}, &ports::FileDigest::sha256);
        here.resize(std::min(here.size(), limit - found.size()));
        found.insert(found.end(), here.begin(), here.end());
    }
    return found;
}

}  // namespace

Result<std::unique_ptr<FolderBlobs>> FolderBlobs::make(Runtime* runtime, FolderBlobsOptions options) {
    std::error_code error;
    fs::create_directories(options.folder, error);
    fs::remove_all(options.folder + "/drafts", error);
    TRY_OK(make_folder(options.folder + "/drafts"));
    for (int number = 0; number < kFolders; ++number) {
        const Bytes first{static_cast<std::uint8_t>(number)};
        TRY_OK(make_folder(options.folder + "/" + codec::to_hex(first).substr(2)));
    }
    TRY_OK(sync_folder(options.folder));
    return std::unique_ptr<FolderBlobs>{new FolderBlobs{runtime, std::move(options)}};
}

Task<Result<std::unique_ptr<ports::BlobDraft>>> FolderBlobs::draft() {
    const std::string name = std::to_string(runtime_->random_u64()) + std::to_string(runtime_->random_u64());
    std::function<Result<std::shared_ptr<DraftFile>>()> work = [options = options_, name] {
        return open_draft(options, name);
    };
    CO_TRY(const auto file, co_await off_thread(runtime_, std::move(work)));
    std::unique_ptr<ports::BlobDraft> made = std::make_unique<Draft>(runtime_, options_, file);
    co_return made;
}

Task<Result<std::unique_ptr<ports::FileSource>>> FolderBlobs::open(Hash sha256) {
    // Opening takes no longer than looking into the folder: files are local.
    const auto file = std::make_shared<Descriptor>(
        ::open(path_of(options_.folder, sha256).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status{};
    if (!file->is_open() || ::fstat(file->get(), &status) != 0) co_return disk_error("opening a file", errno);
    std::unique_ptr<ports::FileSource> source =
        std::make_unique<Source>(runtime_, file, static_cast<std::uint64_t>(status.st_size));
    co_return source;
}

Task<Result<void>> FolderBlobs::erase(Hash sha256) {
    return off_thread<void>(runtime_, [path = path_of(options_.folder, sha256)]() -> Result<void> {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return disk_error("removing a file", errno);
        return {};
    });
}

Task<Result<std::vector<ports::FileDigest>>> FolderBlobs::list(Hash after, std::size_t limit) {
    return off_thread<std::vector<ports::FileDigest>>(
        runtime_, [root = options_.folder, after, limit] { return list_files(root, after, limit); });
}

Task<Result<std::uint64_t>> FolderBlobs::bytes_free() {
    return off_thread<std::uint64_t>(runtime_, [options = options_] { return room(options); });
}

}  // namespace vcity::adapters
