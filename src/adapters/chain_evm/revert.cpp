// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/revert.hpp"

#include "codec/abi.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "crypto/keccak.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::adapters {
namespace {

constexpr std::size_t kSelectorBytes = 4;
constexpr std::size_t kTextBytesMax = 200;

constexpr std::string_view kReverts[] = {
    // Solidity's own.
    "Error(string reason)",
    "Panic(uint256 code)",
    // Those of our contracts and of the libraries they use.
    "AccessManagedInvalidAuthority(address authority)",
    "AccessManagedRequiredDelay(address caller,uint32 delay)",
    "AccessManagedUnauthorized(address caller)",
    "AccessManagerAlreadyScheduled(bytes32 operationId)",
    "AccessManagerBadConfirmation()",
    "AccessManagerExpired(bytes32 operationId)",
    "AccessManagerInvalidInitialAdmin(address initialAdmin)",
    "AccessManagerLockedRole(uint64 roleId)",
    "AccessManagerNotReady(bytes32 operationId)",
    "AccessManagerNotScheduled(bytes32 operationId)",
    "AccessManagerUnauthorizedAccount(address msgsender,uint64 roleId)",
    "AccessManagerUnauthorizedCall(address caller,address target,bytes4 selector)",
    "AccessManagerUnauthorizedCancel(address msgsender,address caller,address target,bytes4 selector)",
    "AccessManagerUnauthorizedConsume(address target)",
    "AddressEmptyCode(address target)",
    "AlreadyRegistered(address identity)",
    "AmountIsZero(address account)",
    "BadCapSignature(address client,bytes32 digest)",
    "BadVerdictSignature(uint256 position,address verifier)",
    "BalanceTooLow(address client,uint128 available,uint128 requested)",
    "BatchFinal(address scheduler,uint64 index,uint40 finalAt)",
    "BatchIndexMismatch(uint64 expected,uint64 given)",
    "BatchNotFinal(address scheduler,uint64 index,uint40 finalAt)",
    "BatchUnknown(address scheduler,uint64 index)",
    "CapClosed(bytes32 capId)",
    "CapExceeded(bytes32 capId,uint128 remaining,uint128 requested)",
    "CapExpired(bytes32 capId,uint64 expiry)",
    "CapStillOpen(bytes32 capId,uint256 releasableAt)",
    "CapTermTooLong(uint64 expiry,uint64 latest)",
    "CapUnknown(bytes32 capId)",
    "DelayTooLong(uint64 maximum,uint64 given)",
    "DevelopmentOnly(uint256 chainId)",
    "ECDSAInvalidSignature()",
    "ECDSAInvalidSignatureLength(uint256 length)",
    "ECDSAInvalidSignatureS(bytes32 s)",
    "ERC20InsufficientAllowance(address spender,uint256 allowance,uint256 needed)",
    "ERC20InsufficientBalance(address sender,uint256 balance,uint256 needed)",
    "ERC20InvalidApprover(address approver)",
    "ERC20InvalidReceiver(address receiver)",
    "ERC20InvalidSender(address sender)",
    "ERC20InvalidSpender(address spender)",
    "ERC2612ExpiredSignature(uint256 deadline)",
    "ERC2612InvalidSigner(address signer,address owner)",
    "EarnedAboveCharged(uint128 totalCharged,uint128 totalEarned)",
    "EmptyBatch(address scheduler,uint64 index)",
    "FailedCall()",
    "FeeOutOfBounds(uint256 fee,uint256 minimum,uint256 maximum)",
    "InsufficientBalance(uint256 balance,uint256 needed)",
    "InvalidAccountNonce(address account,uint256 currentNonce)",
    "InvalidProof(bytes32 root,bytes32 leaf)",
    "InvalidShortString()",
    "NonceUsed(address client,uint256 nonce)",
    "NotAFault(uint8 fault,bytes32 receiptHash)",
    "NotRegistered(address identity)",
    "NothingToClaim(address scheduler,address node)",
    "NothingToWithdraw(address client)",
    "NothingUnbonding(address identity)",
    "ParameterOutOfRange(bytes32 name,uint256 value)",
    "QuorumNotReached(uint256 required,uint256 given)",
    "ReceiptAlreadyVoided(address scheduler,bytes32 receiptHash)",
    "SafeCastOverflowedUintDowncast(uint8 bits,uint256 value)",
    "SafeERC20FailedOperation(address token)",
    "SchedulerInactive(address scheduler)",
    "SignatureCountMismatch(uint256 verdicts,uint256 signatures)",
    "StakeBelowMinimum(uint8 role,uint128 minimum,uint128 given)",
    "StakeTokenMismatch(address stable,address stakeToken)",
    "StakeTooLow(address identity,uint128 stake,uint128 requested)",
    "StillUnbonding(address identity,uint64 unbondAt)",
    "StringTooLong(string str)",
    "TokenIsNotAContract(address token)",
    "TransferMismatch(uint256 expected,uint256 received)",
    "UriTooLong(uint256 maximum,uint256 given)",
    "VerdictMismatch(uint256 position)",
    "VerifierInactive(uint256 position,address verifier)",
    "VerifiersNotAscending(uint256 position)",
    "WithdrawalPending(address client,uint64 availableAt)",
    "WrongScheduler(bytes32 capId,address expected,address given)",
};

struct Parameter {
    std::string_view type;
    std::string_view name;
};

std::string_view name_of(std::string_view revert) {
    return revert.substr(0, revert.find('('));
}

std::vector<Parameter> parameters_of(std::string_view revert) {
    std::vector<Parameter> parameters;
    std::string_view list = revert.substr(revert.find('(') + 1);
    list.remove_suffix(1);
    while (!list.empty()) {
        const std::string_view item = list.substr(0, list.find(','));
        const std::size_t space = item.find(' ');
        parameters.push_back({.type = item.substr(0, space), .name = item.substr(space + 1)});
        list.remove_prefix(std::min(item.size() + 1, list.size()));
    }
    return parameters;
}

// "(uint64,uint64)": the types alone.
std::string types_of(const std::vector<Parameter>& parameters) {
    std::string types = "(";
    for (const Parameter& parameter : parameters) {
        if (types.size() > 1) types += ",";
        types += parameter.type;
    }
    return types + ")";
}

// Text from a contract may hold anything.
std::string printable(ByteView bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), kTextBytesMax))) {
        text.push_back(byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?');
    }
    return text;
}

std::string show(std::string_view type, const codec::AbiValue& value) {
    if (type == "string") return "\"" + printable(value.bytes) + "\"";
    if (type == "address") return crypto::to_checksum_address(codec::abi_to_address(value).value_or(Address{}));
    if (type.starts_with("uint")) {
        const Result<U128> number = codec::abi_to_u128(value);
        return number ? codec::to_decimal(*number) : codec::to_hex(value.word);
    }
    return codec::to_hex(value.word);
}

// Empty when the data is not of this error.
std::string describe_as(std::string_view revert, ByteView data) {
    const std::vector<Parameter> parameters = parameters_of(revert);
    const std::string types = types_of(parameters);
    const Hash selector = crypto::keccak256_text(std::string{name_of(revert)} + types);
    if (!std::equal(data.begin(), data.begin() + kSelectorBytes, selector.bytes.begin())) return {};
    const auto parsed = codec::parse_abi_types(types);
    if (!parsed) return {};
    const auto values = codec::abi_decode(*parsed, data.subspan(kSelectorBytes));
    if (!values) return {};
    std::string text = std::string{name_of(revert)} + "(";
    for (std::size_t index = 0; index < parameters.size(); ++index) {
        if (index > 0) text += ", ";
        text += std::string{parameters[index].name} + " " + show(parameters[index].type, (*values)[index]);
    }
    return text + ")";
}

}  // namespace

std::string describe_revert(ByteView data, std::string_view server_message) {
    if (data.empty()) return "reverted: " + printable(as_bytes(server_message));
    if (data.size() >= kSelectorBytes) {
        for (const std::string_view revert : kReverts) {
            const std::string text = describe_as(revert, data);
            if (!text.empty()) return "reverted: " + text;
        }
    }
    return "reverted with " + codec::to_hex(data.first(std::min<std::size_t>(data.size(), kTextBytesMax)));
}

std::vector<std::string_view> known_reverts() {
    return {std::begin(kReverts), std::end(kReverts)};
}

}  // namespace vcity::adapters
