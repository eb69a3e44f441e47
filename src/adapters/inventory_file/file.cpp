// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_file/file.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>

#include <fmt/core.h>

namespace vcity::adapters {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kListMax = 4096;

// One description of every record, visited to write it and to read it: `visit(name, member)` for each member.
template <class Visit, class Record>
void members(Visit& visit, Record& record);

template <class Visit, class Link>
void visit_link(Visit& visit, Link& link) {
    visit("generation", link.generation);
    visit("lanes", link.lanes);
    visit("generation_max", link.generation_max);
    visit("lanes_max", link.lanes_max);
}

template <class Visit, class Card>
void visit_card(Visit& visit, Card& card) {
    visit("address", card.address);
    visit("vendor", card.vendor);
    visit("device", card.device);
    visit("subsystem_vendor", card.subsystem_vendor);
    visit("subsystem_device", card.subsystem_device);
    visit("name", card.name);
    visit("driver", card.driver);
    visit("numa", card.numa);
    visit("bar_bytes", card.bar_bytes);
    visit("link", card.link);
}

template <class Visit, class Load>
void visit_load(Visit& visit, Load& load) {
    visit("busy_percent", load.busy_percent);
    visit("memory_busy_percent", load.memory_busy_percent);
    visit("vram_used_bytes", load.vram_used_bytes);
    visit("celsius", load.celsius);
    visit("watts", load.watts);
    visit("energy_joules", load.energy_joules);
    visit("sm_mhz", load.sm_mhz);
    visit("memory_mhz", load.memory_mhz);
    visit("pcie_replays", load.pcie_replays);
    visit("processes", load.processes);
}

template <class Visit, class Gpu>
void visit_gpu(Visit& visit, Gpu& gpu) {
    visit("vendor", gpu.vendor);
    visit("model", gpu.model);
    visit("uuid", gpu.uuid);
    visit("address", gpu.address);
    visit("pci_vendor", gpu.pci_vendor);
    visit("pci_device", gpu.pci_device);
    visit("vram_bytes", gpu.vram_bytes);
    visit("vram_bytes_again", gpu.vram_bytes_again);
    visit("compute_capability", gpu.compute_capability);
    visit("link", gpu.link);
    visit("nvlink_peers", gpu.nvlink_peers);
    visit("is_on_nvswitch", gpu.is_on_nvswitch);
    visit("has_display", gpu.has_display);
    visit("is_mig", gpu.is_mig);
    visit("instances", gpu.instances);
    visit("power", gpu.power);
    visit("load", gpu.load);
}

template <class Visit, class Machine>
void visit_machine(Visit& visit, Machine& machine) {
    visit("system", machine.system);
    visit("cpu", machine.cpu);
    visit("memory_bytes", machine.memory_bytes);
    visit("memory_usable_bytes", machine.memory_usable_bytes);
    visit("disks", machine.disks);
    visit("networks", machine.networks);
    visit("has_pci", machine.has_pci);
    visit("cards", machine.cards);
    visit("gpus", machine.gpus);
    visit("nvidia", machine.nvidia);
}

template <class Visit, class Record>
void members(Visit& visit, Record& record) {
    using Plain = std::remove_const_t<Record>;
    if constexpr (std::is_same_v<Plain, ports::MachineInventory>) {
        visit_machine(visit, record);
    } else if constexpr (std::is_same_v<Plain, ports::Gpu>) {
        visit_gpu(visit, record);
    } else if constexpr (std::is_same_v<Plain, ports::GpuLoad>) {
        visit_load(visit, record);
    } else if constexpr (std::is_same_v<Plain, ports::PciCard>) {
        visit_card(visit, record);
    } else if constexpr (std::is_same_v<Plain, ports::PcieLink>) {
        visit_link(visit, record);
    } else if constexpr (std::is_same_v<Plain, ports::MigInstance>) {
        visit("uuid", record.uuid);
        visit("profile", record.profile);
        visit("vram_bytes", record.vram_bytes);
    } else if constexpr (std::is_same_v<Plain, ports::GpuProcess>) {
        visit("pid", record.pid);
        visit("vram_bytes", record.vram_bytes);
    } else if constexpr (std::is_same_v<Plain, ports::PowerLimit>) {
        visit("watts", record.watts);
        visit("watts_min", record.watts_min);
        visit("watts_max", record.watts_max);
    } else if constexpr (std::is_same_v<Plain, ports::DriverFacts>) {
        visit("version", record.version);
        visit("library", record.library);
        visit("kernel", record.kernel);
        visit("cuda", record.cuda);
        visit("kernel_cards", record.kernel_cards);
    } else if constexpr (std::is_same_v<Plain, ports::Cpu>) {
        visit("model", record.model);
        visit("sockets", record.sockets);
        visit("cores", record.cores);
        visit("threads", record.threads);
        visit("usable_milli", record.usable_milli);
    } else if constexpr (std::is_same_v<Plain, ports::Disk>) {
        visit("path", record.path);
        visit("bytes", record.bytes);
        visit("free_bytes", record.free_bytes);
    } else {
        static_assert(std::is_same_v<Plain, ports::NetworkCard>);
        visit("name", record.name);
        visit("mbit", record.mbit);
        visit("is_up", record.is_up);
        visit("is_rdma", record.is_rdma);
    }
}

template <class Value>
struct IsOptional : std::false_type {};
template <class Value>
struct IsOptional<std::optional<Value>> : std::true_type {};
template <class Value>
struct IsList : std::false_type {};
template <class Value>
struct IsList<std::vector<Value>> : std::true_type {};

class Writer {
  public:
    template <class Value>
    void operator()(const char* name, const Value& value) {
        if constexpr (IsOptional<Value>::value) {
            if (value) object_.emplace_back(name, json_of(*value));
        } else {
            object_.emplace_back(name, json_of(value));
        }
    }

    template <class Value>
    static Json json_of(const Value& value) {
        if constexpr (std::is_same_v<Value, ports::GpuVendor>) {
            return Json{std::string{to_string(value)}};
        } else if constexpr (std::is_same_v<Value, bool> || std::is_same_v<Value, double> ||
                             std::is_same_v<Value, std::string>) {
            return Json{value};
        } else if constexpr (std::is_integral_v<Value> && std::is_signed_v<Value>) {
            return Json{static_cast<std::int64_t>(value)};
        } else if constexpr (std::is_integral_v<Value>) {
            return Json{static_cast<std::uint64_t>(value)};
        } else if constexpr (IsList<Value>::value) {
            JsonArray list;
            for (const auto& one : value) list.push_back(json_of(one));
            return Json{std::move(list)};
        } else {
            Writer writer;
            members(writer, value);
            return Json{std::move(writer.object_)};
        }
    }

  private:
    JsonObject object_;
};

class Reader {
  public:
    Reader(const Json* json, std::string place) : json_{json}, place_{std::move(place)} {}

    template <class Value>
    void operator()(const char* name, Value& value) {
        names_.emplace_back(name);
        const Json* member = json_->find(name);
        if (member == nullptr || !error_.empty()) return;
        const std::string place = place_.empty() ? name : place_ + "." + name;
        if constexpr (IsOptional<Value>::value) {
            value.emplace();
            error_ = read(*member, place, &*value);
        } else {
            error_ = read(*member, place, &value);
        }
    }

    // Empty: it is read.
    template <class Value>
    static std::string read(const Json& json, const std::string& place, Value* value) {
        if constexpr (std::is_same_v<Value, std::string>) {
            const std::string* text = json.get_string();
            if (text == nullptr) return place + ": must be text";
            *value = *text;
        } else if constexpr (std::is_same_v<Value, bool>) {
            const bool* flag = json.get_bool();
            if (flag == nullptr) return place + ": must be true or false";
            *value = *flag;
        } else if constexpr (std::is_same_v<Value, double>) {
            if (!json.get_double(value)) return place + ": must be a number";
        } else if constexpr (std::is_same_v<Value, ports::GpuVendor>) {
            return read_vendor(json, place, value);
        } else if constexpr (std::is_integral_v<Value>) {
            return read_integer(json, place, value);
        } else if constexpr (IsList<Value>::value) {
            return read_list(json, place, value);
        } else {
            return read_record(json, place, value);
        }
        return {};
    }

  private:
    static std::string read_vendor(const Json& json, const std::string& place, ports::GpuVendor* value) {
        const std::string* text = json.get_string();
        for (const ports::GpuVendor vendor :
             {ports::GpuVendor::kOther, ports::GpuVendor::kNvidia, ports::GpuVendor::kAmd, ports::GpuVendor::kIntel}) {
            if (text == nullptr || *text != to_string(vendor)) continue;
            *value = vendor;
            return {};
        }
        return place + ": must be nvidia, amd, intel or other";
    }

    template <class Integer>
    static std::string read_integer(const Json& json, const std::string& place, Integer* value) {
        std::int64_t number = 0;
        std::uint64_t large = 0;
        if (json.get_i64(&number)) {
            if (!std::in_range<Integer>(number)) return place + ": is out of range";
            *value = static_cast<Integer>(number);
            return {};
        }
        if (!json.get_u64(&large) || !std::in_range<Integer>(large)) return place + ": must be an integer in its range";
        *value = static_cast<Integer>(large);
        return {};
    }

    template <class Value>
    static std::string read_list(const Json& json, const std::string& place, std::vector<Value>* list) {
        const JsonArray* items = json.get_array();
        if (items == nullptr || items->size() > kListMax) {
            return fmt::format("{}: must be a list of at most {}", place, kListMax);
        }
        for (std::size_t index = 0; index < items->size(); ++index) {
            std::string error = read((*items)[index], fmt::format("{}[{}]", place, index), &list->emplace_back());
            if (!error.empty()) return error;
        }
        return {};
    }

    template <class Record>
    static std::string read_record(const Json& json, const std::string& place, Record* record) {
        if (json.get_object() == nullptr) return (place.empty() ? "the inventory" : place) + ": must be an object";
        Reader reader{&json, place};
        members(reader, *record);
        if (!reader.error_.empty()) return reader.error_;
        for (const auto& [name, value] : *json.get_object()) {
            const bool is_known = std::ranges::find(reader.names_, name) != reader.names_.end();
            if (!is_known) return (place.empty() ? name : place + "." + name) + ": is not known";
        }
        return {};
    }

    const Json* json_;
    std::string place_;
    std::vector<std::string> names_;
    std::string error_;
};

}  // namespace

Json inventory_json(const ports::MachineInventory& machine) {
    return Writer::json_of(machine);
}

Result<ports::MachineInventory> parse_inventory(std::string_view text) {
    if (text.size() > kInventoryFileBytesMax) return make_error(Errc::kInvalid, "an inventory has at most 4 MiB");
    TRY(const Json json, codec::parse_json(text));
    ports::MachineInventory machine;
    const std::string error = Reader::read(json, {}, &machine);
    if (!error.empty()) return make_error(Errc::kInvalid, error);
    return machine;
}

Task<Result<ports::MachineInventory>> FileInventory::look() {
    std::ifstream file(path_, std::ios::binary);
    if (!file) co_return make_error(Errc::kNotFound, path_ + " cannot be opened");
    std::string text(kInventoryFileBytesMax + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    Result<ports::MachineInventory> machine = parse_inventory(text);
    if (!machine) co_return make_error(machine.error().code, path_ + ": " + machine.error().message);
    co_return machine;
}

}  // namespace vcity::adapters
