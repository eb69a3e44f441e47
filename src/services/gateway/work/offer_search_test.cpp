// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/offer_search.hpp"

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

std::vector<OfferedUnit> some_units() {
    std::vector<OfferedUnit> units;
    OfferedUnit gpu;
    gpu.offer = {.number = 1,
                 .gpu_model = "H100 SXM",
                 .gpus = 4,
                 .vram_mib = 80 * 1024,
                 .cpu_milli = 64'000,
                 .memory_mib = 512 * 1024,
                 .disk_mib = 1024,
                 .interconnect = Interconnect::kNvlink,
                 .hourly = Usd{2'000'000},
                 .spot_hourly = Usd{500'000}};
    gpu.kind = NodeKind::kStable;
    gpu.region = "eu-west";
    gpu.gpus_free = 2;
    gpu.reputation_bp = 9900;
    gpu.level = 2;
    units.push_back(gpu);
    OfferedUnit cpu;
    cpu.offer.cpu_milli = 4'000;
    cpu.offer.memory_mib = 4096;
    cpu.offer.hourly = Usd{10'000};
    cpu.cpu_milli_free = 4000;
    units.push_back(cpu);
    return units;
}

std::vector<std::uint64_t> found(std::string_view query, std::string_view order = {}, std::string_view limit = {}) {
    const auto search = parse_offer_search(query, order, limit);
    EXPECT_TRUE(search) << query;
    if (!search) return {};
    std::vector<std::uint64_t> numbers;
    const codec::Json json = offers_json(some_units(), *search);
    for (const codec::Json& offer : *json.find("data")->get_array()) {
        double number = -1;
        EXPECT_TRUE(offer.find("unit")->get_double(&number));
        numbers.push_back(static_cast<std::uint64_t>(number));
    }
    return numbers;
}

TEST(OfferSearch, FindsUnitsAsRentersOfGpusSearch) {
    using Numbers = std::vector<std::uint64_t>;
    EXPECT_EQ(found(""), (Numbers{0, 1})) << "the cheapest first";
    EXPECT_EQ(found("num_gpus>=2 dph<=8 gpu_name=H100_SXM verified=true"), Numbers{1});
    EXPECT_EQ(found("num_gpus>=2 dph<8"), Numbers{}) << "dollars of the whole unit";
    EXPECT_EQ(found("num_gpus=0 cpu_cores>=4 rentable=true"), Numbers{0});
    EXPECT_EQ(found("min_bid<=2"), Numbers{1}) << "what is not offered is not found";
    EXPECT_EQ(found("", "dph-"), (Numbers{1, 0}));
    EXPECT_EQ(found("", "", "1"), Numbers{0});
    EXPECT_EQ(found("geolocation in [eu-west,asia] kind=stable reliability>0.95"), Numbers{1});
}

TEST(OfferSearch, NamesTheParameterOfEveryRefusal) {
    EXPECT_EQ(parse_offer_search("dhp<2", "", "").error().param, "q");
    EXPECT_NE(parse_offer_search("dhp<2", "", "").error().message.find("did you mean \"dph\""), std::string::npos);
    EXPECT_EQ(parse_offer_search("dph<nan", "", "").error().param, "q");
    EXPECT_EQ(parse_offer_search(std::string(5000, 'x'), "", "").error().param, "q");
    EXPECT_EQ(parse_offer_search("gpu_name=\"; DROP", "", "").error().param, "q");
    EXPECT_EQ(parse_offer_search("", "prize", "").error().param, "order");
    for (const char* limit : {"0", "-1", "1001", "1e3", "x", "99999999999999999999"}) {
        EXPECT_EQ(parse_offer_search("", "", limit).error().param, "limit") << limit;
    }
}

}  // namespace
}  // namespace vcity::gateway
