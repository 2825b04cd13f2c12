import { settingsFrom } from "../../clearing/settingsTerms.ts";
import { acViolation } from "../../auditor/witness.ts";
import { fitsOneTransaction, type TransactionLimits } from "../../codec/fits.ts";
import { quantise as toIntegers } from "../../codec/quantise.ts";
import { batchOf, type Batch } from "../../ledger/verified.ts";
import type { ProsumerView } from "../../market/result/acceptance.ts";
import type { Proposals } from "../../market/result/proposal.ts";
import type { Schedule } from "../../market/result/solution.ts";
import { createNetwork, type Tightening } from "../../market/formulation/network.ts";
import { marketOf } from "../../market/scenario/market.ts";
import { scenarioWith } from "../../market/scenario/publicScenario.ts";
import { clearTightened, type Tightened } from "../../simulation/acMargin.ts";
import { clear as clearAll, gridOf, type ClearedSession, type ClearOptions } from "../../simulation/clear.ts";
import { DoesNotFit, SessionRefused } from "../refused.ts";
import { agree, sessionScenario, type Frozen } from "./freeze.ts";

/**
 * `tighten`: clear inside limits tightened until the AC sweep passes. `most`: what a transaction may take, where that
 * is less than the chain's own limits.
 */
export type SessionOptions = ClearOptions & { readonly tighten?: boolean; readonly most?: TransactionLimits };

/** How a clearing ended, and inside which limits. */
export type Cleared = { readonly cleared: ClearedSession; readonly tightened: Tightened | undefined };

/** All agents in this process, each on its own part and the frozen terms. */
export function clear(session: Frozen, { tighten, most: _, ...options }: SessionOptions): Cleared {
  const terms = agree("a node", session.termsBytes, session.frozen);
  const agreed = { ...options, market: terms.settings, settings: settingsFrom(terms.clearing) };
  const known = scenarioWith(sessionScenario(terms, session), session.parts);
  if (!tighten) return { cleared: clearAll(known, agreed), tightened: undefined };
  const tightened = clearTightened(known, agreed, (market) => createNetwork(market));
  return { cleared: tightened.session, tightened };
}

/** What left the agents, and what each party remembers of its own. */
export type Proposed = {
  readonly proposals: Proposals;
  readonly views: readonly ProsumerView[];
  /** Likewise, [prosumer]: its plan. */
  readonly plans: readonly Schedule[];
  /** How far inside the limits the operator cleared. */
  readonly tightening: Tightening | undefined;
};

/** Takes the proposals out of a clearing that ended well. */
export function propose({ cleared, tightened }: Cleared): Proposed {
  const { status, reason, outcome } = cleared;
  if (outcome?.ends === undefined) throw new SessionRefused(status, reason ?? status);
  return {
    proposals: outcome.proposals,
    views: outcome.ends.map(({ view }) => view),
    plans: outcome.solution.schedules,
    tightening: tightened?.tightening,
  };
}

/** The integers that the proposals make, by public data alone, if they fit one transaction and the feeder. */
export function quantise(session: Frozen, { proposals, plans, tightening }: Proposed, most?: TransactionLimits): Batch {
  const { terms, committee } = session;
  const market = marketOf(sessionScenario(terms, session), terms.settings);
  const { result } = toIntegers(market, proposals, gridOf(market).places);
  const setting = {
    members: committee.length,
    buses: terms.scenario.feeder.buses.length,
    homes: terms.scenario.prosumers.length,
    ...(most && { most }),
  };
  const fit = fitsOneTransaction(result, setting);
  if (!fit.fits) throw new DoesNotFit(fit, { result, setting, plans });
  // An auditor sweeps the posted point: what would be found invalid is never signed.
  const beyond = acViolation(market, createNetwork(market), result);
  const hint = tightening === undefined ? "; --tighten auto clears inside tighter limits" : "";
  if (beyond !== undefined)
    throw new SessionRefused("refused", `the linear model holds, but not the AC sweep: ${beyond}${hint}`);
  return batchOf(result);
}
