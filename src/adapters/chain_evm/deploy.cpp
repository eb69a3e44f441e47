// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/deploy.hpp"

#include <filesystem>

#include "adapters/chain_evm/file_text.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/secp256k1.hpp"
#include "crypto/transaction.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;
using codec::Json;

constexpr std::size_t kProgressBytesMax = 256U << 10U;
constexpr Duration kPendingMax = 3min;
constexpr Duration kPendingPoll = 500ms;

// What is known of a deployment that has begun; the content of the progress file.
struct Progress {
    std::uint64_t chain_id = 0;
    std::uint64_t first_nonce = 0;
    std::uint64_t block = 0;  // the head before the first transaction
    Hash block_hash;
    std::uint64_t time = 0;        // of that block
    std::uint64_t steps_done = 0;  // of calls and reads
    std::map<std::string, U256, std::less<>> read;
};

Json what_is_deployed(const DeployOptions& options, const Address& deployer) {
    Json settings{codec::JsonObject{}};
    for (const auto& [name, value] : options.settings) settings.set(name, value);
    Json head;
    head.set("plan", codec::to_hex(options.plan.digest));
    head.set("profile", options.profile);
    head.set("deployer", codec::to_hex(deployer));
    head.set("settings", std::move(settings));
    return head;
}

std::string format_progress(const Json& what, const Progress& progress) {
    Json object;
    object.set("what", what);
    object.set("chainId", progress.chain_id);
    object.set("firstNonce", progress.first_nonce);
    object.set("block", progress.block);
    object.set("blockHash", codec::to_hex(progress.block_hash));
    object.set("time", progress.time);
    object.set("stepsDone", progress.steps_done);
    Json read{codec::JsonObject{}};
    for (const auto& [name, word] : progress.read) read.set(name, codec::to_hex(word));
    object.set("read", std::move(read));
    return codec::dump_json_pretty(object) + "\n";
}

// kConflict: it is of something else.
Result<Progress> parse_progress(std::string_view text, const Json& what) {
    TRY(const Json object, codec::parse_json(text, {.bytes_max = kProgressBytesMax, .depth_max = 8}));
    const Json* of = object.find("what");
    if (of == nullptr || *of != what) {
        return make_error(Errc::kConflict,
                          "the progress is of a deployment with another plan, account or settings; remove the file to "
                          "start anew");
    }
    Progress progress;
    const auto number = [&object](const char* name, std::uint64_t* out) {
        const Json* value = object.find(name);
        return value != nullptr && value->get_u64(out);
    };
    const Json* hash = object.find("blockHash");
    const Json* read = object.find("read");
    const bool is_complete = number("chainId", &progress.chain_id) && number("firstNonce", &progress.first_nonce) &&
                             number("block", &progress.block) && number("time", &progress.time) &&
                             number("stepsDone", &progress.steps_done) && hash != nullptr && hash->is_string() &&
                             read != nullptr && read->is_object();
    if (!is_complete) return make_error(Errc::kInvalid, "malformed progress file");
    TRY(progress.block_hash, codec::parse_fixed<Hash>(*hash->get_string()));
    for (const auto& [name, value] : *read->get_object()) {
        if (!value.is_string()) return make_error(Errc::kInvalid, "malformed progress file");
        TRY(progress.read[name], codec::parse_fixed<U256>(*value.get_string()));
    }
    return progress;
}

Error in_step(const PlanStep& step, Error error) {
    error.message = "step " + step.name + ": " + error.message;
    return error;
}

bool is_zero_word(ByteView answer) {
    for (const std::uint8_t byte : answer.first(std::min<std::size_t>(answer.size(), 32))) {
        if (byte != 0) return false;
    }
    return true;
}

class Deployer {
  public:
    Deployer(Runtime* runtime, EvmRpc* rpc, TransactionSender* sender, DeployOptions options)
        : runtime_{runtime},
          rpc_{rpc},
          sender_{sender},
          options_{std::move(options)},
          what_{what_is_deployed(options_, sender->account())} {}

    Task<Result<Deployment>> run() {
        CO_TRY_OK(co_await begin());
        CO_TRY(words_,
               PlanWords::make(options_.plan, options_.profile, options_.settings, sender_->account(), progress_.time));
        CO_TRY_OK(sort_steps());
        CO_TRY_OK(co_await create_all());
        for (std::size_t index = 0; index < later_.size(); ++index) {
            if (index < progress_.steps_done) continue;
            const Result<void> done = co_await send_one(*later_[index]);
            if (!done) co_return in_step(*later_[index], done.error());
            progress_.steps_done = index + 1;
            CO_TRY_OK(record());
        }
        co_return deployment();
    }

  private:
    // Takes up what the progress file tells, unless the chain is another by now.
    Task<Result<void>> begin() {
        CO_TRY(const std::uint64_t chain_id, co_await rpc_->chain_id());
        CO_TRY_OK(co_await await_pending());
        const Result<std::string> text = options_.progress_file.empty()
                                             ? Result<std::string>{make_error(Errc::kNotFound, "")}
                                             : read_text(options_.progress_file, kProgressBytesMax);
        if (!text && text.error().code != Errc::kNotFound) co_return text.error();
        if (text) {
            CO_TRY(progress_, parse_progress(*text, what_));
            CO_TRY(const std::optional<EvmBlock> block, co_await rpc_->block(progress_.block));
            const bool is_same = chain_id == progress_.chain_id && block && block->head.hash == progress_.block_hash;
            if (is_same) co_return Result<void>{};
        }
        progress_ = {};
        progress_.chain_id = chain_id;
        CO_TRY(const EvmBlock head, co_await rpc_->latest_block());
        progress_.block = head.head.number;
        progress_.block_hash = head.head.hash;
        progress_.time = head.head.timestamp;
        CO_TRY(progress_.first_nonce, co_await rpc_->transaction_count(sender_->account(), "latest"));
        co_return record();
    }

    // A transaction of an earlier try may be on its way.
    Task<Result<void>> await_pending() {
        const TimePoint deadline = runtime_->now() + kPendingMax;
        while (true) {
            CO_TRY(const std::uint64_t latest, co_await rpc_->transaction_count(sender_->account(), "latest"));
            CO_TRY(const std::uint64_t pending, co_await rpc_->transaction_count(sender_->account(), "pending"));
            if (pending <= latest) co_return Result<void>{};
            if (runtime_->now() >= deadline) {
                co_return make_error(Errc::kTimeout, "transactions of this account are pending for too long");
            }
            co_await runtime_->sleep_until(runtime_->now() + kPendingPoll);
        }
    }

    Result<void> record() {
        if (options_.progress_file.empty()) return {};
        return write_text(options_.progress_file, format_progress(what_, progress_));
    }

    // Creations come first, so that nonces, and with them all addresses, are known.
    Result<void> sort_steps() {
        std::uint64_t nonce = progress_.first_nonce;
        for (const PlanStep& step : options_.plan.steps) {
            if (!step.profile.empty() && step.profile != options_.profile) continue;
            if (step.kind != PlanStep::Kind::kCreate) {
                later_.push_back(&step);
                continue;
            }
            if (!step.unless.empty() && words_.is_given(step.unless)) {
                TRY(const Address given, words_.address("config:" + step.unless));
                words_.set_address(step.name, given);
                continue;
            }
            words_.set_address(step.name, crypto::created_address(sender_->account(), nonce++));
            creations_.push_back(&step);
        }
        for (const auto& [name, word] : progress_.read) know(name, word);
        return {};
    }

    Task<Result<void>> create_all() {
        CO_TRY(const std::uint64_t next, co_await rpc_->transaction_count(sender_->account(), "latest"));
        for (std::size_t index = 0; index < creations_.size(); ++index) {
            const PlanStep& step = *creations_[index];
            CO_TRY(const Address expected, words_.address("address:" + step.name));
            if (progress_.first_nonce + index < next) {
                CO_TRY(const bool has_code, co_await rpc_->has_code(expected));
                if (has_code) continue;
                co_return in_step(step, make_error(Errc::kConflict,
                                                   "the account was used for something else, or the creation failed; "
                                                   "remove the progress file to start anew"));
            }
            const Result<void> made = co_await create(step, expected);
            if (!made) co_return in_step(step, made.error());
        }
        co_return Result<void>{};
    }

    Task<Result<void>> create(const PlanStep& step, Address expected) {
        const auto code = options_.artifacts.find(step.artifact);
        if (code == options_.artifacts.end()) {
            co_return make_error(Errc::kInvalid, "artifacts: no contract " + step.artifact);
        }
        tell(step);
        EvmCall call;
        call.data = code->second;
        CO_TRY(const Bytes arguments, words_.fill(step.send));
        append(&call.data, arguments);
        CO_TRY(const EvmReceipt receipt, co_await sender_->execute(std::move(call)));
        if (receipt.created == expected) co_return Result<void>{};
        co_return make_error(Errc::kConflict,
                             "created at another address than expected: the account sends other "
                             "transactions at the same time");
    }

    Task<Result<void>> send_one(const PlanStep& step) {
        CO_TRY(const bool is_done, co_await is_already_done(step));
        if (is_done) co_return Result<void>{};
        EvmCall call;
        CO_TRY(call.to, words_.address(step.send.to));
        CO_TRY(call.data, words_.fill(step.send));
        if (step.kind == PlanStep::Kind::kCall) {
            tell(step);
            CO_TRY_OK(co_await sender_->execute(std::move(call)));
            co_return Result<void>{};
        }
        CO_TRY(const Bytes answer, co_await rpc_->call(std::move(call)));
        if (answer.size() < 32 || is_zero_word(answer)) co_return make_error(Errc::kCorrupt, "nothing is there");
        const U256 word = U256::make(ByteView{answer}.first(U256::kSize));
        progress_.read[step.name] = word;
        know(step.name, word);
        co_return Result<void>{};
    }

    void know(const std::string& name, const U256& word) {
        words_.set_found(name, word);
        if (!options_.plan.artifact_of.contains(name)) return;
        words_.set_address(name, Address::make(word.view().last(Address::kSize)));
    }

    Task<Result<bool>> is_already_done(const PlanStep& step) {
        if (step.done.to.empty()) co_return false;
        EvmCall call;
        CO_TRY(call.to, words_.address(step.done.to));
        CO_TRY(call.data, words_.fill(step.done));
        CO_TRY(const Bytes answer, co_await rpc_->call(std::move(call)));
        co_return answer.size() >= 32 && !is_zero_word(answer);
    }

    void tell(const PlanStep& step) const {
        if (options_.on_step) options_.on_step(step.name);
    }

    Deployment deployment() const {
        Deployment made;
        made.chain_id = progress_.chain_id;
        made.block = progress_.block + 1;
        made.contracts = words_.addresses();
        made.stable = made.find("Stable").value_or(Address{});
        made.registry = made.find("NodeRegistry").value_or(Address{});
        made.escrow = made.find("Escrow").value_or(Address{});
        made.settlement = made.find("Settlement").value_or(Address{});
        made.access_manager = made.find("AccessManager").value_or(Address{});
        made.treasury = made.find("Treasury").value_or(Address{});
        return made;
    }

    Runtime* runtime_;
    EvmRpc* rpc_;
    TransactionSender* sender_;
    DeployOptions options_;
    Json what_;
    Progress progress_;
    PlanWords words_;
    std::vector<const PlanStep*> creations_;
    std::vector<const PlanStep*> later_;
};

}  // namespace

Result<DeployOptions> load_deploy_options(const std::string& folder) {
    DeployOptions options;
    TRY(options.plan, load_plan(folder + "/plan.json"));
    TRY(options.artifacts, load_artifacts(folder + "/artifacts.json"));
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder + "/third_party", error)) {
        if (entry.path().extension() != ".json") continue;
        TRY(Artifacts others, load_artifacts(entry.path().string()));
        options.artifacts.merge(others);
    }
    return options;
}

Task<Result<Deployment>> deploy(Runtime* runtime, EvmRpc* rpc, TransactionSender* sender, DeployOptions options) {
    Deployer deployer{runtime, rpc, sender, std::move(options)};
    co_return co_await deployer.run();
}

}  // namespace vcity::adapters
