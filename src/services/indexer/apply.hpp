// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/chain.hpp"
#include "services/indexer/draft.hpp"

namespace vcity::indexer {

// Works one event into the read model. kCorrupt: the event contradicts what came before (an RPC server that lies or
// leaves something out).
//
// Where money is, in micro-dollars (all of "totals"; stake and what was slashed of it are VCAI, as decimal text):
//   deposited     came into Escrow from clients
//   compensated   came in from the treasury, for voided receipts
//   available     in Escrow, free (with withdrawals that wait for their delay)
//   locked        in Escrow, under spending caps
//   pools         in Settlement, earned but not claimed
//   paid          claimed by nodes
//   fees          sent to the treasury
//   withdrawn     taken out by clients
//   prepaid       given to agreements, less what came back of it
// At every block: deposited + compensated = available + locked + pools + paid + fees + withdrawn + prepaid.
Task<Result<void>> apply_event(Draft* draft, ChainEvent event);

// The event for people, without its place in the chain.
codec::Json describe(const ChainEvent& event);

// Puts a row among the events, where it is found by its place, its "kind" and the addresses in it.
void put_row(Draft* draft, std::uint64_t block_number, std::uint32_t log_index, codec::Json row);

}  // namespace vcity::indexer
