// SPDX-License-Identifier: Apache-2.0
#include "adapters/volume_folder/crypt_volumes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/volume_folder/crypt_mount.hpp"
#include "adapters/volume_folder/folder_volume.hpp"
#include "base/secret.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSaltBytes = 16;
constexpr Duration kMountPatience = 20s;
constexpr Duration kLookEvery = 3ms;
constexpr std::uint64_t kTrialBytes = 1U << 20U;
constexpr mode_t kOwnFolder = 0700;
constexpr mode_t kReadOnly = 0400;

Result<std::string> find_program(const std::string& name) {
    for (const char* folder : {"/usr/bin/", "/bin/", "/usr/local/bin/", "/usr/sbin/", "/sbin/"}) {
        if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
    }
    return make_error(Errc::kUnavailable, name + " is not installed");
}

// What names in the outermost folder are encrypted with, beside the key; gocryptfs looks for it under this name.
Result<void> write_salt(Runtime* runtime, const std::string& cipher) {
    std::array<std::uint8_t, kSaltBytes> salt{};
    runtime->random_bytes(salt);
    const std::string path = cipher + "/gocryptfs.diriv";
    const volume::Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kReadOnly)};
    if (!file.is_open() || ::write(file.get(), salt.data(), salt.size()) != static_cast<ssize_t>(salt.size())) {
        return volume::system_error("writing " + path, errno);
    }
    return {};
}

SecretBytes draw_key(Runtime* runtime) {
    Bytes key(kKeyBytes);
    runtime->random_bytes(key);
    return SecretBytes{std::move(key)};
}

// gocryptfs over two new folders, with a key of its own.
Result<volume::CryptMount> start(Runtime* runtime,
                                 const std::string& program,
                                 const std::string& cipher,
                                 const std::string& files) {
    for (const std::string& one : {cipher, files}) {
        if (::mkdir(one.c_str(), kOwnFolder) != 0) return volume::system_error("making " + one, errno);
    }
    TRY_OK(write_salt(runtime, cipher));
    return volume::CryptMount::start(program, cipher, files, draw_key(runtime).reveal());
}

Result<std::unique_ptr<ports::Volume>> open_mount(Runtime* runtime, volume::VolumePlace place) {
    // Until somebody asks, the kernel takes the mount for one of user 0, who is nobody in a namespace of ours, and
    // refuses to change it.
    struct stat status{};
    if (::stat(place.path.c_str(), &status) != 0) return volume::system_error("opening " + place.path, errno);
    TRY_OK(volume::open_to_all(place.path));
    return volume::folder_volume(runtime, std::move(place));
}

void remove_folder(const std::string& path) {
    std::error_code ignored;
    fs::remove_all(path, ignored);
}

}  // namespace

Result<void> CryptVolumes::find_programs() {
    TRY_OK(find_program("gocryptfs"));
    TRY_OK(find_program("fusermount"));
    if (::access("/dev/fuse", R_OK | W_OK) != 0) return make_error(Errc::kUnavailable, "/dev/fuse cannot be used");
    return {};
}

Result<std::unique_ptr<CryptVolumes>> CryptVolumes::make_at(Runtime* runtime, std::string root) {
    TRY_OK(find_programs());
    TRY(std::string program, find_program("gocryptfs"));
    TRY(std::string path, volume::make_root(root));
    return std::unique_ptr<CryptVolumes>{new CryptVolumes{runtime, std::move(path), std::move(program)}};
}

Task<Result<std::unique_ptr<ports::Volume>>> CryptVolumes::make(std::string name, std::uint64_t bytes_max) {
    CO_TRY(const std::string folder, volume::new_folder(runtime_, root_, name, bytes_max));
    const std::string cipher = folder + "/cipher";
    const std::string files = folder + "/" + volume::kMountedFolder;
    auto started = start(runtime_, program_, cipher, files);
    if (!started) {
        remove_folder(folder);
        co_return started.error();
    }
    const auto mount = std::make_shared<const volume::CryptMount>(*std::move(started));
    const std::function<void()> remove = [mount, folder] {
        mount->end();
        remove_folder(folder);
    };
    const TimePoint deadline = runtime_->now() + kMountPatience;
    std::string trouble;
    while (trouble.empty() && !mount->is_ready()) {
        trouble = runtime_->now() < deadline ? mount->last_words() : "gocryptfs does not mount in time";
        if (!trouble.empty()) break;
        co_await runtime_->sleep_until(std::min(deadline, runtime_->now() + kLookEvery));
    }
    Result<std::unique_ptr<ports::Volume>> volume = make_error(Errc::kUnavailable, "encrypted volume: " + trouble);
    if (trouble.empty()) {
        const std::function<void()> open = [this, &volume, &files, &cipher, &remove] {
            volume = open_mount(runtime_, {files, cipher, remove});
        };
        co_await runtime_->compute(open);
    }
    if (volume) co_return volume;
    co_await runtime_->compute(remove);
    co_return volume;
}

Task<Result<std::unique_ptr<ports::Volume>>> CryptVolumes::adopt(std::string path) {
    co_return make_error(Errc::kNotFound, "encrypted volumes end with their agent: " + path);
}

Task<Result<std::size_t>> CryptVolumes::sweep(std::vector<std::string> /*keep*/) {
    co_return volume::sweep_root(root_, {});
}

Task<Result<void>> try_volumes(Runtime* runtime, ports::Volumes* volumes) {
    Bytes sent(kKeyBytes);
    runtime->random_bytes(sent);
    CO_TRY(const std::unique_ptr<ports::Volume> volume, co_await volumes->make("trial", kTrialBytes));
    CO_TRY(const std::unique_ptr<ports::FileSink> sink, co_await volume->create("folder/file"));
    Bytes written = sent;
    CO_TRY_OK(co_await sink->write(std::move(written)));
    CO_TRY_OK(co_await sink->close());
    CO_TRY(const std::unique_ptr<ports::FileSource> source, co_await volume->open("folder/file"));
    CO_TRY(const Bytes read, co_await source->read(0, sent.size() + 1));
    if (read != sent) co_return make_error(Errc::kUnavailable, "a file came back different");
    co_return Result<void>{};
}

}  // namespace vcity::adapters
