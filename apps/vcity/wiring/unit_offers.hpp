// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "machine/machine.hpp"
#include "services/node/inventory/units.hpp"
#include "wiring/role_options.hpp"

namespace vcity::wiring {

// The units that a node offers for customers' commands, all with these features: those of its file, of an
// inventory of this machine, one with a share of its cores and memory, or none. GPUs are offered where containers are.
Result<node::OwnUnits> unit_offers(const NodeRunOptions& options, std::uint32_t features);

// For `--units auto` and the command that shows what it would do.
MachineOptions machine_options(const NodeRunOptions& options);
// kInvalid: a price or a grain.
Result<node::UnitTerms> unit_terms(const NodeRunOptions& options);

}  // namespace vcity::wiring
