// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace vcity::cli {

// Takes secrets out of text that goes to strangers: what was told to it by name, and everything that looks like one:
//   - values of fields and variables whose name says it (password, secret, token, api key, mnemonic, authorization
//   ...);
//   - user names and passwords in URLs;
//   - PEM blocks and lists of twelve or more short words (seed phrases);
//   - long runs of letters and digits: keys, tokens, signatures, hashes, JSON web tokens.
// Addresses (0x and 40 digits), numbers, times, paths and ordinary words stay. Each secret becomes <redacted:abcd1234>,
// the same one for the same secret in one bundle, from a salt that is not kept: two places can be compared, and nothing
// can be guessed back.
class Redactor {
  public:
    // salt: 32 random bytes.
    explicit Redactor(Bytes salt) : salt_{std::move(salt)} {}

    // A secret by its value, e.g. the content of a password file. Shorter than 6 bytes: ignored, it would hit words.
    void add_secret(std::string value);
    std::string redact(std::string_view text) const;

  private:
    std::string mark(std::string_view secret) const;
    std::string without_known(std::string text) const;
    std::string without_pem(std::string_view text) const;
    std::string redact_line(std::string_view line) const;

    Bytes salt_;
    std::vector<std::string> known_;  // longest first
};

}  // namespace vcity::cli
