// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/chain.hpp"

#include <deque>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "adapters/chain_evm/contracts.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "crypto/secp256k1.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;
using codec::Json;
using codec::JsonArray;

// A server that the test scripts: what it answers to each method, and what it was asked.
class FakeNode final : public ports::HttpClient {
  public:
    // A result for every call of that method from now on.
    void answer(const std::string& method, Json result) { answers_[method] = {reply("result", std::move(result))}; }
    // Results for the next calls; the last one stays.
    void answer_in_turn(const std::string& method, std::vector<Json> results) {
        answers_[method].clear();
        for (Json& result : results) answers_[method].push_back(reply("result", std::move(result)));
    }
    void fail_next(const std::string& method, const std::string& message, const std::string& data = "") {
        Json error;
        error.set("code", 3);
        error.set("message", message);
        if (!data.empty()) error.set("data", data);
        answers_[method].push_front(reply("error", std::move(error)));
    }
    void lose_next(const std::string& method) { answers_[method].push_front(Json{}); }
    void answer_raw(std::string body) { raw_ = std::move(body); }
    unsigned status = 200;

    Task<Result<ports::HttpResponse>> send(ports::HttpRequest request, TimePoint) override {
        const Json body = codec::parse_json(request.body).value();
        const std::string method = *body.find("method")->get_string();
        requests.emplace_back(method, *body.find("params"));
        ports::HttpResponse response;
        response.status = status;
        response.body = raw_;
        if (!raw_.empty() || status != 200) co_return response;
        std::deque<Json>& answers = answers_[method];
        if (answers.empty()) co_return make_error(Errc::kUnavailable, "no answer to " + method);
        Json answer = answers.front();
        if (answers.size() > 1) answers.pop_front();
        if (answer.is_null()) co_return make_error(Errc::kTimeout, "lost the answer to " + method);
        answer.set("jsonrpc", "2.0");
        answer.set("id", *body.find("id"));
        response.body = codec::dump_json(answer);
        co_return response;
    }
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest, TimePoint) override {
        co_return make_error(Errc::kUnavailable, "no streams here");
    }
    int count(const std::string& method) const {
        int found = 0;
        for (const auto& [name, parameters] : requests) found += name == method ? 1 : 0;
        return found;
    }

    std::vector<std::pair<std::string, Json>> requests;

  private:
    static Json reply(const char* member, Json value) {
        Json answer;
        answer.set(member, std::move(value));
        return answer;
    }

    std::map<std::string, std::deque<Json>> answers_;
    std::string raw_;
};

class KeySigner final : public ports::Signer {
  public:
    Address address() const override { return key_.address(); }
    Result<Signature> sign(const Hash& digest) override { return key_.sign(digest); }

  private:
    crypto::PrivateKey key_ = crypto::PrivateKey::make(Bytes(32, 1)).value();
};

using Base = ports::testing::OnRuntime<ports::testing::TaskRunner, AsioRuntime>;

class ChainTest : public ::testing::Test, public Base {
  protected:
    ChainTest() {
        deployment.chain_id = 31'337;
        deployment.stable.bytes.fill(1);
        deployment.registry.bytes.fill(2);
        deployment.escrow.bytes.fill(3);
        deployment.settlement.bytes.fill(4);
        node.answer("eth_chainId", "0x7a69");
        node.answer("eth_getBlockByNumber", block(5));
        node.answer("eth_maxPriorityFeePerGas", "0x3b9aca00");
        node.answer("eth_estimateGas", "0x5208");
        node.answer("eth_getTransactionCount", "0x7");
    }
    template <class T>
    T run_to_end(Task<T> task) {
        return ports::testing::await(*this, std::move(task));
    }
    static Json hash_json(std::uint8_t fill) {
        Hash hash;
        hash.bytes.fill(fill);
        return codec::to_hex(hash);
    }
    static Json block(std::uint64_t number, std::uint8_t fill = 9) {
        Json value;
        value.set("number", codec::to_quantity(number));
        value.set("hash", hash_json(fill));
        value.set("timestamp", "0x64");
        value.set("baseFeePerGas", "0x3b9aca00");
        return value;
    }
    static Json receipt(const Json& transaction, bool succeeded, std::uint8_t block_fill = 9) {
        Json value;
        value.set("transactionHash", transaction);
        value.set("blockHash", hash_json(block_fill));
        value.set("blockNumber", "0x5");
        value.set("gasUsed", "0x5208");
        value.set("status", succeeded ? "0x1" : "0x0");
        return value;
    }
    EvmCall transfer() {
        EvmCall call;
        call.to = deployment.stable;
        call.data = {1, 2, 3, 4};
        return call;
    }
    // The hash of the transaction that the sender will make first: everything in it is known.
    Json first_hash(std::uint64_t nonce = 7, std::uint64_t gas = 21'000 + 5'250 + 10'000) {
        crypto::FeeMarketTransaction transaction;
        transaction.chain_id = 31'337;
        transaction.nonce = nonce;
        transaction.priority_fee_per_gas_max = 1'000'000'000;
        transaction.fee_per_gas_max = 3'000'000'000;
        transaction.gas = gas;
        transaction.to = deployment.stable;
        transaction.data = {1, 2, 3, 4};
        const Signature signature = signer.sign(crypto::signing_hash(transaction)).value();
        return codec::to_hex(crypto::attach_signature(transaction, signature).hash);
    }
    EvmTransactionOptions quick() {
        EvmTransactionOptions options;
        options.confirm_max = 2s;
        options.poll_first = 1ms;
        options.poll_max = 1ms;
        options.replace_after = 1h;
        return options;
    }

    Deployment deployment;
    FakeNode node;
    KeySigner signer;
    EvmRpc rpc{&runtime(), &node, "http://rpc.test/"};
    EvmChainReader reader{&runtime(), &rpc, deployment};
};

TEST_F(ChainTest, RefusesAnotherChain) {
    node.answer("eth_chainId", "0x1");

    const Result<void> checked = run_to_end(check_chain(&rpc, deployment));

    ASSERT_FALSE(checked.has_value());
    EXPECT_EQ(checked.error().code, Errc::kInvalid);
    EXPECT_NE(checked.error().message.find("is chain 1, the deployment is on 31337"), std::string::npos);
}

TEST_F(ChainTest, RefusesAChainWithoutTheContracts) {
    node.answer("eth_getCode", "0x");
    EXPECT_EQ(run_to_end(check_chain(&rpc, deployment)).error().code, Errc::kInvalid);

    node.answer("eth_getCode", "0x6001");
    EXPECT_TRUE(run_to_end(check_chain(&rpc, deployment)).has_value());
}

TEST_F(ChainTest, CallsNonsenseCorrupt) {
    for (const char* body : {"", "x", "[]", "{}", R"({"id":1})", R"({"id":"1","result":"0x1"})",
                             R"({"id":99,"result":"0x1"})", R"({"jsonrpc":"2.0","id":1,"result":1})"}) {
        FakeNode nonsense;
        nonsense.answer_raw(body[0] == '\0' ? " " : body);
        EvmRpc other{&runtime(), &nonsense, "http://rpc.test/"};
        const Result<std::uint64_t> chain_id = run_to_end(other.chain_id());
        ASSERT_FALSE(chain_id.has_value()) << body;
        EXPECT_EQ(chain_id.error().code, Errc::kCorrupt) << body;
    }
}

TEST_F(ChainTest, CallsMalformedFieldsCorrupt) {
    Json no_hash = block(5);
    no_hash.set("hash", "0x12");
    Json leading_zero = block(5);
    leading_zero.set("number", "0x05");
    Json huge = block(5);
    huge.set("timestamp", "0x10000000000000000");
    for (const Json& bad : {no_hash, leading_zero, huge, Json{"text"}, Json{}}) {
        node.answer("eth_getBlockByNumber", bad);
        const Result<ChainHead> head = run_to_end(reader.head());
        ASSERT_FALSE(head.has_value());
        EXPECT_EQ(head.error().code, Errc::kCorrupt);
    }
}

TEST_F(ChainTest, TellsHttpStatusesApart) {
    const std::pair<unsigned, Errc> expected[] = {
        {401, Errc::kDenied}, {429, Errc::kExhausted}, {503, Errc::kUnavailable}};
    for (const auto& [status, code] : expected) {
        node.status = status;
        EXPECT_EQ(run_to_end(rpc.chain_id()).error().code, code);
    }
}

TEST_F(ChainTest, ReadsAnUnknownNodeAsNone) {
    std::vector<codec::AbiValue> fields(12, codec::abi_uint(0));
    fields.push_back(codec::abi_string(""));
    const Bytes empty = codec::abi_encode({codec::abi_tuple(std::move(fields))});
    node.answer("eth_call", codec::to_hex(empty));

    const auto found = run_to_end(reader.node(Address{}));

    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_FALSE(found->has_value());
}

TEST_F(ChainTest, CallsATruncatedAnswerCorrupt) {
    node.answer("eth_call", "0x0000");
    EXPECT_EQ(run_to_end(reader.next_batch_index(Address{})).error().code, Errc::kCorrupt);
    node.answer("eth_call", "0x");
    EXPECT_EQ(run_to_end(reader.next_batch_index(Address{})).error().code, Errc::kCorrupt);
    node.answer("eth_call", "0x" + std::string(64, 'f'));
    EXPECT_EQ(run_to_end(reader.stable_balance(Address{})).error().code, Errc::kCorrupt);
}

TEST_F(ChainTest, SendsATransactionAndWaitsForItsBlock) {
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, quick()};
    node.answer("eth_sendRawTransaction", first_hash());
    node.answer_in_turn("eth_getTransactionReceipt", {Json{}, Json{}, receipt(first_hash(), true)});

    const Result<EvmReceipt> done = run_to_end(sender.execute(transfer()));

    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(Json{codec::to_hex(done->transaction)}, first_hash());
    EXPECT_EQ(node.count("eth_sendRawTransaction"), 1);
}

TEST_F(ChainTest, TellsWhyACallWouldRevert) {
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, quick()};
    const Bytes data = encode_call("BatchIndexMismatch(uint64,uint64)", {codec::abi_uint(3), codec::abi_uint(2)});
    node.fail_next("eth_estimateGas", "execution reverted", codec::to_hex(data));

    const Result<EvmReceipt> done = run_to_end(sender.execute(transfer()));

    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kConflict);
    EXPECT_EQ(done.error().message, "reverted: batch 2 cannot be posted: the next one is 3 (BatchIndexMismatch)");
    EXPECT_EQ(node.count("eth_sendRawTransaction"), 0);
}

TEST_F(ChainTest, TellsWhyATransactionReverted) {
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, quick()};
    node.answer("eth_sendRawTransaction", first_hash());
    node.answer("eth_getTransactionReceipt", receipt(first_hash(), false));
    node.answer("eth_call", "0x");
    const Bytes data = encode_call("NothingToClaim(address,address)",
                                   {codec::abi_address(deployment.stable), codec::abi_address(deployment.escrow)});
    node.fail_next("eth_call", "execution reverted", codec::to_hex(data));

    const Result<EvmReceipt> done = run_to_end(sender.execute(transfer()));

    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kConflict);
    EXPECT_NE(done.error().message.find("(NothingToClaim)"), std::string::npos) << done.error().message;
}

TEST_F(ChainTest, TakesAnotherNonceWhenTheFirstIsUsed) {
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, quick()};
    node.answer_in_turn("eth_getTransactionCount", {"0x6", "0x7"});
    node.answer("eth_sendRawTransaction", first_hash());
    node.fail_next("eth_sendRawTransaction", "nonce too low: next nonce 7, tx nonce 6");
    node.answer("eth_getTransactionReceipt", receipt(first_hash(), true));

    const Result<EvmReceipt> done = run_to_end(sender.execute(transfer()));

    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(node.count("eth_sendRawTransaction"), 2);
}

TEST_F(ChainTest, FindsATransactionWhoseAnswerWasLost) {
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, quick()};
    node.answer("eth_sendRawTransaction", first_hash());
    node.lose_next("eth_sendRawTransaction");
    node.answer_in_turn("eth_getTransactionReceipt", {Json{}, receipt(first_hash(), true)});

    const Result<EvmReceipt> done = run_to_end(sender.execute(transfer()));

    EXPECT_TRUE(done.has_value()) << done.error().message;
}

TEST_F(ChainTest, DoesNotBelieveAReceiptOfAnAbandonedBlock) {
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, quick()};
    node.answer("eth_sendRawTransaction", first_hash());
    node.answer_in_turn("eth_getTransactionReceipt", {receipt(first_hash(), true, 8), receipt(first_hash(), true, 9)});

    const Result<EvmReceipt> done = run_to_end(sender.execute(transfer()));

    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(node.count("eth_getTransactionReceipt"), 2);
}

TEST_F(ChainTest, RaisesTheFeeOfATransactionThatIsStuck) {
    EvmTransactionOptions options = quick();
    options.replace_after = 0s;
    options.confirm_max = 20ms;
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, options};
    node.answer("eth_sendRawTransaction", first_hash());
    node.answer("eth_getTransactionReceipt", Json{});

    const Result<EvmReceipt> done = run_to_end(sender.execute(transfer()));

    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kTimeout);
    std::set<std::string> sent;
    for (const auto& [method, parameters] : node.requests) {
        if (method == "eth_sendRawTransaction") sent.insert(*parameters.get_array()->front().get_string());
    }
    EXPECT_GT(sent.size(), 1U);
}

TEST_F(ChainTest, StartsOverWhenSomebodyElseUsedItsNonce) {
    EvmTransactionOptions options = quick();
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, options};
    node.answer_in_turn("eth_getTransactionCount", {"0x6", "0x7", "0x7", "0x7", "0x7", "0x7", "0x7"});
    node.answer_in_turn("eth_sendRawTransaction", {first_hash(6), first_hash(7)});
    node.answer_in_turn("eth_getTransactionReceipt",
                        {Json{}, Json{}, Json{}, Json{}, Json{}, receipt(first_hash(7), true)});

    const Result<EvmReceipt> done = run_to_end(sender.execute(transfer()));

    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(Json{codec::to_hex(done->transaction)}, first_hash(7));
}

TEST_F(ChainTest, DoesNotPayAnyPriceForGas) {
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, quick()};
    Json dear = block(5);
    dear.set("baseFeePerGas", "0x1000000000000");
    node.answer("eth_getBlockByNumber", dear);

    EXPECT_EQ(run_to_end(sender.execute(transfer())).error().code, Errc::kExhausted);
    EXPECT_EQ(node.count("eth_sendRawTransaction"), 0);
}

TEST_F(ChainTest, SaysThatThereIsNoMoneyForGas) {
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, quick()};
    node.answer("eth_sendRawTransaction", first_hash());
    node.fail_next("eth_sendRawTransaction", "Insufficient funds for gas * price + value");

    EXPECT_EQ(run_to_end(sender.execute(transfer())).error().code, Errc::kExhausted);
}

TEST_F(ChainTest, RegistersOnlyItsOwnAccount) {
    TransactionSender sender{&runtime(), &rpc, &signer, 31'337, quick()};
    EvmChainWriter writer{&runtime(), &rpc, &sender, deployment};
    NodeRecord record;
    EXPECT_EQ(run_to_end(writer.register_node(record)).error().code, Errc::kInvalid);
    record.identity = signer.address();
    record.hardware.gpu_model = std::string(32, 'x');
    EXPECT_EQ(run_to_end(writer.register_node(record)).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::adapters
