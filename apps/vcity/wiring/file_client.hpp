// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "wiring/api_client.hpp"

namespace vcity::wiring {

// Bytes done and of how many; called now and then.
using FileProgress = std::function<void(std::uint64_t done, std::uint64_t all)>;

// POST /v1/files with a local file, in pieces; answers the file object. kNotFound: it cannot be read.
Task<Result<codec::Json>> upload_file(adapters::AsioRuntime* runtime,
                                      ApiClient* client,
                                      std::string path,
                                      std::string purpose,
                                      FileProgress progress = {});

// GET of a file's content into a local file, written beside it as FILE.part and renamed. Goes on where a connection
// broke; sha256 (hex; empty: the server's word is taken) is checked before the name. kCorrupt: other bytes.
Task<Result<std::uint64_t>> download_file(adapters::AsioRuntime* runtime,
                                          ApiClient* client,
                                          std::string path,
                                          std::string file,
                                          std::string sha256,
                                          FileProgress progress = {});

}  // namespace vcity::wiring
