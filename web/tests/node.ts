// SPDX-License-Identifier: Apache-2.0
// A machine whose owner follows the Operate page: its folder, and the commands that the page told, run by a shell.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { required } from "./support";

const STOP_MS = 20_000;

export class NodeOfMine {
  private readonly folder = mkdtempSync(join(tmpdir(), "vcity-join-"));
  private child: ChildProcess | null = null;

  constructor() {
    symlinkSync(required("VCITY_PROGRAM"), this.path("vcity"));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  private environment() {
    return { ...process.env, PATH: `${this.folder}:${process.env.PATH}`, VCITY_NODE_STATE: this.path("node") };
  }

  /** What this machine has beyond the command: a place for its files, so little memory that no
   *  other journey's work comes here, and money. */
  private whole(command: string): string {
    if (!command.startsWith("vcity node join")) return command;
    const words = [command, "--unit-cores 1 --unit-memory-mib 192", "--worker", required("VCITY_WORKER")];
    return words.join(" ");
  }

  run(command: string): string {
    const options = { cwd: this.folder, env: this.environment(), encoding: "utf8", timeout: 60_000 } as const;
    return execFileSync("/bin/sh", ["-c", this.whole(command)], options);
  }

  start(command: string): void {
    const funder = `--funder-keystore ${required("VCITY_FUNDER")}`;
    const password = `--funder-password-file ${required("VCITY_KEYSTORE_PASSWORD")}`;
    const log = openSync(this.path("node.log"), "a");
    const text = `exec ${this.whole(command)} --yes --run ${funder} ${password}`;
    this.child = spawn("/bin/sh", ["-c", text], {
      cwd: this.folder,
      env: this.environment(),
      stdio: ["ignore", log, log],
    });
  }

  /** The node's identity, as soon as it has made its key. */
  async address(): Promise<string> {
    const key = this.path("node/keys/node.json");
    await expect.poll(() => existsSync(key), { timeout: 30_000 }).toBe(true);
    // Until it has printed the third of its steps it may wait for money, and a wrong file would end it.
    await expect.poll(() => this.log(), { timeout: 30_000 }).toContain("join 3/6");
    const { address } = JSON.parse(readFileSync(key, "utf8")) as { address: string };
    return `0x${address.replace(/^0x/, "")}`.toLowerCase();
  }

  /** The end of what it printed. */
  log(): string {
    const path = this.path("node.log");
    return existsSync(path) ? readFileSync(path, "utf8").slice(-2_000) : "";
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child && child.exitCode === null) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await gone;
      clearTimeout(timer);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
