// SPDX-License-Identifier: Apache-2.0
#include "wiring/http_client.hpp"

#include "adapters/http/client.hpp"
#include "base/check.hpp"

namespace vcity::wiring {

std::unique_ptr<ports::HttpClient> make_http_client(Runtime* runtime) {
    auto client = adapters::BeastHttpClient::make(runtime, {});
    // Only a named file of authorities can be bad, and none is named.
    CHECK(client.has_value());
    return *std::move(client);
}

}  // namespace vcity::wiring
