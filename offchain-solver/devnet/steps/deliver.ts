import { keccak256 } from "ethers";
import type { Audited } from "../../auditor/audit.ts";
import { checkDelivery } from "../../auditor/deliveries.ts";
import { undecided, type Verdict } from "../../auditor/verdict.ts";
import * as Deployment from "../../chain/deployment.ts";
import * as Onboarding from "../../chain/onboarding.ts";
import type { Settled } from "../../chain/session.ts";
import {
  deliveryDomain,
  meterDigest,
  meterReadings,
  metersHash,
  type Connection,
  type DeviceStatement,
} from "../../codec/deliveryData.ts";
import type { MeterReading } from "../../codec/meterReading.ts";
import { encodeReadings } from "../../codec/readings.ts";
import * as Ledger from "../../ledger/delivery.ts";
import { imbalancePrice } from "../../ledger/settleable.ts";
import type { Batch } from "../../ledger/verified.ts";
import { marketOf } from "../../market/scenario/market.ts";
import { sumOver } from "../../market/devices/devices.ts";
import type { Prosumer, Scenario } from "../../market/scenario/scenario.ts";
import { devicesOf, standingDay, type DeviceDay } from "../../metering/devices.ts";
import { sessionReadings } from "../../metering/entry.ts";
import { toDeliveryJson, toMetersJson } from "../../metering/record.ts";
import { signReadings, signStatement, takeIn } from "../../metering/signed.ts";
import type { DeliveryJson, MetersJson } from "../../records/deliveryJson.ts";
import { devnetKey } from "../devnetKeys.ts";
import { sessionScenario, type Frozen } from "./freeze.ts";
import type { Cleared } from "./clear.ts";

/** Of its price that reserve costs that was called and not delivered. */
const MULTIPLE = 2;
/** Room of a connection beyond what its devices and load come to. */
const ROOM = 1.25;
const W = 1e6;

/** What became of a session, and what its meters and nodes signed of it. */
export type Delivery = { readonly delivery: DeliveryJson; readonly meters: MetersJson };

/** Whether it is known what the day brought: of a day still to come it is not. */
export const hasCome = ({ prosumers }: Scenario): boolean =>
  prosumers.every(({ renewable }) => renewable === undefined || renewable.actualMw !== undefined);

/** What a wallet signs of its connection: what its devices and load can do, and room to be wrong. */
export function devnetConnection(scenario: Scenario, prosumer: Prosumer): Connection {
  const most = (of: "drawsMw" | "feedsMw"): number =>
    Math.ceil(ROOM * W * sumOver(prosumer, ({ device, part }) => device.rating(part)[of]));
  const renewableW = Math.ceil(ROOM * W * (prosumer.renewable?.ratingMw ?? 0));
  const maxPrice = 2 * imbalancePrice(scenario.tariff);
  return { prosumer: prosumer.id, feedW: most("feedsMw"), takeW: most("drawsMw"), renewableW, maxPrice, nonce: 1n };
}

/**
 * Meters read what the devices did, meters and nodes sign, and the entry is reckoned from what is signed by keys that
 * the registry has.
 */
export async function deliver(
  frozen: Frozen,
  scenario: Scenario,
  { cleared }: Cleared,
  batch: Batch,
  settled: Settled,
): Promise<Delivery> {
  const { deployment, chain, taking, terms } = frozen;
  const domain = deliveryDomain(deployment.chainId, deployment.market);
  const { result } = batch;
  const span = { start: result.sessionStart, periodSeconds: result.periodSeconds, periods: result.periods };
  const days = daysOf(scenario, cleared, batch);
  const files = await Promise.all(
    scenario.prosumers.map(({ id }) =>
      signReadings(domain, devnetKey("meter", id), readingsOf(id, days.get(id)!, span), 1),
    ),
  );
  const statements = await Promise.all(
    scenario.prosumers.map(({ id }) => {
      const { plannedWh, generatorG } = days.get(id)!;
      return signStatement(domain, devnetKey("node", id), settled.batch, { prosumer: id, plannedWh, generatorG });
    }),
  );
  const { registry } = Deployment.contracts(deployment, chain.provider);
  const keys = await Promise.all(scenario.prosumers.map(({ id }) => registry.getFunction("party").staticCall(id)));
  const keysOf = (field: "meterKey" | "nodeKey"): Map<number, string> =>
    new Map(scenario.prosumers.map(({ id }, i) => [id, keys[i][field] as string]));
  const expected = {
    domain,
    batch: settled.batch,
    ...span,
    meterKeys: keysOf("meterKey"),
    nodeKeys: keysOf("nodeKey"),
  };
  const taken = takeIn(files, statements, expected);
  const market = marketOf(sessionScenario(terms, { taking }), terms.settings);
  const invited = scenario.prosumers.map(({ id }) => id);
  const price = imbalancePrice(terms.scenario.tariff);
  const readings = sessionReadings({ result, market, invited, imbalancePrice: price }, taken, "final");
  const connections = new Map(scenario.prosumers.map((one) => [one.id, devnetConnection(scenario, one)]));
  const basis = {
    periods: span.periods,
    periodSeconds: span.periodSeconds,
    closed: true,
    multiple: MULTIPLE,
    connections,
  };
  const bill = Ledger.bill(readings, basis);
  const entered = Ledger.enter(bill, "final", await debitableOf(frozen, invited));
  const signed = invited.map((id) => {
    const file = taken.files.get(id);
    return (
      file && { digest: meterDigest(domain, meterReadings(file.readings, file.number)), signature: file.signature }
    );
  });
  const delivered = {
    ...({ batch: settled.batch, kind: "final", start: span.start, participants: taking } as const),
    ...{ readings, basis, bill, entered },
    hash: keccak256(encodeReadings(readings)),
    metersHash: metersHash(signed),
  };
  const domainOf = { batch: settled.batch, chainId: Number(deployment.chainId), delivery: deployment.market };
  return { delivery: toDeliveryJson(delivered), meters: toMetersJson(domainOf, { files, statements, basis }) };
}

/** The same made again by an auditor, from the chain and what was signed. */
export function auditDelivery({ terms }: Frozen, { delivery, meters }: Delivery, found: Audited): Verdict {
  const session = found.sessions.find(({ batch }) => batch === delivery.batch);
  if (session === undefined) return undecided(`batch ${delivery.batch}`);
  return checkDelivery(delivery, meters, { session, terms, found });
}

type Day = DeviceStatement & { readonly meteredWh: readonly number[]; readonly renewableWh: readonly number[] };

/** By prosumer; whoever was left out did as its load and its sun would have it. */
function daysOf(scenario: Scenario, cleared: Cleared["cleared"], { result }: Batch): Map<number, Day> {
  const { market, outcome } = cleared;
  const part = (day: DeviceDay, i: number, prosumer: number): Day => ({
    prosumer,
    meteredWh: day.meteredWh[i],
    renewableWh: day.renewableWh[i],
    plannedWh: day.plannedWh[i],
    generatorG: day.generatorG[i],
  });
  const day = devicesOf(market, outcome!.solution, result);
  const days = new Map(market.prosumers.map(({ id }, i) => [id, part(day, i, id)]));
  for (const one of scenario.prosumers)
    if (!days.has(one.id)) days.set(one.id, part(standingDay(one, scenario), 0, one.id));
  return days;
}

function readingsOf(
  prosumer: number,
  { meteredWh, renewableWh }: Day,
  { start, periodSeconds: seconds }: { readonly start: number; readonly periodSeconds: number },
): MeterReading[] {
  return meteredWh.map((wh, t) => ({
    prosumer,
    start: start + t * seconds,
    seconds,
    meteredWh: wh,
    renewableWh: renewableWh[t],
    quality: "measured",
  }));
}

/** What may be taken of each account now that the session has settled and none is open. */
async function debitableOf({ deployment, chain }: Frozen, ids: readonly number[]): Promise<Ledger.Debitable> {
  const { market } = Deployment.contracts(deployment, chain.provider);
  const all = [...ids, Onboarding.DESK_ID, Onboarding.UTILITY_ID];
  const read = await Promise.all(all.map((id) => market.getFunction("account").staticCall(id)));
  const accounts = new Map(all.map((id, k) => [id, read[k] as { deposit: bigint; carbon: bigint }]));
  return (id) => {
    const { deposit = 0n, carbon = 0n } = accounts.get(id) ?? {};
    return { nano: deposit, grams: carbon > 0n ? carbon : 0n };
  };
}
