// SPDX-License-Identifier: Apache-2.0
#include "liar.hpp"

#include <algorithm>
#include <map>

#include "base/check.hpp"
#include "checkpoint/output_text.hpp"
#include "checkpoint/prompt.hpp"
#include "checkpoint/sampler.hpp"
#include "crypto/keccak.hpp"
#include "market/typed_hashes.hpp"
#include "verify/check/sketch_score.hpp"
#include "verify/trace/computed.hpp"

namespace vcity::fraud {
namespace {

constexpr UnixMillis kStart{1'790'000'000'000};
constexpr std::uint32_t kOutputs = 12;

ModelRequest request_of(std::uint64_t number) {
    ModelRequest request;
    request.model = "random";
    request.prompt = "q" + std::to_string(100'000 + number) + ": " + std::string(20 + number % 16, 'a' + number % 26);
    request.output_tokens_max = kOutputs;
    request.sampling = {
        .temperature = number % 4 == 0 ? 0.0 : 0.9, .top_p = number % 2 == 0 ? 1.0 : 0.95, .seed = number};
    request.client_nonce = crypto::keccak256_text("nonce " + std::to_string(number));
    request.verification = Verification::kSampled;
    return request;
}

Bytes copy(ByteView view) {
    return {view.begin(), view.end()};
}

}  // namespace

Laboratory::Laboratory(const StoredModel& model, verify::ComputeType compute) : model_{&model}, shape_{model.shape} {
    shape_.compute = compute;
    const std::filesystem::path& folder = loaded(model).folder.path();
    auto directory = checkpoint::ModelDirectory::open(folder);
    CHECK(directory.has_value());
    directory_ = *std::move(directory);
    adapters::LlamaAuditorOptions options;
    options.folder = folder;
    options.compute = compute;
    auto opened = await(runner_, adapters::LlamaAuditor::open(&runner_.runtime(), options));
    CHECK(opened.has_value());
    auditor_ = *std::move(opened);
}

Laboratory::Loaded& Laboratory::loaded(const StoredModel& model) {
    const auto found = std::ranges::find(loaded_, &model, &decltype(loaded_)::value_type::first);
    if (found != loaded_.end()) return *found->second;
    auto made = std::make_unique<Loaded>(model);
    const auto directory = checkpoint::ModelDirectory::open(made->folder.path());
    CHECK(directory.has_value());
    worker::RunnerOptions options;
    options.compute = shape_.compute;
    auto runner = worker::ModelRunner::load(*directory, options);
    CHECK(runner.has_value());
    made->runner = *std::move(runner);
    loaded_.emplace_back(&model, std::move(made));
    return *loaded_.back().second;
}

Served Laboratory::serve(std::uint64_t number, const Lie& lie) {
    Served served;
    served.lie = lie;
    served.task.request = request_of(number);
    auto prompt = checkpoint::encode_prompt(served.task.request, directory_->tokenizer(), directory_->prompt_rules());
    CHECK(prompt.has_value());
    UsageReceipt& receipt = served.task.receipt.receipt;
    receipt.job_id.bytes[0] = static_cast<std::uint8_t>(number);
    receipt.job_id.bytes[1] = static_cast<std::uint8_t>(number >> 8U);
    receipt.started_at = receipt.finished_at = kStart;
    receipt.model_root = auditor_->model_root();
    receipt.request_hash = market::request_hash(served.task.request);

    verify::TraceHeader& header = served.header;
    header.job_id = receipt.job_id;
    header.request_hash = receipt.request_hash;
    header.weights_root = receipt.model_root;
    header.shape = verify::shape_hash(shape_);
    header.tier = AuditTier::kServed;
    const bool is_wide = shape_.compute == verify::ComputeType::kFloat32;
    header.kernel = is_wide ? KernelClass::kFloat32 : KernelClass::kFlashBf16;
    header.client_nonce = served.task.request.client_nonce;
    header.epoch = epoch_of(kStart);
    header.sampling = served.task.request.sampling;
    header.prompt_tokens = *prompt;

    if (lie.change_prompt) lie.change_prompt(&*prompt);
    CHECK(prompt->size() == header.prompt_tokens.size());
    run(&loaded(lie.served_with != nullptr ? *lie.served_with : *model_), &served, *prompt);
    receipt.units = {header.prompt_tokens.size(), header.output_tokens.size()};
    served.task.response_text = checkpoint::output_text(directory_->tokenizer(), {}, header.output_tokens);
    receipt.response_hash = market::response_hash(served.task.response_text);
    if (lie.change_header) lie.change_header(&header);
    commit(&served, header);
    return served;
}

// In two sequences when the rest does not see the first tokens. What a layer computes depends on positions only by
// their differences, so the second sequence may begin at zero.
void Laboratory::run(Loaded* by, Served* served, const std::vector<std::uint32_t>& prompt) {
    const Lie& lie = served->lie;
    Sampling sampling = served->task.request.sampling;
    if (lie.change_sampling) lie.change_sampling(&sampling);
    std::uint32_t done = 0;
    const auto step = [&](worker::SequenceId sequence, std::vector<std::uint32_t> tokens) {
        const auto count = static_cast<std::uint32_t>(tokens.size());
        auto result = by->runner->run({{sequence, std::move(tokens), worker::Capture::kServed}});
        CHECK(result.has_value());
        std::optional<std::uint32_t> first;
        const auto keep = [&](const Cell& cell, const verify::ServedRow& row) -> Result<void> {
            if (!first) first = cell.position;
            const Cell place{done + cell.position - *first, cell.layer};
            Row kept{copy(row.h_in), copy(row.k), copy(row.v), copy(row.attn_out)};
            if (lie.change_row) lie.change_row(place, &kept);
            served->rows.emplace_back(place, std::move(kept));
            return {};
        };
        CHECK(result->captured->give(0, keep).has_value());
        done += count;
        return std::move(result->logits[0]);
    };
    const auto open = [&] {
        const auto sequence = by->runner->open_sequence(prompt.size() + kOutputs);
        CHECK(sequence.has_value());
        return *sequence;
    };
    const auto middle = prompt.begin() + static_cast<std::ptrdiff_t>(lie.forgotten);
    if (lie.forgotten > 0) {
        const worker::SequenceId apart = open();
        step(apart, {prompt.begin(), middle});
        by->runner->close_sequence(apart);
    }
    const worker::SequenceId sequence = open();
    std::vector<float> logits = step(sequence, {middle, prompt.end()});
    std::vector<std::uint32_t>& output = served->header.output_tokens;
    while (true) {
        std::uint32_t token = checkpoint::choose_token(logits, sampling, output.size());
        if (lie.replace_token) token = lie.replace_token(output.size(), token);
        output.push_back(token);
        if (output.size() == kOutputs || directory_->is_end_token(token)) break;
        logits = step(sequence, {token});
    }
    by->runner->close_sequence(sequence);
}

void Laboratory::commit(Served* served, const verify::TraceHeader& header) {
    served->header = header;
    served->tree = std::make_unique<verify::ServeCommitter>(shape_, verify::ServeOptions{});
    for (const auto& [cell, row] : served->rows) {
        CHECK(
            served->tree->add(cell, {.h_in = row.h_in, .k = row.k, .v = row.v, .attn_out = row.attn_out}).has_value());
    }
    const auto root = served->tree->finish(header);
    CHECK(root.has_value());
    served->task.receipt.receipt.verification_root = *root;
}

Opening Laboratory::open(const Served& served, const AuditQuestion& question) {
    const bool shows_own = served.lie.shows_served_weights && served.lie.served_with != nullptr;
    const worker::ModelRunner& runner = *loaded(shows_own ? *served.lie.served_with : *model_).runner;
    std::vector<Bytes> computed;
    for (const Cell& cell : question.cells) {
        const auto row = served.tree->row(cell);
        if (!row) {
            computed.emplace_back();
        } else if (cell.layer == shape_.layers) {
            computed.push_back(verify::encode_final_computed(shape_, runner.derive_logits({row->h_in})->front()));
        } else {
            const auto derived = runner.derive(cell.layer, {{row->h_in, row->attn_out}});
            computed.push_back(verify::encode_computed(shape_, derived->front().view));
        }
    }
    auto opening = served.tree->open(question, std::move(computed));
    Opening given = opening ? *std::move(opening) : Opening{};
    if (served.lie.forge) served.lie.forge(&given);
    return given;
}

ports::AuditFinding Laboratory::audit(const Served& served, const Served& answered) {
    ports::AuditAnswer answer;
    runner_.runtime().random_bytes(answer.seed.bytes);
    answer.question = auditor_->draw(served.task, answer.seed);
    answer.root = served.task.receipt.receipt.verification_root;
    answer.opening = open(answered, answer.question);
    return auditor_->check(served.task, answer);
}

float Laboratory::sketch_score(const Served& served) {
    std::vector<std::uint32_t> tokens;
    for (std::uint64_t i = 0; i < served.header.positions(); ++i) tokens.push_back(served.header.token_at(i));
    worker::ModelRunner& replaying = *loaded(*model_).runner;
    const auto sequence = replaying.open_sequence(tokens.size());
    CHECK(sequence.has_value());
    const auto result = replaying.run({{*sequence, tokens, worker::Capture::kServed}});
    CHECK(result.has_value());
    std::map<Cell, Bytes> states;
    const auto keep = [&](const Cell& cell, const verify::ServedRow& row) -> Result<void> {
        states[cell] = copy(row.h_in);
        return {};
    };
    CHECK(result->captured->give(0, keep).has_value());
    replaying.close_sequence(*sequence);

    const std::vector<std::uint32_t> signs = verify::sketch_signs(served.header.client_nonce, shape_.hidden);
    const auto state_of = [&](const std::map<Cell, Bytes>& from, std::uint32_t position, std::uint32_t layer) {
        return *verify::widen_finite(shape_.compute, from.at(Cell{position, layer}));
    };
    std::map<Cell, Bytes> given;
    for (const auto& [cell, row] : served.rows) given[cell] = row.h_in;
    double sum = 0;
    const auto count = static_cast<std::uint32_t>(tokens.size());
    for (std::uint32_t position = 0; position < count; ++position) {
        const auto sketch = [&](const std::map<Cell, Bytes>& from) {
            return verify::make_sketch(signs, state_of(from, position, verify::sketch_layer(shape_)),
                                       state_of(from, position, shape_.layers));
        };
        sum += verify::sketch_distance(sketch(given), sketch(states));
    }
    return static_cast<float>(sum / count);
}

}  // namespace vcity::fraud
