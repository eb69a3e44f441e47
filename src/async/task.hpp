// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"

namespace vcity {

// A lazily started coroutine. It starts when awaited or spawned and runs on the runtime of whoever did that.
template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace vcity
