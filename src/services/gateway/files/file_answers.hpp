// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "services/gateway/exchange.hpp"
#include "services/gateway/files/file_book.hpp"

namespace vcity::gateway {

// What to tell whoever sent or asked for a file, by what the file book said.
ApiError file_error(const Error& error);

// Answers with the file, or the part that a Range header asks for, in pieces; a client that does not read is waited
// for. The response that it returns counts only if the exchange is not answered.
Task<ApiResult<ports::HttpResponse>> send_file(Exchange* exchange, FileBook* book, Hash sha256, std::string name);

// The rest of the request's body goes into the arrival.
Task<Refusal> receive_file(Exchange* exchange, FileBook::Arrival* arrival, std::uint64_t bytes_max);
// Why a body could not be read to its end.
ApiError body_error(const Error& error);

}  // namespace vcity::gateway
