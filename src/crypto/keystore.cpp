// SPDX-License-Identifier: Apache-2.0
#include "crypto/keystore.hpp"

#include <bit>
#include <memory>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/keccak.hpp"

namespace vcity::crypto {
namespace {

using codec::Json;

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kDerivedSize = 32;
constexpr std::size_t kCipherKeySize = 16;
constexpr std::size_t kIvSize = 16;
constexpr std::size_t kUuidSize = 16;
constexpr std::size_t kSaltBytesMax = 64;
constexpr codec::JsonLimits kFileLimits{.bytes_max = 16'384, .depth_max = 8, .values_max = 100};

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, fmt::format("keystore: {}", what));
}

// The file's hex has no prefix.
std::string plain_hex(ByteView bytes) {
    return codec::to_hex(bytes).substr(2);
}

// --- reading members; a null pointer, from a missing parent, has no members

const Json* member(const Json* parent, const char* name) {
    return parent == nullptr ? nullptr : parent->find(name);
}

Result<std::string> text_of(const Json* parent, const char* name) {
    const Json* value = member(parent, name);
    if (value == nullptr || !value->is_string()) return malformed("a text is missing");
    return *value->get_string();
}

Result<std::uint64_t> number_of(const Json* parent, const char* name) {
    const Json* value = member(parent, name);
    std::uint64_t number = 0;
    if (value == nullptr || !value->get_u64(&number)) return malformed("a number is missing");
    return number;
}

Result<Bytes> hex_of(const Json* parent, const char* name, std::size_t bytes_max) {
    TRY(const std::string text, text_of(parent, name));
    return codec::parse_hex("0x" + text, bytes_max);
}

// --- primitives

struct DerivedKey {
    SecretBytes bytes;

    ByteView cipher_key() const { return bytes.reveal().first(kCipherKeySize); }
    ByteView mac_key() const { return bytes.reveal().subspan(kCipherKeySize); }
};

struct ScryptInputs {
    std::uint64_t n = 0;
    std::uint64_t r = 0;
    std::uint64_t p = 0;
    Bytes salt;
};

Result<DerivedKey> derive_scrypt(ByteView password, const ScryptInputs& inputs, const KeystoreCostMax& max) {
    if (inputs.n < 2 || !std::has_single_bit(inputs.n) || inputs.r == 0 || inputs.p == 0) {
        return malformed("scrypt parameters are not valid");
    }
    if (inputs.n > max.n || inputs.r > max.r || inputs.p > max.p || 128 * inputs.n * inputs.r > max.memory_bytes) {
        return malformed("scrypt cost is above the maximum");
    }
    // RFC 7914, section 2: N < 2^(128 * r / 8). OpenSSL insists.
    if (inputs.r < 4 && inputs.n >= std::uint64_t{1} << (16 * inputs.r)) {
        return malformed("scrypt n is too large for its r");
    }
    // OpenSSL also counts the blocks of p and some overhead.
    const std::uint64_t memory = 128 * inputs.r * (inputs.n + inputs.p + 2) + 4096;
    Bytes derived(kDerivedSize);
    const std::string_view text = as_text(password);
    if (EVP_PBE_scrypt(text.data(), text.size(), inputs.salt.data(), inputs.salt.size(), inputs.n, inputs.r, inputs.p,
                       memory, derived.data(), derived.size()) != 1) {
        ERR_clear_error();
        return make_error(Errc::kExhausted, "keystore: not enough memory for scrypt");
    }
    return DerivedKey{SecretBytes{std::move(derived)}};
}

Result<DerivedKey> derive_pbkdf2(ByteView password,
                                 const Bytes& salt,
                                 std::uint64_t iterations,
                                 const KeystoreCostMax& max) {
    if (iterations == 0 || iterations > max.iterations) return malformed("PBKDF2 cost is above the maximum");
    Bytes derived(kDerivedSize);
    const std::string_view text = as_text(password);
    CHECK(PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), salt.data(), static_cast<int>(salt.size()),
                            static_cast<int>(iterations), EVP_sha256(), static_cast<int>(derived.size()),
                            derived.data()) == 1);
    return DerivedKey{SecretBytes{std::move(derived)}};
}

// AES-128-CTR: the same operation both ways.
Bytes apply_cipher(ByteView cipher_key, ByteView iv, ByteView input) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{EVP_CIPHER_CTX_new(),
                                                                                  EVP_CIPHER_CTX_free};
    CHECK(context != nullptr && cipher_key.size() == kCipherKeySize && iv.size() == kIvSize);
    Bytes output(input.size());
    int size = 0;
    CHECK(EVP_EncryptInit_ex(context.get(), EVP_aes_128_ctr(), nullptr, cipher_key.data(), iv.data()) == 1);
    CHECK(EVP_EncryptUpdate(context.get(), output.data(), &size, input.data(), static_cast<int>(input.size())) == 1);
    CHECK(static_cast<std::size_t>(size) == input.size());
    return output;
}

Hash mac_of(const DerivedKey& derived, ByteView ciphertext) {
    return keccak256({derived.mac_key(), ciphertext});
}

// RFC 4122, version 4.
std::string uuid_text(Bytes bytes) {
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | 0x40U);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);
    const std::string hex = plain_hex(bytes);
    return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                       hex.substr(20));
}

Result<DerivedKey> derive(const Json* crypto, ByteView password, const KeystoreCostMax& max) {
    TRY(const std::string function, text_of(crypto, "kdf"));
    const Json* parameters = member(crypto, "kdfparams");
    TRY(const std::uint64_t size, number_of(parameters, "dklen"));
    if (size != kDerivedSize) return malformed("dklen is not 32");
    TRY(Bytes salt, hex_of(parameters, "salt", kSaltBytesMax));
    if (function == "scrypt") {
        ScryptInputs inputs{.n = 0, .r = 0, .p = 0, .salt = std::move(salt)};
        TRY(inputs.n, number_of(parameters, "n"));
        TRY(inputs.r, number_of(parameters, "r"));
        TRY(inputs.p, number_of(parameters, "p"));
        return derive_scrypt(password, inputs, max);
    }
    if (function != "pbkdf2") return malformed("kdf is neither scrypt nor pbkdf2");
    TRY(const std::string hash, text_of(parameters, "prf"));
    if (hash != "hmac-sha256") return malformed("prf is not hmac-sha256");
    TRY(const std::uint64_t iterations, number_of(parameters, "c"));
    return derive_pbkdf2(password, salt, iterations, max);
}

// The optional address must be that of the key.
Result<void> check_address(const Json& file, const PrivateKey& key) {
    const Json* address = file.find("address");
    if (address == nullptr) return {};
    const std::string expected = plain_hex(key.address().view());
    if (!address->is_string() || (*address->get_string() != expected && *address->get_string() != "0x" + expected)) {
        return malformed("address is not that of the key");
    }
    return {};
}

}  // namespace

Result<std::string> encrypt_keystore(const PrivateKey& key,
                                     ByteView password,
                                     const KeystoreRandomness& randomness,
                                     const ScryptCost& cost) {
    CHECK(randomness.salt.size() == kKeySize && randomness.iv.size() == kIvSize && randomness.uuid.size() == kUuidSize);
    TRY(const DerivedKey derived,
        derive_scrypt(password, {.n = cost.n, .r = cost.r, .p = cost.p, .salt = randomness.salt}, {}));
    const Bytes ciphertext = apply_cipher(derived.cipher_key(), randomness.iv, key.reveal());
    Json parameters;
    parameters.set("dklen", std::uint64_t{kDerivedSize})
        .set("n", cost.n)
        .set("r", cost.r)
        .set("p", cost.p)
        .set("salt", plain_hex(randomness.salt));
    Json crypto;
    crypto.set("cipher", "aes-128-ctr")
        .set("cipherparams", Json{}.set("iv", plain_hex(randomness.iv)))
        .set("ciphertext", plain_hex(ciphertext))
        .set("kdf", "scrypt")
        .set("kdfparams", std::move(parameters))
        .set("mac", plain_hex(mac_of(derived, ciphertext).view()));
    Json file;
    file.set("version", 3)
        .set("id", uuid_text(randomness.uuid))
        .set("address", plain_hex(key.address().view()))
        .set("crypto", std::move(crypto));
    return codec::dump_json_pretty(file);
}

Result<PrivateKey> decrypt_keystore(std::string_view json, ByteView password, const KeystoreCostMax& cost_max) {
    TRY(const Json file, codec::parse_json(json, kFileLimits));
    TRY(const std::uint64_t version, number_of(&file, "version"));
    if (version != 3) return malformed("version is not 3");
    const Json* crypto = file.find("crypto");
    TRY(const std::string cipher, text_of(crypto, "cipher"));
    if (cipher != "aes-128-ctr") return malformed("cipher is not aes-128-ctr");
    TRY(const Bytes iv, hex_of(member(crypto, "cipherparams"), "iv", kIvSize));
    TRY(const Bytes ciphertext, hex_of(crypto, "ciphertext", kKeySize));
    TRY(const Bytes mac, hex_of(crypto, "mac", Hash::kSize));
    if (iv.size() != kIvSize || ciphertext.size() != kKeySize) return malformed("iv or ciphertext is too short");
    TRY(const DerivedKey derived, derive(crypto, password, cost_max));
    if (!equal_constant_time(mac_of(derived, ciphertext).view(), mac)) {
        return make_error(Errc::kDenied, "keystore: wrong password");
    }
    const SecretBytes plain{apply_cipher(derived.cipher_key(), iv, ciphertext)};
    TRY(PrivateKey key, PrivateKey::make(plain.reveal()));
    TRY_OK(check_address(file, key));
    return key;
}

}  // namespace vcity::crypto
