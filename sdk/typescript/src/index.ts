// SPDX-License-Identifier: Apache-2.0
export * from "./abis.js";
export * from "./cap.js";
export * from "./client.js";
export * from "./locks.js";
export * from "./merkle.js";
export * from "./receipt.js";
export * from "./rules.js";
export * from "./typed.js";
export * from "./wallet.js";
