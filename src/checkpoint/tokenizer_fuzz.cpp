// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/tokenizer.hpp"

#include "checkpoint/output_text.hpp"
#include "codec/json.hpp"

namespace {

// A tokenizer that was accepted must work for any text and give valid text back.
void use(const vcity::Result<vcity::checkpoint::Tokenizer>& tokenizer, std::string_view text) {
    if (!tokenizer) return;
    const auto tokens = tokenizer->encode(text);
    if (!tokens) return;
    const std::string back = vcity::checkpoint::output_text(*tokenizer, {"a", "stop"}, *tokens);
    if (!vcity::codec::is_utf8(back)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vcity::ByteView bytes{data, size};
    use(vcity::checkpoint::parse_sentencepiece(bytes), "hello \xe4\xbd\xa0 world");
    use(vcity::checkpoint::parse_tokenizer_json(vcity::as_text(bytes)), "hello \xe4\xbd\xa0 world 12345");
    return 0;
}
