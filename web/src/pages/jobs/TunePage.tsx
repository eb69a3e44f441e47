// SPDX-License-Identifier: Apache-2.0
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { Link } from "wouter";
import { formatNumber, useLanguage, useTexts } from "../../i18n";
import { getJson, postJson } from "../../lib/api";
import { Card, Failure, Note, Page, Skeleton, Stat } from "../../ui/surfaces";
import { Table } from "../../ui/table";
import { Copy, Money, When } from "../../ui/values";
import { allEvents, type Checkpoint, isOver, type List, lossesOf, pollMs, type Tune, type TuneEvent } from "./data";
import { CancelButton, LeftFiles } from "./parts";
import { State } from "./State";
import { words } from "./words";

const Chart = lazy(() => import("../../ui/chart"));
const LOSS_DIGITS = 4;

function lossText(loss: number | undefined): string {
  return loss === undefined ? "–" : loss.toFixed(LOSS_DIGITS);
}

function LossCurves({ events }: { events: readonly TuneEvent[] }) {
  const t = useTexts(words);
  const losses = useMemo(() => lossesOf(events), [events]);
  const lines = useMemo(
    () => [
      { label: t.training, values: losses.training },
      { label: t.validation, values: losses.validation, dashed: true },
    ],
    [t, losses],
  );
  return (
    <Card title={t.loss}>
      {losses.steps.length === 0 ? (
        <p className="soft">{t.noLoss}</p>
      ) : (
        <Suspense fallback={<Skeleton lines={8} />}>
          <Chart label={t.lossLabel} x={losses.steps} xLabel={t.atStep} lines={lines} />
        </Suspense>
      )}
    </Card>
  );
}

function Checkpoints({ tune, token }: { tune: Tune; token: string }) {
  const t = useTexts(words);
  const list = useQuery({
    queryKey: ["tune", tune.id, "checkpoints", tune.status],
    queryFn: () => getJson<List<Checkpoint>>(`/v1/fine_tuning/jobs/${tune.id}/checkpoints`, { token }),
    refetchInterval: pollMs(tune.status),
  });
  return (
    <Card title={t.checkpoints}>
      {list.isPending && <Skeleton lines={2} />}
      {list.isError && <Failure error={list.error} retry={() => list.refetch()} />}
      {list.data && (
        <Table
          caption={t.checkpoints}
          rows={list.data.data}
          keyOf={(point) => point.id}
          empty={<p className="soft">{t.noCheckpoints}</p>}
          columns={[
            { key: "step", label: t.atStep, cell: (point) => point.step_number },
            { key: "train", label: t.training, end: true, cell: (point) => lossText(point.metrics.train_loss) },
            { key: "valid", label: t.validation, end: true, cell: (point) => lossText(point.metrics.valid_loss) },
          ]}
        />
      )}
    </Card>
  );
}

function Events({ events }: { events: readonly TuneEvent[] }) {
  const t = useTexts(words);
  return (
    <Card title={t.events}>
      <ol className="events">
        {events.map((event) => (
          <li key={event.id}>
            <span className="soft small">
              <When at={event.created_at} />
            </span>
            <span className={event.level === "error" ? "breaks bad-text" : "breaks"}>{event.message}</span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Settings({ tune }: { tune: Tune }) {
  const t = useTexts(words);
  const shown = (value: number | string) => (value === "auto" ? t.auto : String(value));
  return (
    <Card title={t.settings}>
      <dl className="facts">
        <dt>{t.model}</dt>
        <dd>{tune.model}</dd>
        <dt>{t.epochs}</dt>
        <dd>{shown(tune.hyperparameters.n_epochs)}</dd>
        <dt>{t.batch}</dt>
        <dd>{shown(tune.hyperparameters.batch_size)}</dd>
        <dt>{t.rate}</dt>
        <dd>{shown(tune.hyperparameters.learning_rate_multiplier)}</dd>
        <dt>{t.theJob}</dt>
        <dd>
          <Link href={`/jobs/${tune.vcity.job}`} className="mono breaks">
            {tune.vcity.job}
          </Link>
        </dd>
      </dl>
    </Card>
  );
}

function Summary({ tune }: { tune: Tune }) {
  const t = useTexts(words);
  const language = useLanguage();
  return (
    <Card>
      <div className="columns stats">
        <Stat name={t.state} value={<State of={tune.status} />} />
        <Stat name={t.charged} value={<Money amount={tune.vcity.charged || "0"} />} />
        <Stat
          name={t.tokens}
          value={tune.trained_tokens === null ? "–" : formatNumber(tune.trained_tokens, language)}
        />
        <Stat name={t.created} value={<When at={tune.created_at} />} />
      </div>
      {tune.fine_tuned_model && (
        <Note tone="good">
          <span className="row">
            {t.tuned}
            <span className="mono breaks">{tune.fine_tuned_model}</span>
            <Copy text={tune.fine_tuned_model} />
          </span>
        </Note>
      )}
      {tune.error && (
        <Note tone="bad">
          <strong>{t.failedWhy}</strong>
          <br />
          {tune.error.message}
        </Note>
      )}
    </Card>
  );
}

function Shown({ tune, token }: { tune: Tune; token: string }) {
  const t = useTexts(words);
  const events = useQuery({
    queryKey: ["tune", tune.id, "events", tune.status],
    queryFn: () => allEvents(tune.id, token),
    refetchInterval: pollMs(tune.status),
    placeholderData: (before) => before,
  });
  return (
    <>
      <Summary tune={tune} />
      <LossCurves events={events.data ?? []} />
      <div className="columns wide">
        <Checkpoints tune={tune} token={token} />
        <Settings tune={tune} />
      </div>
      {tune.vcity.files.length > 0 && (
        <Card title={t.adapter}>
          <p className="soft">{t.adapterWhy}</p>
          <LeftFiles files={tune.vcity.files} token={token} caption={t.adapter} />
        </Card>
      )}
      {events.isError && <Failure error={events.error} retry={() => events.refetch()} />}
      <Events events={events.data ?? []} />
    </>
  );
}

export function TunePage({ id, token }: { id: string; token: string }) {
  const t = useTexts(words);
  const queries = useQueryClient();
  const asked = useQuery({
    queryKey: ["tune", id],
    queryFn: () => getJson<Tune>(`/v1/fine_tuning/jobs/${id}`, { token }),
    refetchInterval: (query) => pollMs(query.state.data?.status),
  });
  const tune = asked.data;
  const cancel = async () => {
    await postJson(`/v1/fine_tuning/jobs/${id}/cancel`, {}, { token });
    await queries.invalidateQueries({ queryKey: ["tune", id] });
  };
  return (
    <Page title={t.tunes} actions={tune && !isOver(tune.status) ? <CancelButton cancel={cancel} /> : null}>
      {asked.isPending && <Skeleton lines={8} />}
      {asked.isError && <Failure error={asked.error} retry={() => asked.refetch()} />}
      {tune && <Shown tune={tune} token={token} />}
    </Page>
  );
}
