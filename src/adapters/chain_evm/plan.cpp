// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/plan.hpp"

#include <algorithm>

#include "adapters/chain_evm/file_text.hpp"
#include "base/uint256.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "codec/json.hpp"
#include "crypto/keccak.hpp"

namespace vcity::adapters {
namespace {

using codec::Json;
using codec::JsonArray;

constexpr std::size_t kPlanBytesMax = 4U << 20U;
constexpr std::size_t kWordBytes = 32;
constexpr std::size_t kAddressAt = kWordBytes - Address::kSize;
constexpr std::string_view kAddressPrefix = "address:";
constexpr std::string_view kConfigPrefix = "config:";
constexpr std::string_view kWordPrefix = "word:";
constexpr std::string_view kNow = "now";
constexpr std::string_view kDeployer = "deployer";

Error malformed(const std::string& what) {
    return make_error(Errc::kInvalid, "plan: " + what);
}

Result<std::string> text_of(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    if (value == nullptr || value->get_string() == nullptr) return malformed("no text " + std::string{name});
    return *value->get_string();
}

Result<std::uint64_t> number_of(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    std::uint64_t number = 0;
    if (value == nullptr || !value->get_u64(&number)) return malformed("no number " + std::string{name});
    return number;
}

// An absent list is an empty one.
const JsonArray& list_of(const Json& object, std::string_view name) {
    static const JsonArray kNone;
    const Json* value = object.find(name);
    return value != nullptr && value->is_array() ? *value->get_array() : kNone;
}

Result<PlanView> parse_view(const Json& object) {
    PlanView view;
    TRY(view.to, text_of(object, "to"));
    TRY(const std::string data, text_of(object, "data"));
    TRY(view.data, codec::parse_hex(data));
    for (const Json& item : list_of(object, "patches")) {
        PlanPatch patch;
        TRY(patch.ref, text_of(item, "ref"));
        TRY(patch.offset, number_of(item, "offset"));
        if (view.data.size() < kWordBytes || patch.offset > view.data.size() - kWordBytes) {
            return malformed("a patch outside the data: " + patch.ref);
        }
        view.patches.push_back(std::move(patch));
    }
    return view;
}

Result<PlanStep> parse_step(const Json& object) {
    PlanStep step;
    TRY(step.name, text_of(object, "name"));
    TRY(const std::string kind, text_of(object, "kind"));
    if (kind != "create" && kind != "call" && kind != "read") return malformed("unknown kind " + kind);
    step.kind =
        kind == "create" ? PlanStep::Kind::kCreate : (kind == "call" ? PlanStep::Kind::kCall : PlanStep::Kind::kRead);
    TRY(step.profile, text_of(object, "profile"));
    TRY(step.unless, text_of(object, "unless"));
    TRY(step.artifact, text_of(object, "artifact"));
    TRY(step.send, parse_view(object));
    const Json* done = object.find("done");
    if (done == nullptr) return malformed("no done in step " + step.name);
    TRY(step.done, parse_view(*done));
    return step;
}

Result<PlanSetting> parse_setting(const Json& object) {
    PlanSetting setting;
    TRY(setting.name, text_of(object, "name"));
    TRY(setting.type, text_of(object, "word"));
    TRY(setting.about, text_of(object, "about"));
    for (const char* profile : {"production", "devnet"}) {
        TRY(setting.defaults[profile], text_of(object, profile));
    }
    return setting;
}

Result<PlanRestriction> parse_restriction(const Json& object) {
    PlanRestriction row;
    TRY(row.target, text_of(object, "target"));
    TRY(row.signature, text_of(object, "signature"));
    TRY(row.role, text_of(object, "role"));
    TRY(row.role_id, number_of(object, "roleId"));
    TRY(const std::string selector, text_of(object, "selector"));
    TRY(const Bytes bytes, codec::parse_hex_exact(selector, 4));
    for (const std::uint8_t byte : bytes) row.selector = row.selector << 8U | byte;
    return row;
}

Result<PlanMembers> parse_members(const Json& object) {
    PlanMembers row;
    TRY(row.role, text_of(object, "role"));
    TRY(row.role_id, number_of(object, "roleId"));
    for (const Json& member : list_of(object, "members")) {
        if (member.get_string() == nullptr) return malformed("a member that is no text");
        row.members.push_back(*member.get_string());
    }
    return row;
}

Result<PlanFact> parse_fact(const Json& object) {
    PlanFact fact;
    TRY(fact.says, text_of(object, "says"));
    TRY(fact.profile, text_of(object, "profile"));
    TRY(fact.equals, text_of(object, "equals"));
    const Json* at_start = object.find("atStart");
    if (at_start == nullptr || at_start->get_bool() == nullptr) return malformed("no atStart in " + fact.says);
    fact.at_start = *at_start->get_bool();
    TRY(fact.view, parse_view(object));
    return fact;
}

template <class Row, class Parse>
Result<void> parse_list(const Json& plan, std::string_view name, Parse parse, std::vector<Row>* rows) {
    for (const Json& item : list_of(plan, name)) {
        TRY(Row row, parse(item));
        rows->push_back(std::move(row));
    }
    return {};
}

U256 word_of(const Address& address) {
    U256 word;
    std::ranges::copy(address.bytes, word.bytes.begin() + kAddressAt);
    return word;
}

Result<U256> number_word(std::string_view text) {
    if (text.starts_with("0x")) {
        TRY(const Bytes bytes, codec::parse_hex(text, kWordBytes));
        U256 word;
        std::ranges::copy(bytes, word.bytes.end() - static_cast<std::ptrdiff_t>(bytes.size()));
        return word;
    }
    TRY(const Uint256 number, parse_uint256(text));
    return to_bytes(number);
}

}  // namespace

Result<Plan> parse_plan(std::string_view json) {
    TRY(const Json object,
        codec::parse_json(json, {.bytes_max = kPlanBytesMax, .depth_max = 8, .values_max = 200'000}));
    Plan plan;
    plan.digest = crypto::keccak256_text(json);
    TRY_OK(parse_list(object, "config", parse_setting, &plan.settings));
    TRY_OK(parse_list(object, "steps", parse_step, &plan.steps));
    TRY_OK(parse_list(object, "restricted", parse_restriction, &plan.restricted));
    TRY_OK(parse_list(object, "members", parse_members, &plan.members));
    TRY_OK(parse_list(object, "timelock", parse_members, &plan.timelock_members));
    TRY_OK(parse_list(object, "facts", parse_fact, &plan.facts));
    for (const Json& item : list_of(object, "contracts")) {
        TRY(const std::string name, text_of(item, "name"));
        TRY(plan.artifact_of[name], text_of(item, "artifact"));
    }
    if (plan.steps.empty()) return malformed("no steps");
    return plan;
}

Result<Plan> load_plan(const std::string& path) {
    TRY(const std::string text, read_text(path, kPlanBytesMax));
    Result<Plan> plan = parse_plan(text);
    if (!plan) return make_error(plan.error().code, path + ": " + plan.error().message);
    return plan;
}

Result<PlanWords> PlanWords::make(const Plan& plan,
                                  std::string_view profile,
                                  const std::map<std::string, std::string, std::less<>>& given,
                                  const Address& deployer,
                                  std::uint64_t now) {
    PlanWords words;
    words.deployer_ = deployer;
    words.now_ = now;
    for (const PlanSetting& setting : plan.settings) {
        const auto found = setting.defaults.find(profile);
        if (found == setting.defaults.end()) return malformed("no profile " + std::string{profile});
        words.settings_[setting.name] = found->second;
    }
    for (const auto& [name, value] : given) {
        if (!words.settings_.contains(name)) {
            return make_error(Errc::kInvalid, "the plan has no setting " + name);
        }
        words.settings_[name] = value;
    }
    for (const auto& [name, value] : words.settings_) {
        if (value == kMustBeGiven) return make_error(Errc::kInvalid, "setting " + name + " must be given");
    }
    return words;
}

bool PlanWords::is_given(std::string_view setting) const {
    const auto found = settings_.find(setting);
    return found != settings_.end() && !found->second.empty();
}

Result<U256> PlanWords::value(std::string_view text) const {
    if (text.starts_with(kAddressPrefix) || text.starts_with(kConfigPrefix)) return word(text);
    if (text == kDeployer) return word_of(deployer_);
    if (text == kNow) return codec::to_u256(now_);
    if (text.starts_with("now+")) {
        TRY(const std::uint64_t later, codec::parse_decimal(text.substr(4)));
        return to_bytes(Uint256{now_} + Uint256{later});
    }
    Result<U256> number = number_word(text);
    if (!number) return make_error(Errc::kInvalid, "not a value of a setting: \"" + std::string{text} + "\"");
    return number;
}

Result<U256> PlanWords::word(std::string_view ref) const {
    if (ref.starts_with(kAddressPrefix)) {
        const auto found = addresses_.find(ref.substr(kAddressPrefix.size()));
        if (found == addresses_.end()) return malformed("no " + std::string{ref});
        return word_of(found->second);
    }
    if (ref.starts_with(kWordPrefix)) {
        const auto found = found_.find(ref.substr(kWordPrefix.size()));
        if (found == found_.end()) return malformed("no " + std::string{ref});
        return found->second;
    }
    if (!ref.starts_with(kConfigPrefix)) return malformed("not a reference: " + std::string{ref});
    const auto found = settings_.find(ref.substr(kConfigPrefix.size()));
    if (found == settings_.end() || found->second.starts_with(kConfigPrefix))
        return malformed("no " + std::string{ref});
    Result<U256> word = value(found->second);
    if (!word) return make_error(word.error().code, found->first + ": " + word.error().message);
    return word;
}

Result<Address> PlanWords::address(std::string_view ref) const {
    TRY(const U256 found, word(ref));
    const ByteView bytes = found.view();
    if (std::ranges::any_of(bytes.first(kAddressAt), [](std::uint8_t byte) { return byte != 0; })) {
        return make_error(Errc::kInvalid, std::string{ref} + " is no address");
    }
    return Address::make(bytes.subspan(kAddressAt));
}

Result<Bytes> PlanWords::fill(const PlanView& view) const {
    Bytes data = view.data;
    for (const PlanPatch& patch : view.patches) {
        TRY(const U256 found, word(patch.ref));
        std::ranges::copy(found.bytes, data.begin() + static_cast<std::ptrdiff_t>(patch.offset));
    }
    return data;
}

}  // namespace vcity::adapters
