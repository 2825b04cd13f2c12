import type { Market } from "../../market/scenario/market.ts";
import type { Solution, Status } from "../../market/result/solution.ts";
import { clear, type ClearedSession, type ClearMethod } from "../../simulation/clear.ts";
import type { Traits, ZooMarket } from "./zooMarket.ts";

/** How a session on a chain ended: judged so by the auditor, or refused before money moved. */
export type SessionEnd = {
  readonly verdict: "valid" | "invalid" | "undecided" | "refused" | "failed";
  readonly detail: string;
};

/** Plain iterations: to their end, or stopped when they had long lost. */
export type PlainRun = { readonly status: Status; readonly evaluations: number };

/** One market: how it ended, and what it is compared with. */
export type ZooRow = {
  readonly seed: number;
  readonly traits: Traits;
  readonly central: Status;
  readonly status: Status;
  readonly reason?: string;
  readonly evaluations: number;
  /** Plain without and with the vanishing regularisation, at the same rho. */
  readonly plain?: PlainRun;
  readonly plainVanishing?: PlainRun;
  /** Evaluations over those of the better plain; an upper bound where neither ended. */
  readonly ratio?: number;
  /** (objective - central's) / gross turnover. */
  readonly gap?: number;
  /** $ that change hands at the central twin's quantities and prices; hardly any where nothing does. */
  readonly turnover?: number;
  readonly ms: { readonly central: number; readonly cleared: number };
  readonly session?: SessionEnd;
  /** What this market shows to be wrong; empty: nothing. */
  readonly failures: readonly string[];
};

/** The claims that every market is held to. */
export const CLAIMS = { gap: 1e-5, plainFactor: 1.3, plainExtra: 50, medianRatio: 0.5 } as const;

/** Plain goes on to so many times the default's evaluations: what it still takes there does not change any claim. */
const PLAIN_PATIENCE = { times: 3, extra: 60 } as const;

/**
 * Sum of abs(quantity x price) over everything that is paid for, $: between prosumers, with utility, desk and operator.
 */
export function turnoverOf(market: Market, solution: Solution): number {
  const { dt, hours, scenario } = market;
  const { tariff, carbon } = scenario;
  const reserveTariff = tariff.reserveUpPerMw + tariff.reserveDownPerMw;
  let total = 0;
  const pay = (quantity: number, price: number): void => void (total += Math.abs(quantity * price));
  for (let t = 0; t < hours; t++) {
    solution.energyMw.forEach((pair, k) => pay(pair[t] * dt, solution.energyPrice[k][t]));
    market.shares[t].forEach(({ seller, buyer }, s) => {
      if (seller !== buyer) pay(solution.shareMw[t][s] * dt, solution.sharePrice[t][s]);
    });
    solution.schedules.forEach((s, i) => {
      pay(s.importMw[t] * dt, tariff.buyPerMwh[t]);
      pay(s.exportMw[t] * dt, tariff.sellPerMwh[t]);
      pay(s.utilityShareMw[t] * dt, reserveTariff);
      pay(s.pMw[t] * dt, solution.nodalPrice[t][i]);
    });
  }
  solution.carbonT.forEach((t, k) => pay(t, solution.carbonPrice[k]));
  for (const s of solution.schedules) {
    pay(s.allowanceBoughtT, carbon.deskBuyPerT);
    pay(s.allowanceSoldT, carbon.deskSellPerT);
  }
  return total;
}

/**
 * Of the price of everybody's size, $: the least that a gap is measured by. What is off by less is noise where nothing
 * changes hands.
 */
const LEAST_TURNOVER = 1e-4;

export function measureOf(market: Market, solution: Solution): number {
  const { dt, sizeMw, scenario } = market;
  const level = scenario.tariff.buyPerMwh.reduce((sum, price) => sum + Math.abs(price), 0);
  return Math.max(turnoverOf(market, solution), LEAST_TURNOVER * sizeMw * dt * level);
}

export type ZooRun = {
  readonly method: Exclude<ClearMethod, "central">;
  readonly maxIterations: number;
  readonly show: (text: string) => void;
};

/**
 * Clears one market centrally, by the method, and by plain iterations both ways; `evaluations` are those that `clear`
 * takes, to the certified end.
 */
export function zooRow({ seed, scenario, settings, traits }: ZooMarket, run: ZooRun): ZooRow {
  const by = (method: ClearMethod, maxIterations: number, vanishing = false, of = scenario): ClearedSession =>
    clear(of, {
      method,
      market: settings,
      trade: true,
      rhoScale: 1,
      maxIterations,
      vanishing,
      observe: (k) => run.show(`${method}${vanishing ? ", vanishing" : ""}: evaluation ${k} of at most ${maxIterations}`),
    });
  const central = by("central", 1);
  const cleared = by(run.method, run.maxIterations);
  const { status, evaluations, reason } = cleared;
  const base = {
    seed,
    traits,
    central: central.status,
    status,
    ...(status !== "solved" && reason !== undefined && { reason }),
    evaluations,
    ms: { central: Math.round(central.wallMs), cleared: Math.round(cleared.wallMs) },
  };
  if (central.outcome === undefined || status === "infeasible") return { ...base, failures: failuresOf(base) };
  const patience =
    status === "solved"
      ? Math.min(run.maxIterations, PLAIN_PATIENCE.times * evaluations + PLAIN_PATIENCE.extra)
      : run.maxIterations;
  const plainRun = (vanishing: boolean): PlainRun => {
    const plain = by("admm", patience, vanishing);
    return { status: plain.status, evaluations: plain.evaluations };
  };
  const [plain, plainVanishing] = [plainRun(false), plainRun(true)];
  const ended = [plain, plainVanishing].filter((one) => one.status === "solved");
  const least = Math.min(...(ended.length > 0 ? ended : [plain]).map((one) => one.evaluations));
  // Each clearing finds for itself which batteries to hold to one way: compared is the market as it was cleared.
  const twin = sameMarket(central, cleared) ? central : by("central", 1, false, cleared.market.scenario);
  const optimum = twin.outcome ?? central.outcome;
  const turnover = measureOf(twin.market, optimum.solution);
  const row = {
    ...base,
    plain,
    plainVanishing,
    turnover,
    ...(cleared.outcome && {
      ratio: evaluations / least,
      gap: (cleared.outcome.objective - optimum.objective) / turnover,
    }),
  };
  return { ...row, failures: failuresOf(row) };
}

const sameMarket = (one: ClearedSession, other: ClearedSession): boolean =>
  JSON.stringify(one.market.scenario.prosumers) === JSON.stringify(other.market.scenario.prosumers);

/** What a row shows to be wrong, in words. */
export function failuresOf(row: Omit<ZooRow, "failures">): string[] {
  const { central, status, gap, evaluations, session } = row;
  const failures: string[] = [];
  if (central !== "solved" && central !== "infeasible") failures.push(`central ended ${central}`);
  else if (status !== central) failures.push(`${status} where central is ${central}`);
  if (gap !== undefined && !(Math.abs(gap) <= CLAIMS.gap)) failures.push(`gap ${gap.toExponential(1)} of turnover`);
  const plain = [row.plain, row.plainVanishing].flatMap((one) => (one?.status === "solved" ? [one.evaluations] : []));
  const least = Math.min(...plain);
  if (status === "solved" && evaluations > CLAIMS.plainFactor * least + CLAIMS.plainExtra)
    failures.push(`${evaluations} evaluations where plain needs ${least}`);
  if (session !== undefined && session.verdict !== "valid" && session.verdict !== "refused")
    failures.push(`session ${session.verdict}: ${session.detail}`);
  return failures;
}
