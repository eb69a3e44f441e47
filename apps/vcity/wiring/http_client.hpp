// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "async/runtime.hpp"
#include "ports/http.hpp"

namespace vcity::wiring {

// The HTTP client with the defaults that every program here uses.
std::unique_ptr<ports::HttpClient> make_http_client(Runtime* runtime);

}  // namespace vcity::wiring
