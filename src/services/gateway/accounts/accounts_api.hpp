// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "services/gateway/accounts/caller.hpp"
#include "services/gateway/accounts/nonce_book.hpp"
#include "services/gateway/accounts/session_book.hpp"
#include "services/gateway/exchange.hpp"
#include "services/gateway/platform/explorer_link.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kKeyPath = "/api/v1/keys/";

// Wallets and what they own here (docs/api/accounts.md): signing in, the account, its spending caps and API keys.
class AccountsApi {
  public:
    struct Deps {
        const Shared* shared = nullptr;
        SessionBook* sessions = nullptr;
        ports::HttpClient* http = nullptr;  // for the indexer; null: no balances
        Hash nonce_secret;                  // drawn at every start
    };
    explicit AccountsApi(const Deps& deps);

    // GET /api/v1/siwe/nonce, POST /api/v1/siwe/sessions.
    Task<ApiResult<ports::HttpResponse>> sign_in(Exchange* exchange);
    // All other routes of Route::kAccounts.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, Caller caller);

  private:
    using Response = ApiResult<ports::HttpResponse>;

    Response nonce();
    Task<Response> open_session(Exchange* exchange);
    // The address that signed, once everything about the message holds. Spends its nonce.
    ApiResult<Address> check_message(const std::string& message, const std::string& signature);
    Task<Response> sign_out(Caller caller);
    Task<Response> account(Caller caller);
    Task<codec::Json> balance(Address account);
    ApiResult<Address> scheduler_of_cap(const Exchange& exchange) const;
    Response cap_terms(const Exchange& exchange, const Caller& caller) const;
    Response list_keys(const Exchange& exchange, const Caller& caller) const;
    Task<Response> create_key(Exchange* exchange, Caller caller);
    Task<Response> one_key(Exchange* exchange, Caller caller);
    Task<Response> change_key(Exchange* exchange, KeyRecord key);
    ApiResult<codec::Json> read_body(const Exchange& exchange) const;
    ApiResult<SignedCap> read_cap(const codec::Json& body, const Address& account) const;
    std::uint64_t now_seconds() const;

    const Shared* shared_;
    SessionBook* sessions_;
    NonceBook nonces_;
    ExplorerLink explorer_;
    std::string domain_;  // of public_url: host, and port if it is not the scheme's; empty: nobody can sign in
    RateLimiter rates_{10'000};
};

}  // namespace vcity::gateway
