// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { joinCommand, networkFiles, readCards, readEarnings } from "./reading";

const HEAD = "day,results,waiting,hours,gross_usd,fee_usd,power_usd,net_usd,usd_an_hour";

it("earnings are read as the node prints them, to the millionth", () => {
  const read = readEarnings(`${HEAD}\n2026-11-23,3,1,1.500,1.000000,0.050000,1.200000,-0.250000,0.666666\n`);
  expect(read?.by).toBe("day");
  expect(read?.rows[0]).toMatchObject({ gross: 1_000_000n, net: -250_000n, perHour: 666_666n });
  expect(readEarnings("day,what\n1,2")).toBeNull();
  expect(readEarnings(`${HEAD}\n2026-11-23,3`)).toBeNull();
});

it("cards are read from DCGM's names", () => {
  const text = [
    "# TYPE DCGM_FI_DEV_GPU_UTIL gauge",
    'DCGM_FI_DEV_GPU_UTIL{gpu="0",modelName="NVIDIA H100"} 87',
    'DCGM_FI_DEV_FB_USED{gpu="0",modelName="NVIDIA H100"} 1024',
    'DCGM_FI_DEV_GPU_UTIL{gpu="1"} NaN',
  ].join("\n");
  const read = readCards(text);
  expect(read.times).toEqual([]);
  expect(read.cards).toMatchObject([
    { name: "0: NVIDIA H100", latest: { utilization: 87, memoryUsed: 1024, power: null } },
    { name: "1", latest: { utilization: null } },
  ]);
});

it("a record of cards is in order of its times, with gaps where nothing was told", () => {
  const text = [
    'DCGM_FI_DEV_GPU_UTIL{gpu="0"} 20 1763884810000',
    'DCGM_FI_DEV_GPU_UTIL{gpu="0"} 10 1763884800000',
    'DCGM_FI_DEV_POWER_USAGE{gpu="1"} 300.5 1763884810000',
  ].join("\n");
  const read = readCards(text);
  expect(read.times).toEqual([1763884800, 1763884810]);
  expect(read.cards[0]?.past).toMatchObject({ utilization: [10, 20], power: [null, null] });
  expect(read.cards[1]?.past).toMatchObject({ utilization: [null, null], power: [null, 300.5] });
});

const at = (digit: string): `0x${string}` => `0x${digit.repeat(40)}`;
const NETWORK = {
  chain_id: 31337,
  rpc_url: "http://127.0.0.1:8545",
  deployed_at_block: 1,
  contracts: { NodeRegistry: at("1"), Escrow: at("2"), Settlement: at("3"), Treasury: at("4"), AccessManager: at("5") },
  tokens: { stable: { address: at("6"), symbol: "vUSD", name: "Dollar", decimals: 6 } },
  gateway: { address: at("7"), url: "http://127.0.0.1:8080", software: "test" },
  scheduler: at("8"),
  scheduler_links: ["ws://127.0.0.1:8070/link"],
  has_explorer: true,
  api_version: "v1",
};

it("the files for joining have what a node asks of them", () => {
  const files = networkFiles(NETWORK);
  expect(JSON.parse(files?.network ?? "")).toEqual({
    rpc: "http://127.0.0.1:8545",
    scheduler: at("8"),
    scheduler_links: ["ws://127.0.0.1:8070/link"],
    gateway: "http://127.0.0.1:8080",
    deployment: "deployment.json",
  });
  expect(JSON.parse(files?.deployment ?? "")).toMatchObject({ chainId: 31337, stable: at("6"), registry: at("1") });
});

it("a gateway that does not tell where nodes dial gives no files", () => {
  expect(networkFiles({ ...NETWORK, scheduler_links: [] })).toBeNull();
  expect(networkFiles({ ...NETWORK, rpc_url: null })).toBeNull();
});

it("the command has what was asked for, and nothing that a shell would read otherwise", () => {
  const terms = {
    kind: "stable",
    region: "eu-central",
    unitPrice: "0.02",
    watts: "",
    powerPrice: "",
    modelsOnly: false,
  } as const;
  expect(joinCommand(terms)).toBe(
    "vcity node join --network network.json --region eu-central --kind stable --unit-price 0.02",
  );
  expect(joinCommand({ ...terms, region: "eu; rm -rf ~" })).toBeNull();
  expect(joinCommand({ ...terms, unitPrice: "$(id)" })).toBeNull();
});
