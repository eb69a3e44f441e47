// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include "adapters/inventory_file/file.hpp"
#include "commands/node_owner.hpp"
#include "machine/machine.hpp"
#include "wiring/unit_offers.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr double kGib = 1U << 30U;

struct InventoryOptions {
    wiring::NodeRunOptions run;
    bool is_plain = false;  // without judgement and units: what --inventory reads back
};

Json finding_json(const node::Finding& finding) {
    return Json{JsonObject{{"doubt", std::string{to_string(finding.doubt)}},
                           {"weight", std::string{to_string(finding.weight)}},
                           {"address", finding.address},
                           {"text", finding.text}}};
}

Json unit_json(const UnitOffer& offer, const node::OwnUnits& units) {
    JsonArray gpus;
    const auto names = units.gpus.find(offer.number);
    if (names != units.gpus.end()) {
        for (const std::string& name : names->second) gpus.emplace_back(name);
    }
    Json record{JsonObject{{"cpu_milli", std::uint64_t{offer.cpu_milli}},
                           {"memory_mib", std::uint64_t{offer.memory_mib}},
                           {"disk_mib", std::uint64_t{offer.disk_mib}},
                           {"hourly", to_string(offer.hourly)}}};
    if (offer.spot_hourly) record.set("spot_hourly", to_string(*offer.spot_hourly));
    if (gpus.empty()) return record;
    record.set("gpu_model", offer.gpu_model);
    record.set("gpus", std::move(gpus));
    record.set("vram_mib", std::uint64_t{offer.vram_mib});
    record.set("interconnect", std::string{to_string(offer.interconnect)});
    return record;
}

Table gpu_table(const node::CheckedInventory& seen) {
    Table table{.titles = {"GPU", "Model", "Memory GiB", "PCI", "Link", "Driver", "Good"}, .rows = {}};
    for (const ports::Gpu& gpu : seen.machine.gpus) {
        const bool is_nvidia = gpu.vendor == ports::GpuVendor::kNvidia;
        table.rows.push_back({std::to_string(table.rows.size()), gpu.model,
                              fmt::format("{:.1f}", static_cast<double>(gpu.vram_bytes) / kGib), gpu.address,
                              fmt::format("PCIe {} x{}", gpu.link.generation, gpu.link.lanes),
                              is_nvidia ? seen.machine.nvidia.version : "amdgpu", seen.is_refused(gpu) ? "no" : "yes"});
    }
    return table;
}

void print_machine(const node::CheckedInventory& seen, const Output& output) {
    const ports::MachineInventory& machine = seen.machine;
    constexpr double kMilli = 1000;
    std::string text = fmt::format("{}\n{}: {} cores, {} threads, {:.1f} usable\nMemory {:.1f} GiB, {:.1f} usable\n",
                                   machine.system, machine.cpu.model, machine.cpu.cores, machine.cpu.threads,
                                   machine.cpu.usable_milli / kMilli, static_cast<double>(machine.memory_bytes) / kGib,
                                   static_cast<double>(machine.memory_usable_bytes) / kGib);
    for (const ports::Disk& disk : machine.disks) {
        text += fmt::format("Disk {}: {:.1f} GiB, {:.1f} free\n", disk.path, static_cast<double>(disk.bytes) / kGib,
                            static_cast<double>(disk.free_bytes) / kGib);
    }
    for (const ports::NetworkCard& card : machine.networks) {
        text += fmt::format("Network {}: {} Mbit/s{}{}\n", card.name, card.mbit, card.is_up ? "" : ", down",
                            card.is_rdma ? ", RDMA" : "");
    }
    output.print_text(text + "\n");
    if (!machine.gpus.empty()) output.print(gpu_table(seen));
}

Table unit_table(const node::OwnUnits& units) {
    Table table{.titles = {"Unit", "GPUs", "Model", "Cores", "Memory MiB", "Interconnect", "USD an hour"}, .rows = {}};
    for (const UnitOffer& offer : units.offers) {
        constexpr double kMilli = 1000;
        table.rows.push_back({std::to_string(offer.number), std::to_string(offer.gpus),
                              offer.gpus == 0 ? "cpu" : offer.gpu_model,
                              fmt::format("{:.1f}", offer.cpu_milli / kMilli), std::to_string(offer.memory_mib),
                              std::string{to_string(offer.interconnect)}, to_string(offer.hourly)});
    }
    return table;
}

Result<Exit> run_inventory(const InventoryOptions& options, Session* session) {
    std::vector<std::string> trouble;
    TRY(const node::CheckedInventory seen, wiring::look_once(wiring::machine_options(options.run), &trouble));
    if (options.is_plain) {
        session->output.print_text(codec::dump_json_pretty(adapters::inventory_json(seen.machine)) + "\n");
        return Exit::kOk;
    }
    TRY(const node::UnitTerms terms, wiring::unit_terms(options.run));
    const Result<node::OwnUnits> units = node::units_of(seen, terms);
    if (!units) trouble.push_back("units: " + units.error().message);
    if (session->output.is_json()) {
        Json record = adapters::inventory_json(seen.machine);
        JsonArray findings;
        for (const node::Finding& finding : seen.findings) findings.push_back(finding_json(finding));
        record.set("findings", std::move(findings));
        JsonArray list;
        for (std::size_t index = 0; units && index < units->offers.size(); ++index) {
            list.push_back(unit_json(units->offers[index], *units));
        }
        record.set("units", std::move(list));
        JsonArray lines;
        for (const std::string& line : trouble) lines.emplace_back(line);
        record.set("trouble", std::move(lines));
        session->output.print(record);
        return Exit::kOk;
    }
    print_machine(seen, session->output);
    if (units) session->output.print_text("\nUnits as `vcity node run --units auto` would offer them:\n");
    if (units) session->output.print(unit_table(*units));
    for (const node::Finding& finding : seen.findings) {
        session->output.note(
            fmt::format("{} ({}): {}", to_string(finding.doubt), to_string(finding.weight), finding.text));
    }
    for (const std::string& line : trouble) session->output.note(line);
    return Exit::kOk;
}

}  // namespace

void add_inventory_options(CLI::App* command, wiring::NodeRunOptions* options) {
    command->add_option("--inventory", options->inventory, "a file with an inventory instead of this machine");
    command->add_option("--nvml", options->nvml, "library of the NVIDIA driver")->capture_default_str();
    command->add_option("--grain", options->grain, "how GPUs become units: machine, island (NVLink) or gpu")
        ->check(CLI::IsMember({"machine", "island", "gpu"}));
    command->add_option("--gpu-price", options->gpu_price, "USD for an hour of one GPU")->capture_default_str();
    command->add_option("--gpu-spot-price", options->gpu_spot_price, "the same for best-effort work");
    command->add_option("--model-price", options->model_prices, "MODEL=USD for GPUs of that model; repeat for each");
    command->add_option("--reserve-cores", options->reserve_cores, "cores that units do not get")
        ->capture_default_str();
    command->add_option("--reserve-memory-mib", options->reserve_memory_mib, "memory that units do not get")
        ->capture_default_str();
}

void add_node_inventory(CLI::App* node, Commands* commands) {
    auto options = std::make_shared<InventoryOptions>();
    CLI::App* inventory = node->add_subcommand(
        "inventory", "what this machine has, what does not fit together in it, and what it could offer");
    add_inventory_options(inventory, &options->run);
    inventory->add_flag("--plain", options->is_plain, "only what was seen, as JSON that --inventory takes");
    commands->on(inventory, [options](Session* session) { return run_inventory(*options, session); });
}

}  // namespace vcity::cli
