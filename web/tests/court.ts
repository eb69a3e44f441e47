// SPDX-License-Identifier: Apache-2.0
// An accusation and its ruling on the development network, by the command line: there is no page to accuse with.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "@playwright/test";
import { required } from "./support";

const run = promisify(execFile);
const TERMS = ["--tier", "medium", "--loss", "1"];

async function vcity(...words: string[]): Promise<Record<string, string> | null> {
  const folder = required("VCITY_DEVNET");
  const all = ["--settings", `${folder}/cli.toml`, "--json", "--yes", ...words];
  try {
    return JSON.parse((await run(required("VCITY_PROGRAM"), all, { timeout: 60_000 })).stdout);
  } catch {
    return null;
  }
}

/** Accuses a node and has the verifier of the network find a fault of medium weight; the number of the case. */
export async function convict(node: string, victim: string): Promise<string> {
  const evidence = `0x${"ab".repeat(32)}`;
  const accuser = ["--keystore", required("VCITY_FUNDER")];
  const terms = ["--evidence", evidence, "--loss", "1.5", "--victim", victim, ...accuser];
  const opened = await vcity("stake", "accuse", node, ...terms);
  const id = opened?.case ?? "";
  expect(id, "the accusation is taken").not.toBe("");
  const keystore = ["--keystore", `${required("VCITY_DEVNET")}/keys/verifier.json`];
  let signature = "";
  await expect
    .poll(
      async () => {
        signature = (await vcity("stake", "sign", id, ...TERMS, ...keystore))?.signature ?? "";
        return signature !== "";
      },
      { timeout: 60_000, message: "a committee is drawn" },
    )
    .toBe(true);
  expect(await vcity("stake", "rule", id, ...TERMS, "--signature", signature, ...accuser), "the ruling").not.toBeNull();
  return id;
}
