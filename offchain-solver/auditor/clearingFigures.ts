/**
 * Figures of clearing.json that nobody's money moves by: regrets as their owners signed them, costs and emissions of
 * the schedules by the owners' own devices, and the objective as what all of it adds up to.
 */
import type { Terms } from "../codec/terms.ts";
import type { Witness } from "../codec/witness.ts";
import { allowedMismatch, allowedRegret } from "../market/result/certificate.ts";
import { deviceCost, emissionsT } from "../market/result/cost.ts";
import type { Schedule } from "../market/result/solution.ts";
import { PLANNED } from "../market/devices/devices.ts";
import { sessionOf } from "../market/scenario/leaveOut.ts";
import { marketOf, type Market } from "../market/scenario/market.ts";
import type { Prosumer } from "../market/scenario/scenario.ts";
import type { ClearingJson } from "../records/clearingJson.ts";
import { invalid, VALID, type Verdict } from "./verdict.ts";

/** What the figures are held against; `owned`: the devices of all, where somebody shows them. */
export type Known = {
  readonly terms: Terms;
  readonly regrets: Witness["regrets"];
  readonly owned: readonly Prosumer[] | undefined;
};

/** Of a dollar, or a ton: what adding up in another order may be off by. */
const ADDED_UP = 1e-9;

/** `clearing`: of exactly the participants and the result that settled. */
export function checkFigures(clearing: ClearingJson, { terms, regrets, owned }: Known): Verdict {
  const ids = clearing.prosumers.map(({ id }) => id);
  const market = marketOf(sessionOf(terms.scenario, ids), terms.settings, owned);
  const elsewhere = termsFault(clearing, terms);
  if (elsewhere !== undefined) return invalid("clearingNotTheTerms", elsewhere);
  const unsigned = regretFault(clearing, regrets);
  if (unsigned !== undefined) return invalid("regretNotTheWitness", unsigned);
  const other = owned && scheduleFault(clearing, market);
  if (other !== undefined) return invalid("costNotTheSchedule", other);
  const sum = objectiveFault(clearing, market);
  return sum === undefined ? VALID : invalid("objectiveNotTheSum", sum);
}

const SETTINGS = ["risk", "epsilon", "network", "networkRisk", "carbon"] as const;

/** What it says of the market and its members that the frozen terms say. */
function termsFault({ scenario: name, settings, prosumers }: ClearingJson, { scenario, settings: frozen }: Terms) {
  const busOf = new Map(scenario.prosumers.map(({ id, bus }) => [id, bus]));
  const figures: (readonly [name: string, is: unknown, told: unknown])[] = [
    ["scenario", scenario.name, name],
    ...SETTINGS.map((field) => [`settings.${field}`, frozen[field], settings[field]] as const),
    ...prosumers.map(({ id, bus }) => [`the bus of prosumer ${id}`, busOf.get(id), bus] as const),
  ];
  const bad = figures.find(([, is, told]) => is !== told);
  return bad && `clearing.json: ${bad[0]} is ${String(bad[1])}, not ${String(bad[2])}`;
}

/** A regret of which its owner has signed another; whose is not in the witness is told by the session's verdict. */
function regretFault({ prosumers }: ClearingJson, regrets: Witness["regrets"]): string | undefined {
  for (const { id, regret } of prosumers) {
    const signed = regrets.filter((one) => one.id === id);
    const nano = `${Math.round(regret * 1e9)}`;
    if (signed.length > 0 && !signed.some(({ regretNano }) => regretNano === nano))
      return `prosumer ${id} signed ${signed[0].regretNano} nano-dollars, not ${nano}`;
  }
  return undefined;
}

function scheduleFault({ prosumers }: ClearingJson, market: Market): string | undefined {
  for (const [i, { id, cost, carbon, schedule }] of prosumers.entries()) {
    const own = scheduleIn(market.prosumers[i], schedule, market.hours);
    const figures = [
      ["cost", deviceCost(market, i, own), cost],
      ["emissionsT", emissionsT(market, i, own), carbon.emissionsT],
      ["allowanceT", market.allowanceT[i], carbon.allowanceT],
    ] as const;
    const bad = figures.find(([, is, told]) => !(Math.abs(is - told) <= ADDED_UP * (1 + Math.abs(is))));
    if (bad !== undefined) return `${bad[0]} of prosumer ${id} is ${bad[1]}, not ${bad[2]}`;
  }
  return undefined;
}

/** As a clearing has it: what devices give of reactive power is what is injected and what the loads draw of it. */
function scheduleIn({ load }: Prosumer, told: ClearingJson["prosumers"][number]["schedule"], hours: number): Schedule {
  const zeros = new Array<number>(hours).fill(0);
  const plans = Object.fromEntries(PLANNED.map(([name]) => [name, told[name] ?? zeros]));
  const drawn = (t: number): number => load.fixedMw[t] + told.flexibleMw[t];
  const reactiveMvar = told.reactiveMvar.map((q, t) => q + load.mvarPerMw * drawn(t));
  return { ...plans, ...told, reactiveMvar } as unknown as Schedule;
}

/**
 * What a day costs is what devices cost and what all pay utility and desk, since among members and operator payments
 * cancel out; to what rounding, and plans that are not yet the trades, may make of it.
 */
function objectiveFault(clearing: ClearingJson, market: Market): string | undefined {
  const { objective, uniqueness = 0, prosumers, quantised } = clearing;
  const sum = prosumers.reduce((all, { cost, payment }) => {
    const { energy, reserve, carbon, network } = payment;
    return all + cost + energy + reserve + carbon + network;
  }, uniqueness);
  const most = allowedMismatch(market, quantised) + allowedRegret(market, quantised);
  return Math.abs(objective - sum) <= most ? undefined : `${objective} $, not ${sum} $ of costs and payments`;
}
