// SPDX-License-Identifier: Apache-2.0
import { useLocation } from "wouter";
import { KeyGate } from "../../app/KeyGate";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/rent";
import { Page, Tabs } from "../../ui/surfaces";
import { Find } from "./find";
import { LaunchForm } from "./launch";
import { Pod, Pods } from "./pods";

const TABS = ["find", "launch", "pods"] as const;

export default function Rent() {
  const t = useTexts(words);
  const [location, go] = useLocation();
  const [, , first, id] = location.split("/");
  const chosen = TABS.find((key) => key === first) ?? "find";
  return (
    <Page title={t.title} lead={t.lead}>
      <Tabs
        label={t.title}
        tabs={TABS.map((key) => ({ key, label: t[key] }))}
        chosen={chosen}
        onChoose={(key) => go(`/rent/${key}`)}
      />
      {chosen === "find" && <Find />}
      {chosen === "launch" && <KeyGate>{(key) => <LaunchForm token={key} />}</KeyGate>}
      {chosen === "pods" && (
        <KeyGate>
          {(key) => (id ? <Pod key={id} id={decodeURIComponent(id)} token={key} /> : <Pods token={key} />)}
        </KeyGate>
      )}
    </Page>
  );
}
