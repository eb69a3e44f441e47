// SPDX-License-Identifier: Apache-2.0
import { useLocation } from "wouter";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/explorer";
import { Page, Tabs } from "../../ui/surfaces";
import { Batches, Cases, Events, Nodes, Overview } from "./lists";
import { ReceiptCheck } from "./receipt";

const TABS = ["overview", "batches", "receipts", "nodes", "cases", "events"] as const;
type Key = (typeof TABS)[number];

export default function Explorer() {
  const t = useTexts(words);
  const [location, go] = useLocation();
  const [, , first, ...rest] = location.split("/");
  const chosen: Key = TABS.find((key) => key === first) ?? "overview";
  const argument = decodeURIComponent(rest.join("/"));
  return (
    <Page title={t.title} lead={t.lead}>
      <Tabs
        label={t.title}
        tabs={TABS.map((key) => ({ key, label: t[key] }))}
        chosen={chosen}
        onChoose={(key) => go(`/explorer/${key}`)}
      />
      {chosen === "overview" && <Overview />}
      {chosen === "batches" && <Batches />}
      {chosen === "receipts" && <ReceiptCheck key={argument} given={argument} />}
      {chosen === "nodes" && <Nodes />}
      {chosen === "cases" && <Cases />}
      {chosen === "events" && <Events />}
    </Page>
  );
}
