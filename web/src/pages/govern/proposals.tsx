// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { abiOfVCAIGovernor, advanceProposal, castVote, type ProposalState, type Support } from "@vcity/sdk";
import { useState } from "react";
import { useLanguage, useTexts } from "../../i18n";
import { words } from "../../i18n/govern";
import { ruleContractTitle, ruleTitle } from "../../i18n/rules";
import { getJson } from "../../lib/api";
import { chartNumber, type Hex, type Listed, useNetwork } from "../../lib/chain";
import { Button } from "../../ui/controls";
import { Badge, Card, Dialog, Empty, Failure, Note, Progress, Skeleton, type Tone } from "../../ui/surfaces";
import { Hash, When } from "../../ui/values";
import { Connect, type Hand, type Hands, useHand } from "./hand";
import { NewProposal } from "./newproposal";
import { changeIn } from "./rules";

interface Proposal {
  id: string;
  proposer: Hex;
  description: string;
  calls: { target: Hex; value: string; data: Hex }[];
  open_from: number;
  open_until: number;
  voting_until?: number;
  votes_for: string;
  votes_against: string;
  votes_abstain: string;
  voters: number;
  state: ProposalState;
  transaction: Hex;
}

const TONES: Partial<Record<ProposalState, Tone>> = {
  voting: "accent",
  succeeded: "good",
  executed: "good",
  executable: "good",
  defeated: "bad",
  cancelled: "bad",
  expired: "bad",
};

function Bars({ one }: { one: Proposal }) {
  const t = useTexts(words);
  const values = [one.votes_for, one.votes_against, one.votes_abstain].map((text) => chartNumber(text) ?? 0);
  const total = values.reduce((sum, value) => sum + value, 0);
  const names = [t.votesFor, t.votesAgainst, t.votesAbstain];
  return (
    <div className="columns">
      {names.map((name, index) => (
        <div key={name} className="stack tight">
          <span className="row spread small">
            <span>{name}</span>
            <span className="numbers">{(values[index] ?? 0).toFixed(2)}</span>
          </span>
          <Progress label={name} part={values[index] ?? 0} whole={total} />
        </div>
      ))}
    </div>
  );
}

const STEPS: Partial<Record<ProposalState, "openVote" | "queue" | "execute">> = {
  openable: "openVote",
  succeeded: "queue",
  executable: "execute",
};

const CAST = ["votesAgainst", "votesFor", "votesAbstain"] as const;

/** How the connected account has voted; null: not yet. */
function useVote(one: Proposal, hand: Hand | null) {
  return useQuery({
    queryKey: ["vote", one.id, hand?.account, one.voters],
    queryFn: async () => {
      if (!hand) return null;
      const call = { address: hand.at.governor, abi: abiOfVCAIGovernor, functionName: "voteOf" } as const;
      const [voted, support] = await hand.clients.read.readContract({ ...call, args: [BigInt(one.id), hand.account] });
      return voted ? (CAST[support] ?? null) : null;
    },
    enabled: hand !== null && one.state === "voting",
  });
}

function Actions({ one, hands }: { one: Proposal; hands: Hands }) {
  const t = useTexts(words);
  const cast = useVote(one, hands.hand).data ?? null;
  if (!hands.hand) return null;
  const id = BigInt(one.id);
  const votes: [string, Support][] = [
    [t.voteFor, "for"],
    [t.voteAgainst, "against"],
    [t.voteAbstain, "abstain"],
  ];
  const step = STEPS[one.state];
  return (
    <div className="row">
      {cast && <Note tone="good">{t.youVoted(t[cast])}</Note>}
      {one.state === "voting" &&
        !cast &&
        votes.map(([name, vote]) => (
          <Button
            key={vote}
            look={vote === "for" ? "primary" : "plain"}
            busy={hands.busy === name}
            disabled={hands.busy !== null}
            onClick={() => hands.act(name, (hand) => castVote(hand.clients, hand.at.governor, id, vote))}
          >
            {name}
          </Button>
        ))}
      {step && (
        <Button
          look="primary"
          busy={hands.busy === t[step]}
          disabled={hands.busy !== null}
          onClick={() => hands.act(t[step], (hand) => advanceProposal(hand.clients, hand.at.governor, id, step))}
        >
          {t[step]}
        </Button>
      )}
    </div>
  );
}

function CallText({ call }: { call: Proposal["calls"][number] }) {
  const t = useTexts(words);
  const language = useLanguage();
  const network = useNetwork();
  const change = changeIn(call, network.data?.contracts ?? {});
  if (change) {
    return (
      <>
        {t.rulesOf(ruleContractTitle(change.contract, language))}:{" "}
        <span className="mono small breaks">
          {change.rules.map((rule) => `${ruleTitle(rule.name, language)} = ${rule.value}`).join(", ")}
        </span>
      </>
    );
  }
  return (
    <>
      <Hash text={call.target} /> <span className="mono small breaks">{call.data}</span>
    </>
  );
}

function ProposalCard({ one, hands }: { one: Proposal; hands: Hands }) {
  const t = useTexts(words);
  const title = one.description.split("\n")[0]?.slice(0, 120) || one.id.slice(0, 12);
  const rest = one.description.slice(title.length).trim();
  return (
    <Card title={title} actions={<Badge tone={TONES[one.state] ?? "plain"}>{t[`state_${one.state}`]}</Badge>}>
      <div className="row small soft">
        <span>
          {t.by} <Hash text={one.proposer} />
        </span>
        {one.state === "discussion" && (
          <span>
            {t.opensAt} <When at={one.open_from} />
          </span>
        )}
        {one.state === "voting" && one.voting_until && (
          <span>
            {t.votingUntil} <When at={one.voting_until} />
          </span>
        )}
      </div>
      {rest && <p style={{ whiteSpace: "pre-wrap" }}>{rest}</p>}
      <Bars one={one} />
      <Actions one={one} hands={hands} />
      <details>
        <summary>{t.more}</summary>
        <ul className="stack tight">
          {one.calls.map((call, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: calls of a proposal never change
            <li key={index}>
              <CallText call={call} />
            </li>
          ))}
        </ul>
      </details>
    </Card>
  );
}

export function Proposals() {
  const t = useTexts(words);
  const hands = useHand();
  const [open, setOpen] = useState(false);
  const asked = useQuery({
    queryKey: ["explorer", "proposals"],
    queryFn: () => getJson<Listed<Proposal>>("/api/v1/proposals", { query: { limit: 50 }, token: null }),
    refetchInterval: 3_000,
  });
  return (
    <>
      <Connect hands={hands} />
      {hands.hand && (
        <div>
          <Button onClick={() => setOpen(true)}>{t.propose}</Button>
        </div>
      )}
      {hands.hand && (
        <Dialog title={t.propose} open={open} onClose={() => setOpen(false)}>
          <NewProposal hands={hands} hand={hands.hand} onDone={() => setOpen(false)} />
        </Dialog>
      )}
      {asked.isPending && <Skeleton lines={6} />}
      {asked.error && <Failure error={asked.error} retry={() => asked.refetch()} />}
      {asked.data?.data.length === 0 && <Empty title={t.noProposals}>{t.noProposalsWhy}</Empty>}
      {asked.data?.data.map((one) => (
        <ProposalCard key={one.id} one={one} hands={hands} />
      ))}
    </>
  );
}
