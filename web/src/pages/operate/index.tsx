// SPDX-License-Identifier: Apache-2.0
import { useState } from "react";
import { useLocation } from "wouter";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/operate";
import { useSession } from "../../lib/session";
import { TextField } from "../../ui/controls";
import { Page, Tabs } from "../../ui/surfaces";
import { Earnings } from "./earnings";
import { Join } from "./join";
import { Node } from "./node";

const TABS = ["join", "node", "earnings"] as const;
const KEY = "vcity.node";

export default function Operate() {
  const t = useTexts(words);
  const session = useSession();
  const [location, go] = useLocation();
  const [, , first] = location.split("/");
  const chosen = TABS.find((key) => key === first) ?? "join";
  const [address, setAddress] = useState(() => sessionStorage.getItem(KEY) ?? session?.address ?? "");
  const good = /^0x[0-9a-fA-F]{40}$/.test(address.trim());
  const change = (text: string) => {
    setAddress(text);
    sessionStorage.setItem(KEY, text);
  };
  return (
    <Page title={t.title} lead={t.lead}>
      <Tabs
        label={t.title}
        tabs={TABS.map((key) => ({ key, label: t[key] }))}
        chosen={chosen}
        onChoose={(key) => go(`/operate/${key}`)}
      />
      {chosen === "join" && <Join />}
      {chosen !== "join" && (
        <TextField
          label={t.address}
          hint={t.addressHint}
          className="input mono"
          value={address}
          wrong={address && !good ? t.wrongAddress : null}
          onChange={(event) => change(event.target.value)}
          spellCheck={false}
        />
      )}
      {chosen === "node" && good && <Node address={address.trim().toLowerCase()} />}
      {chosen === "earnings" && <Earnings address={good ? address.trim().toLowerCase() : null} />}
    </Page>
  );
}
