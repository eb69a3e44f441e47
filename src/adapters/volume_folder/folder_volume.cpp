// SPDX-License-Identifier: Apache-2.0
#include "adapters/volume_folder/folder_volume.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "adapters/volume_folder/descriptor.hpp"

namespace vcity::adapters::volume {

namespace fs = std::filesystem;

Error system_error(const std::string& what, int number) {
    Errc code = Errc::kUnavailable;
    if (number == ENOSPC || number == EDQUOT) code = Errc::kExhausted;
    if (number == ENOENT || number == ELOOP || number == ENOTDIR || number == EXDEV) code = Errc::kNotFound;
    return make_error(code, what + ": " + std::generic_category().message(number));
}

namespace {

constexpr std::size_t kFilesCountedMax = 1'000'000;
constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks
constexpr mode_t kOpenFolder = 01777;
constexpr mode_t kOwnFolder = 0700;
constexpr mode_t kReadable = 0644;

Result<void> check_name(const std::string& name) {
    const bool is_text = !name.empty() && name.size() <= kVolumeNameBytesMax && name.find('\0') == std::string::npos;
    const fs::path path{name};
    const bool is_plain = is_text && path.is_relative() && path.lexically_normal().string() == name &&
                          path.has_filename() && name != "." && *path.begin() != "..";
    if (!is_plain) return make_error(Errc::kInvalid, "a file's name must be a plain relative path");
    return {};
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

Task<void> off_thread(Runtime* runtime, std::function<void()> work) {
    co_await runtime->compute(std::move(work));
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
        if (is_closed_) return;
        const auto folder = std::make_shared<const Descriptor>(std::move(folder_));
        runtime_->spawn(
            off_thread(runtime_, [folder, draft = draft_] { ::unlinkat(folder->get(), draft.c_str(), 0); }));
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
        const int folder = folder_.get();
        const std::function<Result<void>()> work = [folder, from = draft_, to = name_]() -> Result<void> {
            if (::renameat(folder, from.c_str(), folder, to.c_str()) != 0)
                return system_error("renaming to " + to, errno);
            return {};
        };
        CO_TRY_OK(co_await blocking(runtime_, work));
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
    FolderVolume(Runtime* runtime, VolumePlace place, Descriptor root)
        : runtime_{runtime}, place_{std::move(place)}, root_{std::make_shared<const Descriptor>(std::move(root))} {}
    FolderVolume(const FolderVolume&) = delete;
    FolderVolume& operator=(const FolderVolume&) = delete;
    // A program may have left a million files: not on the agent's thread. What is not removed before the agent ends is
    // removed when it starts again.
    ~FolderVolume() override { runtime_->spawn(off_thread(runtime_, place_.remove)); }

    const std::string& path() const override { return place_.path; }

    // What touches the folder waits for a disk, or for the program behind a mount: never on the agent's thread.
    Task<Result<void>> make_folder(std::string name) override {
        CO_TRY_OK(check_name(name));
        const std::function<Result<void>()> work = [root = root_, name]() -> Result<void> {
            TRY_OK(open_folder(root->get(), name));
            return {};
        };
        co_return co_await blocking(runtime_, work);
    }

    Task<Result<std::unique_ptr<ports::FileSink>>> create(std::string name) override {
        CO_TRY_OK(check_name(name));
        const std::string draft = ".draft-" + std::to_string(runtime_->random_u64());
        using Made = std::unique_ptr<ports::FileSink>;
        const std::function<Result<Made>()> work = [runtime = runtime_, root = root_, name, draft]() -> Result<Made> {
            const fs::path path{name};
            TRY(Descriptor folder, open_folder(root->get(), path.parent_path()));
            TRY(Descriptor file,
                open_beneath(folder.get(), draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kReadable));
            return Made{
                std::make_unique<Sink>(runtime, std::move(folder), std::move(file), draft, path.filename().string())};
        };
        co_return co_await blocking(runtime_, work);
    }

    Task<Result<std::unique_ptr<ports::FileSource>>> open(std::string name) override {
        CO_TRY_OK(check_name(name));
        using Made = std::unique_ptr<ports::FileSource>;
        const std::function<Result<Made>()> work = [runtime = runtime_, root = root_, name]() -> Result<Made> {
            // Not waiting for the other end, should it be a pipe.
            TRY(Descriptor file, open_beneath(root->get(), name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
            struct stat status{};
            const bool is_file = ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
            if (!is_file) return make_error(Errc::kNotFound, name + " is no regular file");
            return Made{std::make_unique<Source>(runtime, std::move(file), static_cast<std::uint64_t>(status.st_size))};
        };
        co_return co_await blocking(runtime_, work);
    }

    Task<Result<std::vector<ports::VolumeFile>>> list(std::string folder,
                                                      std::size_t count_max,
                                                      std::size_t depth_max) override {
        CO_TRY_OK(check_name(folder));
        const std::string root = place_.path + "/" + folder;
        std::function<Result<std::vector<ports::VolumeFile>>()> work = [root, count_max, depth_max] {
            return list_files(root, count_max, depth_max);
        };
        co_return co_await blocking<std::vector<ports::VolumeFile>>(runtime_, std::move(work));
    }

    Task<Result<std::uint64_t>> used() override {
        const std::string root = place_.counted;
        return blocking<std::uint64_t>(runtime_, [root] { return count_bytes(root); });
    }

  private:
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
    VolumePlace place_;
    std::shared_ptr<const Descriptor> root_;
};

}  // namespace

Result<std::string> new_folder(Runtime* runtime,
                               const std::string& root,
                               const std::string& name,
                               std::uint64_t bytes) {
    TRY_OK(check_name(name));
    const bool is_one_part = name.find('/') == std::string::npos;
    if (!is_one_part) return make_error(Errc::kInvalid, "a volume's name is one part of a path");
    std::error_code error;
    const fs::space_info space = fs::space(root, error);
    if (!error && space.available < bytes) return make_error(Errc::kExhausted, "the disk has no room for it");
    // The removal of one that had the name may still be under way.
    std::string path = root + "/" + name + "-" + std::to_string(runtime->random_u64());
    if (::mkdir(path.c_str(), kOwnFolder) != 0) return system_error("making " + path, errno);
    return path;
}

Result<std::string> make_root(const std::string& root) {
    std::error_code error;
    fs::create_directories(root, error);
    fs::permissions(root, fs::perms::owner_all, error);
    if (error) return make_error(Errc::kInvalid, "the folder for files of steps: " + root + ": " + error.message());
    return fs::canonical(root).string();
}

bool is_in(const std::string& root, const std::string& path) {
    return fs::path{path}.parent_path() == root && check_name(fs::path{path}.filename().string());
}

std::size_t sweep_root(const std::string& root, const std::vector<std::string>& keep) {
    std::size_t removed = 0;
    std::error_code error;
    for (const fs::directory_entry& left : fs::directory_iterator{root, error}) {
        if (std::ranges::find(keep, left.path().string()) != keep.end()) continue;
        // Of an agent that was killed: its program is dead. Where there is none, this does nothing.
        ::umount2((left.path() / kMountedFolder).c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
        fs::remove_all(left.path(), error);
        ++removed;
    }
    return removed;
}

Result<void> open_to_all(const std::string& path) {
    if (::chmod(path.c_str(), kOpenFolder) != 0) return system_error("opening " + path, errno);
    return {};
}

Result<std::unique_ptr<ports::Volume>> folder_volume(Runtime* runtime, VolumePlace place) {
    Descriptor folder{::open(place.path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!folder.is_open()) return system_error("opening the volume " + place.path, errno);
    return std::unique_ptr<ports::Volume>{std::make_unique<FolderVolume>(runtime, std::move(place), std::move(folder))};
}

}  // namespace vcity::adapters::volume
