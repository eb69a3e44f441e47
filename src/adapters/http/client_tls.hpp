// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "async/task.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

// What the clients of this adapter share. Inside this adapter only.
namespace vcity::adapters {

class ClientTls {
  public:
    boost::asio::ssl::context context{boost::asio::ssl::context::tls_client};
};

// kUnavailable, or kTimeout at the deadline.
Task<Result<boost::asio::ip::tcp::resolver::results_type>> resolve_name(std::string host,
                                                                        std::uint16_t port,
                                                                        TimePoint deadline);

}  // namespace vcity::adapters
