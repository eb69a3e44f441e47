// SPDX-License-Identifier: Apache-2.0
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the page with hot reload and passes the API on to a gateway, by default that of a devnet.
const sdk = new URL("../sdk/typescript/src/index.ts", import.meta.url).pathname;
const gateway = process.env.VCITY_GATEWAY ?? "http://127.0.0.1:8080";
const passed = Object.fromEntries(
  ["/v1", "/api", "/p", "/d", "/openapi.json", "/health"].map((path) => [path, gateway]),
);

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@vcity/sdk": sdk }, dedupe: ["viem"] },
  build: { target: "es2022", sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: passed },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
