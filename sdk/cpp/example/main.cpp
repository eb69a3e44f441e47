// SPDX-License-Identifier: Apache-2.0
// Asks a model, orders a job, and checks what was signed for the answer.
//   VCITY_GATEWAY=http://127.0.0.1:8080 VCITY_KEY=sk-vcity-... ask "What is free software?"
#include <cstdio>
#include <cstdlib>
#include <string>

#include "vcity/client.hpp"

namespace sdk = vcity::sdk;

namespace {

constexpr const char* kOrder =
    R"json({"budget": "0.10", "steps": [{"run": "echo $((6 * 7))", "seconds_max": 60}]})json";

std::string setting(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

int complain(const char* what, const sdk::Failure& failure) {
    std::fprintf(stderr, "%s: %s (%s, status %u)\n", what, failure.message.c_str(), failure.code.c_str(),
                 failure.status);
    return 1;
}

int check_answer(sdk::Client* client, const sdk::ChatAnswer& answer) {
    const auto deployment = client->deployment();
    if (!deployment) return complain("contracts", deployment.failure());
    const auto generation = client->generation(answer.id);
    if (!generation) return complain("generation", generation.failure());
    const auto checks = sdk::check_receipt({.json = *generation, .deployment = *deployment, .text = answer.text});
    if (!checks) return complain("receipt", checks.failure());
    for (const sdk::Check& check : *checks) {
        std::printf("%s %s: %s\n", check.holds ? "good" : "BAD", check.name.c_str(), check.detail.c_str());
    }
    return sdk::all_hold(*checks) ? 0 : 1;
}

int order_job(sdk::Client* client) {
    const auto ordered = client->submit(kOrder, "");
    if (!ordered) return complain("order", ordered.failure());
    const auto ended = client->wait(ordered->id, std::chrono::minutes{2});
    if (!ended) return complain("wait", ended.failure());
    const auto output = client->output(ordered->id, "main/0", 0);
    if (!output) return complain("output", output.failure());
    std::printf("job %s: %s for %s dollars: %s", ended->id.c_str(), ended->state.c_str(), ended->charged.c_str(),
                output->bytes.c_str());
    return ended->state == "succeeded" ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    auto made = sdk::Client::make(
        {.gateway = setting("VCITY_GATEWAY"), .key = setting("VCITY_KEY"), .patience = std::chrono::minutes{2}});
    if (!made) return complain("client", made.failure());
    sdk::Client client = std::move(made).value();
    const auto models = client.models();
    if (!models) return complain("models", models.failure());
    if (models->empty()) return complain("models", {.status = 0, .code = "none", .message = "no model is on offer"});

    sdk::ChatRequest request;
    request.model = models->front();
    request.messages = {{.role = "user", .content = count > 1 ? words[1] : "What is free software?"}};
    request.tokens_max = 24;
    request.seed = 7;
    const auto answer = client.chat(request, [](std::string_view text) {
        std::printf("%.*s", static_cast<int>(text.size()), text.data());
        return true;
    });
    if (!answer) return complain("chat", answer.failure());
    std::printf("\n%s: %llu tokens in, %llu out\n", answer->id.c_str(),
                static_cast<unsigned long long>(answer->prompt_tokens),
                static_cast<unsigned long long>(answer->completion_tokens));
    if (check_answer(&client, *answer) != 0) return 1;
    return order_job(&client);
}
