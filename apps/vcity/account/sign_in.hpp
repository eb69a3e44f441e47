// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "codec/json.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::cli {

// A session with a gateway, as the file keeps it. The token is a secret.
struct SavedSession {
    std::string gateway;  // its URL
    std::string address;
    std::string token;
    std::uint64_t expires_at = 0;  // unix seconds
};

// $XDG_STATE_HOME/vcity/session.json, mode 0600.
std::string session_path();
codec::Json to_json(const SavedSession& session);
Result<SavedSession> parse_session(std::string_view text);
// Mode 0600; its folder is made where it is missing.
Result<void> save_session(const std::string& path, const SavedSession& session);
// None is left; that there was none is no failure.
Result<void> forget_session(const std::string& path);
// kDenied: there is none for this gateway, or its time has passed.
Result<SavedSession> find_session(const std::string& path, const std::string& gateway, std::uint64_t now_unix_seconds);

// The message that a key signs to sign in (EIP-4361), from the answer of GET /api/v1/siwe/nonce. kDenied when the
// gateway names another host than the one asked: a signature for that one could be used there.
Result<std::string> sign_in_message(const codec::Json& challenge,
                                    const std::string& gateway,
                                    const Address& address,
                                    std::uint64_t now_unix_seconds);
// {"message", "signature"}.
codec::Json signed_message(const std::string& message, const crypto::PrivateKey& key);

}  // namespace vcity::cli
