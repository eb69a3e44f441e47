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

    // Of the volume with that path; null: there is none.
    FakeFiles* files_at(const std::string& path);
    std::size_t alive() const { return volumes_->size(); }
    void set_full(bool is_full) { is_full_ = is_full; }

  private:
    friend class FakeVolume;
    using Table = std::map<std::string, FakeFiles>;

    std::shared_ptr<Table> volumes_ = std::make_shared<Table>();
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
