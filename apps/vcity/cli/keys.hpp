// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/secret.hpp"
#include "crypto/secp256k1.hpp"
#include "ports/signer.hpp"

namespace vcity::cli {

// A key file in Web3 Secret Storage form and the file that holds its password. Neither ever travels in a flag.
struct KeyFiles {
    std::string keystore;
    std::string password_file;  // empty: ask on the terminal
};

// kDenied when there is no terminal to ask on.
Result<SecretBytes> read_password(const std::string& password_file, std::string_view prompt);
Result<crypto::PrivateKey> load_key(const KeyFiles& files);

enum class KeyCost { kStrong, kDevelopment };
// Makes a new key; refuses to overwrite a file. Mode 0600.
Result<Address> create_key(const KeyFiles& files, KeyCost cost);
// The address in a key file, without the password.
Result<Address> keystore_address(const std::string& keystore);

// Signs with a key in memory.
class KeySigner final : public ports::Signer {
  public:
    explicit KeySigner(crypto::PrivateKey key) : key_{std::move(key)} {}

    Address address() const override { return key_.address(); }
    Result<Signature> sign(const Hash& digest) override { return key_.sign(digest); }
    const crypto::PrivateKey& key() const { return key_; }

  private:
    crypto::PrivateKey key_;
};

// Strong randomness for tools that have no runtime.
Bytes random_bytes(std::size_t size);

}  // namespace vcity::cli
