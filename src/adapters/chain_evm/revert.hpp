// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace vcity::adapters {

// What a contract said when it reverted, as a sentence for people: for every error of every contract its name in words
// and its arguments by name, in human units; for common ones what to do about it. Revert data that names none of our
// contracts' errors is shown as it is; without any, the server's message stands in. Always begins with "reverted".
std::string describe_revert(ByteView data, std::string_view server_message);

}  // namespace vcity::adapters
