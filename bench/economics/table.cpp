// SPDX-License-Identifier: Apache-2.0
// Prints the tables of docs/audit-economics.md, or with --json one object: stake_over_price_p<per mille>_d<percent>.
#include <array>
#include <cstdio>
#include <string_view>

#include "market/audits/economics.hpp"

namespace vcity::market {
namespace {

constexpr std::array<std::uint32_t, 4> kRates{1, 10, 50, 100};
constexpr std::array<std::uint64_t, 3> kSaved{30, 60, 90};
constexpr std::uint64_t kPrice = 1'000'000;

// R = 1, C = 0.95, d = 0.99, a = 1e-9.
JobTerms job_saving(std::uint64_t percent) {
    return {Usd{kPrice}, Usd{950'000}, Usd{950'000 - 10'000 * percent}, Usd{0}};
}

double stake_over_price(std::uint32_t rate, std::uint64_t percent, VerdictDelay delay, Deterrence aim) {
    const AuditTerms audit{per_mille(rate), per_mille(990), Share{1}, Share{0}};
    return static_cast<double>(minimal_stake(job_saving(percent), audit, delay, aim).value().micro) / kPrice;
}

void print_json() {
    std::printf("{");
    const char* separator = "";
    for (const std::uint32_t rate : kRates) {
        for (const std::uint64_t saved : kSaved) {
            std::printf("%s\"stake_over_price_p%u_d%u\": %.3f", separator, rate, static_cast<unsigned>(saved),
                        stake_over_price(rate, saved, {}, Deterrence::kHonestyPaysMore));
            separator = ", ";
        }
    }
    std::printf("}\n");
}

void print_stakes(const char* title, VerdictDelay delay, Deterrence aim) {
    std::printf("%s\n%-8s%12s%12s%12s\n", title, "p", "D = 0.3 R", "D = 0.6 R", "D = 0.9 R");
    for (const std::uint32_t rate : kRates) {
        std::printf("%5.1f %%", rate / 10.0);
        for (const std::uint64_t saved : kSaved) std::printf("%12.1f", stake_over_price(rate, saved, delay, aim));
        std::printf("\n");
    }
    std::printf("\n");
}

void print_partial() {
    std::printf("S/R when the share f of the cells is cheated, D = 0.6 R, p = 1 %%, 99 %% for each opened cell\n");
    std::printf("%-8s%10s%12s%12s%12s\n", "f", "c = 1", "c = 4", "c = 16", "c = 64");
    for (const std::uint32_t cheated : {1U, 10U, 50U, 100U, 500U, 1000U}) {
        std::printf("%5.1f %%", cheated / 10.0);
        for (const std::uint32_t cells : {1U, 4U, 16U, 64U}) {
            JobTerms job = job_saving(0);
            job.cheating_cost.micro -= 600 * cheated;
            const Share rejected = rejection_rate({cells, per_mille(990), Share{1}}, per_mille(cheated)).value();
            const AuditTerms audit{per_mille(10), rejected, Share{1}, Share{0}};
            const Usd stake = minimal_stake(job, audit, {}, Deterrence::kHonestyPaysMore).value();
            std::printf("%12.2f", static_cast<double>(stake.micro) / kPrice);
        }
        std::printf("\n");
    }
    std::printf("\n");
}

void print_rates() {
    std::printf("audits of a thousand jobs by record\n%-16s%10s%10s%10s\n", "clean audits", "no miss", "1 miss",
                "3 misses");
    for (const std::uint64_t clean : {0U, 10U, 30U, 60U, 100U, 300U, 1000U}) {
        std::printf("%-16u", static_cast<unsigned>(clean));
        for (const std::uint32_t missed : {0U, 1U, 3U}) std::printf("%10u", audit_rate_per_mille({clean, missed, 0}));
        std::printf("\n");
    }
}

}  // namespace
}  // namespace vcity::market

int main(int argc, char** argv) {
    using vcity::market::Deterrence;
    if (argc > 1 && std::string_view{argv[1]} == "--json") {
        vcity::market::print_json();
        return 0;
    }
    vcity::market::print_stakes("S/R so that honesty pays more (anchors, 2.5)", {}, Deterrence::kHonestyPaysMore);
    vcity::market::print_stakes("S/R so that cheating loses money", {}, Deterrence::kCheatingLoses);
    vcity::market::print_stakes("the same, verdict 100 jobs late, nothing held", {100, 0}, Deterrence::kCheatingLoses);
    vcity::market::print_partial();
    vcity::market::print_rates();
    return 0;
}
