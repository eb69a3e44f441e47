// SPDX-License-Identifier: Apache-2.0
import OpenAI from "openai";

// Where to send requests, and with which key; tests fail without them.
function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} must be set, e.g. OPENAI_BASE_URL=http://127.0.0.1:8080/v1`);
  return value;
}

// Without retries, so that every refusal is seen as the gateway sent it.
export function makeClient({ apiKey = required("OPENAI_API_KEY"), maxRetries = 0 } = {}) {
  return new OpenAI({ apiKey, baseURL: required("OPENAI_BASE_URL"), maxRetries });
}

export async function firstModel(client) {
  for await (const model of client.models.list()) return model.id;
  throw new Error("the gateway lists no model");
}

export const messages = [{ role: "user", content: "What is free software?" }];
