// SPDX-License-Identifier: Apache-2.0
// The user's wallet on this page: connected once, then every transaction goes the same way.
import { useQueryClient } from "@tanstack/react-query";
import type { Clients, GovernanceAddresses } from "@vcity/sdk";
import { useCallback, useState } from "react";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/govern";
import { clientsOf, governanceOf, type Hex, useNetwork, useWallet } from "../../lib/chain";
import { wasRejected } from "../../lib/wallet";
import { Button } from "../../ui/controls";
import { Card, Failure, Note } from "../../ui/surfaces";
import { toast } from "../../ui/toast";

export interface Hand {
  clients: Clients;
  at: GovernanceAddresses;
  account: Hex;
  /** By their names. */
  contracts: Record<string, Hex>;
}

let connected: Hand | null = null;

/** viem wraps what the wallet said; 4001 is somewhere inside. */
function saidNo(failure: unknown): boolean {
  let inner = failure;
  for (let depth = 0; depth < 8 && inner; ++depth) {
    if (wasRejected(inner)) return true;
    inner = (inner as { cause?: unknown }).cause;
  }
  return false;
}

/** The short form of viem's long errors. */
function reasonOf(failure: unknown): unknown {
  const short = (failure as { shortMessage?: unknown }).shortMessage;
  return typeof short === "string" ? new Error(short) : failure;
}

export function useHand() {
  const t = useTexts(words);
  const network = useNetwork();
  const wallet = useWallet();
  const queries = useQueryClient();
  const [hand, setHand] = useState<Hand | null>(connected);
  const [busy, setBusy] = useState<string | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const at = network.data ? governanceOf(network.data) : null;
  const connect = useCallback(async () => {
    if (!wallet || !network.data || !at) return;
    setFailure(null);
    try {
      const clients = await clientsOf(wallet, network.data);
      const { contracts } = network.data;
      connected = { clients, at, contracts, account: clients.wallet.account.address };
      setHand(connected);
    } catch (error) {
      setFailure(saidNo(error) ? t.rejected : reasonOf(error));
    }
  }, [wallet, network.data, at, t]);
  /** what: its name for people. Whether it was done; the page's data are asked anew after it. */
  const act = useCallback(
    async (what: string, send: (hand: Hand) => Promise<Hex>): Promise<boolean> => {
      if (!hand) return false;
      setBusy(what);
      setFailure(null);
      const waiting = toast(t.sent(what));
      try {
        const hash = await send(hand);
        toast(t.done(what, `${hash.slice(0, 10)}…`), waiting);
        await queries.invalidateQueries();
        return true;
      } catch (error) {
        setFailure(saidNo(error) ? t.rejected : reasonOf(error));
        return false;
      } finally {
        setBusy(null);
      }
    },
    [hand, queries, t],
  );
  return { hand, connect, act, busy, failure, hasWallet: wallet !== null, network };
}

export type Hands = ReturnType<typeof useHand>;

export function Connect({ hands }: { hands: Hands }) {
  const t = useTexts(words);
  if (hands.hand) return hands.failure === null ? null : <Failure error={hands.failure} />;
  return (
    <Card>
      <p className="soft">{t.connectWhy}</p>
      {!hands.hasWallet && <Note>{t.noWallet}</Note>}
      <div>
        <Button look="primary" disabled={!hands.hasWallet || !hands.network.data} onClick={hands.connect}>
          {t.connect}
        </Button>
      </div>
      {hands.failure !== null && <Failure error={hands.failure} />}
    </Card>
  );
}
