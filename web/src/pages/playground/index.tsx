// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { KeyGate } from "../../app/KeyGate";
import { useTexts } from "../../i18n";
import { getJson } from "../../lib/api";
import { usdShort } from "../../lib/money";
import { Button, Select, TextField } from "../../ui/controls";
import { Card, Empty, Failure, Note, Page, Skeleton } from "../../ui/surfaces";
import { Hash, Money } from "../../ui/values";
import { type ChatRequest, chat, type Message, type Progress } from "./chat";
import { Proof } from "./Proof";
import "./playground.css";
import { words } from "./texts";

interface Model {
  id: string;
  context_length?: number;
  pricing?: { prompt: string; completion: string };
}

interface Turn {
  id: number;
  question: string;
  answer: Progress | null;
  failure: unknown;
  isStopped: boolean;
}

interface Settings {
  maxTokens: string;
  temperature: string;
  verification: string;
  maxPrice: string;
}

const START: Settings = { maxTokens: "128", temperature: "0.7", verification: "sampled", maxPrice: "" };

/** "0.0000002" dollars a token as dollars a million tokens, in millionths of a dollar: exact. */
export function perMillion(perToken: string): bigint | null {
  const found = /^(\d+)(?:\.(\d{1,12}))?$/.exec(perToken);
  if (!found) return null;
  return BigInt(found[1] ?? "0") * 1_000_000_000_000n + BigInt((found[2] ?? "").padEnd(12, "0"));
}

function priceText(model: Model | undefined, say: (input: string, output: string) => string): string {
  const input = perMillion(model?.pricing?.prompt ?? "");
  const output = perMillion(model?.pricing?.completion ?? "");
  return input === null || output === null ? "" : say(usdShort(input), usdShort(output));
}

function SettingsForm({ settings, onChange }: { settings: Settings; onChange: (settings: Settings) => void }) {
  const t = useTexts(words);
  const set = (name: keyof Settings) => (event: { target: { value: string } }) =>
    onChange({ ...settings, [name]: event.target.value });
  const levels = [
    { value: "sampled", label: t.sampled },
    { value: "full", label: t.full },
    { value: "none", label: t.none },
  ];
  return (
    <>
      <Select
        label={t.checks}
        hint={t.checksHint}
        options={levels}
        value={settings.verification}
        onChange={set("verification")}
      />
      <TextField
        label={t.maxPrice}
        hint={t.maxPriceHint}
        inputMode="decimal"
        value={settings.maxPrice}
        onChange={set("maxPrice")}
      />
      <TextField
        label={t.maxTokens}
        type="number"
        min={1}
        max={4096}
        value={settings.maxTokens}
        onChange={set("maxTokens")}
      />
      <TextField
        label={t.temperature}
        type="number"
        min={0}
        max={2}
        step={0.1}
        value={settings.temperature}
        onChange={set("temperature")}
      />
    </>
  );
}

function Answer({ turn, token }: { turn: Turn; token: string }) {
  const t = useTexts(words);
  const { answer } = turn;
  const id = answer?.bill?.id ?? (turn.isStopped ? answer?.id : undefined);
  return (
    <article className="turn">
      <p className="question">
        <span className="visually-hidden">{t.you}: </span>
        {turn.question}
      </p>
      <div className="answer" aria-busy={!answer?.bill && !turn.failure && !turn.isStopped}>
        {answer?.text || (!turn.failure && !turn.isStopped && <span className="caret" />)}
      </div>
      {turn.failure !== null && <Failure error={turn.failure} />}
      {turn.isStopped && <Note tone="warn">{t.stopped}</Note>}
      {answer && (
        <p className="bill small soft numbers">
          {answer.bill ? (
            <>
              <span>
                {t.cost} <Money amount={answer.bill.costUsd} />
              </span>
              <span>{t.tokens(answer.bill.promptTokens, answer.bill.completionTokens)}</span>
            </>
          ) : (
            <>
              <span>{t.soFar(answer.pieces)}</span>
              {answer.quote && <span>{t.atMost(`$${answer.quote}`)}</span>}
            </>
          )}
          {answer.firstTokenMs !== null && (
            <span>
              {t.firstToken} {Math.round(answer.firstTokenMs)} ms
            </span>
          )}
        </p>
      )}
      {id && (
        <details>
          <summary>{t.show}</summary>
          <p className="small">
            {t.receipt} <Hash text={id} />
          </p>
          <Proof id={id} token={token} />
        </details>
      )}
    </article>
  );
}

function Talk({ token, models }: { token: string; models: Model[] }) {
  const t = useTexts(words);
  const [model, setModel] = useState(models[0]?.id ?? "");
  const [settings, setSettings] = useState(START);
  const [turns, setTurns] = useState<Turn[]>([]);
  const [draft, setDraft] = useState("");
  const [running, setRunning] = useState<AbortController | null>(null);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => () => running?.abort(), [running]);

  const history = (): Message[] =>
    turns.flatMap((turn) =>
      turn.answer?.text
        ? [
            { role: "user" as const, content: turn.question },
            { role: "assistant" as const, content: turn.answer.text },
          ]
        : [],
    );

  const ask = async (question: string) => {
    const id = Date.now();
    const change = (part: Partial<Turn>) =>
      setTurns((all) => all.map((turn) => (turn.id === id ? { ...turn, ...part } : turn)));
    const price = Number.parseFloat(settings.maxPrice);
    const request: ChatRequest = {
      model,
      messages: [...history(), { role: "user", content: question }],
      maxTokens: Math.max(1, Number.parseInt(settings.maxTokens, 10) || 128),
      temperature: Number.parseFloat(settings.temperature) || 0,
      verification: settings.verification,
      maxPrice: Number.isFinite(price) ? price : null,
    };
    const control = new AbortController();
    setTurns((all) => [...all, { id, question, answer: null, failure: null, isStopped: false }]);
    setDraft("");
    setRunning(control);
    try {
      await chat(request, token, control.signal, (answer) => {
        change({ answer });
        end.current?.scrollIntoView({ block: "nearest" });
      });
    } catch (failure) {
      change(control.signal.aborted ? { isStopped: true } : { failure });
    } finally {
      setRunning(null);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (draft.trim() && !running) void ask(draft.trim());
  };
  const onKey = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) submit(event);
  };
  const chosen = models.find((one) => one.id === model);
  return (
    <div className="playground">
      <div className="card talk">
        <div className="turns" aria-live="polite" aria-relevant="additions">
          {turns.length === 0 && (
            <Empty title={t.emptyTitle}>
              {t.emptyText}
              <span className="examples">
                {[t.example1, t.example2, t.example3].map((example) => (
                  <Button key={example} small disabled={running !== null} onClick={() => void ask(example)}>
                    {example}
                  </Button>
                ))}
              </span>
            </Empty>
          )}
          {turns.map((turn) => (
            <Answer key={turn.id} turn={turn} token={token} />
          ))}
          <div ref={end} />
        </div>
        <form className="compose" onSubmit={submit}>
          <label className="visually-hidden" htmlFor="draft">
            {t.message}
          </label>
          <textarea
            id="draft"
            className="input"
            rows={2}
            value={draft}
            placeholder={t.placeholder}
            onChange={(event) => setDraft(event.target.value)}
            onKeyDown={onKey}
          />
          {running ? (
            <Button look="danger" onClick={() => running.abort()}>
              {t.stop}
            </Button>
          ) : (
            <Button look="primary" type="submit" disabled={draft.trim() === ""}>
              {t.send}
            </Button>
          )}
        </form>
      </div>
      <Card
        title={t.settings}
        actions={
          <Button small look="quiet" disabled={turns.length === 0 || running !== null} onClick={() => setTurns([])}>
            {t.clear}
          </Button>
        }
      >
        <Select
          label={t.model}
          hint={priceText(chosen, t.price)}
          options={models.map((one) => ({ value: one.id, label: one.id }))}
          value={model}
          onChange={(event) => setModel(event.target.value)}
        />
        <SettingsForm settings={settings} onChange={setSettings} />
      </Card>
    </div>
  );
}

function WithModels({ token }: { token: string }) {
  const t = useTexts(words);
  const models = useQuery({
    queryKey: ["models", token.slice(-4)],
    queryFn: () => getJson<{ data: Model[] }>("/v1/models", { token }),
  });
  if (models.isError) return <Failure error={models.error} retry={() => models.refetch()} />;
  if (!models.data) return <Skeleton lines={6} />;
  if (models.data.data.length === 0) return <Empty title={t.noModels}>{t.noModelsText}</Empty>;
  return <Talk token={token} models={models.data.data} />;
}

export default function Playground() {
  const t = useTexts(words);
  return (
    <Page title={t.title} lead={t.lead}>
      <KeyGate>{(token) => <WithModels token={token} />}</KeyGate>
    </Page>
  );
}
