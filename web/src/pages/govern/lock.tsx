// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import {
  abiOfVCAIToken,
  claimRewards,
  decayCurve,
  endWeeks,
  expectedShare,
  LOCK_MIN,
  LOCK_WEEKS_MAX,
  type LockState,
  lock,
  lockStrength,
  lockWeight,
  readLock,
  WEEK,
  withdrawLock,
} from "@vcity/sdk";
import { lazy, Suspense, useId, useMemo, useState } from "react";
import { formatDay, useLanguage, useTexts } from "../../i18n";
import { words } from "../../i18n/govern";
import { parseToken, tokenText } from "../../lib/money";
import { Button, TextField } from "../../ui/controls";
import { Card, Failure, Skeleton, Stat } from "../../ui/surfaces";
import { Connect, type Hand, type Hands, useHand } from "./hand";

const Chart = lazy(() => import("../../ui/chart"));
const vcai = (amount: bigint, digits = 2) => tokenText(amount, 18, digits);
// Before anybody has connected: the contract's value at launch, and weeks that begin now.
const LINEAR_BELOW = 10_000n * LOCK_MIN;

interface Held extends LockState {
  balance: bigint;
  /** Unix seconds, of the newest block. */
  now: bigint;
}

async function readHeld({ clients, at, account }: Hand): Promise<Held> {
  const token = { address: at.vcai, abi: abiOfVCAIToken } as const;
  const [state, balance, block] = await Promise.all([
    readLock(clients.read, at.ve, account),
    clients.read.readContract({ ...token, functionName: "balanceOf", args: [account] }),
    clients.read.getBlock(),
  ]);
  return { ...state, balance, now: block.timestamp };
}

/** What a lock would be: the present one with `added`, ending so many weeks from now. */
export function simulate(held: Held | null, added: bigint, weeks: bigint, clock: bigint) {
  const now = held ? held.now - held.origin : clock % WEEK;
  const present = held && held.endWeek * WEEK > now ? held : null;
  const { first, last } = endWeeks(now, present?.endWeek);
  const wanted = now / WEEK + weeks;
  let endWeek = wanted;
  if (endWeek < first) endWeek = first;
  if (endWeek > last) endWeek = last;
  const amount = (present?.amount ?? 0n) + added;
  const strength = lockStrength(amount, held?.linearBelow ?? LINEAR_BELOW);
  const weight = lockWeight(strength, endWeek, now);
  const half = lockWeight(strength, endWeek, now + (endWeek * WEEK - now) / 2n);
  const total = (held?.totalWeight ?? 0n) - (held?.weight ?? 0n) + weight;
  const unlocksAt = (held ? held.origin : clock - now) + endWeek * WEEK;
  return { amount, strength, weight, half, total, endWeek, unlocksAt, now };
}

function WeeksField({ weeks, onChange, note }: { weeks: number; onChange: (weeks: number) => void; note: string }) {
  const t = useTexts(words);
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{t.weeks}</label>
      <input
        id={id}
        type="range"
        min={1}
        max={Number(LOCK_WEEKS_MAX)}
        value={weeks}
        onChange={(event) => onChange(Number(event.target.value))}
        aria-valuetext={note}
        style={{ accentColor: "var(--accent)" }}
      />
      <span className="hint numbers">{note}</span>
    </div>
  );
}

function Curve({ strength, endWeek, now, start }: { strength: bigint; endWeek: bigint; now: bigint; start: bigint }) {
  const t = useTexts(words);
  const { x, lines } = useMemo(() => {
    const points = decayCurve(strength, endWeek, now, 60);
    return {
      x: points.map((point) => Number(start + point.time - now)),
      lines: [{ label: t.weight, values: points.map((point) => Number(point.weight / 10n ** 12n) / 1e6) }],
    };
  }, [strength, endWeek, now, start, t]);
  return (
    <Suspense fallback={<Skeleton lines={6} />}>
      <Chart label={t.curve} x={x} lines={lines} time height={220} />
    </Suspense>
  );
}

function Simulator({ held, hands }: { held: Held | null; hands: Hands }) {
  const t = useTexts(words);
  const language = useLanguage();
  const [text, setText] = useState("1000");
  const [weeks, setWeeks] = useState(104);
  const [clock] = useState(() => BigInt(Math.floor(Date.now() / 1000)));
  const added = parseToken(text || "0", 18);
  const is = simulate(held, added ?? 0n, BigInt(weeks), clock);
  const start = held?.now ?? clock;
  const wrong = added === null || is.amount < LOCK_MIN || (held && added > held.balance) ? t.wrongAmount : null;
  const hint = held ? t.amountHint(vcai(held.balance)) : t.amountSimple;
  const name = held && held.amount > 0n ? t.addNow : t.lockNow;
  const share = is.total > 0n ? `${(Number((is.weight * 100_000n) / is.total) / 1_000).toFixed(2)} %` : "–";
  const remaining = ((is.endWeek * WEEK - is.now + WEEK - 1n) / WEEK).toString();
  return (
    <Card title={t.simulator}>
      <div className="columns narrow">
        <TextField
          label={t.amount}
          inputMode="decimal"
          value={text}
          hint={hint}
          wrong={wrong}
          onChange={(event) => setText(event.target.value)}
        />
        <WeeksField
          weeks={weeks}
          onChange={setWeeks}
          note={t.weeksValue(remaining, formatDay(Number(is.unlocksAt), language))}
        />
      </div>
      <div className="columns narrow">
        <Stat name={t.weightNow} value={vcai(is.weight)} />
        <Stat name={t.half} value={vcai(is.half)} />
        {held && <Stat name={t.shareOfAll} value={share} />}
        {held && held.streamLeft > 0n && (
          <Stat
            name={t.reward}
            value={`${vcai(expectedShare(is.weight, is.total, held.streamLeft))} VCAI`}
            note={t.rewardNote}
          />
        )}
      </div>
      <Curve strength={is.strength} endWeek={is.endWeek} now={is.now} start={start} />
      {held && (
        <>
          <p className="small soft">{t.signHint}</p>
          <div>
            <Button
              look="primary"
              busy={hands.busy === name}
              disabled={wrong !== null || hands.busy !== null}
              onClick={() => hands.act(name, (hand) => lock(hand.clients, hand.at, added ?? 0n, is.endWeek))}
            >
              {name}
            </Button>
          </div>
        </>
      )}
    </Card>
  );
}

function Present({ held, hands }: { held: Held; hands: Hands }) {
  const t = useTexts(words);
  const language = useLanguage();
  const unlocksAt = held.origin + held.endWeek * WEEK;
  const isOver = unlocksAt <= held.now;
  return (
    <Card title={t.yours}>
      <div className="columns narrow">
        <Stat name={t.locked} value={`${vcai(held.amount)} VCAI`} note={held.amount === 0n ? t.none : undefined} />
        <Stat name={t.weight} value={vcai(held.weight)} />
        {held.amount > 0n && <Stat name={t.ends} value={formatDay(Number(unlocksAt), language)} />}
        <Stat name={t.claimable} value={`${vcai(held.claimable, 6)} VCAI`} />
        <Stat name={t.totalLocked} value={`${vcai(held.totalLocked)} VCAI`} />
      </div>
      {held.amount > 0n && (
        <div className="row">
          <Button
            busy={hands.busy === t.claim}
            disabled={held.claimable === 0n || hands.busy !== null}
            onClick={() => hands.act(t.claim, (hand) => claimRewards(hand.clients, hand.at))}
          >
            {t.claim}
          </Button>
          {isOver && (
            <Button
              busy={hands.busy === t.withdraw}
              onClick={() => hands.act(t.withdraw, (hand) => withdrawLock(hand.clients, hand.at))}
            >
              {t.withdraw}
            </Button>
          )}
        </div>
      )}
    </Card>
  );
}

export function Lock() {
  const hands = useHand();
  const { hand } = hands;
  const held = useQuery({
    queryKey: ["lock", hand?.account],
    queryFn: () => readHeld(hand as Hand),
    enabled: hand !== null,
    refetchInterval: 10_000,
  });
  return (
    <>
      <Connect hands={hands} />
      {held.error && <Failure error={held.error} retry={() => held.refetch()} />}
      {held.data && <Present held={held.data} hands={hands} />}
      <Simulator held={held.data ?? null} hands={hands} />
    </>
  );
}
