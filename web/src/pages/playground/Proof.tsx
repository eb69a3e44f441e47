// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import type { Check } from "@vcity/sdk";
import { useTexts } from "../../i18n";
import { getJson } from "../../lib/api";
import { Badge, Failure, Skeleton, type Tone } from "../../ui/surfaces";
import { Hash } from "../../ui/values";
import { words } from "./texts";

interface Generation {
  data: {
    state: string;
    placement?: { reason?: string };
    receipt?: Record<string, unknown>;
    verdict?: { outcome: string; reason: string } | null;
    batch?: { index: number; transaction: string };
  };
}

interface Network {
  chain_id: number;
  contracts: Record<string, `0x${string}`>;
}

async function checksOf(receipt: Record<string, unknown>): Promise<Check[]> {
  const [sdk, network] = await Promise.all([import("@vcity/sdk"), getJson<Network>("/api/v1/network")]);
  const settlement = network.contracts.Settlement;
  const escrow = network.contracts.Escrow;
  if (!settlement || !escrow) throw new Error("the gateway does not name its contracts");
  return sdk.checkReceipt({
    signed: sdk.readReceipt(receipt),
    deployment: { chainId: network.chain_id, settlement, escrow },
    claimedHash: receipt.hash as `0x${string}`,
  });
}

function Line({ tone, mark, children }: { tone: Tone; mark: string; children: React.ReactNode }) {
  return (
    <li className="row">
      <Badge tone={tone}>{mark}</Badge>
      <span className="grow">{children}</span>
    </li>
  );
}

/** The receipt of one answer, and what can be said of it, step by step. */
export function Proof({ id, token }: { id: string; token: string }) {
  const t = useTexts(words);
  const generation = useQuery({
    queryKey: ["generation", id],
    queryFn: () => getJson<Generation>("/v1/generation", { query: { id }, token }),
    refetchInterval: (query) => (query.state.data?.data.batch ? false : 2_000),
  });
  const receipt = generation.data?.data.receipt;
  const checks = useQuery({
    queryKey: ["receipt-checks", id],
    enabled: receipt !== undefined,
    queryFn: () => checksOf(receipt ?? {}),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (generation.isError) return <Failure error={generation.error} retry={() => generation.refetch()} />;
  if (!generation.data) return <Skeleton lines={4} />;
  const { verdict, batch, placement } = generation.data.data;
  const names = {
    hash: t.stepHash,
    within_quote: t.stepQuote,
    node_signature: t.stepNode,
    scheduler_signature: t.stepScheduler,
    in_batch: t.stepBatch,
  };
  const isGood = verdict?.outcome === "accepted";
  return (
    <div className="stack tight">
      {placement?.reason && (
        <p className="small">
          <strong>{t.why}</strong> {placement.reason}
        </p>
      )}
      {checks.isError && <Failure error={checks.error} />}
      <ol className="steps">
        {(checks.data ?? []).map((check) => (
          <Line key={check.name} tone={check.holds ? "good" : "bad"} mark={check.holds ? t.holds : t.fails}>
            {names[check.name]}
          </Line>
        ))}
        {verdict ? (
          <Line tone={isGood ? "good" : "bad"} mark={isGood ? t.holds : t.fails}>
            {t.stepAudit}: {verdict.reason}
          </Line>
        ) : (
          <Line tone="plain" mark={t.open}>
            {batch ? t.stepAuditNone : t.stepAuditWait}
          </Line>
        )}
        {batch ? (
          <Line tone="good" mark={t.holds}>
            {t.stepBatch} {batch.index} <Hash text={batch.transaction} />
          </Line>
        ) : (
          <Line tone="plain" mark={t.open}>
            {t.stepBatchWait}
          </Line>
        )}
      </ol>
      <p className="small soft">{t.checkedHere}</p>
    </div>
  );
}
