// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "services/gateway/accounts/siwe_message.hpp"
#include "services/gateway/gateway_fixture.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway::test {
namespace {

constexpr std::string_view kUrl = "https://gw.example:8443";

class AccountsApiTest : public GatewayFixture<sim::SimRuntime> {
  public:
    AccountsApiTest() {
        shut_down();
        GatewayOptions options;
        options.public_url = kUrl;
        boot(std::move(options));
    }

    static codec::Json json_of(const RecordingResponder& answer) {
        Result<codec::Json> json = codec::parse_json(answer.body());
        EXPECT_TRUE(json.has_value()) << answer.body();
        return json ? *std::move(json) : codec::Json{};
    }
    static std::string text_of(const codec::Json& json, std::string_view name) {
        const codec::Json* value = json.find(name);
        return value != nullptr && value->get_string() != nullptr ? *value->get_string() : std::string{};
    }

    std::string nonce() { return text_of(json_of(*send("GET", "/api/v1/siwe/nonce", "", "")), "nonce"); }
    std::string message(const crypto::PrivateKey& who, const std::string& with_nonce) const {
        return "gw.example:8443 wants you to sign in with your Ethereum account:\n" +
               crypto::to_checksum_address(who.address()) + "\n\nHello.\n\nURI: " + std::string{kUrl} +
               "\nVersion: 1\nChain ID: 31337\nNonce: " + with_nonce +
               "\nIssued At: " + to_rfc3339(world.unix_now().count() / 1000);
    }
    std::shared_ptr<RecordingResponder> sign_in_with(const crypto::PrivateKey& who, const std::string& text) {
        const std::string signature = codec::to_hex(who.sign(personal_message_hash(text)));
        const codec::Json body = codec::JsonObject{{"message", text}, {"signature", signature}};
        return send("POST", "/api/v1/siwe/sessions", codec::dump_json(body), "");
    }
    std::string sign_in(const crypto::PrivateKey& who) {
        const auto answer = sign_in_with(who, message(who, nonce()));
        EXPECT_EQ(answer->head.status, 201U) << answer->body();
        return text_of(json_of(*answer), "token");
    }
    // A cap of the wallet, by the terms that the gateway gives, and the fields of a key on it.
    std::string key_body(const crypto::PrivateKey& who, const std::string& session, const std::string& fields = {}) {
        const codec::Json terms = json_of(*send("GET", "/api/v1/cap/terms", "", session));
        codec::Json text = *terms.find("message");
        std::uint64_t expiry = 0;
        terms.find("expiry_suggested")->get_u64(&expiry);
        text.set("limit", "25000000").set("expiry", expiry);
        const SpendingCap cap = *parse_cap_message(text);
        codec::Json body =
            codec::JsonObject{{"name", "web"},
                              {"cap", text},
                              {"cap_signature", codec::to_hex(who.sign(market::cap_digest(a_deployment(), cap)))}};
        std::string dumped = codec::dump_json(body);
        if (!fields.empty()) dumped.insert(dumped.size() - 1, "," + fields);
        return dumped;
    }

    crypto::PrivateKey wallet = a_private_key(13);  // whose cap the fixture's key is on
    crypto::PrivateKey stranger = a_private_key(31);
};

TEST_F(AccountsApiTest, AWalletSignsInAndOut) {
    const auto asked = send("GET", "/api/v1/siwe/nonce", "", "");
    EXPECT_EQ(text_of(json_of(*asked), "domain"), "gw.example:8443");
    EXPECT_EQ(asked->head.headers.get("cache-control"), "no-store");
    const std::string session = sign_in(wallet);
    EXPECT_TRUE(session.starts_with("vs-vcity-"));

    const codec::Json account = json_of(*send("GET", "/api/v1/account", "", session));
    EXPECT_EQ(text_of(account, "address"), crypto::to_checksum_address(wallet.address()));
    EXPECT_EQ(account.find("caps")->get_array()->size(), 1U);
    EXPECT_EQ(send("DELETE", "/api/v1/siwe/sessions/current", "", session)->head.status, 200U);
    EXPECT_EQ(code_of(*send("GET", "/api/v1/account", "", session)), "invalid_session");
}

TEST_F(AccountsApiTest, ASessionSurvivesARestart) {
    const std::string session = sign_in(wallet);
    shut_down();
    GatewayOptions options;
    options.public_url = kUrl;
    boot(std::move(options));
    EXPECT_EQ(send("GET", "/api/v1/account", "", session)->head.status, 200U);
    for (const auto& [name, value] : store.entries) {
        EXPECT_EQ(as_text(value).find(session), std::string::npos) << name << " holds the token itself";
    }
    EXPECT_EQ(code_of(*send("GET", "/api/v1/account", "", "vs-vcity-" + std::string(49, 'a'))), "invalid_session");
}

TEST_F(AccountsApiTest, AMessageIsGoodOnceAndHereOnly) {
    const std::string good = message(wallet, nonce());
    EXPECT_EQ(sign_in_with(wallet, good)->head.status, 201U);
    EXPECT_EQ(code_of(*sign_in_with(wallet, good)), "sign_in_refused") << "replayed";

    const auto refused = [&](std::string_view from, std::string_view to) {
        std::string changed = message(wallet, nonce());
        changed.replace(changed.find(from), from.size(), to);
        return code_of(*sign_in_with(wallet, changed));
    };
    EXPECT_EQ(refused("gw.example:8443 wants", "evil.example wants"), "sign_in_refused");
    EXPECT_EQ(refused("gw.example:8443 wants", "gw.example wants"), "sign_in_refused");
    EXPECT_EQ(refused("gw.example:8443 wants", "http://gw.example:8443 wants"), "sign_in_refused");
    EXPECT_EQ(refused("URI: https://gw.example:8443", "URI: https://gw.example:84430"), "sign_in_refused");
    EXPECT_EQ(refused("Chain ID: 31337", "Chain ID: 1"), "sign_in_refused");
    EXPECT_EQ(code_of(*sign_in_with(stranger, message(wallet, nonce()))), "sign_in_refused") << "of another wallet";
    EXPECT_EQ(code_of(*sign_in_with(wallet, message(wallet, "0123456789abcdef"))), "sign_in_refused");
    const std::string old = message(wallet, nonce());
    pass(std::chrono::minutes{5});
    EXPECT_EQ(code_of(*sign_in_with(wallet, old)), "sign_in_refused");
    EXPECT_EQ(code_of(*send("POST", "/api/v1/siwe/sessions", "{}", "")), "missing_parameter");
    EXPECT_EQ(code_of(*send("POST", "/api/v1/siwe/sessions", "[", "")), "invalid_json");
}

TEST_F(AccountsApiTest, AMessageMayCarryItsOwnTimes) {
    const auto with = [&](const std::string& line) {
        return code_of(*sign_in_with(wallet, message(wallet, nonce()) + "\n" + line));
    };
    const std::uint64_t now = world.unix_now().count() / 1000;
    EXPECT_EQ(with("Expiration Time: " + to_rfc3339(now)), "sign_in_refused");
    EXPECT_EQ(with("Not Before: " + to_rfc3339(now + 60)), "sign_in_refused");
    EXPECT_TRUE(with("Expiration Time: " + to_rfc3339(now + 60)).starts_with("none"));
}

TEST_F(AccountsApiTest, ASessionMakesKeysThatWork) {
    const std::string session = sign_in(stranger);
    const auto made =
        send("POST", "/api/v1/keys", key_body(stranger, session, R"("budgets":[{"window":"1d","usd":"5"}])"), session);
    ASSERT_EQ(made->head.status, 201U) << made->body();
    const codec::Json record = json_of(*made);
    const std::string secret = text_of(record, "key");
    const std::string id = text_of(record, "id");

    EXPECT_EQ(made->head.headers.get("cache-control"), "no-store");
    EXPECT_EQ(send("POST", "/v1/chat/completions", chat_body({}), secret)->head.status, 200U);
    const codec::Json again = json_of(*send("GET", "/api/v1/keys/" + id, "", session));
    EXPECT_EQ(again.find("key"), nullptr) << "shown once";
    EXPECT_NE(text_of(*again.find("spending"), "1d"), "0.000000");
    EXPECT_FALSE(again.find("last_used_at")->is_null());
    const codec::Json second = json_of(*send(
        "POST", "/api/v1/keys", R"({"name":"two","cap_id":")" + text_of(*record.find("cap"), "id") + "\"}", session));
    EXPECT_EQ(text_of(second, "name"), "two") << "one signature, many keys";
    EXPECT_EQ(json_of(*send("GET", "/api/v1/keys", "", session)).find("data")->get_array()->size(), 2U);
}

TEST_F(AccountsApiTest, KeysAreOfOneAccountOnly) {
    const std::string session = sign_in(stranger);
    const std::string id = text_of(json_of(*send("GET", "/v1/key", "", key)).find("data") != nullptr
                                       ? *json_of(*send("GET", "/v1/key", "", key)).find("data")
                                       : codec::Json{},
                                   "id");
    ASSERT_EQ(id.size(), 16U);
    EXPECT_EQ(code_of(*send("GET", "/api/v1/keys/" + id, "", session)), "api_key_not_found");
    EXPECT_EQ(code_of(*send("PATCH", "/api/v1/keys/" + id, "{}", session)), "api_key_not_found");
    EXPECT_EQ(code_of(*send("DELETE", "/api/v1/keys/" + id, "", session)), "api_key_not_found");
    EXPECT_EQ(json_of(*send("GET", "/api/v1/keys", "", session)).find("data")->get_array()->size(), 0U);
    EXPECT_EQ(code_of(*send("POST", "/api/v1/keys", key_body(wallet, sign_in(wallet)), session)), "invalid_value")
        << "a cap of somebody else";
    EXPECT_EQ(send("GET", "/api/v1/keys/" + id, "", sign_in(wallet))->head.status, 200U);
}

TEST_F(AccountsApiTest, AKeyIsSwitchedOffChangedAndDeleted) {
    const std::string session = sign_in(wallet);
    const codec::Json list = json_of(*send("GET", "/api/v1/keys", "", session));
    const std::string path = "/api/v1/keys/" + text_of(list.find("data")->get_array()->front(), "id");

    EXPECT_EQ(send("PATCH", path, R"({"enabled":false})", session)->head.status, 200U);
    EXPECT_EQ(code_of(*chat()), "disabled_api_key");
    const auto changed = send("PATCH", path, R"({"enabled":true,"name":"new","ip_allow":["10.0.0.0/8"]})", session);
    EXPECT_EQ(text_of(json_of(*changed), "name"), "new");
    EXPECT_EQ(code_of(*chat()), "address_not_allowed");
    (void)send("PATCH", path, R"({"ip_allow":null,"scopes":["rent"]})", session);
    EXPECT_EQ(code_of(*chat()), "scope_missing");
    EXPECT_EQ(code_of(*send("PATCH", path, R"({"color":"red"})", session)), "unknown_parameter");
    EXPECT_EQ(code_of(*send("PATCH", path, R"({"cap_id":"0x"})", session)), "invalid_value");
    EXPECT_EQ(code_of(*send("PATCH", path, R"({"enabled":1})", session)), "invalid_type");
    EXPECT_EQ(send("DELETE", path, "", session)->head.status, 200U);
    EXPECT_EQ(code_of(*chat()), "invalid_api_key");
    EXPECT_EQ(code_of(*send("GET", path, "", session)), "api_key_not_found");
}

TEST_F(AccountsApiTest, ScopesKeepKeysFromEachOther) {
    EXPECT_EQ(code_of(*send("GET", "/api/v1/keys", "", key)), "scope_missing");
    EXPECT_EQ(send("GET", "/api/v1/account", "", key)->head.status, 200U);
    const std::string admin = create_key(R"("scopes":["admin"])");
    EXPECT_EQ(send("GET", "/api/v1/keys", "", admin)->head.status, 200U);
    EXPECT_EQ(code_of(*send("POST", "/v1/chat/completions", chat_body({}), admin)), "scope_missing");
    EXPECT_EQ(code_of(*send("DELETE", "/api/v1/siwe/sessions/current", "", admin)), "session_needed");
    EXPECT_EQ(code_of(*send("POST", "/v1/chat/completions", chat_body({}), sign_in(wallet))), "invalid_api_key");
    EXPECT_EQ(code_of(*send("GET", "/api/v1/account", "", "")), "missing_api_key");
}

TEST_F(AccountsApiTest, TheBudgetThatLastsLongestSaysWhenItEnds) {
    const std::string poor = create_key(R"("budgets":[{"window":"1h","usd":"0"},{"window":"30d","usd":"0"}])");
    const auto refused = send("POST", "/v1/chat/completions", chat_body({}), poor);
    EXPECT_EQ(refused->head.status, 402U);
    EXPECT_EQ(code_of(*refused), "key_budget_exceeded");
    std::uint64_t resets_at = 0;
    json_of(*refused).find("error")->find("resets_at")->get_u64(&resets_at);
    EXPECT_EQ(resets_at, window_end(BudgetWindow::kMonth, world.unix_now().count() / 1000));
    EXPECT_EQ(refused->head.headers.get("x-should-retry"), "false");
}

TEST_F(AccountsApiTest, KeysAreListedInPages) {
    for (int number = 0; number < 5; ++number) (void)create_key(R"("name":"more")");
    const std::string session = sign_in(wallet);
    std::set<std::string> seen;
    std::string cursor;
    for (int page = 0; page < 3; ++page) {
        const codec::Json list = json_of(*send("GET", "/api/v1/keys?limit=2&cursor=" + cursor, "", session));
        for (const codec::Json& each : *list.find("data")->get_array()) {
            EXPECT_TRUE(seen.insert(text_of(each, "id")).second);
        }
        cursor = text_of(list, "next_cursor");
        EXPECT_EQ(cursor.empty(), page == 2);
    }
    EXPECT_EQ(seen.size(), 6U);
    EXPECT_EQ(code_of(*send("GET", "/api/v1/keys?limit=0", "", session)), "invalid_value");
}

TEST_F(AccountsApiTest, NobodySignsInWithoutAPublicAddress) {
    shut_down();
    boot({});
    EXPECT_EQ(code_of(*send("GET", "/api/v1/siwe/nonce", "", "")), "sign_in_unavailable");
}

}  // namespace
}  // namespace vcity::gateway::test
