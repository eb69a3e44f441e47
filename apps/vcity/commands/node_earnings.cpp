// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "codec/hex.hpp"
#include "commands/node_owner.hpp"
#include "operator/earnings.hpp"
#include "operator/times.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct EarningsOptions {
    std::string state;
    std::string by = "day";
    std::string from = "1970-01-01";
    std::string to = "now";
    double power_watts = -1;  // below 0: what join was told
    double power_price_kwh = -1;
    bool is_csv = false;
};

EarningsBy by_of(const std::string& text) {
    if (text == "job") return EarningsBy::kJob;
    return text == "gpu" ? EarningsBy::kGpu : EarningsBy::kDay;
}

Json payouts_json(const std::vector<Payout>& payouts) {
    codec::JsonArray list;
    for (const Payout& payout : payouts) {
        list.emplace_back(codec::JsonObject{{"transaction", codec::to_hex(payout.transaction)},
                                            {"block", payout.block},
                                            {"batch", payout.batch},
                                            {"scheduler", crypto::to_checksum_address(payout.scheduler)},
                                            {"usd", to_string(payout.amount)}});
    }
    return Json{std::move(list)};
}

Table payouts_table(const std::vector<Payout>& payouts) {
    Table table{.titles = {"Payout USD", "Batch", "Block", "Transaction"}, .rows = {}};
    for (const Payout& payout : payouts) {
        table.rows.push_back({to_string(payout.amount), std::to_string(payout.batch), std::to_string(payout.block),
                              codec::to_hex(payout.transaction)});
    }
    return table;
}

// A bare date as an end means the whole day.
Result<UnixMillis> end_of(const std::string& text, UnixMillis now) {
    constexpr std::size_t kDateLength = 10;
    TRY(const UnixMillis time, parse_time(text, now));
    const bool is_day = text.size() == kDateLength;
    return is_day ? time + UnixMillis{std::chrono::hours{24}} : time + UnixMillis{1};
}

Result<Exit> run_earnings(const EarningsOptions& options, Session* session) {
    const NodeFolder folder{node_folder_path(options.state)};
    TRY(const NodeFacts facts, load_facts(folder));
    const UnixMillis now = wall_clock_now();
    EarningsTerms terms;
    terms.by = by_of(options.by);
    TRY(terms.from, parse_time(options.from, now));
    TRY(terms.to, end_of(options.to, now));
    if (terms.to <= terms.from) return make_error(Errc::kInvalid, "--to is before --from");
    terms.power_watts = options.power_watts < 0 ? facts.power_watts : options.power_watts;
    terms.power_price_kwh = options.power_price_kwh < 0 ? facts.power_price_kwh : options.power_price_kwh;
    TRY(const Address identity, crypto::parse_address(facts.identity));
    const ChainPlace chain{.rpc = facts.rpc, .deployment = facts.deployment};
    TRY(const Standing standing, read_standing(chain, identity, "cpu"));
    terms.fee_bps = standing.fee_bps;
    TRY(const std::vector<WorkRow> work, load_work(folder));
    if (terms.from.count() == 0) {
        for (const WorkRow& row : work) {
            terms.from = terms.from.count() == 0 ? row.started : std::min(terms.from, row.started);
        }
    }
    const EarningsReport report = sum_up(work, terms);
    if (options.is_csv) {
        session->output.print_text(to_csv(report, terms.by));
        return Exit::kOk;
    }
    TRY(const std::vector<Payout> payouts, read_payouts(chain, identity));
    if (session->output.is_json()) {
        Json record = to_json(report, terms.by);
        record.set("from", instant_text(terms.from));
        record.set("to", instant_text(terms.to));
        record.set("network_fee_percent", terms.fee_bps / 100.0);
        record.set("payouts", payouts_json(payouts));
        session->output.print(record);
        return Exit::kOk;
    }
    session->output.print(to_table(report, terms.by));
    session->output.print_text(fmt::format("\nBusy {:.2f} h, {:.1f} % of the time. Network fee now {} %.\n\n",
                                           report.busy_hours, report.occupancy * 100, terms.fee_bps / 100.0));
    session->output.print(payouts_table(payouts));
    return Exit::kOk;
}

}  // namespace

void add_node_earnings(CLI::App* node, Commands* commands) {
    auto options = std::make_shared<EarningsOptions>();
    CLI::App* earnings =
        node->add_subcommand("earnings", "what this node earned, after fee and power, and its payouts");
    earnings->add_option("--state", options->state, "folder of the node (default: /var/lib/vcity/node for root)");
    earnings->add_option("--by", options->by, "day, job or gpu")
        ->check(CLI::IsMember({"day", "job", "gpu"}))
        ->capture_default_str();
    earnings->add_option("--from", options->from, "from this time on, e.g. 2026-11-01 (UTC; default: ever)");
    earnings->add_option("--to", options->to, "until then; a date means its end")->capture_default_str();
    earnings->add_option("--power-watts", options->power_watts, "what the machine draws while it works");
    earnings->add_option("--power-price", options->power_price_kwh, "USD for a kilowatt-hour");
    earnings->add_flag("--csv", options->is_csv, "comma-separated values instead of a table or JSON");
    commands->on(earnings, [options](Session* session) { return run_earnings(*options, session); });
}

}  // namespace vcity::cli
