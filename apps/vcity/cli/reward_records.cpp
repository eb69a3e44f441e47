// SPDX-License-Identifier: Apache-2.0
#include "cli/reward_records.hpp"

#include <limits>

#include "base/uint256.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

Error malformed(const char* name) {
    return make_error(Errc::kInvalid, std::string{"records: "} + name + " is missing or malformed");
}

Result<std::string> text_member(const Json& object, const char* name) {
    const Json* member = object.find(name);
    if (member == nullptr || !member->is_string()) return malformed(name);
    return *member->get_string();
}

Result<std::uint64_t> number_member(const Json& object, const char* name, std::uint64_t most) {
    const Json* member = object.find(name);
    std::uint64_t number = 0;
    if (member == nullptr || !member->get_u64(&number) || number > most) return malformed(name);
    return number;
}

Result<std::uint32_t> small_member(const Json& object, const char* name) {
    TRY(const std::uint64_t number, number_member(object, name, std::numeric_limits<std::uint32_t>::max()));
    return static_cast<std::uint32_t>(number);
}

Result<Address> address_member(const Json& object, const char* name) {
    TRY(const std::string text, text_member(object, name));
    const Result<Address> address = crypto::parse_address(text);
    if (!address) return malformed(name);
    return *address;
}

Result<Vcai> wei_member(const Json& object, const char* name) {
    TRY(const std::string text, text_member(object, name));
    const Result<Uint256> number = parse_uint256(text);
    if (!number) return malformed(name);
    const Result<U128> wei = to_u128(*number);
    if (!wei) return malformed(name);
    return Vcai{*wei};
}

Result<market::NodeCapacity> parse_capacity(const Json& object) {
    market::NodeCapacity node;
    TRY(node.node, address_member(object, "node"));
    TRY(node.online_seconds, small_member(object, "onlineSeconds"));
    TRY(node.capacity_units, small_member(object, "capacityUnits"));
    TRY(node.stability_ppm, small_member(object, "stabilityPpm"));
    TRY(node.vram_mib, number_member(object, "vramMib", std::numeric_limits<std::uint64_t>::max()));
    TRY(node.stake, wei_member(object, "stake"));
    TRY(node.stake_required, wei_member(object, "stakeRequired"));
    TRY(node.member_days, small_member(object, "memberDays"));
    if (object.find("referrer") != nullptr) {
        TRY(node.referrer, address_member(object, "referrer"));
    }
    if (const Json* first = object.find("firstJoin")) {
        if (!first->is_bool()) return malformed("firstJoin");
        node.is_first_join = *first->get_bool();
    }
    return node;
}

Result<market::NodeDelivery> parse_delivery(const Json& object) {
    market::NodeDelivery delivery;
    TRY(delivery.node, address_member(object, "node"));
    TRY(delivery.units, number_member(object, "units", std::numeric_limits<std::uint64_t>::max()));
    TRY(delivery.quality_ppm, small_member(object, "qualityPpm"));
    if (object.find("feePaid") != nullptr) {
        TRY(delivery.fee_paid.micro, number_member(object, "feePaid", std::numeric_limits<std::uint64_t>::max()));
    }
    if (object.find("tierBps") != nullptr) {
        TRY(const std::uint64_t tier, number_member(object, "tierBps", std::numeric_limits<std::uint16_t>::max()));
        delivery.tier_bps = static_cast<std::uint16_t>(tier);
    }
    return delivery;
}

Result<market::NodeStanding> parse_standing(const Json& object) {
    market::NodeStanding standing;
    TRY(standing.node, address_member(object, "node"));
    TRY(standing.quality_ppm, small_member(object, "qualityPpm"));
    TRY(standing.rating_ppm, small_member(object, "ratingPpm"));
    return standing;
}

Result<market::Spending> parse_one_spending(const Json& object) {
    market::Spending spending;
    TRY(spending.client, address_member(object, "client"));
    TRY(spending.spent.micro, number_member(object, "spent", std::numeric_limits<std::uint64_t>::max()));
    TRY(spending.fee_paid.micro, number_member(object, "feePaid", std::numeric_limits<std::uint64_t>::max()));
    return spending;
}

Result<market::Reward> parse_reward(const Json& object) {
    market::Reward reward;
    TRY(reward.account, address_member(object, "account"));
    TRY(reward.amount, wei_member(object, "cumulative"));
    return reward;
}

template <class Record>
Result<std::vector<Record>> parse_list(const Json& json, Result<Record> (*parse)(const Json&)) {
    if (!json.is_array()) return make_error(Errc::kInvalid, "records: a list is expected");
    std::vector<Record> records;
    for (const Json& each : *json.get_array()) {
        TRY(Record record, parse(each));
        records.push_back(std::move(record));
    }
    return records;
}

}  // namespace

Result<std::vector<market::NodeCapacity>> parse_capacities(const Json& json) {
    return parse_list(json, parse_capacity);
}

Result<std::vector<market::NodeDelivery>> parse_deliveries(const Json& json) {
    return parse_list(json, parse_delivery);
}

Result<std::vector<market::Spending>> parse_spending(const Json& json) {
    return parse_list(json, parse_one_spending);
}

Result<std::vector<market::NodeStanding>> parse_standings(const Json& json) {
    return parse_list(json, parse_standing);
}

Result<std::vector<market::Reward>> parse_rewards(const Json& json) {
    return parse_list(json, parse_reward);
}

Json to_json(const std::vector<market::Reward>& rewards) {
    codec::JsonArray list;
    for (const market::Reward& reward : rewards) {
        Json entry{codec::JsonObject{}};
        entry.set("account", crypto::to_checksum_address(reward.account));
        entry.set("cumulative", to_decimal(Uint256{reward.amount.wei}));
        list.push_back(std::move(entry));
    }
    return Json{std::move(list)};
}

}  // namespace vcity::cli
