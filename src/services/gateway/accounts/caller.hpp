// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "services/gateway/keys/key_record.hpp"

namespace vcity::gateway {

// Who sent a request to a route for accounts: a wallet's session, or an API key, which belongs to the client of its
// spending cap.
struct Caller {
    Address account;
    std::optional<KeyRecord> key;  // none: a session, which may see and manage everything of its account
    Hash session = {};             // its digest

    bool is_session() const { return !key.has_value(); }
};

}  // namespace vcity::gateway
