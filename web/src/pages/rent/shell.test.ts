// SPDX-License-Identifier: Apache-2.0
import { afterEach, expect, it, vi } from "vitest";
import { measuredIn, openShell, socketUrl } from "./shell";

afterEach(() => vi.unstubAllGlobals());

class SlowSocket {
  static CONNECTING = 0;
  static OPEN = 1;
  static last: SlowSocket;
  readyState = SlowSocket.CONNECTING;
  sent: string[] = [];
  onopen?: () => void;

  constructor() {
    SlowSocket.last = this;
  }

  send(bytes: Uint8Array) {
    this.sent.push(new TextDecoder().decode(bytes));
  }

  open() {
    this.readyState = SlowSocket.OPEN;
    this.onopen?.();
  }
}

it("what is typed before the line stands arrives, in order", async () => {
  vi.stubGlobal("WebSocket", SlowSocket);
  vi.stubGlobal("fetch", async () => Response.json({ url: "/p/ab12/" }));
  vi.stubGlobal("location", new URL("http://127.0.0.1/"));
  vi.stubGlobal("window", { location: new URL("http://127.0.0.1/") });
  const opened = vi.fn();
  const shell = await openShell("job-1", "0", "tty=1", "token", { onBytes() {}, onEnd() {}, onOpen: opened });
  shell.send("echo ");
  shell.send("yes\n");
  expect(SlowSocket.last.sent).toEqual([]);
  SlowSocket.last.open();
  shell.send("exit\n");
  expect(SlowSocket.last.sent).toEqual(["echo ", "yes\n", "exit\n"]);
  expect(opened).toHaveBeenCalledOnce();
});

it("links lead to the page's own origin, whatever they say", () => {
  expect(socketUrl("http://127.0.0.1:8080/p/ab12/", "https://gateway.example")).toBe("wss://gateway.example/p/ab12/");
  expect(socketUrl("https://evil.example/p/1/", "http://127.0.0.1:8080")).toBe("ws://127.0.0.1:8080/p/1/");
});

it("load and memory are read, and nothing is made up", () => {
  const text = "0.52 0.58 0.59 1/467 12345\nMemTotal:        4194304 kB\nMemFree: 1 kB\nMemAvailable:    1048576 kB\n";
  expect(measuredIn(text)).toEqual({ load: 0.52, memoryUsed: 3, memoryTotal: 4 });
  expect(measuredIn("cat: /proc/meminfo: Permission denied")).toBeNull();
});
