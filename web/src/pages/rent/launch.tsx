// SPDX-License-Identifier: Apache-2.0
import type { Job, Quote } from "@vcity/sdk";
import { useState } from "react";
import { useLocation } from "wouter";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/rent";
import { postJson } from "../../lib/api";
import { parseUsd, usdShort } from "../../lib/money";
import { Button, Check, TextArea, TextField } from "../../ui/controls";
import { Card, Failure, Note } from "../../ui/surfaces";
import { Hash } from "../../ui/values";
import { keepPort } from "./pods";
import { type Launch, type LaunchField, orderOf, type TemplateKey, templates, wrongFields } from "./templates";

const KEYS: TemplateKey[] = ["terminal", "web", "jupyter", "custom"];
const short = (text: string) => usdShort(parseUsd(text) ?? 0n);

function Templates({ chosen, onChoose }: { chosen: TemplateKey; onChoose: (key: TemplateKey) => void }) {
  const t = useTexts(words);
  return (
    <fieldset className="columns narrow" style={{ border: 0, margin: 0, padding: 0 }}>
      <legend className="visually-hidden">{t.template}</legend>
      {KEYS.map((key) => (
        <button
          key={key}
          type="button"
          className="card"
          aria-pressed={key === chosen}
          onClick={() => onChoose(key)}
          style={{
            textAlign: "start",
            cursor: "pointer",
            ...(key === chosen ? { borderColor: "var(--accent)", background: "var(--accent-soft)" } : {}),
          }}
        >
          <strong>{t[`${key}_t`]}</strong>
          <span className="small soft" style={{ display: "block" }}>
            {t[`${key}_d`]}
          </span>
        </button>
      ))}
    </fieldset>
  );
}

export function LaunchForm({ token }: { token: string }) {
  const t = useTexts(words);
  const [, go] = useLocation();
  const [launch, setLaunch] = useState<Launch>(() => {
    const gpus = new URLSearchParams(window.location.search).get("gpus") ?? "0";
    return { ...templates.terminal, gpus: /^\d{1,2}$/.test(gpus) ? gpus : "0" };
  });
  const [quote, setQuote] = useState<Quote | null>(null);
  const [busy, setBusy] = useState<"quote" | "start" | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  // One form is one pod: pressing twice orders nothing twice.
  const [once, setOnce] = useState(() => crypto.randomUUID());
  const wrong = wrongFields(launch);
  const change = (changed: Partial<Launch>) => {
    setLaunch({ ...launch, ...changed });
    setQuote(null);
    setOnce(crypto.randomUUID());
  };
  const field = (name: LaunchField, label: string, hint?: string) => (
    <TextField
      label={label}
      hint={hint}
      value={launch[name]}
      aria-invalid={wrong.includes(name) || undefined}
      inputMode={name === "name" ? "text" : "decimal"}
      onChange={(event) => change({ [name]: event.target.value })}
    />
  );
  const run = async (what: "quote" | "start") => {
    setBusy(what);
    setFailure(null);
    try {
      const order = orderOf(launch);
      if (what === "quote") setQuote(await postJson<Quote>("/v1/jobs?dry_run=1", order, { token }));
      else {
        const job = await postJson<Job>("/v1/jobs", order, { token, headers: { "Idempotency-Key": once } });
        keepPort(job.id, launch.port.trim());
        go(`/rent/pods/${job.id}`);
      }
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(null);
    }
  };
  return (
    <>
      <Templates chosen={launch.template} onChoose={(key) => change({ ...templates[key], gpus: launch.gpus })} />
      <Card title={t[`${launch.template}_t`]}>
        <div className="columns narrow">
          {field("name", t.name)}
          {field("hours", t.hours)}
          {field("budget", t.budget, t.budgetHint)}
        </div>
        <TextArea
          label={t.run}
          rows={4}
          className="input mono"
          value={launch.run}
          spellCheck={false}
          onChange={(event) => change({ run: event.target.value })}
        />
        <div className="columns narrow">
          {field("cpus", t.cpus)}
          {field("memory", t.memoryGb)}
          {field("gpus", t.gpus, t.gpusHint)}
          {field("port", t.port, t.portHint)}
        </div>
        <TextField
          label={t.image}
          hint={t.imageHint}
          className="input mono"
          value={launch.image}
          onChange={(event) => change({ image: event.target.value })}
        />
        <Check
          label={t.internet}
          checked={launch.internet}
          onChange={(event) => change({ internet: event.target.checked })}
        />
        {quote && (
          <Note tone="good">
            <strong>{t.quoted(short(quote.most), short(quote.hourly))}</strong>
            {quote.where[0] && (
              <div className="small">
                {t.where} <Hash text={quote.where[0].node} copy={false} />
              </div>
            )}
          </Note>
        )}
        {failure !== null && <Failure error={failure} />}
        <div className="row">
          <Button busy={busy === "quote"} disabled={wrong.length > 0 || busy !== null} onClick={() => run("quote")}>
            {t.quote}
          </Button>
          <Button
            look="primary"
            busy={busy === "start"}
            disabled={wrong.length > 0 || busy !== null}
            onClick={() => run("start")}
          >
            {t.start}
          </Button>
        </div>
      </Card>
    </>
  );
}
