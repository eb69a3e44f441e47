// SPDX-License-Identifier: Apache-2.0
import { useLocation } from "wouter";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/govern";
import { Page, Tabs } from "../../ui/surfaces";
import { Incentives } from "./incentives";
import { Lock } from "./lock";
import { Proposals } from "./proposals";

const TABS = ["lock", "incentives", "proposals"] as const;

export default function Govern() {
  const t = useTexts(words);
  const [location, go] = useLocation();
  const chosen = TABS.find((key) => key === location.split("/")[2]) ?? "lock";
  return (
    <Page title={t.title} lead={t.lead}>
      <Tabs
        label={t.title}
        tabs={TABS.map((key) => ({ key, label: t[key] }))}
        chosen={chosen}
        onChoose={(key) => go(`/govern/${key}`)}
      />
      {chosen === "lock" && <Lock />}
      {chosen === "incentives" && <Incentives />}
      {chosen === "proposals" && <Proposals />}
    </Page>
  );
}
