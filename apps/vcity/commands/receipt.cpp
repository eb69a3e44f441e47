// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.hpp"
#include "codec/hex.hpp"
#include "crypto/merkle.hpp"
#include "market/batch.hpp"
#include "market/json/receipt_json.hpp"
#include "market/typed_hashes.hpp"
#include "wiring/api_client.hpp"
#include "wiring/chain.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct ReceiptOptions {
    std::string id;
    std::string text_file;
    bool offline = false;
};

// One thing that was checked, in the order a doubter would ask.
struct Check {
    std::string what;
    bool good = false;
    std::string detail;
};

// A file of `vcity job show --json`, or the id of an answer.
Result<Json> load_job(const std::string& id, const Settings& settings) {
    if (std::filesystem::exists(id)) {
        TRY(const std::string text, read_file(id));
        return codec::parse_json(text);
    }
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, settings));
    TRY(const Json answer, wiring::run_task(&runtime, client->get("/v1/generation?id=" + id)));
    const Json* data = answer.find("data");
    if (data == nullptr) return make_error(Errc::kCorrupt, "the gateway sent no job");
    return *data;
}

Result<Json> receipt_part(const Json& job, const std::string& id) {
    const Json* receipt = job.find("receipt");
    if (receipt == nullptr || !receipt->is_object()) {
        return make_error(Errc::kNotFound, fmt::format("{} has no receipt (yet)", id));
    }
    return *receipt;
}

void check_signatures(const Deployment& deployment, const SignedReceipt& receipt, std::vector<Check>* checks) {
    const auto node = market::check_node_signature(deployment, receipt);
    checks->push_back({"signed by the node", node.has_value(), crypto::to_checksum_address(receipt.receipt.node)});
    const auto both = market::check_receipt(deployment, receipt);
    checks->push_back({"signed by the scheduler, charge within the quote, times in order", both.has_value(),
                       both ? crypto::to_checksum_address(receipt.receipt.scheduler) : both.error().message});
}

void check_hash(const Json& json, const SignedReceipt& receipt, std::vector<Check>* checks) {
    const Hash hash = market::receipt_hash(receipt.receipt);
    const auto claimed = market::parse_hash_member(json, "hash");
    checks->push_back(
        {"receipt hash is the EIP-712 hash of its fields", claimed && *claimed == hash, codec::to_hex(hash)});
}

Result<void> check_text(const std::string& file, const SignedReceipt& receipt, std::vector<Check>* checks) {
    if (file.empty()) return {};
    TRY(const std::string text, read_file(file));
    const bool good = market::response_hash(text) == receipt.receipt.response_hash;
    checks->push_back({"the text is what the node signed", good, file});
    return {};
}

Result<void> check_chain(const Json& job,
                         const Settings& settings,
                         const SignedReceipt& receipt,
                         std::vector<Check>* checks) {
    TRY(const auto place, market::parse_batch_json(job));
    if (!place) {
        checks->push_back({"settled on chain", false, "in no batch yet"});
        return {};
    }
    const Hash root = crypto::merkle_root_of_proof(market::receipt_leaf(receipt), place->proof);
    TRY(const auto batch, wiring::read_batch(settings, receipt.receipt.scheduler, place->index));
    const bool good = batch && batch->receipts_root == root;
    checks->push_back(
        {fmt::format("its leaf is under the root of batch {} on chain", place->index), good, codec::to_hex(root)});
    return {};
}

Result<Exit> run_verify(const ReceiptOptions& options, Session* session) {
    TRY(const Json job, load_job(options.id, session->settings));
    TRY(const Json json, receipt_part(job, options.id));
    TRY(const SignedReceipt receipt, market::parse_receipt_json(json));
    TRY(const Deployment deployment, wiring::load_deployment(session->settings));
    std::vector<Check> checks;
    check_hash(json, receipt, &checks);
    check_signatures(deployment, receipt, &checks);
    TRY_OK(check_text(options.text_file, receipt, &checks));
    if (!options.offline) {
        TRY_OK(check_chain(job, session->settings, receipt, &checks));
    }
    Table table{.titles = {"Check", "Result", "Detail"}, .rows = {}};
    bool all_good = true;
    for (const Check& check : checks) {
        table.rows.push_back({check.what, check.good ? "good" : "BAD", check.detail});
        all_good = all_good && check.good;
    }
    session->output.print(table);
    return all_good ? Exit::kOk : Exit::kVerification;
}

Result<Exit> run_show(const ReceiptOptions& options, Session* session) {
    TRY(const Json job, load_job(options.id, session->settings));
    TRY(const Json json, receipt_part(job, options.id));
    session->output.print(json);
    return Exit::kOk;
}

}  // namespace

void add_receipt_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<ReceiptOptions>();
    CLI::App* receipt = root->add_subcommand("receipt", "signed proofs of what was delivered and charged");
    receipt->require_subcommand(1);
    CLI::App* show = receipt->add_subcommand("show", "print a receipt with both signatures");
    show->add_option("id", options->id, "id of the answer")->required();
    commands->on(show, [options](Session* session) { return run_show(*options, session); });

    CLI::App* verify = receipt->add_subcommand("verify", "check signatures, hashes and the proof against the chain");
    verify->add_option("id", options->id, "id of the answer, or a file made by `vcity job show --json`")->required();
    verify->add_option("--text", options->text_file, "file with the answer's text, to check that it was signed");
    verify->add_flag("--offline", options->offline, "without asking the chain: needs the deployment file only");
    commands->on(verify, [options](Session* session) { return run_verify(*options, session); });
}

}  // namespace vcity::cli
