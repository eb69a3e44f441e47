// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/amount.hpp"
#include "codec/json.hpp"
#include "ports/store.hpp"

namespace vcity::indexer {

// Where all the money is; see apply.hpp. A sum that does not hold is a bug, ours or the contracts'.
struct Conservation {
    Usd deposited;
    Usd compensated;
    Usd available;
    Usd locked;
    Usd pools;
    Usd paid;
    Usd fees;
    Usd withdrawn;
    Usd prepaid;

    U128 came_in() const { return U128{deposited.micro} + compensated.micro; }
    U128 accounted_for() const {
        return U128{available.micro} + locked.micro + pools.micro + paid.micro + fees.micro + withdrawn.micro +
               prepaid.micro;
    }
    bool holds() const { return came_in() == accounted_for(); }
};
Task<Result<Conservation>> conservation(ports::Store* store);

struct Page {
    codec::JsonArray items;
    std::string next;  // opaque; empty on the last page
};
// Records under one of the prefixes of draft.hpp, in key order. kInvalid for a cursor that we did not give.
Task<Result<Page>> page_of(ports::Store* store, std::string prefix, std::string cursor, std::size_t limit);
// Null when there is none.
Task<Result<codec::Json>> record(ports::Store* store, std::string key);

}  // namespace vcity::indexer
