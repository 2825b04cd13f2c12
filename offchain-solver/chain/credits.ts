/** Allowances and credits as tokens: what there is, who holds it, and what a holder does with it. */
import type { Provider, Signer } from "ethers";
import { rowBytes } from "../codec/readings.ts";
import { rowProof } from "../codec/deliveryData.ts";
import { QUALITIES } from "../codec/meterReading.ts";
import type { DeliveryEntry } from "./deliveryEntries.ts";
import { deliveryContracts, send, type Deployment } from "./deployment.ts";
import { eventsOf } from "./logs.ts";

/** What an id stands for; one token is one `unit`. */
export type Asset = {
  readonly asset: bigint;
  readonly registry: string;
  readonly vintage: number;
  readonly method: string;
  readonly unit: string;
  /** Micrograms of CO2 a unit stands for. */
  readonly factorMicroG: bigint;
  readonly allowance: boolean;
};

/** Burned for good, and for whom. Times in Unix seconds; `sequence` 0: for no session. */
export type Retirement = {
  readonly beneficiary: string;
  readonly from: number;
  readonly until: number;
  readonly sequence: number;
};

export type Retired = Retirement & {
  readonly number: bigint;
  readonly asset: bigint;
  readonly holder: string;
  readonly amount: bigint;
  readonly block: number;
  readonly transaction: string;
};

export type Holding = Asset & { readonly amount: bigint };

const MEASURED = QUALITIES.indexOf("measured");

/** Of a deployment that names its carbon contract. */
export async function readAssets(deployment: Deployment, provider: Provider): Promise<Asset[]> {
  const { carbonCredit } = deliveryContracts(deployment, provider);
  const defined = await eventsOf(carbonCredit, carbonCredit.filters.AssetDefined(), deployment.block);
  return defined.map(({ event: { args } }) => {
    const { registry, vintage, method, unit, factorMicroG, allowance } = args.definition;
    return { asset: args.asset, registry, vintage: Number(vintage), method, unit, factorMicroG, allowance };
  });
}

/** What grams of the market's ledger are as tokens. */
export const ledgerAsset = (deployment: Deployment, provider: Provider): Promise<bigint> =>
  deliveryContracts(deployment, provider).carbonCredit.getFunction("ledgerAsset").staticCall();

/** What a wallet holds, of every asset that was defined. */
export async function readHoldings(deployment: Deployment, provider: Provider, holder: string): Promise<Holding[]> {
  const { carbonCredit } = deliveryContracts(deployment, provider);
  const assets = await readAssets(deployment, provider);
  const ids = assets.map(({ asset }) => asset);
  const holders = ids.map(() => holder);
  const amounts = await carbonCredit.getFunction("balanceOfBatch").staticCall(holders, ids);
  return assets.map((one, k) => ({ ...one, amount: amounts[k] }));
}

/** Oldest first; of one holder, or of all. */
export async function readRetired(deployment: Deployment, provider: Provider, holder?: string): Promise<Retired[]> {
  const { carbonCredit } = deliveryContracts(deployment, provider);
  const filter = carbonCredit.filters.Retired(undefined, undefined, holder);
  const retired = await eventsOf(carbonCredit, filter, deployment.block);
  return retired.map(({ log, event: { args } }) => {
    const { beneficiary, from, until, sequence } = args.retirement;
    const about = { number: args.number, asset: args.asset, holder: args.holder, amount: args.amount };
    const when = { from: Number(from), until: Number(until), sequence: Number(sequence) };
    return { ...about, beneficiary, ...when, block: log.blockNumber, transaction: log.transactionHash };
  });
}

/** An hourly certificate: what was issued of an account's session, new in this one. */
export type Certified = {
  readonly asset: bigint;
  readonly id: number;
  readonly sequence: bigint;
  readonly to: string;
  readonly device: string;
  /** Unix seconds. */
  readonly start: number;
  readonly issued: bigint;
  readonly transaction: string;
};

/** Oldest first. */
export async function readCertified(deployment: Deployment, provider: Provider): Promise<Certified[]> {
  const { carbonCredit } = deliveryContracts(deployment, provider);
  const certified = await eventsOf(carbonCredit, carbonCredit.filters.CertificateIssued(), deployment.block);
  return certified.map(({ log, event: { args } }) => {
    const { asset, sequence, to, device, issued } = args;
    const about = { asset, id: Number(args.id), sequence, to, device, start: Number(args.start), issued };
    return { ...about, transaction: log.transactionHash };
  });
}

/** Credits that an entry is good for and that are not issued yet, Wh, and from when on they can be claimed. */
export type Claim = { readonly entry: DeliveryEntry; readonly wh: bigint; readonly from: bigint };

/** Of the last entry of each session; nothing where no certificate's device is registered for the account. */
export async function readClaims(
  deployment: Deployment,
  provider: Provider,
  entries: readonly DeliveryEntry[],
  id: number,
): Promise<Claim[]> {
  const { delivery, carbonCredit } = deliveryContracts(deployment, provider);
  const { device } = await carbonCredit.getFunction("deviceOf").staticCall(id);
  if (/^0x0+$/.test(device)) return [];
  const last = [...new Map(entries.map((entry) => [entry.sequence, entry])).values()];
  const { dispute } = await delivery.getFunction("windows").staticCall();
  const claims = last.map(async (entry): Promise<Claim[]> => {
    const row = entry.read?.readings.rows.find((one) => one.id === id);
    if (row === undefined || entry.kind === "provisional") return [];
    const measured = row.values.reduce((sum, one) => (one.quality === MEASURED ? sum + one.renewableWh : sum), 0);
    const issued: bigint = await carbonCredit.getFunction("issuedWh").staticCall(entry.sequence, id);
    const wh = BigInt(measured) - issued;
    if (wh <= 0n) return [];
    const { lastAt, contestedUntil } = await delivery.getFunction("delivered").staticCall(entry.sequence);
    const from: bigint = lastAt + dispute > contestedUntil ? lastAt + dispute : contestedUntil;
    return [{ entry, wh, from }];
  });
  return (await Promise.all(claims)).flat();
}

export const transfer = (deployment: Deployment, holder: Signer, to: string, asset: bigint, amount: bigint) =>
  actOf(deployment, holder, async (carbonCredit, from) =>
    send(carbonCredit, "safeTransferFrom", from, to, asset, amount, "0x"),
  );

/** Burns for good; says the retirement's number. */
export const retire = (
  deployment: Deployment,
  holder: Signer,
  { asset, amount, ...retirement }: Retirement & { readonly asset: bigint; readonly amount: bigint },
) =>
  actOf(deployment, holder, async (carbonCredit, from): Promise<bigint> => {
    const { logs } = await send(carbonCredit, "retire", from, asset, amount, retirement);
    const event = logs.map((log) => carbonCredit.interface.parseLog(log)).find((one) => one?.name === "Retired");
    if (!event) throw new Error("retire: no Retired event");
    return event.args.number as bigint;
  });

/** Grams of the wallet's tokens become grams of the account in the market's ledger. */
export const depositAllowances = (deployment: Deployment, holder: Signer, id: number, grams: bigint) =>
  actOf(deployment, holder, (carbonCredit) => send(carbonCredit, "depositAllowances", id, grams));

/** The other way, as far as no open session may sell them. */
export const withdrawAllowances = (deployment: Deployment, holder: Signer, id: number, grams: bigint) =>
  actOf(deployment, holder, (carbonCredit) => send(carbonCredit, "withdrawAllowances", id, grams));

/** Credits of what the account's meter has measured renewable, to its wallet. Anybody may send it. */
export async function claim(deployment: Deployment, sender: Signer, entry: DeliveryEntry, id: number) {
  const { read, committed, sequence } = entry;
  const row = read?.readings.rows.findIndex((one) => one.id === id) ?? -1;
  if (read === undefined || row < 0) throw new Error(`claim: the entry has no row of account ${id}`);
  const { bytes, periods } = read;
  const proof = rowProof(bytes, periods, row);
  return actOf(deployment, sender, (carbonCredit) =>
    send(carbonCredit, "issueCredits", sequence, committed, rowBytes(bytes, periods)[row], proof),
  );
}

type Carbon = ReturnType<typeof deliveryContracts>["carbonCredit"];
const actOf = async <T>(
  deployment: Deployment,
  holder: Signer,
  act: (carbonCredit: Carbon, from: string) => Promise<T>,
): Promise<T> => act(deliveryContracts(deployment, holder).carbonCredit, await holder.getAddress());
