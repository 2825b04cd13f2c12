import { hexlify, keccak256, type TypedDataDomain } from "ethers";
import * as GridModel from "../codec/gridModel.ts";
import * as Payload from "../codec/payload.ts";
import { signerOfText } from "../codec/recover.ts";
import { attempt } from "../codec/refusal.ts";
import { termsHash } from "../codec/terms.ts";
import { marketDomain, sessionHash } from "../codec/typedData.ts";
import { bundleHash, regretDigest, type Witness } from "../codec/witness.ts";
import { acSweep } from "../grid/acSweep.ts";
import { allowedRegret } from "../market/result/certificate.ts";
import { type ClearingResult, OPERATOR, SESSION_PERIOD } from "../market/result/clearingResult.ts";
import { limitRows } from "../market/formulation/networkLimit.ts";
import { marketOf, type Market } from "../market/scenario/market.ts";
import { createNetwork, NO_TIGHTENING, riskLevel, type Network } from "../market/formulation/network.ts";
import { limitSet, supportOf } from "../market/risk/limitSet.ts";
import { judgeRebates } from "../market/result/networkCharge.ts";
import { ancillaryCharges, judgeAncillary } from "../market/result/ancillaryCharge.ts";
import { positionsWh, reservePositions, verifyPublic } from "../market/result/verify.ts";
import type { AuditedSession } from "./audit.ts";
import { invalid, undecided, VALID, type Verdict } from "./verdict.ts";

/** Posted nodal prices are rounded to 1e-3 $/MWh; the multipliers may miss them by this much more, $/MWh. */
const PRICE_TOLERANCE = 2e-3;
const UNITS = 1e6;

/** What the chain says of the batch that a witness is about. */
export type WitnessContext = {
  readonly domain: TypedDataDomain;
  /** `sessionHash` of the frozen session, keccak256 of the payload. */
  readonly session: string;
  readonly payload: string;
  /** Node keys by prosumer id at the time of the batch. */
  readonly nodeKeys: ReadonlyMap<number, string>;
};

/**
 * Judges a posted result by its witness: public limits hold (chance constraints included), the AC sweep converges
 * inside the limits, every prosumer signed its regret, the operator's prices follow from its multipliers, and all
 * regrets together certify that the result is within the tolerance of the optimum (`certificate.ts`).
 */
export function judgeWitness(context: WitnessContext, result: ClearingResult, witness: Witness): Verdict {
  const { session, payload } = context;
  if (witness.session !== session || witness.payload !== payload)
    return invalid("witnessOfAnotherBatch", `${witness.session}, ${witness.payload}`);
  const { scenario, settings, toleranceNano } = witness.terms;
  const market = marketOf(scenario, settings);
  const grid = createNetwork(market);
  const network = settings.network ? grid : undefined;
  const found = verifyPublic(market, network, result);
  if (found.kind === "invalid") return invalid(found.predicate, found.detail);

  let total = 0;
  for (const id of result.participants) {
    const regret = witness.regrets.find((r) => r.id === id);
    if (regret === undefined) return invalid("regretMissing", `prosumer ${id}`);
    const digest = regretDigest(context.domain, {
      session,
      payload,
      prosumer: id,
      regretNano: BigInt(regret.regretNano),
    });
    const signer = signerOfText(digest, regret.signature);
    if (signer === undefined || signer !== context.nodeKeys.get(id))
      return invalid("regretNotSigned", `prosumer ${id}`);
    // A negative regret would hide another's: nobody can do better than its best response.
    total += Math.max(0, Number(regret.regretNano) / 1e9);
  }
  if (network !== undefined) {
    const cleared = createNetwork(market, witness.tightening ?? NO_TIGHTENING);
    const operator = operatorRegret(market, cleared, result, witness.limits);
    if (operator.unsupported !== undefined) return invalid("nodalPriceUnsupported", operator.unsupported);
    const charged = judgeAncillary(market, result.trades, ancillaryCharges(market, result, operator.charges));
    const rebated = judgeRebates(market, result.trades);
    for (const finding of [charged, rebated])
      if (finding.kind === "invalid") return invalid(finding.predicate, finding.detail);
    total += operator.regret;
    const ac = acViolation(market, network, result);
    if (ac !== undefined) return invalid("outsideAcLimit", ac);
  }
  const allowed = allowedRegret(market, result, toleranceNano / 1e9);
  if (!(total <= allowed))
    return invalid("regretsTooLarge", `${total.toExponential(3)} $ over ${allowed.toExponential(3)} $`);
  return VALID;
}

/**
 * Judges a settled session by the witness found for it. Nothing that a publisher says is believed: the witness must be
 * the one that was signed with the batch, and its terms those that were frozen, before anything in it counts.
 */
export function judgeSession(
  audited: AuditedSession,
  witness: Witness | undefined,
  chain: { readonly chainId: bigint; readonly market: string },
): Verdict {
  const { payload, gridModel, batch, nodeKeys, terms } = audited;
  if (witness === undefined || payload === undefined || gridModel === undefined || terms === undefined)
    return undecided(`the witness of batch ${batch}`);
  if (bundleHash(witness) !== audited.bundleHash)
    return undecided(`the witness that was signed with batch ${batch}: this one hashes to ${bundleHash(witness)}`);
  if (termsHash(witness.terms) !== terms.termsHash)
    return invalid("otherTerms", `they hash to ${termsHash(witness.terms)}, frozen were ${terms.termsHash}`);
  const { feeder, prosumers, hours, startUtc, periodHours } = witness.terms.scenario;
  const places = prosumers.map(({ id, bus }) => ({ id, bus }));
  if (hexlify(GridModel.encode(GridModel.fromFeeder(feeder, places))) !== hexlify(gridModel))
    return invalid("witnessOfAnotherFeeder", feeder.name);
  const posted = attempt(() => Payload.decode(payload, terms.periods));
  const start = Date.parse(startUtc) / 1000;
  const periodSeconds = Math.round(periodHours * 3600);
  if (BigInt(start) !== terms.start || periodSeconds !== terms.periodSeconds || hours !== terms.periods)
    return invalid("witnessOfAnotherHorizon", `${hours} periods of ${periodSeconds} s from ${startUtc}`);
  if ("kind" in posted) return invalid(posted.predicate, posted.detail.join(", "));
  const { participants, trades, reactiveVar } = posted;
  const result: ClearingResult = {
    sessionStart: start,
    periodSeconds,
    periods: hours,
    participants,
    trades,
    reactiveVar,
  };
  return judgeWitness(
    {
      domain: marketDomain(chain.chainId, chain.market),
      session: sessionHash(terms),
      payload: keccak256(payload),
      nodeKeys,
    },
    result,
    witness,
  );
}

/**
 * The operator's regret from public data: sum over its limits of (support of the multiplier - multiplier times the
 * posted image), $; whether the posted network charges are what the multipliers imply; and what they charge for responses
 * and reactive power.
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
      return { regret, charges, unsupported: `hour ${hour}: there is no limit ${limit}` };
    const { rows, constant } = limitRows(market, network, hour, limit);
    if (multiplier.length !== rows.length)
      return { regret, charges, unsupported: `hour ${hour}: limit ${limit} has ${rows.length} components` };
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
      if (positions[t][i] !== 0 && Math.abs(posted[i] - implied[t][i]) > PRICE_TOLERANCE)
        return {
          regret,
          charges,
          unsupported: `hour ${t}, prosumer ${market.prosumers[i].id}: charged ${posted[i].toFixed(4)}, multipliers say ${implied[t][i].toFixed(4)} $/MWh`,
        };
  }
  return { regret, charges, unsupported: undefined };
}

/** First voltage or loading of the posted point's full AC sweep outside its limits, if any. */
export function acViolation(market: Market, network: Network, result: ClearingResult): string | undefined {
  const { feeder } = market.scenario;
  const positions = positionsWh(result);
  for (let t = 0; t < market.hours; t++) {
    const p = new Float64Array(network.buses);
    const q = new Float64Array(network.buses);
    positions[t].forEach((wh, i) => (p[network.busOf[i]] += wh / UNITS / market.dt));
    result.reactiveVar.forEach((row, i) => (q[network.busOf[i]] += row[t] / UNITS));
    const sweep = acSweep(feeder, network.topology, p, q);
    if (!sweep.converged) return `hour ${t}: the AC sweep does not converge`;
    for (let b = 1; b < network.buses; b++) {
      const { vMinPu, vMaxPu, bus } = feeder.buses[b];
      if (sweep.voltagePu[b] < vMinPu || sweep.voltagePu[b] > vMaxPu)
        return `hour ${t}: voltage ${sweep.voltagePu[b].toFixed(4)} at bus ${bus}`;
    }
    for (let l = 0; l < network.branches; l++)
      if (sweep.loading[l] > 1)
        return `hour ${t}: line ${feeder.branches[l].from}-${feeder.branches[l].to} at ${(100 * sweep.loading[l]).toFixed(1)} %`;
  }
  return undefined;
}
