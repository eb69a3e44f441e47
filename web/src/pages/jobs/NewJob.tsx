// SPDX-License-Identifier: Apache-2.0
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { useTexts } from "../../i18n";
import { postJson } from "../../lib/api";
import { Button, TextArea, TextField } from "../../ui/controls";
import { Card, Failure, Page, Stat } from "../../ui/surfaces";
import { Hash, Money } from "../../ui/values";
import type { Job } from "./data";
import { isBudget, type JobForm, jobOrder, orderWords } from "./orders";
import { words } from "./words";

const FIRST: JobForm = {
  name: "hello",
  script: "echo hello from part $VCITY_INDEX of $VCITY_COUNT",
  copies: "2",
  cores: "0.5",
  memory: "0.25",
  minutes: "5",
  budget: "0.10",
};

interface Quote {
  most: string;
  hourly: string;
  where: { group: string; node: string; unit: number; reason: string }[];
}

function QuoteCard({ quote }: { quote: Quote }) {
  const t = useTexts(orderWords);
  return (
    <Card title={t.where}>
      <div className="columns stats">
        <Stat name={t.most} value={<Money amount={quote.most} />} />
        <Stat name={t.hourly} value={<Money amount={quote.hourly} />} />
      </div>
      <ul className="plain-list">
        {quote.where.map((place) => (
          <li key={`${place.group} ${place.node} ${place.unit}`}>
            <Hash text={place.node} copy={false} /> <span className="soft small">{place.reason}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Fields({ form, set }: { form: JobForm; set: (field: keyof JobForm) => (value: string) => void }) {
  const t = useTexts(orderWords);
  const number = (field: keyof JobForm, label: string, step: string, min: string) => (
    <TextField
      label={label}
      type="number"
      min={min}
      step={step}
      required
      value={form[field]}
      onChange={(event) => set(field)(event.target.value)}
    />
  );
  return (
    <>
      <TextField
        label={t.name}
        maxLength={64}
        value={form.name}
        onChange={(event) => set("name")(event.target.value)}
      />
      <TextArea
        label={t.script}
        hint={t.scriptHint}
        className="input mono"
        rows={6}
        spellCheck={false}
        required
        value={form.script}
        onChange={(event) => set("script")(event.target.value)}
      />
      <div className="columns narrow">
        {number("copies", t.copies, "1", "1")}
        {number("cores", t.cores, "0.25", "0.25")}
        {number("memory", t.memory, "0.125", "0.125")}
        {number("minutes", t.minutes, "1", "1")}
      </div>
      <TextField
        label={t.budget}
        hint={t.budgetHint}
        inputMode="decimal"
        wrong={isBudget(form.budget) ? null : t.wrongBudget}
        value={form.budget}
        onChange={(event) => set("budget")(event.target.value)}
      />
    </>
  );
}

export function NewJob({ token }: { token: string }) {
  const t = useTexts(orderWords);
  const general = useTexts(words);
  const [, go] = useLocation();
  const [form, setForm] = useState(FIRST);
  const [quote, setQuote] = useState<Quote | null>(null);
  const [busy, setBusy] = useState<"quote" | "order" | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const set = (field: keyof JobForm) => (value: string) => {
    setForm({ ...form, [field]: value });
    setQuote(null);
  };
  const ask = async (what: "quote" | "order") => {
    setBusy(what);
    setFailure(null);
    try {
      if (what === "quote") {
        setQuote(await postJson<Quote>("/v1/jobs", jobOrder(form), { token, query: { dry_run: 1 } }));
      } else {
        const job = await postJson<Job>("/v1/jobs", jobOrder(form), { token });
        go(`/jobs/${job.id}`);
      }
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(null);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void ask("order");
  };
  return (
    <Page title={general.newJob} lead={t.jobLead}>
      <form className="stack form" onSubmit={submit} aria-label={general.newJob}>
        <Fields form={form} set={set} />
        {failure !== null && <Failure error={failure} />}
        <div className="row">
          <Button type="submit" look="primary" busy={busy === "order"} disabled={!isBudget(form.budget)}>
            {t.order}
          </Button>
          <Button busy={busy === "quote"} disabled={!isBudget(form.budget)} onClick={() => ask("quote")}>
            {t.estimate}
          </Button>
        </div>
      </form>
      {quote && <QuoteCard quote={quote} />}
    </Page>
  );
}
