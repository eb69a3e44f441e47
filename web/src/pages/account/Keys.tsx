// SPDX-License-Identifier: Apache-2.0
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTexts } from "../../i18n";
import { send } from "../../lib/api";
import { keepApiKey } from "../../lib/apikey";
import { useWallet } from "../../lib/chain";
import { parseUsd } from "../../lib/money";
import { wasRejected } from "../../lib/wallet";
import { Button, TextField } from "../../ui/controls";
import { Badge, Card, Dialog, Empty, Failure, Note, Skeleton } from "../../ui/surfaces";
import { type Column, Table } from "../../ui/table";
import { toast } from "../../ui/toast";
import { Copy, Money, When } from "../../ui/values";
import { type KeyInfo, listKeys, makeKey, windowOf } from "./data";
import { words } from "./texts";

const DAYS_MAX = 365;

function KeyForm({ onMade }: { onMade: (secret: string) => void }) {
  const t = useTexts(words);
  const wallet = useWallet();
  const [name, setName] = useState("");
  const [limitUsd, setLimit] = useState("5");
  const [dailyUsd, setDaily] = useState("");
  const [days, setDays] = useState("30");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const isDaily = dailyUsd.trim() === "" || parseUsd(dailyUsd) !== null;
  const dayCount = Number(days);
  const isDays = Number.isInteger(dayCount) && dayCount >= 1 && dayCount <= DAYS_MAX;
  const isLimit = (parseUsd(limitUsd) ?? 0n) > 0n;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!wallet) return setFailure(new Error(t.noWallet));
    setBusy(true);
    setFailure(null);
    try {
      const made = await makeKey(wallet, { name, limitUsd, dailyUsd, days: dayCount }, Math.floor(Date.now() / 1000));
      onMade(made.key);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="stack" onSubmit={submit}>
      <TextField
        label={t.name}
        hint={t.nameHint}
        required
        maxLength={64}
        value={name}
        onChange={(e) => setName(e.target.value)}
      />
      <TextField
        label={t.limit}
        hint={t.limitHint}
        wrong={isLimit ? null : t.badAmount}
        inputMode="decimal"
        value={limitUsd}
        onChange={(e) => setLimit(e.target.value)}
      />
      <div className="columns">
        <TextField
          label={t.daily}
          hint={t.dailyHint}
          wrong={isDaily ? null : t.badAmount}
          inputMode="decimal"
          value={dailyUsd}
          onChange={(e) => setDaily(e.target.value)}
        />
        <TextField
          label={t.days}
          wrong={isDays ? null : t.badDays}
          type="number"
          min={1}
          max={DAYS_MAX}
          value={days}
          onChange={(e) => setDays(e.target.value)}
        />
      </div>
      {failure !== null && (wasRejected(failure) ? <Note tone="warn">{t.rejected}</Note> : <Failure error={failure} />)}
      <div>
        <Button
          look="primary"
          type="submit"
          busy={busy}
          disabled={!isLimit || !isDaily || !isDays || name.trim() === ""}
        >
          {t.sign}
        </Button>
      </div>
    </form>
  );
}

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  const t = useTexts(words);
  return (
    <div className="stack">
      <Note tone="good">{t.once}</Note>
      <div className="code-block">
        <Copy text={secret} />
        <pre>
          <code data-testid="new-key">{secret}</code>
        </pre>
      </div>
      <div className="row">
        <Button
          look="primary"
          onClick={() => {
            keepApiKey(secret);
            toast(t.used);
            onClose();
          }}
        >
          {t.useHere}
        </Button>
        <Button onClick={onClose}>{t.close}</Button>
      </div>
    </div>
  );
}

function KeyActions({ row, onDone }: { row: KeyInfo; onDone: () => void }) {
  const t = useTexts(words);
  const [failure, setFailure] = useState<unknown>(null);
  const path = `/api/v1/keys/${encodeURIComponent(row.id)}`;
  const act = async (change: () => Promise<unknown>) => {
    setFailure(null);
    try {
      await change();
      onDone();
    } catch (error) {
      setFailure(error);
    }
  };
  if (row.revoked) return null;
  return (
    <span className="row">
      <Button small onClick={() => act(() => send(path, { method: "PATCH", body: { enabled: !row.enabled } }))}>
        {row.enabled ? t.turnOff : t.turnOn}
      </Button>
      <Button
        small
        look="danger"
        onClick={() => window.confirm(t.revokeSure(row.name)) && act(() => send(path, { method: "DELETE" }))}
      >
        {t.revoke}
      </Button>
      {failure !== null && <Failure error={failure} />}
    </span>
  );
}

function State({ row }: { row: KeyInfo }) {
  const t = useTexts(words);
  if (row.revoked) return <Badge tone="bad">{t.revoked}</Badge>;
  return row.enabled ? <Badge tone="good">{t.on}</Badge> : <Badge tone="warn">{t.off}</Badge>;
}

export function Keys() {
  const t = useTexts(words);
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const keys = useQuery({ queryKey: ["keys"], queryFn: listKeys });
  const refresh = () => void queries.invalidateQueries({ queryKey: ["keys"] });
  const close = () => {
    setOpen(false);
    setSecret(null);
    refresh();
  };
  const columns: Column<KeyInfo>[] = [
    {
      key: "key",
      label: t.columnKey,
      cell: (row) => (
        <span className="stack tight">
          <strong>{row.name || "–"}</strong>
          <span className="mono small soft">sk-…{row.last4}</span>
        </span>
      ),
    },
    { key: "state", label: "", cell: (row) => <State row={row} /> },
    {
      key: "limits",
      label: t.columnLimits,
      cell: (row) => (
        <span className="small">
          <Money amount={row.cap.limit} />
          {row.budgets.map((budget) => (
            <span key={budget.window}>
              <br />
              {t.perWindow(budget.usd.replace(/\.?0+$/, ""), ...windowOf(budget.window))}
            </span>
          ))}
        </span>
      ),
    },
    { key: "spent", label: t.columnSpent, end: true, cell: (row) => <Money amount={row.spending.total ?? "0"} /> },
    { key: "used", label: t.columnUsed, cell: (row) => (row.last_used_at ? <When at={row.last_used_at} /> : t.never) },
    { key: "actions", label: "", cell: (row) => <KeyActions row={row} onDone={refresh} /> },
  ];
  const make = (
    <Button look="primary" small onClick={() => setOpen(true)}>
      {t.newKey}
    </Button>
  );
  return (
    <Card title={t.keys} actions={make}>
      {keys.isError && <Failure error={keys.error} retry={() => keys.refetch()} />}
      {keys.isLoading && <Skeleton />}
      {keys.data && (
        <Table
          caption={t.keys}
          columns={columns}
          rows={keys.data.data}
          keyOf={(row) => row.id}
          empty={<Empty title={t.noKeys}>{t.noKeysText}</Empty>}
        />
      )}
      <Dialog title={t.newKey} open={open} onClose={close}>
        {secret ? <Secret secret={secret} onClose={close} /> : <KeyForm onMade={setSecret} />}
      </Dialog>
    </Card>
  );
}
