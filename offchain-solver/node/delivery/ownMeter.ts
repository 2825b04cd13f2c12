/**
 * What a home's own meter says of a session that has settled: its renewables gave what the day brought, its generator
 * and battery answered what was called. A simulation of devices from the private file's series; what comes of it is
 * signed by the meter's key; what calls for others, and what no meter shows, by the node's.
 */
import type { BaseWallet, TypedDataDomain } from "ethers";
import type { Activation } from "../../codec/deliveryData.ts";
import { openingSalt } from "../../codec/plans.ts";
import { sessionHash } from "../../codec/typedData.ts";
import { sessionOf } from "../../market/scenario/leaveOut.ts";
import { marketOf } from "../../market/scenario/market.ts";
import type { PrivatePart } from "../../market/scenario/publicScenario.ts";
import { scenarioWith } from "../../market/scenario/publicScenario.ts";
import type { Schedule } from "../../market/result/solution.ts";
import { answeredBy, askedOf, generatedBy, standingDay } from "../../metering/devices.ts";
import { errorsOf } from "../../metering/entry.ts";
import { signActivation, signReadings, signStatement } from "../../metering/signed.ts";
import type { MetersJson } from "../../records/deliveryJson.ts";
import { resultOf, type JudgedBy, type Promised } from "./reckoning.ts";

export type OwnDay = {
  readonly promised: Promised;
  readonly part: PrivatePart;
  /** Of the clearing that settled; undefined: it took no part, or its plan was lost. */
  readonly schedule: Schedule | undefined;
};

/** Whether it is known what the day brought. */
export const hasCome = ({ part: { renewable } }: OwnDay): boolean =>
  renewable === undefined || renewable.actualMw !== undefined;

type Signing = {
  readonly domain: TypedDataDomain;
  /** The key of the freeze: it signs, and opens what was committed to. undefined: it is kept no more. */
  readonly node: BaseWallet | undefined;
};

/** What it is called by of its own error; undefined: it planned nothing, or nobody knows what any more. */
export async function activatedBy(
  { promised, part, schedule }: OwnDay,
  { domain, node }: Signing,
): Promise<MetersJson["activations"][number] | undefined> {
  if (node === undefined || schedule === undefined || !tookPart(promised, part)) return undefined;
  const { settled, terms, plans } = promised;
  const { plannedWh, renewableWh } = generatedBy(part, schedule, terms.scenario.periodHours);
  const salt = openingSalt({ session: sessionHash(settled.terms), plans }, part.id, node);
  const said = { prosumer: part.id, plannedWh: [...plannedWh], generatedWh: [...renewableWh], salt };
  const { signature } = await signActivation(domain, node, settled.batch, said);
  return { ...said, signature };
}

const tookPart = (promised: Promised, { id }: PrivatePart): boolean => resultOf(promised).participants.includes(id);

export type Metered = {
  readonly file: MetersJson["meters"][number];
  readonly statement?: MetersJson["statements"][number];
};

/** What calls for devices: what others said, where it is right, and what bounds it. */
export type Called = {
  readonly activations: ReadonlyMap<number, Activation>;
  readonly connections: JudgedBy["connections"];
};

export async function meteredBy(
  own: OwnDay,
  called: Called,
  { domain, node, meter, number }: Signing & { readonly meter: BaseWallet; readonly number: number },
): Promise<Metered> {
  const { promised, part } = own;
  const { batch, terms } = promised.settled;
  const day = dayOf(own, called);
  const readings = day.meteredWh.map((meteredWh, t) => ({
    prosumer: part.id,
    start: Number(terms.start) + t * terms.periodSeconds,
    seconds: terms.periodSeconds,
    meteredWh,
    renewableWh: day.renewableWh[t],
    quality: "measured" as const,
  }));
  const { signature } = await signReadings(domain, meter, readings, number);
  const { periodSeconds } = terms;
  const file = {
    ...{ prosumer: part.id, start: Number(terms.start), periodSeconds, number },
    ...{ meteredWh: [...day.meteredWh], renewableWh: [...day.renewableWh] },
    ...{ quality: readings.map(({ quality }) => quality), signature },
  };
  if (node === undefined || day.generatorG === undefined) return { file };
  const stated = { prosumer: part.id, generatorG: day.generatorG };
  const { signature: byNode } = await signStatement(domain, node, batch, stated);
  return { file, statement: { ...stated, signature: byNode } };
}

type Day = {
  readonly meteredWh: readonly number[];
  readonly renewableWh: readonly number[];
  /** undefined: its plan is lost, and how its generator was to run. */
  readonly generatorG: number | undefined;
};

function dayOf({ promised, part, schedule }: OwnDay, { activations, connections }: Called): Day {
  const { scenario, settings } = promised.terms;
  const result = resultOf(promised);
  if (schedule === undefined || !tookPart(promised, part)) {
    const { meteredWh, renewableWh } = standingDay(part, scenarioWith(scenario, [part]));
    const generatorG = tookPart(promised, part) ? undefined : 0;
    return { meteredWh: meteredWh[0], renewableWh: renewableWh[0], generatorG };
  }
  const market = marketOf(sessionOf(scenario, result.participants), settings, [part]);
  const generated = generatedBy(part, schedule, market.dt);
  const asked = askedOf(market, result, errorsOf({ result, connections }, activations));
  const answered = answeredBy(part, schedule, generated, asked[result.participants.indexOf(part.id)], market.dt);
  return { ...answered, renewableWh: generated.renewableWh };
}
