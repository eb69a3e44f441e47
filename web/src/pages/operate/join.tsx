// SPDX-License-Identifier: Apache-2.0
import { useState } from "react";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/operate";
import { useNetwork } from "../../lib/chain";
import { download } from "../../lib/download";
import { Button, Check, Select, TextField } from "../../ui/controls";
import { Card, Failure, Note, Skeleton } from "../../ui/surfaces";
import { Command } from "../../ui/values";
import { type JoinTerms, joinCommand, networkFiles } from "./reading";

const START: JoinTerms = {
  kind: "flexible",
  region: "",
  unitPrice: "0.01",
  watts: "",
  powerPrice: "",
  modelsOnly: false,
};

const FILES = ["network", "deployment"] as const;

function NetworkFiles() {
  const t = useTexts(words);
  const network = useNetwork();
  if (network.isPending) return <Skeleton lines={2} />;
  if (network.error) return <Failure error={network.error} retry={() => network.refetch()} />;
  const files = networkFiles(network.data);
  if (!files) return <Note tone="warn">{t.filesFromOperator}</Note>;
  const commands = FILES.map((name) => `cat > ${name}.json <<'END'\n${files[name]}END`);
  return (
    <>
      <div className="row">
        {FILES.map((name) => (
          <Button key={name} onClick={() => download(`${name}.json`, "application/json", files[name])}>
            {t.downloadFile(`${name}.json`)}
          </Button>
        ))}
      </div>
      <details>
        <summary>{t.filesInTerminal}</summary>
        <Command text={commands.join("\n")} />
      </details>
    </>
  );
}

export function Join() {
  const t = useTexts(words);
  const [terms, setTerms] = useState(START);
  const command = joinCommand(terms);
  const change = (changed: Partial<JoinTerms>) => setTerms({ ...terms, ...changed });
  const kinds = [
    { value: "flexible", label: t.home },
    { value: "stable", label: t.datacentre },
  ];
  return (
    <>
      <Card>
        <div className="columns">
          <Select
            label={t.machineIs}
            options={kinds}
            value={terms.kind}
            onChange={(event) => change({ kind: event.target.value as JoinTerms["kind"] })}
          />
          <TextField
            label={t.region}
            hint={t.regionHint}
            value={terms.region}
            onChange={(event) => change({ region: event.target.value })}
          />
          <TextField
            label={t.unitPrice}
            inputMode="decimal"
            disabled={terms.modelsOnly}
            value={terms.unitPrice}
            onChange={(event) => change({ unitPrice: event.target.value })}
          />
          <TextField
            label={t.powerWatts}
            hint={t.optional}
            inputMode="decimal"
            value={terms.watts}
            onChange={(event) => change({ watts: event.target.value })}
          />
          <TextField
            label={t.powerPrice}
            inputMode="decimal"
            value={terms.powerPrice}
            onChange={(event) => change({ powerPrice: event.target.value })}
          />
        </div>
        <Check
          label={t.modelsOnly}
          checked={terms.modelsOnly}
          onChange={(event) => change({ modelsOnly: event.target.checked })}
        />
      </Card>
      <Card title={t.step1}>
        <p className="soft">{t.step1why}</p>
        <Command text="apt install ./vcity_0.1.0_amd64.deb" />
      </Card>
      <Card title={t.step2}>
        <p className="soft">{t.step2why}</p>
        <NetworkFiles />
      </Card>
      {command === null && <Note tone="warn">{t.wrong}</Note>}
      {command !== null && (
        <>
          <Card title={t.step3}>
            <p className="soft">{t.step3why}</p>
            <Command text={`${command} --dry-run`} />
          </Card>
          <Card title={t.step4}>
            <p className="soft">{t.step4why}</p>
            <Command text={command} />
          </Card>
        </>
      )}
      <Card title={t.step5}>
        <Command
          text={"vcity node status\nvcity node doctor\nvcity node earnings --by day\nvcity node drain --wait 600"}
        />
      </Card>
    </>
  );
}
