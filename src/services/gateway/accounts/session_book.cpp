// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/accounts/session_book.hpp"

#include <algorithm>
#include <utility>

#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "services/gateway/keys/api_key.hpp"

namespace vcity::gateway {
namespace {

constexpr std::size_t kScanPage = 256;
constexpr std::string_view kStorePrefix = "gateway/session/";

std::string store_key(const Hash& digest) {
    return std::string{kStorePrefix} + codec::to_hex(digest).substr(2);
}

codec::Json to_json(const Session& session) {
    return codec::JsonObject{
        {"digest", codec::to_hex(session.digest)},
        {"account", codec::to_hex(session.account)},
        {"created", session.created_unix_seconds},
        {"expires", session.expires_unix_seconds},
    };
}

Result<Session> parse_session(std::string_view text) {
    TRY(const codec::Json json, codec::parse_json(text));
    const codec::Json* digest = json.find("digest");
    const codec::Json* account = json.find("account");
    const codec::Json* created = json.find("created");
    const codec::Json* expires = json.find("expires");
    Session session;
    const bool is_whole = digest != nullptr && digest->is_string() && account != nullptr && account->is_string() &&
                          created != nullptr && created->get_u64(&session.created_unix_seconds) && expires != nullptr &&
                          expires->get_u64(&session.expires_unix_seconds);
    if (!is_whole) return make_error(Errc::kCorrupt, "a session in the store is not whole");
    TRY(session.digest, codec::parse_fixed<Hash>(*digest->get_string()));
    TRY(session.account, codec::parse_fixed<Address>(*account->get_string()));
    return session;
}

ApiError no_session(ErrorCode code, std::string message) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    return error;
}

}  // namespace

std::uint64_t SessionBook::now_seconds() const {
    return runtime_->unix_now().count() / 1000;
}

bool SessionBook::has_expired(const Session& session) const {
    return session.expires_unix_seconds <= now_seconds();
}

Task<Result<void>> SessionBook::load() {
    const std::string prefix{kStorePrefix};
    std::string after;
    ports::StoreChange change;
    std::vector<Session> found;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store_->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            CO_TRY(const Session session, parse_session(as_text(entry.value)));
            if (has_expired(session)) {
                change.deletes.push_back(entry.key);
            } else {
                found.push_back(session);
            }
        }
        if (page.size() < kScanPage) break;
        after = page.back().key;
    }
    std::ranges::sort(found, {}, &Session::created_unix_seconds);
    for (const Session& session : found) add(session);
    if (!change.deletes.empty()) {
        CO_TRY_OK(co_await store_->commit(std::move(change)));
    }
    co_return Result<void>{};
}

void SessionBook::add(const Session& session) {
    sessions_[session.digest] = session;
    of_account_[session.account].push_back(session.digest);
    order_.push_back(session.digest);
}

void SessionBook::remove(const Hash& digest, std::vector<std::string>* deletes) {
    const auto found = sessions_.find(digest);
    if (found == sessions_.end()) return;
    const auto theirs = of_account_.find(found->second.account);
    std::erase(theirs->second, digest);
    if (theirs->second.empty()) of_account_.erase(theirs);
    sessions_.erase(found);
    deletes->push_back(store_key(digest));
}

void SessionBook::make_room(const Address& account, std::vector<std::string>* deletes) {
    while (!order_.empty()) {
        const auto oldest = sessions_.find(order_.front());
        if (oldest != sessions_.end() && !has_expired(oldest->second)) break;
        const Hash digest = order_.front();
        order_.pop_front();
        remove(digest, deletes);
    }
    const auto theirs = of_account_.find(account);
    if (theirs == of_account_.end() || theirs->second.size() < options_.per_account_max) return;
    const Hash digest = theirs->second.front();
    remove(digest, deletes);
}

Task<Result<NewSession>> SessionBook::open(Address account) {
    ports::StoreChange change;
    make_room(account, &change.deletes);
    if (sessions_.size() >= options_.sessions_max) {
        co_return make_error(Errc::kExhausted, "there are as many sessions as there may be");
    }
    KeyEntropy entropy{};
    runtime_->random_bytes(entropy);
    NewSession created;
    created.token = make_token(kSessionPrefix, entropy);
    created.session = {.digest = api_key_digest(pepper_.view(), created.token),
                       .account = account,
                       .created_unix_seconds = now_seconds(),
                       .expires_unix_seconds = now_seconds() + options_.seconds};
    const std::string text = codec::dump_json(to_json(created.session));
    change.puts.push_back({store_key(created.session.digest), Bytes(text.begin(), text.end())});
    CO_TRY_OK(co_await store_->commit(std::move(change)));
    add(created.session);
    co_return created;
}

Task<Result<void>> SessionBook::close(Hash digest) {
    ports::StoreChange change;
    remove(digest, &change.deletes);
    co_return co_await store_->commit(std::move(change));
}

ApiResult<Session> SessionBook::find(std::string_view token) const {
    if (!is_well_formed_token(kSessionPrefix, token)) {
        return no_session(ErrorCode::kInvalidSession, "the session token is not valid");
    }
    // The look-up compares digests under a secret pepper, so its timing tells nothing about other tokens.
    const auto found = sessions_.find(api_key_digest(pepper_.view(), token));
    if (found == sessions_.end()) {
        return no_session(ErrorCode::kInvalidSession, "the session is unknown or was ended: sign in again");
    }
    if (has_expired(found->second)) {
        return no_session(ErrorCode::kExpiredSession, "the session has expired: sign in again");
    }
    return found->second;
}

}  // namespace vcity::gateway
