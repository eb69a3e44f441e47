// SPDX-License-Identifier: Apache-2.0
#include "contracts/abi.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace vcity::contracts {
namespace {

using codec::AbiType;

Error corrupt(const std::string& what) {
    return make_error(Errc::kCorrupt, "contract: " + what);
}

std::vector<AbiType> parsed(std::string_view types) {
    Result<std::vector<AbiType>> list = codec::parse_abi_types(types);
    CHECK(list.has_value());
    return *std::move(list);
}

}  // namespace

Error not_a(const char* type) {
    return corrupt(std::string{"the value is no "} + type);
}

Result<std::uint64_t> unpack_unsigned(const AbiValue& value, std::uint64_t max) {
    const Result<std::uint64_t> number = codec::abi_to_u64(value);
    if (!number || *number > max) return not_a("number of that size");
    return number;
}

Result<std::int64_t> unpack_signed(const AbiValue& value, std::int64_t min, std::int64_t max) {
    const Result<std::int64_t> number = codec::abi_to_i64(value);
    if (!number || *number < min || *number > max) return not_a("number of that size");
    return number;
}

Result<Bytes> unpack_bytes(const AbiValue& value) {
    if (value.kind != AbiValue::Kind::kBytes) return not_a("string of bytes");
    return value.bytes;
}

template <>
Result<bool> unpack<bool>(const AbiValue& value) {
    const Result<bool> truth = codec::abi_to_bool(value);
    return truth ? truth : Result<bool>{not_a("bool")};
}

template <>
Result<U128> unpack<U128>(const AbiValue& value) {
    const Result<U128> number = codec::abi_to_u128(value);
    return number ? number : Result<U128>{not_a("number of 128 bits")};
}

template <>
Result<U256> unpack<U256>(const AbiValue& value) {
    if (value.kind != AbiValue::Kind::kWord) return not_a("word");
    return value.word;
}

template <>
Result<Uint256> unpack<Uint256>(const AbiValue& value) {
    TRY(const U256 word, unpack<U256>(value));
    return from_bytes(word);
}

template <>
Result<Address> unpack<Address>(const AbiValue& value) {
    const Result<Address> address = codec::abi_to_address(value);
    return address ? address : Result<Address>{not_a("address")};
}

template <>
Result<Hash> unpack<Hash>(const AbiValue& value) {
    if (value.kind != AbiValue::Kind::kWord) return not_a("word");
    return value.word.as<Hash>();
}

template <>
Result<std::string> unpack<std::string>(const AbiValue& value) {
    if (value.kind != AbiValue::Kind::kBytes) return not_a("text");
    return std::string{as_text(value.bytes)};
}

Bytes encode_selected(std::uint32_t selector, const std::vector<AbiValue>& arguments) {
    Bytes data;
    for (int shift = 24; shift >= 0; shift -= 8) data.push_back(static_cast<std::uint8_t>(selector >> shift));
    append(&data, codec::abi_encode(arguments));
    return data;
}

Result<std::vector<AbiValue>> decode_answer(std::string_view types, ByteView answer) {
    if (answer.empty() && types != "()") return corrupt("no answer; is there a contract at this address?");
    Result<std::vector<AbiValue>> values = codec::abi_decode(parsed(types), answer);
    if (!values) return corrupt("malformed answer: " + values.error().message);
    return values;
}

Result<std::vector<AbiValue>> decode_log(const Hash& topic,
                                         std::string_view types,
                                         std::string_view indexed,
                                         const std::vector<Hash>& topics,
                                         ByteView data) {
    std::vector<AbiType> all = parsed(types);
    const auto topic_count = static_cast<std::size_t>(std::ranges::count(indexed, '1'));
    if (topics.size() != topic_count + 1 || topics[0] != topic) return corrupt("the log is of another event");
    std::vector<AbiType> in_data;
    Bytes words;
    std::vector<AbiType> in_topics;
    for (std::size_t index = 0; index < all.size(); ++index) {
        (indexed[index] == '1' ? in_topics : in_data).push_back(std::move(all[index]));
    }
    for (std::size_t index = 1; index < topics.size(); ++index) append(&words, topics[index].view());
    Result<std::vector<AbiValue>> from_topics = codec::abi_decode(in_topics, words);
    if (!from_topics) return corrupt("malformed topic: " + from_topics.error().message);
    Result<std::vector<AbiValue>> from_data = codec::abi_decode(in_data, data);
    if (!from_data) return corrupt("malformed log: " + from_data.error().message);
    std::vector<AbiValue> values;
    std::size_t next_topic = 0;
    std::size_t next_datum = 0;
    for (const char mark : indexed) {
        values.push_back(mark == '1' ? std::move((*from_topics)[next_topic++]) : std::move((*from_data)[next_datum++]));
    }
    return values;
}

}  // namespace vcity::contracts
