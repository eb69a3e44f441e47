// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/channel.hpp"
#include "ports/link.hpp"

namespace vcity::scheduler {

// The shard that a link's path names; nullopt for a path that names none.
std::optional<Address> shard_of_path(std::string_view path);
std::string path_of_shard(const Address& shard);

// The links of one shard, out of those that its process accepts.
class ShardListener final : public ports::LinkListener {
  public:
    explicit ShardListener(Runtime* runtime) : waiting_{runtime, kWaitingMax} {}

    // False when the shard has ended or is too slow: the connection is closed then.
    bool offer(std::unique_ptr<ports::Connection> connection) { return waiting_.try_send(std::move(connection)); }
    Task<Result<std::unique_ptr<ports::Connection>>> accept() override { return waiting_.receive(TimePoint::max()); }
    void close() override { waiting_.close(); }

  private:
    static constexpr std::size_t kWaitingMax = 256;

    Channel<std::unique_ptr<ports::Connection>> waiting_;
};

}  // namespace vcity::scheduler
