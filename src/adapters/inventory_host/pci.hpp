// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/inventory_host/tree.hpp"
#include "ports/inventory.hpp"

namespace vcity::adapters {

// Display adapters and accelerators on the bus (classes 03xx and 12xx of /sys/bus/pci/devices), by address. Nothing
// depends on who made the board or on whether a list knows the name.
std::vector<ports::PciCard> pci_cards(const KernelTree& tree);
// Of one device's folder in /sys.
ports::PcieLink pcie_link(const KernelTree& tree, const std::string& folder);

// Fills the names of cards from a list in the form of pci.ids; what it does not know keeps no name.
void name_cards(std::string_view list, std::vector<ports::PciCard>* cards);

}  // namespace vcity::adapters
