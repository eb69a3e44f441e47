// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vcity::adapters {

// Whether the text is an IPv4 or IPv6 address of the public internet. Not public: anything that IANA's registries of
// special-purpose addresses name (RFC 6890 and its successors): private, shared, loopback, link-local (cloud metadata
// among it), multicast, reserved, documentation; nor an IPv6 address with an IPv4 address inside.
bool is_public_address(std::string_view text);

// Where a program may connect that follows the URLs of strangers: to public addresses by https, and to the servers that
// its operator has named.
class AddressGuard {
  public:
    // Origins such as "http://127.0.0.1:8080" or "https://files.example"; a path after them does not matter. kInvalid:
    // not http or https.
    static Result<AddressGuard> make(const std::vector<std::string>& origins);

    // server: "https://host" or "https://host:port", without the port of its scheme; address: what its name stands for.
    bool allows(const std::string& server, const std::string& address) const;

  private:
    std::vector<std::string> servers_;
};

}  // namespace vcity::adapters
