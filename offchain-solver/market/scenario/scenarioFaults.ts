import type { Feeder } from "../../grid/feeder.ts";
import { FeederError, topologyOf } from "../../grid/topology.ts";
import type { Topology } from "../../grid/topology.ts";
import type { Span } from "../devices/device.ts";
import { ownedBy } from "../devices/devices.ts";
import { errorParts } from "./errorParts.ts";
import type { Prosumer, Scenario } from "./scenario.ts";
import { sizeFaults } from "./size.ts";

/** What is wrong with a scenario that has the right shape: the field, what it holds, and why that cannot be. */
export type Fault = { readonly field: string; readonly value: unknown; readonly reason: string };

const fault = (field: string, value: unknown, reason: string): Fault => ({ field, value, reason });

/** Everything a schema cannot say: lengths, references, order and limits that contradict each other. Empty = sound. */
export function scenarioFaults(scenario: Scenario): Fault[] {
  const feeder = feederFaults(scenario.feeder);
  if (feeder.length > 0) return feeder.map((one) => ({ ...one, field: `feeder.${one.field}` }));
  const topology = topologyOf(scenario.feeder);
  const span = { hours: scenario.hours, dt: scenario.periodHours };
  return [
    ...timeFaults(scenario),
    ...lengthFaults(scenario),
    ...priceFaults(scenario),
    ...scenario.prosumers.flatMap((prosumer, i) => deviceFaults(prosumer, `prosumers[${i}]`, span)),
    ...sizeFaults(scenario),
    ...placeFaults(scenario, topology),
    ...pairFaults(scenario),
    ...uncertaintyFaults(scenario),
    ...sustainFaults(scenario),
    ...jointFaults(scenario),
  ];
}

/** Limits that no flow can meet, and branches that are no tree. The root is held at 1 p.u., whatever its band. */
export function feederFaults(feeder: Feeder): Fault[] {
  const faults = feeder.buses.flatMap(({ vMinPu, vMaxPu }, i): Fault[] => {
    if (vMinPu > vMaxPu) return [fault(`buses[${i}].vMinPu`, vMinPu, `is above vMaxPu = ${vMaxPu}`)];
    if (vMinPu === vMaxPu && i > 0)
      return [fault(`buses[${i}].vMinPu`, vMinPu, `equals vMaxPu: no power can flow between such limits`)];
    return [];
  });
  if (faults.length > 0) return faults;
  try {
    topologyOf(feeder);
    return [];
  } catch (error) {
    if (!(error instanceof FeederError)) throw error;
    return [fault(error.field, error.value, error.reason)];
  }
}

function timeFaults({ startUtc, periodHours }: Scenario): Fault[] {
  const faults: Fault[] = [];
  const whole = /^(\d{4})-.*:\d\d(?::\d\d)?(?:\.0+)?Z$/.exec(startUtc);
  if (whole === null) faults.push(fault("startUtc", startUtc, "must be a whole second"));
  else if (Number(whole[1]) < 1970)
    faults.push(fault("startUtc", startUtc, "is before 1970, where the clocks of chains begin"));
  const seconds = periodHours * 3600;
  if (seconds < 1 || Math.abs(seconds - Math.round(seconds)) > 1e-6)
    faults.push(fault("periodHours", periodHours, "must be a whole number of seconds"));
  return faults;
}

function lengthFaults(scenario: Scenario): Fault[] {
  const { hours, tariff, carbon, risk, uncertainty, prosumers } = scenario;
  const series: [field: string, length: number | undefined][] = [
    ["tariff.buyPerMwh", tariff.buyPerMwh.length],
    ["tariff.sellPerMwh", tariff.sellPerMwh.length],
    ["carbon.gridTPerMwh", carbon.gridTPerMwh.length],
    ["risk.meanRadius", risk.meanRadius.length],
    ["risk.stdRadius", risk.stdRadius.length],
    ["uncertainty.factor", uncertainty.factor.length],
    ["uncertainty.robustRadius", uncertainty.robustRadius.length],
    ["uncertainty.bootstrapMeanRadius", uncertainty.bootstrapMeanRadius?.length],
    ["uncertainty.bootstrapStdRadius", uncertainty.bootstrapStdRadius?.length],
    ["uncertainty.fitErrors", uncertainty.fitErrors.length],
    ["uncertainty.testErrors", uncertainty.testErrors.length],
    ["uncertainty.joint.days", uncertainty.joint?.days.length],
    ["uncertainty.joint.persistent", uncertainty.joint?.persistent.length],
    ["uncertainty.joint.lag", uncertainty.joint?.lag.length],
    ...(scenario.standing ?? []).flatMap(({ mw, mvar }, k): [string, number][] => [
      [`standing[${k}].mw`, mw.length],
      [`standing[${k}].mvar`, mvar.length],
    ]),
    ...prosumers.flatMap((prosumer, i): [string, number | undefined][] => [
      [`prosumers[${i}].fallback.mw`, prosumer.fallback?.mw.length],
      [`prosumers[${i}].fallback.mvar`, prosumer.fallback?.mvar.length],
      ...ownedBy(prosumer).flatMap(({ name, device, part }) =>
        Object.keys(device.courses).map((field): [string, number | undefined] => [
          `prosumers[${i}].${name}.${field}`,
          (part[field] as unknown[] | undefined)?.length,
        ]),
      ),
    ]),
  ];
  return series
    .filter(([, length]) => length !== undefined && length !== hours)
    .map(([field, length]) => fault(`${field}.length`, length, `must be hours = ${hours}`));
}

function priceFaults({ tariff, carbon }: Scenario): Fault[] {
  const faults = tariff.sellPerMwh.flatMap((sell, hour) =>
    sell >= tariff.buyPerMwh[hour]
      ? [fault(`tariff.sellPerMwh[${hour}]`, sell, `must be below buyPerMwh[${hour}] = ${tariff.buyPerMwh[hour]}`)]
      : [],
  );
  if (carbon.deskSellPerT >= carbon.deskBuyPerT)
    faults.push(fault("carbon.deskSellPerT", carbon.deskSellPerT, `must be below deskBuyPerT = ${carbon.deskBuyPerT}`));
  return faults;
}

/** What a device's own module finds. */
const deviceFaults = (prosumer: Prosumer, at: string, span: Span): Fault[] =>
  ownedBy(prosumer).flatMap(({ name, device, part }) =>
    (device.faults?.(part, span) ?? []).map((one) => ({ ...one, field: `${at}.${name}.${one.field}` })),
  );

function placeFaults({ prosumers, feeder }: Scenario, { indexOfBus, position }: Topology): Fault[] {
  const faults: Fault[] = [];
  let [lastId, lastPlace] = [0, 0];
  prosumers.forEach(({ id, bus }, i) => {
    const index = indexOfBus.get(bus);
    if (index === undefined) {
      faults.push(fault(`prosumers[${i}].bus`, bus, `is not a bus of feeder ${feeder.name}`));
      return;
    }
    if (index === 0) faults.push(fault(`prosumers[${i}].bus`, bus, "is the root, where no prosumer can be"));
    if (id === lastId) faults.push(fault(`prosumers[${i}].id`, id, "occurs twice"));
    else if (id < lastId)
      faults.push(fault(`prosumers[${i}].id`, id, `must be above the id before it, ${lastId}: ids ascend`));
    else if (position[index] < lastPlace)
      faults.push(
        fault(`prosumers[${i}].bus`, bus, "comes earlier in the feeder's depth-first order than the id before"),
      );
    [lastId, lastPlace] = [id, position[index]];
  });
  return faults;
}

function pairFaults({ pairs, prosumers }: Scenario): Fault[] {
  const ids = new Set(prosumers.map(({ id }) => id));
  const seen = new Set<string>();
  return pairs.flatMap(([first, second], k): Fault[] => {
    const stranger = [first, second].find((id) => !ids.has(id));
    if (stranger !== undefined) return [fault(`pairs[${k}]`, [first, second], `no prosumer has id ${stranger}`)];
    if (first >= second) return [fault(`pairs[${k}]`, [first, second], "must name the smaller id first")];
    if (seen.has(`${first} ${second}`)) return [fault(`pairs[${k}]`, [first, second], "occurs twice")];
    seen.add(`${first} ${second}`);
    return [];
  });
}

function uncertaintyFaults({ uncertainty, prosumers }: Scenario): Fault[] {
  const faults: Fault[] = [];
  const { sources, uncertain, factor } = uncertainty;
  const owners = prosumers.filter((prosumer) => errorParts(prosumer).length > 0).map(({ id }) => id);
  if (uncertain.length !== owners.length || uncertain.some((id, column) => id !== owners[column]))
    faults.push(
      fault(
        "uncertainty.uncertain",
        uncertain,
        `must be the ids with a renewable or a load that errs, in order: ${owners}`,
      ),
    );
  prosumers.forEach(({ renewable, load }, i) => {
    for (const [field, source = -1] of [
      ["renewable.source", renewable?.source],
      ["load.errorSource", load.errorSource],
    ] as const)
      if (source >= sources.length)
        faults.push(fault(`prosumers[${i}].${field}`, source, `there are ${sources.length} sources`));
  });
  factor.forEach((rows, hour) => {
    if (rows.length > sources.length)
      faults.push(
        fault(`uncertainty.factor[${hour}].length`, rows.length, `must be at most ${sources.length} (sources)`),
      );
    const odd = rows.findIndex((row) => row.length !== uncertain.length);
    if (odd >= 0)
      faults.push(
        fault(
          `uncertainty.factor[${hour}][${odd}].length`,
          rows[odd].length,
          `must be ${uncertain.length} (uncertain)`,
        ),
      );
  });
  for (const set of ["fitErrors", "testErrors"] as const) {
    uncertainty[set].forEach((samples, hour) => {
      const odd = samples.findIndex((sample) => sample.length !== sources.length);
      if (odd >= 0)
        faults.push(
          fault(
            `uncertainty.${set}[${hour}][${odd}].length`,
            samples[odd].length,
            `must be ${sources.length} (sources)`,
          ),
        );
      const days = uncertainty[set][0].length;
      if (samples.length !== days)
        faults.push(
          fault(`uncertainty.${set}[${hour}].length`, samples.length, `must be ${days}: the same days in every period`),
        );
    });
  }
  return faults;
}

/** How long reserve lasts comes out in whole periods, and radii of estimated moments are known by the period only. */
function sustainFaults({ risk: { sustainHours, meanRadius, stdRadius }, periodHours }: Scenario): Fault[] {
  if (sustainHours === undefined) return [];
  if (!isWholePeriods(sustainHours, periodHours))
    return [fault("risk.sustainHours", sustainHours, `must be a multiple of periodHours = ${periodHours}`)];
  if (![...meanRadius, ...stdRadius].some((radius) => radius > 0)) return [];
  const reason = "radii of estimated moments (risk.meanRadius, risk.stdRadius) are known by the period only";
  return [fault("risk.sustainHours", sustainHours, reason)];
}

/** Whether so many hours come out in whole periods, at least one. */
export const isWholePeriods = (hours: number, periodHours: number): boolean => {
  const periods = Math.round(hours / periodHours);
  return periods >= 1 && Math.abs(periods * periodHours - hours) <= 1e-9 * hours;
};

/** The joint law has an entry for everybody who errs, and rows of one length; without a duration nobody needs it. */
function jointFaults({ risk, uncertainty: { joint, uncertain } }: Scenario): Fault[] {
  if (joint === undefined)
    return risk.sustainHours === undefined
      ? []
      : [fault("risk.sustainHours", risk.sustainHours, "needs the errors' joint law, uncertainty.joint")];
  if (risk.sustainHours === undefined)
    return [fault("risk.sustainHours", undefined, "must be given where uncertainty.joint is")];
  const { column = uncertain.map((_, c) => c) } = joint;
  const parts = `must be ${column.length} (${joint.column === undefined ? "uncertain" : "parts, as column"})`;
  const faults = (["ratingMw", "source"] as const)
    .filter((field) => joint[field].length !== column.length)
    .map((field) => fault(`uncertainty.joint.${field}.length`, joint[field].length, parts));
  const astray = column.findIndex((c) => c >= uncertain.length);
  if (astray >= 0)
    faults.push(
      fault(`uncertainty.joint.column[${astray}]`, column[astray], `there are ${uncertain.length} uncertain`),
    );
  const idle = uncertain.findIndex((_, c) => !column.includes(c));
  if (idle >= 0) faults.push(fault("uncertainty.joint.column", column, `has no part of prosumer ${uncertain[idle]}`));
  const sources = Math.max(-1, ...joint.source) + 1;
  for (const part of ["days", "persistent"] as const)
    joint[part].forEach((rows, t) => {
      if (rows.length !== joint[part][0].length)
        faults.push(fault(`uncertainty.joint.${part}[${t}].length`, rows.length, `must be ${joint[part][0].length}`));
      const short = rows.findIndex((row) => row.length < sources);
      if (short >= 0)
        faults.push(
          fault(`uncertainty.joint.${part}[${t}][${short}].length`, rows[short].length, `must be at least ${sources}`),
        );
    });
  return faults;
}
