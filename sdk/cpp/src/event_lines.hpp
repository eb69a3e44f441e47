// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vcity::sdk {

// Server-sent events from pieces of a body: the data of each, comments and other fields left out. Lines end with \n or
// \r\n.
class EventLines {
  public:
    static constexpr std::size_t kLineBytesMax = 1U << 20U;

    // False: a line is longer than kLineBytesMax; nothing more may be added.
    bool add(std::string_view piece);
    // The next event's data; nullopt when more bytes are needed.
    std::optional<std::string> next();

  private:
    std::string buffer_;
    std::size_t searched_ = 0;  // bytes known to hold no line's end
};

}  // namespace vcity::sdk
