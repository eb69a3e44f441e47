// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI, { toFile } from "openai";

import { firstModel, makeClient } from "./client.mjs";

const client = makeClient();
const model = await firstModel(client);

const request = (custom_id, more = {}) => ({
  custom_id, method: "POST", url: "/v1/chat/completions",
  body: { model, max_tokens: 4, temperature: 0, messages: [{ role: "user", content: custom_id }], ...more },
});

async function order(requests) {
  const text = requests.map((line) => JSON.stringify(line) + "\n").join("");
  const file = await client.files.create({ file: await toFile(Buffer.from(text), "in.jsonl"), purpose: "batch" });
  return client.batches.create({
    input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h", metadata: { made: "here" },
  });
}

async function ended(id) {
  for (let wait = 0; wait < 240; ++wait) {
    const batch = await client.batches.retrieve(id);
    if (["completed", "failed", "expired", "cancelled"].includes(batch.status)) return batch;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`${id} has not ended`);
}

async function lines(file) {
  if (!file) return [];
  return (await (await client.files.content(file)).text()).trim().split("\n").map((line) => JSON.parse(line));
}

test("a batch is answered in order, with the failures beside", async () => {
  const batch = await order([request("a"), request("b", { model: "nobody/has-this" }), request("c")]);
  assert.equal(batch.object, "batch");
  assert.equal(batch.metadata.made, "here");
  assert.equal(batch.expires_at - batch.created_at, 24 * 3600);
  const done = await ended(batch.id);
  assert.equal(done.status, "completed", JSON.stringify(done));
  assert.deepEqual(done.request_counts, { total: 3, completed: 2, failed: 1 });
  const output = await lines(done.output_file_id);
  assert.deepEqual(output.map((line) => line.custom_id), ["a", "c"]);
  assert.ok(output.every((line) => line.response.status_code === 200 && line.response.body.usage.completion_tokens > 0));
  const errors = await lines(done.error_file_id);
  assert.equal(errors[0].custom_id, "b");
  assert.equal(errors[0].response.body.error.code, "model_not_found");
});

test("an input that is no batch fails with its lines", async () => {
  const failed = await ended((await order([request("a"), request("a"), request("b", { stream: true })])).id);
  assert.equal(failed.status, "failed");
  assert.deepEqual(failed.errors.data.map((error) => [error.line, error.param]), [[2, "custom_id"], [3, "body.stream"]]);
});

test("batches are listed, and refusals are the client's own errors", async () => {
  const batch = await ended((await order([request("listed")])).id);
  const page = await client.batches.list({ limit: 1 });
  assert.equal(page.data.length, 1);
  assert.ok((await client.batches.list({ limit: 100 })).data.some((other) => other.id === batch.id));
  assert.equal((await client.batches.cancel(batch.id)).status, "completed");
  await assert.rejects(client.batches.retrieve("batch_none"), (error) => error instanceof OpenAI.NotFoundError);
  await assert.rejects(
    client.batches.create({ input_file_id: "file-none", endpoint: "/v1/chat/completions", completion_window: "24h" }),
    (error) => error instanceof OpenAI.NotFoundError);
});
