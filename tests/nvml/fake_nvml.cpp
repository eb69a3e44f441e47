// SPDX-License-Identifier: Apache-2.0
// A stand-in for libnvidia-ml.so.1 that says what it is told: by fake_nvml_say() or, at nvmlInit_v2(), by the file that
// VCITY_FAKE_NVML names. One "name value" a line; "gpu" begins a card, "mig PROFILE MIB" is an instance of the last
// one.
//   driver 570.86.15 | cuda 12080 | init 9 (status of nvmlInit_v2)
//   gpu | name NVIDIA H100 | uuid GPU-1 | pci 0000:3b:00.0 | id 10de:2330 | vram_mib 81559 | vram_again_mib 81559
//   used_mib 100 | process 4242 300 | nvswitch 4 | nvlink 0000:5e:00.0 | power_mw 300000 | busy 40 | display 1 | denied
//   1
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "adapters/inventory_nvml/abi.hpp"

namespace {

namespace nvml = vcity::adapters::nvml;
using nvml::Device;
using nvml::kClockSm;
using nvml::kInsufficientSize;
using nvml::kInvalidArgument;
using nvml::kLinkToSwitch;
using nvml::kMemoryV2;
using nvml::kNoPermission;
using nvml::kNotFound;
using nvml::kNotSupported;
using nvml::kSuccess;
using nvml::Memory;
using nvml::MemoryV2;
using nvml::PciInfo;
using nvml::Process;
using nvml::Utilization;
constexpr unsigned long long kMib = 1ULL << 20U;

struct Card {
    std::string name = "NVIDIA Test";
    std::string uuid = "GPU-0";
    PciInfo pci{};
    unsigned long long vram = 0;
    unsigned long long vram_again = 0;
    unsigned long long used = 0;
    unsigned busy = 0;
    unsigned display = 0;
    unsigned power_mw = 100'000;
    unsigned limit_mw = 400'000;
    unsigned switch_links = 0;
    bool is_denied = false;
    std::vector<PciInfo> peers;
    std::vector<Process> processes;
    std::vector<Card> instances;
};

struct World {
    std::string driver = "570.86.15";
    int cuda = 12080;
    int init = 0;
    std::vector<Card> cards;
};

World& world() {
    static World instance;
    return instance;
}

PciInfo pci_of(const std::string& text) {
    PciInfo pci{};
    (void)std::sscanf(text.c_str(), "%x:%x:%x", &pci.domain, &pci.bus, &pci.device);
    (void)std::snprintf(pci.address, sizeof(pci.address), "%08X:%02X:%02X.0", pci.domain, pci.bus, pci.device);
    return pci;
}

void set_id(const std::string& text, PciInfo* pci) {
    unsigned vendor = 0;
    unsigned device = 0;
    (void)std::sscanf(text.c_str(), "%x:%x", &vendor, &device);
    pci->device_id = device << 16U | vendor;
}

void say_of_card(const std::string& key, const std::string& value, Card* card) {
    const unsigned long long number = std::strtoull(value.c_str(), nullptr, 10);
    if (key == "name") card->name = value;
    if (key == "uuid") card->uuid = value;
    if (key == "pci") {
        const unsigned id = card->pci.device_id;
        card->pci = pci_of(value);
        card->pci.device_id = id;
    }
    if (key == "id") set_id(value, &card->pci);
    if (key == "vram_mib") card->vram = card->vram_again = number * kMib;
    if (key == "vram_again_mib") card->vram_again = number * kMib;
    if (key == "used_mib") card->used = number * kMib;
    if (key == "busy") card->busy = static_cast<unsigned>(number);
    if (key == "display") card->display = static_cast<unsigned>(number);
    if (key == "power_mw") card->power_mw = static_cast<unsigned>(number);
    if (key == "nvswitch") card->switch_links = static_cast<unsigned>(number);
    if (key == "denied") card->is_denied = number != 0;
    if (key == "nvlink") card->peers.push_back(pci_of(value));
    std::istringstream parts(value);
    if (key == "process") {
        Process process{};
        parts >> process.pid >> process.memory;
        process.memory *= kMib;
        card->processes.push_back(process);
    }
    if (key == "mig") {
        Card instance;
        std::string profile;
        parts >> profile >> instance.vram;
        instance.vram *= kMib;
        instance.name = card->name + " MIG " + profile;
        instance.uuid = "MIG-" + card->uuid + "-" + std::to_string(card->instances.size());
        card->instances.push_back(instance);
    }
}

void say(std::istream& text) {
    world() = World{};
    for (std::string line; std::getline(text, line);) {
        const std::size_t space = std::min(line.find(' '), line.size());
        const std::string key = line.substr(0, space);
        const std::string value = space == line.size() ? "" : line.substr(space + 1);
        if (key == "gpu") world().cards.emplace_back();
        if (key == "driver") world().driver = value;
        if (key == "cuda") world().cuda = static_cast<int>(std::strtol(value.c_str(), nullptr, 10));
        if (key == "init") world().init = static_cast<int>(std::strtol(value.c_str(), nullptr, 10));
        if (!world().cards.empty()) say_of_card(key, value, &world().cards.back());
    }
}

Card* card_of(Device device) {
    return static_cast<Card*>(device);
}

int put(const std::string& text, char* out, unsigned size) {
    if (text.size() >= size) return kInsufficientSize;
    std::memcpy(out, text.c_str(), text.size() + 1);
    return kSuccess;
}

template <class Value>
int put(Value value, Value* out) {
    *out = value;
    return kSuccess;
}

}  // namespace

extern "C" {

void fake_nvml_say(const char* text) {
    std::istringstream stream(text);
    say(stream);
}
unsigned fake_nvml_limit_mw(unsigned index) {
    return world().cards.at(index).limit_mw;
}

int nvmlInit_v2() {
    const char* file = std::getenv("VCITY_FAKE_NVML");
    if (file != nullptr) {
        std::ifstream stream(file);
        say(stream);
    }
    return world().init;
}
int nvmlShutdown() {
    return kSuccess;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
    return put(static_cast<unsigned>(world().cards.size()), count);
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device* device) {
    if (index >= world().cards.size()) return kInvalidArgument;
    return put(static_cast<Device>(&world().cards[index]), device);
}
int nvmlSystemGetDriverVersion(char* text, unsigned size) {
    return put(world().driver, text, size);
}
int nvmlSystemGetCudaDriverVersion_v2(int* version) {
    return put(world().cuda, version);
}
int nvmlDeviceGetName(Device device, char* text, unsigned size) {
    return put(card_of(device)->name, text, size);
}
int nvmlDeviceGetUUID(Device device, char* text, unsigned size) {
    return put(card_of(device)->uuid, text, size);
}
int nvmlDeviceGetPciInfo_v3(Device device, PciInfo* pci) {
    return put(card_of(device)->pci, pci);
}
int nvmlDeviceGetMemoryInfo(Device device, Memory* memory) {
    const Card* card = card_of(device);
    return put(Memory{card->vram, card->vram - card->used, card->used}, memory);
}
int nvmlDeviceGetMemoryInfo_v2(Device device, MemoryV2* memory) {
    if (memory->version != kMemoryV2) return kInvalidArgument;
    const Card* card = card_of(device);
    return put(MemoryV2{kMemoryV2, card->vram_again, 0, card->vram_again - card->used, card->used}, memory);
}
int nvmlDeviceGetUtilizationRates(Device device, Utilization* rates) {
    return put(Utilization{card_of(device)->busy, card_of(device)->busy / 2}, rates);
}
int nvmlDeviceGetTemperature(Device /*device*/, int /*sensor*/, unsigned* celsius) {
    return put(55U, celsius);
}
int nvmlDeviceGetPowerUsage(Device device, unsigned* milliwatts) {
    return put(card_of(device)->power_mw, milliwatts);
}
int nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned* milliwatts) {
    return put(card_of(device)->limit_mw, milliwatts);
}
int nvmlDeviceGetPowerManagementLimitConstraints(Device /*device*/, unsigned* least, unsigned* most) {
    *most = 450'000;
    return put(150'000U, least);
}
int nvmlDeviceSetPowerManagementLimit(Device device, unsigned milliwatts) {
    if (card_of(device)->is_denied) return kNoPermission;
    card_of(device)->limit_mw = milliwatts;
    return kSuccess;
}
int nvmlDeviceGetTotalEnergyConsumption(Device /*device*/, unsigned long long* millijoules) {
    return put(5'000'000ULL, millijoules);
}
int nvmlDeviceGetClockInfo(Device /*device*/, int kind, unsigned* mhz) {
    return put(kind == kClockSm ? 1500U : 2600U, mhz);
}
int nvmlDeviceGetCurrPcieLinkGeneration(Device /*device*/, unsigned* generation) {
    return put(4U, generation);
}
int nvmlDeviceGetCurrPcieLinkWidth(Device /*device*/, unsigned* lanes) {
    return put(16U, lanes);
}
int nvmlDeviceGetMaxPcieLinkGeneration(Device /*device*/, unsigned* generation) {
    return put(5U, generation);
}
int nvmlDeviceGetMaxPcieLinkWidth(Device /*device*/, unsigned* lanes) {
    return put(16U, lanes);
}
int nvmlDeviceGetPcieReplayCounter(Device /*device*/, unsigned* replays) {
    return put(3U, replays);
}
int nvmlDeviceGetCudaComputeCapability(Device /*device*/, int* major, int* minor) {
    *minor = 0;
    return put(9, major);
}
int nvmlDeviceGetDisplayActive(Device device, unsigned* active) {
    return put(card_of(device)->display, active);
}
int nvmlDeviceGetMigMode(Device device, unsigned* now, unsigned* later) {
    *later = 0;
    return put(card_of(device)->instances.empty() ? 0U : 1U, now);
}
int nvmlDeviceGetMaxMigDeviceCount(Device /*device*/, unsigned* count) {
    return put(7U, count);
}
int nvmlDeviceGetMigDeviceHandleByIndex(Device device, unsigned index, Device* instance) {
    if (index >= card_of(device)->instances.size()) return kNotFound;
    return put(static_cast<Device>(&card_of(device)->instances[index]), instance);
}
int nvmlDeviceGetNvLinkState(Device device, unsigned link, unsigned* active) {
    const Card* card = card_of(device);
    return put(link < card->switch_links + card->peers.size() ? 1U : 0U, active);
}
int nvmlDeviceGetNvLinkRemoteDeviceType(Device device, unsigned link, int* kind) {
    return put(link < card_of(device)->switch_links ? kLinkToSwitch : 0, kind);
}
int nvmlDeviceGetNvLinkRemotePciInfo_v2(Device device, unsigned link, PciInfo* pci) {
    const Card* card = card_of(device);
    if (link < card->switch_links) return kNotSupported;
    return put(card->peers.at(link - card->switch_links), pci);
}
int nvmlDeviceGetComputeRunningProcesses_v3(Device device, unsigned* count, Process* processes) {
    const Card* card = card_of(device);
    if (*count < card->processes.size()) return kInsufficientSize;
    std::size_t index = 0;
    for (const Process& process : card->processes) processes[index++] = process;
    return put(static_cast<unsigned>(card->processes.size()), count);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(Device /*device*/, unsigned* count, Process* /*processes*/) {
    return put(0U, count);
}

}  // extern "C"
