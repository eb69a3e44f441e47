// SPDX-License-Identifier: Apache-2.0
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTexts } from "../../i18n";
import { clientsOf, useNetwork, useWallet } from "../../lib/chain";
import { parseToken } from "../../lib/money";
import { wasRejected } from "../../lib/wallet";
import { Button, TextField } from "../../ui/controls";
import { Dialog, Failure, Note } from "../../ui/surfaces";
import { toast } from "../../ui/toast";
import { words } from "./texts";

export function Deposit({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useTexts(words);
  const wallet = useWallet();
  const network = useNetwork();
  const queries = useQueryClient();
  const [amount, setAmount] = useState("25");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const stable = network.data?.tokens.stable;
  const units = stable ? parseToken(amount, stable.decimals) : null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const escrow = network.data?.contracts.Escrow;
    if (!wallet || !network.data || !stable || !escrow || !units) return setFailure(new Error(t.noWallet));
    setBusy(true);
    setFailure(null);
    try {
      const { deposit } = await import("@vcity/sdk");
      await deposit(await clientsOf(wallet, network.data), stable.address, escrow, units);
      toast(t.depositDone);
      void queries.invalidateQueries({ queryKey: ["account"] });
      onClose();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  const said = failure as { cause?: unknown } | null;
  const isNo = said !== null && (wasRejected(said) || wasRejected(said.cause ?? {}));
  return (
    <Dialog title={t.depositTitle} open={open} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p className="soft small">{t.depositText(stable?.symbol ?? "USD")}</p>
        <TextField
          label={t.amount}
          wrong={units ? null : t.badAmount}
          inputMode="decimal"
          value={amount}
          onChange={(event) => setAmount(event.target.value)}
        />
        {failure !== null && (isNo ? <Note tone="warn">{t.rejected}</Note> : <Failure error={failure} />)}
        <div>
          <Button look="primary" type="submit" busy={busy} disabled={!units}>
            {t.deposit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
