// SPDX-License-Identifier: Apache-2.0
import { credential, forgetSession } from "./session";

/** What the gateway answers when it refuses; its message is for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly param: string | null = null,
    readonly requestId: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export interface Ask {
  method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Another credential than that of the session, or none at all. */
  token?: string | null;
}

function urlOf(path: string, query: Ask["query"]): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== "") words.set(name, String(value));
  }
  const text = words.toString();
  return text ? `${path}?${text}` : path;
}

interface ErrorBody {
  error?: { message?: unknown; code?: unknown; param?: unknown; request_id?: unknown };
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  const error = body.error ?? {};
  const after = Number(response.headers.get("retry-after") ?? "");
  return new ApiError(
    response.status,
    text(error.code) ?? `http_${response.status}`,
    text(error.message) ?? `The gateway answered ${response.status}.`,
    text(error.param),
    text(error.request_id) ?? response.headers.get("x-request-id"),
    Number.isFinite(after) && after > 0 ? after : null,
  );
}

/** The response as it comes; anything but success is an ApiError. */
export async function send(path: string, ask: Ask = {}): Promise<Response> {
  const headers = new Headers(ask.headers);
  const token = ask.token === undefined ? credential() : ask.token;
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const isForm = ask.body instanceof FormData;
  if (ask.body !== undefined && !isForm) headers.set("Content-Type", "application/json");
  const request: RequestInit = { method: ask.method ?? "GET", headers, credentials: "omit", cache: "no-store" };
  if (ask.body !== undefined) request.body = isForm ? (ask.body as FormData) : JSON.stringify(ask.body);
  if (ask.signal) request.signal = ask.signal;
  let response: Response;
  try {
    response = await fetch(urlOf(path, ask.query), request);
  } catch (failure) {
    if (ask.signal?.aborted) throw failure;
    throw new ApiError(0, "unreachable", "The gateway cannot be reached. Is it running?");
  }
  if (response.ok) return response;
  const error = await errorOf(response);
  if (error.code === "expired_session" || error.code === "invalid_session") forgetSession();
  throw error;
}

export async function getJson<T>(path: string, ask: Ask = {}): Promise<T> {
  const response = await send(path, ask);
  return (await response.json()) as T;
}

export function postJson<T>(path: string, body: unknown, ask: Ask = {}): Promise<T> {
  return getJson<T>(path, { ...ask, method: "POST", body });
}
