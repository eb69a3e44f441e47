// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "codec/json.hpp"
#include "ports/http.hpp"

namespace vcity::services {

// Reading request targets and writing JSON answers, for the HTTP faces of the roles.
std::string_view path_of(std::string_view target);
// The raw value of a query parameter; empty when absent.
std::string_view query_of(std::string_view target, std::string_view name);
// %XX become bytes; what is no such escape stays as it is.
std::string percent_decoded(std::string_view text);
// "127.0.0.1:5000" -> "127.0.0.1", "[::1]:5000" -> "::1".
std::string_view host_of(std::string_view remote);
bool is_loopback(std::string_view remote);
ports::HttpResponse json_response(const codec::Json& json);

}  // namespace vcity::services
