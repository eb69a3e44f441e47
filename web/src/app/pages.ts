// SPDX-License-Identifier: Apache-2.0
import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import { texts } from "../i18n";
import type { IconName } from "./icons";

/** A page of the navigation. Its folder's index.tsx exports the component by default; it is loaded when it is opened. */
export interface PageEntry {
  /** The page has this path and all below it. */
  path: string;
  key: keyof typeof names.en;
  icon: IconName;
  component: LazyExoticComponent<ComponentType>;
}

export const names = texts(
  {
    playground: "Playground",
    rent: "Rent",
    jobs: "Jobs",
    operate: "Operate",
    govern: "Stake & govern",
    explorer: "Explorer",
    account: "Account",
  },
  {
    playground: "体验",
    rent: "租用",
    jobs: "任务",
    operate: "运营节点",
    govern: "质押与治理",
    explorer: "链上账本",
    account: "账户",
  },
);

export const pages: readonly PageEntry[] = [
  { path: "/", key: "playground", icon: "chat", component: lazy(() => import("../pages/playground")) },
  { path: "/rent", key: "rent", icon: "rent", component: lazy(() => import("../pages/rent")) },
  { path: "/jobs", key: "jobs", icon: "jobs", component: lazy(() => import("../pages/jobs")) },
  { path: "/operate", key: "operate", icon: "operate", component: lazy(() => import("../pages/operate")) },
  { path: "/govern", key: "govern", icon: "govern", component: lazy(() => import("../pages/govern")) },
  { path: "/explorer", key: "explorer", icon: "explorer", component: lazy(() => import("../pages/explorer")) },
  { path: "/account", key: "account", icon: "account", component: lazy(() => import("../pages/account")) },
];
