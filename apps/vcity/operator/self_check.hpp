// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/output.hpp"
#include "codec/json.hpp"

namespace vcity::cli {

// Failed: something will not work. Warned: it works, but worse than it could. Skipped: not set up on this machine, so
// there is nothing to check.
enum class CheckStatus : std::uint8_t { kPass, kWarn, kFail, kSkip };
std::string_view to_string(CheckStatus status);

// One check of a machine, in the form that operators know: what was found, what is needed, how the two compare, why it
// matters and what to do.
struct SelfCheck {
    std::string id;
    std::string title;
    CheckStatus status = CheckStatus::kPass;
    codec::Json actual{};    // null: could not be told
    codec::Json required{};  // null: nothing is compared
    std::string comparison;  // ">=", "==", "exists"; empty: nothing is compared. "operator" in JSON
    std::string unit;
    std::string summary;  // one sentence on what was found
    std::string purpose;
    std::string remediation;  // what to do; shown unless it passed
};

// Passed when actual >= required, else `otherwise`.
struct Least {
    double actual = 0;
    double required = 0;
    std::string unit;
    CheckStatus otherwise = CheckStatus::kFail;
};
SelfCheck check_least(std::string id, std::string title, const Least& least, std::string purpose, std::string remedy);
// Passed with what was found, or failed with the reason.
SelfCheck check_works(
    std::string id, std::string title, const Result<std::string>& found, std::string purpose, std::string remedy);
SelfCheck skip(std::string id, std::string title, std::string why);

bool is_healthy(const std::vector<SelfCheck>& checks);
codec::Json to_json(const SelfCheck& check);
// {"healthy": ..., "checks": [...]}
codec::Json to_json(const std::vector<SelfCheck>& checks);
Table to_table(const std::vector<SelfCheck>& checks);
// Prints them; kGeneral when something failed.
Exit report(const std::vector<SelfCheck>& checks, const Output& output);

}  // namespace vcity::cli
