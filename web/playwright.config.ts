// SPDX-License-Identifier: Apache-2.0
// Journeys in a real browser on a real network: tests/e2e/test_web.py starts it and says where it is.
import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export default defineConfig({
  testDir: "tests",
  timeout: 120_000,
  expect: { timeout: 20_000 },
  // Journeys of one file follow each other; files do not touch each other's work.
  workers: 2,
  reporter: [["list"]],
  outputDir: process.env.VCITY_WEB_RESULTS ?? "test-results",
  use: {
    baseURL: process.env.VCITY_WEB_URL ?? "http://127.0.0.1:8080",
    viewport: { width: 1280, height: 860 },
    locale: "en-GB",
    colorScheme: "light",
    launchOptions: { args: ["--no-sandbox"], ...(CHROMIUM ? { executablePath: CHROMIUM } : {}) },
    trace: "off",
    screenshot: "only-on-failure",
  },
});
