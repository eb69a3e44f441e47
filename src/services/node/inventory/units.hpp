// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "services/node/inventory/check.hpp"
#include "services/node/steps/units_file.hpp"

namespace vcity::node {

// Into what a machine with GPUs is cut. However it is cut, a unit has GPUs of one model and size only, at most
// kUnitGpusMax, and each instance of a GPU in MIG mode is a unit of its own. Customers may ask for a part of one GPU
// of any unit (UnitAsk::gpu_milli).
enum class Grain : std::uint8_t {
    kMachine = 0,  // all alike GPUs together
    kIsland = 1,   // those that NVLink or XGMI joins; a GPU without is alone
    kGpu = 2,
};
std::string_view to_string(Grain grain);
Result<Grain> parse_grain(std::string_view text);  // "machine", "island", "gpu"

inline constexpr std::size_t kUnitGpusMax = 8;
inline constexpr std::size_t kModelLabelBytesMax = 31;

struct UnitTerms {
    Grain grain = Grain::kIsland;
    Usd gpu_hourly;   // for one GPU; for an instance in proportion to its memory
    Usd core_hourly;  // for one core of a machine that offers no GPU
    std::optional<Usd> gpu_spot;
    std::optional<Usd> core_spot;
    std::map<std::string, Usd> model_hourly;  // instead of gpu_hourly, by the label of the model
    std::uint32_t reserve_cpu_milli = 1000;   // that units do not get
    std::uint32_t reserve_memory_mib = 1024;
    std::uint32_t disk_mib = 0;  // of all units together
    bool with_gpus = true;       // false: no sandbox here can pass a device on
};

// What a machine can offer: cores, memory and disk are shared in proportion to GPUs; without GPUs they are one unit.
// kExhausted: what is reserved leaves nothing. GPUs that findings refuse are left out.
Result<OwnUnits> units_of(const CheckedInventory& inventory, const UnitTerms& terms);

// A name of at most kModelLabelBytesMax printable bytes, different for different models: as it is, without the vendor,
// or cut with a mark of what was cut.
std::string model_label(std::string_view model);

}  // namespace vcity::node
