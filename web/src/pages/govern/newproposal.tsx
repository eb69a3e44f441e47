// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import {
  abiOfVCAIGovernor,
  changeOfRules,
  isRuleValue,
  type Rule,
  type RuleContract,
  readRules,
  ruleContracts,
} from "@vcity/sdk";
import { type FormEvent, useState } from "react";
import { useLanguage, useTexts } from "../../i18n";
import { words } from "../../i18n/govern";
import { ruleContractTitle, ruleTitle } from "../../i18n/rules";
import type { Hex } from "../../lib/chain";
import { Button, Select, TextArea, TextField } from "../../ui/controls";
import { Failure, Note, Skeleton } from "../../ui/surfaces";
import type { Hand, Hands } from "./hand";

const OTHER = "";

interface Call {
  target: Hex;
  data: Hex;
}

async function propose({ clients, at }: Hand, { target, data }: Call, description: string): Promise<Hex> {
  const { request } = await clients.read.simulateContract({
    address: at.governor,
    abi: abiOfVCAIGovernor,
    functionName: "propose",
    args: [[{ target, value: 0n, data }], description],
    account: clients.wallet.account,
  });
  const hash = await clients.wallet.writeContract(request);
  await clients.read.waitForTransactionReceipt({ hash });
  return hash;
}

/** Asks for the new values of a contract's rules; the call is null while nothing is changed or a value cannot be. */
function RuleFields({
  contract,
  present,
  onCall,
}: {
  contract: RuleContract;
  present: readonly Rule[];
  onCall: (data: Hex | null) => void;
}) {
  const t = useTexts(words);
  const language = useLanguage();
  const [changed, setChanged] = useState<Record<string, string>>({});
  const change = (name: string, value: string) => {
    const next = { ...changed, [name]: value.trim() };
    setChanged(next);
    const values = Object.fromEntries(present.map((rule) => [rule.name, next[rule.name] ?? rule.value]));
    const isGood = present.every((rule) => isRuleValue(rule.type, values[rule.name] ?? ""));
    const isOther = present.some((rule) => values[rule.name] !== rule.value);
    onCall(isGood && isOther ? changeOfRules(contract, values) : null);
  };
  return (
    <div className="columns">
      {present.map((rule) => {
        const value = changed[rule.name] ?? rule.value;
        return (
          <TextField
            key={rule.name}
            label={ruleTitle(rule.name, language)}
            className="input mono"
            inputMode={rule.type === "address" ? "text" : "numeric"}
            value={value}
            hint={t.ruleNow(rule.value)}
            wrong={isRuleValue(rule.type, value) ? null : t.wrongRule(rule.type)}
            onChange={(event) => change(rule.name, event.target.value)}
          />
        );
      })}
    </div>
  );
}

function RuleChange({
  contract,
  hand,
  onCall,
}: {
  contract: RuleContract;
  hand: Hand;
  onCall: (data: Hex | null) => void;
}) {
  const address = hand.contracts[contract] as Hex;
  const rules = useQuery({
    queryKey: ["rules", contract],
    queryFn: () => readRules(hand.clients, contract, address),
  });
  if (rules.error) return <Failure error={rules.error} retry={() => rules.refetch()} />;
  if (!rules.data) return <Skeleton lines={3} />;
  return <RuleFields contract={contract} present={rules.data} onCall={onCall} />;
}

function OtherCall({ onCall }: { onCall: (call: Call | null) => void }) {
  const t = useTexts(words);
  const [target, setTarget] = useState("");
  const [data, setData] = useState("0x");
  const isTarget = (text: string) => /^0x[0-9a-fA-F]{40}$/.test(text);
  const isData = (text: string) => /^0x([0-9a-fA-F]{2})*$/.test(text);
  const change = (to: string, what: string) => {
    setTarget(to);
    setData(what);
    onCall(isTarget(to) && isData(what) ? { target: to as Hex, data: what as Hex } : null);
  };
  return (
    <>
      <TextField
        label={t.target}
        className="input mono"
        value={target}
        wrong={target && !isTarget(target) ? t.wrongTarget : null}
        onChange={(event) => change(event.target.value.trim(), data)}
      />
      <TextField
        label={t.data}
        className="input mono"
        value={data}
        hint={t.dataHint}
        wrong={isData(data) ? null : t.wrongData}
        onChange={(event) => change(target, event.target.value.trim())}
      />
    </>
  );
}

export function NewProposal({ hands, hand, onDone }: { hands: Hands; hand: Hand; onDone: () => void }) {
  const t = useTexts(words);
  const language = useLanguage();
  const contracts = ruleContracts.filter((contract) => hand.contracts[contract]);
  const [description, setDescription] = useState("");
  const [chosen, setChosen] = useState<RuleContract | typeof OTHER>(
    contracts.includes("Treasury") ? "Treasury" : OTHER,
  );
  const [call, setCall] = useState<Call | null>(null);
  const choose = (contract: string) => {
    setChosen(contract as RuleContract | typeof OTHER);
    setCall(null);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (call && (await hands.act(t.proposeNow, (one) => propose(one, call, description.trim())))) onDone();
  };
  const options = [
    ...contracts.map((contract) => ({ value: contract, label: t.rulesOf(ruleContractTitle(contract, language)) })),
    { value: OTHER, label: t.otherCall },
  ];
  return (
    <form className="stack" onSubmit={submit}>
      <TextArea
        label={t.description}
        hint={t.descriptionHint}
        rows={3}
        maxLength={10_000}
        value={description}
        onChange={(event) => setDescription(event.target.value)}
      />
      <Select label={t.subject} options={options} value={chosen} onChange={(event) => choose(event.target.value)} />
      {chosen === OTHER ? (
        <OtherCall onCall={setCall} />
      ) : (
        <RuleChange
          key={chosen}
          contract={chosen}
          hand={hand}
          onCall={(data) => setCall(data && { target: hand.contracts[chosen] as Hex, data })}
        />
      )}
      <Note>{t.whatFollows}</Note>
      {hands.failure !== null && <Failure error={hands.failure} />}
      <div>
        <Button
          type="submit"
          look="primary"
          busy={hands.busy === t.proposeNow}
          disabled={!description.trim() || call === null}
        >
          {t.proposeNow}
        </Button>
      </div>
    </form>
  );
}
