// SPDX-License-Identifier: Apache-2.0
// What an answer must look like, what is told about it, and who may give it: through the official client.
import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { firstModel, makeClient, messages } from "./client.mjs";

const client = makeClient();
const model = await firstModel(client);
// Every one of these is audited before it is paid, so a masked choice that a verifier cannot repeat would not pass.
const verified = { provider: { verification: "full" } };

const schema = {
  type: "object",
  properties: {
    name: { type: "string" },
    age: { type: "integer", minimum: 0 },
    likes: { type: "array", items: { enum: ["tea", "coffee"] }, minItems: 1 },
    boss: { anyOf: [{ type: "null" }, { $ref: "#/$defs/person" }] },
  },
  required: ["name", "age", "likes", "boss"],
  additionalProperties: false,
  $defs: {
    person: { type: "object", properties: { name: { type: "string" } }, required: ["name"], additionalProperties: false },
  },
};
const format = { type: "json_schema", json_schema: { name: "person", strict: true, schema } };

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, unit: { enum: ["celsius", "fahrenheit"] } },
      required: ["city", "unit"],
      additionalProperties: false,
    },
  },
};

function checkPerson(text) {
  const person = JSON.parse(text);
  assert.deepEqual(Object.keys(person), ["name", "age", "likes", "boss"]);
  assert.equal(typeof person.name, "string");
  assert.ok(Number.isInteger(person.age) && person.age >= 0);
  assert.ok(person.likes.length > 0 && person.likes.every((item) => ["tea", "coffee"].includes(item)));
}

function checkWeather(call) {
  assert.equal(call.type, "function");
  assert.equal(call.function.name, "get_weather");
  const given = JSON.parse(call.function.arguments);
  assert.deepEqual(Object.keys(given), ["city", "unit"]);
  assert.ok(["celsius", "fahrenheit"].includes(given.unit));
}

async function settled(id) {
  const deadline = Date.now() + 40_000;
  while (Date.now() < deadline) {
    const { data } = await client.get("/generation", { query: { id } });
    if (data.verdict) return data;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.fail(`no verdict on ${id}`);
}

async function refusalOf(promise) {
  return promise.then(() => assert.fail("the request was accepted"), (error) => error);
}

test("a JSON schema is kept to, whatever the temperature, and the audit repeats it", async () => {
  for (const [seed, temperature] of [[1, 0], [2, 1], [3, 1.5]]) {
    const answer = await client.chat.completions.create({
      model, messages, max_tokens: 96, seed, temperature, response_format: format, ...verified,
    });
    checkPerson(answer.choices[0].message.content);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.equal((await settled(answer.id)).verdict.outcome, "accepted");
  }
});

test("json_object gives an object, streamed too", async () => {
  const settings = { model, messages, max_tokens: 64, seed: 4, temperature: 1, response_format: { type: "json_object" } };
  const whole = await client.chat.completions.create(settings);
  assert.equal(typeof JSON.parse(whole.choices[0].message.content), "object");
  const stream = await client.chat.completions.create({ ...settings, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(text, whole.choices[0].message.content);
});

test("the client's own parser gets typed objects", async () => {
  const answer = await client.chat.completions.parse({ model, messages, max_tokens: 96, seed: 5, response_format: format });
  checkPerson(JSON.stringify(answer.choices[0].message.parsed));
});

test("a function is called, whole and streamed, and its result goes back", async () => {
  const settings = {
    model, messages, max_tokens: 80, seed: 6, tools: [weather], tool_choice: "required", ...verified,
  };
  const answer = await client.chat.completions.create(settings);
  const { message, finish_reason: reason } = answer.choices[0];
  assert.equal(reason, "tool_calls");
  assert.equal(message.content, null);
  assert.equal(message.tool_calls.length, 1);
  checkWeather(message.tool_calls[0]);
  assert.equal((await settled(answer.id)).verdict.outcome, "accepted");

  const streamed = client.chat.completions.stream({ ...settings, provider: undefined });
  const final = await streamed.finalChatCompletion();
  checkWeather(final.choices[0].message.tool_calls[0]);

  const after = await client.chat.completions.create({
    model,
    max_tokens: 4,
    tools: [weather],
    messages: [...messages, message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: "21 degrees" }],
  });
  assert.ok(["stop", "length", "tool_calls"].includes(after.choices[0].finish_reason));
});

test("with tool_choice auto the answer is text or a whole call", async () => {
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 24, seed: 7, tools: [weather] });
  const { message } = answer.choices[0];
  if (message.tool_calls) checkWeather(message.tool_calls[0]);
  else assert.ok(message.content.length > 0);
});

test("logprobs tell of every token, in chats, streams and completions", async () => {
  const settings = { model, messages, max_tokens: 6, seed: 8, temperature: 0, logprobs: true, top_logprobs: 3 };
  const whole = await client.chat.completions.create(settings);
  const entries = whole.choices[0].logprobs.content;
  assert.equal(entries.length, whole.usage.completion_tokens);
  for (const entry of entries) {
    assert.equal(entry.top_logprobs.length, 3);
    assert.equal(entry.top_logprobs[0].logprob, entry.logprob);
    assert.ok(entry.logprob <= 0);
    assert.ok(entry.top_logprobs.reduce((sum, option) => sum + Math.exp(option.logprob), 0) <= 1.0001);
  }
  const stream = await client.chat.completions.create({ ...settings, stream: true });
  const streamed = [];
  for await (const chunk of stream) streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []));
  assert.deepEqual(streamed, entries);
  const old = await client.completions.create({ model, prompt: "Free software is", max_tokens: 4, logprobs: 2 });
  assert.equal(old.choices[0].logprobs.tokens.length, old.usage.completion_tokens);
});

test("n answers come from n jobs with n receipts", async () => {
  const settings = { model, messages, max_tokens: 6, temperature: 1, seed: 20, n: 3 };
  const whole = await client.chat.completions.create(settings);
  assert.deepEqual(whole.choices.map((choice) => choice.index), [0, 1, 2]);
  const receipts = whole.vcity.choices.map((choice) => choice.receipt);
  assert.equal(new Set(receipts).size, 3);
  assert.ok(whole.usage.completion_tokens <= 18 && whole.usage.cost > 0);
  // The seed of each is the given one plus its index.
  const second = await client.chat.completions.create({ ...settings, n: 1, seed: 21 });
  assert.equal(second.choices[0].message.content, whole.choices[1].message.content);
  const stream = await client.chat.completions.create({ ...settings, stream: true, stream_options: { include_usage: true } });
  const texts = ["", "", ""];
  let usage;
  const ids = new Set();
  for await (const chunk of stream) {
    ids.add(chunk.id);
    for (const choice of chunk.choices) texts[choice.index] += choice.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.deepEqual(texts, whole.choices.map((choice) => choice.message.content));
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  assert.equal(ids.size, 1);
});

test("embeddings are unit vectors, the same for the same text", async () => {
  const input = ["Free software respects its users.", "Free software respects the freedom of users.", "Paris is a city."];
  const plain = await client.embeddings.create({ model, input, encoding_format: "float" });
  assert.equal(plain.data.length, 3);
  const dot = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);
  const [one, near, far] = plain.data.map((entry) => entry.embedding);
  assert.ok(Math.abs(dot(one, one) - 1) < 1e-4);
  assert.ok(dot(one, near) > dot(one, far));
  assert.ok(plain.usage.prompt_tokens > 0 && plain.usage.cost > 0);
  // The client asks for base64 by itself and decodes it.
  const packed = await client.embeddings.create({ model, input: input[0] });
  assert.ok(dot(one, Array.from(packed.data[0].embedding)) > 0.9999);
  const short = await client.embeddings.create({ model, input: input[0], dimensions: 32, ...verified });
  assert.equal(short.data[0].embedding.length, 32);
  const refused = await refusalOf(client.embeddings.create({ model, input: input[0], dimensions: 100_000 }));
  assert.equal(refused.param, "dimensions");
});

test("the provider object chooses nodes, and says so when none is left", async () => {
  const first = await client.chat.completions.create({ model, messages, max_tokens: 2 });
  const node = first.vcity.provider;
  const only = await client.chat.completions.create({ model, messages, max_tokens: 2, provider: { only: [node] } });
  assert.equal(only.vcity.provider, node);
  const ordered = await client.chat.completions.create({
    model, messages, max_tokens: 2, provider: { order: [node], allow_fallbacks: false, sort: "price" },
  });
  assert.equal(ordered.vcity.provider, node);
  const nobody = `0x${"11".repeat(20)}`;
  const staked = await client.chat.completions.create({ model, messages, max_tokens: 2, provider: { min_stake: 1 } });
  assert.ok(staked.vcity.provider);
  for (const provider of [{ only: [nobody] }, { region: ["atlantis"] }, { min_stake: 4_000_000_000 }]) {
    const error = await refusalOf(client.chat.completions.create({ model, messages, max_tokens: 2, provider }));
    assert.equal(error.status, 503);
    assert.equal(error.code, "no_provider_available");
    assert.equal(error.headers.get("x-should-retry"), "true");
  }
  const stake = await refusalOf(client.chat.completions.create({ model, messages, provider: { min_stake: -1 } }));
  assert.equal(stake.param, "provider.min_stake");
});

test("the first model of the list that somebody serves is taken", async () => {
  const answer = await client.chat.completions.create({ models: ["nobody/has-this", model], messages, max_tokens: 2 });
  assert.equal(answer.model, model);
});

test("what cannot be honoured is refused by name", async () => {
  const cases = [
    [{ response_format: { type: "json_schema", json_schema: { name: "x", schema: { pattern: "a" } } } }, "response_format"],
    [{ tools: [weather], tool_choice: "required", response_format: format }, "response_format"],
    [{ tool_choice: "required" }, "tool_choice"],
    [{ top_logprobs: 2 }, "top_logprobs"],
    [{ n: 0 }, "n"],
  ];
  for (const [fields, param] of cases) {
    const error = await refusalOf(client.chat.completions.create({ model, messages, ...fields }));
    assert.ok(error instanceof OpenAI.BadRequestError, param);
    assert.equal(error.param, param);
  }
});
