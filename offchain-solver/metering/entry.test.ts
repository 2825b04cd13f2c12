import { expect } from "chai";
import { ZeroHash } from "ethers";
import type { Activation, DeviceStatement } from "../codec/deliveryData.ts";
import type { MeterReading } from "../codec/meterReading.ts";
import { encodeReadings } from "../codec/readings.ts";
import { bill } from "../ledger/delivery.ts";
import { imbalancePrice } from "../ledger/settleable.ts";
import { OPERATOR, UTILITY } from "../market/result/clearingResult.ts";
import { defaultSettings, marketOf } from "../market/scenario/market.ts";
import { publicScenario } from "../market/scenario/publicScenario.ts";
import { loadScenario } from "../scenarios/loadScenario.ts";
import { takeHours } from "../scenarios/periods.ts";
import { clear } from "../simulation/clear.ts";
import { callsOf } from "./calls.ts";
import { devicesOf, needsOf } from "./devices.ts";
import { sessionReadings, type Metered, type Promised } from "./entry.ts";

describe("an entry of a session", function () {
  this.timeout(300_000);
  const scenario = takeHours(loadScenario("ieee15"), 4);
  const settings = defaultSettings(scenario);
  const { outcome, market: whole } = clear(scenario, {
    method: "central",
    market: settings,
    trade: true,
    rhoScale: 1,
    maxIterations: 1,
  });
  const { result } = outcome!.quantised;
  const market = marketOf(publicScenario(scenario), settings);
  const day = devicesOf(whole, outcome!.solution, result);
  const ids = result.participants;
  const start = result.sessionStart;
  const connection = { feedW: 2e6, takeW: 2e6, renewableW: 2e6, maxPrice: 400_000 };
  const connections = new Map(ids.map((id) => [id, connection]));
  const held = imbalancePrice(scenario.tariff);
  const promised: Promised = { result, market, invited: ids, imbalancePrice: held, connections };

  const readingsOf = (i: number, change: (t: number) => Partial<MeterReading> = () => ({})): MeterReading[] =>
    day.meteredWh[i].map((meteredWh, t) => ({
      prosumer: ids[i],
      start: start + 3600 * t,
      seconds: 3600,
      meteredWh,
      renewableWh: day.renewableWh[i][t],
      quality: "measured",
      ...change(t),
    }));
  const statements = new Map(
    ids.map((prosumer, i): [number, DeviceStatement] => [prosumer, { prosumer, generatorG: day.generatorG[i] }]),
  );
  const activations = new Map(
    ids.map((prosumer, i): [number, Activation] => [
      prosumer,
      { prosumer, plannedWh: day.plannedWh[i], generatedWh: day.renewableWh[i], salt: ZeroHash },
    ]),
  );
  const metered = (change?: [index: number, readings: MeterReading[]]): Metered => ({
    statements,
    activations,
    readings: new Map(ids.map((id, i) => [id, change?.[0] === i ? change[1] : readingsOf(i)])),
  });
  const basis = {
    periods: result.periods,
    periodSeconds: result.periodSeconds,
    closed: true,
    multiple: 2,
    imbalancePrice: imbalancePrice(scenario.tariff),
    connections,
  };
  const entry = sessionReadings(promised, metered(), "final");

  it("calls for what the day's errors are, by shares of the clearing itself", () => {
    const errors = day.renewableWh.map((row, i) => row.map((wh, t) => wh - day.plannedWh[i][t]));
    const calls = callsOf(result, needsOf(market), errors);
    let most = 0;
    for (let t = 0; t < result.periods; t++) {
      const sum = (of: readonly (readonly number[])[]): number => of.reduce((all, row) => all + row[t], 0);
      // What some receive others give, to the last Wh.
      expect(sum(calls.given)).to.equal(sum(calls.received) - sum(calls.ofUtility));
      whole.shares[t].forEach((_, s) => (most = Math.max(most, outcome!.solution.shareMw[t][s])));
      ids.forEach((_, i) => {
        // In floats, by the solution's own shares: -alpha xi, with alpha = share over need.
        let wanted = 0;
        whole.shares[t].forEach(({ seller, buyer }, s) => {
          if (seller !== i || buyer === i) return;
          const need = whole.halfWidth[t] * whole.sigma[t][buyer];
          wanted -= (outcome!.solution.shareMw[t][s] / need) * errors[buyer][t];
        });
        // Small shares went to the utility before they were posted.
        expect(Math.abs(calls.given[i][t] - wanted)).to.be.below(60);
      });
    }
    expect(most).to.be.above(0.01);
    expect(errors.flat().some((wh) => Math.abs(wh) > 1000)).to.equal(true);
  });

  it("leaves next to nothing to homes that did what they could, and to the others what they did not", () => {
    const { lines } = bill(entry, basis);
    entry.rows.forEach(({ values, id }, row) => {
      values.forEach(({ meteredWh, dueWh }, t) => {
        const undelivered = entry.responses.find((one) => one.row === row && one.period === t)?.undeliveredW ?? 0;
        // To the clearing's tolerance, a few Wh of MWh, or told as not delivered.
        if (undelivered < 20) expect(Math.abs(meteredWh - dueWh), `${id} ${t}`).to.be.below(60);
      });
    });
    const [hour, gap] = [2, 20_000];
    const short = metered([0, readingsOf(0, (t) => (t === hour ? { meteredWh: day.meteredWh[0][t] - gap } : {}))]);
    const found = bill(sessionReadings(promised, short, "final"), basis);
    const own = entry.rows[0].values[hour];
    const price = (wh: number): bigint =>
      BigInt(wh) * BigInt(wh < 0 ? entry.prices[hour].shortPrice : entry.prices[hour].longPrice);
    const before = own.meteredWh - own.dueWh;
    expect(found.lines[0].energy - lines[0].energy).to.equal(price(before - gap) - price(before));
    expect(found.lines.slice(1).map(({ energy }) => energy)).to.deep.equal(lines.slice(1).map(({ energy }) => energy));
  });

  it("a seller of reserve that does nothing when called pays for it, and nobody else does", () => {
    const called = entry.responses.map(({ row, period, calledWh }) => ({ row, period, calledWh }));
    const one = called.find(({ row, calledWh }) => calledWh > 200 && market.canAnswer[row]);
    expect(one, "somebody was called").not.to.equal(undefined);
    const { row, period, calledWh } = one!;
    const idle = readingsOf(row, (t) => (t === period ? { meteredWh: day.meteredWh[row][t] - calledWh } : {}));
    const found = sessionReadings(promised, metered([row, idle]), "final");
    const missing = found.responses.find((other) => other.row === row && other.period === period)!;
    expect(missing.undeliveredW).to.be.within(calledWh - 60, calledWh);
    expect(missing.price).to.be.above(0);
    const [bad, good] = [bill(found, basis), bill(entry, basis)];
    expect(bad.lines[row].penalty > good.lines[row].penalty).to.equal(true);
    bad.lines.forEach((line, k) => k === row || expect(line).to.deep.equal(good.lines[k]));
  });

  it("a dead meter sold nothing and took what it bought, but only once the entry is final", () => {
    const dead = metered([2, readingsOf(2, () => ({ meteredWh: 0, renewableWh: 0, quality: "missing" }))]);
    const open = bill(sessionReadings(promised, dead, "provisional"), { ...basis, closed: false });
    const closed = bill(sessionReadings(promised, dead, "final"), basis);
    expect(open.lines[2].energy - closed.lines[2].energy >= 0n).to.equal(true);
    expect(open.measured).to.equal(false);
  });

  const calledIn = ({ responses }: typeof entry): object[] =>
    responses.map(({ row, period, calledWh }) => ({ row, period, calledWh }));
  /** [period] Wh that each seller gives more where the buyer errs by `toWh` rather than by `fromWh`; by hand. */
  const moreGiven = (buyer: number, fromWh: readonly number[], toWh: readonly number[]): Map<number, number[]> => {
    const more = new Map<number, number[]>();
    const given = (w: number, wh: number, t: number): number =>
      -Math.sign(wh) * Math.min(w, Math.round((w * Math.abs(wh)) / (1e6 * whole.halfWidth[t] * whole.sigma[t][buyer])));
    for (const { product, seller, buyer: of, period: t, quantity } of result.trades) {
      if (product !== "reserve" || of !== buyer || seller === OPERATOR) continue;
      const own = more.get(seller) ?? fromWh.map(() => 0);
      own[t] += given(quantity, toWh[t], t) - given(quantity, fromWh[t], t);
      more.set(seller, own);
    }
    return more;
  };
  /** A sunny home that says before others answer that its sun gave `saidWh`, and whose meter reads what it gave. */
  const liar = ids.findIndex((_, k) => day.renewableWh[k].some((wh) => wh > 1000) && !market.canAnswer[k]);
  const errorOf = (wh: readonly number[]): number[] => wh.map((value, t) => value - day.plannedWh[liar][t]);
  const saying = (generatedWh: readonly number[], dead = false) => {
    const told = new Map(activations).set(ids[liar], { ...activations.get(ids[liar])!, generatedWh });
    const more = moreGiven(liar, errorOf(day.renewableWh[liar]), errorOf(generatedWh));
    // Whoever is called answers to the last Wh.
    const answered = ids.map((id, i): [number, MeterReading[]] => [
      id,
      readingsOf(i, (t) => ({ meteredWh: day.meteredWh[i][t] + (more.get(i)?.[t] ?? 0) })),
    ]);
    const readings = new Map(answered.filter(([id]) => !dead || id !== ids[liar]));
    return { more, found: sessionReadings(promised, { statements, activations: told, readings }, "final") };
  };

  it("calls by what was said before others answered: whoever said it otherwise than its meter reads pays for that", () => {
    expect(liar, "a sunny home without a device that answers").to.be.at.least(0);
    const { more, found } = saying(day.renewableWh[liar].map(() => 0));
    const [lied, honest] = [bill(found, basis), bill(entry, basis)];
    const paid = (wh: readonly number[]): bigint =>
      wh.reduce((sum, value, t) => sum + BigInt(value) * BigInt(entry.prices[t].responsePrice), 0n);
    let moved = 0;
    for (const [i, id] of ids.entries()) {
      if (i === liar) continue;
      // Paid for what it gave, its deviation as before, and fined for nothing.
      const gave = more.get(i) ?? [];
      moved += gave.reduce((sum, wh) => sum + Math.abs(wh), 0);
      expect(lied.lines[i].energy - honest.lines[i].energy, `${id}`).to.equal(paid(gave));
      expect(lied.lines[i].penalty, `${id}`).to.equal(honest.lines[i].penalty);
    }
    expect(moved).to.be.above(1000);
    // All of it is the liar's: bought at the price of responses, and sold to the utility at its price.
    const received = day.renewableWh[liar].map((_, t) => [...more.values()].reduce((sum, own) => sum + own[t], 0));
    const loss = honest.lines[liar].energy - lied.lines[liar].energy;
    const least = received.reduce((sum, wh, t) => {
      const { responsePrice, longPrice } = entry.prices[t];
      return sum + wh * (responsePrice - longPrice);
    }, 0);
    expect(least).to.be.above(0);
    expect(Number(loss) / least).to.be.within(0.99, 1.01);
  });

  it("calls by what was said though the meter is dead, no more than a connection carries, and by nothing else", () => {
    const honest = day.renewableWh[liar];
    expect(calledIn(saying(honest, true).found)).to.deep.equal(calledIn(entry));
    const beyond = honest.map(() => 0xffffffff);
    const most = honest.map(() => 2_000_000);
    expect(calledIn(saying(beyond).found)).to.deep.equal(calledIn(saying(most).found));
    const silent = new Map([...activations].filter(([id]) => id !== ids[liar]));
    const found = sessionReadings(promised, { ...metered(), activations: silent }, "final");
    const nothing = sessionReadings(promised, { ...metered(), activations: new Map() }, "final");
    const more = moreGiven(liar, errorOf(honest), errorOf(day.plannedWh[liar]));
    const calledOf = ({ responses }: typeof entry, row: number, t: number): number =>
      responses.find((one) => one.row === row && one.period === t)?.calledWh ?? 0;
    for (const [i, own] of more)
      if (i < ids.length)
        own.forEach((wh, t) => expect(calledOf(found, i, t) - calledOf(entry, i, t), `${ids[i]}, ${t}`).to.equal(wh));
    expect(calledIn(nothing).length).to.equal(0);
  });

  it("takes no day from the others for a meter that says what its connection cannot carry", () => {
    const { lines } = bill(entry, basis);
    const i = ids.findIndex((_, k) => day.renewableWh[k].every((wh) => wh === 0) && !market.canAnswer[k]);
    const absurd = [-(2 ** 31), -2_000_001, 2_000_001, 2 ** 31 - 1];
    for (const meteredWh of absurd) {
      const found = sessionReadings(
        promised,
        metered([i, readingsOf(i, (t) => (t === 1 ? { meteredWh } : {}))]),
        "final",
      );
      const most = Math.sign(meteredWh) * 2_000_000;
      expect(found.rows[i].values[1]).to.deep.include({ meteredWh: most, quality: 1 });
      const made = bill(found, basis);
      expect(made.measured).to.equal(false);
      made.lines.forEach((line, k) => k === i || expect(line).to.deep.equal(lines[k]));
      // As if it had read exactly what the connection carries.
      const full = metered([i, readingsOf(i, (t) => (t === 1 ? { meteredWh: most, quality: "estimated" } : {}))]);
      expect(made.lines[i]).to.deep.equal(bill(sessionReadings(promised, full, "final"), basis).lines[i]);
    }
    // What renewables cannot have given calls for no more reserve than what they can, and gives no credits.
    const sun = ids.findIndex((_, k) => day.renewableWh[k].some((wh) => wh > 0));
    const much = metered([sun, readingsOf(sun, () => ({ renewableWh: 2 ** 30 - 1 }))]);
    const row = sessionReadings(promised, much, "final").rows[sun];
    expect(row.values.map(({ renewableWh, quality }) => [renewableWh, quality])).to.deep.equal(
      Array(result.periods).fill([2_000_000, 1]),
    );
    expect(() => bill(sessionReadings(promised, much, "final"), basis)).not.to.throw();
  });

  it("takes no more grams of a home than its connection could burn, whatever it states or has allowances for", () => {
    const most = Math.floor((2 * 4e6 * result.periods * result.periodSeconds) / 3600);
    const loud = new Map(statements).set(ids[0], { ...statements.get(ids[0])!, generatorG: 0xffffffff });
    const found = sessionReadings(promised, { ...metered(), statements: loud }, "final");
    expect(found.rows[0].emissionsG).to.equal(most);
    expect(() => bill(found, basis)).not.to.throw();
  });

  it("prices what is short no lower than it was sold for, what is long at the tariff, called energy between", () => {
    let above = 0;
    entry.prices.forEach(({ shortPrice, longPrice, responsePrice }, t) => {
      const [buy, sell] = [scenario.tariff.buyPerMwh[t], scenario.tariff.sellPerMwh[t]].map((one) =>
        Math.round(1000 * one),
      );
      const paid = result.trades
        .filter(({ product, period }) => product === "energy" && period === t)
        .filter(({ seller, buyer }) => seller < OPERATOR && buyer < UTILITY)
        .map(({ price }) => price);
      if (Math.max(...paid) > buy) above++;
      expect(longPrice).to.equal(sell);
      // The terms allow no more than the day's highest tariff.
      expect(shortPrice).to.equal(Math.min(promised.imbalancePrice, Math.max(buy, ...paid)));
      expect(responsePrice).to.be.within(longPrice, shortPrice);
      if (paid.length > 0) expect(responsePrice).to.be.at.most(Math.max(...paid));
      if (paid.length > 0) expect(responsePrice).to.be.at.least(Math.min(promised.imbalancePrice, ...paid));
    });
    expect(above, "hours in which neighbours paid more than the tariff").to.be.above(0);
  });

  it("counts the grams of a plan that is kept as the clearing did, to the call and to rounding", () => {
    const kept = new Map(ids.map((id, i) => [id, readingsOf(i)]));
    const grams = sessionReadings(promised, { readings: kept, statements, activations }, "final").rows.map(
      (row) => row.emissionsG,
    );
    const { schedules } = outcome!.solution;
    schedules.forEach((s, i) => {
      let planned = 0;
      for (let t = 0; t < result.periods; t++)
        planned +=
          1e6 *
          ((scenario.prosumers[i].generator?.emissionTPerMwh ?? 0) * s.generatorMw[t] +
            scenario.carbon.gridTPerMwh[t] * s.importMw[t]);
      const moved = entry.responses
        .filter(({ row }) => row === i)
        .reduce((sum, { calledWh }) => sum + Math.abs(calledWh), 0);
      const errors = day.renewableWh[i].reduce((sum, wh, t) => sum + Math.abs(wh - day.plannedWh[i][t]), 0);
      expect(Math.abs(grams[i] - planned), `${ids[i]}`).to.be.below(100 + moved + errors);
    });
    // Who states nothing of its generator is taken to have burnt the most.
    const generator = scenario.prosumers.findIndex(({ generator: has }) => has !== undefined);
    const silent = new Map([...statements].filter(([id]) => id !== ids[generator]));
    const told = sessionReadings(promised, { readings: kept, statements: silent, activations }, "final").rows[generator]
      .emissionsG;
    expect(told).to.be.at.least(grams[generator]);
  });

  it("fits the bytes that it is posted in", () => {
    // Four pairs of four bytes each or of eight are padded to a word, and four qualities are one byte.
    const bytes = encodeReadings(entry);
    const row = bytes[5] === 2 ? 12 + 32 + 2 * 4 + 1 : 12 + 32 + 4 * 4 + 1;
    expect(bytes.length).to.equal(6 + 9 * 4 + ids.length * row + 14 * entry.responses.length);
  });
});
