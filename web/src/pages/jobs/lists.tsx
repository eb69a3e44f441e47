// SPDX-License-Identifier: Apache-2.0
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { useTexts } from "../../i18n";
import { getJson, send } from "../../lib/api";
import { Button } from "../../ui/controls";
import { Empty, Failure, Skeleton } from "../../ui/surfaces";
import { Table } from "../../ui/table";
import { toast } from "../../ui/toast";
import { Money, When } from "../../ui/values";
import { bytesText, download, type Job, type List, type StoredFile, type Tune } from "./data";
import { State } from "./State";
import { words } from "./words";

const LIST_MS = 5_000;

export function JobList({ token }: { token: string }) {
  const t = useTexts(words);
  const jobs = useQuery({
    queryKey: ["jobs", token],
    queryFn: () => getJson<List<Job>>("/v1/jobs", { token, query: { limit: 100 } }),
    refetchInterval: LIST_MS,
  });
  if (jobs.isPending) return <Skeleton lines={5} />;
  if (jobs.isError) return <Failure error={jobs.error} retry={() => jobs.refetch()} />;
  const action = (
    <Link href="/jobs/new" className="button primary">
      {t.newJob}
    </Link>
  );
  return (
    <Table
      caption={t.jobs}
      rows={jobs.data.data}
      keyOf={(job) => job.id}
      empty={
        <Empty title={t.noJobs} action={action}>
          {t.noJobsWhy}
        </Empty>
      }
      columns={[
        { key: "name", label: t.name, cell: (job) => <Link href={`/jobs/${job.id}`}>{job.name || job.id}</Link> },
        { key: "state", label: t.state, cell: (job) => <State of={job.state} /> },
        { key: "charged", label: t.charged, end: true, cell: (job) => <Money amount={job.charged} /> },
        { key: "created", label: t.created, end: true, cell: (job) => <When at={job.created} /> },
      ]}
    />
  );
}

export function TuneList({ token }: { token: string }) {
  const t = useTexts(words);
  const tunes = useQuery({
    queryKey: ["tunes", token],
    queryFn: () => getJson<List<Tune>>("/v1/fine_tuning/jobs", { token, query: { limit: 100 } }),
    refetchInterval: LIST_MS,
  });
  if (tunes.isPending) return <Skeleton lines={5} />;
  if (tunes.isError) return <Failure error={tunes.error} retry={() => tunes.refetch()} />;
  const action = (
    <Link href="/jobs/fine-tuning/new" className="button primary">
      {t.newTune}
    </Link>
  );
  return (
    <Table
      caption={t.tunes}
      rows={tunes.data.data}
      keyOf={(tune) => tune.id}
      empty={
        <Empty title={t.noTunes} action={action}>
          {t.noTunesWhy}
        </Empty>
      }
      columns={[
        {
          key: "model",
          label: t.model,
          cell: (tune) => <Link href={`/jobs/fine-tuning/${tune.id}`}>{tune.fine_tuned_model ?? tune.model}</Link>,
        },
        { key: "state", label: t.state, cell: (tune) => <State of={tune.status} /> },
        { key: "charged", label: t.charged, end: true, cell: (tune) => <Money amount={tune.vcity.charged || "0"} /> },
        { key: "created", label: t.created, end: true, cell: (tune) => <When at={tune.created_at} /> },
      ]}
    />
  );
}

function FileActions({ file, token }: { file: StoredFile; token: string }) {
  const t = useTexts(words);
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const act = async (what: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await what();
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  const remove = async () => {
    await send(`/v1/files/${file.id}`, { method: "DELETE", token });
    toast(t.removed(file.filename));
    await queries.invalidateQueries({ queryKey: ["files"] });
  };
  return (
    <span className="row actions">
      <Button
        small
        busy={busy}
        aria-label={`${t.download} ${file.filename}`}
        onClick={() => act(() => download(`/v1/files/${file.id}/content`, file.filename, token))}
      >
        {t.download}
      </Button>
      <Button small look="danger" busy={busy} aria-label={`${t.remove} ${file.filename}`} onClick={() => act(remove)}>
        {t.remove}
      </Button>
    </span>
  );
}

export function FileList({ token }: { token: string }) {
  const t = useTexts(words);
  const files = useQuery({
    queryKey: ["files", token],
    queryFn: () => getJson<List<StoredFile>>("/v1/files", { token, query: { limit: 200 } }),
  });
  if (files.isPending) return <Skeleton lines={5} />;
  if (files.isError) return <Failure error={files.error} retry={() => files.refetch()} />;
  return (
    <Table
      caption={t.files}
      rows={files.data.data}
      keyOf={(file) => file.id}
      empty={<Empty title={t.noFiles}>{t.noFilesWhy}</Empty>}
      columns={[
        { key: "name", label: t.name, cell: (file) => <span className="breaks">{file.filename}</span> },
        { key: "purpose", label: t.purpose, cell: (file) => file.purpose },
        { key: "size", label: t.size, end: true, cell: (file) => bytesText(file.bytes) },
        { key: "created", label: t.created, end: true, cell: (file) => <When at={file.created_at} /> },
        { key: "act", label: "", end: true, cell: (file) => <FileActions file={file} token={token} /> },
      ]}
    />
  );
}
