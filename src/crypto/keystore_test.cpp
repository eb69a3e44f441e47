// SPDX-License-Identifier: Apache-2.0
#include "crypto/keystore.hpp"

#include <cryptopp/scrypt.h>
#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/keccak.hpp"

namespace vcity::crypto {
namespace {

// The two examples of the Web3 Secret Storage definition.
constexpr const char* kPassword = "testpassword";
constexpr const char* kKey = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
constexpr const char* kPbkdf2File = R"({
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144, "dklen": 32, "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3
})";
constexpr const char* kScryptFile = R"({
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
        "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
        "kdf": "scrypt",
        "kdfparams": {
            "dklen": 32, "n": 262144, "p": 8, "r": 1,
            "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
        },
        "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3
})";

const KeystoreRandomness kRandomness{.salt = Bytes(32, 1), .iv = Bytes(16, 2), .uuid = Bytes(16, 3)};
constexpr ScryptCost kCheap{.n = 2, .r = 1, .p = 1};

PrivateKey known_key() {
    return PrivateKey::make(codec::parse_hex(kKey).value()).value();
}

std::string cheap_file() {
    return encrypt_keystore(known_key(), as_bytes(kPassword), kRandomness, kCheap).value();
}

Result<PrivateKey> opened(const std::string& file, std::string_view password = kPassword) {
    return decrypt_keystore(file, as_bytes(password));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t position = text.find(from);
    EXPECT_NE(position, std::string::npos) << from;
    return text.replace(position, from.size(), to);
}

TEST(Keystore, OpensTheDefinitionsPbkdf2Example) {
    EXPECT_EQ(codec::to_hex(opened(kPbkdf2File).value().reveal()), kKey);
}

TEST(Keystore, RefusesTheDefinitionsScryptExampleWhoseCostTheRfcForbids) {
    const auto key = opened(kScryptFile);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().message, "keystore: scrypt n is too large for its r");
}

TEST(Keystore, DerivesAsAnotherImplementationOfScryptDoes) {
    const std::string text =
        encrypt_keystore(known_key(), as_bytes(kPassword), kRandomness, {.n = 1024, .r = 8, .p = 1}).value();
    const codec::Json file = codec::parse_json(text).value();
    const codec::Json& crypto = *file.find("crypto");
    const Bytes ciphertext = codec::parse_hex("0x" + *crypto.find("ciphertext")->get_string()).value();

    Bytes derived(32);
    CryptoPP::Scrypt{}.DeriveKey(derived.data(), derived.size(), as_bytes(kPassword).data(), as_bytes(kPassword).size(),
                                 kRandomness.salt.data(), kRandomness.salt.size(), 1024, 8, 1);

    EXPECT_EQ(codec::to_hex(keccak256({ByteView{derived}.subspan(16), ciphertext})),
              "0x" + *crypto.find("mac")->get_string());
    EXPECT_EQ(codec::to_hex(opened(text).value().reveal()), kKey);
}

TEST(Keystore, OpensWhatItWrites) {
    EXPECT_EQ(codec::to_hex(opened(cheap_file()).value().reveal()), kKey);
    EXPECT_EQ(cheap_file(), cheap_file());
}

TEST(Keystore, WritesAFileOthersCanRead) {
    const codec::Json file = codec::parse_json(cheap_file()).value();
    EXPECT_EQ(*file.find("id")->get_string(), "03030303-0303-4303-8303-030303030303");
    EXPECT_EQ(*file.find("address")->get_string(), codec::to_hex(known_key().address()).substr(2));
    EXPECT_EQ(*file.find("crypto")->find("kdf")->get_string(), "scrypt");
}

TEST(Keystore, DeniesAWrongPassword) {
    EXPECT_EQ(opened(cheap_file(), "testpasswort").error().code, Errc::kDenied);
    EXPECT_EQ(opened(cheap_file(), "").error().code, Errc::kDenied);
}

TEST(Keystore, DeniesChangedBytes) {
    const std::string file = cheap_file();
    const codec::Json json = codec::parse_json(file).value();
    for (const char* name : {"ciphertext", "mac"}) {
        std::string text = *json.find("crypto")->find(name)->get_string();
        const std::string before = text;
        text[0] = text[0] == '0' ? '1' : '0';
        EXPECT_EQ(opened(replaced(file, before, text)).error().code, Errc::kDenied) << name;
    }
}

TEST(Keystore, RefusesCostsAboveTheMaximum) {
    const std::string file = cheap_file();
    for (const char* n : {"\"n\": 0", "\"n\": 1", "\"n\": 3", "\"n\": 2097152", "\"n\": 18446744073709551615",
                          "\"n\": -2", "\"n\": 2.0", "\"n\": \"2\""}) {
        EXPECT_EQ(opened(replaced(file, "\"n\": 2", n)).error().code, Errc::kInvalid) << n;
    }
    EXPECT_FALSE(opened(replaced(file, "\"r\": 1", "\"r\": 17")));
    EXPECT_FALSE(opened(replaced(file, "\"r\": 1", "\"r\": 0")));
    EXPECT_FALSE(opened(replaced(file, "\"p\": 1", "\"p\": 17")));
    // Each within its bound, but two gigabytes together.
    EXPECT_FALSE(opened(replaced(replaced(file, "\"n\": 2", "\"n\": 1048576"), "\"r\": 1", "\"r\": 16")));
    EXPECT_FALSE(opened(replaced(kPbkdf2File, "262144", "10000001")));
    EXPECT_FALSE(opened(replaced(kPbkdf2File, "262144", "0")));
    EXPECT_FALSE(encrypt_keystore(known_key(), as_bytes(kPassword), kRandomness, {.n = 3, .r = 1, .p = 1}));
}

TEST(Keystore, RefusesMalformedFiles) {
    const std::string file = cheap_file();
    for (const auto& [from, to] :
         std::initializer_list<std::pair<const char*, const char*>>{{"\"version\": 3", "\"version\": 1"},
                                                                    {"aes-128-ctr", "aes-128-cbc"},
                                                                    {"scrypt", "argon2"},
                                                                    {"\"dklen\": 32", "\"dklen\": 16"},
                                                                    {"\"iv\": \"02", "\"iv\": \""},
                                                                    {"\"iv\": \"02", "\"iv\": \"zz"},
                                                                    {"\"mac\": \"", "\"mac\": \"ff"},
                                                                    {"\"crypto\"", "\"other\""},
                                                                    {"\"kdfparams\"", "\"other\""},
                                                                    {"\"cipherparams\"", "\"other\""},
                                                                    {"\"address\": \"", "\"address\": \"ff"},
                                                                    {"\"salt\": \"", "\"salt\": 1, \"other\": \""}}) {
        const auto key = opened(replaced(file, from, to));
        ASSERT_FALSE(key) << to;
        EXPECT_EQ(key.error().code, Errc::kInvalid) << to;
    }
    EXPECT_FALSE(opened("{}"));
    EXPECT_FALSE(opened("[]"));
    EXPECT_FALSE(opened(""));
    EXPECT_FALSE(opened(replaced(kPbkdf2File, "hmac-sha256", "hmac-sha512")));
}

}  // namespace
}  // namespace vcity::crypto
