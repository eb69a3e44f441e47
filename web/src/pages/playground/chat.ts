// SPDX-License-Identifier: Apache-2.0
import { ApiError, send } from "../../lib/api";
import { events } from "../../lib/sse";

export interface Message {
  role: "user" | "assistant";
  content: string;
}

export interface ChatRequest {
  model: string;
  messages: Message[];
  maxTokens: number;
  temperature: number;
  verification: string;
  /** Dollars per million tokens written; null: any. */
  maxPrice: number | null;
}

export interface Bill {
  id: string;
  promptTokens: number;
  completionTokens: number;
  costUsd: string;
}

export interface Progress {
  id?: string;
  text: string;
  pieces: number;
  quote: string | null;
  firstTokenMs: number | null;
  bill: Bill | null;
}

interface Chunk {
  id?: string;
  choices?: { delta?: { content?: string | null } }[];
  usage?: { prompt_tokens: number; completion_tokens: number; cost_usd?: string } | null;
  error?: { message?: string; code?: string };
}

export function bodyOf(request: ChatRequest): Record<string, unknown> {
  const provider: Record<string, unknown> = { verification: request.verification };
  if (request.maxPrice !== null) provider.max_price = { completion: request.maxPrice };
  return {
    model: request.model,
    messages: request.messages,
    max_tokens: request.maxTokens,
    temperature: request.temperature,
    provider,
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** What the answer is after each event; `onProgress` gets a new object each time. */
export async function chat(
  request: ChatRequest,
  token: string,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<Progress> {
  const begun = performance.now();
  const response = await send("/v1/chat/completions", { method: "POST", body: bodyOf(request), token, signal });
  let state: Progress = { text: "", pieces: 0, quote: response.headers.get("x-quote"), firstTokenMs: null, bill: null };
  if (!response.body) throw new ApiError(0, "empty_answer", "The gateway sent no answer.");
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return state;
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error) {
      throw new ApiError(200, chunk.error.code ?? "provider_error", chunk.error.message ?? "The answer broke off.");
    }
    const piece = chunk.choices?.[0]?.delta?.content ?? "";
    state = { ...state, text: state.text + piece, pieces: state.pieces + (piece ? 1 : 0) };
    if (chunk.id) state.id = chunk.id;
    if (piece && state.firstTokenMs === null) state.firstTokenMs = performance.now() - begun;
    if (chunk.usage) {
      state.bill = {
        id: chunk.id ?? state.id ?? "",
        promptTokens: chunk.usage.prompt_tokens,
        completionTokens: chunk.usage.completion_tokens,
        costUsd: chunk.usage.cost_usd ?? "0",
      };
    }
    onProgress(state);
  }
  throw new ApiError(0, "broken_stream", "The connection broke before the answer was whole.");
}
