// SPDX-License-Identifier: Apache-2.0
// VCITY_POOR_API_KEY is a key whose budget holds no request (a micro-dollar).
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { firstModel, makeClient, messages } from "./client.mjs";

test("refuses what the key's budget does not hold", async () => {
  assert.ok(process.env.VCITY_POOR_API_KEY, "VCITY_POOR_API_KEY must be set");
  const client = makeClient({ apiKey: process.env.VCITY_POOR_API_KEY, maxRetries: 2 });
  const model = await firstModel(client);
  const refused = client.chat.completions.create({ model, messages });
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof OpenAI.APIError);
    assert.equal(error.status, 402);
    assert.equal(error.code, "key_budget_exceeded");
    assert.equal(error.headers.get("x-should-retry"), "false");
    return true;
  });
});
