// SPDX-License-Identifier: Apache-2.0
// /v1/responses through the official client: whole, streamed, with a schema and with a function.
import assert from "node:assert/strict";
import { test } from "node:test";

import { firstModel, makeClient } from "./client.mjs";

const client = makeClient();
const model = await firstModel(client);
const input = "What is free software?";

const tool = {
  type: "function",
  name: "roll",
  strict: true,
  parameters: {
    type: "object",
    properties: { sides: { enum: [6, 20] } },
    required: ["sides"],
    additionalProperties: false,
  },
};

test("answers with a message, usage and receipt", async () => {
  const response = await client.responses.create({ model, input, max_output_tokens: 8, temperature: 0 });
  assert.equal(response.object, "response");
  assert.ok(["completed", "incomplete"].includes(response.status));
  assert.ok(response.output_text.length > 0);
  assert.equal(response.store, false);
  assert.ok(response.usage.input_tokens > 0 && response.usage.output_tokens > 0 && response.usage.cost > 0);
  assert.match(response.vcity.receipt, /^0x[0-9a-f]{64}$/);
  const { data } = await client.get("/generation", { query: { id: response.id } });
  assert.equal(data.receipt.hash, response.vcity.receipt);
});

test("streams typed events, numbered without gaps, that make the same text", async () => {
  const settings = { model, input, max_output_tokens: 8, temperature: 0 };
  const whole = await client.responses.create(settings);
  const events = [];
  for await (const event of await client.responses.create({ ...settings, stream: true })) events.push(event);
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, index) => index));
  const kinds = [...new Set(events.map((event) => event.type))];
  assert.deepEqual(kinds, [
    "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
    "response.output_text.delta", "response.output_text.done", "response.content_part.done",
    "response.output_item.done", `response.${whole.status}`,
  ]);
  const text = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta).join("");
  assert.equal(text, whole.output_text);
  assert.equal(events.at(-1).response.output_text ?? events.at(-1).response.output[0].content[0].text, text);
});

test("keeps to a schema, and calls a function", async () => {
  const format = { type: "json_schema", name: "n", strict: true, schema: tool.parameters };
  const shaped = await client.responses.create({ model, input, max_output_tokens: 24, text: { format } });
  assert.ok([6, 20].includes(JSON.parse(shaped.output_text).sides));

  const settings = { model, input, max_output_tokens: 40, tools: [tool], tool_choice: { type: "function", name: "roll" } };
  const call = (await client.responses.create(settings)).output[0];
  assert.equal(call.type, "function_call");
  assert.ok([6, 20].includes(JSON.parse(call.arguments).sides));
  const final = await client.responses.stream(settings).finalResponse();
  assert.equal(final.output[0].name, "roll");

  const after = await client.responses.create({
    model, max_output_tokens: 4,
    input: [{ role: "user", content: input }, call, { type: "function_call_output", call_id: call.call_id, output: "4" }],
  });
  assert.equal(after.output[0].type, "message");
});

test("refuses what needs memory, by name", async () => {
  for (const field of [{ store: true }, { previous_response_id: "resp_1" }, { background: true }, { reasoning: { effort: "low" } }]) {
    const error = await client.responses.create({ model, input, ...field }).then(() => assert.fail("accepted"), (e) => e);
    assert.equal(error.status, 400);
    assert.equal(error.param, Object.keys(field)[0]);
  }
});
