// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/yaml.hpp"

namespace vcity::app::detail {

// Writes an app file top down.
class Emitter {
  public:
    void note(std::string text) { notes_.push_back(std::move(text)); }
    void field(std::string_view name, std::string_view value);
    // As it stands, where nothing has to be quoted.
    void raw(std::string_view name, std::string_view value);
    // Of several lines, where it can be read as they stand.
    void block(std::string_view name, std::string_view value);
    void node(std::string_view name, const Node& value);
    // What follows is inside this map, until close().
    void open(std::string_view name);
    void close();
    // Notes first, as comments.
    std::string text() const;

  private:
    std::string indent() const { return std::string(depth_ * 2, ' '); }

    std::string body_;
    std::string opened_;  // maps that have no member yet are not written
    std::vector<std::string> notes_;
    std::size_t depth_ = 0;
};

// On one line; scalars in quotes, nulls as ~.
std::string flow(const Node& node);

}  // namespace vcity::app::detail
