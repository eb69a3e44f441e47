// SPDX-License-Identifier: Apache-2.0
#include "ports/inventory.hpp"

#include <array>

namespace vcity::ports {
namespace {

constexpr std::uint16_t kPciNvidia = 0x10de;
constexpr std::uint16_t kPciAmd = 0x1002;
constexpr std::uint16_t kPciIntel = 0x8086;
constexpr std::array<std::string_view, 4> kVendors{"other", "nvidia", "amd", "intel"};

}  // namespace

std::string_view to_string(GpuVendor vendor) {
    return kVendors.at(static_cast<std::size_t>(vendor));
}

GpuVendor vendor_of(std::uint16_t pci_vendor) {
    if (pci_vendor == kPciNvidia) return GpuVendor::kNvidia;
    if (pci_vendor == kPciAmd) return GpuVendor::kAmd;
    return pci_vendor == kPciIntel ? GpuVendor::kIntel : GpuVendor::kOther;
}

}  // namespace vcity::ports
