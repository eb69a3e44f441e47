// SPDX-License-Identifier: Apache-2.0
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Component, type ReactNode, Suspense } from "react";
import { Link, Route, Switch } from "wouter";
import { texts, textsNow, useTexts } from "../i18n";
import { ApiError } from "../lib/api";
import { Empty, Failure, Page, Skeleton } from "../ui/surfaces";
import { Layout } from "./Layout";
import { pages } from "./pages";

const words = texts(
  { lost: "There is no such page", back: "To the playground", broken: "This page has failed" },
  { lost: "没有这个页面", back: "回到体验页", broken: "此页面出错了" },
);

const NEVER_TWICE = [400, 401, 402, 403, 404, 409, 422];

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && NEVER_TWICE.includes(error.status)),
    },
  },
});

/** A page that throws takes nothing but itself down. */
class Guard extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <Page title={textsNow(words).broken}>
        <Failure error={this.state.error} retry={() => this.setState({ error: null })} />
      </Page>
    );
  }
}

function Lost() {
  const t = useTexts(words);
  return (
    <Page title={t.lost}>
      <Empty title={t.lost} action={<Link href="/">{t.back}</Link>} />
    </Page>
  );
}

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Layout>
        <Suspense
          fallback={
            <main className="page" aria-busy="true">
              <Skeleton lines={6} />
            </main>
          }
        >
          <Switch>
            {pages.map(({ path, component: Shown }) => (
              <Route key={path} path={path === "/" ? "/" : `${path}/*?`}>
                <Guard key={path}>
                  <Shown />
                </Guard>
              </Route>
            ))}
            <Route>
              <Lost />
            </Route>
          </Switch>
        </Suspense>
      </Layout>
    </QueryClientProvider>
  );
}
