// SPDX-License-Identifier: Apache-2.0
// The chain as the page sees it: the gateway says where the contracts are, the user's wallet reads and signs. The page
// itself speaks to nobody but the gateway.
import { useQuery } from "@tanstack/react-query";
import type { Clients, GovernanceAddresses, NetworkInfo } from "@vcity/sdk";
import { getJson } from "./api";
import { accountOf, chosenWallet, useWallets, type Wallet } from "./wallet";

export type Hex = `0x${string}`;

export function useNetwork() {
  return useQuery({
    queryKey: ["network"],
    queryFn: () => getJson<NetworkInfo>("/api/v1/network", { token: null }),
    staleTime: 300_000,
  });
}

/** The wallet of the session, or else the only one there is. */
export function useWallet(): Wallet | null {
  const wallets = useWallets();
  return chosenWallet() ?? (wallets.length === 1 ? (wallets[0] ?? null) : null);
}

/** -32xxx and 4902: the wallet does not know the chain. */
async function onChain(wallet: Wallet, network: NetworkInfo): Promise<void> {
  const chainId = `0x${network.chain_id.toString(16)}`;
  if ((await wallet.provider.request({ method: "eth_chainId" })) === chainId) return;
  try {
    await wallet.provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] });
  } catch (failure) {
    if ((failure as { code?: number }).code !== 4902 || !network.rpc_url) throw failure;
    const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
    const added = { chainId, chainName: "Vcity", rpcUrls: [network.rpc_url], nativeCurrency };
    await wallet.provider.request({ method: "wallet_addEthereumChain", params: [added] });
  }
}

/** viem's clients over the wallet, on the network's chain. Asks the wallet for its account. */
export async function clientsOf(wallet: Wallet, network: NetworkInfo): Promise<Clients> {
  const { createPublicClient, createWalletClient, custom, defineChain } = await import("viem");
  const account = await accountOf(wallet);
  await onChain(wallet, network);
  const chain = defineChain({
    id: network.chain_id,
    name: "Vcity",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: network.rpc_url ? [network.rpc_url] : [] } },
  });
  const transport = custom({
    request: (call: { method: string; params?: unknown[] }) => wallet.provider.request(call),
  });
  const wallets = createWalletClient({ account, chain, transport });
  return {
    read: createPublicClient({ chain, transport, pollingInterval: 1_000 }) as Clients["read"],
    wallet: { ...wallets, account: { address: account, type: "json-rpc" } } as Clients["wallet"],
  };
}

export function governanceOf(network: NetworkInfo): GovernanceAddresses | null {
  const { VCAIToken, VeVCAI, VCAIGovernor } = network.contracts;
  return VCAIToken && VeVCAI && VCAIGovernor ? { vcai: VCAIToken, ve: VeVCAI, governor: VCAIGovernor } : null;
}

/** Lists of the explorer. */
export interface Listed<T> {
  data: T[];
  next_cursor: string | null;
}

/** A decimal text of the explorer as a number for a chart; never for money that is counted. */
export function chartNumber(text: string | number | null | undefined): number | null {
  const value = Number(text ?? Number.NaN);
  return Number.isFinite(value) ? value : null;
}
