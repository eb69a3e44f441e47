// SPDX-License-Identifier: Apache-2.0
import { type APIRequestContext, type Page, request as requests } from "@playwright/test";
import { convict } from "./court";
import { NodeOfMine } from "./node";
import { addressOf, expect, expectNoSideScroll, lookAt, required, signInWithKey, test, timed } from "./support";

const REGION = "attic";

/** Each line ends in the time of its reading, as the page's command records them. */
function recordOfTwoCards(): string {
  const lines: string[] = [];
  for (let index = 0; index < 30; ++index) {
    const at = 1_763_884_800_000 + index * 10_000;
    for (const card of [0, 1]) {
      const labels = `{gpu="${card}",modelName="NVIDIA H100 80GB HBM3"}`;
      const load = Math.round(60 + 30 * Math.sin(index / 4 + card));
      lines.push(`DCGM_FI_DEV_GPU_UTIL${labels} ${load} ${at}`);
      lines.push(`DCGM_FI_DEV_FB_USED${labels} ${30_000 + card * 8_000 + index * 200} ${at}`);
      lines.push(`DCGM_FI_DEV_GPU_TEMP${labels} ${45 + Math.round(load / 5)} ${at}`);
      lines.push(`DCGM_FI_DEV_POWER_USAGE${labels} ${200 + load * 4} ${at}`);
    }
  }
  return lines.join("\n");
}

test("a wrong word gives no command, and a record of a node's cards becomes charts", async ({ page, request }) => {
  await page.goto("/operate");
  await page.getByLabel("Region").fill("eu; reboot");
  await expect(page.getByText("A number, such as 0.02")).toBeVisible();
  await expect(page.getByText(/vcity node join --network/)).toHaveCount(0);

  const nodes = await (await request.get("/api/v1/nodes?limit=100")).json();
  const node = nodes.data.find((one: { role: string }) => one.role === "compute");
  await page.getByRole("tab", { name: "My node" }).click();
  await page.getByLabel("Address of the node").fill(node.address);
  await expect(page.getByText("Stake", { exact: true })).toBeVisible();
  await page.getByLabel("Recorded file").setInputFiles({
    name: "gpus.prom",
    mimeType: "text/plain",
    buffer: Buffer.from(recordOfTwoCards()),
  });
  const gpus = page.getByRole("region", { name: /^GPUs?$/ });
  await expect(gpus.getByRole("img", { name: /Busy over time/ })).toBeVisible();
  await expect(gpus.getByRole("img", { name: /over time/ })).toHaveCount(4);
  await lookAt(page, "operate-gpus", gpus);
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
});

async function orderJob(request: APIRequestContext): Promise<void> {
  const step = {
    run: "echo first; sleep 2; echo paid",
    resources: { cpus: 0.5, memory_gb: 0.125 },
    seconds_max: 60,
  };
  const data = { budget: "0.5", where: { regions: [REGION] }, steps: [step] };
  const headers = { Authorization: `Bearer ${required("VCITY_API_KEY")}` };
  await expect
    .poll(async () => (await request.post("/v1/jobs", { headers, data })).status(), { timeout: 60_000 })
    .toBe(201);
}

async function fillWizard(page: Page): Promise<void> {
  await page.goto("/operate");
  await page.getByLabel("Region").fill(REGION);
  await page.getByLabel("$ for an hour of one core").fill("2");
  await page.getByLabel("Power in watts").fill("350");
  await page.getByLabel("$ per kilowatt hour").fill("0.30");
}

test("a machine joins with the page's files and command, earns, is paid, and what it earned is shown", async ({
  page,
  baseURL,
}) => {
  test.setTimeout(240_000);
  const began = Date.now();
  const mine = new NodeOfMine();
  try {
    await signInWithKey(page);
    await fillWizard(page);
    for (const name of ["network.json", "deployment.json"]) {
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: `Download ${name}` }).click();
      await (await download).saveAs(mine.path(name));
    }
    const commands = page.locator("pre", { hasText: /^vcity node join/ });
    const [trial = "", join = ""] = await commands.allInnerTexts();
    await lookAt(page, "operate-join");
    expect(mine.run(trial)).toContain("a new key");
    mine.start(join);
    const address = await mine.address();

    await page.getByRole("tab", { name: "My node" }).click();
    await page.getByLabel("Address of the node").fill(address);
    await expect(page.getByText("on offer now")).toBeVisible({ timeout: 90_000 });
    timed("a node: on offer", began);
    await orderJob(await requests.newContext({ baseURL: baseURL ?? "" }));
    await expect(page.getByText("Paid out")).toBeVisible();
    await lookAt(page, "operate-node");

    await page.getByRole("tab", { name: "Earnings" }).click();
    const payouts = page.getByRole("table", { name: "Payouts" });
    await expect(payouts.getByText(/^0x[0-9a-f]{6}…/)).toBeVisible({ timeout: 120_000 });
    timed("a node: first payout on chain", began);
    await page.getByRole("tab", { name: "By job" }).click();
    await page.getByLabel("Output of the command").fill(mine.run("vcity node earnings --by job --csv"));
    const earnings = page.getByRole("table", { name: "Earnings" });
    await expect(earnings.getByRole("row")).toHaveCount(2);
    await lookAt(page, "operate-earnings");

    const id = await convict(address, addressOf("client"));
    await page.goto("/operate/node");
    await page.getByLabel("Address of the node").fill(address);
    const audits = page.getByRole("table", { name: "Audits and accusations" });
    await expect(audits.getByText("Fault found, stake held")).toBeVisible({ timeout: 30_000 });
    await lookAt(page, "operate-audits", page.getByRole("region", { name: /^(Audits and accusations|审计与指控)$/ }));
    await page.goto("/explorer/cases");
    const card = page.getByRole("region", { name: `Case ${id}` });
    await expect(card.getByText("medium", { exact: true })).toBeVisible();
    await expect(
      card
        .getByRole("listitem")
        .last()
        .getByText(/^0x[0-9a-f]{6}…/),
    ).toBeVisible();
    await lookAt(page, "explorer-case");
    await page.setViewportSize({ width: 360, height: 740 });
    await expectNoSideScroll(page);
  } catch (failure) {
    console.log(mine.log());
    throw failure;
  } finally {
    await mine.stop();
  }
});
