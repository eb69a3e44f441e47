// SPDX-License-Identifier: Apache-2.0
import { type FormEvent, useCallback, useEffect, useState } from "react";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/explorer";
import { useNetwork, useWallet } from "../../lib/chain";
import { useSession } from "../../lib/session";
import { Button, TextArea } from "../../ui/controls";
import { Badge, Card, Failure, Note } from "../../ui/surfaces";
import { Hash, Money, When } from "../../ui/values";
import type { Report } from "./evidence";

function Checks({ report }: { report: Report }) {
  const t = useTexts(words);
  return (
    <ul className="stack tight" style={{ listStyle: "none", margin: 0, padding: 0 }}>
      {report.checks.map((one) => (
        <li key={one.name} className="row">
          <Badge tone={one.holds ? "good" : "bad"}>{one.holds ? "✓" : "✕"}</Badge>
          <span className="grow">
            {t[`check_${one.name}`]}
            <span className="small soft row">
              <span>
                {t.found} <Hash text={one.found} copy={false} />
              </span>
              {!one.holds && (
                <span>
                  {t.expected} <Hash text={one.expected} copy={false} />
                </span>
              )}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function Proof({ report }: { report: Report }) {
  const t = useTexts(words);
  if (!report.batch) return null;
  const from = report.root?.from === "chain" ? t.fromChain : t.fromExplorer;
  return (
    <Card title={t.proofSteps}>
      <ol className="stack tight">
        <li>
          {t.leaf} <Hash text={report.leaf} />
        </li>
        {report.steps.map((step, index) => (
          <li key={step.hash}>
            {t.step(String(index + 1))} <Hash text={step.sibling} copy={false} /> →{" "}
            <Hash text={step.hash} copy={false} />
          </li>
        ))}
        {report.root && (
          <li>
            <strong>{t.rootFrom(from)}</strong> <Hash text={report.root.value} />
          </li>
        )}
      </ol>
      {report.batch.transaction && (
        <p className="small soft">
          {t.index} #{report.batch.index} · {t.transaction} <Hash text={report.batch.transaction} />
        </p>
      )}
    </Card>
  );
}

function Fields({ report }: { report: Report }) {
  const t = useTexts(words);
  const { receipt } = report.signed;
  return (
    <Card title={t.receiptFields}>
      <div className="columns">
        <div>
          <span className="small soft">{t.node}</span>
          <div>
            <Hash text={receipt.node} />
          </div>
        </div>
        <div>
          <span className="small soft">{t.scheduler}</span>
          <div>
            <Hash text={receipt.scheduler} />
          </div>
        </div>
        <div>
          <span className="small soft">{t.client}</span>
          <div>
            <Hash text={receipt.client} />
          </div>
        </div>
        <div>
          <span className="small soft">{t.tokens}</span>
          <div className="numbers">
            {receipt.inputUnits.toString()} / {receipt.outputUnits.toString()}
          </div>
        </div>
        <div>
          <span className="small soft">{t.totalCharged}</span>
          <div>
            <Money amount={receipt.amount} />{" "}
            <span className="soft small">
              ({t.quoted} <Money amount={receipt.quote} />)
            </span>
          </div>
        </div>
        <div>
          <span className="small soft">{t.when}</span>
          <div>
            <When at={Number(receipt.finishedAt / 1000n)} />
          </div>
        </div>
      </div>
    </Card>
  );
}

function Outcome({ report }: { report: Report }) {
  const t = useTexts(words);
  const holds = report.checks.every((one) => one.holds);
  const placed = report.checks.some((one) => one.name === "in_batch");
  const text = !holds ? t.bad : placed ? t.good : t.goodPart;
  return (
    <>
      <Note tone={holds ? (placed ? "good" : "warn") : "bad"}>
        <strong>{text}</strong>
      </Note>
      <Card>
        <Checks report={report} />
      </Card>
      <Proof report={report} />
      <Fields report={report} />
    </>
  );
}

export function ReceiptCheck({ given }: { given: string }) {
  const t = useTexts(words);
  const network = useNetwork();
  const wallet = useWallet();
  const session = useSession();
  const [text, setText] = useState(given);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [report, setReport] = useState<Report | null>(null);
  const known = network.data;
  // A wallet is asked only by somebody who has signed in with it.
  const asked = session?.kind === "wallet" ? wallet : null;
  const run = useCallback(
    async (what: string) => {
      if (!known || !what.trim()) return;
      setBusy(true);
      setFailure(null);
      setReport(null);
      const evidence = await import("./evidence");
      try {
        setReport(await evidence.check(what, known, asked));
      } catch (error) {
        const own = error instanceof evidence.NotAReceipt ? t.unknownInput : null;
        const early = error instanceof evidence.NoReceiptYet ? t.noReceipt : null;
        setFailure(own ?? early ?? error);
      } finally {
        setBusy(false);
      }
    },
    [known, asked, t],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: what the address names is checked once
  useEffect(() => {
    if (given && known) run(given);
  }, [given, known]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run(text);
  };
  return (
    <>
      <p className="soft">{t.receiptLead}</p>
      <form className="stack tight" onSubmit={submit}>
        <TextArea
          label={t.receiptField}
          rows={3}
          className="input mono"
          value={text}
          onChange={(event) => setText(event.target.value)}
          spellCheck={false}
        />
        <div>
          <Button look="primary" type="submit" busy={busy} disabled={!known || !text.trim()}>
            {t.check}
          </Button>
        </div>
      </form>
      {network.error && <Failure error={network.error} retry={() => network.refetch()} />}
      {failure !== null && <Failure error={failure} />}
      {report && <Outcome report={report} />}
    </>
  );
}
