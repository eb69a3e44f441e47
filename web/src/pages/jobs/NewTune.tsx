// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { useTexts } from "../../i18n";
import { getJson, postJson } from "../../lib/api";
import { Button, Select, TextField } from "../../ui/controls";
import { Failure, Note, Page, Skeleton } from "../../ui/surfaces";
import type { List, StoredFile, Tune } from "./data";
import { countExamples, isBudget, orderWords } from "./orders";
import { words } from "./words";

interface Chosen {
  file: File;
  examples: number;
  wrongLine: number | null;
}

interface Order {
  model: string;
  epochs: string;
  memory: string;
  suffix: string;
  budget: string;
}

async function start(data: File, order: Order, token: string): Promise<Tune> {
  const form = new FormData();
  form.set("purpose", "fine-tune");
  form.set("file", data);
  const file = await getJson<StoredFile>("/v1/files", { method: "POST", body: form, token });
  return postJson<Tune>(
    "/v1/fine_tuning/jobs",
    {
      model: order.model,
      training_file: file.id,
      budget: order.budget.trim(),
      resources: { cpus: 1, memory_gb: Number(order.memory), disk_gb: 0.5 },
      method: { type: "supervised", supervised: { hyperparameters: { n_epochs: Number(order.epochs) } } },
      ...(order.suffix.trim() ? { suffix: order.suffix.trim() } : {}),
    },
    { token },
  );
}

function DataField({ chosen, onChoose }: { chosen: Chosen | null; onChoose: (chosen: Chosen | null) => void }) {
  const t = useTexts(orderWords);
  const choose = async (file: File | undefined) => {
    if (!file) return onChoose(null);
    onChoose({ file, ...countExamples(await file.text()) });
  };
  const hint = chosen && chosen.wrongLine === null ? t.examples(chosen.examples) : t.dataHint;
  return (
    <TextField
      label={t.data}
      type="file"
      accept=".jsonl"
      hint={hint}
      wrong={chosen?.wrongLine ? t.wrongLine(chosen.wrongLine) : null}
      onChange={(event) => choose(event.target.files?.[0])}
    />
  );
}

function Form({ models, token }: { models: readonly string[]; token: string }) {
  const t = useTexts(orderWords);
  const general = useTexts(words);
  const [, go] = useLocation();
  const [data, setData] = useState<Chosen | null>(null);
  const [order, setOrder] = useState<Order>({
    model: models[0] ?? "",
    epochs: "3",
    memory: "2",
    suffix: "",
    budget: "1.00",
  });
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const isReady = data !== null && data.wrongLine === null && isBudget(order.budget);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!data) return;
    setBusy(true);
    setFailure(null);
    try {
      const tune = await start(data.file, order, token);
      go(`/jobs/fine-tuning/${tune.id}`);
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  const set = (field: keyof Order) => (event: { target: { value: string } }) =>
    setOrder({ ...order, [field]: event.target.value });
  return (
    <form className="stack form" onSubmit={submit} aria-label={general.newTune}>
      <DataField chosen={data} onChoose={setData} />
      <Select
        label={t.base}
        value={order.model}
        onChange={set("model")}
        options={models.map((model) => ({ value: model, label: model }))}
      />
      <div className="columns narrow">
        <TextField label={t.epochs} type="number" min="1" max="50" value={order.epochs} onChange={set("epochs")} />
        <TextField
          label={t.tuneMemory}
          type="number"
          min="0.5"
          step="0.5"
          value={order.memory}
          onChange={set("memory")}
        />
        <TextField
          label={t.suffix}
          hint={t.suffixHint}
          pattern="[A-Za-z0-9._\-]{0,64}"
          value={order.suffix}
          onChange={set("suffix")}
        />
      </div>
      <TextField
        label={t.budget}
        hint={t.budgetHint}
        inputMode="decimal"
        wrong={isBudget(order.budget) ? null : t.wrongBudget}
        value={order.budget}
        onChange={set("budget")}
      />
      {failure !== null && <Failure error={failure} />}
      <div className="row">
        <Button type="submit" look="primary" busy={busy} disabled={!isReady}>
          {t.start}
        </Button>
        {!data && <span className="soft small">{t.noData}</span>}
      </div>
    </form>
  );
}

export function NewTune({ token }: { token: string }) {
  const t = useTexts(orderWords);
  const general = useTexts(words);
  const models = useQuery({
    queryKey: ["models", token],
    queryFn: () => getJson<List<{ id: string }>>("/v1/models", { token }),
  });
  return (
    <Page title={general.newTune} lead={t.tuneLead}>
      {models.isPending && <Skeleton lines={6} />}
      {models.isError && <Failure error={models.error} retry={() => models.refetch()} />}
      {models.data?.data.length === 0 && <Note tone="warn">{t.noModels}</Note>}
      {models.data && models.data.data.length > 0 && (
        <Form models={models.data.data.map((model) => model.id)} token={token} />
      )}
    </Page>
  );
}
