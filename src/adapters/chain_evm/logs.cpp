// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/logs.hpp"

#include <algorithm>
#include <ranges>
#include <tuple>

#include "adapters/chain_evm/contracts.hpp"
#include "codec/abi.hpp"
#include "crypto/keccak.hpp"

namespace vcity::adapters {
namespace {

using codec::AbiValue;
using Values = std::vector<AbiValue>;

constexpr std::string_view kRegistered =
    "Registered(address indexed identity,uint8 indexed role,uint8 kind,uint128 stake)";
constexpr std::string_view kHardwareUpdated =
    "HardwareUpdated(address indexed identity,bytes32 gpuModel,uint16 gpuCount,uint32 vramMib)";
constexpr std::string_view kEndpointUpdated =
    "EndpointUpdated(address indexed identity,bytes32 region,bytes32 endpointKey,string didDocumentUri)";
constexpr std::string_view kStakeAdded = "StakeAdded(address indexed identity,uint128 amount,uint128 stake)";
constexpr std::string_view kUnbondRequested =
    "UnbondRequested(address indexed identity,uint128 amount,uint128 unbonding,uint64 unbondAt)";
constexpr std::string_view kStakeSlashed =
    "StakeSlashed(address indexed identity,address indexed beneficiary,uint128 requested,uint128 taken)";
constexpr std::string_view kDeposited = "Deposited(address indexed client,address indexed payer,uint128 amount)";
constexpr std::string_view kCapOpened =
    "CapOpened(bytes32 indexed capId,address indexed client,address indexed scheduler,uint128 limit,uint64 expiry,"
    "uint256 nonce)";
constexpr std::string_view kCapReleased = "CapReleased(bytes32 indexed capId,address indexed client,uint128 unspent)";
constexpr std::string_view kWithdrawn = "Withdrawn(address indexed client,uint128 amount)";
constexpr std::string_view kCredited = "Credited(address indexed client,uint128 amount)";
constexpr std::string_view kPrepaid = "Prepaid(address indexed client,address indexed payee,uint128 amount)";
constexpr std::string_view kAgreementEnded =
    "AgreementEnded(bytes32 indexed id,address indexed client,uint8 ending,uint128 refunded)";
constexpr std::string_view kBatchPosted =
    "BatchPosted(address indexed scheduler,uint64 indexed index,bytes32 receiptsRoot,bytes32 earningsRoot,"
    "uint32 receiptCount,uint128 totalCharged,uint128 totalEarned,uint128 fee,uint64 unitsConsumed,"
    "uint64 unitsAvailable)";
constexpr std::string_view kCharged =
    "Charged(address indexed scheduler,uint64 indexed index,bytes32 indexed capId,uint128 amount)";
constexpr std::string_view kClaimed =
    "Claimed(address indexed scheduler,address indexed node,uint64 index,uint128 amount,uint128 claimed)";
constexpr std::string_view kReceiptVoided =
    "ReceiptVoided(address indexed scheduler,uint64 indexed index,bytes32 indexed receiptHash,uint8 fault,"
    "address client,address node,uint128 credited,uint128 nodeShare)";

// The types of an event's declaration, apart by where the log holds them.
struct Shape {
    Hash topic;
    std::vector<bool> is_indexed;
    std::vector<codec::AbiType> data_types;
};

Shape shape_of(std::string_view declaration) {
    Shape shape;
    std::string signature{declaration.substr(0, declaration.find('(') + 1)};
    std::string data_types = "(";
    std::string_view list = declaration.substr(signature.size());
    list.remove_suffix(1);
    while (!list.empty()) {
        const std::string_view item = list.substr(0, list.find(','));
        const std::string_view type = item.substr(0, item.find(' '));
        const bool is_indexed = item.find(" indexed ") != std::string_view::npos;
        shape.is_indexed.push_back(is_indexed);
        if (signature.back() != '(') signature += ",";
        signature += type;
        if (!is_indexed && data_types.size() > 1) data_types += ",";
        if (!is_indexed) data_types += type;
        list.remove_prefix(std::min(item.size() + 1, list.size()));
    }
    shape.topic = crypto::keccak256_text(signature + ")");
    shape.data_types = codec::parse_abi_types(data_types + ")").value();
    return shape;
}

// The values in the order of the declaration. Our events index only words.
Result<Values> values_of(const Shape& shape, const EvmLog& log) {
    const auto indexed = static_cast<std::size_t>(std::ranges::count(shape.is_indexed, true));
    if (log.topics.size() != indexed + 1) return make_error(Errc::kCorrupt, "log: wrong number of topics");
    Result<Values> data = codec::abi_decode(shape.data_types, log.data);
    if (!data) return make_error(Errc::kCorrupt, "log: " + data.error().message);
    Values values;
    std::size_t topic = 1;
    std::size_t position = 0;
    for (const bool is_indexed : shape.is_indexed) {
        values.push_back(is_indexed ? codec::abi_hash(log.topics[topic++]) : std::move((*data)[position++]));
    }
    return values;
}

// Amounts and nonces that anybody can make as large as he likes must not stop whoever reads the chain.
std::uint64_t saturated(const AbiValue& value) {
    return codec::abi_to_u64(value).value_or(UINT64_MAX);
}

Usd usd_saturated(const AbiValue& value) {
    return Usd{saturated(value)};
}

Vcai vcai_saturated(const AbiValue& value) {
    return Vcai{codec::abi_to_u128(value).value_or(~U128{0})};
}

// Topics are words of any content, so an address in one may be malformed.
Result<Address> address_of(const AbiValue& value) {
    Result<Address> address = codec::abi_to_address(value);
    if (!address) return make_error(Errc::kCorrupt, "log: malformed address");
    return address;
}

Hash hash_of(const AbiValue& value) {
    return Hash{value.word.bytes};
}

class Decoder {
  public:
    explicit Decoder(const Deployment& deployment) : deployment_{deployment} {}

    Result<void> add(const EvmLog& log) {
        if (log.topics.empty()) return {};
        for (const Entry& entry : entries()) {
            if (entry.shape.topic != log.topics[0] || contract_of(entry) != std::optional{log.address}) continue;
            TRY(const Values values, values_of(entry.shape, log));
            return (this->*entry.decode)(log, values);
        }
        return {};
    }

    DecodedLogs take() { return std::move(decoded_); }

  private:
    using Decode = Result<void> (Decoder::*)(const EvmLog&, const Values&);
    enum class Contract : unsigned char { kRegistry, kEscrow, kSettlement, kAgreements };
    struct Entry {
        Contract contract;
        Shape shape;
        Decode decode;
    };

    static const std::vector<Entry>& entries() {
        static const std::vector<Entry> table{
            {Contract::kRegistry, shape_of(kRegistered), &Decoder::registered},
            {Contract::kRegistry, shape_of(kHardwareUpdated), &Decoder::hardware_updated},
            {Contract::kRegistry, shape_of(kEndpointUpdated), &Decoder::endpoint_updated},
            {Contract::kRegistry, shape_of(kStakeAdded), &Decoder::stake_added},
            {Contract::kRegistry, shape_of(kUnbondRequested), &Decoder::unbond_requested},
            {Contract::kRegistry, shape_of(kStakeSlashed), &Decoder::stake_slashed},
            {Contract::kEscrow, shape_of(kDeposited), &Decoder::deposited},
            {Contract::kEscrow, shape_of(kCapOpened), &Decoder::cap_opened},
            {Contract::kEscrow, shape_of(kCapReleased), &Decoder::cap_released},
            {Contract::kEscrow, shape_of(kWithdrawn), &Decoder::withdrawn},
            {Contract::kEscrow, shape_of(kCredited), &Decoder::credited},
            {Contract::kEscrow, shape_of(kPrepaid), &Decoder::prepaid},
            {Contract::kAgreements, shape_of(kAgreementEnded), &Decoder::agreement_ended},
            {Contract::kSettlement, shape_of(kBatchPosted), &Decoder::batch_posted},
            {Contract::kSettlement, shape_of(kCharged), &Decoder::charged},
            {Contract::kSettlement, shape_of(kClaimed), &Decoder::claimed},
            {Contract::kSettlement, shape_of(kReceiptVoided), &Decoder::receipt_voided},
        };
        return table;
    }

    // nullopt: this deployment has no such contract.
    std::optional<Address> contract_of(const Entry& entry) const {
        switch (entry.contract) {
            case Contract::kRegistry: return deployment_.registry;
            case Contract::kEscrow: return deployment_.escrow;
            case Contract::kSettlement: return deployment_.settlement;
            case Contract::kAgreements: return deployment_.find("Agreements");
        }
        return std::nullopt;
    }

    template <class What>
    Result<void> emit(const EvmLog& log, What what) {
        ChainEvent event;
        event.block_number = log.block_number;
        event.block_hash = log.block_hash;
        event.transaction = log.transaction;
        event.log_index = log.log_index;
        event.what = std::move(what);
        decoded_.events.push_back(std::move(event));
        return {};
    }

    // The registration of that identity in the same transaction, which precedes its details.
    NodeRecord* registration_of(const EvmLog& log, const Address& identity) {
        for (ChainEvent& event : std::views::reverse(decoded_.events)) {
            if (event.transaction != log.transaction) return nullptr;
            auto* registration = std::get_if<NodeRegistered>(&event.what);
            if (registration != nullptr && registration->node.identity == identity) return &registration->node;
        }
        return nullptr;
    }

    Result<void> registered(const EvmLog& log, const Values& values) {
        NodeRecord node;
        TRY(node.identity, address_of(values[0]));
        const std::uint64_t role = saturated(values[1]);
        const std::uint64_t kind = saturated(values[2]);
        if (role > static_cast<std::uint64_t>(Role::kVerifier) ||
            kind > static_cast<std::uint64_t>(NodeKind::kFlexible)) {
            return make_error(Errc::kCorrupt, "log: unknown role or kind");
        }
        node.role = static_cast<Role>(role);
        node.kind = static_cast<NodeKind>(kind);
        node.stake = vcai_saturated(values[3]);
        node.active = true;
        return emit(log, NodeRegistered{std::move(node)});
    }

    Result<void> hardware_updated(const EvmLog& log, const Values& values) {
        TRY(const Address identity, address_of(values[0]));
        NodeRecord* node = registration_of(log, identity);
        if (node == nullptr) return {};
        node->hardware.gpu_model = bytes32_to_text(hash_of(values[1]));
        node->hardware.gpu_count = static_cast<std::uint16_t>(saturated(values[2]));
        node->hardware.vram_mib = static_cast<std::uint32_t>(saturated(values[3]));
        return {};
    }

    Result<void> endpoint_updated(const EvmLog& log, const Values& values) {
        TRY(const Address identity, address_of(values[0]));
        NodeRecord* node = registration_of(log, identity);
        if (node == nullptr) return {};
        node->hardware.region = bytes32_to_text(hash_of(values[1]));
        node->did_document_uri = std::string{as_text(values[3].bytes)};
        return {};
    }

    Result<void> stake_added(const EvmLog& log, const Values& values) {
        TRY(const Address identity, address_of(values[0]));
        return emit(log, StakeChanged{.identity = identity, .stake = vcai_saturated(values[2])});
    }

    Result<void> unbond_requested(const EvmLog& log, const Values& values) {
        TRY(const Address identity, address_of(values[0]));
        decoded_.unbondings.push_back(
            {.identity = identity, .block_number = log.block_number, .position = decoded_.events.size()});
        return emit(log, StakeChanged{.identity = identity, .stake = {}});
    }

    Result<void> stake_slashed(const EvmLog& log, const Values& values) {
        TRY(const Address identity, address_of(values[0]));
        TRY(const Address beneficiary, address_of(values[1]));
        return emit(log,
                    Slashed{.identity = identity, .amount = vcai_saturated(values[3]), .beneficiary = beneficiary});
    }

    Result<void> deposited(const EvmLog& log, const Values& values) {
        TRY(const Address client, address_of(values[0]));
        return emit(log, Deposited{.client = client, .amount = usd_saturated(values[2])});
    }

    Result<void> cap_opened(const EvmLog& log, const Values& values) {
        CapOpened opened;
        opened.cap_id = hash_of(values[0]).as<CapId>();
        TRY(opened.cap.client, address_of(values[1]));
        TRY(opened.cap.scheduler, address_of(values[2]));
        opened.cap.limit = usd_saturated(values[3]);
        opened.cap.expiry_unix_seconds = saturated(values[4]);
        opened.cap.nonce = saturated(values[5]);
        return emit(log, opened);
    }

    Result<void> cap_released(const EvmLog& log, const Values& values) {
        return emit(log, CapReleased{.cap_id = hash_of(values[0]).as<CapId>(), .returned = usd_saturated(values[2])});
    }

    Result<void> withdrawn(const EvmLog& log, const Values& values) {
        TRY(const Address client, address_of(values[0]));
        return emit(log, Withdrawn{.client = client, .amount = usd_saturated(values[1])});
    }

    Result<void> credited(const EvmLog& log, const Values& values) {
        TRY(const Address client, address_of(values[0]));
        return emit(log, Credited{.client = client, .amount = usd_saturated(values[1])});
    }

    Result<void> prepaid(const EvmLog& log, const Values& values) {
        Prepaid event;
        TRY(event.client, address_of(values[0]));
        TRY(event.payee, address_of(values[1]));
        event.amount = usd_saturated(values[2]);
        return emit(log, event);
    }

    Result<void> agreement_ended(const EvmLog& log, const Values& values) {
        PrepaymentReturned event;
        event.agreement = hash_of(values[0]);
        TRY(event.client, address_of(values[1]));
        event.amount = usd_saturated(values[3]);
        return emit(log, event);
    }

    Result<void> batch_posted(const EvmLog& log, const Values& values) {
        BatchPosted posted;
        TRY(posted.scheduler, address_of(values[0]));
        posted.header.index = saturated(values[1]);
        posted.header.receipts_root = hash_of(values[2]);
        posted.header.earnings_root = hash_of(values[3]);
        posted.header.receipt_count = static_cast<std::uint32_t>(saturated(values[4]));
        posted.total_charged = usd_saturated(values[5]);
        posted.header.total_earned = usd_saturated(values[6]);
        posted.fee = usd_saturated(values[7]);
        posted.header.units_consumed = saturated(values[8]);
        posted.header.units_available = saturated(values[9]);
        return emit(log, posted);
    }

    Result<void> charged(const EvmLog& log, const Values& values) {
        Charged event;
        TRY(event.scheduler, address_of(values[0]));
        event.batch_index = saturated(values[1]);
        event.charge.cap_id = hash_of(values[2]).as<CapId>();
        event.charge.amount = usd_saturated(values[3]);
        return emit(log, event);
    }

    Result<void> claimed(const EvmLog& log, const Values& values) {
        Claimed event;
        TRY(event.scheduler, address_of(values[0]));
        TRY(event.node, address_of(values[1]));
        event.amount = usd_saturated(values[3]);
        event.cumulative = usd_saturated(values[4]);
        return emit(log, event);
    }

    Result<void> receipt_voided(const EvmLog& log, const Values& values) {
        ReceiptVoided event;
        TRY(event.scheduler, address_of(values[0]));
        event.batch_index = saturated(values[1]);
        event.receipt_hash = hash_of(values[2]);
        event.credited = usd_saturated(values[6]);
        event.node_share = usd_saturated(values[7]);
        return emit(log, event);
    }

    const Deployment& deployment_;
    DecodedLogs decoded_;
};

}  // namespace

Result<DecodedLogs> decode_logs(const Deployment& deployment, std::vector<EvmLog> logs) {
    const auto place = [](const EvmLog& log) { return std::tuple{log.block_number, log.log_index}; };
    std::ranges::sort(logs, {}, place);
    Decoder decoder{deployment};
    const EvmLog* previous = nullptr;
    for (const EvmLog& log : logs) {
        const bool same_block = previous != nullptr && previous->block_number == log.block_number;
        if (same_block && previous->block_hash != log.block_hash) {
            return make_error(Errc::kUnavailable, "logs of two blocks of the same number: a reorganisation");
        }
        if (same_block && previous->log_index == log.log_index) return make_error(Errc::kCorrupt, "log: given twice");
        TRY_OK(decoder.add(log));
        previous = &log;
    }
    return decoder.take();
}

std::vector<std::string_view> known_events() {
    return {kRegistered,     kHardwareUpdated, kEndpointUpdated, kStakeAdded, kUnbondRequested, kStakeSlashed,
            kDeposited,      kCapOpened,       kCapReleased,     kWithdrawn,  kCredited,        kPrepaid,
            kAgreementEnded, kBatchPosted,     kCharged,         kClaimed,    kReceiptVoided};
}

}  // namespace vcity::adapters
