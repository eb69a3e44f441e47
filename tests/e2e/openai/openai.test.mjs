// SPDX-License-Identifier: Apache-2.0
// The official client, unchanged, against a running gateway: OPENAI_BASE_URL and OPENAI_API_KEY say which.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import OpenAI from "openai";
import { firstModel, makeClient, messages } from "./client.mjs";

let client;
let model;

before(async () => {
  client = makeClient();
  model = await firstModel(client);
});

// The fields that every answer of this network adds to OpenAI's.
function checkBill(answer) {
  assert.ok(answer.usage.prompt_tokens > 0);
  assert.ok(answer.usage.completion_tokens > 0);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.match(answer.usage.cost_usd, /^\d+\.\d{6}$/);
  assert.match(answer.vcity.receipt, /^0x[0-9a-f]{64}$/);
  assert.match(answer.vcity.provider, /^0x[0-9a-f]{40}$/);
}

async function refusalOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("the gateway accepted what it must refuse");
}

test("lists and describes models", async () => {
  const described = await client.models.retrieve(model);
  assert.equal(described.id, model);
  assert.equal(described.object, "model");
  assert.ok(described.context_length > 0);
  assert.match(described.pricing.completion, /^\d+(\.\d+)?$/);
});

test("answers a chat, with usage, cost and receipt", async () => {
  const { data, response } = await client.chat.completions
    .create({ model, messages, max_tokens: 8, seed: 1, temperature: 0 })
    .withResponse();
  assert.equal(data.object, "chat.completion");
  assert.equal(data.choices[0].message.role, "assistant");
  assert.ok(data.choices[0].message.content.length > 0);
  assert.ok(["stop", "length"].includes(data.choices[0].finish_reason));
  checkBill(data);
  for (const name of ["x-request-id", "x-cost", "x-quote", "x-provider", "x-receipt", "x-attempts", "x-generation-id"]) {
    assert.ok(response.headers.get(name), name);
  }
  assert.equal(data._request_id, response.headers.get("x-request-id"));
});

test("streams a chat: role, text, finish, usage, in this order", async () => {
  const stream = await client.chat.completions.create({
    model, messages, max_tokens: 8, seed: 1, stream: true, stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  const usage = chunks.at(-1);
  assert.deepEqual(usage.choices, []);
  checkBill(usage);
  assert.ok(["stop", "length"].includes(chunks.at(-2).choices[0].finish_reason));
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
  assert.ok(chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? "").join("").length > 0);
});

test("gives the same text with and without a stream for the same seed", async () => {
  const settings = { model, messages, max_tokens: 8, seed: 7, temperature: 0 };
  const whole = await client.chat.completions.create(settings);
  const stream = await client.chat.completions.create({ ...settings, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(text, whole.choices[0].message.content);
});

test("answers and streams completions", async () => {
  const whole = await client.completions.create({ model, prompt: "Free software is", max_tokens: 8 });
  assert.equal(whole.object, "text_completion");
  assert.ok(whole.choices[0].text.length > 0);
  checkBill(whole);
  const stream = await client.completions.create({ model, prompt: "Free software is", max_tokens: 8, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0].text;
  assert.ok(text.length > 0);
});

test("remembers what a generation cost", async () => {
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 4 });
  const { data } = await client.get("/generation", { query: { id: answer.id } });
  assert.equal(data.id, answer.id);
  assert.equal(data.status, "delivered");
  assert.equal(data.receipt.hash, answer.vcity.receipt);
  assert.equal(data.usage.cost_usd, answer.usage.cost_usd);
});

test("refuses a wrong key", async () => {
  for (const apiKey of ["sk-vcity-wrong", `sk-vcity-${"0".repeat(49)}`]) {
    const error = await refusalOf(makeClient({ apiKey }).chat.completions.create({ model, messages }));
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.equal(error.code, "invalid_api_key");
    assert.ok(error.requestID);
  }
});

test("refuses an unknown model", async () => {
  const error = await refusalOf(client.chat.completions.create({ model: "nobody/has-this", messages }));
  assert.ok(error instanceof OpenAI.NotFoundError);
  assert.equal(error.code, "model_not_found");
  assert.equal(error.param, "model");
  assert.ok((await refusalOf(client.models.retrieve("nobody/has-this"))) instanceof OpenAI.NotFoundError);
});

test("refuses bad requests and names the field", async () => {
  const cases = [
    [{ temperature: 3 }, "temperature", "invalid_value"],
    [{ n: 200 }, "n", "invalid_value"],
    [{ tools: [{ type: "web_search" }] }, "tools[0].type", "unsupported_parameter"],
    [{ frobnicate: true }, "frobnicate", "unknown_parameter"],
    [{ messages: [] }, "messages", "invalid_value"],
    [{ max_tokens: 1_000_000 }, "max_tokens", "context_length_exceeded"],
  ];
  for (const [fields, param, code] of cases) {
    const error = await refusalOf(client.chat.completions.create({ model, messages, ...fields }));
    assert.ok(error instanceof OpenAI.BadRequestError, code);
    assert.equal(error.type, "invalid_request_error");
    assert.equal(error.param, param);
    assert.equal(error.code, code);
  }
});

test("refuses a prompt that no context holds, and a body beyond all bounds", async () => {
  const ask = (content) => client.chat.completions.create({ model, messages: [{ role: "user", content }] });
  const long = await refusalOf(ask("word ".repeat(100_000)));
  assert.ok(long instanceof OpenAI.BadRequestError);
  assert.equal(long.code, "context_length_exceeded");
  const huge = await refusalOf(ask("word ".repeat(300_000)));
  assert.equal(huge.status, 413);
  assert.equal(huge.code, "request_too_large");
});

test("refuses bytes that are not JSON or not UTF-8", async () => {
  const post = async (body) => {
    const response = await fetch(`${client.baseURL}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${client.apiKey}`, "content-type": "application/json" },
      body,
    });
    assert.equal(response.status, 400);
    assert.ok(response.headers.get("x-request-id"));
    return (await response.json()).error;
  };
  assert.equal((await post('{"model":')).code, "invalid_json");
  assert.equal((await post(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).code, "invalid_utf8");
});

test("an aborted stream ends at once and is billed for what was delivered", async () => {
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 200, stream: true });
  let id;
  for await (const chunk of stream) {
    id = chunk.id;
    if (chunk.choices[0]?.delta?.content) break;
  }
  stream.controller.abort();
  const deadline = Date.now() + 25_000;
  while (Date.now() < deadline) {
    const record = await client.get("/generation", { query: { id } }).catch((error) => error);
    if (record.data) {
      assert.ok(["cancelled", "delivered"].includes(record.data.status), record.data.status);
      return;
    }
    assert.equal(record.status, 404);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail("the gateway never wrote down the aborted generation");
});

test("the same Idempotency-Key gives the same answer and no second charge", async () => {
  const once = { headers: { "Idempotency-Key": `test-${Date.now()}-${Math.random()}` } };
  const first = await client.chat.completions.create({ model, messages, max_tokens: 4 }, once);
  const second = await client.chat.completions.create({ model, messages, max_tokens: 4 }, once);
  assert.equal(second.id, first.id);
  const clash = await refusalOf(client.chat.completions.create({ model, messages, max_tokens: 5 }, once));
  assert.ok(clash instanceof OpenAI.UnprocessableEntityError);
});
