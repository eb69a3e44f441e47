// SPDX-License-Identifier: Apache-2.0
#include "crypto/keystore.hpp"

// The cost is bounded so that a run measures the parser, not scrypt.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vcity::crypto::KeystoreCostMax cost_max{.n = 4, .r = 2, .p = 2, .memory_bytes = 4096, .iterations = 4};
    const auto key = vcity::crypto::decrypt_keystore({reinterpret_cast<const char*>(data), size},
                                                     vcity::as_bytes("testpassword"), cost_max);
    static_cast<void>(key);
    return 0;
}
