// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "adapters/inventory_host/host.hpp"
#include "adapters/inventory_host/pci.hpp"

namespace vcity::adapters {
namespace {

constexpr const char* kDrm = "/sys/class/drm";
constexpr std::uint64_t kAmd = 0x1002;
constexpr double kMicro = 1e6;
constexpr double kMilliCelsius = 1e3;

// "card0", but no connector such as "card0-DP-1".
bool is_card(std::string_view name) {
    constexpr std::string_view kPrefix = "card";
    return name.starts_with(kPrefix) && number_of(name.substr(kPrefix.size())).has_value();
}

std::optional<double> scaled(std::optional<std::uint64_t> value, double unit) {
    if (!value) return std::nullopt;
    return static_cast<double>(*value) / unit;
}

bool has_screen(const KernelTree& tree, const std::string& card) {
    return std::ranges::any_of(tree.names(std::string{kDrm} + "/" + card), [&](const std::string& name) {
        return name.starts_with(card + "-") &&
               tree.text(std::string{kDrm} + "/" + card + "/" + name + "/status") == "connected";
    });
}

// amdgpu names the address of its device in "uevent".
std::string address_of(const KernelTree& tree, const std::string& folder) {
    const std::string text = tree.text(folder + "/uevent");
    constexpr std::string_view kSlot = "PCI_SLOT_NAME=";
    for (const std::string_view line : lines_of(text)) {
        if (line.starts_with(kSlot)) return std::string{trimmed(line.substr(kSlot.size()))};
    }
    return {};
}

void read_sensors(const KernelTree& tree, const std::string& folder, ports::Gpu* gpu) {
    for (const std::string& name : tree.names(folder + "/hwmon")) {
        const std::string sensors = folder + "/hwmon/" + name;
        gpu->load.celsius = scaled(tree.number(sensors + "/temp1_input"), kMilliCelsius);
        gpu->load.watts = scaled(tree.number(sensors + "/power1_average"), kMicro);
        if (!gpu->load.watts) gpu->load.watts = scaled(tree.number(sensors + "/power1_input"), kMicro);
        gpu->load.sm_mhz = scaled(tree.number(sensors + "/freq1_input"), kMicro);
        gpu->load.memory_mhz = scaled(tree.number(sensors + "/freq2_input"), kMicro);
        const auto cap = scaled(tree.number(sensors + "/power1_cap"), kMicro);
        if (!cap) continue;
        gpu->power =
            ports::PowerLimit{.watts = *cap,
                              .watts_min = scaled(tree.number(sensors + "/power1_cap_min"), kMicro).value_or(0),
                              .watts_max = scaled(tree.number(sensors + "/power1_cap_max"), kMicro).value_or(*cap)};
    }
}

std::optional<ports::Gpu> gpu_of(const KernelTree& tree, const std::string& card, std::string* hive) {
    const std::string folder = std::string{kDrm} + "/" + card + "/device";
    if (tree.number(folder + "/vendor") != kAmd) return std::nullopt;
    ports::Gpu gpu;
    gpu.vendor = ports::GpuVendor::kAmd;
    gpu.address = address_of(tree, folder);
    gpu.vram_bytes = tree.number(folder + "/mem_info_vram_total").value_or(0);
    if (gpu.vram_bytes == 0 || gpu.address.empty()) return std::nullopt;  // another driver has it
    gpu.pci_vendor = static_cast<std::uint16_t>(kAmd);
    gpu.pci_device = static_cast<std::uint16_t>(tree.number(folder + "/device").value_or(0));
    const std::string id = tree.text(folder + "/unique_id");
    if (!id.empty()) gpu.uuid = "GPU-" + id;
    gpu.model = tree.text(folder + "/product_name");
    gpu.link = pcie_link(tree, folder);
    gpu.has_display = has_screen(tree, card);
    gpu.load.busy_percent = scaled(tree.number(folder + "/gpu_busy_percent"), 1);
    gpu.load.memory_busy_percent = scaled(tree.number(folder + "/mem_busy_percent"), 1);
    gpu.load.vram_used_bytes = tree.number(folder + "/mem_info_vram_used");
    read_sensors(tree, folder, &gpu);
    *hive = tree.text(folder + "/xgmi_hive_info/xgmi_hive_id");
    return gpu;
}

// Where the driver has no name for a card: that of the list of ids, else its numbers.
void name_gpus(const KernelTree& tree, std::vector<ports::Gpu>* gpus) {
    std::vector<ports::PciCard> cards;
    for (const ports::Gpu& gpu : *gpus) {
        ports::PciCard card;
        card.vendor = gpu.pci_vendor;
        card.device = gpu.pci_device;
        cards.push_back(std::move(card));
    }
    constexpr std::size_t kPciIdsBytesMax = 8U << 20U;
    const bool is_nameless = std::ranges::any_of(*gpus, [](const ports::Gpu& gpu) { return gpu.model.empty(); });
    if (is_nameless) name_cards(tree.text("/usr/share/misc/pci.ids", kPciIdsBytesMax), &cards);
    for (std::size_t index = 0; index < gpus->size(); ++index) {
        ports::Gpu& gpu = (*gpus)[index];
        if (!gpu.model.empty()) continue;
        const std::string& name = cards[index].name;
        // "Navi 31 [Radeon RX 7900 XTX]": what people call it stands in brackets.
        const std::size_t open = name.find('[');
        const std::size_t close = name.rfind(']');
        const bool has_brackets = open != std::string::npos && close != std::string::npos && close > open;
        gpu.model = "AMD " + (has_brackets ? name.substr(open + 1, close - open - 1) : name);
        constexpr std::string_view kDigits = "0123456789abcdef";
        if (!name.empty()) continue;
        for (const unsigned shift : {12U, 8U, 4U, 0U}) gpu.model += kDigits[gpu.pci_device >> shift & 0xfU];
    }
}

std::vector<ports::Gpu> amd_gpus(const KernelTree& tree) {
    std::vector<ports::Gpu> gpus;
    std::vector<std::string> hives;
    for (const std::string& name : tree.names(kDrm)) {
        std::string hive;
        std::optional<ports::Gpu> gpu = is_card(name) ? gpu_of(tree, name, &hive) : std::nullopt;
        if (!gpu) continue;
        gpus.push_back(*std::move(gpu));
        hives.push_back(hive == "0" ? std::string{} : std::move(hive));
    }
    // Within a hive of XGMI each reaches each.
    for (std::size_t one = 0; one < gpus.size(); ++one) {
        for (std::size_t other = 0; other < gpus.size(); ++other) {
            const bool are_linked = one != other && !hives[one].empty() && hives[one] == hives[other];
            if (are_linked) gpus[one].nvlink_peers.push_back(gpus[other].address);
        }
    }
    name_gpus(tree, &gpus);
    std::ranges::sort(gpus, {}, &ports::Gpu::address);
    return gpus;
}

}  // namespace

Task<Result<ports::MachineInventory>> AmdInventory::look() {
    ports::MachineInventory seen;
    std::function<void()> work = [this, &seen] { seen.gpus = amd_gpus(tree_); };
    co_await runtime_->compute(std::move(work));
    if (seen.gpus.empty()) co_return make_error(Errc::kNotFound, "no GPU with the amdgpu driver");
    co_return seen;
}

}  // namespace vcity::adapters
