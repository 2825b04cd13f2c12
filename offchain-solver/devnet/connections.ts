/** What a delivery needs of a devnet's market: each home's connection, and the devices that credits are of. */
import { encodeBytes32String, hexlify, toUtf8Bytes, zeroPadBytes, type Signer } from "ethers";
import { connectionOf, registerConnections } from "../chain/delivery.ts";
import { deliveryContracts, send, type Deployment } from "../chain/deployment.ts";
import type { Connection } from "../codec/deliveryData.ts";
import { imbalancePrice } from "../ledger/settleable.ts";
import { sumOver } from "../market/devices/devices.ts";
import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";

/** Room of a connection beyond what its devices and load come to. */
const ROOM = 1.25;
const W = 1e6;

const LIMITS = ["feedW", "takeW", "renewableW", "maxPrice"] as const;

/**
 * What a wallet signs of its connection: what its devices and load can do, and room to be wrong. What a load is known
 * to have been beyond its forecast was drawn through the same connection.
 */
export function devnetConnection(scenario: Scenario, prosumer: Prosumer): Connection {
  const { fixedMw, actualMw = fixedMw } = prosumer.load;
  const beyondMw = Math.max(0, ...actualMw.map((mw, t) => mw - fixedMw[t]));
  const most = (of: "drawsMw" | "feedsMw"): number =>
    Math.ceil(
      ROOM * W * (sumOver(prosumer, ({ device, part }) => device.rating(part)[of]) + (of === "drawsMw" ? beyondMw : 0)),
    );
  const renewableW = Math.ceil(ROOM * W * (prosumer.renewable?.ratingMw ?? 0));
  const maxPrice = 2 * imbalancePrice(scenario.tariff);
  return { prosumer: prosumer.id, feedW: most("feedsMw"), takeW: most("drawsMw"), renewableW, maxPrice, nonce: 1n };
}

/**
 * Registers connections that are as wide as all these days need; one that is wide enough already is left as it is.
 * `operator` sends, each account's wallet signs.
 */
export async function connectHomes(
  deployment: Deployment,
  operator: Signer,
  days: readonly Scenario[],
  walletOf: (id: number) => Signer,
): Promise<void> {
  const ids = days[0].prosumers.map(({ id }) => id).toSorted((a, b) => a - b);
  const registered = await Promise.all(ids.map((id) => connectionOf(deployment, operator.provider!, id)));
  const changed = registered.flatMap((before): Connection[] => {
    const needed = days.map((day) =>
      devnetConnection(
        day,
        day.prosumers.find(({ id }) => id === before.prosumer)!,
      ),
    );
    const wider = LIMITS.map((limit) => [limit, Math.max(...[before, ...needed].map((one) => one[limit]))] as const);
    const same = wider.every(([limit, value]) => before[limit] === value);
    return same ? [] : [{ ...before, ...Object.fromEntries(wider), nonce: before.nonce + 1n }];
  });
  if (changed.length > 0) await registerConnections(deployment, operator, changed, walletOf);
}

/** Energy source and technology as the European certificate scheme codes them (EECS Rules, fact sheet 5). */
const CODES = {
  pv: { method: "pv", source: "F01040100", technology: "T010000" },
  wind: { method: "wind", source: "F01050100", technology: "T020000" },
} as const;
const REGISTRY = "gridpact";
const bytes16 = (text: string): string => zeroPadBytes(hexlify(toUtf8Bytes(text)), 16);

/** Who has a renewable device, and can be issued credits. */
export const generating = ({ prosumers }: Scenario): number[] =>
  prosumers.filter(({ renewable }) => renewable !== undefined).map(({ id }) => id);

/** Credits of the years in which these days are, and everybody's device, as far as they are not there yet. */
export async function registerDevices(
  deployment: Deployment,
  regulator: Signer,
  days: readonly Scenario[],
): Promise<void> {
  const { carbonCredit } = deliveryContracts(deployment, regulator);
  const ask = (method: string, ...args: unknown[]) => carbonCredit.getFunction(method).staticCall(...args);
  const [first] = days;
  const kinds = new Set(first.prosumers.flatMap(({ renewable }) => renewable?.kind ?? []));
  const vintages = new Set(days.map(({ startUtc }) => new Date(startUtc).getUTCFullYear()));
  for (const kind of kinds)
    for (const vintage of vintages) {
      const { method } = CODES[kind];
      const known = await ask("definitionOf", await ask("assetOf", REGISTRY, vintage, method));
      if (known.vintage !== 0n) continue;
      // A certificate of origin: it says where energy comes from, and claims no emission that was avoided.
      const asset = { registry: REGISTRY, vintage, method, unit: "Wh", factorMicroG: 0, allowance: false };
      await send(carbonCredit, "defineAsset", asset);
    }
  for (const { id, renewable } of first.prosumers) {
    if (renewable === undefined || BigInt((await ask("deviceOf", id)).device) !== 0n) continue;
    const { method, source, technology } = CODES[renewable.kind];
    const device = encodeBytes32String(`${renewable.kind} of account ${id}`);
    const codes = { source: bytes16(source), technology: bytes16(technology) };
    await send(carbonCredit, "registerDevice", id, { registry: REGISTRY, method, ...codes, device });
  }
}
