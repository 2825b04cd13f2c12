/** What became of a devnet's last session: connections, readings and their attestation, entered on its chain. */
import { expect } from "chai";
import { encodeBytes32String, keccak256, type JsonRpcProvider, type Signer, type Wallet } from "ethers";
import * as Delivery from "../../offchain-solver/chain/delivery.ts";
import { deliveryContracts, send, type Deployment } from "../../offchain-solver/chain/deployment.ts";
import { readSessions } from "../../offchain-solver/chain/events.ts";
import { readCommittee } from "../../offchain-solver/chain/committee.ts";
import { MarketWatch } from "../../offchain-solver/chain/watch.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { encodeReadings, type Row } from "../../offchain-solver/codec/readings.ts";
import { quorumOf } from "../../offchain-solver/codec/typedData.ts";
import { passTime } from "../../offchain-solver/devnet/chain/served.ts";
import { systemKeys } from "../../offchain-solver/devnet/parties.ts";
import { DESK_ID, OPERATOR_ID, UTILITY_ID } from "../../offchain-solver/chain/onboarding.ts";
import type { Stage } from "./pageStage.ts";

/** In their order, and within the imbalance price that a devnet freezes for `ieee15`. */
export const PRICES = { shortPrice: 30_000, longPrice: 10_000, responsePrice: 20_000 };
const SUN_W = 5_000;

/** A market with a settled session, and everybody's keys. */
export type Metering = {
  readonly deployment: Deployment;
  readonly provider: JsonRpcProvider;
  readonly operator: Signer;
  /** Of all prosumers that are registered. */
  readonly ids: readonly number[];
  readonly keysOf: (id: number) => Readonly<Record<"wallet" | "node", Wallet>>;
};

/** Of a devnet of processes. */
export const meteringOf = ({ devnet, chain }: Stage): Metering => ({
  deployment: devnet.deployment,
  provider: chain.provider,
  operator: devnet.homes[0].keys.wallet.connect(chain.provider),
  ids: devnet.homes.slice(1).map(({ id }) => id),
  keysOf: (id) => devnet.homes.find((home) => home.id === id)?.keys ?? systemKeys(id),
});

/** Enters the readings of the session that has settled last; everybody does as promised but for what `change` says. */
export async function meterSession(market: Metering, change: (row: Row) => Row): Promise<number> {
  const { deployment, provider, operator, ids, keysOf } = market;
  const { session } = await new MarketWatch(deployment, provider).look();
  const settled = (await readSessions(deployment, provider, 0)).at(-1)!;
  const { terms } = session!;
  const { trades, participants } = Payload.decode(settled.payload, terms.periods);
  const before = await Promise.all(ids.map((id) => Delivery.connectionOf(deployment, provider, id)));
  const wide = before.map(({ nonce, ...one }) => ({
    ...one,
    renewableW: Math.max(one.renewableW, SUN_W),
    nonce: nonce + 1n,
  }));
  await Delivery.registerConnections(deployment, operator, wide, (id) => keysOf(id).wallet);
  const dueWh = (k: number, t: number): number =>
    trades
      .filter(({ product, period }) => product === "energy" && period === t)
      .reduce((sum, { seller, buyer, quantity }) => sum + (seller === k ? quantity : buyer === k ? -quantity : 0), 0);
  const rows = participants.map((id, k): Row => {
    const due = Array.from({ length: terms.periods }, (_, t) => dueWh(k, t));
    const values = due.map((wh) => ({ dueWh: wh, meteredWh: wh, quality: 0, renewableWh: 0 }));
    return change({ id, released: 0, emissionsG: 0, values });
  });
  const prices = Array.from({ length: terms.periods }, () => PRICES);
  const readings = encodeReadings({ allowancePrice: 50_000, prices, rows, responses: [] });
  const entry = { kind: "final", readings, meters: Delivery.NO_ENTRY.commitment } as const;
  const about = { terms, batch: settled.batch, sequence: Number(settled.sequence) };
  const batch = { ...about, payload: keccak256(settled.payload), bundle: settled.bundleHash };
  const end = Number(terms.start) + terms.periods * terms.periodSeconds;
  const now = Math.max(end + 3_700, (await provider.getBlock("latest"))!.timestamp);
  const epoch = now < end + 2 * 86_400 ? terms.epoch : 0n;
  const attested = Delivery.attestedOf(batch, Delivery.NO_ENTRY, entry, epoch);
  const keys = [...ids, OPERATOR_ID, DESK_ID, UTILITY_ID].map((id) => keysOf(id).node);
  const committee = await readCommittee(deployment, provider, settled.block - 1);
  const signed = committee.slice(0, quorumOf(committee.length)).map(async (address, bit) => {
    const key = keys.find((one) => one.address === address) as Wallet;
    return [bit, await Delivery.attestEntry(deployment, key, attested)] as const;
  });
  await passTime(provider, end + 3_700);
  const attestations = new Map(await Promise.all(signed));
  await Delivery.enterReadings(deployment, operator, batch, { before: Delivery.NO_ENTRY, entry }, attestations);
  return Number(settled.sequence);
}

/** What the regulator defines: what credits of a home are called. Says the asset's id. */
export async function defineCredit(deployment: Deployment, regulator: Signer, id: number, start: number) {
  const { carbonCredit } = deliveryContracts(deployment, regulator);
  const vintage = new Date(1_000 * start).getUTCFullYear();
  const credit = { registry: "granular", vintage, method: "rooftop PV", unit: "Wh", factorMicroG: 400_000 };
  await send(carbonCredit, "defineAsset", { ...credit, allowance: false });
  await send(carbonCredit, "registerDevice", id, {
    registry: credit.registry,
    method: credit.method,
    source: `0x${Buffer.from("F01010100").toString("hex").padEnd(32, "0")}`,
    technology: `0x${Buffer.from("T010000").toString("hex").padEnd(32, "0")}`,
    device: encodeBytes32String(`inverter ${id}`),
  });
  const asset: bigint = await carbonCredit.assetOf(credit.registry, vintage, credit.method);
  expect(asset).to.be.greaterThan(0n);
  return asset;
}
