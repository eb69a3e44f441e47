// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "async/runtime.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "codec/json.hpp"
#include "ports/byte_stream.hpp"

namespace vcity::adapters {

struct EngineRequest {
    std::string method;  // "GET", "POST", "DELETE"
    std::string target;  // path and query, already escaped
    std::string body;    // JSON; empty: none
};

struct EngineReply {
    unsigned status = 0;
    std::string body;  // at most kEngineReplyBytesMax

    bool is_success() const { return status / 100 == 2 || status == 304; }
};

inline constexpr std::size_t kEngineReplyBytesMax = 8U << 20U;

// A container engine behind a socket of this machine, which speaks HTTP: podman's service or Docker. One connection for
// each call. Trusted with the machine as a whole, so its answers are bounded but believed.
class Engine {
  public:
    explicit Engine(std::string socket_path) : socket_path_{std::move(socket_path)} {}

    // Any status is an answer. kUnavailable: it cannot be reached; kTimeout at the deadline; kCorrupt: no HTTP.
    Task<Result<EngineReply>> call(EngineRequest request, TimePoint deadline);
    // The same for answers in JSON; an answer that is no success becomes an error with what the engine says.
    Task<Result<codec::Json>> ask(EngineRequest request, TimePoint deadline);
    // A stream both ways when the engine switches protocols, else the body of its answer as it comes. The deadline is
    // for the head of the answer.
    Task<Result<std::unique_ptr<ports::ByteStream>>> open(EngineRequest request, TimePoint deadline);

  private:
    std::string socket_path_;
};

// kNotFound 404, kConflict 409, kInvalid other 4xx, kUnavailable the rest; with the engine's own words.
Error engine_error(const EngineReply& reply, std::string_view what);

}  // namespace vcity::adapters
