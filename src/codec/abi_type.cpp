// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "codec/abi.hpp"
#include "codec/integer.hpp"

namespace vcity::codec {
namespace {

constexpr std::size_t kNameBytesMax = 4096;
constexpr std::size_t kDepthMax = 8;

Error malformed() {
    return make_error(Errc::kInvalid, "not an ABI type");
}

// The N of "uintN" or "bytesN".
Result<std::uint64_t> size_after(std::string_view text, std::string_view prefix) {
    return parse_decimal(text.substr(prefix.size()));
}

Result<AbiType> parse_elementary(std::string_view text) {
    using Kind = AbiValue::Kind;
    if (text == "bytes" || text == "string") return AbiType{Kind::kBytes, std::string{text}, {}};
    if (text == "uint" || text == "int") return AbiType{Kind::kWord, std::string{text} + "256", {}};
    if (text == "address" || text == "bool") return AbiType{Kind::kWord, std::string{text}, {}};
    if (text.starts_with("uint") || text.starts_with("int")) {
        TRY(const std::uint64_t bits, size_after(text, text.starts_with("uint") ? "uint" : "int"));
        if (bits % 8 != 0 || bits == 0 || bits > 256) return malformed();
        return AbiType{Kind::kWord, std::string{text}, {}};
    }
    if (text.starts_with("bytes")) {
        TRY(const std::uint64_t size, size_after(text, "bytes"));
        if (size == 0 || size > 32) return malformed();
        return AbiType{Kind::kWord, std::string{text}, {}};
    }
    return malformed();
}

class Parser {
  public:
    explicit Parser(std::string_view text) : rest_{text} {}

    bool is_at_end() const { return rest_.empty(); }

    Result<AbiType> type(std::size_t depth) {
        if (depth > kDepthMax) return malformed();
        TRY(AbiType result, rest_.starts_with('(') ? tuple(depth) : elementary());
        while (rest_.starts_with("[]")) {
            rest_.remove_prefix(2);
            if (++depth > kDepthMax) return malformed();
            std::string name = result.name + "[]";
            result = AbiType{AbiValue::Kind::kArray, std::move(name), {std::move(result)}};
        }
        return result;
    }

    // "(type,type)" with at least one type.
    Result<AbiType> tuple(std::size_t depth) {
        AbiType result{AbiValue::Kind::kTuple, "(", {}};
        char next = '(';
        while (next != ')') {
            rest_.remove_prefix(1);
            TRY(AbiType member, type(depth + 1));
            if (rest_.empty() || (rest_.front() != ',' && rest_.front() != ')')) return malformed();
            next = rest_.front();
            result.name += member.name + next;
            result.members.push_back(std::move(member));
        }
        rest_.remove_prefix(1);
        return result;
    }

  private:
    Result<AbiType> elementary() {
        const std::size_t size = std::min(rest_.find_first_of(",)[("), rest_.size());
        const std::string_view name = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return parse_elementary(name);
    }

    std::string_view rest_;
};

}  // namespace

bool AbiType::is_dynamic() const {
    switch (kind) {
        case AbiValue::Kind::kWord: return false;
        case AbiValue::Kind::kBytes:
        case AbiValue::Kind::kArray: return true;
        case AbiValue::Kind::kTuple: return std::ranges::any_of(members, &AbiType::is_dynamic);
    }
    return false;
}

Result<AbiType> parse_abi_type(std::string_view text) {
    if (text.size() > kNameBytesMax) return malformed();
    Parser parser{text};
    TRY(AbiType type, parser.type(0));
    if (!parser.is_at_end()) return malformed();
    return type;
}

Result<std::vector<AbiType>> parse_abi_types(std::string_view text) {
    if (text.size() > kNameBytesMax || !text.starts_with('(')) return malformed();
    if (text == "()") return std::vector<AbiType>{};
    Parser parser{text};
    TRY(AbiType list, parser.tuple(0));
    if (!parser.is_at_end()) return malformed();
    return std::move(list.members);
}

}  // namespace vcity::codec
