// SPDX-License-Identifier: Apache-2.0
#include "attest/hpke.hpp"

#include <memory>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "attest/cursor.hpp"
#include "attest/encoding.hpp"
#include "attest/testing/vector_check.hpp"

namespace vcity::attest {
namespace {

Bytes shake128(ByteView input, std::size_t size) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    Bytes out(size);
    EXPECT_EQ(EVP_DigestInit_ex(context.get(), EVP_shake128(), nullptr), 1);
    EXPECT_EQ(EVP_DigestUpdate(context.get(), input.data(), input.size()), 1);
    EXPECT_EQ(EVP_DigestFinalXOF(context.get(), out.data(), out.size()), 1);
    return out;
}

// The inputs of the accumulated vectors: a byte for the length, then as many bytes, out of SHAKE128 of nothing.
class Inputs {
  public:
    Inputs() : stream_{shake128({}, 600'000)}, cursor_{stream_, ByteOrder::kBig} {}
    ByteView next() { return cursor_.take(cursor_.u8()); }

  private:
    Bytes stream_;
    Cursor cursor_;
};

struct Suite {
    codec::Json vector;

    Bytes bytes(std::string_view name) const { return parse_plain_hex(*vector.find(name)->get_string()).value(); }
};

// Ours among the suites of RFC 9180's vectors.
Suite our_suite() {
    const testing::VectorFolder folder{VCITY_SOURCE_DIR "/tests/vectors/attestation"};
    const codec::Json all = codec::parse_json(as_text(folder.read("hpke/rfc9180.json"))).value();
    for (const codec::Json& vector : *all.get_array()) {
        const auto is = [&](std::string_view name, int value) { return *vector.find(name) == codec::Json{value}; };
        if (is("mode", 0) && is("kem_id", 0x20) && is("kdf_id", 1) && is("aead_id", 3)) return {vector};
    }
    ADD_FAILURE() << "the suite is not among the vectors";
    return {};
}

TEST(Hpke, GivesTheKeysAndMessagesOfTheStandard) {
    const Suite suite = our_suite();
    const HpkeKeyPair receiver = derive_hpke_key(suite.bytes("ikmR"));
    const HpkeKeyPair ephemeral = derive_hpke_key(suite.bytes("ikmE"));
    EXPECT_EQ(to_bytes(receiver.secret.reveal()), suite.bytes("skRm"));
    EXPECT_EQ(to_bytes(receiver.public_key.view()), suite.bytes("pkRm"));

    auto sender = HpkeContext::make_sender(receiver.public_key, ephemeral, suite.bytes("info")).value();
    HpkeContext reader = HpkeContext::make_receiver(receiver, sender.first, suite.bytes("info")).value();

    EXPECT_EQ(to_bytes(sender.first.view()), suite.bytes("enc"));
    Inputs inputs;
    Bytes sealed;
    for (int i = 0; i < 1000; ++i) {
        const ByteView associated = inputs.next();
        const ByteView plaintext = inputs.next();
        const Bytes ciphertext = sender.second.seal(associated, plaintext).value();
        append(&sealed, ciphertext);
        EXPECT_TRUE(equal(reader.open(associated, ciphertext).value(), plaintext));
    }
    EXPECT_EQ(shake128(sealed, 16), suite.bytes("encryptions_accumulated"));
}

TEST(Hpke, ExportsTheSecretsOfTheStandard) {
    const Suite suite = our_suite();
    const HpkeKeyPair receiver = derive_hpke_key(suite.bytes("ikmR"));
    const HpkeContext context =
        HpkeContext::make_receiver(receiver, HpkeEncapsulation::make(suite.bytes("enc")), suite.bytes("info")).value();

    Inputs inputs;
    Bytes exported;
    for (std::size_t size = 0; size < 1000; ++size) append(&exported, context.export_secret(inputs.next(), size));

    EXPECT_EQ(shake128(exported, 16), suite.bytes("exports_accumulated"));
}

TEST(Hpke, OpensMessagesInOrderAndUnchangedOnly) {
    const HpkeKeyPair receiver = derive_hpke_key(Bytes(32, 1));
    auto sender = HpkeContext::make_sender(receiver.public_key, derive_hpke_key(Bytes(32, 2)), {}).value();
    HpkeContext reader = HpkeContext::make_receiver(receiver, sender.first, {}).value();
    const Bytes first = sender.second.seal({}, Bytes{1, 2, 3}).value();
    const Bytes second = sender.second.seal({}, {}).value();

    EXPECT_FALSE(reader.open({}, second));
    for (std::size_t i = 0; i < first.size(); ++i) {
        Bytes changed = first;
        changed[i] ^= 1;
        EXPECT_FALSE(reader.open({}, changed));
    }
    EXPECT_FALSE(reader.open(Bytes{0}, first));
    EXPECT_FALSE(reader.open({}, ByteView{first}.first(15)));
    EXPECT_EQ(reader.open({}, first).value(), (Bytes{1, 2, 3}));
    EXPECT_FALSE(reader.open({}, first));
    EXPECT_EQ(reader.open({}, second).value(), Bytes{});
}

TEST(Hpke, NeedsTheSameInfoAndReceiver) {
    const HpkeKeyPair receiver = derive_hpke_key(Bytes(32, 1));
    auto sender = HpkeContext::make_sender(receiver.public_key, derive_hpke_key(Bytes(32, 2)), Bytes{1}).value();
    const Bytes message = sender.second.seal({}, Bytes{1}).value();

    EXPECT_FALSE(HpkeContext::make_receiver(receiver, sender.first, Bytes{2})->open({}, message));
    EXPECT_FALSE(HpkeContext::make_receiver(derive_hpke_key(Bytes(32, 3)), sender.first, Bytes{1})->open({}, message));
    EXPECT_TRUE(HpkeContext::make_receiver(receiver, sender.first, Bytes{1})->open({}, message));
}

TEST(Hpke, RefusesPublicKeysOfSmallOrderAndLongMessages) {
    const HpkeKeyPair pair = derive_hpke_key(Bytes(32, 1));
    HpkePublicKey small;
    EXPECT_FALSE(HpkeContext::make_sender(small, pair, {}));
    small.bytes[0] = 1;
    EXPECT_FALSE(HpkeContext::make_sender(small, pair, {}));
    EXPECT_FALSE(HpkeContext::make_receiver(pair, HpkeEncapsulation{}, {}));
    auto sender = HpkeContext::make_sender(pair.public_key, pair, {}).value();
    EXPECT_FALSE(sender.second.seal({}, Bytes((1U << 20U) + 1)));
}

}  // namespace
}  // namespace vcity::attest
