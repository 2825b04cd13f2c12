/**
 * What a home's own meter says of a session that has settled: its renewables gave what the day brought, its generator
 * and battery answered what was called. A simulation of devices from the private file's series; what comes of it is
 * signed by the meter's key, and what no meter shows is stated by the node's.
 */
import type { BaseWallet, TypedDataDomain } from "ethers";
import { openingSalt } from "../../codec/plans.ts";
import { sessionHash } from "../../codec/typedData.ts";
import { sessionOf } from "../../market/scenario/leaveOut.ts";
import { marketOf } from "../../market/scenario/market.ts";
import type { PrivatePart } from "../../market/scenario/publicScenario.ts";
import { scenarioWith } from "../../market/scenario/publicScenario.ts";
import type { Schedule } from "../../market/result/solution.ts";
import { answeredBy, askedOf, generatedBy, standingDay, type Generated } from "../../metering/devices.ts";
import { signReadings, signStatement } from "../../metering/signed.ts";
import type { MetersJson } from "../../records/deliveryJson.ts";
import { resultOf, type Promised } from "./reckoning.ts";

export type OwnDay = {
  readonly promised: Promised;
  readonly part: PrivatePart;
  /** Of the clearing that settled; undefined: it took no part, or its plan was lost. */
  readonly schedule: Schedule | undefined;
};

/** Whether it is known what the day brought. */
const hasCome = ({ renewable }: PrivatePart): boolean => renewable === undefined || renewable.actualMw !== undefined;

/** What its renewables gave; undefined: nobody knows yet. Without a plan nothing was planned but what came. */
export function generatedIn({ promised: { terms }, part, schedule }: OwnDay): Generated | undefined {
  if (!hasCome(part)) return undefined;
  const { periodHours } = terms.scenario;
  if (schedule !== undefined) return generatedBy(part, schedule, periodHours);
  const { renewableWh } = standingDay(part, scenarioWith(terms.scenario, [part]));
  return { plannedWh: renewableWh[0], renewableWh: renewableWh[0] };
}

/** Opens what its node committed to in the session that settled. */
export const saltOf = ({ promised: { settled, plans }, part }: OwnDay, node: BaseWallet): string =>
  openingSalt({ session: sessionHash(settled.terms), plans }, part.id, node);

export type Keys = { readonly node: BaseWallet; readonly meter: BaseWallet };
export type Metered = {
  readonly file: MetersJson["meters"][number];
  readonly statement?: MetersJson["statements"][number];
};

/** `generated`: what the others gave, as far as they said it; of whom nothing is known nothing was called. */
export async function meteredBy(
  own: OwnDay,
  generated: ReadonlyMap<number, Generated>,
  { domain, keys, number }: { readonly domain: TypedDataDomain; readonly keys: Keys; readonly number: number },
): Promise<Metered> {
  const { promised, part } = own;
  const { batch, terms } = promised.settled;
  const day = dayOf(own, generated);
  const readings = day.meteredWh.map((meteredWh, t) => ({
    prosumer: part.id,
    start: Number(terms.start) + t * terms.periodSeconds,
    seconds: terms.periodSeconds,
    meteredWh,
    renewableWh: day.renewableWh[t],
    quality: "measured" as const,
  }));
  const { signature } = await signReadings(domain, keys.meter, readings, number);
  const { periodSeconds } = terms;
  const file = {
    ...{ prosumer: part.id, start: Number(terms.start), periodSeconds, number },
    ...{ meteredWh: day.meteredWh, renewableWh: [...day.renewableWh] },
    ...{ quality: readings.map(({ quality }) => quality), signature },
  };
  // Whoever has lost its plan states none: all that it did otherwise is imbalance.
  if (day.plannedWh === undefined) return { file };
  const salt = saltOf(own, keys.node);
  const stated = { prosumer: part.id, plannedWh: [...day.plannedWh], salt, generatorG: day.generatorG };
  const { signature: byNode } = await signStatement(domain, keys.node, batch, stated);
  return { file, statement: { ...stated, signature: byNode } };
}

type Day = {
  readonly meteredWh: number[];
  readonly renewableWh: readonly number[];
  readonly plannedWh: readonly number[] | undefined;
  readonly generatorG: number;
};

function dayOf(own: OwnDay, generated: ReadonlyMap<number, Generated>): Day {
  const { promised, part, schedule } = own;
  const { scenario, settings } = promised.terms;
  const result = resultOf(promised);
  const i = result.participants.indexOf(part.id);
  if (schedule === undefined || i < 0) {
    const { meteredWh, renewableWh } = standingDay(part, scenarioWith(scenario, [part]));
    const plannedWh = i < 0 ? renewableWh[0] : undefined;
    return { meteredWh: [...meteredWh[0]], renewableWh: renewableWh[0], plannedWh, generatorG: 0 };
  }
  const market = marketOf(sessionOf(scenario, result.participants), settings, [part]);
  const mine = generatedIn(own)!;
  const errors = result.participants.map((id) => {
    const { plannedWh, renewableWh } = generated.get(id) ?? { plannedWh: [], renewableWh: [] };
    return Array.from({ length: result.periods }, (_, t) => (renewableWh[t] ?? 0) - (plannedWh[t] ?? 0));
  });
  const asked = askedOf(market, result, errors);
  return { ...answeredBy(part, schedule, mine, asked[i], market.dt), ...mine };
}
