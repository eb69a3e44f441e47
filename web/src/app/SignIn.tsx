// SPDX-License-Identifier: Apache-2.0
import { type FormEvent, useState } from "react";
import { texts, useTexts } from "../i18n";
import { getJson } from "../lib/api";
import { keepSession } from "../lib/session";
import { signIn, useWallets, type Wallet, walletReason, wasRejected } from "../lib/wallet";
import { Button, TextField } from "../ui/controls";
import { Dialog, Failure, Note } from "../ui/surfaces";

const words = texts(
  {
    title: "Sign in",
    wallet: "With a wallet",
    lead: "You sign a message that says where and as whom you sign in. It costs nothing and moves no money.",
    none: "No wallet was found in this browser. Install one (e.g. MetaMask or Rabby), or use an API key.",
    key: "With an API key",
    keyHint: "Kept in this tab only. Make keys on the Account page or with: vcity keys create",
    use: "Use this key",
    rejected: "The wallet did not sign. Nothing happened; you can try again.",
  },
  {
    title: "登录",
    wallet: "使用钱包",
    lead: "你将签署一条消息，说明在哪里、以谁的身份登录。签名不花钱，也不会转移资金。",
    none: "此浏览器中没有找到钱包。请安装一个（例如 MetaMask 或 Rabby），或使用 API 密钥。",
    key: "使用 API 密钥",
    keyHint: "只保存在当前标签页。可在账户页创建，或运行：vcity keys create",
    use: "使用此密钥",
    rejected: "钱包没有签名。什么都没有发生，可以重试。",
  },
);

function Wallets({ onDone }: { onDone: () => void }) {
  const t = useTexts(words);
  const wallets = useWallets();
  const [busy, setBusy] = useState<string | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const enter = async (wallet: Wallet) => {
    setBusy(wallet.info.uuid);
    setFailure(null);
    try {
      await signIn(wallet);
      onDone();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(null);
    }
  };
  return (
    <section className="stack tight" aria-label={t.wallet}>
      <h3>{t.wallet}</h3>
      <p className="soft small">{t.lead}</p>
      {wallets.length === 0 && <Note>{t.none}</Note>}
      {wallets.map((wallet) => (
        <Button key={wallet.info.uuid} busy={busy === wallet.info.uuid} onClick={() => enter(wallet)}>
          {wallet.info.icon.startsWith("data:") && <img src={wallet.info.icon} alt="" width={20} height={20} />}
          {wallet.info.name}
        </Button>
      ))}
      {failure !== null && wasRejected(failure) && <Note tone="warn">{t.rejected}</Note>}
      {failure !== null && !wasRejected(failure) && (
        <Failure error={failure instanceof Error ? failure : walletReason(failure)} />
      )}
    </section>
  );
}

function WithKey({ onDone }: { onDone: () => void }) {
  const t = useTexts(words);
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const use = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      await getJson("/v1/key", { token: key.trim() });
      keepSession({ kind: "key", token: key.trim(), address: null, expiresAt: null });
      onDone();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="stack tight" onSubmit={use} aria-label={t.key}>
      <TextField
        label={t.key}
        hint={t.keyHint}
        type="password"
        autoComplete="off"
        spellCheck={false}
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
  );
}

export function SignIn({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useTexts(words);
  return (
    <Dialog title={t.title} open={open} onClose={onClose}>
      <Wallets onDone={onClose} />
      <hr style={{ border: 0, borderTop: "1px solid var(--line)", width: "100%" }} />
      <WithKey onDone={onClose} />
    </Dialog>
  );
}
