// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "ports/transfer.hpp"
#include "ports/volume.hpp"

namespace vcity::sim {

using FakeFiles = std::map<std::string, Bytes>;  // by name

// Volumes in memory. Their path is a word that a FakeSandbox with these volumes understands.
class FakeVolumes final : public ports::Volumes {
  public:
    Task<Result<std::unique_ptr<ports::Volume>>> make(std::string name, std::uint64_t bytes_max) override;
    Task<Result<std::unique_ptr<ports::Volume>>> adopt(std::string path) override;
    Task<Result<std::size_t>> sweep(std::vector<std::string> keep) override;

    // As when the agent's process is killed: what it holds now is gone, what the volumes hold stays.
    void lose_agent() { ++state_->agent; }
    // Of the volume with that path; null: there is none.
    FakeFiles* files_at(const std::string& path);
    std::size_t alive() const { return state_->volumes.size(); }
    void set_full(bool is_full) { is_full_ = is_full; }

  private:
    friend class FakeVolume;
    struct State {
        std::map<std::string, FakeFiles> volumes;
        std::map<std::string, std::uint64_t> sizes;
        std::uint64_t agent = 0;  // counts them
    };

    std::shared_ptr<State> state_ = std::make_shared<State>();
    std::uint64_t made_ = 0;
    bool is_full_ = false;
};

// What a gateway keeps, by url.
struct FakeFileServer {
    std::map<std::string, Bytes> files;
    bool is_down = false;
    std::uint64_t puts = 0;
};

class FakeTransfer final : public ports::Transfer {
  public:
    explicit FakeTransfer(FakeFileServer* server) : server_{server} {}

    Task<Result<void>> fetch(ports::RemoteFile file, ports::FileSink* sink, TimePoint deadline) override;
    Task<Result<void>> put(ports::RemoteFile file, ports::FileSource* source, TimePoint deadline) override;

  private:
    FakeFileServer* server_;
};

}  // namespace vcity::sim
