// SPDX-License-Identifier: Apache-2.0
import type { Order } from "@vcity/sdk";

/** What the launch form holds; all text, as it was typed. */
export interface Launch {
  template: TemplateKey;
  name: string;
  run: string;
  image: string;
  cpus: string;
  memory: string;
  gpus: string;
  hours: string;
  budget: string;
  port: string;
  internet: boolean;
}

export type TemplateKey = "terminal" | "web" | "jupyter" | "custom";

const base = { image: "", cpus: "1", memory: "0.5", gpus: "0", hours: "1", budget: "1", port: "", internet: false };

export const templates: Record<TemplateKey, Launch> = {
  terminal: { ...base, template: "terminal", name: "terminal", run: "exec sleep infinity" },
  web: {
    ...base,
    template: "web",
    name: "web-server",
    run: "mkdir -p www && cd www\necho '<h1>Hello from a pod</h1>' > index.html\nexec python3 -m http.server 8000 --bind 127.0.0.1",
    port: "8000",
  },
  jupyter: {
    ...base,
    template: "jupyter",
    name: "jupyter",
    image: "quay.io/jupyter/minimal-notebook:latest",
    run: "exec jupyter lab --no-browser --ip 127.0.0.1 --port 8888",
    cpus: "2",
    memory: "4",
    port: "8888",
    internet: true,
  },
  custom: { ...base, template: "custom", name: "pod", run: "" },
};

const isNumber = (text: string, digits: number) => new RegExp(`^\\d{1,6}(\\.\\d{1,${digits}})?$`).test(text.trim());

export type LaunchField = "name" | "run" | "cpus" | "memory" | "gpus" | "hours" | "budget" | "port";

/** The fields that hold what cannot be ordered. */
export function wrongFields(launch: Launch): LaunchField[] {
  const wrong: LaunchField[] = [];
  if (!launch.name.trim() || launch.name.length > 64) wrong.push("name");
  if (!launch.run.trim() && !launch.image.trim()) wrong.push("run");
  if (!isNumber(launch.cpus, 3) || Number(launch.cpus) <= 0) wrong.push("cpus");
  if (!isNumber(launch.memory, 3) || Number(launch.memory) <= 0) wrong.push("memory");
  if (!/^\d{1,2}$/.test(launch.gpus.trim())) wrong.push("gpus");
  if (!isNumber(launch.hours, 2) || Number(launch.hours) <= 0 || Number(launch.hours) > 720) wrong.push("hours");
  if (!isNumber(launch.budget, 6) || Number(launch.budget) <= 0) wrong.push("budget");
  const port = Number(launch.port);
  if (launch.port.trim() && (!/^\d{1,5}$/.test(launch.port.trim()) || port < 1 || port > 65_535)) wrong.push("port");
  return wrong;
}

/** A pod is one service that runs until it is stopped (docs/pods.md). node: where it shall run; null: anywhere. */
export function orderOf(launch: Launch): Order {
  const gpus = Number(launch.gpus);
  return {
    name: launch.name.trim(),
    budget: launch.budget.trim(),
    deadline_minutes: Math.min(129_600, Math.ceil(Number(launch.hours) * 60) + 60),
    steps: [
      {
        ...(launch.run.trim() ? { run: launch.run } : {}),
        ...(launch.image.trim() ? { image: launch.image.trim() } : {}),
        service: true,
        seconds_max: Math.max(1, Math.round(Number(launch.hours) * 3_600)),
        egress: launch.internet ? "public" : "none",
        ...(launch.port.trim() ? { ports: [{ name: "web", port: Number(launch.port) }] } : {}),
        resources: {
          cpus: Number(launch.cpus),
          memory_gb: Number(launch.memory),
          ...(gpus > 0 ? { accelerators: `any:${gpus}` } : {}),
        },
      },
    ],
  };
}
