// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { orderOf, templates, wrongFields } from "./templates";

it("every template but the empty one can be launched as it is", () => {
  for (const [name, launch] of Object.entries(templates)) {
    expect(wrongFields(launch)).toEqual(name === "custom" ? ["run"] : []);
  }
});

it("a pod is one service with its limits", () => {
  const order = orderOf({ ...templates.web, hours: "0.5", gpus: "2" });
  expect(order.steps[0]).toMatchObject({ service: true, seconds_max: 1_800, ports: [{ name: "web", port: 8000 }] });
  expect(order.steps[0]?.resources).toEqual({ cpus: 1, memory_gb: 0.5, accelerators: "any:2" });
});

it("what is no number is named", () => {
  const wrong = { ...templates.web, cpus: "-1", memory: "0", hours: "1e9", budget: "free", port: "70000", name: " " };
  expect(wrongFields(wrong)).toEqual(["name", "cpus", "memory", "hours", "budget", "port"]);
});
