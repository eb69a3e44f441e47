// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/many/branches.hpp"

#include <algorithm>
#include <utility>

#include "base/amount.hpp"
#include "services/gateway/api/sse.hpp"
#include "services/gateway/generation_flow.hpp"

namespace vcity::gateway {
namespace {

// At one time; the others wait. A node has few slots.
constexpr std::size_t kParallelMax = 4;

std::uint64_t count_of(const codec::Json& usage, std::string_view name) {
    std::uint64_t count = 0;
    const codec::Json* value = usage.find(name);
    return value != nullptr && value->get_u64(&count) ? count : 0;
}

Usd cost_of(const codec::Json& usage) {
    const codec::Json* text = usage.find("cost_usd");
    if (text == nullptr || text->get_string() == nullptr) return Usd{};
    const Result<Usd> cost = parse_usd(*text->get_string());
    return cost ? *cost : Usd{};
}

codec::Json with_index(const codec::Json& choice, std::size_t index) {
    codec::Json copy = choice;
    return copy.set("index", static_cast<std::uint64_t>(index));
}

}  // namespace

codec::Json add_usage(const codec::Json& a, const codec::Json& b) {
    codec::Json sum;
    for (const char* name : {"prompt_tokens", "completion_tokens", "total_tokens"}) {
        sum.set(name, count_of(a, name) + count_of(b, name));
    }
    const Usd cost{cost_of(a).micro + cost_of(b).micro};
    sum.set("cost", static_cast<double>(cost.micro) / 1e6).set("cost_usd", to_string(cost));
    sum.set("prompt_tokens_details", codec::JsonObject{{"cached_tokens", 0}});
    sum.set("completion_tokens_details", codec::JsonObject{{"reasoning_tokens", 0}});
    return sum;
}

Task<Result<void>> BranchAnswer::respond(ports::HttpResponse response) {
    response_ = std::move(response);
    box_->wake.notify();
    co_return Result<void>{};
}

Task<Result<void>> BranchAnswer::start(ports::HttpResponse head) {
    if (!box_->head) box_->head = std::move(head);
    box_->wake.notify();
    co_return Result<void>{};
}

Task<Result<void>> BranchAnswer::write(std::string chunk) {
    std::string_view rest = chunk;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.size(), rest.find("\n\n"));
        pass_on(rest.substr(0, end));
        rest.remove_prefix(std::min(rest.size(), end + 2));
    }
    box_->wake.notify();
    co_return client_->is_connected() ? Result<void>{} : make_error(Errc::kUnavailable, "the client has gone");
}

void BranchAnswer::pass_on(std::string_view event) {
    constexpr std::string_view kData = "data: ";
    if (!event.starts_with(kData)) return void(box_->events += std::string{event} + "\n\n");
    const Result<codec::Json> json = codec::parse_json(event.substr(kData.size()));
    if (!json) return;  // [DONE]
    const codec::Json* choices = json->find("choices");
    if (choices == nullptr) {
        box_->has_failed = true;
        return void(box_->events += sse_event(*json));
    }
    const codec::Json* id = json->find("id");
    if (box_->id.empty() && id != nullptr && id->get_string() != nullptr) box_->id = *id->get_string();
    if (choices->get_array()->empty()) {
        if (const codec::Json* usage = json->find("usage")) box_->usage = add_usage(box_->usage, *usage);
        if (const codec::Json* network = json->find("vcity")) box_->networks.push_back(*network);
        return;
    }
    codec::Json event_json = *json;
    event_json.set("id", box_->id);
    event_json.set("choices", codec::JsonArray{with_index(choices->get_array()->front(), index_)});
    box_->events += sse_event(event_json);
}

Branches::Branches(const Shared* shared, Exchange* exchange, KeyRecord key, std::vector<GenerationRequest> requests)
    : shared_{shared},
      exchange_{exchange},
      key_{std::move(key)},
      requests_{std::move(requests)},
      box_{shared->runtime} {
    for (std::size_t index = 0; index < requests_.size(); ++index) {
        BranchAnswer& answer = answers_.emplace_back(&box_, exchange->responder, index);
        Exchange& part = exchanges_.emplace_back();
        part.request_id = exchange->request_id;
        part.started = exchange->started;
        part.request.method = exchange->request.method;
        part.request.target = exchange->request.target;
        const std::string_view usage = exchange->request.headers.get("x-usage");
        if (!usage.empty()) part.request.headers.set("x-usage", std::string{usage});
        part.responder = &answer;
        part.headers = exchange->headers;
        part.log = exchange->log;
    }
}

Task<void> Branches::run_one(std::size_t lane) {
    for (std::size_t index = next_++; index < requests_.size(); index = next_++) {
        if (first_failure() != nullptr || !exchange_->responder->is_connected()) break;
        GenerationFlow flow{shared_, &exchanges_[index], key_, requests_[index]};
        flow.set_deliveries(deliveries_);
        co_await flow.run();
    }
    (void)lane;
    box_.wake.notify();
}

Task<void> Branches::run_all() {
    constexpr Duration kPoll = std::chrono::milliseconds{100};
    TaskGroup tasks{shared_->runtime};
    for (std::size_t lane = 0; lane < std::min(kParallelMax, requests_.size()); ++lane) tasks.spawn(run_one(lane));
    while (tasks.running() > 0) {
        co_await flush();
        if (tasks.running() > 0 && box_.events.empty()) {
            (void)co_await box_.wake.wait_until(shared_->runtime->now() + kPoll);
        }
    }
    const TimePoint patience = shared_->runtime->now() + kPoll;
    (void)co_await tasks.join(patience);
    co_await flush();
}

Task<void> Branches::flush() {
    if (!box_.head || (box_.events.empty() && has_started_)) co_return;
    if (!has_started_) {
        has_started_ = true;
        ports::HttpResponse head = *box_.head;
        (void)co_await exchange_->responder->start(std::move(head));
    }
    std::string events = std::exchange(box_.events, {});
    if (events.empty()) co_return;
    (void)co_await exchange_->responder->write(std::move(events));
}

const ports::HttpResponse* Branches::first_failure() const {
    for (const BranchAnswer& answer : answers_) {
        if (answer.response() && answer.response()->status != 200) return &*answer.response();
    }
    return nullptr;
}

Task<void> Branches::answer_choices() {
    co_await run_all();
    if (has_started_) {
        co_await end_stream();
        co_return;
    }
    const ports::HttpResponse* failure = first_failure();
    if (failure != nullptr) {
        ports::HttpResponse copy = *failure;
        (void)co_await exchange_->responder->respond(std::move(copy));
        co_return;
    }
    co_await merge();
}

Task<void> Branches::end_stream() {
    std::string last;
    if (const ports::HttpResponse* failure = first_failure()) {
        last = "data: " + failure->body + "\n\n";
    } else if (!box_.has_failed) {
        if (requests_.front().include_usage) {
            codec::Json json = codec::JsonObject{{"id", box_.id},
                                                 {"object", "chat.completion.chunk"},
                                                 {"created", shared_->runtime->unix_now().count() / 1000},
                                                 {"model", requests_.front().call.model},
                                                 {"choices", codec::JsonArray{}}};
            json.set("usage", box_.usage).set("vcity", codec::JsonObject{{"choices", box_.networks}});
            last = sse_event(json);
        }
        last += kSseDone;
    }
    if (!last.empty()) {
        (void)co_await exchange_->responder->write(std::move(last));
    }
    (void)co_await exchange_->responder->finish();
}

Task<std::vector<ports::HttpResponse>> Branches::collect() {
    co_await run_all();
    std::vector<ports::HttpResponse> all;
    if (const ports::HttpResponse* failure = first_failure()) {
        all.push_back(*failure);
        co_return all;
    }
    for (const BranchAnswer& answer : answers_) {
        if (answer.response()) all.push_back(*answer.response());
    }
    co_return all;
}

Task<void> Branches::merge() {
    codec::Json merged;
    codec::JsonArray choices;
    codec::JsonArray networks;
    codec::Json usage;
    ports::HttpHeaders headers = exchange_->headers;
    for (const BranchAnswer& answer : answers_) {
        if (!answer.response()) co_return;  // the client has gone
        const Result<codec::Json> json = codec::parse_json(answer.response()->body);
        if (!json) continue;
        if (merged.is_null()) {
            merged = *json;
            headers = answer.response()->headers;
        }
        const codec::Json* list = json->find("choices");
        if (list != nullptr && list->get_array() != nullptr && !list->get_array()->empty()) {
            choices.push_back(with_index(list->get_array()->front(), choices.size()));
        }
        if (const codec::Json* one = json->find("usage")) usage = add_usage(usage, *one);
        if (const codec::Json* network = json->find("vcity")) networks.push_back(*network);
    }
    headers.set("x-cost", to_string(cost_of(usage)));
    merged.set("choices", std::move(choices)).set("usage", std::move(usage));
    merged.set("vcity", codec::JsonObject{{"choices", std::move(networks)}});
    ports::HttpResponse response;
    response.headers = std::move(headers);
    response.body = codec::dump_json(merged);
    (void)co_await exchange_->responder->respond(std::move(response));
}

}  // namespace vcity::gateway
