import { hexlify, keccak256, type TypedDataDomain } from "ethers";
import * as GridModel from "../codec/gridModel.ts";
import * as Payload from "../codec/payload.ts";
import { attempt } from "../codec/refusal.ts";
import { termsHash } from "../codec/terms.ts";
import { sessionHash, type FrozenLimits, type SessionTerms } from "../codec/typedData.ts";
import type { Witness } from "../codec/witness.ts";
import { imbalancePrice } from "../ledger/settleable.ts";
import { termsFaults } from "../ledger/termsFaults.ts";
import { acSweep } from "../grid/acSweep.ts";
import { placesOn } from "../grid/places.ts";
import { type ClearingResult, OPERATOR, SESSION_PERIOD, UNITS } from "../market/result/clearingResult.ts";
import { limitRows } from "../market/formulation/networkLimit.ts";
import { sessionOf } from "../market/scenario/leaveOut.ts";
import { marketOf, nameOf, periodName, type Market } from "../market/scenario/market.ts";
import { busInjections, createNetwork, NO_TIGHTENING, riskLevel, type Network } from "../market/formulation/network.ts";
import { CERTIFICATE } from "../market/result/certificate.ts";
import { limitSet, supportOf } from "../market/risk/limitSet.ts";
import { judgeRebates } from "../market/result/networkCharge.ts";
import { ancillaryCharges, judgeAncillary } from "../market/result/ancillaryCharge.ts";
import { positionsWh, reservePositions, verifyPublic } from "../market/result/verify.ts";
import { witnessIn, type Bundles } from "./bundles.ts";
import { certify, type Certificate, type WitnessContext } from "./certify.ts";
import { entryPricesOf, type EntryPrices } from "./entryTerms.ts";
import { checkPosted } from "./posted.ts";
import { unneededTightening } from "./tightening.ts";
import { invalid, undecided, VALID, type Verdict } from "./verdict.ts";

/** Posted nodal prices are rounded to 1e-3 $/MWh; the multipliers may miss them by this much more, $/MWh. */
const PRICE_TOLERANCE = 2e-3;

/**
 * Judges a posted result by its witness: public limits hold (chance constraints included), form and prices are those
 * of an optimum, the operator's prices follow from its multipliers, the AC sweep converges inside the limits, and all
 * regrets together certify that the result is within the tolerance of the optimum (`certificate.ts`).
 */
export function judgeWitness(context: WitnessContext, result: ClearingResult, witness: Witness): Verdict {
  return certifyWitness(context, result, witness).verdict;
}

/** The same with the figures; they are missing where something before them is invalid. */
export function certifyWitness(
  context: WitnessContext,
  result: ClearingResult,
  witness: Witness,
): { readonly verdict: Verdict; readonly certificate?: Certificate } {
  const { session, payload } = context;
  if (witness.session !== session || witness.payload !== payload)
    return { verdict: invalid("witnessOfAnotherBatch", `${witness.session}, ${witness.payload}`) };
  const { scenario, settings, toleranceNano } = witness.terms;
  // A quorum that may choose how much counts as nothing proves nothing.
  if (toleranceNano / 1e9 > CERTIFICATE.regret)
    return { verdict: invalid("unsoundTerms", `toleranceNano ${toleranceNano}: at most ${1e9 * CERTIFICATE.regret}`) };
  if (result.participants.length === 0) return { verdict: invalid("wrongParticipants", "nobody") };
  // Whoever was invited and is not in the batch loads the feeder with what the terms state for it.
  const market = marketOf(sessionOf(scenario, result.participants), settings);
  const grid = createNetwork(market);
  const network = settings.network ? grid : undefined;
  const places = placesOn(scenario.feeder, grid.topology, grid.busOf);
  for (const check of [() => verifyPublic(market, network, result), () => checkPosted(market, places, result)]) {
    const found = check();
    if (found.kind === "invalid") return { verdict: found };
  }
  let operatorsRegret = 0;
  if (network !== undefined) {
    const tightening = witness.tightening ?? NO_TIGHTENING;
    const cleared = createNetwork(market, tightening);
    const operator = operatorRegret(market, cleared, result, witness.limits);
    if (operator.unsupported !== undefined) return { verdict: invalid("nodalPriceUnsupported", operator.unsupported) };
    const charged = judgeAncillary(market, result.trades, ancillaryCharges(market, result, operator.charges));
    const rebated = judgeRebates(market, result.trades);
    for (const finding of [charged, rebated]) if (finding.kind === "invalid") return { verdict: finding };
    operatorsRegret = operator.regret;
    const ac = acViolation(market, network, result);
    if (ac !== undefined) return { verdict: invalid("outsideAcLimit", ac) };
    const unneeded = unneededTightening(market, network, result, tightening);
    if (unneeded !== undefined) return { verdict: invalid("tighteningUnneeded", unneeded) };
  }
  return certify(context, market, result, witness, operatorsRegret);
}

/** What is known of a settled session: all of it from the chain, or proven by what is. */
export type SettledSession = {
  readonly batch: string;
  readonly payload: Uint8Array;
  readonly bundleHash: string;
  readonly gridModel: Uint8Array;
  readonly terms: SessionTerms;
  readonly nodeKeys: ReadonlyMap<number, string>;
  /** The mandates that it was frozen with, by account. */
  readonly limits: ReadonlyMap<number, FrozenLimits>;
};

/** `prices`: what the terms ask, where they are those that were frozen. */
export type JudgedSession = {
  readonly verdict: Verdict;
  readonly certificate?: Certificate;
  readonly prices?: EntryPrices;
};

/**
 * Judges a settled session by the witness found for it. Nothing that a publisher says is believed: the witness must be
 * the one that was signed with the batch, and its terms those that were frozen, before anything in it counts.
 */
export async function certifySession(
  settled: SettledSession,
  bundles: Bundles,
  domain: TypedDataDomain,
): Promise<JudgedSession> {
  const { batch, bundleHash } = settled;
  const found = await witnessIn(bundles, bundleHash);
  if (found === undefined) return { verdict: undecided(`the witness of batch ${batch} (${bundleHash})`) };
  if (found.kind === "malformed")
    return { verdict: invalid("malformedWitness", `what was signed as the witness of batch ${batch} is none`) };
  return judgeSession(settled, found.value, domain);
}

/** The same with the witness at hand. */
export function judgeSession(
  { payload, gridModel, nodeKeys, terms, limits }: SettledSession,
  witness: Witness,
  domain: TypedDataDomain,
): JudgedSession {
  const wrong = wrongTerms(witness.terms, terms, gridModel, limits);
  if (wrong.kind !== "valid") return { verdict: wrong };
  const prices = entryPricesOf(witness.terms);
  const posted = attempt(() => Payload.decode(payload, terms.periods));
  if ("kind" in posted) return { verdict: invalid(posted.predicate, posted.detail.join(", ")), prices };
  const { participants, trades, reactiveVar } = posted;
  const { periodSeconds, periods } = terms;
  const sessionStart = Number(terms.start);
  const result: ClearingResult = { sessionStart, periodSeconds, periods, participants, trades, reactiveVar };
  const context = { domain, session: sessionHash(terms), payload: keccak256(payload), nodeKeys };
  return { ...certifyWitness(context, result, witness), prices };
}

/** Whether what was published as the terms is what was frozen, sound, and of this feeder and horizon. */
function wrongTerms(
  published: Witness["terms"],
  frozen: SessionTerms,
  gridModel: Uint8Array,
  limits: SettledSession["limits"],
): Verdict {
  const hash = termsHash(published);
  if (hash !== frozen.termsHash) return invalid("otherTerms", `they hash to ${hash}, frozen were ${frozen.termsHash}`);
  const { scenario } = published;
  const [fault] = termsFaults(scenario, limits);
  if (fault !== undefined) return invalid("unsoundTerms", `${fault.field} ${fault.reason}`);
  const { feeder, prosumers, hours, startUtc, periodHours } = scenario;
  const model = GridModel.bytesOf(feeder, prosumers);
  if (typeof model === "string") return invalid("unsoundTerms", model);
  if (hexlify(model) !== hexlify(gridModel)) return invalid("witnessOfAnotherFeeder", feeder.name);
  const start = Date.parse(startUtc) / 1000;
  const periodSeconds = Math.round(periodHours * 3600);
  if (BigInt(start) !== frozen.start || periodSeconds !== frozen.periodSeconds || hours !== frozen.periods)
    return invalid("witnessOfAnotherHorizon", `${hours} periods of ${periodSeconds} s from ${startUtc}`);
  const price = imbalancePrice(scenario.tariff);
  if (BigInt(price) !== frozen.imbalancePrice)
    return invalid("otherImbalancePrice", `the tariff makes it ${price}, frozen is ${frozen.imbalancePrice}`);
  return VALID;
}

/**
 * The operator's regret from public data: sum over its limits of (support of the multiplier - multiplier times the
 * posted image), $; whether the posted network charges are what the multipliers imply; and what they charge for
 * responses and reactive power.
 */
export function operatorRegret(market: Market, network: Network, result: ClearingResult, limits: Witness["limits"]) {
  const charges = {
    shareCharge: market.shares.map((slots) => new Float64Array(slots.length)),
    nodalReactivePrice: market.shares.map(() => new Float64Array(market.prosumers.length)),
  };
  const positions = positionsWh(result);
  const reserve = reservePositions(market, result);
  const n = market.prosumers.length;
  const implied = Array.from({ length: market.hours }, () => new Float64Array(n));
  let regret = 0;
  for (const { hour, limit, multiplier } of limits) {
    if (hour >= market.hours || !(network.upper[limit] > network.lower[limit]))
      return { regret, charges, unsupported: `${periodName(market, hour)}: there is no limit ${limit}` };
    const { rows, constant } = limitRows(market, network, hour, limit);
    if (multiplier.length !== rows.length)
      return {
        regret,
        charges,
        unsupported: `${periodName(market, hour)}: limit ${limit} has ${rows.length} components`,
      };
    const x = [
      ...positions[hour].map((wh) => wh / UNITS / market.dt),
      ...result.reactiveVar.map((row) => row[hour] / UNITS),
      ...Array.from(reserve.shares[hour], (w) => w / UNITS),
    ];
    const middle = (network.upper[limit] + network.lower[limit]) / 2;
    const level = riskLevel(market, hour);
    const set = limitSet(
      (network.upper[limit] - network.lower[limit]) / 2,
      level.method,
      level.epsilon,
      level.halfWidth,
    );
    let reached = 0;
    rows.forEach((row, r) => {
      let image = constant[r] - (r === 0 ? middle : 0);
      for (let k = 0; k < x.length; k++) image += row[k] * x[k];
      reached += multiplier[r] * image;
      const add = (to: Float64Array, from: number): void =>
        to.forEach((_, k) => (to[k] += (multiplier[r] * row[from + k]) / market.dt));
      add(implied[hour], 0);
      add(charges.nodalReactivePrice[hour], n);
      add(charges.shareCharge[hour], 2 * n);
    });
    regret += Math.max(0, supportOf(set, multiplier) - reached);
  }
  for (let t = 0; t < market.hours; t++) {
    const posted = new Float64Array(n);
    for (const trade of result.trades)
      if (
        trade.seller === OPERATOR &&
        trade.period === t &&
        trade.period !== SESSION_PERIOD &&
        trade.product === "network"
      )
        posted[trade.buyer] = (positions[t][trade.buyer] > 0 ? 1 : -1) * (trade.price / 1e3);
    for (let i = 0; i < n; i++)
      if (positions[t][i] !== 0 && !(Math.abs(posted[i] - implied[t][i]) <= PRICE_TOLERANCE))
        return {
          regret,
          charges,
          unsupported: `${periodName(market, t)}, ${nameOf(market, i)}: charged ${posted[i].toFixed(4)}, multipliers say ${implied[t][i].toFixed(4)} $/MWh`,
        };
  }
  return { regret, charges, unsupported: undefined };
}

/** First voltage or loading of the posted point's full AC sweep outside its limits, if any. */
export function acViolation(market: Market, network: Network, result: ClearingResult): string | undefined {
  const { feeder } = market.scenario;
  const positions = positionsWh(result);
  for (let t = 0; t < market.hours; t++) {
    const injected = busInjections(
      network,
      t,
      positions[t].map((wh) => wh / UNITS / market.dt),
      result.reactiveVar.map((row) => row[t] / UNITS),
    );
    const sweep = acSweep(feeder, network.topology, injected.mw, injected.mvar);
    if (!sweep.converged) return `${periodName(market, t)}: the AC sweep does not converge`;
    for (let b = 1; b < network.buses; b++) {
      const { vMinPu, vMaxPu, bus } = feeder.buses[b];
      if (sweep.voltagePu[b] < vMinPu || sweep.voltagePu[b] > vMaxPu)
        return `${periodName(market, t)}: voltage ${sweep.voltagePu[b].toFixed(4)} at bus ${bus}`;
    }
    for (let l = 0; l < network.branches; l++)
      if (sweep.loading[l] > 1)
        return `${periodName(market, t)}: line ${feeder.branches[l].from}-${feeder.branches[l].to} at ${(100 * sweep.loading[l]).toFixed(1)} %`;
  }
  return undefined;
}
