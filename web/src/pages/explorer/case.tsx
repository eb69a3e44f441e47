// SPDX-License-Identifier: Apache-2.0
// One case of the court: who, what was found, what was taken and where it went, each step with its transaction.
import { useTexts } from "../../i18n";
import { words } from "../../i18n/explorer";
import { tokenText } from "../../lib/money";
import { Badge, Card, Stat, type Tone } from "../../ui/surfaces";
import { Hash, Money } from "../../ui/values";
import type { CaseRecord } from "./data";

const VCAI_DECIMALS = 18;
const TONES: Record<string, Tone> = {
  proven: "bad",
  ruled: "bad",
  executed: "bad",
  appealed: "warn",
  drawing: "warn",
  judging: "warn",
  rejected: "good",
  appeal_granted: "good",
};
const TIERS = ["none", "minor", "medium", "severe"] as const;

interface Sums {
  tier: (typeof TIERS)[number] | null;
  lossUsd: bigint | null;
  taken: bigint | null;
  paidUsd: bigint | null;
  paidVcai: bigint | null;
}

function whole(text: string | undefined): bigint | null {
  return text !== undefined && /^\d{1,78}$/.test(text) ? BigInt(text) : null;
}

/** What the steps of a case say that was found, taken and paid; null where no step says it yet. */
export function sumsOf(steps: CaseRecord["steps"]): Sums {
  const valuesOf = (event: string) => steps.find((step) => step.event === event)?.values;
  const ruled = valuesOf("CaseRuled");
  const executed = valuesOf("CaseExecuted");
  const stake = whole(ruled?.fromStake);
  const unbonding = whole(ruled?.fromUnbonding);
  return {
    tier: TIERS[Number(ruled?.tier ?? -1)] ?? null,
    lossUsd: whole(ruled?.lossUsd ?? steps[0]?.values.lossUsd),
    taken: stake === null && unbonding === null ? null : (stake ?? 0n) + (unbonding ?? 0n),
    paidUsd: whole(executed?.paidUsd),
    paidVcai: whole(executed?.paidVcai),
  };
}

function Party({ name, address }: { name: string; address: string | undefined }) {
  return address ? (
    <span>
      {name} <Hash text={address} />
    </span>
  ) : null;
}

export function CaseCard({ one }: { one: CaseRecord }) {
  const t = useTexts(words);
  const sums = sumsOf(one.steps);
  const stateText = (t as Record<string, unknown>)[`state_${one.state}`];
  const stepText = (event: string) => {
    const text = (t as Record<string, unknown>)[`step_${event}`];
    return typeof text === "string" ? text : event;
  };
  const vcai = (amount: bigint) => `${tokenText(amount, VCAI_DECIMALS)} VCAI`;
  return (
    <Card
      title={t.case(String(one.id))}
      actions={
        <Badge tone={TONES[one.state ?? ""] ?? "plain"}>
          {typeof stateText === "string" ? stateText : (one.state ?? "–")}
        </Badge>
      }
    >
      <div className="row small">
        <Party name={t.accused} address={one.accused} />
        <Party name={t.accuser} address={one.accuser} />
        <Party name={t.victim} address={one.victim} />
      </div>
      <div className="columns narrow">
        {sums.tier && <Stat name={t.fault} value={t[`tier_${sums.tier}`]} />}
        {sums.lossUsd !== null && <Stat name={t.loss} value={<Money amount={sums.lossUsd} />} />}
        {sums.taken !== null && <Stat name={t.taken} value={vcai(sums.taken)} />}
        {sums.paidUsd !== null && sums.paidVcai !== null && (
          <Stat name={t.paidToVictim} value={<Money amount={sums.paidUsd} />} note={vcai(sums.paidVcai)} />
        )}
      </div>
      <ol className="stack tight">
        {one.steps.map((step) => (
          <li key={`${step.transaction}/${step.event}`}>
            {stepText(step.event)} <Hash text={step.transaction} />
          </li>
        ))}
      </ol>
    </Card>
  );
}
