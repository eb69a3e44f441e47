// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/output_text.hpp"

#include <algorithm>

#include "codec/json.hpp"
#include "codec/utf8.hpp"

namespace vcity::checkpoint {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// How many bytes at the end of `text` are the start of `stop`.
std::size_t overlap(std::string_view text, std::string_view stop) {
    for (std::size_t size = std::min(text.size(), stop.size() - 1); size > 0; --size) {
        if (text.ends_with(stop.substr(0, size))) return size;
    }
    return 0;
}

}  // namespace

OutputText::OutputText(const Tokenizer& tokenizer, std::vector<std::string> stops)
    : tokenizer_{&tokenizer}, stops_{std::move(stops)} {
    std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string OutputText::push(std::uint32_t token) {
    if (stopped_) return {};
    std::string_view bytes = tokenizer_->token_bytes(token);
    if (first_ && !bytes.empty()) {
        if (tokenizer_->drops_first_space() && bytes.front() == ' ') bytes.remove_prefix(1);
        first_ = false;
    }
    pending_.append(bytes);
    decode_pending(false);
    std::size_t stop_at = std::string::npos;
    std::size_t keep = 0;
    for (const std::string& stop : stops_) {
        stop_at = std::min(stop_at, held_.find(stop));
        keep = std::max(keep, overlap(held_, stop));
    }
    if (stop_at != std::string::npos) {
        stopped_ = true;
        return release(stop_at);
    }
    return release(held_.size() - keep);
}

std::string OutputText::finish() {
    if (stopped_) return {};
    decode_pending(true);
    for (const std::string& stop : stops_) {
        if (const std::size_t at = held_.find(stop); at != std::string::npos) held_.resize(at);
    }
    return release(held_.size());
}

std::string OutputText::release(std::size_t bytes) {
    std::string out = held_.substr(0, bytes);
    held_.erase(0, bytes);
    return out;
}

void OutputText::decode_pending(bool all) {
    std::size_t at = 0;
    const std::size_t complete = all ? pending_.size() : codec::utf8_complete_prefix(pending_);
    while (at < complete) {
        const std::size_t size = codec::utf8_character_length(std::string_view{pending_}.substr(at));
        if (size == 0) {
            held_.append(kReplacement);
            ++at;
        } else {
            held_.append(pending_, at, size);
            at += size;
        }
    }
    pending_.erase(0, at);
}

std::string output_text(const Tokenizer& tokenizer,
                        const std::vector<std::string>& stops,
                        std::span<const std::uint32_t> tokens) {
    OutputText text{tokenizer, stops};
    std::string out;
    for (const std::uint32_t token : tokens) out += text.push(token);
    return out + text.finish();
}

}  // namespace vcity::checkpoint
