// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "adapters/http/client.hpp"
#include "async/task.hpp"
#include "codec/url.hpp"
#include "ports/http.hpp"

namespace vcity::adapters {

// Authorities in memory; shared by all connections of a client.
class ClientTls;
Result<std::shared_ptr<ClientTls>> load_client_authorities(const std::string& authorities_file);

// One connection to a server, over TCP or TLS, for one request after the other; hides Beast. One call at a time; after
// an error it is of no more use. Inside this adapter only.
class ClientConnection {
  public:
    virtual ~ClientConnection() = default;
    virtual Task<Result<void>> connect(codec::Url url, TimePoint deadline) = 0;
    // The whole request as it goes onto the wire.
    virtual Task<Result<void>> send(std::string request, TimePoint deadline) = 0;
    // The final answer's head; 1xx are skipped. An answer to HEAD has no body.
    virtual Task<Result<ports::HttpResponse>> read_head(bool is_head, TimePoint deadline) = 0;
    // The next piece of the body, at most 16 KiB; empty at its end.
    virtual Task<Result<std::string>> read_body(TimePoint deadline) = 0;
    // The answer was read to its end and the server keeps the connection.
    virtual bool is_reusable() const = 0;
    // A kept connection on which nothing has arrived meanwhile, not even its end.
    virtual bool is_quiet() = 0;
    // Nothing at all has arrived since send().
    virtual bool is_unanswered() const = 0;
    // Some of an answer has arrived, or the end of the connection. Over TLS nobody can tell without reading: false.
    virtual bool has_answer() = 0;
    // It is not reusable after this answer, whatever the server says.
    virtual void expect_no_more() = 0;
};

std::unique_ptr<ClientConnection> make_connection(const boost::asio::any_io_executor& executor,
                                                  bool is_secure,
                                                  const std::shared_ptr<ClientTls>& tls,
                                                  const HttpClientOptions& options);

}  // namespace vcity::adapters
