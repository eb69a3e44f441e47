// SPDX-License-Identifier: Apache-2.0
#include "event_lines.hpp"

namespace vcity::sdk {

bool EventLines::add(std::string_view piece) {
    buffer_ += piece;
    return buffer_.size() <= kLineBytesMax + piece.size();
}

std::optional<std::string> EventLines::next() {
    while (true) {
        const std::size_t end = buffer_.find('\n', searched_);
        if (end == std::string::npos) {
            searched_ = buffer_.size();
            return std::nullopt;
        }
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        searched_ = 0;
        if (line.ends_with('\r')) line.pop_back();
        if (!line.starts_with("data:")) continue;
        line.erase(0, line.starts_with("data: ") ? 6 : 5);
        return line;
    }
}

}  // namespace vcity::sdk
