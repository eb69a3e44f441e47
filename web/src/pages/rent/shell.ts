// SPDX-License-Identifier: Apache-2.0
// A shell in a pod over a link that needs no key (docs/pods.md): bytes are binary messages, the rest is JSON.
import { postJson } from "../../lib/api";

export interface Shell {
  send(bytes: string | Uint8Array): void;
  resize(columns: number, rows: number): void;
  close(): void;
}

export interface Heard {
  onBytes(bytes: Uint8Array): void;
  /** null: the connection went away before the shell ended. */
  onEnd(status: number | null): void;
  onOpen?(): void;
}

const MESSAGE_MAX = 65_536;
const WAITING_MAX = 64;

/** The link's path under this page's own origin, so that the page speaks to nobody else. */
export function socketUrl(link: string, origin: string): string {
  const url = new URL(new URL(link, origin).pathname, origin);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

export async function openShell(job: string, step: string, words: string, token: string, heard: Heard): Promise<Shell> {
  const path = `ports/${step}/shell?${words}`;
  const { url } = await postJson<{ url: string }>(`/v1/jobs/${job}/links`, { path, seconds: 3_600 }, { token });
  const socket = new WebSocket(socketUrl(url, window.location.origin));
  socket.binaryType = "arraybuffer";
  let isOver = false;
  // What is typed before the line stands is not lost.
  const waiting: Uint8Array<ArrayBuffer>[] = [];
  const end = (status: number | null) => {
    if (isOver) return;
    isOver = true;
    heard.onEnd(status);
  };
  socket.onopen = () => {
    for (const piece of waiting.splice(0)) socket.send(piece);
    heard.onOpen?.();
  };
  socket.onclose = () => end(null);
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (event.data instanceof ArrayBuffer) return heard.onBytes(new Uint8Array(event.data));
    try {
      const said = JSON.parse(String(event.data)) as { exit?: unknown };
      if (typeof said.exit === "number") end(said.exit);
    } catch {
      // Not for us.
    }
  };
  const ready = () => socket.readyState === WebSocket.OPEN;
  return {
    send(bytes) {
      const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
      // An empty message would end the direction.
      for (let at = 0; at < data.length; at += MESSAGE_MAX) {
        const piece = data.slice(at, at + MESSAGE_MAX);
        if (ready()) socket.send(piece);
        else if (socket.readyState === WebSocket.CONNECTING && waiting.length < WAITING_MAX) waiting.push(piece);
      }
    },
    resize(columns, rows) {
      if (ready()) socket.send(JSON.stringify({ resize: { columns, rows } }));
    },
    close() {
      isOver = true;
      socket.close();
    },
  };
}

/** What one command writes. */
export function output(job: string, step: string, command: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: string[] = [];
    const decoder = new TextDecoder();
    const args = ["sh", "-c", command].map((word) => `arg=${encodeURIComponent(word)}`).join("&");
    openShell(job, step, args, token, {
      onBytes: (bytes) => pieces.push(decoder.decode(bytes, { stream: true })),
      onEnd: () => resolve(pieces.join("")),
    }).catch(reject);
  });
}

export interface Measured {
  load: number;
  memoryUsed: number;
  memoryTotal: number;
}

/** Reads `cat /proc/loadavg /proc/meminfo`; memory in GiB. null: something else came. */
export function measuredIn(text: string): Measured | null {
  const load = /^(\d+\.\d+) /m.exec(text)?.[1];
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN);
  const total = kib("MemTotal");
  const free = kib("MemAvailable");
  if (!load || !Number.isFinite(total) || !Number.isFinite(free)) return null;
  return { load: Number(load), memoryUsed: (total - free) / 1_048_576, memoryTotal: total / 1_048_576 };
}
