// SPDX-License-Identifier: Apache-2.0
#include "adapters/volume_folder/volumes.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameBytesMax = 1024;
constexpr std::size_t kFilesCountedMax = 1'000'000;
constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks
constexpr mode_t kOpenFolder = 01777;
constexpr mode_t kReadable = 0644;

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    bool is_open() const { return number_ >= 0; }

  private:
    int number_ = -1;
};

Error system_error(const std::string& what, int number) {
    Errc code = Errc::kUnavailable;
    if (number == ENOSPC || number == EDQUOT) code = Errc::kExhausted;
    if (number == ENOENT || number == ELOOP || number == ENOTDIR || number == EXDEV) code = Errc::kNotFound;
    return make_error(code, what + ": " + std::generic_category().message(number));
}

// Never through a link, never out of the folder.
Result<Descriptor> open_beneath(int folder, const std::string& name, int flags, mode_t mode = 0) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    const long opened = ::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof(how));
    if (opened < 0) return system_error(name, errno);
    return Descriptor{static_cast<int>(opened)};
}

Result<void> check_name(const std::string& name) {
    const bool is_text = !name.empty() && name.size() <= kNameBytesMax && name.find('\0') == std::string::npos;
    const fs::path path{name};
    const bool is_plain = is_text && path.is_relative() && path.lexically_normal().string() == name &&
                          path.has_filename() && name != "." && *path.begin() != "..";
    if (!is_plain) return make_error(Errc::kInvalid, "a file's name must be a plain relative path");
    return {};
}

// Makes it and the folders on the way; opens it.
Result<Descriptor> open_folder(int root, const fs::path& folder) {
    Descriptor at{::dup(root)};
    for (const fs::path& part : folder) {
        // Whether it was made or was there: what counts is what can be opened.
        if (::mkdirat(at.get(), part.c_str(), 0) == 0) ::fchmodat(at.get(), part.c_str(), kOpenFolder, 0);
        TRY(Descriptor next, open_beneath(at.get(), part.string(), O_PATH | O_DIRECTORY | O_NOFOLLOW));
        at = std::move(next);
    }
    return at;
}

template <class Value>
Task<Result<Value>> blocking(Runtime* runtime, std::function<Result<Value>()> work) {
    Result<Value> result = make_error(Errc::kInternal, "not run");
    const std::function<void()> run = [&] { result = work(); };
    co_await runtime->compute(run);
    co_return result;
}

class Source final : public ports::FileSource {
  public:
    Source(Runtime* runtime, Descriptor file, std::uint64_t size)
        : runtime_{runtime}, file_{std::move(file)}, size_{size} {}

    std::uint64_t size() const override { return size_; }
    Task<Result<Bytes>> read(std::uint64_t offset, std::size_t max) override {
        const int file = file_.get();
        return blocking<Bytes>(runtime_, [file, offset, max]() -> Result<Bytes> {
            Bytes bytes(max);
            const ssize_t got = ::pread(file, bytes.data(), max, static_cast<off_t>(offset));
            if (got < 0) return system_error("reading", errno);
            bytes.resize(static_cast<std::size_t>(got));
            return bytes;
        });
    }

  private:
    Runtime* runtime_;
    Descriptor file_;
    std::uint64_t size_;
};

// Written under another name, which nobody in the sandbox can foresee, and renamed.
class Sink final : public ports::FileSink {
  public:
    Sink(Runtime* runtime, Descriptor folder, Descriptor file, std::string draft, std::string name)
        : runtime_{runtime},
          folder_{std::move(folder)},
          file_{std::move(file)},
          draft_{std::move(draft)},
          name_{std::move(name)} {}
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    ~Sink() override {
        if (!is_closed_) ::unlinkat(folder_.get(), draft_.c_str(), 0);
    }

    Task<Result<void>> write(Bytes bytes) override {
        const int file = file_.get();
        return blocking<void>(runtime_, [file, bytes = std::move(bytes)]() -> Result<void> {
            for (std::size_t done = 0; done < bytes.size();) {
                const ssize_t written = ::write(file, bytes.data() + done, bytes.size() - done);
                if (written < 0 && errno == EINTR) continue;
                if (written < 0) return system_error("writing", errno);
                done += static_cast<std::size_t>(written);
            }
            return {};
        });
    }
    Task<Result<void>> close() override {
        if (::renameat(folder_.get(), draft_.c_str(), folder_.get(), name_.c_str()) != 0) {
            co_return system_error("renaming to " + name_, errno);
        }
        is_closed_ = true;
        co_return Result<void>{};
    }

  private:
    Runtime* runtime_;
    Descriptor folder_;
    Descriptor file_;
    std::string draft_;
    std::string name_;
    bool is_closed_ = false;
};

class FolderVolume final : public ports::Volume {
  public:
    FolderVolume(Runtime* runtime, std::string path, Descriptor root)
        : runtime_{runtime}, path_{std::move(path)}, root_{std::move(root)} {}
    FolderVolume(const FolderVolume&) = delete;
    FolderVolume& operator=(const FolderVolume&) = delete;
    // A program may have left a million files: not on the agent's thread. What is not removed before the agent ends is
    // removed when it starts again.
    ~FolderVolume() override { runtime_->spawn(remove(runtime_, path_)); }

    const std::string& path() const override { return path_; }

    Task<Result<void>> make_folder(std::string name) override {
        CO_TRY_OK(check_name(name));
        CO_TRY_OK(open_folder(root_.get(), name));
        co_return Result<void>{};
    }

    Task<Result<std::unique_ptr<ports::FileSink>>> create(std::string name) override {
        CO_TRY_OK(check_name(name));
        const fs::path path{name};
        CO_TRY(Descriptor folder, open_folder(root_.get(), path.parent_path()));
        const std::string draft = ".draft-" + std::to_string(runtime_->random_u64());
        CO_TRY(Descriptor file, open_beneath(folder.get(), draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kReadable));
        std::unique_ptr<ports::FileSink> sink =
            std::make_unique<Sink>(runtime_, std::move(folder), std::move(file), draft, path.filename().string());
        co_return sink;
    }

    Task<Result<std::unique_ptr<ports::FileSource>>> open(std::string name) override {
        CO_TRY_OK(check_name(name));
        // Not waiting for the other end, should it be a pipe.
        CO_TRY(Descriptor file, open_beneath(root_.get(), name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
        struct stat status{};
        const bool is_file = ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
        if (!is_file) co_return make_error(Errc::kNotFound, name + " is no regular file");
        std::unique_ptr<ports::FileSource> source =
            std::make_unique<Source>(runtime_, std::move(file), static_cast<std::uint64_t>(status.st_size));
        co_return source;
    }

    Task<Result<std::vector<ports::VolumeFile>>> list(std::string folder,
                                                      std::size_t count_max,
                                                      std::size_t depth_max) override {
        CO_TRY_OK(check_name(folder));
        const std::string root = path_ + "/" + folder;
        std::function<Result<std::vector<ports::VolumeFile>>()> work = [root, count_max, depth_max] {
            return list_files(root, count_max, depth_max);
        };
        co_return co_await blocking<std::vector<ports::VolumeFile>>(runtime_, std::move(work));
    }

    Task<Result<std::uint64_t>> used() override {
        const std::string root = path_;
        return blocking<std::uint64_t>(runtime_, [root] { return count_bytes(root); });
    }

  private:
    static Task<void> remove(Runtime* runtime, std::string path) {
        std::function<void()> work = [path] {
            std::error_code error;
            fs::remove_all(path, error);
        };
        co_await runtime->compute(std::move(work));
    }

    // Paths may change under the walk; what is opened later is checked again, so a wrong entry costs nothing but its
    // place in the list.
    static Result<std::vector<ports::VolumeFile>> list_files(const std::string& root,
                                                             std::size_t count_max,
                                                             std::size_t depth_max) {
        std::vector<ports::VolumeFile> files;
        std::error_code error;
        if (!fs::is_directory(fs::symlink_status(root, error))) return files;
        for (fs::recursive_directory_iterator at{root, error}, end; !error && at != end; at.increment(error)) {
            const fs::file_status status = at->symlink_status(error);
            if (fs::is_directory(status) && static_cast<std::size_t>(at.depth()) + 2 > depth_max) {
                return make_error(Errc::kExhausted, "folders are nested deeper than " + std::to_string(depth_max));
            }
            if (!fs::is_regular_file(status)) continue;
            if (files.size() >= count_max) {
                return make_error(Errc::kExhausted, "there are more than " + std::to_string(count_max) + " files");
            }
            const std::uint64_t bytes = at->file_size(error);
            files.push_back({at->path().string().substr(root.size() + 1), error ? 0 : bytes});
        }
        std::ranges::sort(files, {}, &ports::VolumeFile::name);
        return files;
    }

    static Result<std::uint64_t> count_bytes(const std::string& root) {
        std::uint64_t bytes = 0;
        std::size_t files = 0;
        std::error_code error;
        for (fs::recursive_directory_iterator at{root, error}, end; at != end; at.increment(error)) {
            if (error) break;  // gone meanwhile
            if (++files > kFilesCountedMax) return make_error(Errc::kExhausted, "too many files to count");
            struct stat status{};
            if (::lstat(at->path().c_str(), &status) == 0) {
                bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes;
            }
        }
        return bytes;
    }

    Runtime* runtime_;
    std::string path_;
    Descriptor root_;
};

}  // namespace

Result<std::unique_ptr<FolderVolumes>> FolderVolumes::make_at(Runtime* runtime, std::string root) {
    std::error_code error;
    fs::create_directories(root, error);
    fs::permissions(root, fs::perms::owner_all, error);
    if (error) return make_error(Errc::kInvalid, "the folder for files of steps: " + root + ": " + error.message());
    for (const fs::directory_entry& left : fs::directory_iterator{root, error}) fs::remove_all(left.path(), error);
    return std::unique_ptr<FolderVolumes>{new FolderVolumes{runtime, fs::canonical(root).string()}};
}

Task<Result<std::unique_ptr<ports::Volume>>> FolderVolumes::make(std::string name, std::uint64_t bytes_max) {
    CO_TRY_OK(check_name(name));
    const bool is_one_part = name.find('/') == std::string::npos;
    if (!is_one_part) co_return make_error(Errc::kInvalid, "a volume's name is one part of a path");
    // The removal of one that had the name may still be under way.
    const std::string path = root_ + "/" + name + "-" + std::to_string(runtime_->random_u64());
    std::error_code error;
    const fs::space_info space = fs::space(root_, error);
    if (!error && space.available < bytes_max) co_return make_error(Errc::kExhausted, "the disk has no room for it");
    if (::mkdir(path.c_str(), 0) != 0 || ::chmod(path.c_str(), kOpenFolder) != 0) {
        co_return system_error("making " + path, errno);
    }
    Descriptor folder{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!folder.is_open()) co_return system_error("opening " + path, errno);
    std::unique_ptr<ports::Volume> volume = std::make_unique<FolderVolume>(runtime_, path, std::move(folder));
    co_return volume;
}

}  // namespace vcity::adapters
