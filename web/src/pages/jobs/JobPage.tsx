// SPDX-License-Identifier: Apache-2.0
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTexts } from "../../i18n";
import { getJson, send } from "../../lib/api";
import { Select } from "../../ui/controls";
import { Card, Failure, Note, Page, Progress, Skeleton, Stat } from "../../ui/surfaces";
import { Table } from "../../ui/table";
import { Hash, Money, When } from "../../ui/values";
import { isOver, type Job, type LeftFile, type List, outputFrom, pollMs, type Step } from "./data";
import { CancelButton, LeftFiles } from "./parts";
import { State } from "./State";
import { words } from "./words";

const OUTPUT_CHARS_MAX = 200_000;
const OUTPUT_MS = 1_000;

/** Follows the output of one step until its end. */
function useOutput(job: string, step: string, token: string) {
  const [text, setText] = useState("");
  const [isCut, setCut] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    let offset = 0;
    setText("");
    setCut(false);
    setFailure(null);
    const ask = async () => {
      try {
        const piece = await outputFrom(job, step, offset, token);
        if (isGone) return;
        offset = piece.next;
        setText((old) => {
          const all = old + piece.text;
          if (all.length > OUTPUT_CHARS_MAX) setCut(true);
          return all.slice(-OUTPUT_CHARS_MAX);
        });
        if (!piece.end) timer = setTimeout(ask, piece.text === "" ? OUTPUT_MS : 0);
      } catch (error) {
        if (!isGone) setFailure(error);
      }
    };
    void ask();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [job, step, token]);
  return { text, isCut, failure };
}

function StepOutput({ job, step, token }: { job: string; step: string; token: string }) {
  const t = useTexts(words);
  const { text, isCut, failure } = useOutput(job, step, token);
  const ref = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows the end whenever text comes
  useEffect(() => {
    ref.current?.scrollTo({ top: ref.current.scrollHeight });
  }, [text]);
  return (
    <div className="stack tight">
      {failure !== null && <Failure error={failure} />}
      {isCut && <Note>{t.truncated}</Note>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={ref} className="log" tabIndex={0} aria-label={`${t.output} ${step}`}>
        {text || <span className="soft">{t.noOutput}</span>}
      </section>
    </div>
  );
}

function Outputs({ job, token }: { job: Job; token: string }) {
  const t = useTexts(words);
  const steps = job.steps ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const step = chosen ?? steps[0]?.name;
  if (!step) return null;
  const state = steps.find((one) => one.name === step);
  return (
    <Card title={t.output}>
      {steps.length > 1 && (
        <Select
          label={t.outputOf}
          value={step}
          onChange={(event) => setChosen(event.target.value)}
          options={steps.map((one) => ({ value: one.name, label: one.name }))}
        />
      )}
      <StepOutput key={`${step} ${state?.attempt}`} job={job.id} step={step} token={token} />
    </Card>
  );
}

function Steps({ steps }: { steps: readonly Step[] }) {
  const t = useTexts(words);
  return (
    <Card title={t.steps}>
      <Table
        caption={t.steps}
        rows={steps}
        keyOf={(step) => step.id}
        columns={[
          { key: "name", label: t.step, cell: (step) => step.name },
          { key: "state", label: t.state, cell: (step) => <State of={step.state} /> },
          { key: "node", label: t.node, cell: (step) => (step.node ? <Hash text={step.node} copy={false} /> : "–") },
          { key: "why", label: t.why, cell: (step) => <span className="small soft">{step.reason}</span> },
          { key: "exit", label: t.exit, end: true, cell: (step) => step.exit_code ?? "–" },
          { key: "charged", label: t.charged, end: true, cell: (step) => <Money amount={step.charged} /> },
        ]}
      />
    </Card>
  );
}

interface Explanation {
  history: { at: number; text: string }[];
}

function History({ job, token }: { job: Job; token: string }) {
  const t = useTexts(words);
  const told = useQuery({
    queryKey: ["job", job.id, "explain", job.state],
    queryFn: () => getJson<Explanation>(`/v1/jobs/${job.id}/explain`, { token }),
    refetchInterval: pollMs(job.state),
    placeholderData: (before) => before,
  });
  return (
    <Card title={t.history}>
      {told.isPending && <Skeleton />}
      {told.isError && <Failure error={told.error} retry={() => told.refetch()} />}
      {told.data?.history.length === 0 && <p className="soft">{t.noHistory}</p>}
      <ol className="events">
        {told.data?.history.map((event, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the history only grows
          <li key={index}>
            <span className="soft small">
              <When at={event.at} />
            </span>
            <span className="breaks">{event.text}</span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Left({ job, token }: { job: Job; token: string }) {
  const t = useTexts(words);
  const files = useQuery({
    queryKey: ["job", job.id, "files", job.state],
    queryFn: () => getJson<List<LeftFile>>(`/v1/jobs/${job.id}/files`, { token }),
  });
  return (
    <Card title={t.left}>
      {files.isPending && <Skeleton lines={2} />}
      {files.isError && <Failure error={files.error} retry={() => files.refetch()} />}
      {files.data && <LeftFiles files={files.data.data} token={token} caption={t.left} />}
    </Card>
  );
}

function Done({ part, whole }: { part: number; whole: number }) {
  const t = useTexts(words);
  return (
    <div className="stack tight">
      <Progress part={part} whole={whole} label={t.progress} />
      <span className="small soft">{t.done(part, whole)}</span>
    </div>
  );
}

function textOf(error: unknown): string {
  if (typeof error === "string") return error;
  return (error as { message?: string }).message ?? JSON.stringify(error);
}

export function JobPage({ id, token }: { id: string; token: string }) {
  const t = useTexts(words);
  const queries = useQueryClient();
  const asked = useQuery({
    queryKey: ["job", id],
    queryFn: () => getJson<Job>(`/v1/jobs/${id}`, { token }),
    refetchInterval: (query) => pollMs(query.state.data?.state),
  });
  const job = asked.data;
  const cancel = async () => {
    await send(`/v1/jobs/${id}`, { method: "DELETE", token });
    await queries.invalidateQueries({ queryKey: ["job", id] });
  };
  return (
    <Page title={job?.name ?? t.jobs} actions={job && !isOver(job.state) ? <CancelButton cancel={cancel} /> : null}>
      {asked.isPending && <Skeleton lines={8} />}
      {asked.isError && <Failure error={asked.error} retry={() => asked.refetch()} />}
      {job && (
        <>
          <Card>
            <div className="columns stats">
              <Stat name={t.state} value={<State of={job.state} />} />
              <Stat
                name={t.charged}
                value={<Money amount={job.charged} />}
                note={
                  <>
                    {t.budget} <Money amount={job.budget} />
                  </>
                }
              />
              <Stat name={t.created} value={<When at={job.created} />} />
            </div>
            {job.progress && <Done part={job.progress.done} whole={job.progress.total} />}
            {job.error !== null && job.error !== undefined && <Note tone="bad">{textOf(job.error)}</Note>}
          </Card>
          <Steps steps={job.steps ?? []} />
          <Outputs job={job} token={token} />
          <Left job={job} token={token} />
          <History job={job} token={token} />
        </>
      )}
    </Page>
  );
}
