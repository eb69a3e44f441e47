// SPDX-License-Identifier: Apache-2.0
// Fine-tuning with the official client, unchanged: node finetune.mjs MODEL TRAINING_FILE BAD_FILE OUT. The adapter goes
// into the folder OUT; what was seen is one JSON object on standard output.
import assert from "node:assert/strict";
import { createReadStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makeClient } from "./client.mjs";

const [model, trainingPath, badPath, out] = process.argv.slice(2);
const client = makeClient();

async function start(path, options = {}) {
  const file = await client.files.create({ file: createReadStream(path), purpose: "fine-tune" });
  return client.fineTuning.jobs.create({
    model,
    training_file: file.id,
    suffix: "kites",
    seed: 3,
    method: { type: "supervised", supervised: { hyperparameters: { n_epochs: 1, batch_size: 6 } } },
    budget: "0.5",
    rank: 4,
    resources: { cpus: 1, memory_gb: 1, disk_gb: 0.5 },
    ...options,
  });
}

async function ended(id) {
  for (;;) {
    const job = await client.fineTuning.jobs.retrieve(id);
    if (["succeeded", "failed", "cancelled"].includes(job.status)) return job;
    await pause(200);
  }
}

const started = await start(trainingPath);
assert.equal(started.object, "fine_tuning.job");
assert.ok(["queued", "running"].includes(started.status));
const job = await ended(started.id);
assert.equal(job.status, "succeeded", JSON.stringify(job.error));
assert.match(job.fine_tuned_model, /^ft:.*:vcity:kites:[0-9a-f]{8}$/);
assert.ok(job.trained_tokens > 0);
assert.ok(job.finished_at >= job.created_at);

const events = [];
for await (const event of client.fineTuning.jobs.listEvents(job.id, { limit: 5 })) events.push(event);
assert.equal(events.at(-1).message, `Created fine-tuning job: ${job.id}`);
const losses = events.filter((event) => event.type === "metrics" && event.data.valid_loss !== undefined).reverse();
const checkpoints = [];
for await (const point of client.fineTuning.jobs.checkpoints.list(job.id)) checkpoints.push(point);
assert.ok(checkpoints.length > 0);
const listed = [];
for await (const one of client.fineTuning.jobs.list()) listed.push(one.id);
assert.ok(listed.includes(job.id));

// The files are where the job says: paths of the same gateway.
for (const file of job.vcity.files) {
  const response = await client.get(file.path.replace(/^\/v1/, ""), { __binaryResponse: true });
  writeFileSync(join(out, file.name), Buffer.from(await response.arrayBuffer()));
}

const bad = await ended((await start(badPath)).id);
assert.equal(bad.status, "failed");
assert.equal(bad.error.code, "invalid_dataset");

const stopped = await start(trainingPath, { method: undefined, hyperparameters: { n_epochs: 50 } });
await client.fineTuning.jobs.cancel(stopped.id);
assert.equal((await ended(stopped.id)).status, "cancelled");

console.log(JSON.stringify({
  validation: losses.map((event) => event.data.valid_loss),
  charged: job.vcity.charged,
  bad: bad.error.message,
  files: job.vcity.files.map((file) => file.name),
}));
