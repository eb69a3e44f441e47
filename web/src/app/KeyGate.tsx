// SPDX-License-Identifier: Apache-2.0
import { type FormEvent, type ReactNode, useState } from "react";
import { Link } from "wouter";
import { texts, useTexts } from "../i18n";
import { getJson } from "../lib/api";
import { keepApiKey, useApiKey } from "../lib/apikey";
import { useSession } from "../lib/session";
import { Button, TextField } from "../ui/controls";
import { Empty, Failure } from "../ui/surfaces";
import { SignIn } from "./SignIn";

const words = texts(
  {
    signInFirst: "Sign in to go on",
    signInWhy: "Use a wallet, or an API key that you have already.",
    signIn: "Sign in",
    keyFirst: "This needs an API key",
    keyWhy: "A key spends from your balance, within the limits that you give it. Make one, or paste one that you have.",
    make: "Make a key",
    key: "API key",
    use: "Use this key",
  },
  {
    signInFirst: "请先登录",
    signInWhy: "使用钱包，或使用已有的 API 密钥。",
    signIn: "登录",
    keyFirst: "这里需要 API 密钥",
    keyWhy: "密钥从你的余额中支出，并受你设定的限额约束。创建一个，或粘贴已有的密钥。",
    make: "创建密钥",
    key: "API 密钥",
    use: "使用此密钥",
  },
);

function SignInFirst() {
  const t = useTexts(words);
  const [open, setOpen] = useState(false);
  return (
    <>
      <Empty
        title={t.signInFirst}
        action={
          <Button look="primary" onClick={() => setOpen(true)}>
            {t.signIn}
          </Button>
        }
      >
        {t.signInWhy}
      </Empty>
      <SignIn open={open} onClose={() => setOpen(false)} />
    </>
  );
}

function KeyFirst() {
  const t = useTexts(words);
  const [key, setKey] = useState("");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const use = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      await getJson("/v1/key", { token: key.trim() });
      keepApiKey(key.trim());
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="stack">
      <Empty
        title={t.keyFirst}
        action={
          <Link href="/account" className="button primary">
            {t.make}
          </Link>
        }
      >
        {t.keyWhy}
      </Empty>
      <form className="stack tight key-form" onSubmit={use} aria-label={t.key}>
        <TextField
          label={t.key}
          type="password"
          autoComplete="off"
          value={key}
          onChange={(event) => setKey(event.target.value)}
          placeholder="sk-…"
        />
        <div>
          <Button type="submit" busy={busy} disabled={key.trim() === ""}>
            {t.use}
          </Button>
        </div>
        {failure !== null && <Failure error={failure} />}
      </form>
    </div>
  );
}

/** Shows its content to whoever has an API key, and everybody else the way to one, within `frame` if there is one. */
export function KeyGate({
  children,
  frame = (gate) => gate,
}: {
  children: (key: string) => ReactNode;
  frame?: (gate: ReactNode) => ReactNode;
}) {
  const session = useSession();
  const key = useApiKey();
  if (!session) return frame(<SignInFirst />);
  return key ? children(key) : frame(<KeyFirst />);
}
