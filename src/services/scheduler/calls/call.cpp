// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/calls/call.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace vcity::scheduler {
namespace {

// The finaliser of splitmix64 (Steele, Lea and Flood 2014).
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111eb;
    return value ^ (value >> 31U);
}

// Cuts the text that it is given into blocks.
class Blocks {
  public:
    explicit Blocks(std::uint64_t salt) : state_{mix(salt)} {}

    bool is_full() const { return names_.size() == kBlocksMax; }
    void add(std::string_view text) {
        while (!text.empty() && !is_full()) {
            const std::size_t taken = std::min(text.size(), kBlockBytes - used_);
            std::memcpy(block_.data() + used_, text.data(), taken);
            used_ += taken;
            text.remove_prefix(taken);
            if (used_ == kBlockBytes) close();
        }
    }
    std::vector<std::uint64_t> take() { return std::move(names_); }

  private:
    void close() {
        for (std::size_t at = 0; at < kBlockBytes; at += sizeof(std::uint64_t)) {
            std::uint64_t word = 0;
            std::memcpy(&word, block_.data() + at, sizeof word);
            state_ = mix(state_ + 0x9e3779b97f4a7c15 + word);
        }
        names_.push_back(state_);
        used_ = 0;
    }

    std::uint64_t state_;
    std::array<char, kBlockBytes> block_{};
    std::size_t used_ = 0;
    std::vector<std::uint64_t> names_;
};

}  // namespace

std::vector<std::uint64_t> prompt_blocks(const ModelRequest& request, std::uint64_t salt) {
    Blocks blocks{salt};
    blocks.add(request.prompt);
    for (const ChatMessage& message : request.messages) {
        if (blocks.is_full()) break;
        blocks.add(message.role);
        blocks.add(std::string_view{"\0", 1});
        blocks.add(message.content);
        blocks.add(std::string_view{"\0", 1});
    }
    return blocks.take();
}

std::uint32_t prompt_tokens(const ModelRequest& request) {
    std::size_t bytes = request.prompt.size();
    for (const ChatMessage& message : request.messages) bytes += message.role.size() + message.content.size();
    return static_cast<std::uint32_t>(std::min<std::size_t>(bytes / kBytesPerToken + 1, UINT32_MAX));
}

}  // namespace vcity::scheduler
