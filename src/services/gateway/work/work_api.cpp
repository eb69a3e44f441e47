// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/work_api.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/files/files_api.hpp"
#include "services/gateway/usage/delivery_log.hpp"
#include "services/gateway/work/offer_search.hpp"
#include "services/gateway/work/spec_reader.hpp"
#include "services/gateway/work/work_json.hpp"
#include "work/reservation.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kFilesPart = "files/";
constexpr std::size_t kIdempotencyKeyMax = 255;
constexpr std::size_t kListDefault = 20;
constexpr std::size_t kListMax = 100;
// Of a key's digest, as KeyRecord::id() has it.
constexpr std::size_t kKeyIdDigits = 16;
// An order that the scheduler does not know by then never reached it.
constexpr std::uint64_t kArrivalSeconds = 60;

ApiError job_not_found() {
    return spec::refusal(ErrorCode::kJobNotFound, "id", "no job of this id belongs to the client of this key");
}

std::string parameter(const Exchange& exchange, std::string_view name) {
    return services::percent_decoded(services::query_of(exchange.request.target, name));
}

// Forms write a space as "+".
std::string search_text(const Exchange& exchange, std::string_view name) {
    std::string raw{services::query_of(exchange.request.target, name)};
    std::ranges::replace(raw, '+', ' ');
    return services::percent_decoded(raw);
}

bool is_dry_run(const Exchange& exchange) {
    const std::string value = parameter(exchange, "dry_run");
    return value == "1" || value == "true";
}

template <class Number>
bool read_number(std::string_view text, Number* out) {
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), *out);
    return code == std::errc{} && stop == text.data() + text.size();
}

ApiError unexpected() {
    return spec::refusal(ErrorCode::kInternalError, "", "the scheduler answered another question");
}

}  // namespace

TimePoint WorkApi::patience() const {
    return shared_->runtime->now() + shared_->options->work_patience;
}

Task<WorkApi::Response> WorkApi::answer(Exchange* exchange, KeyRecord key) {
    const std::string path{services::path_of(exchange->request.target)};
    const std::string& method = exchange->request.method;
    if (path == kOffersPath) {
        co_return co_await offers(exchange, key.terms.cap.cap.scheduler);
    }
    if (path == kJobsPath && method == "GET") co_return list(*exchange, key);
    if (path == kJobsPath) {
        co_return co_await submit(exchange, std::move(key));
    }
    const std::string rest = path.substr(kJobPath.size());
    const std::size_t slash = rest.find('/');
    const std::optional<JobId> job_id = job_of_work(rest.substr(0, slash));
    const std::string part = slash == std::string::npos ? "" : rest.substr(slash + 1);
    const bool is_files = part == "files" || part.starts_with(kFilesPart);
    const bool is_known = part.empty() || ((part == "logs" || part == "explain" || is_files) && method == "GET");
    if (!is_known) {
        co_return spec::refusal(ErrorCode::kRouteNotFound, "", "a job has /logs, /explain and /files, all with GET");
    }
    if (!job_id) co_return job_not_found();
    if (is_files) {
        std::string name = services::percent_decoded(part.substr(std::min(kFilesPart.size(), part.size())));
        co_return co_await files(exchange, std::move(key), *job_id, std::move(name));
    }
    if (part == "logs") {
        co_return co_await output(exchange, std::move(key), *job_id);
    }
    if (method == "DELETE") {
        co_return co_await cancel(std::move(key), *job_id);
    }
    co_return co_await status(std::move(key), *job_id, part == "explain");
}

// --- orders

Refusal WorkApi::check_key(const KeyRecord& key) const {
    if (!key.terms.models.empty()) {
        return spec::refusal(ErrorCode::kWorkNotAllowed, "", "this key is for calls of the models that it names only");
    }
    const SpendingCap& cap = key.terms.cap.cap;
    const ApiResult<SchedulerLink*> link = shared_->schedulers->serving(cap);
    if (!link) return link.error();
    if (cap.expiry_unix_seconds <= shared_->runtime->unix_now().count() / 1000) {
        return spec::refusal(ErrorCode::kSpendingCapInvalid, "", "this key's spending cap has expired");
    }
    return std::nullopt;
}

ApiResult<WorkRequest> WorkApi::read_body(const Exchange& exchange, const KeyRecord& key) const {
    const std::string_view type = exchange.request.headers.get("content-type");
    if (!type.empty() && type.find("json") == std::string_view::npos) {
        return spec::refusal(ErrorCode::kUnsupportedMediaType, "", "the body must be application/json");
    }
    RequestLimits limits = shared_->options->limits;
    limits.body_bytes_max = shared_->options->work_body_bytes_max;
    ApiResult<codec::Json> body = parse_body(exchange.request.body, limits);
    if (!body) return std::move(body).error();
    const Address& client = key.terms.cap.cap.client;
    return parse_work_request(*body, [this, &client](const std::string& id, const std::string& path) {
        return shared_->files->resolve(client, id, path);
    });
}

// The same Idempotency-Key of the same API key always names the same job.
ApiResult<WorkOrder> WorkApi::make_order(const Exchange& exchange, const KeyRecord& key, WorkRequest request) const {
    const std::string_view header = exchange.request.headers.get("idempotency-key");
    if (header.size() > kIdempotencyKeyMax) {
        return spec::refusal(ErrorCode::kInvalidValue, "Idempotency-Key", "'Idempotency-Key' is longer than 255 bytes");
    }
    const SpendingCap& cap = key.terms.cap.cap;
    if (request.budget > cap.limit) {
        return spec::refusal(ErrorCode::kInsufficientBalance, "budget",
                             "the budget of $" + to_string(request.budget) + " is above the whole spending cap of $" +
                                 to_string(cap.limit));
    }
    Runtime* runtime = shared_->runtime;
    Hash nonce;
    if (header.empty()) {
        runtime->random_bytes(nonce.bytes);
    } else {
        nonce = crypto::hmac_sha256(key.digest.view(), as_bytes("vcity-job-v1" + std::string{header}));
    }
    WorkOrder order;
    order.job_id = market::make_job_id(cap.client, cap.scheduler, nonce);
    order.client = cap.client;
    order.cap = key.terms.cap;
    order.spec = std::move(request.spec);
    order.budget = request.budget;
    order.quote_id = request.quote_id;
    const auto ahead =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::minutes{request.deadline_minutes});
    order.deadline = UnixMillis{runtime->unix_now().count() + static_cast<std::uint64_t>(ahead.count())};
    const std::string_view trace = exchange.headers.get("x-trace-id");
    order.trace_id = trace.empty() ? exchange.request_id : std::string{trace};
    if (Refusal refused = shared_->files->give_place(&order)) return *std::move(refused);
    return order;
}

Task<WorkApi::Response> WorkApi::submit(Exchange* exchange, KeyRecord key) {
    Refusal refused = check_key(key);
    if (refused) co_return *std::move(refused);
    ApiResult<WorkRequest> request = read_body(*exchange, key);
    if (!request) co_return std::move(request).error();
    ApiResult<WorkOrder> order = make_order(*exchange, key, *std::move(request));
    if (!order) co_return std::move(order).error();
    if (is_dry_run(*exchange)) {
        co_return co_await quote(*std::move(order));
    }
    const Hash fingerprint = crypto::sha256(as_bytes(exchange->request.body));
    exchange->headers.set("x-job-id", make_work_id(order->job_id));
    if (const WorkNote* known = shared_->work->find(order->job_id)) {
        if (known->fingerprint != fingerprint) {
            co_return spec::refusal(ErrorCode::kIdempotencyMismatch, "Idempotency-Key",
                                    "this Idempotency-Key was used with another body");
        }
        const JobId job_id = order->job_id;
        Response before = co_await status(key, job_id, false);
        // Otherwise the first order did not arrive.
        const bool has_arrived = before || before.error().code != ErrorCode::kJobNotFound;
        if (has_arrived) co_return before;
    }
    co_return co_await place(exchange, std::move(key), *std::move(order), fingerprint);
}

Task<WorkApi::Response> WorkApi::place(Exchange* exchange, KeyRecord key, WorkOrder order, Hash fingerprint) {
    Refusal refused = shared_->keys->admit(key.digest, order.budget);
    if (refused) co_return *std::move(refused);
    const JobId job_id = order.job_id;
    refused = co_await shared_->files->open_space(order);
    if (refused) {
        shared_->keys->release(key.digest, order.budget, {});
        co_return *std::move(refused);
    }
    WorkNote note{.job_id = order.job_id,
                  .owner = key.digest,
                  .scheduler = key.terms.cap.cap.scheduler,
                  .fingerprint = fingerprint,
                  .name = order.spec.name,
                  .budget = order.budget,
                  .charged = {},
                  .created_unix_seconds = shared_->runtime->unix_now().count() / 1000,
                  .state = WorkState::kActive};
    const bool is_hold = work::is_hold(order.spec);
    WorkSubmit question{std::move(order)};
    const Result<WorkAnswer> answered = co_await shared_->schedulers->ask(std::move(question), patience());
    const JobFailed* failed = answered ? std::get_if<JobFailed>(&*answered) : nullptr;
    // An order beyond the bound was not sent.
    const bool is_turned_away = !answered && answered.error().code == Errc::kExhausted;
    // Of an order without an answer nobody knows yet whether it costs something.
    const bool is_refused = failed != nullptr || is_turned_away;
    shared_->keys->release(key.digest, note.budget, is_refused ? Usd{} : note.budget);
    // A job that was ordered before, under this id, keeps its files.
    if (is_refused && shared_->work->find(job_id) == nullptr) {
        co_await shared_->files->drop_space(job_id);
    }
    if (failed != nullptr) co_return work_error(*failed);
    if (is_turned_away) co_return unanswered_error(answered.error());
    const std::string name = note.name;
    const std::string id = make_work_id(note.job_id);
    shared_->work->add(std::move(note));
    if (!answered) {
        ApiError error = unanswered_error(answered.error());
        error.message +=
            "; the order may have arrived: ask for " + id + ", or order again with the same Idempotency-Key";
        co_return error;
    }
    const auto* accepted = std::get_if<WorkAccepted>(&*answered);
    if (accepted == nullptr) co_return unexpected();
    shared_->metrics->jobs_accepted->increment();
    ports::HttpResponse response =
        services::json_response(is_hold ? reserved_json(*accepted, name) : accepted_json(*accepted, name));
    response.status = 201;
    exchange->headers.set("location", std::string{kJobPath} + id);
    co_return response;
}

Task<WorkApi::Response> WorkApi::quote(WorkOrder order) {
    WorkQuoteRequest question{std::move(order)};
    const Result<WorkAnswer> answered = co_await shared_->schedulers->ask(std::move(question), patience());
    if (!answered) co_return unanswered_error(answered.error());
    if (const auto* failed = std::get_if<JobFailed>(&*answered)) co_return work_error(*failed);
    const auto* quoted = std::get_if<WorkQuote>(&*answered);
    if (quoted == nullptr) co_return unexpected();
    co_return services::json_response(quote_json(*quoted));
}

// --- what became of a job

void WorkApi::learn(const WorkStatusReply& reply, const Address& account) {
    WorkState state = reply.state;
    if (!reply.known) {
        const WorkNote* note = shared_->work->find(reply.job_id);
        const std::uint64_t now = shared_->runtime->unix_now().count() / 1000;
        if (note == nullptr || now < note->created_unix_seconds + kArrivalSeconds) return;
        state = WorkState::kFailed;
    }
    const std::optional<WorkNote> ended = shared_->work->update(reply.job_id, state, reply.charged);
    if (!ended) return;
    if (shared_->on_job_ended) shared_->on_job_ended(*ended, state, reply.charged);
    if (deliveries_ != nullptr) {
        std::string key_id = codec::to_hex(ended->owner).substr(2, kKeyIdDigits);
        deliveries_->note_job(account, std::move(key_id), ended->name, reply.charged);
    }
    if (ended->budget <= reply.charged) return;
    shared_->keys->give_back(ended->owner, Usd{ended->budget.micro - reply.charged.micro}, ended->created_unix_seconds);
}

Task<void> WorkApi::refresh(JobId job_id, Address client) {
    WorkStatusRequest request{.job_id = job_id, .client = client, .with_history = false};
    const Result<WorkAnswer> answered = co_await shared_->schedulers->ask(std::move(request), patience());
    const auto* reply = answered ? std::get_if<WorkStatusReply>(&*answered) : nullptr;
    if (reply != nullptr) learn(*reply, client);
}

Task<WorkApi::Response> WorkApi::status(KeyRecord key, JobId job_id, bool with_history) {
    WorkStatusRequest request{.job_id = job_id, .client = key.terms.cap.cap.client, .with_history = with_history};
    const Result<WorkAnswer> answered = co_await shared_->schedulers->ask(std::move(request), patience());
    if (!answered) co_return unanswered_error(answered.error());
    const auto* reply = std::get_if<WorkStatusReply>(&*answered);
    if (reply == nullptr) co_return unexpected();
    learn(*reply, key.terms.cap.cap.client);
    if (!reply->known) co_return job_not_found();
    co_return services::json_response(with_history ? explanation_json(*reply) : work_json(*reply));
}

Task<WorkApi::Response> WorkApi::cancel(KeyRecord key, JobId job_id) {
    WorkCancel request{.job_id = job_id, .client = key.terms.cap.cap.client};
    const Result<WorkAnswer> answered = co_await shared_->schedulers->ask(std::move(request), patience());
    if (!answered) co_return unanswered_error(answered.error());
    const auto* reply = std::get_if<WorkStatusReply>(&*answered);
    if (reply == nullptr) co_return unexpected();
    learn(*reply, key.terms.cap.cap.client);
    if (!reply->known) co_return job_not_found();
    co_return services::json_response(work_json(*reply));
}

Task<WorkApi::Response> WorkApi::files(Exchange* exchange, KeyRecord key, JobId job_id, std::string rest) {
    WorkStatusRequest request{.job_id = job_id, .client = key.terms.cap.cap.client, .with_history = false};
    const Result<WorkAnswer> answered = co_await shared_->schedulers->ask(std::move(request), patience());
    if (!answered) co_return unanswered_error(answered.error());
    const auto* reply = std::get_if<WorkStatusReply>(&*answered);
    if (reply == nullptr) co_return unexpected();
    learn(*reply, key.terms.cap.cap.client);
    if (!reply->known) co_return job_not_found();
    co_return co_await shared_->files->answer_job(exchange, *reply, std::move(rest));
}

Task<WorkApi::Response> WorkApi::output(Exchange* exchange, KeyRecord key, JobId job_id) {
    const std::string step = parameter(*exchange, "step");
    const std::optional<JobId> step_id = step_of_text(job_id, step);
    if (!step_id) {
        co_return spec::refusal(ErrorCode::kInvalidValue, "step", step.substr(0, 64),
                                "the name of a step such as main or frame/3, as the job's status lists it");
    }
    WorkOutputRequest request{.job_id = job_id, .client = key.terms.cap.cap.client, .step_id = *step_id, .offset = 0};
    const std::string offset = parameter(*exchange, "offset");
    if (!offset.empty() && !read_number(offset, &request.offset)) {
        co_return spec::refusal(ErrorCode::kInvalidValue, "offset", offset.substr(0, 64),
                                "a whole number of bytes, 0 or the next_offset of the answer before");
    }
    const Result<WorkAnswer> answered = co_await shared_->schedulers->ask(std::move(request), patience());
    if (!answered) co_return unanswered_error(answered.error());
    const auto* reply = std::get_if<WorkOutputReply>(&*answered);
    if (reply == nullptr) co_return unexpected();
    if (!reply->known) {
        co_return spec::refusal(ErrorCode::kJobNotFound, "step", "no such step of a job of this key's client");
    }
    const bool wants_bytes =
        exchange->request.headers.get("accept").find("application/octet-stream") != std::string_view::npos;
    if (!wants_bytes) co_return services::json_response(output_json(*reply, step));
    ports::HttpResponse response;
    response.headers.set("content-type", "application/octet-stream");
    response.headers.set("x-next-offset", std::to_string(reply->offset + reply->bytes.size()));
    response.headers.set("x-end", reply->is_end ? "true" : "false");
    response.body = as_text(reply->bytes);
    co_return response;
}

codec::Json WorkApi::to_json(const WorkNote& note) {
    return codec::JsonObject{{"id", make_work_id(note.job_id)},
                             {"object", "job"},
                             {"name", note.name},
                             {"state", std::string{to_string(note.state)}},
                             {"budget", to_string(note.budget)},
                             {"charged", to_string(note.charged)},
                             {"created", note.created_unix_seconds}};
}

WorkApi::Response WorkApi::list(const Exchange& exchange, const KeyRecord& key) const {
    std::size_t limit = kListDefault;
    const std::string text = parameter(exchange, "limit");
    if (!text.empty() && (!read_number(text, &limit) || limit < 1 || limit > kListMax)) {
        return spec::refusal(ErrorCode::kInvalidValue, "limit", text.substr(0, 64), "a whole number from 1 to 100");
    }
    codec::JsonArray data;
    for (const WorkNote& note : shared_->work->of(key.digest, limit)) {
        data.push_back(to_json(note));
    }
    return services::json_response(codec::JsonObject{{"object", "list"}, {"data", std::move(data)}});
}

// --- offers

Task<WorkApi::Response> WorkApi::offers(Exchange* exchange, Address scheduler) {
    const ApiResult<OfferSearch> search =
        parse_offer_search(search_text(*exchange, "q"), parameter(*exchange, "order"), parameter(*exchange, "limit"));
    if (!search) co_return search.error();
    const Result<std::vector<OfferedUnit>> units = co_await shared_->schedulers->units(scheduler, patience());
    if (!units) co_return unanswered_error(units.error());
    co_return services::json_response(offers_json(*units, *search));
}

}  // namespace vcity::gateway
