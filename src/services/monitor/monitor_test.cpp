// SPDX-License-Identifier: Apache-2.0
#include "services/monitor/monitor.hpp"

#include <set>

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"
#include "ports/testing/monitor_contract.hpp"
#include "seal/client.hpp"
#include "seal/testing/soft_tpm.hpp"
#include "services/monitor/api.hpp"
#include "sim/fakes/monitor.hpp"
#include "sim/runtime.hpp"

namespace vcity::monitor {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSteps = 1'000'000;
constexpr std::string_view kPolicyText =
    R"({"version":1,"epoch_seconds":3600,"evidence":[{"kind":"tpm","steps":["key_enrolment"]}]})";

template <class Fixed>
Fixed filled(std::uint8_t value) {
    Fixed fixed;
    fixed.bytes.fill(value);
    return fixed;
}

template <class T>
Task<void> keep(Task<T> task, std::optional<T>* out) {
    auto value = co_await std::move(task);
    out->emplace(std::move(value));
}

// What a handler answered.
class Recorder final : public ports::HttpResponder {
  public:
    Task<Result<void>> respond(ports::HttpResponse given) override {
        response = std::move(given);
        co_return Result<void>{};
    }
    Task<Result<void>> start(ports::HttpResponse /*head*/) override { co_return Result<void>{}; }
    Task<Result<void>> write(std::string /*chunk*/) override { co_return Result<void>{}; }
    Task<Result<void>> finish() override { co_return Result<void>{}; }
    bool is_connected() const override { return true; }

    ports::HttpResponse response;
};

// Carries requests to a handler in this process. With `garbage` it answers that instead.
class LoopClient final : public ports::HttpClient {
  public:
    explicit LoopClient(ports::HttpHandler* handler) : handler_{handler} {}

    Task<Result<ports::HttpResponse>> send(ports::HttpRequest request, TimePoint /*deadline*/) override {
        if (garbage) co_return ports::HttpResponse{.status = garbage->first, .headers = {}, .body = garbage->second};
        request.target = request.target.substr(std::string_view{"http://monitor"}.size());
        request.remote = "127.0.0.1:1000";
        Recorder recorder;
        co_await handler_->handle(std::move(request), &recorder);
        co_return recorder.response;
    }
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest /*request*/,
                                                          TimePoint /*deadline*/) override {
        co_return make_error(Errc::kInternal, "not used");
    }

    std::optional<std::pair<unsigned, std::string>> garbage;

  private:
    ports::HttpHandler* handler_;
};

// A monitor on a software TPM in simulated time.
class World {
  public:
    explicit World(MonitorOptions chosen = {}) : monitor_{deps(), with_policy(std::move(chosen))} {
        runtime.spawn(keep(monitor_.run(), &ended));
        pass(1s);
    }
    ~World() {
        monitor_.stop();
        pass(2s);
    }

    template <class T>
    T await(Task<T> task) {
        std::optional<T> out;
        runtime.spawn(keep(std::move(task), &out));
        pass(1ms);
        return std::move(out).value();
    }
    ports::HttpResponse ask(Face face, std::string method, std::string target, std::string body = {}) {
        MonitorApi api{&monitor_, face};
        Recorder recorder;
        ports::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.body = std::move(body);
        request.remote = remote;
        runtime.spawn(api.handle(std::move(request), &recorder));
        pass(1ms);
        return recorder.response;
    }
    void pass(Duration time) { runtime.run_until(runtime.now() + time, kSteps); }

    MonitorSeal a_seal(std::uint8_t job = 1) {
        MonitorSeal seal;
        seal.job_id = filled<JobId>(job);
        seal.verification_root = filled<Hash>(2);
        seal.model_root = filled<Hash>(3);
        seal.epoch = monitor_.statement().epoch;
        return seal;
    }
    Monitor& monitor() { return monitor_; }

    sim::SimRuntime runtime{1};
    seal::testing::SoftTpm tpm;
    std::string remote = "127.0.0.1:1000";
    std::optional<Result<void>> ended;

  private:
    MonitorDeps deps() {
        Deployment deployment;
        deployment.chain_id = 31337;
        return {.runtime = &runtime,
                .tee = &tpm,
                .enrolment = nullptr,
                .metrics = &null_metrics(),
                .deployment = deployment,
                .log = Log{nullptr, ""}};
    }
    static MonitorOptions with_policy(MonitorOptions options) {
        options.policy = *attest::parse_monitor_policy(kPolicyText);
        options.model_root = filled<Hash>(3);
        return options;
    }

    Monitor monitor_;
};

TEST(Monitor, ConvincesAVerifierThatAskedWithItsOwnNonce) {
    World world;
    const auto reply = world.await(world.monitor().evidence(filled<Hash>(7)));
    ASSERT_TRUE(reply) << reply.error().message;
    const attest::MonitorPolicy policy = *attest::parse_monitor_policy(kPolicyText);
    attest::EvidenceContext context;
    context.enrolled = {world.tpm.enrolled()};
    const seal::Expectation expected{.policy = &policy,
                                     .context = &context,
                                     .model_root = filled<Hash>(3),
                                     .nonce = filled<Hash>(7),
                                     .now = world.runtime.unix_now()};
    const seal::Judgement judgement = seal::judge_monitor(*reply, expected);
    EXPECT_TRUE(judgement.is_believed()) << judgement.reasons.front().detail;
}

TEST(Monitor, EndsWithTheErrorOfADeviceThatDoesNotWork) {
    sim::SimRuntime runtime{1};
    seal::testing::SoftTpm tpm;
    tpm.failure = make_error(Errc::kUnavailable, "no TPM");
    MonitorOptions options;
    options.policy = *attest::parse_monitor_policy(kPolicyText);
    Monitor monitor{{.runtime = &runtime,
                     .tee = &tpm,
                     .enrolment = nullptr,
                     .metrics = &null_metrics(),
                     .deployment = {},
                     .log = Log{nullptr, ""}},
                    options};
    std::optional<Result<void>> ended;
    runtime.spawn(keep(monitor.run(), &ended));
    runtime.run(kSteps);
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->error().message, "no TPM");
    EXPECT_FALSE(monitor.is_ready());
}

TEST(Monitor, MakesANewKeyEveryEpoch) {
    World world;
    std::set<std::string> keys;
    for (int i = 0; i < 3; ++i) {
        keys.insert(codec::to_hex(world.monitor().statement().key));
        world.pass(1h);
    }
    EXPECT_EQ(keys.size(), 3U);
}

TEST(Monitor, SealsAJobOnceAndGivesTheSameSealAgain) {
    World world;
    const Result<SignedSeal> first = world.monitor().seal_now(world.a_seal());
    ASSERT_TRUE(first) << first.error().message;
    world.pass(5s);
    EXPECT_EQ(*world.monitor().seal_now(world.a_seal()), *first);
    EXPECT_EQ(*world.monitor().find_seal(world.a_seal().job_id), *first);

    MonitorSeal second_root = world.a_seal();
    second_root.verification_root.bytes[0] ^= 1U;
    EXPECT_EQ(world.monitor().seal_now(second_root).error().code, Errc::kConflict);
}

TEST(Monitor, RefusesASecondRootInTheNextEpochToo) {
    World world;
    ASSERT_TRUE(world.monitor().seal_now(world.a_seal()));
    world.pass(1h);
    MonitorSeal second_root = world.a_seal();
    second_root.verification_root.bytes[0] ^= 1U;
    EXPECT_EQ(world.monitor().seal_now(second_root).error().code, Errc::kConflict);
}

TEST(Monitor, SealsWhatBeganInTheLastEpochAndNothingOlder) {
    World world;
    const MonitorSeal begun = world.a_seal();
    const Hash key = world.monitor().statement().key_hash();
    const attest::MonitorPolicy policy = *attest::parse_monitor_policy(kPolicyText);
    world.pass(1h);
    const Result<SignedSeal> sealed = world.monitor().seal_now(begun);
    ASSERT_TRUE(sealed) << sealed.error().message;
    Deployment deployment;
    deployment.chain_id = 31337;
    EXPECT_TRUE(seal::check_seal(deployment, *sealed, begun, key, policy));

    MonitorSeal older = begun;
    older.job_id = filled<JobId>(9);
    world.pass(1h);
    EXPECT_EQ(world.monitor().seal_now(older).error().code, Errc::kNotFound);
    EXPECT_EQ(world.monitor().find_seal(begun.job_id).error().code, Errc::kNotFound);
}

TEST(Monitor, SealsOnlyItsModelAndOnlyJobsWithARoot) {
    World world;
    MonitorSeal other = world.a_seal();
    other.model_root = filled<Hash>(4);
    EXPECT_EQ(world.monitor().seal_now(other).error().code, Errc::kInvalid);
    other = world.a_seal();
    other.verification_root = {};
    EXPECT_EQ(world.monitor().seal_now(other).error().code, Errc::kInvalid);
}

TEST(Monitor, BoundsItsWork) {
    World world{{.policy = {},
                 .model_root = {},
                 .evidence_rate = {.per_second = 1, .burst = 2},
                 .enrolment_rate = {},
                 .seal_rate = {.per_second = 1000, .burst = 1000},
                 .seals_max = 2}};
    EXPECT_TRUE(world.await(world.monitor().evidence({})));
    EXPECT_TRUE(world.await(world.monitor().evidence({})));
    EXPECT_EQ(world.await(world.monitor().evidence({})).error().code, Errc::kExhausted);
    world.pass(1s);
    EXPECT_TRUE(world.await(world.monitor().evidence({})));

    EXPECT_TRUE(world.monitor().seal_now(world.a_seal(1)));
    EXPECT_TRUE(world.monitor().seal_now(world.a_seal(2)));
    EXPECT_EQ(world.monitor().seal_now(world.a_seal(3)).error().code, Errc::kExhausted);
    EXPECT_TRUE(world.monitor().seal_now(world.a_seal(2)));
}

TEST(MonitorApi, ServesVerifiersAndTheNodeEachItsOwn) {
    World world;
    const std::string wanted = codec::dump_json(seal::to_json(world.a_seal()));
    const std::string place = "/v1/seals/" + codec::to_hex(world.a_seal().job_id);

    EXPECT_EQ(world.ask(Face::kVerifiers, "GET", "/v1/monitor").status, 200U);
    EXPECT_EQ(world.ask(Face::kVerifiers, "GET", place).status, 404U);
    EXPECT_EQ(world.ask(Face::kVerifiers, "POST", "/v1/seals", wanted).status, 404U);
    EXPECT_EQ(world.ask(Face::kNode, "POST", "/v1/evidence", "{}").status, 404U);
    const ports::HttpResponse sealed = world.ask(Face::kNode, "POST", "/v1/seals", wanted);
    EXPECT_EQ(sealed.status, 200U) << sealed.body;
    EXPECT_EQ(world.ask(Face::kVerifiers, "GET", place).body, sealed.body);
    const std::string nonce = R"({"nonce":")" + codec::to_hex(filled<Hash>(7)) + R"("})";
    const ports::HttpResponse evidence = world.ask(Face::kVerifiers, "POST", "/v1/evidence", nonce);
    EXPECT_EQ(seal::parse_evidence_reply(evidence.body)->nonce, filled<Hash>(7));
}

TEST(MonitorApi, RefusesWhatIsMalformedOrFromElsewhere) {
    World world;
    EXPECT_EQ(world.ask(Face::kVerifiers, "POST", "/v1/evidence", "nonsense").status, 400U);
    EXPECT_EQ(world.ask(Face::kVerifiers, "GET", "/v1/seals/0x12").status, 400U);
    EXPECT_EQ(world.ask(Face::kVerifiers, "GET", "/v1/tpm").status, 404U);
    EXPECT_EQ(world.ask(Face::kVerifiers, "DELETE", "/v1/monitor").status, 404U);
    EXPECT_EQ(world.ask(Face::kNode, "POST", "/v1/seals", "{}").status, 400U);
    world.remote = "192.0.2.1:1000";
    EXPECT_EQ(world.ask(Face::kNode, "POST", "/v1/seals", "{}").status, 403U);
}

// What a client at the other end of HTTP sees.
struct Remote {
    explicit Remote(Face face) : api{&world.monitor(), face} {}

    seal::MonitorClient& client() { return *client_; }
    TimePoint soon() { return world.runtime.now() + 1s; }

    World world;
    MonitorApi api;
    LoopClient http{&api};

  private:
    std::unique_ptr<seal::MonitorClient> client_ = *seal::MonitorClient::make(&world.runtime, &http, "http://monitor/");
};

TEST(MonitorClient, AsksAsAVerifierAndAsANode) {
    Remote node{Face::kNode};
    const auto key = node.world.await(node.client().current(node.soon()));
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->hash, node.world.monitor().statement().key_hash());
    const auto sealed = node.world.await(node.client().seal(node.world.a_seal(), node.soon()));
    ASSERT_TRUE(sealed) << sealed.error().message;
    EXPECT_EQ(*sealed, *node.world.monitor().find_seal(node.world.a_seal().job_id));

    Remote verifier{Face::kVerifiers};
    const auto reply = verifier.world.await(verifier.client().evidence(filled<Hash>(7), verifier.soon()));
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->nonce, filled<Hash>(7));
    const JobId job = verifier.world.a_seal().job_id;
    EXPECT_EQ(verifier.world.await(verifier.client().find_seal(job, verifier.soon())).error().code, Errc::kNotFound);
    const std::vector<Hash> no_keys;
    EXPECT_EQ(verifier.world.await(verifier.client().enrol(no_keys, verifier.soon())).error().code, Errc::kNotFound);
}

TEST(MonitorClient, PassesOnWhyItWasRefused) {
    Remote node{Face::kNode};
    ASSERT_TRUE(node.world.monitor().seal_now(node.world.a_seal()));
    MonitorSeal second = node.world.a_seal();
    second.verification_root.bytes[0] ^= 1U;
    const auto refused = node.world.await(node.client().seal(second, node.soon()));
    EXPECT_EQ(refused.error().code, Errc::kConflict);
    EXPECT_NE(refused.error().message.find("another computation"), std::string::npos);
}

TEST(MonitorClient, BelievesNoNonsense) {
    Remote verifier{Face::kVerifiers};
    verifier.http.garbage = {200, "<html>"};
    EXPECT_EQ(verifier.world.await(verifier.client().statement(verifier.soon())).error().code, Errc::kCorrupt);
    EXPECT_EQ(verifier.world.await(verifier.client().evidence({}, verifier.soon())).error().code, Errc::kCorrupt);
    verifier.http.garbage = {500, "{\"error\":{\"message\":\"a\\u001bb\"}}"};
    const auto refused = verifier.world.await(verifier.client().statement(verifier.soon()));
    EXPECT_EQ(refused.error().message, "the monitor says 500: ab");
    // A seal of something else than what was asked for.
    SignedSeal other{.seal = verifier.world.a_seal(9), .signature = {}};
    verifier.http.garbage = {200, codec::dump_json(seal::to_json(other))};
    const MonitorSeal wanted = verifier.world.a_seal();
    EXPECT_EQ(verifier.world.await(verifier.client().seal(wanted, verifier.soon())).error().code, Errc::kCorrupt);
}

TEST(MonitorClient, TakesOnlyAddressesOfHttpServers) {
    Remote any{Face::kNode};
    for (const char* url : {"", "monitor:8100", "ws://monitor", "http://monitor/v1"}) {
        EXPECT_FALSE(seal::MonitorClient::make(&any.world.runtime, &any.http, url)) << url;
    }
}

class WorldHarness : public ports::testing::SealerHarness {
  public:
    Runtime& runtime() override { return remote.world.runtime; }
    void run(Task<void> task) override {
        remote.world.runtime.spawn(std::move(task));
        remote.world.pass(1ms);
    }
    Hash model_root() override { return filled<Hash>(3); }
    void pass_an_epoch() override { remote.world.pass(1h); }

  protected:
    Remote remote{Face::kNode};
};
class MonitorHarness final : public WorldHarness {
    ports::Sealer& sealer() override { return remote.world.monitor(); }
};
class ClientHarness final : public WorldHarness {
    ports::Sealer& sealer() override { return remote.client(); }
};
class FakeHarness final : public WorldHarness {
    ports::Sealer& sealer() override { return fake_; }
    void pass_an_epoch() override {
        fake_.key.epoch += 1;
        fake_.key.hash.bytes[1] += 1;
    }

    sim::FakeSealer fake_;
};

template <class Harness>
std::unique_ptr<ports::testing::SealerHarness> make() {
    return std::make_unique<Harness>();
}

}  // namespace
}  // namespace vcity::monitor

namespace vcity::ports::testing {
INSTANTIATE_TEST_SUITE_P(All,
                         SealerContract,
                         ::testing::Values(SealerHarnessFactory{monitor::make<monitor::MonitorHarness>},
                                           SealerHarnessFactory{monitor::make<monitor::ClientHarness>},
                                           SealerHarnessFactory{monitor::make<monitor::FakeHarness>}));
}  // namespace vcity::ports::testing
