// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "attest/verdict.hpp"
#include "codec/json.hpp"

namespace vcity::attest::testing {

// The files of tests/vectors/attestation. Test only: a missing file or member is a failed CHECK.
class VectorFolder {
  public:
    explicit VectorFolder(std::string folder) : folder_{std::move(folder)} {}
    // The file as its origin has it: the stored CCEL log lacks its filling of 0xff, which comes back here.
    Bytes read(const std::string& file) const;
    // The members of INDEX.json and the checks of verdicts.json.
    codec::JsonArray index() const;
    codec::JsonArray checks() const;

  private:
    std::string folder_;
};

// Runs a check of verdicts.json on these bytes, which stand in the place of its file. Files that are not evidence give
// a verdict whose only step is kFormat.
Verdict run_check(const VectorFolder& folder, const codec::Json& check, const Bytes& bytes);

// What differs between the verdict and the check's expectation, or an empty text.
std::string compare(const codec::Json& check, const Verdict& verdict);

}  // namespace vcity::attest::testing
