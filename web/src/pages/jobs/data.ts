// SPDX-License-Identifier: Apache-2.0
// What the gateway says of jobs (docs/api/jobs.md), fine-tuning (fine-tuning.md) and files (files.md).
import { getJson, send } from "../../lib/api";
import type { Tone } from "../../ui/surfaces";

export interface Step {
  id: string;
  name: string;
  state: string;
  attempt: number;
  node: string | null;
  hourly: string | null;
  charged: string;
  exit_code: number | null;
  reason: string;
}

export interface Job {
  id: string;
  name: string;
  state: string;
  budget: string;
  charged: string;
  created: number;
  ended: number | null;
  error: unknown;
  /** Absent in lists, and so are the steps. */
  progress?: { total: number; done: number };
  steps?: Step[];
}

export interface LeftFile {
  group: string;
  index: number;
  name: string;
  bytes: number;
  is_kept: boolean;
  path: string;
}

export interface Hyperparameters {
  n_epochs: number | string;
  batch_size: number | string;
  learning_rate_multiplier: number | string;
}

export interface Tune {
  id: string;
  created_at: number;
  finished_at: number | null;
  status: string;
  model: string;
  fine_tuned_model: string | null;
  trained_tokens: number | null;
  error: { message: string } | null;
  hyperparameters: Hyperparameters;
  vcity: { job: string; rank: number; charged: string; files: LeftFile[] };
}

export interface TuneEvent {
  id: string;
  created_at: number;
  level: string;
  message: string;
  type: string;
  data: { step: number; train_loss?: number; valid_loss?: number } | null;
}

export interface Checkpoint {
  id: string;
  step_number: number;
  metrics: { train_loss?: number; valid_loss?: number };
}

export interface StoredFile {
  id: string;
  filename: string;
  bytes: number;
  purpose: string;
  created_at: number;
}

export interface List<T> {
  data: T[];
  has_more?: boolean;
}

const OVER = ["succeeded", "failed", "cancelled", "done"];

export function isOver(state: string): boolean {
  return OVER.includes(state);
}

export function toneOf(state: string): Tone {
  if (state === "succeeded" || state === "done") return "good";
  if (state === "failed") return "bad";
  if (state === "active" || state === "running") return "accent";
  return "plain";
}

/** How often to ask again: often while something may change, never after the end. */
export function pollMs(state: string | undefined): number | false {
  return state !== undefined && isOver(state) ? false : 2_000;
}

export interface Losses {
  steps: number[];
  training: (number | null)[];
  validation: (number | null)[];
}

/** The curves from the events of a fine-tuning; of several attempts at one step the newest counts. */
export function lossesOf(newestFirst: readonly TuneEvent[]): Losses {
  const byStep = new Map<number, { train: number | null; valid: number | null }>();
  for (const event of newestFirst) {
    if (event.type !== "metrics" || !event.data) continue;
    const seen = byStep.get(event.data.step);
    byStep.set(event.data.step, {
      train: seen?.train ?? event.data.train_loss ?? null,
      valid: seen?.valid ?? event.data.valid_loss ?? null,
    });
  }
  const steps = [...byStep.keys()].sort((a, b) => a - b);
  return {
    steps,
    training: steps.map((step) => byStep.get(step)?.train ?? null),
    validation: steps.map((step) => byStep.get(step)?.valid ?? null),
  };
}

const PAGES_MAX = 20;

/** All events, newest first. */
export async function allEvents(id: string, token: string): Promise<TuneEvent[]> {
  const all: TuneEvent[] = [];
  for (let page = 0; page < PAGES_MAX; page++) {
    const after = all.at(-1)?.id;
    const query = after ? { limit: 100, after } : { limit: 100 };
    const list = await getJson<List<TuneEvent>>(`/v1/fine_tuning/jobs/${id}/events`, { token, query });
    all.push(...list.data);
    if (!list.has_more || list.data.length === 0) break;
  }
  return all;
}

export interface Output {
  text: string;
  next: number;
  end: boolean;
}

/** The output of a step from an offset on; bytes that are no text are shown as such. */
export async function outputFrom(job: string, step: string, offset: number, token: string): Promise<Output> {
  const response = await send(`/v1/jobs/${job}/logs`, {
    token,
    query: { step, offset },
    headers: { Accept: "application/octet-stream" },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const next = Number(response.headers.get("x-next-offset") ?? offset + bytes.length);
  return { text: new TextDecoder().decode(bytes), next, end: response.headers.get("x-end") === "true" };
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let size = bytes / 1024;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`;
}

/** Hands a file that needs a credential to the browser's downloads. */
export async function download(path: string, name: string, token: string): Promise<void> {
  const response = await send(path, { token });
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
