// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/split_pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace vcity::checkpoint {
namespace {

constexpr std::size_t kPatternBytesMax = 4096;
constexpr std::uint32_t kMatchLimit = 2'000'000;
constexpr std::uint32_t kHeapLimitKib = 64 * 1024;

}  // namespace

struct SplitPattern::Code {
    pcre2_code* code = nullptr;
    pcre2_match_context* context = nullptr;

    Code() = default;
    Code(const Code&) = delete;
    Code& operator=(const Code&) = delete;
    ~Code() {
        pcre2_match_context_free(context);
        pcre2_code_free(code);
    }
};

SplitPattern::SplitPattern(std::unique_ptr<Code> code) : code_{std::move(code)} {}
SplitPattern::~SplitPattern() = default;

Result<std::shared_ptr<const SplitPattern>> SplitPattern::compile(std::string_view pattern) {
    if (pattern.empty() || pattern.size() > kPatternBytesMax) {
        return make_error(Errc::kInvalid,
                          "the split pattern must have 1 to " + std::to_string(kPatternBytesMax) + " bytes");
    }
    auto code = std::make_unique<Code>();
    int error = 0;
    PCRE2_SIZE offset = 0;
    constexpr std::uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
    code->code =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), kOptions, &error, &offset, nullptr);
    if (code->code == nullptr) {
        return make_error(Errc::kInvalid, "the split pattern is wrong at byte " + std::to_string(offset));
    }
    code->context = pcre2_match_context_create(nullptr);
    pcre2_set_match_limit(code->context, kMatchLimit);
    pcre2_set_heap_limit(code->context, kHeapLimitKib);
    return std::shared_ptr<const SplitPattern>{new SplitPattern{std::move(code)}};
}

Result<std::vector<std::string_view>> SplitPattern::split(std::string_view text) const {
    using MatchData = std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)>;
    const MatchData match{pcre2_match_data_create_from_pattern(code_->code, nullptr), &pcre2_match_data_free};
    std::vector<std::string_view> out;
    std::size_t at = 0;
    while (at < text.size()) {
        const int found = pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                      PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK, match.get(), code_->context);
        if (found == PCRE2_ERROR_NOMATCH) break;
        if (found < 0) return make_error(Errc::kExhausted, "the split pattern takes too much work on this text");
        const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(match.get());
        // A look-behind may move the start (\K); such a match would not move forward.
        if (ends[0] < at || ends[1] <= ends[0])
            return make_error(Errc::kInvalid, "the split pattern matches backwards");
        if (ends[0] > at) out.push_back(text.substr(at, ends[0] - at));
        out.push_back(text.substr(ends[0], ends[1] - ends[0]));
        at = ends[1];
    }
    if (at < text.size()) out.push_back(text.substr(at));
    return out;
}

}  // namespace vcity::checkpoint
