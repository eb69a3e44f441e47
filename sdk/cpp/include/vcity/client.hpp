// SPDX-License-Identifier: Apache-2.0
#pragma once

// Vcity from C++20: model calls, jobs, and receipts that are checked without asking anybody. The header needs the
// standard library only. Nothing here throws but std::bad_alloc.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace vcity::sdk {

// Why there is no value. `code` is one of docs/api/errors.md for a refusal of the gateway. Of the library itself:
// "invalid_argument", "unreachable", "timeout", "broken_stream", "bad_answer"; `status` is 0 then.
struct Failure {
    unsigned status = 0;
    std::string code;
    std::string message;
    std::string request_id = {};  // for questions to the operator; may be empty
};

// A value or the Failure that stands in its place. value() of a failure, or failure() of a value, ends the program.
template <class T>
class [[nodiscard]] Outcome {
  public:
    Outcome(T value) : held_{std::in_place_index<0>, std::move(value)} {}
    Outcome(Failure failure) : held_{std::in_place_index<1>, std::move(failure)} {}

    explicit operator bool() const { return held_.index() == 0; }
    const T& value() const& { return checked<0>(); }
    T value() && { return std::move(checked<0>()); }
    const Failure& failure() const { return checked<1>(); }
    const T* operator->() const { return &checked<0>(); }
    const T& operator*() const& { return checked<0>(); }

  private:
    template <std::size_t Index>
    const auto& checked() const {
        if (held_.index() != Index) std::abort();
        return *std::get_if<Index>(&held_);
    }
    template <std::size_t Index>
    auto& checked() {
        if (held_.index() != Index) std::abort();
        return *std::get_if<Index>(&held_);
    }

    std::variant<T, Failure> held_;
};

struct Settings {
    std::string gateway;                          // "https://gateway.example", without a path
    std::string key;                              // "sk-vcity-..."; empty for what needs none
    std::chrono::milliseconds patience{120'000};  // for one call as a whole; of a stream too
    std::string authorities_file = {};            // PEM; empty: those of the system
};

struct Message {
    std::string role;  // "system", "user", "assistant"
    std::string content;
};

struct ChatRequest {
    std::string model;
    std::vector<Message> messages;
    std::optional<std::uint32_t> tokens_max = std::nullopt;
    std::optional<double> temperature = std::nullopt;
    std::optional<std::int64_t> seed = std::nullopt;
    // A call that is sent again with the same key is charged once; empty: none.
    std::string idempotency_key = {};
};

struct ChatAnswer {
    std::string id;  // for Client::generation()
    std::string model;
    std::string text;
    std::string finish_reason;
    std::uint64_t prompt_tokens = 0;
    std::uint64_t completion_tokens = 0;
};

struct Job {
    std::string id;
    std::string state;    // "active", "succeeded", "failed", "cancelled"
    std::string charged;  // dollars, decimal
    std::string json;     // the whole answer, docs/api/jobs.md

    bool is_over() const { return state != "active"; }
};

struct JobOutput {
    std::string bytes;
    std::uint64_t next_offset = 0;
    bool end = false;  // no more will come
};

// Where the contracts are. Take it from a place that you trust: Client::deployment() believes the gateway.
struct Deployment {
    std::uint64_t chain_id = 0;
    std::string settlement;  // 0x and 40 digits
};

// Talks to one gateway. Every call blocks, and one thread at a time may use a client.
class Client {
  public:
    static Outcome<Client> make(Settings settings);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    Outcome<std::vector<std::string>> models();
    Outcome<ChatAnswer> chat(const ChatRequest& request);
    // Calls back with every piece of the text as it comes. False from it ends the call: what was delivered by then is
    // charged, and the answer has what came.
    Outcome<ChatAnswer> chat(const ChatRequest& request, const std::function<bool(std::string_view)>& on_text);
    // What became of a call, JSON as in docs/api/generation.md.
    Outcome<std::string> generation(std::string_view id);

    // spec: docs/api/jobs.md. The same idempotency key always names the same job; empty: none.
    Outcome<Job> submit(std::string_view spec_json, std::string_view idempotency_key);
    Outcome<Job> job(std::string_view id);
    Outcome<Job> cancel(std::string_view id);
    // Asks until the job is over; "timeout" when it is not by then.
    Outcome<Job> wait(std::string_view id, std::chrono::milliseconds patience);
    // Standard output and error of one step, such as "main/0".
    Outcome<JobOutput> output(std::string_view id, std::string_view step, std::uint64_t offset);

    Outcome<Deployment> deployment();
    // Anything else of docs/api: the body of the answer. body may be empty.
    Outcome<std::string> call(std::string_view method, std::string_view path, std::string_view body);

  private:
    struct Impl;
    explicit Client(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

// One thing that was checked of a receipt.
struct Check {
    std::string name;  // "hash", "within_quote", "node_signature", "scheduler_signature", "text", "in_batch"
    bool holds = false;
    std::string detail;
};

struct ReceiptQuestion {
    // The answer of Client::generation() as it is, or its member "data", or of that the member "receipt".
    std::string_view json;
    Deployment deployment;
    // The text that was delivered: checked against the hash that the node signed.
    std::optional<std::string> text = std::nullopt;
    // receiptsRoot of the batch, from the chain: 0x and 64 digits. Needs the answer with its member "batch".
    std::optional<std::string> batch_root = std::nullopt;
};

// Everything that can be checked without a network. "invalid_argument" for what is no receipt. A receipt is good when
// all checks hold; all_hold() says so.
Outcome<std::vector<Check>> check_receipt(const ReceiptQuestion& question);
bool all_hold(const std::vector<Check>& checks);

}  // namespace vcity::sdk
