// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "./support";

const PAGES = ["/", "/rent", "/jobs", "/operate", "/govern", "/explorer", "/account"];
const INTERACTIVE_MS_MAX = 2_000;
const SCRIPT_BYTES_MAX = 250 * 1024;

/** From a stranger's first visit, with nothing cached, until a press of a button has changed the page. */
for (const path of PAGES) {
  test(`${path} answers a press within two seconds of the first visit`, async ({ page }) => {
    // The button is pressed inside of the page as soon as it is there, so that no time of the test's own counts.
    await page.addInitScript(() => {
      const started = { pressed: false };
      const watch = setInterval(() => {
        const heading = document.querySelector("h1");
        const button = document.querySelector<HTMLElement>("header.bar > button[lang]");
        if (!started.pressed && heading && button) {
          started.pressed = true;
          button.click();
        }
        if (
          started.pressed &&
          document.documentElement.lang === "zh-CN" &&
          /[\u4e00-\u9fff]/.test(heading?.textContent ?? "")
        ) {
          clearInterval(watch);
          requestAnimationFrame(() => {
            document.documentElement.dataset.interactive = String(performance.now());
          });
        }
      }, 4);
    });
    await page.goto(path);
    await expect(page.locator("html[data-interactive]")).toBeAttached();
    const seen = await page.evaluate(() => {
      const scripts = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"));
      const [load] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
      return {
        interactive: Number(document.documentElement.dataset.interactive),
        loaded: load?.domContentLoadedEventEnd ?? 0,
        bytes: scripts.reduce((sum, one) => sum + (one as PerformanceResourceTiming).encodedBodySize, 0),
      };
    });
    const size = `${(seen.bytes / 1024).toFixed(0)} KiB of script`;
    console.log(`${path}: interactive after ${Math.round(seen.interactive)} ms, ${size}`);
    expect(seen.interactive).toBeLessThan(INTERACTIVE_MS_MAX);
    expect(seen.bytes).toBeLessThan(SCRIPT_BYTES_MAX);
  });
}
