// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/verify.hpp"

#include <algorithm>
#include <set>

#include "adapters/chain_evm/file_text.hpp"
#include "codec/hex.hpp"
#include "contracts/access_manager.hpp"
#include "contracts/tables.hpp"
#include "contracts/timelock_controller.hpp"
#include "crypto/keccak.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::adapters {
namespace {

using codec::Json;
using contracts::FunctionEntry;
namespace manager = contracts::access_manager;
namespace timelock = contracts::timelock_controller;

constexpr std::size_t kProgressBytesMax = 256U << 10U;
constexpr std::uint64_t kBlocksAtOnce = 10'000;
constexpr std::uint64_t kBlocksAtOnceMin = 100;
// Words of zero decode as arguments of every type: numbers, empty arrays, empty structs.
constexpr std::size_t kProbeBytes = 24 * 32;
constexpr std::string_view kRefusal = "(AccessManagedUnauthorized)";
// Only the access manager itself may move a contract to another authority.
constexpr std::string_view kSetAuthority = "setAuthority(address)";

Address stranger() {
    Address address;
    address.bytes.fill(0x57);
    return address;
}

struct Grant {
    Hash role;  // a number for the AccessManager
    Address account;

    auto operator<=>(const Grant&) const = default;
};

std::string count_of(std::size_t count, const char* what) {
    return std::to_string(count) + " " + what;
}

std::string listed(const std::vector<std::string>& problems) {
    constexpr std::size_t kMost = 8;
    std::string text;
    for (std::size_t index = 0; index < std::min(problems.size(), kMost); ++index) {
        if (index > 0) text += "; ";
        text += problems[index];
    }
    if (problems.size() > kMost) text += "; and " + std::to_string(problems.size() - kMost) + " more";
    return text;
}

class Verifier {
  public:
    Verifier(EvmRpc* rpc, Deployment deployment, VerifyOptions options)
        : rpc_{rpc}, deployment_{std::move(deployment)}, options_{std::move(options)} {}

    Task<Result<std::vector<Finding>>> run() {
        CO_TRY(words_, PlanWords::make(options_.plan, options_.profile, options_.settings,
                                       options_.deployer.value_or(Address{}), options_.time));
        for (const auto& [name, address] : deployment_.contracts) words_.set_address(name, address);
        CO_TRY_OK(co_await check_code());
        CO_TRY_OK(co_await check_facts());
        CO_TRY_OK(co_await check_function_roles());
        CO_TRY_OK(co_await check_restricted_functions());
        CO_TRY_OK(co_await check_manager_members());
        CO_TRY_OK(co_await check_timelock_members());
        co_return std::move(findings_);
    }

  private:
    void add(std::string check, const std::vector<std::string>& problems, std::string looked_at) {
        const bool is_good = problems.empty();
        findings_.push_back({.check = std::move(check),
                             .is_good = is_good,
                             .detail = is_good ? std::move(looked_at) : listed(problems)});
    }

    Task<Result<Bytes>> view(Address to, Bytes data) {
        EvmCall call;
        call.to = to;
        call.data = std::move(data);
        co_return co_await rpc_->call(std::move(call));
    }

    Task<Result<void>> check_code() {
        std::vector<std::string> problems;
        for (const auto& [name, artifact] : options_.plan.artifact_of) {
            CO_TRY(const Address address, deployment_.require(name));
            CO_TRY(const bool has_code, co_await rpc_->has_code(address));
            if (!has_code) problems.push_back("no contract at " + crypto::to_checksum_address(address) + ": " + name);
        }
        add("every contract exists", problems, count_of(options_.plan.artifact_of.size(), "contracts"));
        co_return Result<void>{};
    }

    Task<Result<void>> check_facts() {
        for (const PlanFact& fact : options_.plan.facts) {
            const bool is_other_profile = !fact.profile.empty() && fact.profile != options_.profile;
            if (is_other_profile || (fact.at_start && !options_.at_start)) continue;
            CO_TRY(const Address to, words_.address(fact.view.to));
            CO_TRY(Bytes data, words_.fill(fact.view));
            CO_TRY(const U256 expected, words_.value(fact.equals));
            const Result<Bytes> answer = co_await view(to, std::move(data));
            if (!answer && answer.error().code != Errc::kConflict) co_return answer.error();
            std::vector<std::string> problems;
            if (!answer || answer->size() < U256::kSize) {
                problems.emplace_back("the contract does not answer");
            } else if (U256::make(ByteView{*answer}.first(U256::kSize)) != expected) {
                problems.push_back("it is " + codec::to_hex(ByteView{*answer}.first(U256::kSize)) + ", not " +
                                   codec::to_hex(expected));
            }
            add(fact.says, problems, "");
        }
        co_return Result<void>{};
    }

    Task<Result<void>> check_function_roles() {
        std::vector<std::string> problems;
        CO_TRY(const Address authority, deployment_.require("AccessManager"));
        for (const PlanRestriction& row : options_.plan.restricted) {
            CO_TRY(const Address target, deployment_.require(row.target));
            contracts::ShortBytes<4> selector;
            for (std::size_t index = 0; index < 4; ++index) {
                selector.bytes[index] = static_cast<std::uint8_t>(row.selector >> (24U - 8U * index));
            }
            CO_TRY(const Bytes answer,
                   co_await view(authority, manager::encode_get_target_function_role(target, selector)));
            CO_TRY(const std::uint64_t role, manager::decode_get_target_function_role(answer));
            if (role == row.role_id) continue;
            problems.push_back(row.target + "." + row.signature + " is open to role " + std::to_string(role) +
                               ", not to " + row.role);
        }
        add("every restricted function has the role of the plan", problems,
            count_of(options_.plan.restricted.size(), "functions"));
        co_return Result<void>{};
    }

    bool is_in_plan(std::string_view target, std::string_view signature) const {
        return std::ranges::any_of(options_.plan.restricted, [&](const PlanRestriction& row) {
            return row.target == target && row.signature == signature;
        });
    }

    // Asks every function as somebody without a role: what refuses him must be in the plan.
    Task<Result<void>> check_restricted_functions() {
        std::vector<std::string> problems;
        std::size_t asked = 0;
        std::size_t refused = 0;
        for (const auto& [name, artifact] : options_.plan.artifact_of) {
            CO_TRY(const Address target, deployment_.require(name));
            for (const FunctionEntry& function : contracts::function_table()) {
                if (function.contract != artifact || function.is_view || function.signature == kSetAuthority) continue;
                ++asked;
                CO_TRY(const bool is_refused, co_await refuses_a_stranger(target, function.selector));
                refused += is_refused ? 1 : 0;
                if (is_refused && !is_in_plan(name, function.signature)) {
                    problems.push_back(name + "." + std::string{function.signature} + " has no role in the plan");
                }
            }
        }
        add("no other function is restricted", problems,
            count_of(asked, "functions asked as a stranger, ") + count_of(refused, "refuse him"));
        co_return Result<void>{};
    }

    Task<Result<bool>> refuses_a_stranger(Address target, std::uint32_t selector) {
        EvmCall call;
        call.from = stranger();
        call.to = target;
        call.data = contracts::encode_selected(selector, {});
        call.data.resize(call.data.size() + kProbeBytes);
        const Result<Bytes> answer = co_await rpc_->call(std::move(call));
        if (answer) co_return false;
        if (answer.error().code != Errc::kConflict && answer.error().code != Errc::kUnavailable) {
            co_return answer.error();
        }
        co_return answer.error().message.ends_with(kRefusal);
    }

    // Who was ever given a role, by the events since the deployment. Servers limit how much they look through at once.
    Task<Result<std::vector<EvmLog>>> logs_of(Address contract) {
        CO_TRY(const EvmBlock head, co_await rpc_->latest_block());
        std::vector<EvmLog> all;
        std::uint64_t step = kBlocksAtOnce;
        for (std::uint64_t from = deployment_.block; from <= head.head.number;) {
            const std::uint64_t to = std::min(from + step - 1, head.head.number);
            std::vector<Address> addresses{contract};
            Result<std::vector<EvmLog>> logs = co_await rpc_->logs(std::move(addresses), from, to);
            if (!logs && step > kBlocksAtOnceMin) {
                step /= 10;
                continue;
            }
            if (!logs) co_return logs.error();
            all.insert(all.end(), logs->begin(), logs->end());
            from = to + 1;
        }
        co_return all;
    }

    void expect_members(const std::vector<PlanMembers>& rows,
                        const std::vector<Hash>& roles,
                        std::set<Grant>* expected,
                        std::vector<std::string>* problems) const {
        for (std::size_t index = 0; index < rows.size(); ++index) {
            for (const std::string& member : rows[index].members) {
                const Result<Address> account = words_.address(member);
                if (!account) {
                    problems->push_back(rows[index].role + ": " + account.error().message);
                    continue;
                }
                expected->insert({.role = roles[index], .account = *account});
            }
        }
    }

    static void compare(const std::set<Grant>& expected,
                        const std::set<Grant>& found,
                        const std::function<std::string(const Hash&)>& name,
                        std::vector<std::string>* problems) {
        for (const Grant& grant : found) {
            if (expected.contains(grant)) continue;
            problems->push_back(crypto::to_checksum_address(grant.account) + " has " + name(grant.role) +
                                ", which the plan does not give it");
        }
        for (const Grant& grant : expected) {
            if (found.contains(grant)) continue;
            problems->push_back(crypto::to_checksum_address(grant.account) + " lacks " + name(grant.role));
        }
    }

    static Hash role_word(std::uint64_t role) { return codec::abi_to_hash(codec::abi_uint(role)).value(); }

    Task<Result<void>> check_manager_members() {
        std::vector<std::string> problems;
        CO_TRY(const Address authority, deployment_.require("AccessManager"));
        std::vector<Hash> roles;
        for (const PlanMembers& row : options_.plan.members) roles.push_back(role_word(row.role_id));
        std::set<Grant> expected;
        expect_members(options_.plan.members, roles, &expected, &problems);
        CO_TRY(const std::vector<EvmLog> logs, co_await logs_of(authority));
        std::set<Grant> ever = expected;
        std::vector<Hash> granted = roles;
        for (const EvmLog& log : logs) {
            const auto event = manager::decode_role_granted_event(log.topics, log.data);
            if (!event) continue;
            ever.insert({.role = role_word(event->role_id), .account = event->account});
            granted.push_back(role_word(event->role_id));
        }
        std::set<Grant> found;
        for (const Grant& grant : ever) {
            const std::uint64_t role = codec::abi_to_u64(codec::abi_hash(grant.role)).value_or(0);
            CO_TRY(const Bytes answer, co_await view(authority, manager::encode_has_role(role, grant.account)));
            CO_TRY(const manager::HasRoleResult state, manager::decode_has_role(answer));
            if (state.is_member) found.insert(grant);
        }
        compare(expected, found, [this](const Hash& role) { return name_of(role); }, &problems);
        CO_TRY_OK(co_await check_role_admins(authority, granted, &problems));
        add("the access manager's roles are as in the plan, its administrator is the timelock", problems,
            count_of(found.size(), "members"));
        tell_of_deployer(found);
        co_return Result<void>{};
    }

    Task<Result<void>> check_role_admins(Address authority,
                                         std::vector<Hash> roles,
                                         std::vector<std::string>* problems) {
        std::ranges::sort(roles);
        const auto repeated = std::ranges::unique(roles);
        roles.erase(repeated.begin(), repeated.end());
        for (const Hash& role : roles) {
            const std::uint64_t id = codec::abi_to_u64(codec::abi_hash(role)).value_or(0);
            CO_TRY(const Bytes admin_answer, co_await view(authority, manager::encode_get_role_admin(id)));
            CO_TRY(const std::uint64_t admin, manager::decode_get_role_admin(admin_answer));
            if (admin != 0) problems->push_back(name_of(role) + " is administered by role " + std::to_string(admin));
        }
        for (const auto& [name, artifact] : options_.plan.artifact_of) {
            CO_TRY(const Address target, deployment_.require(name));
            CO_TRY(const Bytes answer, co_await view(authority, manager::encode_is_target_closed(target)));
            CO_TRY(const bool is_closed, manager::decode_is_target_closed(answer));
            if (is_closed) problems->push_back(name + " is closed");
        }
        co_return Result<void>{};
    }

    std::string name_of(const Hash& role) const {
        for (const PlanMembers& row : options_.plan.members) {
            if (role_word(row.role_id) == role) return "role " + row.role;
        }
        return "role " + codec::to_hex(role);
    }

    void tell_of_deployer(const std::set<Grant>& found) {
        if (!options_.deployer) return;
        std::vector<std::string> problems;
        for (const Grant& grant : found) {
            if (grant.account == *options_.deployer) problems.push_back("it has " + name_of(grant.role));
        }
        add("the deployer has no role", problems, crypto::to_checksum_address(*options_.deployer));
    }

    Task<Result<void>> check_timelock_members() {
        std::vector<std::string> problems;
        CO_TRY(const Address contract, deployment_.require("Timelock"));
        std::vector<Hash> roles;
        for (const PlanMembers& row : options_.plan.timelock_members) {
            roles.push_back(row.role == "DEFAULT_ADMIN_ROLE" ? Hash{} : crypto::keccak256_text(row.role));
        }
        std::set<Grant> expected;
        expect_members(options_.plan.timelock_members, roles, &expected, &problems);
        CO_TRY(const std::vector<EvmLog> logs, co_await logs_of(contract));
        std::set<Grant> ever = expected;
        for (const EvmLog& log : logs) {
            const auto event = timelock::decode_role_granted_event(log.topics, log.data);
            if (event) ever.insert({.role = event->role, .account = event->account});
        }
        std::set<Grant> found;
        for (const Grant& grant : ever) {
            CO_TRY(const Bytes answer, co_await view(contract, timelock::encode_has_role(grant.role, grant.account)));
            CO_TRY(const bool has_role, timelock::decode_has_role(answer));
            if (has_role) found.insert(grant);
        }
        const auto name = [&](const Hash& role) {
            const auto at = std::ranges::find(roles, role);
            if (at == roles.end()) return "timelock role " + codec::to_hex(role);
            return "timelock role " + options_.plan.timelock_members[static_cast<std::size_t>(at - roles.begin())].role;
        };
        compare(expected, found, name, &problems);
        add("the timelock obeys the governor alone", problems, count_of(found.size(), "members"));
        co_return Result<void>{};
    }

    EvmRpc* rpc_;
    Deployment deployment_;
    VerifyOptions options_;
    PlanWords words_;
    std::vector<Finding> findings_;
};

}  // namespace

Result<VerifyOptions> load_verify_options(const std::string& folder, const std::string& progress_file) {
    VerifyOptions options;
    TRY(options.plan, load_plan(folder + "/plan.json"));
    const Result<std::string> text = read_text(progress_file, kProgressBytesMax);
    if (!text && text.error().code == Errc::kNotFound) return options;
    if (!text) return text.error();
    TRY(const Json object, codec::parse_json(*text, {.bytes_max = kProgressBytesMax, .depth_max = 8}));
    const Json* what = object.find("what");
    const Json* profile = what == nullptr ? nullptr : what->find("profile");
    const Json* deployer = what == nullptr ? nullptr : what->find("deployer");
    const Json* settings = what == nullptr ? nullptr : what->find("settings");
    const Json* time = object.find("time");
    const bool is_complete = profile != nullptr && profile->is_string() && deployer != nullptr &&
                             deployer->is_string() && settings != nullptr && settings->is_object() && time != nullptr &&
                             time->get_u64(&options.time);
    if (!is_complete) return make_error(Errc::kInvalid, progress_file + ": malformed progress file");
    options.profile = *profile->get_string();
    TRY(options.deployer, codec::parse_fixed<Address>(*deployer->get_string()));
    for (const auto& [name, value] : *settings->get_object()) {
        if (value.is_string()) options.settings[name] = *value.get_string();
    }
    return options;
}

Task<Result<std::vector<Finding>>> verify_deployment(EvmRpc* rpc, Deployment deployment, VerifyOptions options) {
    Verifier verifier{rpc, std::move(deployment), std::move(options)};
    co_return co_await verifier.run();
}

}  // namespace vcity::adapters
