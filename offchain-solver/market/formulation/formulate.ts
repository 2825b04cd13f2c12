import type { ConicModel, RowHandle, Terms } from "../../numerics/conicModel.ts";
import { triangularFactor } from "../../numerics/qr.ts";
import type { Market } from "../scenario/market.ts";
import { riskLevel } from "./network.ts";
import { type Affine, addTwoSided } from "../risk/tsDrcc.ts";

/** Row groups: whose duals are summed for which price. */
export const GROUP = { device: 0, balance: 1, booking: 2, requirement: 3, network: 4, allowance: 5 } as const;

/** Variables of one prosumer, [hour] each; -1 where the prosumer has no such device (or it can only be zero). */
export type ProsumerVariables = {
  readonly generator: Int32Array;
  readonly renewable: Int32Array;
  readonly charge: Int32Array;
  readonly discharge: Int32Array;
  readonly stored: Int32Array;
  readonly flexible: Int32Array;
  readonly imports: Int32Array;
  readonly exports: Int32Array;
  /** Reactive power of the devices (without the load's). */
  readonly reactive: Int32Array;
  readonly generatorUp: Int32Array;
  readonly generatorDown: Int32Array;
  readonly batteryUp: Int32Array;
  readonly batteryDown: Int32Array;
  readonly utilityShare: Int32Array;
  /** Net injection P and Q, and net energy sold to partners. */
  readonly p: Int32Array;
  readonly q: Int32Array;
  readonly sold: Int32Array;
  readonly allowanceBought: number;
  readonly allowanceSold: number;
  /** Net allowances sold to partners. */
  readonly allowanceTraded: number;
  readonly balance: readonly RowHandle[];
  readonly allowance: RowHandle | undefined;
};

/**
 * A share of this prosumer's: what it answers for (`sold`, own share included) or has answered (`bought`, own share
 * included).
 */
export type ShareVariables = {
  readonly sold: readonly (readonly { readonly buyer: number; readonly variable: number }[])[];
  readonly bought: readonly (readonly { readonly seller: number; readonly variable: number }[])[];
};

/**
 * Adds prosumer i: its devices, connection, booking, requirement and allowance balance, with their costs
 * (docs/model.md). Trades stay outside: `sold` and `allowanceTraded` are sums that the caller ties to trades, share
 * variables are the caller's.
 */
export function addProsumer(model: ConicModel, market: Market, i: number, shares: ShareVariables): ProsumerVariables {
  const { scenario, hours, dt } = market;
  const prosumer = market.prosumers[i];
  const { generator, renewable, battery, load } = prosumer;
  const none = (): Int32Array => new Int32Array(hours).fill(-1);
  const v = {
    generator: none(),
    renewable: none(),
    charge: none(),
    discharge: none(),
    stored: none(),
    flexible: none(),
    imports: none(),
    exports: none(),
    reactive: none(),
    generatorUp: none(),
    generatorDown: none(),
    batteryUp: none(),
    batteryDown: none(),
    utilityShare: none(),
    p: none(),
    q: none(),
    sold: none(),
  };
  const balance: RowHandle[] = [];
  const emissions: (readonly [number, number])[] = [];
  const flexibleSum: (readonly [number, number])[] = [];
  const reactiveRange = (generator?.reactiveMvar ?? 0) + (renewable?.reactiveMvar ?? 0);

  for (let t = 0; t < hours; t++) {
    model.group = GROUP.device;
    const injection: (readonly [number, number])[] = [];
    const answers = shares.sold[t].length > 0;
    if (generator) {
      const p = (v.generator[t] = model.add());
      model.square(p, 2 * generator.costA * dt);
      model.linear(p, generator.costB * dt);
      injection.push([p, 1]);
      emissions.push([p, generator.emissionTPerMwh * dt]);
      const up: Terms = answers ? [[(v.generatorUp[t] = model.bounded(0, Infinity)), 1]] : [];
      const down: Terms = answers ? [[(v.generatorDown[t] = model.bounded(0, Infinity)), 1]] : [];
      model.lessEqual([[p, 1], ...up], generator.maxMw);
      model.lessEqual([[p, -1], ...down], -generator.minMw);
      if (t > 0)
        for (const sign of [1, -1])
          model.lessEqual(
            [
              [p, sign],
              [v.generator[t - 1], -sign],
            ],
            generator.rampMwPerHour * dt,
          );
    }
    if (renewable && renewable.forecastMw[t] > 0) {
      const w = (v.renewable[t] = model.bounded(0, renewable.forecastMw[t]));
      injection.push([w, 1]);
    }
    if (battery) {
      const way = battery.direction?.[t] ?? "either";
      // [variable, its part of the injection, its part of the stored energy]
      const sides: (readonly [number, number, number])[] = [];
      if (way !== "discharge")
        sides.push([(v.charge[t] = model.bounded(0, battery.powerMw)), -1, battery.efficiency * dt]);
      if (way !== "charge")
        sides.push([(v.discharge[t] = model.bounded(0, battery.powerMw)), 1, -dt / battery.efficiency]);
      for (const [x] of sides) model.linear(x, battery.wearPerMwh * dt);
      const s = (v.stored[t] = model.add());
      injection.push(...sides.map(([x, out]) => [x, out] as const));
      const flow: Terms = [[s, 1], ...sides.map(([x, , stores]) => [x, -stores] as const)];
      if (t === 0) model.equal(flow, battery.initialMwh);
      else model.equal([...flow, [v.stored[t - 1], -1]], 0);
      const last = t === hours - 1;
      if (answers) {
        const up = (v.batteryUp[t] = model.bounded(0, Infinity));
        const down = (v.batteryDown[t] = model.bounded(0, Infinity));
        model.lessEqual([[up, 1], ...sides.map(([x, out]) => [x, out] as const)], battery.powerMw);
        model.lessEqual([[down, 1], ...sides.map(([x, out]) => [x, -out] as const)], battery.powerMw);
        model.lessEqual(
          [
            [s, -1],
            [up, dt / battery.efficiency],
          ],
          -battery.minMwh,
        );
        model.lessEqual(
          [
            [s, 1],
            [down, battery.efficiency * dt],
          ],
          battery.maxMwh,
        );
        if (last) model.lessEqual([[s, -1]], -battery.initialMwh);
      } else {
        model.lessEqual([[s, -1]], -(last ? Math.max(battery.minMwh, battery.initialMwh) : battery.minMwh));
        model.lessEqual([[s, 1]], battery.maxMwh);
      }
    }
    const flexible = load.flexibleShare * load.fixedMw[t];
    const flexibleTerm: (readonly [number, number])[] = [];
    if (flexible > 0 && hours > 1) {
      const dd = (v.flexible[t] = model.bounded(-flexible, flexible));
      model.square(dd, load.discomfort * dt);
      injection.push([dd, -1]);
      flexibleSum.push([dd, 1]);
      flexibleTerm.push([dd, load.mvarPerMw]);
    }
    const p = (v.p[t] = model.add());
    model.equal([[p, 1], ...injection.map(([x, c]) => [x, -c] as const)], -load.fixedMw[t]);
    const q = (v.q[t] = model.add());
    if (reactiveRange > 0) {
      const device = (v.reactive[t] = model.bounded(-reactiveRange, reactiveRange));
      model.square(device, market.regularisation.reactive * dt);
      model.equal([[q, 1], [device, -1], ...flexibleTerm], -load.mvarPerMw * load.fixedMw[t]);
    } else model.equal([[q, 1], ...flexibleTerm], -load.mvarPerMw * load.fixedMw[t]);

    const imports = (v.imports[t] = model.bounded(0, Infinity));
    const exports = (v.exports[t] = model.bounded(0, Infinity));
    model.linear(imports, scenario.tariff.buyPerMwh[t] * dt);
    model.linear(exports, -scenario.tariff.sellPerMwh[t] * dt);
    emissions.push([imports, scenario.carbon.gridTPerMwh[t] * dt]);
    const sold = (v.sold[t] = model.add());
    model.group = GROUP.balance;
    balance.push(
      model.equal(
        [
          [p, 1],
          [imports, 1],
          [exports, -1],
          [sold, -1],
        ],
        0,
      ),
    );
    model.group = GROUP.device;
    // Energy cleared before: its trades stand, devices and the utility connection may still move. Who has no partner
    // sells nothing anyway.
    if (market.fixedSoldMw && market.pairsOf[i].length > 0) model.equal([[sold, 1]], market.fixedSoldMw[i][t]);
    addBooking(model, market, i, t, shares.sold[t], v);
    addRequirement(model, market, i, t, shares.bought[t], v);
  }
  model.group = GROUP.device;
  if (flexibleSum.length > 0) model.equal(flexibleSum, 0);

  let allowance: RowHandle | undefined;
  let [allowanceBought, allowanceSold, allowanceTraded] = [-1, -1, -1];
  if (market.settings.carbon) {
    allowanceBought = model.bounded(0, Infinity);
    allowanceSold = model.bounded(0, Infinity);
    allowanceTraded = model.add();
    model.linear(allowanceBought, scenario.carbon.deskBuyPerT);
    model.linear(allowanceSold, -scenario.carbon.deskSellPerT);
    model.group = GROUP.allowance;
    allowance = model.lessEqual(
      [...emissions, [allowanceBought, -1], [allowanceSold, 1], [allowanceTraded, 1]],
      market.allowanceT[i],
    );
  }
  return { ...v, allowanceBought, allowanceSold, allowanceTraded, balance, allowance };
}

type Mutable = { -readonly [K in keyof ProsumerVariables]: ProsumerVariables[K] };

/** Booked capacity covers what the shares may ask, two-sided and distributionally robust. */
function addBooking(
  model: ConicModel,
  market: Market,
  i: number,
  t: number,
  sold: ShareVariables["sold"][number],
  v: Pick<Mutable, "generatorUp" | "generatorDown" | "batteryUp" | "batteryDown">,
): void {
  if (sold.length === 0) return;
  const prosumer = market.prosumers[i];
  const ups = [v.generatorUp[t], v.batteryUp[t]].filter((x) => x >= 0);
  const downs = [v.generatorDown[t], v.batteryDown[t]].filter((x) => x >= 0);
  for (const x of ups) model.linear(x, prosumer.reserveUpPerMw * market.dt);
  for (const x of downs) model.linear(x, prosumer.reserveDownPerMw * market.dt);
  model.group = GROUP.booking;
  const columns = triangularFactor(sold.map(({ buyer }) => market.error[t][buyer]));
  const rows = columns[0].length;
  const perMw = sold.map(({ buyer }) => 1 / (market.halfWidth[t] * market.sigma[t][buyer]));
  const spread: Affine[] = [];
  for (let row = 0; row < rows; row++)
    spread.push({ terms: sold.map(({ variable }, k) => [variable, columns[k][row] * perMw[k]] as const), constant: 0 });
  addTwoSided(
    model,
    {
      centre: { terms: [], constant: 0 },
      spread,
      coefficients: sold.map(({ variable }, k) => ({ terms: [[variable, perMw[k]]], constant: 0 })),
      lower: { terms: downs.map((x) => [x, -1] as const), constant: 0 },
      upper: { terms: ups.map((x) => [x, 1] as const), constant: 0 },
    },
    riskLevel(market, t),
  );
}

/** The whole error of an uncertain prosumer is answered: by itself, by partners, or by the utility at its tariff. */
function addRequirement(
  model: ConicModel,
  market: Market,
  i: number,
  t: number,
  bought: ShareVariables["bought"][number],
  v: Pick<Mutable, "utilityShare">,
): void {
  if (market.error[t][i].length === 0) return;
  const { tariff } = market.scenario;
  model.group = GROUP.device;
  const utility = (v.utilityShare[t] = model.bounded(0, Infinity));
  model.linear(utility, (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * market.dt);
  model.group = GROUP.requirement;
  model.equal(
    [[utility, 1], ...bought.map(({ variable }) => [variable, 1] as const)],
    market.halfWidth[t] * market.sigma[t][i],
  );
}
