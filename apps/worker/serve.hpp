// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "engine.hpp"
#include "tuning/shelf.hpp"

namespace vcity::worker {

// Speaks the worker protocol (u32 little-endian length, then a protobuf WorkerFrame of at most wire::kFrameBytesMax) on
// two descriptors until `input` ends: first WorkerReady, then answers. Between two frames it lets the engine step, so
// cancelling takes effect after at most one step. kCorrupt for a frame that cannot be read: there is no way to find the
// next one. kUnavailable when `output` is closed.
Result<void> serve(Engine& engine, int input, int output);
Result<void> serve(Shelf& shelf, int input, int output);

}  // namespace vcity::worker
