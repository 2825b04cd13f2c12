import { expect } from "chai";
import { batch, generator } from "../../test/support/batches.ts";
import { OPERATOR } from "../market/result/clearingResult.ts";
import { defaultSettings } from "../market/scenario/market.ts";
import * as Grid from "../codec/gridModel.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { clear } from "../simulation/clear.ts";
import { beyondMandates, BEYOND_PREDICATES, outsideMandates, type Beyond } from "./mandateFit.ts";
import { presetLimits, PRESETS } from "./mandatePreset.ts";
import { settle, SYSTEM_ID, type Ledger } from "./settlementModel.ts";
import { batchOf } from "./verified.ts";

const IDS = [1, 2, 3, 4, 5];
const PERIODS = 3;

/** Of the same make as a market's, with limits that about half of the batches break. */
function ledgerOf(periodSeconds: number, perId: (id: number) => bigint): Ledger {
  const ids = [...IDS, SYSTEM_ID, SYSTEM_ID + 1, SYSTEM_ID + 2];
  const limits = (id: number) => {
    const open = id >= SYSTEM_ID;
    const loose = perId(id);
    return {
      maxBuy: open ? 3_000_000n : 165_000n + loose,
      minSell: open ? -3_000_000n : -18_000n,
      maxBuyW: open ? 0xffffffffn : 9_000n,
      maxSellW: open ? 0xffffffffn : 9_000n,
      minReservePrice: open ? -3_000_000n : 300n,
      maxReservePrice: open ? 3_000_000n : 29_000n,
      maxReserveW: open ? 0xffffffffn : 450n,
      maxCarbonPrice: open ? 3_000_000n : 58_000n,
      minCarbonPrice: open ? -3_000_000n : 1_000n,
      maxCarbonG: open ? 0xffffffffn : 1_200n,
      maxSpendPerDay: 1n << 40n,
      validUntil: 1n << 39n,
    };
  };
  const account = {
    deposit: 1n << 50n,
    carbon: 1n << 40n,
    heldBefore: 0n,
    held: 0n,
    spentMicro: 0n,
    day: 0n,
  };
  const grid: Grid.GridModel = {
    buses: 2,
    branches: [{ parent: 0, rating: Grid.UNLIMITED, r: 0n, x: 0n, vMin2: 0n, vMax2: (1n << 33n) - 1n }],
    prosumers: IDS.map((id) => ({ id, bus: 1, absorbVar: Grid.ANY_VAR, feedVar: Grid.ANY_VAR })),
  };
  return {
    terms: {
      start: 0n,
      periodSeconds,
      periods: PERIODS,
      ordinal: 1n,
      priceCap: 3_000_000n,
      imbalancePrice: 0n,
      epochDay: 0n,
      beforeDay: 0n,
    },
    grid,
    accounts: new Map(ids.map((id) => [id, account])),
    limits: new Map(ids.map((id) => [id, limits(id)])),
  };
}

describe("who is beyond its mandate", () => {
  it("is somebody whenever settle refuses a batch for a mandate, and nobody when it does not", () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 400; seed++) {
      const periodSeconds = [3600, 900][seed % 2];
      const random = generator(seed);
      const shape = {
        energy: random(4),
        reserve: random(3),
        carbon: random(2),
        systems: random(2) > 0,
        ancillary: true,
      };
      const result = batch({ ids: IDS, periods: PERIODS, maxWh: 3_000, periodSeconds, ...shape }, random);
      const ledger = ledgerOf(periodSeconds, (id) => BigInt(id) * 2_000n);
      const judged = settle(ledger, batchOf(result).payload);
      const found = beyondMandates(result, (party) => ({ limits: ledger.limits.get(IDS[party])! }));
      const name = judged.kind === "refused" ? judged.predicate : "settled";
      seen.set(name, (seen.get(name) ?? 0) + 1);
      expect(found.length > 0, `seed ${seed}: ${name}`).to.equal(judged.kind === "refused");
      if (judged.kind !== "refused") continue;
      expect(found.map(({ predicate }) => predicate as string)).to.include(name);
      const [id] = judged.detail.map(Number);
      expect(
        found.some(({ party }) => IDS[party] === id),
        `seed ${seed}`,
      ).to.equal(true);
    }
    expect(seen.get("settled")).to.be.above(40);
    for (const predicate of BEYOND_PREDICATES.filter((each) => each !== "spendBeyondLock"))
      expect(seen.get(predicate) ?? 0, predicate).to.be.above(0);
  });

  it("is named with settle's own predicate where a mandate, a deposit or allowances do not last, and nobody else", () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 200; seed++) {
      const random = generator(seed);
      const result = batch({ ids: IDS, periods: PERIODS, energy: 2, carbon: random(2), maxWh: 3_000 }, random);
      const ledger = ledgerOf(3600, () => 1n << 22n);
      const poor = { deposit: BigInt(random(4)) * 200_000_000n, carbon: BigInt(random(900)) };
      const id = IDS[random(IDS.length)];
      const frozen = { ...ledger.limits.get(id)!, maxSpendPerDay: BigInt(random(3)) * 150_000n };
      const limits = new Map([...ledger.limits, [id, frozen]]);
      if (seed % 10 === 0) limits.delete(id);
      const tight = {
        ...ledger,
        limits,
        accounts: new Map([...ledger.accounts, [id, { ...ledger.accounts.get(id)!, ...poor }]]),
      };
      const judged = settle(tight, batchOf(result).payload);
      const found = outsideMandates(result, tight);
      const name = judged.kind === "refused" ? judged.predicate : "settled";
      seen.set(name, (seen.get(name) ?? 0) + 1);
      expect(found.length > 0, `seed ${seed}: ${name}`).to.equal(judged.kind === "refused");
      if (judged.kind !== "refused") continue;
      const named = found.find((one) => one.id === Number(judged.detail[0]));
      expect(named, `seed ${seed}: ${name}`).not.to.equal(undefined);
      if (found.length === 1 && found[0].id === id) expect(named!.predicate, `seed ${seed}`).to.equal(name);
      expect(new Set(found.map((one) => one.id)).size).to.equal(found.length);
    }
    for (const name of ["settled", "notLocked", "spendBeyondLock", "carbonBelowZero"])
      expect(seen.get(name) ?? 0, name).to.be.above(0);
  });

  it("is told what its mandate would have to allow: that much more and it fits", () => {
    const result = batch({ ids: IDS, periods: PERIODS, energy: 3, reserve: 2, maxWh: 3_000 }, generator(3));
    const ledger = ledgerOf(3600, () => 0n);
    const limits = IDS.map((id) => ({ ...ledger.limits.get(id)! }));
    const of = (): Beyond[] => beyondMandates(result, (party) => ({ limits: limits[party], spendNano: 1n << 60n }));
    expect(of()).not.empty;
    for (const { party, predicate, needed, allowed } of of()) {
      const mine = limits[party] as Record<string, bigint>;
      const up = BigInt(Math.ceil(needed));
      if (predicate === "energyBeyondMandate") for (const f of ["maxBuyW", "maxSellW"]) if (mine[f] < up) mine[f] = up;
      if (predicate === "reserveBeyondMandate") if (mine.maxReserveW < up) mine.maxReserveW = up;
      if (predicate === "reservePriceOutsideMandate") {
        if (needed > allowed) mine.maxReservePrice = up > mine.maxReservePrice ? up : mine.maxReservePrice;
        else
          mine.minReservePrice =
            BigInt(Math.floor(needed)) < mine.minReservePrice ? BigInt(Math.floor(needed)) : mine.minReservePrice;
      }
      if (predicate === "energyMoneyBeyondMandate") {
        if (needed > Number(mine.maxBuy)) mine.maxBuy = up;
        if (needed < Number(mine.minSell)) mine.minSell = BigInt(Math.floor(needed));
      }
    }
    expect(of()).to.deep.equal([]);
    // A lock is exceeded by what is spent beyond it, to the nano-dollar.
    const poor = beyondMandates(result, () => ({ limits: ledger.limits.get(SYSTEM_ID)!, spendNano: 0n }));
    expect(poor).not.empty;
    for (const { predicate } of poor) expect(predicate).to.equal("spendBeyondLock");
  });

  it("is nobody of the 15-bus evening under any preset, and the operator sells responses at any price", () => {
    const scenario = takeHours(loadScenario("ieee15"), 14);
    const settings = defaultSettings(scenario);
    const { market, outcome } = clear(scenario, {
      method: "central",
      market: settings,
      trade: true,
      rhoScale: 1,
      maxIterations: 1,
    });
    const { result } = outcome!.quantised;
    expect(result.trades.some(({ product, seller }) => product === "reserve" && seller === OPERATOR)).to.equal(true);
    const bounds = PRESETS.map((preset) => {
      const limits = market.prosumers.map(({ id }, i) =>
        presetLimits(market, id, BigInt(Math.floor(market.allowanceT[i] * 1e6)), preset),
      );
      expect(
        beyondMandates(result, (party) => ({ limits: limits[party] })),
        preset,
      ).to.deep.equal([]);
      return limits[0];
    });
    for (const field of ["maxBuy", "maxReservePrice", "maxCarbonPrice"] as const)
      expect(bounds[0][field] < bounds[1][field] && bounds[1][field] < bounds[2][field], field).to.equal(true);
    expect(presetLimits(market, SYSTEM_ID + 1, 0n).minReservePrice).to.equal(-8_388_606n);
    expect(presetLimits(market, SYSTEM_ID + 2, 0n).minReservePrice > -100_000n).to.equal(true);
  });
});
