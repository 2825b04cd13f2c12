/** Whether nothing of allowances and credits was counted twice: from the events of both contracts alone. */
import type { Provider, Result } from "ethers";
import { readAssets, type Asset } from "./credits.ts";
import { contracts, deliveryContracts, type Deployment } from "./deployment.ts";
import { eventsOf } from "./logs.ts";

/** What became of an asset, and whether the contract's own counters say the same. */
export type AssetCount = Asset & {
  /** Allowances minted, or credits issued from meters. */
  readonly issued: bigint;
  /** Grams that came out of the market's ledger as tokens, less those that went in; 0 of other assets. */
  readonly fromLedger: bigint;
  /** By all wallets together, from every transfer. */
  readonly held: bigint;
  readonly retired: bigint;
  /** issued + fromLedger = held + retired, and `totalSupply` and `retiredOf` agree. */
  readonly balanced: boolean;
};

/** The market's ledger: grams issued in it or moved into it, less those surrendered, are those of its accounts. */
export type LedgerCount = {
  readonly issued: bigint;
  readonly fromTokens: bigint;
  readonly surrendered: bigint;
  readonly held: bigint;
  readonly balanced: boolean;
};

export type CarbonCount = { readonly assets: readonly AssetCount[]; readonly ledger: LedgerCount };

/** Of a deployment that names its carbon contract. */
export async function countCarbon(deployment: Deployment, provider: Provider): Promise<CarbonCount> {
  const { carbonCredit } = deliveryContracts(deployment, provider);
  const { market } = contracts(deployment, provider);
  const of = async (contract: typeof market, name: string): Promise<Result[]> =>
    (await eventsOf(contract, contract.filters[name](), deployment.block)).map(({ event }) => event.args);
  const names = ["AllowancesMinted", "CertificateIssued", "Retired", "TransferSingle", "TransferBatch"];
  const [minted, certified, retired, single, batches] = await Promise.all(names.map((name) => of(carbonCredit, name)));
  const [moved, issuedIn, posted] = await Promise.all(
    ["GramsMoved", "AllowancesIssued", "Posted"].map((name) => of(market, name)),
  );
  const fromTokens = total(moved, ({ grams }) => grams);
  const ledgerAsset: bigint = await carbonCredit.getFunction("ledgerAsset").staticCall();
  const transfers = transfersOf(single, batches);
  const assets = (await readAssets(deployment, provider)).map(async (one): Promise<AssetCount> => {
    const here = (args: readonly Result[]): Result[] => args.filter(({ asset }) => asset === one.asset);
    const issued = total(here(minted), ({ grams }) => grams) + total(here(certified), (each) => each.issued);
    const fromLedger = one.asset === ledgerAsset ? -fromTokens : 0n;
    const held = heldBy(transfers.filter(({ id }) => id === one.asset));
    const gone = total(here(retired), ({ amount }) => amount);
    const supply: bigint = await carbonCredit.getFunction("totalSupply(uint256)").staticCall(one.asset);
    const burned: bigint = await carbonCredit.getFunction("retiredOf").staticCall(one.asset);
    const balanced = issued + fromLedger === held + gone && supply === held && burned === gone;
    return { ...one, issued, fromLedger, held, retired: gone, balanced };
  });
  const issued = total(issuedIn, ({ grams }) => grams);
  const surrendered = -total(posted, ({ issuedG }) => issuedG);
  const held: bigint = await market.getFunction("totalGrams").staticCall();
  const balanced = issued + fromTokens === held + surrendered;
  return { assets: await Promise.all(assets), ledger: { issued, fromTokens, surrendered, held, balanced } };
}

const total = <T>(all: readonly T[], of: (one: T) => bigint): bigint => all.reduce((sum, one) => sum + of(one), 0n);

type Transfer = { readonly from: string; readonly to: string; readonly id: bigint; readonly value: bigint };

const transfersOf = (single: readonly Result[], batches: readonly Result[]): Transfer[] => [
  ...single.map(({ from, to, id, value }) => ({ from, to, id, value })),
  ...batches.flatMap((one) => {
    const [ids, values] = [one.getValue("ids") as bigint[], one.getValue("values") as bigint[]];
    return ids.map((id, k) => ({ from: one.from as string, to: one.to as string, id, value: values[k] }));
  }),
];

const NOBODY = /^0x0+$/;

/** Sum of every wallet's balance. */
function heldBy(transfers: readonly Transfer[]): bigint {
  const balances = new Map<string, bigint>();
  const add = (wallet: string, value: bigint): unknown =>
    NOBODY.test(wallet) || balances.set(wallet, (balances.get(wallet) ?? 0n) + value);
  for (const { from, to, value } of transfers) {
    add(from, -value);
    add(to, value);
  }
  return total([...balances.values()], (one) => one);
}
