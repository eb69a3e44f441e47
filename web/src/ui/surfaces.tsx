// SPDX-License-Identifier: Apache-2.0
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef } from "react";
import { texts, useTexts } from "../i18n";
import { ApiError } from "../lib/api";
import { Button } from "./controls";

const words = texts(
  { close: "Close", retry: "Try again", request: (id: string) => `Request ${id}` },
  { close: "关闭", retry: "重试", request: (id: string) => `请求 ${id}` },
);

/** The heading of a page and what it is for; sets the title of the tab. */
export function Page({
  title,
  lead,
  actions,
  children,
}: {
  title: string;
  lead?: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Vcity`;
  }, [title]);
  return (
    <main className="page" id="main">
      <header>
        <div className="row spread">
          <h1 tabIndex={-1}>{title}</h1>
          {actions}
        </div>
        {lead && <p>{lead}</p>}
      </header>
      <div className="stack">{children}</div>
    </main>
  );
}

export function Card({ title, actions, children }: { title?: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="card stack" aria-label={title}>
      {(title || actions) && (
        <div className="row spread">
          {title && <h2>{title}</h2>}
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}

export type Tone = "plain" | "good" | "warn" | "bad" | "accent";

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone === "plain" ? "" : tone}`}>{children}</span>;
}

export function Note({ tone = "plain", children }: { tone?: "plain" | "good" | "warn" | "bad"; children: ReactNode }) {
  return (
    <div className={`note ${tone === "plain" ? "" : tone}`} role={tone === "bad" ? "alert" : undefined}>
      {children}
    </div>
  );
}

/** Nothing there yet: what it would be, and what to do. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <h3>{title}</h3>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** What went wrong, in the gateway's own words, with a way on. */
export function Failure({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const t = useTexts(words);
  const known = error instanceof ApiError ? error : null;
  return (
    <div className="note bad stack tight" role="alert">
      <strong>{error instanceof Error ? error.message : String(error)}</strong>
      {known?.requestId && <span className="small mono">{t.request(known.requestId)}</span>}
      {retry && (
        <div>
          <Button small onClick={retry}>
            {t.retry}
          </Button>
        </div>
      )}
    </div>
  );
}

export function Skeleton({ lines = 3 }: { lines?: number }) {
  const rows = Array.from({ length: lines }, (_, index) => index);
  return (
    <div className="stack tight" aria-hidden="true">
      {rows.map((row) => (
        <div key={row} className="skeleton" style={{ height: 18, width: `${92 - ((row * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export interface Tab {
  key: string;
  label: string;
}

export function Tabs({
  label,
  tabs,
  chosen,
  onChoose,
}: {
  label: string;
  tabs: readonly Tab[];
  chosen: string;
  onChoose: (key: string) => void;
}) {
  const id = useId();
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const at = tabs.findIndex((tab) => tab.key === chosen);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    onChoose(next.key);
    document.getElementById(`${id}-${next.key}`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label} onKeyDown={onKey}>
      {tabs.map((tab) => (
        <button
          key={tab.key}
          id={`${id}-${tab.key}`}
          type="button"
          role="tab"
          aria-selected={tab.key === chosen}
          tabIndex={tab.key === chosen ? 0 : -1}
          onClick={() => onChoose(tab.key)}
        >
          {tab.label}
        </button>
      ))}
    </div>
  );
}

export function Dialog({
  title,
  open,
  onClose,
  children,
}: {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}) {
  const t = useTexts(words);
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  return (
    <dialog ref={ref} className="dialog" aria-labelledby={id} onClose={onClose}>
      <header>
        <h2 id={id}>{title}</h2>
        <Button look="quiet" small onClick={onClose} aria-label={t.close}>
          ✕
        </Button>
      </header>
      <div className="body stack">{open && children}</div>
    </dialog>
  );
}

export function Stat({ name, value, note }: { name: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="stat">
      <span className="name">{name}</span>
      <span className="value">{value}</span>
      {note && <span className="small soft">{note}</span>}
    </div>
  );
}

export function Progress({ part, whole, label }: { part: number; whole: number; label: string }) {
  const share = whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
  return (
    <div
      className="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
    >
      <div style={{ width: `${share * 100}%` }} />
    </div>
  );
}
