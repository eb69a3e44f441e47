// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { SignIn } from "../../app/SignIn";
import { useTexts } from "../../i18n";
import { getJson } from "../../lib/api";
import { useSession } from "../../lib/session";
import { Button } from "../../ui/controls";
import { Card, Empty, Failure, Note, Page, Skeleton, Stat } from "../../ui/surfaces";
import { Hash, Money, When } from "../../ui/values";
import { Bills } from "./Bills";
import { Deposit } from "./Deposit";
import type { AccountInfo } from "./data";
import { Keys } from "./Keys";
import { words } from "./texts";

function Balance() {
  const t = useTexts(words);
  const [open, setOpen] = useState(false);
  const account = useQuery({
    queryKey: ["account"],
    queryFn: () => getJson<AccountInfo>("/api/v1/account"),
    refetchInterval: 5_000,
  });
  if (account.isError) return <Failure error={account.error} retry={() => account.refetch()} />;
  if (!account.data) return <Skeleton lines={4} />;
  const { address, balance } = account.data;
  const deposit = (
    <Button look="primary" small onClick={() => setOpen(true)}>
      {t.deposit}
    </Button>
  );
  return (
    <>
      <Card actions={deposit} title={t.address}>
        <Hash text={address} />
        {balance ? (
          <div className="columns">
            <Stat name={t.balance} value={<Money amount={balance.available} />} />
            <Stat name={t.locked} value={<Money amount={account.data.reserved} />} />
            <Stat name={t.charged} value={<Money amount={balance.charged} />} />
          </div>
        ) : (
          <Note>{t.noExplorer}</Note>
        )}
      </Card>
      <Keys />
      <Bills address={address} />
      <Deposit open={open} onClose={() => setOpen(false)} />
    </>
  );
}

function SignInFirst() {
  const t = useTexts(words);
  const [open, setOpen] = useState(false);
  return (
    <Card>
      <Empty
        title={t.signInTitle}
        action={
          <Button look="primary" onClick={() => setOpen(true)}>
            {t.signIn}
          </Button>
        }
      >
        {t.signInText}
      </Empty>
      <SignIn open={open} onClose={() => setOpen(false)} />
    </Card>
  );
}

interface OwnKey {
  name: string;
  last4: string;
  created_at: number;
  expires_at: number;
  requests_per_minute: number;
  spent: string;
}

function OfKey() {
  const t = useTexts(words);
  const key = useQuery({
    queryKey: ["own-key"],
    queryFn: () => getJson<OwnKey | { data: OwnKey }>("/v1/key"),
  });
  if (key.isError) return <Failure error={key.error} />;
  if (!key.data) return <Skeleton />;
  const own = "data" in key.data ? key.data.data : key.data;
  return (
    <Card title={own.name || t.keys}>
      <p className="mono small soft">sk-…{own.last4}</p>
      <div className="columns">
        <Stat name={t.columnSpent} value={<Money amount={own.spent} />} />
        <Stat name={t.made} value={<When at={own.created_at} />} />
        <Stat name={t.ends} value={own.expires_at ? <When at={own.expires_at} /> : t.never} />
        <Stat name={t.perMinute} value={own.requests_per_minute} />
      </div>
      <Note>{t.ofKey}</Note>
    </Card>
  );
}

export default function Account() {
  const t = useTexts(words);
  const session = useSession();
  return (
    <Page title={t.title} lead={t.lead}>
      {!session && <SignInFirst />}
      {session?.kind === "wallet" && <Balance />}
      {session?.kind === "key" && <OfKey />}
    </Page>
  );
}
