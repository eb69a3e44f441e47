// SPDX-License-Identifier: Apache-2.0
// The texts of the forms, and what they send.
import { texts } from "../../i18n";
import { parseUsd } from "../../lib/money";

export const orderWords = texts(
  {
    jobLead: "A script, and how many copies of it. Each copy finds its number in VCITY_INDEX.",
    name: "Name",
    script: "Script",
    scriptHint: "Runs with sh -c. What it writes under /job/out is kept.",
    copies: "Copies",
    cores: "Cores of each",
    memory: "GiB of each",
    minutes: "Minutes at most",
    budget: "Budget, dollars",
    budgetHint: "It never costs more; what is not used is free again.",
    wrongBudget: "An amount above 0, such as 0.50",
    estimate: "What would it cost?",
    order: "Order the job",
    most: "At most",
    hourly: "Per hour while all run",
    where: "Where it would run now",
    tuneLead: "Upload conversations, choose a base model, and follow the losses while it learns.",
    data: "Training data",
    dataHint: 'A JSONL file, one conversation a line: {"messages": [{"role": "user", …}, {"role": "assistant", …}]}',
    noData: "Choose a file first",
    wrongLine: (line: number) => `Line ${line} is not a conversation in JSON`,
    base: "Base model",
    epochs: "Epochs",
    tuneMemory: "Memory, GiB",
    suffix: "Name of the new model",
    suffixHint: "Letters, digits, dots and dashes",
    start: "Start fine-tuning",
    noModels: "No node serves a model now, so there is nothing to tune. Try again in a minute.",
    examples: (count: number) => `${count} examples`,
  },
  {
    jobLead: "一个脚本，以及要运行几份。每一份可从 VCITY_INDEX 得知自己的编号。",
    name: "名称",
    script: "脚本",
    scriptHint: "用 sh -c 运行。写到 /job/out 的内容会被保留。",
    copies: "份数",
    cores: "每份核数",
    memory: "每份内存（GiB）",
    minutes: "最长分钟数",
    budget: "预算（美元）",
    budgetHint: "费用不会超过预算；未用部分会释放。",
    wrongBudget: "请输入大于 0 的金额，例如 0.50",
    estimate: "会花多少钱？",
    order: "提交任务",
    most: "最多",
    hourly: "全部运行时每小时",
    where: "现在会运行在",
    tuneLead: "上传对话，选择基础模型，并在训练时观察损失。",
    data: "训练数据",
    dataHint: 'JSONL 文件，每行一段对话：{"messages": [{"role": "user", …}, {"role": "assistant", …}]}',
    noData: "请先选择文件",
    wrongLine: (line: number) => `第 ${line} 行不是 JSON 格式的对话`,
    base: "基础模型",
    epochs: "轮数",
    tuneMemory: "内存（GiB）",
    suffix: "新模型名称",
    suffixHint: "字母、数字、点和短横线",
    start: "开始微调",
    noModels: "目前没有节点提供模型，因此无法微调。请稍后再试。",
    examples: (count: number) => `${count} 个示例`,
  },
);

export interface JobForm {
  name: string;
  script: string;
  copies: string;
  cores: string;
  memory: string;
  minutes: string;
  budget: string;
}

/** The order of docs/api/jobs.md. */
export function jobOrder(form: JobForm): object {
  return {
    name: form.name.trim() || "job",
    budget: form.budget.trim(),
    steps: [
      {
        name: "main",
        run: form.script,
        count: Number(form.copies),
        keeps_files: true,
        seconds_max: Number(form.minutes) * 60,
        resources: { cpus: Number(form.cores), memory_gb: Number(form.memory), disk_gb: 0.25 },
      },
    ],
  };
}

export function isBudget(text: string): boolean {
  const amount = parseUsd(text);
  return amount !== null && amount > 0n;
}

/** Lines of a training file: how many, or the number of the first that is no conversation. */
export function countExamples(text: string): { examples: number; wrongLine: number | null } {
  let examples = 0;
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = (lines[index] ?? "").trim();
    if (line === "") continue;
    try {
      const parsed = JSON.parse(line) as { messages?: unknown };
      if (!Array.isArray(parsed.messages)) return { examples, wrongLine: index + 1 };
    } catch {
      return { examples, wrongLine: index + 1 };
    }
    examples++;
  }
  return { examples, wrongLine: examples === 0 ? 1 : null };
}
