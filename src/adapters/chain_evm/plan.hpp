// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::adapters {

// contracts/deployments/plan.json: what to send, in which order, to bring the contracts up, and what must hold in the
// end. It knows nothing but words to fill in and bytes to send; contracts/tools/plan.mjs is its source.

// The word at that place of the data is what the reference stands for: "address:NAME", "config:KEY" or "word:NAME".
struct PlanPatch {
    std::size_t offset = 0;
    std::string ref;
};

struct PlanView {
    std::string to;  // a reference; empty: there is no view
    Bytes data;
    std::vector<PlanPatch> patches;
};

struct PlanStep {
    enum class Kind : unsigned char { kCreate, kCall, kRead };

    std::string name;
    Kind kind = Kind::kCall;
    std::string profile;   // empty: of every profile
    std::string unless;    // kCreate: the setting that, when given, is the address instead
    std::string artifact;  // kCreate
    PlanView send;         // kCreate: the constructor's arguments, to nobody
    PlanView done;         // a first word that is not zero: nothing is left to do
};

struct PlanSetting {
    std::string name;
    std::string type;  // of Solidity
    std::string about;
    std::map<std::string, std::string, std::less<>> defaults;  // by profile; "?" must be given
};

struct PlanRestriction {
    std::string target;  // the contract's name in the plan
    std::string signature;
    std::uint32_t selector = 0;
    std::string role;
    std::uint64_t role_id = 0;
};

struct PlanMembers {
    std::string role;
    std::uint64_t role_id = 0;
    std::vector<std::string> members;  // references
};

// A view whose first word must have that value, always or (at_start) when everything has just been deployed.
struct PlanFact {
    std::string says;
    std::string profile;  // empty: of every profile
    bool at_start = false;
    PlanView view;
    std::string equals;  // a reference or a number
};

struct Plan {
    Hash digest;  // of the file's text
    std::vector<PlanSetting> settings;
    std::vector<PlanStep> steps;
    std::map<std::string, std::string, std::less<>> artifact_of;  // by the name in the plan
    std::vector<PlanRestriction> restricted;
    std::vector<PlanMembers> members;           // of the AccessManager's roles, its administrators included
    std::vector<PlanMembers> timelock_members;  // role_id unused; role: "PROPOSER_ROLE"
    std::vector<PlanFact> facts;
};

// kInvalid says where the text is not a plan.
Result<Plan> parse_plan(std::string_view json);
Result<Plan> load_plan(const std::string& path);

inline constexpr std::string_view kMustBeGiven = "?";

// What references stand for.
class PlanWords {
  public:
    // kInvalid: a given setting that the plan does not know, or one that must be given and is not.
    static Result<PlanWords> make(const Plan& plan,
                                  std::string_view profile,
                                  const std::map<std::string, std::string, std::less<>>& given,
                                  const Address& deployer,
                                  std::uint64_t now);

    void set_address(std::string name, const Address& address) { addresses_[std::move(name)] = address; }
    const std::map<std::string, Address, std::less<>>& addresses() const { return addresses_; }
    // What a step of kind kRead found.
    void set_found(std::string name, const U256& word) { found_[std::move(name)] = word; }
    // Whether the setting has a value.
    bool is_given(std::string_view setting) const;
    Result<U256> word(std::string_view ref) const;
    Result<Address> address(std::string_view ref) const;
    // The data with its words filled in.
    Result<Bytes> fill(const PlanView& view) const;
    // A number as plan files write it, or a reference.
    Result<U256> value(std::string_view text) const;

  private:
    std::map<std::string, std::string, std::less<>> settings_;
    std::map<std::string, Address, std::less<>> addresses_;
    std::map<std::string, U256, std::less<>> found_;
    Address deployer_;
    std::uint64_t now_ = 0;
};

}  // namespace vcity::adapters
