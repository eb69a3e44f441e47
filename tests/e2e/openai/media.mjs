// SPDX-License-Identifier: Apache-2.0
// Speech and images through the official client. Takes OPENAI_BASE_URL and OPENAI_API_KEY from the environment, and a
// folder where it leaves what was made.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import OpenAI from "openai";

import { makeClient } from "./client.mjs";

const folder = process.argv[2];
const client = makeClient();

// --- speech
const speech = await client.audio.speech.create({ model: "espeak-ng", voice: "alloy", input: "Every idle card has a city." });
assert.equal(speech.headers.get("content-type"), "audio/mpeg");
assert.match(speech.headers.get("x-job-id"), /^job/);
writeFileSync(`${folder}/speech.mp3`, Buffer.from(await speech.arrayBuffer()));
const job = await (await fetch(`${client.baseURL}/jobs/${speech.headers.get("x-job-id")}`, {
  headers: { authorization: `Bearer ${client.apiKey}` },
})).json();
assert.equal(job.state, "succeeded");
assert.ok(Number(job.charged) > 0, job.charged);

for (const response_format of ["wav", "opus", "aac", "flac"]) {
  const other = await client.audio.speech.create({
    model: "espeak-ng", voice: "cmn+f3", input: "每张闲置的显卡都有一座城。", response_format, speed: 1.2,
  });
  writeFileSync(`${folder}/speech.${response_format}`, Buffer.from(await other.arrayBuffer()));
}
await assert.rejects(client.audio.speech.create({ model: "tts-1", voice: "alloy", input: "x" }),
  (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
await assert.rejects(client.audio.speech.create({ model: "espeak-ng", voice: "klingon9", input: "x" }),
  (error) => error.code === "provider_failed" && error.message.includes("klingon9"));
console.log("speech is heard");

// --- images
const prompt = "a red circle on a blue background";
const painted = await client.images.generate({ prompt, n: 2, size: "64x64", response_format: "b64_json", seed: 7, steps: 8 });
assert.equal(painted.data.length, 2);
painted.data.forEach((image, at) => writeFileSync(`${folder}/image-${at}.png`, Buffer.from(image.b64_json, "base64")));
const linked = await client.images.generate({ model: "vcity-mini-paint", prompt, size: "64x64", seed: 8, steps: 8 });
const fetched = Buffer.from(await (await fetch(linked.data[0].url)).arrayBuffer());
assert.deepEqual(fetched, Buffer.from(painted.data[1].b64_json, "base64"), "the same seed paints the same image");
assert.equal((await fetch(linked.data[0].url, { method: "PUT", body: "x" })).status, 404);
assert.equal((await fetch(linked.data[0].url.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")))).status, 404);
await assert.rejects(client.images.generate({ model: "dall-e-3", prompt }), (error) => error instanceof OpenAI.NotFoundError);
await assert.rejects(client.images.generate({ prompt, size: "1024x1024" }), (error) => error.param === "size");
console.log("images are seen");
