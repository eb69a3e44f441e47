// SPDX-License-Identifier: Apache-2.0
// Who may do what: every endpoint, asked by every kind of caller, about things of their own and of others. An endpoint
// that is not in the table below, or that lets somebody in who is not named there, fails.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "services/gateway/accounts/siwe_message.hpp"
#include "services/gateway/gateway_fixture.hpp"
#include "services/gateway/work/work_json.hpp"
#include "sim/fakes/blobs.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway::test {
namespace {

using codec::Json;

// Letters of those who may: I, R, B, A for a key with the one scope inference, rent, billing:read, admin; S for a
// session; O for the operator; * for everybody.
struct Right {
    std::string_view method;
    std::string_view pattern;
    std::string_view who;
    // A path of something that the owner has, with names of it as <job>; empty: nothing of anybody's is named.
    std::string_view of_owner = {};
};

constexpr Right kRights[] = {
    {"POST", "/v1/chat/completions", "I"},
    {"POST", "/v1/completions", "I"},
    {"POST", "/v1/responses", "I"},
    {"POST", "/v1/embeddings", "I"},
    {"GET", "/v1/models", "IRBA"},
    {"GET", "/v1/models/{id...}", "IRBA"},
    {"GET", "/v1/generation", "IB"},
    {"GET", "/v1/key", "IRBA"},
    {"POST", "/v1/audio/speech", "I"},
    {"POST", "/v1/images/generations", "I"},
    {"GET", "/v1/batches", "I"},
    {"POST", "/v1/batches", "I"},
    {"GET", "/v1/batches/{id}", "I", "/v1/batches/<batch>"},
    {"POST", "/v1/batches/{id}/cancel", "I", "/v1/batches/<batch>/cancel"},
    {"GET", "/v1/files", "IR"},
    {"POST", "/v1/files", "IR"},
    {"GET", "/v1/files/{id}", "IR", "/v1/files/<file>"},
    {"DELETE", "/v1/files/{id}", "IR", "/v1/files/<file>"},
    {"GET", "/v1/files/{id}/content", "IR", "/v1/files/<file>/content"},
    {"GET", "/v1/fine_tuning/jobs", "R"},
    {"POST", "/v1/fine_tuning/jobs", "R"},
    {"GET", "/v1/fine_tuning/jobs/{id}", "R", "/v1/fine_tuning/jobs/<tuning>"},
    {"GET", "/v1/fine_tuning/jobs/{id}/events", "R", "/v1/fine_tuning/jobs/<tuning>/events"},
    {"GET", "/v1/fine_tuning/jobs/{id}/checkpoints", "R", "/v1/fine_tuning/jobs/<tuning>/checkpoints"},
    {"POST", "/v1/fine_tuning/jobs/{id}/cancel", "R", "/v1/fine_tuning/jobs/<tuning>/cancel"},
    {"GET", "/v1/offers", "IRBA"},
    {"GET", "/v1/jobs", "R"},
    {"POST", "/v1/jobs", "R"},
    {"GET", "/v1/jobs/{id}", "R", "/v1/jobs/<job>"},
    {"DELETE", "/v1/jobs/{id}", "R", "/v1/jobs/<job>"},
    {"GET", "/v1/jobs/{id}/logs", "R", "/v1/jobs/<job>/logs?step=a"},
    {"GET", "/v1/jobs/{id}/explain", "R", "/v1/jobs/<job>/explain"},
    {"GET", "/v1/jobs/{id}/files", "R", "/v1/jobs/<job>/files"},
    {"GET", "/v1/jobs/{id}/files/{name...}", "R", "/v1/jobs/<job>/files/a/out.txt"},
    {"POST", "/v1/jobs/{id}/links", "R"},
    {"*", "/v1/jobs/{id}/ports/{place...}", "R"},
    {"GET", "/api/v1/deployments", "RS"},
    {"POST", "/api/v1/deployments", "R"},
    {"GET", "/api/v1/deployments/{name}", "RS", "/api/v1/deployments/<deployment>"},
    {"PATCH", "/api/v1/deployments/{name}", "RS", "/api/v1/deployments/<deployment>"},
    {"DELETE", "/api/v1/deployments/{name}", "RS", "/api/v1/deployments/<deployment>"},
    {"POST", "/api/v1/deployments/{name}/pause", "RS", "/api/v1/deployments/<deployment>/pause"},
    {"POST", "/api/v1/deployments/{name}/resume", "RS", "/api/v1/deployments/<deployment>/resume"},
    {"GET", "/api/v1/deployments/{name}/events", "RS", "/api/v1/deployments/<deployment>/events"},
    {"GET", "/api/v1/deployments/{name}/sla", "RS", "/api/v1/deployments/<deployment>/sla"},
    {"*", "/d/{place...}", "IR"},
    {"GET", "/api/v1/siwe/nonce", "*"},
    {"POST", "/api/v1/siwe/sessions", "*"},
    {"DELETE", "/api/v1/siwe/sessions/current", "S"},
    {"GET", "/api/v1/account", "BAS"},
    {"GET", "/api/v1/cap/terms", "AS"},
    {"GET", "/api/v1/keys", "AS"},
    {"POST", "/api/v1/keys", "AS"},
    {"GET", "/api/v1/keys/{id}", "AS", "/api/v1/keys/<key>"},
    {"PATCH", "/api/v1/keys/{id}", "AS", "/api/v1/keys/<key>"},
    {"DELETE", "/api/v1/keys/{id}", "AS", "/api/v1/keys/<key>"},
    {"GET", "/api/v1/webhooks", "AS"},
    {"POST", "/api/v1/webhooks", "AS"},
    {"GET", "/api/v1/webhooks/{id}", "AS", "/api/v1/webhooks/<hook>"},
    {"PATCH", "/api/v1/webhooks/{id}", "AS", "/api/v1/webhooks/<hook>"},
    {"DELETE", "/api/v1/webhooks/{id}", "AS", "/api/v1/webhooks/<hook>"},
    {"POST", "/api/v1/webhooks/{id}/secret", "AS", "/api/v1/webhooks/<hook>/secret"},
    {"POST", "/api/v1/webhooks/{id}/test", "AS", "/api/v1/webhooks/<hook>/test"},
    {"GET", "/api/v1/webhooks/{id}/deliveries", "AS", "/api/v1/webhooks/<hook>/deliveries"},
    {"POST", "/api/v1/webhooks/{id}/deliveries/{delivery}/resend", "AS",
     "/api/v1/webhooks/<hook>/deliveries/<delivery>/resend"},
    {"*", "/p/{link...}", "*"},
    {"*", "/tunnels/{secret...}", "*"},
    {"GET", "/files/{token}/{sha256...}", "*"},
    {"HEAD", "/files/{token}/{sha256...}", "*"},
    {"PUT", "/files/{token}/{sha256...}", "*"},
    {"GET", "/health", "*"},
    {"GET", "/ready", "*"},
    {"GET", "/api/v1/network", "*"},
    {"GET", "/api/v1/offers", "*"},
    {"GET", "/api/v1/nodes", "*"},
    {"GET", "/api/v1/nodes/{address}", "*"},
    {"GET", "/api/v1/batches", "*"},
    {"GET", "/api/v1/events", "*"},
    {"GET", "/api/v1/totals", "*"},
    {"GET", "/api/v1/accounts/{address}", "*"},
    {"GET", "/api/v1/caps/{id}", "*"},
    {"GET", "/api/v1/offers/history", "*"},
    {"GET", "/api/v1/receipts/{hash}", "*"},
    {"GET", "/api/v1/stakes/{address}", "*"},
    {"GET", "/api/v1/proposals", "*"},
    {"GET", "/api/v1/proposals/{id}", "*"},
    {"GET", "/api/v1/proposals/{id}/votes", "*"},
    {"GET", "/api/v1/incentives", "*"},
    {"GET", "/api/v1/fees", "*"},
    {"GET", "/api/v1/cases", "*"},
    {"GET", "/api/v1/cases/{id}", "*"},
    {"GET", "/openapi.json", "*"},
    {"GET", "/v1/organization/usage/completions", "BS"},
    {"GET", "/v1/organization/usage/embeddings", "BS"},
    {"GET", "/v1/organization/costs", "BS"},
    {"GET", "/api/v1/jobs", "RS"},
    {"GET", "/api/v1/jobs/{id}", "RS", "/api/v1/jobs/<job>"},
    {"DELETE", "/api/v1/jobs/{id}", "RS", "/api/v1/jobs/<job>"},
    {"GET", "/api/v1/jobs/{id}/logs", "RS", "/api/v1/jobs/<job>/logs?step=a"},
    {"GET", "/api/v1/jobs/{id}/explain", "RS", "/api/v1/jobs/<job>/explain"},
    {"GET", "/api/v1/jobs/{id}/files", "RS", "/api/v1/jobs/<job>/files"},
    {"GET", "/api/v1/jobs/{id}/files/{name...}", "RS", "/api/v1/jobs/<job>/files/a/out.txt"},
    {"GET", "/api/v1/leases", "RS"},
    {"GET", "/admin/keys", "O"},
    {"POST", "/admin/keys", "O"},
    {"DELETE", "/admin/keys/{id}", "O"},
};

// Codes by which the door is shut, as against what is said inside.
const std::set<std::string> kShut = {"missing_api_key",     "invalid_api_key", "disabled_api_key",   "expired_api_key",
                                     "invalid_session",     "expired_session", "scope_missing",      "session_needed",
                                     "invalid_admin_token", "admin_not_local", "address_not_allowed"};
// Nothing can be asked here without a socket, or a wait for what never comes.
const std::set<std::string_view> kNotEntered = {"/v1/jobs/{id}/ports/{place...}", "/d/{place...}",
                                                "/tunnels/{secret...}"};

class NoHttp final : public ports::HttpClient {
  public:
    Task<Result<ports::HttpResponse>> send(ports::HttpRequest, TimePoint) override { co_return refuse(); }
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest, TimePoint) override {
        co_return refuse();
    }

  private:
    static Error refuse() { return make_error(Errc::kUnavailable, "nobody is there"); }
};

class AuthorizationTest : public GatewayFixture<sim::SimRuntime> {
  public:
    AuthorizationTest() {
        scheduler.on_work = [this](const Message& message) { answer(message); };
        shut_down();
        blobs = &folder;
        webhook_http = &http;
        GatewayOptions options;
        options.public_url = "https://gw.example";
        options.auth_failures_per_minute = 1'000'000;
        boot(std::move(options));
        callers = {{'I', create_key(R"("scopes":["inference"])")},
                   {'R', create_key(R"("scopes":["rent"])")},
                   {'B', create_key(R"("scopes":["billing:read"])")},
                   {'A', create_key(R"("scopes":["admin"])")},
                   {'S', sign_in(owner)},
                   {'O', "admin"},
                   {'-', ""},
                   {'w', "sk-vcity-wrong"},
                   {'v', "vs-vcity-wrong"}};
    }
    ~AuthorizationTest() override { shut_down(); }

    // Accepts every order, and knows the jobs of each client.
    void answer(const Message& message) {
        if (const auto* submit = std::get_if<WorkSubmit>(&message)) {
            client_of[submit->order.job_id] = submit->order.client;
            scheduler.send(WorkAccepted{submit->order.job_id, submit->order.budget, {}});
        } else if (const auto* asked = std::get_if<WorkStatusRequest>(&message)) {
            scheduler.send(status_of(asked->job_id, asked->client, asked->with_history));
        } else if (const auto* cancel = std::get_if<WorkCancel>(&message)) {
            scheduler.send(status_of(cancel->job_id, cancel->client, false));
        } else if (const auto* output = std::get_if<WorkOutputRequest>(&message)) {
            WorkOutputReply reply;
            reply.job_id = output->job_id;
            reply.step_id = output->step_id;
            reply.known = knows(output->job_id, output->client);
            reply.is_end = true;
            scheduler.send(reply);
        } else if (std::holds_alternative<UnitsRequest>(message)) {
            scheduler.send(UnitsReply{});
        }
    }
    bool knows(const JobId& job_id, const Address& client) const {
        const auto found = client_of.find(job_id);
        return found != client_of.end() && found->second == client;
    }
    WorkStatusReply status_of(const JobId& job_id, const Address& client, bool with_history) const {
        WorkStatusReply reply;
        reply.job_id = job_id;
        reply.known = knows(job_id, client);
        reply.state = WorkState::kActive;
        if (with_history) reply.history.push_back({UnixMillis{5}, "submitted"});
        return reply;
    }

    std::string sign_in(const crypto::PrivateKey& wallet) {
        const Json asked = *codec::parse_json(send("GET", "/api/v1/siwe/nonce", "", "")->body());
        const std::string text =
            "gw.example wants you to sign in with your Ethereum account:\n" +
            crypto::to_checksum_address(wallet.address()) +
            "\n\n\nURI: https://gw.example\nVersion: 1\nChain ID: 31337\nNonce: " + *asked.find("nonce")->get_string() +
            "\nIssued At: 2026-11-23T00:00:00Z";
        const Json body = codec::JsonObject{{"message", text},
                                            {"signature", codec::to_hex(wallet.sign(personal_message_hash(text)))}};
        return named(*send("POST", "/api/v1/siwe/sessions", codec::dump_json(body), ""), "token");
    }
    // A key with every scope, of another account.
    std::string key_of(const crypto::PrivateKey& wallet) {
        SpendingCap cap{.client = wallet.address(),
                        .scheduler = scheduler.scheduler_key.address(),
                        .limit = Usd{50'000'000},
                        .expiry_unix_seconds = world.unix_now().count() / 1000 + 86'400,
                        .nonce = 9};
        const SignedCap signed_cap{.cap = cap, .signature = wallet.sign(market::cap_digest(a_deployment(), cap))};
        const Json body = codec::JsonObject{
            {"cap", to_json(signed_cap)},
            {"scopes", codec::JsonArray{"inference", "rent", "billing:read", "admin"}},
        };
        return named(*send("POST", "/admin/keys", codec::dump_json(body), "admin"), "key");
    }
    static std::string named(const RecordingResponder& answer, std::string_view name) {
        const Result<Json> json = codec::parse_json(answer.body());
        const Json* value = json ? json->find(name) : nullptr;
        EXPECT_TRUE(value != nullptr && value->is_string()) << name << " in " << answer.body();
        return value != nullptr && value->is_string() ? *value->get_string() : std::string{"none"};
    }
    std::string upload(const std::string& content, const std::string& purpose) {
        ports::HttpRequest request = a_request("POST", "/v1/files", "", key);
        request.headers.set("content-type", "multipart/form-data; boundary=b");
        const std::string form = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n" + purpose +
                                 "\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.jsonl\"\r\n"
                                 "\r\n" +
                                 content + "\r\n--b--\r\n";
        return named(*finish(launch(std::move(request), {form})), "id");
    }
    std::string made(const std::string& path, const std::string& body, const std::string& bearer) {
        return named(*send("POST", path, body, bearer), "id");
    }
    void own_things() {
        things["<file>"] = upload("{}", "fine-tune");
        things["<job>"] = made("/v1/jobs", R"({"budget":2,"steps":[{"name":"a","run":"echo hi"}]})", key);
        things["<tuning>"] =
            made("/v1/fine_tuning/jobs", R"({"model":"vcity/test","training_file":")" + things["<file>"] + "\"}", key);
        things["<batch>"] = made("/v1/batches",
                                 R"({"endpoint":"/v1/chat/completions","completion_window":"24h","input_file_id":")" +
                                     upload("{}", "batch") + "\"}",
                                 key);
        (void)send("POST", "/api/v1/deployments",
                   R"({"name":"chat","budget":"10","where":{"hourly_max":"0.36"},)"
                   R"("steps":[{"name":"serve","run":"exec server","ports":[{"name":"api","port":8000}]}]})",
                   key);
        things["<deployment>"] = "chat";
        things["<hook>"] = made("/api/v1/webhooks", R"({"url":"https://hooks.example/"})", callers.at('A'));
        (void)send("POST", "/api/v1/webhooks/" + things["<hook>"] + "/test", "", callers.at('A'));
        const Json sent = *codec::parse_json(
            send("GET", "/api/v1/webhooks/" + things["<hook>"] + "/deliveries", "", callers.at('A'))->body());
        things["<delivery>"] = *sent.find("data")->get_array()->front().find("id")->get_string();
        const Json mine = *codec::parse_json(send("GET", "/v1/key", "", key)->body());
        things["<key>"] = *mine.find("data")->find("id")->get_string();
    }
    std::string concrete(std::string_view path) const {
        std::string text{path};
        for (const auto& [name, value] : things) {
            const std::size_t at = text.find(name);
            if (at != std::string::npos) text.replace(at, name.size(), value);
        }
        return text;
    }
    static std::string example_of(std::string_view pattern) {
        std::string text;
        for (std::size_t at = 0; at < pattern.size(); ++at) {
            if (pattern[at] != '{') {
                text += pattern[at];
                continue;
            }
            text += "nothing";
            at = pattern.find('}', at);
        }
        return text;
    }
    std::string code(const Right& right, const std::string& path, const std::string& bearer) {
        const std::string method{right.method == "*" ? "GET" : right.method};
        return code_of(*send(method, path, method == "GET" ? "" : "{}", bearer));
    }

    crypto::PrivateKey owner = a_private_key(13);  // whose cap the fixture's key is on
    crypto::PrivateKey stranger = a_private_key(31);
    sim::FakeBlobDisk disk;
    sim::FakeBlobs folder{&disk};
    NoHttp http;
    std::map<JobId, Address> client_of;
    std::map<char, std::string> callers;  // bearer tokens, by letter
    std::map<std::string, std::string> things;
};

TEST_F(AuthorizationTest, TheTableNamesEveryEndpoint) {
    std::set<std::string> known;
    for (const Right& right : kRights) known.insert(std::string{right.method} + " " + std::string{right.pattern});
    std::set<std::string> routed;
    for (const RouteSpec& row : route_table()) {
        routed.insert(std::string{row.method} + " " + std::string{row.pattern});
    }
    for (const std::string& each : routed) EXPECT_TRUE(known.contains(each)) << each << ": who may use it?";
    for (const std::string& each : known) EXPECT_TRUE(routed.contains(each)) << each << " is not routed any more";
}

TEST_F(AuthorizationTest, TheDoorIsShutToAllButThoseNamed) {
    for (const Right& right : kRights) {
        for (const auto& [letter, bearer] : callers) {
            const bool may = right.who == "*" || right.who.find(letter) != std::string_view::npos;
            const bool is_end_of_session = right.pattern.ends_with("/current");
            if (may && (kNotEntered.contains(right.pattern) || is_end_of_session)) continue;
            const std::string got = code(right, example_of(right.pattern), bearer);
            EXPECT_EQ(kShut.contains(got), !may)
                << right.method << " " << right.pattern << " by " << letter << ": " << got;
        }
    }
}

TEST_F(AuthorizationTest, NobodySeesOrTouchesWhatIsOfOthers) {
    own_things();
    const std::string other_key = key_of(stranger);
    const std::string other_session = sign_in(stranger);
    std::size_t asked = 0;
    for (const Right& right : kRights) {
        if (right.of_owner.empty()) continue;
        const std::string path = concrete(right.of_owner);
        ASSERT_EQ(path.find('<'), std::string::npos) << path;
        for (const std::string& bearer : {other_key, other_session}) {
            const bool is_session = bearer == other_session;
            if (is_session && right.who.find('S') == std::string_view::npos) continue;
            const auto got = send(std::string{right.method}, path, right.method == "GET" ? "" : "{}", bearer);
            EXPECT_EQ(got->head.status, 404U) << right.method << " " << path << " " << got->body();
            ++asked;
        }
    }
    EXPECT_GT(asked, 40U);
    // All of it is still there, and its owner sees it.
    for (const Right& right : kRights) {
        const bool is_read = right.method == "GET" && !right.of_owner.empty() && !right.pattern.ends_with("{name...}");
        if (!is_read) continue;
        const std::string bearer = right.who.find('A') == std::string_view::npos ? key : callers.at('A');
        const auto got = send("GET", concrete(right.of_owner), "", bearer);
        EXPECT_EQ(got->head.status, 200U) << right.of_owner << " " << got->body();
    }
}

TEST_F(AuthorizationTest, ListsAreOfOneAccount) {
    own_things();
    const std::string other = key_of(stranger);
    for (const char* path :
         {"/v1/batches", "/v1/files", "/v1/fine_tuning/jobs", "/v1/jobs", "/api/v1/deployments", "/api/v1/webhooks"}) {
        const Json list = *codec::parse_json(send("GET", path, "", other)->body());
        EXPECT_EQ(list.find("data")->get_array()->size(), 0U) << path;
    }
    const Json keys = *codec::parse_json(send("GET", "/api/v1/keys", "", other)->body());
    EXPECT_EQ(keys.find("data")->get_array()->size(), 1U) << "its own";
}

// A secret that was shown once must be found nowhere after: not in the store, not in an answer.
TEST_F(AuthorizationTest, SecretsAreKeptNowhere) {
    own_things();
    pass(std::chrono::seconds{2});
    for (const auto& [letter, bearer] : callers) {
        if (!bearer.starts_with("sk-") && !bearer.starts_with("vs-")) continue;
        for (const auto& [name, value] : store.entries) {
            EXPECT_EQ(as_text(value).find(bearer), std::string::npos) << name;
            EXPECT_EQ(name.find(bearer), std::string::npos) << name;
        }
        EXPECT_EQ(send("GET", "/api/v1/keys", "", callers.at('A'))->body().find(bearer), std::string::npos);
    }
}

}  // namespace
}  // namespace vcity::gateway::test
