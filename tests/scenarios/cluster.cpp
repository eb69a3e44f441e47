// SPDX-License-Identifier: Apache-2.0
#include "scenarios/cluster.hpp"

#include <algorithm>
#include <cstdio>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "crypto/keccak.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"
#include "scenarios/host_machine.hpp"

namespace vcity::scenarios {
namespace {

constexpr Vcai kStake{5'000'000};
constexpr Usd kClientFunds{1'000'000'000};
constexpr Usd kRich{200'000'000};
constexpr Usd kPoor{30'000};  // a few jobs' worth: some orders meet the limit
constexpr std::uint64_t kSchedulerKey = 1;
constexpr std::uint64_t kFirstVerifierKey = 4;
constexpr std::uint64_t kGatewayKey = 3;
constexpr std::uint64_t kFirstNodeKey = 10;
constexpr std::uint64_t kFirstClientKey = 50;

Address contract(std::uint8_t number) {
    Address address;
    address.bytes.fill(number);
    return address;
}

Deployment make_deployment() {
    Deployment deployment;
    deployment.chain_id = 31'337;
    deployment.stable = contract(0xc1);
    deployment.registry = contract(0xc2);
    deployment.escrow = contract(0xc3);
    deployment.settlement = contract(0xc4);
    deployment.treasury = contract(0xc5);
    deployment.access_manager = contract(0xc6);
    return deployment;
}

sim::LedgerParams make_params(const ScenarioOptions& options) {
    sim::LedgerParams params;
    params.deployment = make_deployment();
    params.takes_batches_twice = options.planted == Planted::kDoublePayment;
    return params;
}

sim::FakeModel make_model() {
    sim::FakeModel model;
    model.root = crypto::keccak256_text("the public weights");
    return model;
}

void give_stake(World* world, const Address& account) {
    world->chain.at_genesis(
        [&](sim::Ledger* ledger, std::uint64_t /*now*/) { return ledger->give_vcai(account, kStake); });
}

void mint(World* world, const Address& account, Usd amount) {
    world->chain.at_genesis([&](sim::Ledger* ledger, std::uint64_t /*now*/) { return ledger->mint(account, amount); });
}

std::string text_of(const LogField& field) {
    struct Print {
        std::string operator()(const std::string& text) const { return text; }
        std::string operator()(bool flag) const { return flag ? "true" : "false"; }
        std::string operator()(double number) const { return std::to_string(number); }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(std::uint64_t number) const { return std::to_string(number); }
    };
    return field.name + "=" + std::visit(Print{}, field.value);
}

}  // namespace

void ScenarioLog::write(LogLevel level, std::string_view component, std::string_view event, const LogFields& fields) {
    if (level != LogLevel::kError && !is_verbose_) return;
    std::string line = std::string{to_string(level)} + " " + std::string{component} + " " + std::string{event};
    for (const LogField& field : fields) line += " " + text_of(field);
    if (is_verbose_) note(line);
    if (level == LogLevel::kError && first_error_.empty()) first_error_ = line;
}

void ScenarioLog::note(std::string_view text) {
    if (!is_verbose_) return;
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(world_->now() - TimePoint{}).count();
    std::fprintf(stderr, "%9.3f %s\n", static_cast<double>(millis) / 1000, std::string{text}.c_str());
}

void Machine::stop() {
    if (!is_up_) return;
    is_stopping_ = true;
    end_role();
}

void Machine::crash() {
    process.crash();
    destroy();
    disk.crash();
    is_up_ = false;
    is_stopping_ = false;
}

// A role that ends on its own (its store did not answer for too long) is down until it is started again.
Task<void> Machine::watch(Task<Result<void>> run) {
    Result<void> ended = co_await std::move(run);
    is_up_ = false;
}

World::World(const ScenarioOptions& options)
    : runtime{options.seed},
      log{&runtime, options.is_verbose},
      network{&runtime},
      deployment{make_deployment()},
      chain{&runtime, make_params(options)},
      model{make_model()},
      scheduler_links{std::string{kEndpoint}} {}

NodeMachine::NodeMachine(World* world, std::string name, std::uint64_t key, Honesty honesty, std::uint32_t slots)
    : Machine{&world->runtime, std::move(name), key,
              std::chrono::milliseconds{world->runtime.draw(4000)} - std::chrono::milliseconds{2000}},
      world_{world},
      honesty_{honesty},
      slots_{slots} {
    prices_.input = 100'000 + world->runtime.draw(50'000);
    prices_.output = 200'000 + world->runtime.draw(100'000);
    give_stake(world, signer.address());
}

void NodeMachine::start() {
    store_ = std::make_unique<sim::FakeStore>(&process, &disk);
    dialer_ = world_->network.dialer(&process, name());
    reader_ = world_->chain.reader(&process);
    writer_ = world_->chain.writer(&process, signer.address());
    sim::FakeInferenceOptions inference;
    inference.slots = slots_;
    inference.failures_per_mille = worker_failures_per_mille;
    if (serves_other_weights(honesty_)) inference.true_root = crypto::keccak256_text("cheaper weights");
    inference.refuses_to_open = honesty_ == Honesty::kRefusesToOpen;
    inference.is_honest_when_asked = honesty_ == Honesty::kHonestWhenAsked;
    if (honesty_ == Honesty::kOpensLate) inference.opening_delay = std::chrono::minutes{5};
    inference_ = std::make_unique<sim::FakeInference>(&world_->runtime, &process, world_->model, inference);
    node::NodeDeps deps;
    deps.runtime = &process;
    deps.store = store_.get();
    deps.signer = &signer;
    deps.dialer = dialer_.get();
    deps.inference = inference_.get();
    sandbox_ = std::make_unique<sim::FakeSandbox>(&world_->runtime, &process, commands);
    deps.sandbox = sandbox_.get();
    deps.sealer = sealer;
    deps.capacity = capacity;
    deps.chain_reader = reader_.get();
    deps.chain_writer = writer_.get();
    deps.deployment = world_->deployment;
    deps.log = Log{&world_->log, name()};
    node::NodeOptions options;
    options.scheduler_endpoints = world_->scheduler_links;
    options.stake = kStake;
    options.prices = prices_;
    options.hardware.gpu_model = "fake";
    options.units = units;
    agent_ = std::make_unique<node::NodeAgent>(std::move(deps), std::move(options));
    is_up_ = true;
    process.spawn(watch(agent_->run()));
}

void NodeMachine::end_role() {
    agent_->stop();
}

void NodeMachine::destroy() {
    agent_.reset();
    sandbox_.reset();
    inference_.reset();
    writer_.reset();
    reader_.reset();
    dialer_.reset();
    store_.reset();
}

SchedulerMachine::SchedulerMachine(World* world, std::uint64_t key, Address gateway, std::uint32_t audits_per_mille)
    : Machine{&world->runtime, "scheduler", key, std::chrono::milliseconds{0}},
      world_{world},
      gateway_{gateway},
      audits_per_mille_{audits_per_mille} {
    give_stake(world, signer.address());
}

scheduler::SchedulerOptions SchedulerMachine::make_options() const {
    scheduler::SchedulerOptions options;
    options.stake = kStake;
    options.gateways = {gateway_};
    options.audit.per_mille = audits_per_mille_;
    options.audit_attempt = std::chrono::minutes{4};
    options.audit_give_up = std::chrono::minutes{6};
    options.audit.suspension = std::chrono::minutes{2};
    options.choice.hedge_min = std::chrono::milliseconds{100};
    options.choice.hedges_per_mille = 500;
    options.settle_every = std::chrono::seconds{5};
    options.claim_every = std::chrono::seconds{10};
    if (adjust) adjust(&options);
    return options;
}

void SchedulerMachine::start() {
    store_ = std::make_unique<sim::FakeStore>(&process, &disk);
    listener_ = world_->network.listen(&process, name(), std::string{kEndpoint});
    reader_ = world_->chain.reader(&process);
    writer_ = world_->chain.writer(&process, signer.address());
    scheduler::SchedulerDeps deps;
    deps.runtime = &process;
    deps.store = store_.get();
    deps.signer = &signer;
    deps.listener = listener_.get();
    deps.chain_reader = reader_.get();
    deps.chain_writer = writer_.get();
    deps.deployment = world_->deployment;
    deps.log = Log{&world_->log, name()};
    scheduler::SchedulerOptions options = make_options();
    scheduler_ = std::make_unique<scheduler::Scheduler>(std::move(deps), std::move(options));
    is_up_ = true;
    process.spawn(watch(scheduler_->run()));
}

void SchedulerMachine::end_role() {
    scheduler_->stop();
}

void SchedulerMachine::destroy() {
    scheduler_.reset();
    writer_.reset();
    reader_.reset();
    listener_.reset();
    store_.reset();
}

VerifierMachine::VerifierMachine(World* world, std::string name, std::uint64_t key)
    : Machine{&world->runtime, std::move(name), key, std::chrono::milliseconds{700}}, world_{world} {
    give_stake(world, signer.address());
}

void VerifierMachine::start() {
    store_ = std::make_unique<sim::FakeStore>(&process, &disk);
    dialer_ = world_->network.dialer(&process, name());
    reader_ = world_->chain.reader(&process);
    writer_ = world_->chain.writer(&process, signer.address());
    auditor_ = std::make_unique<sim::FakeAuditor>(world_->model);
    auditor_->rejects_shallow = rejects_shallow;
    verifier::VerifierDeps deps;
    deps.runtime = &process;
    deps.store = store_.get();
    deps.signer = &signer;
    deps.dialer = dialer_.get();
    deps.auditors = {auditor_.get()};
    deps.metrics = metrics;
    deps.chain_reader = reader_.get();
    deps.chain_writer = writer_.get();
    deps.deployment = world_->deployment;
    deps.log = Log{&world_->log, name()};
    verifier::VerifierOptions options;
    options.schedulers = {world_->scheduler_links};
    options.stake = kStake;
    options.capacity = capacity;
    verifier_ = std::make_unique<verifier::Verifier>(std::move(deps), std::move(options));
    is_up_ = true;
    process.spawn(watch(verifier_->run()));
}

void VerifierMachine::end_role() {
    verifier_->stop();
}

void VerifierMachine::destroy() {
    verifier_.reset();
    auditor_.reset();
    writer_.reset();
    reader_.reset();
    dialer_.reset();
    store_.reset();
}

GatewayMachine::GatewayMachine(World* world, std::uint64_t key, ClientBook* book)
    : Machine{&world->runtime, "gateway", key, std::chrono::milliseconds{-400}}, world_{world}, book_{book} {}

void GatewayMachine::start() {
    dialer_ = world_->network.dialer(&process, name());
    Client::Deps deps;
    deps.runtime = &process;
    deps.dialer = dialer_.get();
    deps.signer = &signer;
    deps.deployment = &world_->deployment;
    deps.log = &world_->log;
    deps.endpoints = world_->scheduler_links;
    client_ = std::make_unique<Client>(deps, book_);
    is_up_ = true;
    process.spawn(watch(client_->run()));
}

void GatewayMachine::end_role() {
    client_->stop();
}

// Its clients have lost their connections and with them what was under way.
void GatewayMachine::destroy() {
    client_.reset();
    dialer_.reset();
    for (auto& [job_id, job] : book_->jobs) {
        if (job.status != ClientJob::Status::kOpen) continue;
        job.status = ClientJob::Status::kLost;
        job.error = "the gateway died";
    }
}

namespace {

SignedCap make_cap(World* world, sim::FakeSigner* client, const Address& scheduler, Usd limit, std::uint64_t nonce) {
    constexpr std::uint64_t kDay = 86'400;
    SignedCap cap;
    cap.cap.client = client->address();
    cap.cap.scheduler = scheduler;
    cap.cap.limit = limit;
    cap.cap.expiry_unix_seconds = world->chain.head_time() + kDay;
    cap.cap.nonce = nonce;
    const Result<Signature> signature = client->sign(market::cap_digest(world->deployment, cap.cap));
    CHECK(signature.has_value());
    cap.signature = *signature;
    return cap;
}

}  // namespace

Buyer make_buyer(World* world, std::uint64_t key, const Address& scheduler) {
    Buyer buyer{sim::FakeSigner{key}, {}, {}};
    const Address client = buyer.signer.address();
    mint(world, client, kClientFunds);
    world->chain.at_genesis(
        [&](sim::Ledger* ledger, std::uint64_t /*now*/) { return ledger->deposit(client, client, kClientFunds); });
    buyer.rich = make_cap(world, &buyer.signer, scheduler, kRich, 1);
    buyer.poor = make_cap(world, &buyer.signer, scheduler, kPoor, 2);
    return buyer;
}

namespace {

ClientJob make_job(World* world, const Buyer& buyer, const Address& scheduler, std::uint64_t number) {
    sim::SimRuntime& runtime = world->runtime;
    ClientJob job;
    job.send_at = TimePoint{} + runtime.draw_between(std::chrono::seconds{8}, std::chrono::seconds{70});
    JobOrder& order = job.order;
    order.client = buyer.signer.address();
    order.job_id =
        market::make_job_id(order.client, scheduler, crypto::keccak256_text("job " + std::to_string(number)));
    order.cap = runtime.chance(1, 4) ? buyer.poor : buyer.rich;
    const bool is_endless = runtime.chance(1, 8);
    order.request.model = runtime.chance(1, 20) ? "vcity/unknown" : world->model.name;
    order.request.prompt = (is_endless ? "endless " : "prompt ") + std::to_string(runtime.draw(1'000'000));
    if (runtime.chance(1, 25)) order.request.prompt = "impossible";
    order.request.output_tokens_max = is_endless ? 1500 : 64;
    order.may_hedge = runtime.chance(1, 2);
    order.request.client_nonce = crypto::keccak256_text("nonce " + std::to_string(number));
    if (runtime.chance(1, 3)) order.request.verification = Verification::kNone;
    if (runtime.chance(1, 8)) order.request.verification = Verification::kFull;
    if (runtime.chance(1, 40)) order.request.verification = Verification::kTee;  // nobody has a monitor
    order.prices_max.input = runtime.chance(1, 12) ? 1 : 1'000'000;              // sometimes nobody is cheap enough
    order.prices_max.output = 1'000'000;
    const Result<Usd> quote = market::quote_of(order.request, order.prices_max);
    CHECK(quote.has_value());
    order.quote = *quote;
    const Duration allowed = runtime.draw_between(std::chrono::seconds{20}, std::chrono::seconds{90});
    const auto deadline = std::chrono::duration_cast<std::chrono::milliseconds>(job.send_at - TimePoint{} + allowed);
    order.deadline = runtime.unix_now() + UnixMillis{static_cast<std::uint64_t>(deadline.count())};
    order.trace_id = "job-" + std::to_string(number);
    const bool is_cancelled = runtime.chance(is_endless ? 6 : 1, 8);
    if (is_cancelled) job.cancel_after = runtime.draw_between(Duration{}, std::chrono::seconds{10});
    return job;
}

}  // namespace

Cluster::Cluster(const ScenarioOptions& the_options) : options{the_options}, world{the_options} {
    sim::SimRuntime& runtime = world.runtime;
    const sim::FakeSigner gateway_signer{kGatewayKey};
    const std::uint32_t audits = runtime.chance(1, 2) ? 1000 : 300;
    scheduler = std::make_unique<SchedulerMachine>(&world, kSchedulerKey, gateway_signer.address(), audits);
    if (options.schedulers > 1) add_hosts();
    const std::uint64_t auditors = 1 + runtime.draw(2);
    for (std::uint64_t number = 0; number < auditors; ++number) {
        verifiers.push_back(
            std::make_unique<VerifierMachine>(&world, "verifier" + std::to_string(number), kFirstVerifierKey + number));
    }
    gateway = std::make_unique<GatewayMachine>(&world, kGatewayKey, &book);
    constexpr std::uint64_t kNodes = 4;
    for (std::uint64_t number = 0; number < kNodes; ++number) {
        auto honesty = Honesty::kHonest;
        if (number == 0 && runtime.chance(1, 2)) honesty = Honesty::kOtherWeights;
        if (number == 0 && runtime.chance(1, 6)) honesty = Honesty::kRefusesToOpen;
        if (number == 0 && runtime.chance(1, 8)) honesty = Honesty::kOpensLate;
        if (number == 0 && runtime.chance(1, 6)) honesty = Honesty::kHonestWhenAsked;
        const auto slots = static_cast<std::uint32_t>(1 + runtime.draw(2));
        nodes.push_back(std::make_unique<NodeMachine>(&world, "node" + std::to_string(number), kFirstNodeKey + number,
                                                      honesty, slots));
    }
    const Address scheduler_address = scheduler->signer.address();
    const Buyer first = make_buyer(&world, kFirstClientKey, scheduler_address);
    const Buyer second = make_buyer(&world, kFirstClientKey + 1, scheduler_address);
    book.posted_root = [this, scheduler_address](std::uint64_t index) {
        const auto& batches = world.chain.head().batches(scheduler_address);
        return index < batches.size() ? std::optional{batches[index].header.receipts_root} : std::nullopt;
    };
    clients = {first.signer.address(), second.signer.address()};
    const std::uint64_t jobs = 8 + runtime.draw(10);
    for (std::uint64_t number = 0; number < jobs; ++number) {
        ClientJob job = make_job(&world, runtime.chance(1, 2) ? first : second, scheduler_address, number);
        const JobId job_id = job.order.job_id;
        book.jobs.emplace(job_id, std::move(job));
    }
}

void Cluster::add_hosts() {
    database = std::make_unique<sim::FakeDatabase>(&world.runtime);
    world.scheduler_links.clear();
    const bool has_no_margin = options.planted == Planted::kNoMargin || options.planted == Planted::kHiddenEpochs;
    for (std::uint64_t number = 0; number < options.schedulers; ++number) {
        const std::string name = "scheduler-" + std::to_string(number);
        HostMachine::Parts parts;
        parts.world = &world;
        parts.database = database.get();
        parts.key = kSchedulerKey;
        parts.is_home = number == 0;
        parts.margin = has_no_margin ? -Duration{std::chrono::hours{1}} : Duration{std::chrono::milliseconds{250}};
        parts.options = scheduler->make_options();
        hosts.push_back(std::make_unique<HostMachine>(name, std::move(parts)));
        world.scheduler_links.push_back("ws://" + name + vcity::scheduler::path_of_shard(scheduler->signer.address()));
    }
}

sim::FakeDisk* Cluster::shard_disk() {
    return database ? database->disk() : &scheduler->disk;
}

Cluster::~Cluster() {
    world.chain.stop();
}

void Cluster::start_all() {
    world.chain.start();
    for (Machine* machine : machines()) machine->start();
}

std::vector<Machine*> Cluster::schedulers() {
    if (hosts.empty()) return {scheduler.get()};
    std::vector<Machine*> all;
    for (const auto& host : hosts) all.push_back(host.get());
    return all;
}

std::vector<Machine*> Cluster::machines() {
    std::vector<Machine*> all = schedulers();
    all.push_back(gateway.get());
    for (const auto& verifier : verifiers) all.push_back(verifier.get());
    for (const auto& node : nodes) all.push_back(node.get());
    all.insert(all.end(), others.begin(), others.end());
    return all;
}

const NodeMachine* Cluster::node_of(const Address& address) const {
    const auto found = std::ranges::find_if(nodes, [&](const auto& node) { return node->signer.address() == address; });
    return found == nodes.end() ? nullptr : found->get();
}

}  // namespace vcity::scenarios
