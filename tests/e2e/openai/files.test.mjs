// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import test from "node:test";
import OpenAI, { toFile } from "openai";

import { makeClient } from "./client.mjs";

const client = makeClient();
const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function upload(bytes, name, purpose = "batch", more = {}) {
  return client.files.create({ file: await toFile(bytes, name), purpose, ...more });
}

test("a file is uploaded, listed, read and deleted", async () => {
  const bytes = randomBytes(1_000_003);
  const file = await upload(bytes, "données.bin");
  assert.equal(file.object, "file");
  assert.equal(file.bytes, bytes.length);
  assert.equal(file.filename, "données.bin");
  assert.equal(file.purpose, "batch");
  assert.equal(file.expires_at, null);
  assert.deepEqual(await client.files.retrieve(file.id), file);
  const content = Buffer.from(await (await client.files.content(file.id)).arrayBuffer());
  assert.equal(digest(content), digest(bytes));
  const listed = [];
  for await (const other of client.files.list({ limit: 2 })) listed.push(other.id);
  assert.ok(listed.includes(file.id));
  assert.equal((await client.files.delete(file.id)).deleted, true);
  await assert.rejects(client.files.retrieve(file.id), (error) => error instanceof OpenAI.NotFoundError);
});

test("pages of a list do not overlap", async () => {
  const files = [];
  for (const name of ["a", "b", "c"]) files.push(await upload(Buffer.from(name), name, "user_data"));
  const seen = [];
  for await (const file of client.files.list({ purpose: "user_data", limit: 1, order: "asc" })) seen.push(file.id);
  assert.deepEqual(seen.sort(), files.map((file) => file.id).sort());
  await Promise.all(files.map((file) => client.files.delete(file.id)));
});

test("a file may expire", async () => {
  const expires_after = { anchor: "created_at", seconds: 3600 };
  const file = await upload(Buffer.from("x"), "x.txt", "batch", { expires_after });
  assert.equal(file.expires_at, file.created_at + 3600);
  await client.files.delete(file.id);
});

test("refusals name the field", async () => {
  const wrong = (parameter) => (error) => error instanceof OpenAI.BadRequestError && error.param === parameter;
  await assert.rejects(upload(Buffer.from("x"), "x", "world domination"), wrong("purpose"));
  await assert.rejects(
    upload(Buffer.from("x"), "x", "batch", { expires_after: { anchor: "created_at", seconds: 1 } }),
    wrong("expires_after"),
  );
});

test("a long file passes through in pieces", async () => {
  const bytes = Buffer.alloc(40 << 20, 7);
  const file = await upload(bytes, "long.bin");
  const response = await client.files.content(file.id);
  const hash = createHash("sha256");
  for await (const piece of response.body) hash.update(piece);
  assert.equal(hash.digest("hex"), digest(bytes));
  await client.files.delete(file.id);
});
