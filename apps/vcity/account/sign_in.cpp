// SPDX-License-Identifier: Apache-2.0
#include "account/sign_in.hpp"

#include <filesystem>

#include <fmt/core.h>

#include "cli/settings.hpp"
#include "codec/hex.hpp"
#include "codec/url.hpp"
#include "services/gateway/accounts/siwe_message.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

std::string text_at(const Json& json, const char* name) {
    const Json* member = json.find(name);
    return member == nullptr || member->get_string() == nullptr ? std::string{} : *member->get_string();
}

Error not_signed_in() {
    return make_error(Errc::kDenied, "not signed in to this gateway: run `vcity account login`");
}

// What goes into a line of its own must not begin another one.
bool is_one_line(std::string_view text) {
    return text.find_first_of("\r\n") == std::string_view::npos;
}

}  // namespace

std::string session_path() {
    return default_state_path() + "/session.json";
}

Json to_json(const SavedSession& session) {
    return codec::JsonObject{{"gateway", session.gateway},
                             {"address", session.address},
                             {"token", session.token},
                             {"expires_at", session.expires_at}};
}

Result<SavedSession> parse_session(std::string_view text) {
    TRY(const Json json, codec::parse_json(text, {.bytes_max = 4096, .depth_max = 4, .values_max = 32}));
    SavedSession session{
        .gateway = text_at(json, "gateway"), .address = text_at(json, "address"), .token = text_at(json, "token")};
    const Json* expires = json.find("expires_at");
    if (session.token.empty() || expires == nullptr || !expires->get_u64(&session.expires_at)) {
        return make_error(Errc::kCorrupt, "the file of the session is damaged; run `vcity account login`");
    }
    return session;
}

Result<void> save_session(const std::string& path, const SavedSession& session) {
    namespace fs = std::filesystem;
    std::error_code error;
    fs::create_directories(fs::path{path}.parent_path(), error);
    if (error) return make_error(Errc::kDenied, "cannot make the folder of " + path + ": " + error.message());
    return write_file(path, codec::dump_json(to_json(session)) + "\n", 0600);
}

Result<void> forget_session(const std::string& path) {
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) return make_error(Errc::kDenied, "cannot remove " + path + ": " + error.message());
    return {};
}

Result<SavedSession> find_session(const std::string& path, const std::string& gateway, std::uint64_t now_unix_seconds) {
    if (!exists(path)) return not_signed_in();
    TRY(const std::string text, read_file(path, 4096));
    TRY(SavedSession session, parse_session(text));
    if (session.gateway != gateway || session.expires_at <= now_unix_seconds) return not_signed_in();
    return session;
}

Result<std::string> sign_in_message(const Json& challenge,
                                    const std::string& gateway,
                                    const Address& address,
                                    std::uint64_t now_unix_seconds) {
    TRY(const codec::Url asked, codec::parse_url(gateway));
    const std::string domain = text_at(challenge, "domain");
    if (domain != asked.authority()) {
        return make_error(Errc::kDenied, fmt::format("{} asks for a signature for '{}'; set the gateway to the address "
                                                     "that it calls itself",
                                                     gateway, domain));
    }
    const std::string uri = text_at(challenge, "uri");
    TRY(const codec::Url named, codec::parse_url(uri));
    if (named.authority() != domain) return make_error(Errc::kDenied, "the gateway's uri is of another host: " + uri);
    const std::string statement = text_at(challenge, "statement");
    const std::string nonce = text_at(challenge, "nonce");
    std::uint64_t chain_id = 0;
    const Json* chain = challenge.find("chain_id");
    if (chain == nullptr || !chain->get_u64(&chain_id) || nonce.empty() || !is_one_line(statement + nonce)) {
        return make_error(Errc::kCorrupt, "the gateway's answer is no challenge to sign in");
    }
    return fmt::format(
        "{} wants you to sign in with your Ethereum account:\n{}\n\n{}\n\nURI: {}\nVersion: 1\nChain ID: {}\n"
        "Nonce: {}\nIssued At: {}",
        domain, crypto::to_checksum_address(address), statement, uri, chain_id, nonce,
        gateway::to_rfc3339(now_unix_seconds));
}

Json signed_message(const std::string& message, const crypto::PrivateKey& key) {
    return codec::JsonObject{{"message", message},
                             {"signature", codec::to_hex(key.sign(gateway::personal_message_hash(message)))}};
}

}  // namespace vcity::cli
