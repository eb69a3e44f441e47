// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/units_file.hpp"

#include <gtest/gtest.h>

namespace vcity::node {
namespace {

std::string refusal_of(std::string_view text) {
    const Result<OwnUnits> parsed = parse_units_file(text);
    EXPECT_FALSE(parsed.has_value()) << text;
    if (!parsed) EXPECT_EQ(parsed.error().code, Errc::kInvalid);
    return parsed ? "" : parsed.error().message;
}

std::string file_of(std::string_view unit) {
    return R"({"units": [{"cpu_milli": 1, "memory_mib": 1, "hourly": "0"}, )" + std::string{unit} + "]}";
}

TEST(UnitsFile, ReadsEveryField) {
    const auto units = parse_units_file(R"({"units": [
        {"cpu_milli": 4000, "memory_mib": 8192, "disk_mib": 1024, "hourly": "0.01", "spot_hourly": "0.004"},
        {"cpu_milli": 500, "memory_mib": 256, "hourly": "1"}]})");

    ASSERT_TRUE(units.has_value()) << units.error().message;
    ASSERT_EQ(units->offers.size(), 2U);
    EXPECT_TRUE(units->gpus.empty());
    UnitOffer first;
    first.cpu_milli = 4000;
    first.memory_mib = 8192;
    first.disk_mib = 1024;
    first.hourly = Usd{10'000};
    first.spot_hourly = Usd{4'000};
    EXPECT_EQ(units->offers[0], first);
    UnitOffer second;
    second.number = 1;
    second.cpu_milli = 500;
    second.memory_mib = 256;
    second.hourly = Usd{1'000'000};
    EXPECT_EQ(units->offers[1], second);
}

TEST(UnitsFile, NamesTheUnitAndTheField) {
    EXPECT_EQ(refusal_of(file_of(R"({"memory_mib": 1, "hourly": "0"})")), "units[1].cpu_milli: is missing");
    EXPECT_EQ(refusal_of(file_of(R"({"cpu_milli": 0, "memory_mib": 1, "hourly": "0"})")),
              "units[1].cpu_milli: must be an integer from 1 to 16777216");
    EXPECT_EQ(refusal_of(file_of(R"({"cpu_milli": 1.5, "memory_mib": 1, "hourly": "0"})")),
              "units[1].cpu_milli: must be an integer from 1 to 16777216");
    EXPECT_EQ(refusal_of(file_of(R"({"cpu_milli": 1, "memory_mib": 134217729, "hourly": "0"})")),
              "units[1].memory_mib: must be an integer from 1 to 134217728");
    EXPECT_EQ(refusal_of(file_of(R"({"cpu_milli": 1, "memory_mib": 1, "disk_mib": -1, "hourly": "0"})")),
              "units[1].disk_mib: must be an integer from 0 to 1073741824");
    EXPECT_EQ(refusal_of(file_of(R"({"cpu_milli": 1, "memory_mib": 1})")), "units[1].hourly: is missing");
    EXPECT_EQ(refusal_of(file_of(R"({"cpu_milli": 1, "memory_mib": 1, "hourly": 0.01})")),
              "units[1].hourly: must be dollars as text, such as \"0.01\"");
    EXPECT_EQ(refusal_of(file_of(R"({"cpu_milli": 1, "memory_mib": 1, "hourly": "1e3"})")),
              "units[1].hourly: must be dollars as text, such as \"0.01\"");
    EXPECT_EQ(refusal_of(file_of(R"({"cpu_milli": 1, "memory_mib": 1, "hourly": "0", "spot_hourly": "4295"})")),
              "units[1].spot_hourly: is more than 4294.967294");
    EXPECT_EQ(refusal_of(file_of(R"({"cpu_milli": 1, "memory_mib": 1, "hourly": "0", "cores": 1})")),
              "units[1].cores: is not known");
    EXPECT_EQ(refusal_of(file_of("7")), "units[1]: must be an object");
}

TEST(UnitsFile, KnowsWhichGpusStandBehindAUnit) {
    const auto units = parse_units_file(file_of(R"({"cpu_milli": 8000, "memory_mib": 1024, "hourly": "2",
        "gpu_model": "NVIDIA H100", "gpus": ["nvidia.com/gpu=0", "nvidia.com/gpu=1"], "vram_mib": 81559,
        "interconnect": "nvlink"})"));
    ASSERT_TRUE(units.has_value()) << units.error().message;
    const UnitOffer& offer = units->offers[1];
    EXPECT_EQ(offer.gpus, 2U);
    EXPECT_EQ(offer.gpu_model, "NVIDIA H100");
    EXPECT_EQ(offer.vram_mib, 81559U);
    EXPECT_EQ(offer.interconnect, Interconnect::kNvlink);
    EXPECT_EQ(units->gpus.at(1), (std::vector<std::string>{"nvidia.com/gpu=0", "nvidia.com/gpu=1"}));
}

TEST(UnitsFile, AGpuHasAModelAndMemoryAndStandsInOneUnit) {
    const auto gpu = [](std::string_view rest) {
        return file_of(R"({"cpu_milli": 1, "memory_mib": 1, "hourly": "0", )" + std::string{rest} + "}");
    };
    EXPECT_EQ(refusal_of(gpu(R"("gpus": 1)")), "units[1].gpus: must be a list of 1 to 8 CDI names");
    EXPECT_EQ(refusal_of(gpu(R"("gpus": ["0"])")),
              "units[1].gpus: holds what is no CDI name, such as \"nvidia.com/gpu=0\"");
    EXPECT_EQ(refusal_of(gpu(R"("gpus": ["n/g=0"])")), "units[1].gpu_model: must be a name of at most 31 bytes");
    EXPECT_EQ(refusal_of(gpu(R"("gpus": ["n/g=0"], "gpu_model": "A")")), "units[1].vram_mib: is missing");
    EXPECT_EQ(refusal_of(gpu(R"("gpus": ["n/g=0", "n/g=0"], "gpu_model": "A", "vram_mib": 1)")),
              "units[1].gpus: n/g=0 stands in a unit already");
    EXPECT_EQ(refusal_of(gpu(R"("vram_mib": 1)")), "units[1].vram_mib: needs gpus");
    EXPECT_EQ(refusal_of(gpu(R"("gpus": ["n/g=0"], "gpu_model": "A", "vram_mib": 1, "interconnect": "fast")")),
              "units[1].interconnect: must be none, pcie, nvlink or fabric");
}

TEST(UnitsFile, RefusesWhatIsNoListOfUnits) {
    for (const char* text : {"", "[]", "7", "{}", R"({"units": 7})", R"({"units": []})", R"({"units": [], "more": 1})",
                             R"({"units": [{})"}) {
        EXPECT_FALSE(parse_units_file(text).has_value()) << text;
    }
    EXPECT_FALSE(parse_units_file(std::string(kUnitsFileBytesMax + 1, ' ')).has_value());
}

TEST(UnitsFile, BoundsTheUnits) {
    std::string text = R"({"units": [{"cpu_milli": 1, "memory_mib": 1, "hourly": "0"})";
    for (std::size_t unit = 1; unit < kUnitsMax; ++unit) text += R"(,{"cpu_milli": 1, "memory_mib": 1, "hourly": "0"})";
    EXPECT_EQ(parse_units_file(text + "]}").value().offers.size(), kUnitsMax);
    EXPECT_EQ(refusal_of(text + R"(,{"cpu_milli": 1, "memory_mib": 1, "hourly": "0"}]})"),
              "4097 units: 1 to 4096 may be offered");
}

}  // namespace
}  // namespace vcity::node
