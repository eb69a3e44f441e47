// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "codec/json.hpp"
#include "ports/inventory.hpp"

namespace vcity::adapters {

inline constexpr std::size_t kInventoryFileBytesMax = 4U << 20U;

// An inventory as JSON, in the form that `vcity node inventory --json` prints: every member of MachineInventory by its
// own name, what is not known left out. What is read back is what was written.
codec::Json inventory_json(const ports::MachineInventory& machine);
// kInvalid names the place, such as gpus[1].vram_bytes. Members that are not known are refused, so that a slip of the
// pen is no silent zero.
Result<ports::MachineInventory> parse_inventory(std::string_view text);

// A machine from a file, read anew at each look: for tests, and for what no other source can see.
class FileInventory final : public ports::Inventory {
  public:
    explicit FileInventory(std::string path) : path_{std::move(path)} {}

    Task<Result<ports::MachineInventory>> look() override;

  private:
    std::string path_;
};

}  // namespace vcity::adapters
