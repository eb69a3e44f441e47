// SPDX-License-Identifier: Apache-2.0
#include "crypto/keccak.hpp"

#include <cryptopp/keccak.h>

namespace vcity::crypto {

Hash keccak256(ByteView bytes) {
    return keccak256({bytes});
}

Hash keccak256(std::initializer_list<ByteView> parts) {
    CryptoPP::Keccak_256 keccak;
    for (const ByteView part : parts) {
        if (!part.empty()) keccak.Update(part.data(), part.size());
    }
    Hash hash;
    keccak.Final(hash.bytes.data());
    return hash;
}

}  // namespace vcity::crypto
