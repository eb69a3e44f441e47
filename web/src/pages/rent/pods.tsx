// SPDX-License-Identifier: Apache-2.0
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { Job } from "@vcity/sdk";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { formatDate, useLanguage, useTexts } from "../../i18n";
import { words } from "../../i18n/rent";
import { getJson, postJson } from "../../lib/api";
import { Button, Check } from "../../ui/controls";
import { Badge, Card, Empty, Failure, Note, Skeleton, Stat, Tabs, type Tone } from "../../ui/surfaces";
import { type Column, Table } from "../../ui/table";
import { toast } from "../../ui/toast";
import { Command, Hash, Money, When } from "../../ui/values";
import { Metrics } from "./metrics";
import { socketUrl } from "./shell";

const Terminal = lazy(() => import("./terminal"));

function stateOf(job: Job): "active" | "running" | "succeeded" | "failed" | "cancelled" {
  return job.state === "active" && job.steps.some((step) => step.state === "running") ? "running" : job.state;
}

const TONES: Record<ReturnType<typeof stateOf>, Tone> = {
  active: "warn",
  running: "good",
  succeeded: "plain",
  failed: "bad",
  cancelled: "plain",
};

function State({ job }: { job: Job }) {
  const t = useTexts(words);
  const state = stateOf(job);
  return <Badge tone={TONES[state]}>{t[`s_${state}`]}</Badge>;
}

export function Pods({ token }: { token: string }) {
  const t = useTexts(words);
  const asked = useQuery({
    queryKey: ["jobs", token],
    queryFn: () => getJson<{ data: Job[] }>("/v1/jobs", { query: { limit: 50 }, token }),
    refetchInterval: 5_000,
  });
  const columns: Column<Job>[] = [
    { key: "name", label: t.name, cell: (row) => <Link href={`/rent/pods/${row.id}`}>{row.name}</Link> },
    { key: "state", label: t.state, cell: (row) => <State job={row} /> },
    { key: "cost", label: t.cost, end: true, cell: (row) => <Money amount={row.charged} /> },
    { key: "started", label: t.started, cell: (row) => <When at={row.created} /> },
  ];
  if (asked.isPending) return <Skeleton lines={5} />;
  if (asked.error) return <Failure error={asked.error} retry={() => asked.refetch()} />;
  return (
    <Table
      caption={t.pods}
      columns={columns}
      rows={asked.data.data}
      keyOf={(row) => row.id}
      empty={
        <Empty
          title={t.noPods}
          action={
            <Link className="button primary" href="/rent/launch">
              {t.launch}
            </Link>
          }
        >
          {t.noPodsWhy}
        </Empty>
      }
    />
  );
}

const KEPT_MAX = 400_000;

function Logs({ job, step, token }: { job: Job; step: string; token: string }) {
  const t = useTexts(words);
  const [text, setText] = useState("");
  const [follow, setFollow] = useState(true);
  const next = useRef(0);
  const box = useRef<HTMLPreElement>(null);
  useQuery({
    queryKey: ["logs", job.id, step],
    queryFn: async () => {
      const path = `/v1/jobs/${job.id}/logs`;
      const piece = await getJson<{ data: string; next_offset: number; encoding: string }>(path, {
        query: { step, offset: next.current },
        token,
      });
      next.current = piece.next_offset;
      const said = piece.encoding === "base64" ? atob(piece.data) : piece.data;
      if (said) setText((before) => (before + said).slice(-KEPT_MAX));
      return piece.next_offset;
    },
    refetchInterval: 2_000,
    staleTime: 0,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: every new piece moves it
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, follow]);
  return (
    <>
      <Check label={t.follow} checked={follow} onChange={(event) => setFollow(event.target.checked)} />
      <div className="code-block">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre ref={box} tabIndex={0} role="log" aria-label={t.logs} style={{ maxHeight: 420, whiteSpace: "pre-wrap" }}>
          {text || t.noLogs}
        </pre>
      </div>
    </>
  );
}

function History({ job, token }: { job: Job; token: string }) {
  const t = useTexts(words);
  const language = useLanguage();
  const asked = useQuery({
    queryKey: ["explain", job.id],
    queryFn: () => getJson<{ history: { at: number; text: string }[] }>(`/v1/jobs/${job.id}/explain`, { token }),
    refetchInterval: 5_000,
  });
  if (asked.error) return <Failure error={asked.error} retry={() => asked.refetch()} />;
  return (
    <ol className="stack tight" aria-label={t.history}>
      {(asked.data?.history ?? []).map((one) => (
        <li key={`${one.at}/${one.text}`}>
          <span className="small soft numbers">{formatDate(one.at, language)}</span> {one.text}
        </li>
      ))}
    </ol>
  );
}

function OpenPort({ job, step, port, token }: { job: Job; step: string; port: string; token: string }) {
  const t = useTexts(words);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const open = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const body = { path: `ports/${step}/${port}`, seconds: 3_600 };
      const { url } = await postJson<{ url: string }>(`/v1/jobs/${job.id}/links`, body, { token });
      window.open(socketUrl(url, window.location.origin).replace(/^ws/, "http"), "_blank", "noopener");
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button busy={busy} onClick={open}>
        {t.openPort(port)}
      </Button>
      {failure !== null && <Failure error={failure} />}
    </>
  );
}

const PARTS = ["terminal", "logs", "metrics", "history"] as const;

function Parts({ job, token }: { job: Job; token: string }) {
  const t = useTexts(words);
  const [part, setPart] = useState<(typeof PARTS)[number]>("terminal");
  const running = job.steps.find((step) => step.state === "running");
  const step = running ?? job.steps[0];
  const name = step ? `${step.group}/${step.index}` : "";
  return (
    <>
      <Tabs
        label={job.name}
        tabs={PARTS.map((key) => ({ key, label: t[key] }))}
        chosen={part}
        onChoose={(key) => setPart(key as (typeof PARTS)[number])}
      />
      {part === "terminal" && !running && <Note>{job.state === "active" ? t.waiting : t.over}</Note>}
      {part === "terminal" && running && (
        <Suspense fallback={<Skeleton lines={8} />}>
          <Terminal job={job.id} step={name} token={token} />
        </Suspense>
      )}
      {part === "logs" && step && <Logs job={job} step={name} token={token} />}
      {part === "metrics" && <Metrics job={job} step={running ? name : null} token={token} />}
      {part === "history" && <History job={job} token={token} />}
    </>
  );
}

export function Pod({ id, token }: { id: string; token: string }) {
  const t = useTexts(words);
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const asked = useQuery({
    queryKey: ["job", id],
    queryFn: () => getJson<Job & { spec?: unknown }>(`/v1/jobs/${encodeURIComponent(id)}`, { token }),
    refetchInterval: 2_000,
  });
  const ports = portsKept(id);
  const job = asked.data;
  const stop = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await getJson(`/v1/jobs/${encodeURIComponent(id)}`, { method: "DELETE", token });
      toast(t.stopped);
      await queries.invalidateQueries();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  if (asked.error) return <Failure error={asked.error} retry={() => asked.refetch()} />;
  if (!job) return <Skeleton lines={8} />;
  const step = job.steps.find((one) => one.state === "running");
  return (
    <>
      <Card>
        <div className="row spread">
          <div className="row">
            <Button small onClick={() => go("/rent/pods")}>
              ← {t.back}
            </Button>
            <h2>{job.name}</h2>
            <State job={job} />
          </div>
          <div className="row">
            {step &&
              ports.map((port) => (
                <OpenPort key={port} job={job} step={`${step.group}/${step.index}`} port={port} token={token} />
              ))}
            {job.state === "active" && (
              <Button look="danger" busy={busy} onClick={stop}>
                {t.stop}
              </Button>
            )}
          </div>
        </div>
        <div className="columns narrow">
          <Stat name={t.cost} value={<Money amount={job.charged} />} />
          {step?.hourly && <Stat name={t.hourly} value={<Money amount={step.hourly} />} />}
          <Stat name={t.started} value={<When at={job.created} />} />
          {step?.node && <Stat name={t.machine} value={<Hash text={step.node} copy={false} />} />}
        </div>
        {failure !== null && <Failure error={failure} />}
      </Card>
      <Card>
        <Parts job={job} token={token} />
      </Card>
      <Card title={t.inSsh}>
        <Command text={`vcity ssh ${id}`} />
      </Card>
    </>
  );
}

const PORTS = "vcity.ports.";

/** Which ports a pod declares is known to whoever ordered it; kept for this tab. */
export function keepPort(id: string, port: string): void {
  if (port) sessionStorage.setItem(PORTS + id, port);
}

function portsKept(id: string): string[] {
  const port = sessionStorage.getItem(PORTS + id);
  return port ? [port] : [];
}
