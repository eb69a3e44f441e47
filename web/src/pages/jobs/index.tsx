// SPDX-License-Identifier: Apache-2.0
import { Link, Route, Switch, useLocation } from "wouter";
import { KeyGate } from "../../app/KeyGate";
import { names } from "../../app/pages";
import { useTexts } from "../../i18n";
import { Page, Tabs } from "../../ui/surfaces";
import { JobPage } from "./JobPage";
import { FileList, JobList, TuneList } from "./lists";
import { NewJob } from "./NewJob";
import { NewTune } from "./NewTune";
import { TunePage } from "./TunePage";
import { words } from "./words";
import "./jobs.css";

type Shown = "jobs" | "tunes" | "files";

const PATHS: Record<Shown, string> = { jobs: "/jobs", tunes: "/jobs/fine-tuning", files: "/jobs/files" };

function Lists({ shown, token }: { shown: Shown; token: string }) {
  const t = useTexts(words);
  const name = useTexts(names);
  const [, go] = useLocation();
  const order = shown === "tunes" ? { href: "/jobs/fine-tuning/new", text: t.newTune } : null;
  const action = order ?? { href: "/jobs/new", text: t.newJob };
  return (
    <Page
      title={name.jobs}
      lead={t.lead}
      actions={
        <Link href={action.href} className="button primary">
          {action.text}
        </Link>
      }
    >
      <Tabs
        label={name.jobs}
        chosen={shown}
        onChoose={(key) => go(PATHS[key as Shown])}
        tabs={[
          { key: "jobs", label: t.jobs },
          { key: "tunes", label: t.tunes },
          { key: "files", label: t.files },
        ]}
      />
      {shown === "jobs" && <JobList token={token} />}
      {shown === "tunes" && <TuneList token={token} />}
      {shown === "files" && <FileList token={token} />}
    </Page>
  );
}

function Routes({ token }: { token: string }) {
  return (
    <Switch>
      <Route path="/jobs">
        <Lists shown="jobs" token={token} />
      </Route>
      <Route path="/jobs/files">
        <Lists shown="files" token={token} />
      </Route>
      <Route path="/jobs/fine-tuning">
        <Lists shown="tunes" token={token} />
      </Route>
      <Route path="/jobs/new">
        <NewJob token={token} />
      </Route>
      <Route path="/jobs/fine-tuning/new">
        <NewTune token={token} />
      </Route>
      <Route path="/jobs/fine-tuning/:id">{({ id }) => <TunePage key={id} id={id} token={token} />}</Route>
      <Route path="/jobs/:id">{({ id }) => <JobPage key={id} id={id} token={token} />}</Route>
    </Switch>
  );
}

export default function JobsPage() {
  const t = useTexts(words);
  const name = useTexts(names);
  return (
    <KeyGate
      frame={(gate) => (
        <Page title={name.jobs} lead={t.lead}>
          {gate}
        </Page>
      )}
    >
      {(token) => <Routes token={token} />}
    </KeyGate>
  );
}
