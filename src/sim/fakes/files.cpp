// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/files.hpp"

#include <algorithm>

#include "crypto/sha256.hpp"

namespace vcity::sim {
namespace {

class MemorySource final : public ports::FileSource {
  public:
    explicit MemorySource(Bytes bytes) : bytes_{std::move(bytes)} {}
    std::uint64_t size() const override { return bytes_.size(); }
    Task<Result<Bytes>> read(std::uint64_t offset, std::size_t max) override {
        const auto from = static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes_.size()));
        const ByteView part = ByteView{bytes_}.subspan(from, std::min(max, bytes_.size() - from));
        co_return Bytes{part.begin(), part.end()};
    }

  private:
    Bytes bytes_;
};

}  // namespace

class FakeVolume final : public ports::Volume {
  public:
    FakeVolume(std::shared_ptr<FakeVolumes::State> state, std::string path)
        : state_{std::move(state)}, path_{std::move(path)}, agent_{state_->agent} {}
    FakeVolume(const FakeVolume&) = delete;
    FakeVolume& operator=(const FakeVolume&) = delete;
    ~FakeVolume() override {
        if (agent_ == state_->agent) state_->volumes.erase(path_);
    }

    const std::string& path() const override { return path_; }
    Task<Result<void>> make_folder(std::string /*name*/) override { co_return Result<void>{}; }
    Task<Result<std::unique_ptr<ports::FileSink>>> create(std::string name) override {
        std::unique_ptr<ports::FileSink> sink = std::make_unique<Sink>(this, std::move(name));
        co_return sink;
    }
    Task<Result<std::unique_ptr<ports::FileSource>>> open(std::string name) override {
        const auto found = files().find(name);
        if (found == files().end()) co_return make_error(Errc::kNotFound, name);
        std::unique_ptr<ports::FileSource> source = std::make_unique<MemorySource>(found->second);
        co_return source;
    }
    Task<Result<std::vector<ports::VolumeFile>>> list(std::string folder,
                                                      std::size_t count_max,
                                                      std::size_t depth_max) override {
        std::vector<ports::VolumeFile> found;
        for (const auto& [name, content] : files()) {
            if (!name.starts_with(folder + "/")) continue;
            const std::string inside = name.substr(folder.size() + 1);
            const auto parts = static_cast<std::size_t>(std::ranges::count(inside, '/')) + 1;
            if (found.size() >= count_max || parts > depth_max)
                co_return make_error(Errc::kExhausted, "too many files");
            found.push_back({inside, content.size()});
        }
        co_return found;
    }
    Task<Result<std::uint64_t>> used() override { co_return bytes_used(); }

  private:
    class Sink final : public ports::FileSink {
      public:
        Sink(FakeVolume* volume, std::string name) : volume_{volume}, name_{std::move(name)} {}
        Task<Result<void>> write(Bytes bytes) override {
            append(&content_, bytes);
            const bool fits = volume_->bytes_used() + content_.size() <= volume_->bytes_max();
            co_return fits ? Result<void>{} : make_error(Errc::kExhausted, "the volume is full");
        }
        Task<Result<void>> close() override {
            volume_->files()[name_] = content_;
            co_return Result<void>{};
        }

      private:
        FakeVolume* volume_;
        std::string name_;
        Bytes content_;
    };

    FakeFiles& files() const { return state_->volumes.at(path_); }
    std::uint64_t bytes_max() const { return state_->sizes.at(path_); }
    std::uint64_t bytes_used() const {
        std::uint64_t bytes = 0;
        for (const auto& [name, content] : files()) bytes += content.size();
        return bytes;
    }

    std::shared_ptr<FakeVolumes::State> state_;
    std::string path_;
    std::uint64_t agent_;
};

Task<Result<std::unique_ptr<ports::Volume>>> FakeVolumes::make(std::string name, std::uint64_t bytes_max) {
    if (is_full_) co_return make_error(Errc::kExhausted, "the disk is full");
    std::string path = "volume:" + name + ":" + std::to_string(made_++);
    state_->volumes.emplace(path, FakeFiles{});
    state_->sizes[path] = bytes_max;
    std::unique_ptr<ports::Volume> volume = std::make_unique<FakeVolume>(state_, std::move(path));
    co_return volume;
}

Task<Result<std::unique_ptr<ports::Volume>>> FakeVolumes::adopt(std::string path) {
    if (!state_->volumes.contains(path)) co_return make_error(Errc::kNotFound, "no such volume: " + path);
    std::unique_ptr<ports::Volume> volume = std::make_unique<FakeVolume>(state_, std::move(path));
    co_return volume;
}

Task<Result<std::size_t>> FakeVolumes::sweep(std::vector<std::string> keep) {
    co_return std::erase_if(state_->volumes,
                            [&](const auto& entry) { return std::ranges::find(keep, entry.first) == keep.end(); });
}

FakeFiles* FakeVolumes::files_at(const std::string& path) {
    const auto found = state_->volumes.find(path);
    return found == state_->volumes.end() ? nullptr : &found->second;
}

Task<Result<void>> FakeTransfer::fetch(ports::RemoteFile file, ports::FileSink* sink, TimePoint /*deadline*/) {
    if (server_->is_down) co_return make_error(Errc::kUnavailable, "the server is down");
    const auto found = server_->files.find(file.url);
    if (found == server_->files.end()) co_return make_error(Errc::kNotFound, "no such file");
    const bool is_right = crypto::sha256(found->second) == file.sha256 && found->second.size() == file.bytes;
    if (!is_right) co_return make_error(Errc::kCorrupt, "other bytes than the hash says");
    CO_TRY_OK(co_await sink->write(found->second));
    co_return co_await sink->close();
}

Task<Result<void>> FakeTransfer::put(ports::RemoteFile file, ports::FileSource* source, TimePoint /*deadline*/) {
    if (server_->is_down) co_return make_error(Errc::kUnavailable, "the server is down");
    Bytes content;
    while (true) {
        CO_TRY(const Bytes part, co_await source->read(content.size(), 64U << 10U));
        if (part.empty()) break;
        append(&content, part);
    }
    if (crypto::sha256(content) != file.sha256) co_return make_error(Errc::kCorrupt, "the file has changed");
    server_->files[file.url] = std::move(content);
    ++server_->puts;
    co_return Result<void>{};
}

}  // namespace vcity::sim
