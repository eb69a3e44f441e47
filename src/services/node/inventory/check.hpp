// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ports/inventory.hpp"

// Several views of one machine made one, and held against each other. A vendor's library tells what the owner of the
// machine lets it tell, so nothing here proves anything to others (a proof of capacity does that). It names what does
// not fit together, exactly enough that an honest owner can repair it.
namespace vcity::node {

enum class Doubt : std::uint8_t {
    kWindowsDriver,      // the number of a driver that exists for Windows only
    kDriverVersions,     // library and kernel module of different versions
    kNoKernelModule,     // a library that tells of cards, and no module that could drive them
    kMoreGpusThanPci,    // than cards of that vendor on the bus
    kNotOnPci,           // no card at that address
    kNotDriven,          // the module does not drive that address
    kOtherChip,          // the bus has another chip there
    kOtherName,          // the chip is called otherwise
    kSamePlace,          // two GPUs at one address
    kSameUuid,           // two GPUs of one identity
    kMoreMemory,         // than the chip is made with
    kLessMemory,         // a share of a card, or something reserved
    kMemoryContradicts,  // two answers of one library
    kIdleCard,           // on the bus, but no driver tells of it
    kFewerCores,         // usable here than the machine has
    kNoBus,              // nothing to hold the rest against
};
std::string_view to_string(Doubt doubt);  // "windows_driver"

enum class Weight : std::uint8_t { kNote = 0, kRefused = 1 };
std::string_view to_string(Weight weight);

struct Finding {
    Doubt doubt = Doubt::kNoBus;
    Weight weight = Weight::kNote;
    std::string address;  // of one GPU; empty: of the machine, and when it is refused, of every NVIDIA GPU in it
    std::string text;     // what contradicts what, with both values, and what to do

    bool operator==(const Finding&) const = default;
};

struct CheckedInventory {
    ports::MachineInventory machine;
    std::vector<Finding> findings;

    // Whether a GPU may not be offered on the strength of this inventory.
    bool is_refused(const ports::Gpu& gpu) const;
};

// What one source leaves empty the next one fills; lists are joined.
ports::MachineInventory merge(std::span<const ports::MachineInventory> parts);
std::vector<Finding> cross_check(const ports::MachineInventory& machine);
CheckedInventory checked(std::span<const ports::MachineInventory> parts);

}  // namespace vcity::node
