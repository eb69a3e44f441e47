// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>

#include "async/runtime.hpp"
#include "ports/http.hpp"
#include "ports/transfer.hpp"

namespace vcity::adapters {

struct HttpTransferOptions {
    std::size_t redirects_max = 4;
    // A server that is silent for so long is asked again.
    Duration patience = std::chrono::seconds{30};
    // Between attempts; doubles, and starts anew when one has brought something.
    Duration pause_min = std::chrono::milliseconds{250};
    Duration pause_max = std::chrono::seconds{10};
};

// Files by GET with Range, and by HEAD and PUT. Holds a piece of one at a time. Which addresses may be reached is for
// the client to enforce, see AddressGuard and HttpClientOptions::may_connect: every redirect passes there, too.
class HttpTransfer final : public ports::Transfer {
  public:
    HttpTransfer(Runtime* runtime, ports::HttpClient* client, HttpTransferOptions options = {})
        : runtime_{runtime}, client_{client}, options_{options} {}

    Task<Result<void>> fetch(ports::RemoteFile file, ports::FileSink* sink, TimePoint deadline) override;
    Task<Result<void>> put(ports::RemoteFile file, ports::FileSource* source, TimePoint deadline) override;

  private:
    struct Download;

    // One attempt; what came is in the sink and in the download.
    Task<Result<void>> get_rest(Download* download, TimePoint deadline);
    Task<Result<void>> read_rest(Download* download, ports::HttpStream* stream, std::uint64_t skip, TimePoint deadline);
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(std::string url, std::uint64_t from, TimePoint deadline);
    Task<Result<void>> put_once(ports::RemoteFile file, ports::FileSource* source, TimePoint deadline);
    TimePoint silence_until(TimePoint deadline) const;

    Runtime* runtime_;
    ports::HttpClient* client_;
    HttpTransferOptions options_;
};

}  // namespace vcity::adapters
