// SPDX-License-Identifier: Apache-2.0
// Model calls go through the official client; this only fills in where and as whom.
import OpenAI, { type ClientOptions } from "openai";

/** gateway: origin such as "https://gateway.example"; key: "sk-...". */
export function openaiFor(gateway: string, key: string, options: ClientOptions = {}): OpenAI {
  return new OpenAI({ ...options, baseURL: `${gateway.replace(/\/+$/, "")}/v1`, apiKey: key });
}
