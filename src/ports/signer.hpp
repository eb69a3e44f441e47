// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::ports {

// Signs as one identity. Digests come from market/typed_hashes.hpp only, so that every signature binds chain, contract
// and purpose.
class Signer {
  public:
    virtual ~Signer() = default;
    virtual Address address() const = 0;
    virtual Result<Signature> sign(const Hash& digest) = 0;
};

}  // namespace vcity::ports
