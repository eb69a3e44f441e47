// SPDX-License-Identifier: Apache-2.0
// One streamed chat through the official client: prints the text as it arrives, then the id of the generation.
// Takes OPENAI_BASE_URL and OPENAI_API_KEY from the environment, the question as its argument, VCITY_MODEL if set.
import OpenAI from "openai";

const question = process.argv[2] ?? "What is free software?";
const client = new OpenAI();

async function firstModel() {
  for await (const model of client.models.list()) return model.id;
  throw new Error("the gateway lists no model");
}

const model = process.env.VCITY_MODEL ?? (await firstModel());
const stream = await client.chat.completions.create({
  model,
  messages: [{ role: "user", content: question }],
  max_tokens: Number(process.env.VCITY_MAX_TOKENS ?? 96),
  stream: true,
  stream_options: { include_usage: true },
});
let id = "";
for await (const chunk of stream) {
  id = chunk.id;
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}
process.stdout.write(`\n${id}\n`);
