// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_host/pci.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace vcity::adapters {
namespace {

constexpr const char* kDevices = "/sys/bus/pci/devices";
constexpr std::uint64_t kDisplay = 0x03;
constexpr std::uint64_t kAccelerator = 0x12;
constexpr std::size_t kCardsMax = 256;

// "16.0 GT/s PCIe": each generation has a speed of its own.
std::uint32_t generation_of(std::string_view speed) {
    constexpr std::array<std::pair<std::string_view, std::uint32_t>, 6> kSpeeds{
        {{"2.5 ", 1}, {"5.0 ", 2}, {"8.0 ", 3}, {"16.0 ", 4}, {"32.0 ", 5}, {"64.0 ", 6}}};
    for (const auto& [text, generation] : kSpeeds) {
        if (speed.starts_with(text)) return generation;
    }
    return speed.starts_with("5 ") ? 2U : 0U;
}

std::uint32_t lanes_of(std::optional<std::uint64_t> lanes) {
    constexpr std::uint64_t kLanesMax = 32;  // the kernel says 255 where it does not know
    return lanes && *lanes <= kLanesMax ? static_cast<std::uint32_t>(*lanes) : 0U;
}

// Lines of "start end flags"; the largest prefetchable one is the window into memory.
std::uint64_t largest_bar(std::string_view resources) {
    constexpr std::uint64_t kPrefetch = 0x2000;
    std::uint64_t largest = 0;
    for (std::string_view line : lines_of(resources)) {
        std::array<std::uint64_t, 3> values{};
        for (std::uint64_t& value : values) {
            line = line.substr(std::min(line.find_first_not_of(' '), line.size()));
            const std::size_t end = std::min(line.find(' '), line.size());
            value = number_of(line.substr(0, end)).value_or(0);
            line.remove_prefix(end);
        }
        const bool is_window = (values[2] & kPrefetch) != 0 && values[1] > values[0];
        if (is_window) largest = std::max(largest, values[1] - values[0] + 1);
    }
    return largest;
}

std::uint16_t id_of(const KernelTree& tree, const std::string& path) {
    return static_cast<std::uint16_t>(tree.number(path).value_or(0));
}

// "10de  NVIDIA Corporation", "\t2684  AD102 [GeForce RTX 4090]".
std::optional<std::pair<std::uint16_t, std::string_view>> named(std::string_view line) {
    constexpr std::size_t kDigits = 4;
    constexpr int kHex = 16;
    std::uint16_t id = 0;
    if (line.size() < kDigits + 2) return std::nullopt;
    const auto [stop, error] = std::from_chars(line.data(), line.data() + kDigits, id, kHex);
    if (error != std::errc{} || stop != line.data() + kDigits) return std::nullopt;
    return std::pair{id, trimmed(line.substr(kDigits))};
}

}  // namespace

ports::PcieLink pcie_link(const KernelTree& tree, const std::string& folder) {
    return {.generation = generation_of(tree.text(folder + "/current_link_speed")),
            .lanes = lanes_of(tree.number(folder + "/current_link_width")),
            .generation_max = generation_of(tree.text(folder + "/max_link_speed")),
            .lanes_max = lanes_of(tree.number(folder + "/max_link_width"))};
}

std::vector<ports::PciCard> pci_cards(const KernelTree& tree) {
    std::vector<ports::PciCard> cards;
    for (const std::string& name : tree.names(kDevices)) {
        const std::string folder = std::string{kDevices} + "/" + name;
        constexpr unsigned kClassShift = 16;
        const std::uint64_t kind = tree.number(folder + "/class").value_or(0) >> kClassShift;
        if ((kind != kDisplay && kind != kAccelerator) || cards.size() == kCardsMax) continue;
        ports::PciCard card;
        card.address = name;
        card.vendor = id_of(tree, folder + "/vendor");
        card.device = id_of(tree, folder + "/device");
        card.subsystem_vendor = id_of(tree, folder + "/subsystem_vendor");
        card.subsystem_device = id_of(tree, folder + "/subsystem_device");
        card.driver = tree.target(folder + "/driver");
        if (const auto numa = tree.number(folder + "/numa_node")) card.numa = static_cast<std::int32_t>(*numa);
        card.bar_bytes = largest_bar(tree.text(folder + "/resource"));
        card.link = pcie_link(tree, folder);
        cards.push_back(std::move(card));
    }
    return cards;
}

void name_cards(std::string_view list, std::vector<ports::PciCard>* cards) {
    std::optional<std::uint16_t> vendor;
    for (const std::string_view line : lines_of(list)) {
        if (line.empty() || line.starts_with("#") || line.starts_with("\t\t")) continue;
        if (line.front() != '\t') {
            const auto found = named(line);
            vendor = found ? std::optional{found->first} : std::nullopt;
            continue;
        }
        const auto device = named(line.substr(1));
        if (!vendor || !device) continue;
        for (ports::PciCard& card : *cards) {
            if (card.vendor == *vendor && card.device == device->first) card.name = device->second;
        }
    }
}

}  // namespace vcity::adapters
