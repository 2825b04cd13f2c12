/** Terms that are not what was frozen, and terms that nobody should have frozen. */
import { hashOfTold, termsHash, toldTerms } from "../../../offchain-solver/codec/terms.ts";
import type { Witness } from "../../../offchain-solver/codec/witness.ts";
import { OPERATOR, UTILITY } from "../../../offchain-solver/market/result/clearingResult.ts";
import { type Corruption, first, forging, of, peers, trades } from "./corruption.ts";

type Open = Witness["terms"]["scenario"];
const terms = (name: string, edit: (terms: Witness["terms"]) => Witness["terms"]): Corruption => ({
  name: `published, not frozen: ${name}`,
  predicate: "otherTerms",
  shown: forging({ witness: (w) => ({ ...w, terms: edit(w.terms) }) }),
});
const scenario = (name: string, edit: (scenario: Open) => Partial<Open>): Corruption =>
  terms(name, (t) => ({ ...t, scenario: { ...t.scenario, ...edit(t.scenario) } }));
const setting = (name: string, changed: Partial<Witness["terms"]["settings"]>): Corruption =>
  terms(name, (t) => ({ ...t, settings: { ...t.settings, ...changed } }));

export const TERMS: readonly Corruption[] = [
  terms("a larger tolerance", (t) => ({ ...t, toleranceNano: 1000 * t.toleranceNano })),
  terms("other penalties of the clearing", (t) => ({ ...t, clearing: { ...t.clearing, maxIterations: 7 } })),
  {
    name: "the network's limits switched off, and none published",
    predicate: "otherTerms",
    shown: forging({
      witness: (w) => ({ ...w, limits: [], terms: { ...w.terms, settings: { ...w.terms.settings, network: false } } }),
    }),
  },
  setting("another way to hold chance constraints", { risk: "deterministic" }),
  setting("a larger eps", { epsilon: 0.3 }),
  setting("limits held on the forecast point alone", { networkRisk: false }),
  setting("moments taken for the truth", { radii: false }),
  setting("no allowance market", { carbon: false }),
  scenario("a smaller covariance", ({ uncertainty }) => ({
    uncertainty: { ...uncertainty, factor: uncertainty.factor.map((rows) => rows.map((row) => row.map((x) => x / 2))) },
  })),
  scenario("the grid's carbon factors", ({ carbon }) => ({
    carbon: { ...carbon, gridTPerMwh: carbon.gridTPerMwh.map((x) => 2 * x) },
  })),
  scenario("the quota", ({ carbon }) => ({ carbon: { ...carbon, quotaTPerMwh: 2 * carbon.quotaTPerMwh } })),
  scenario("the desk's price", ({ carbon }) => ({ carbon: { ...carbon, deskBuyPerT: 2 * carbon.deskBuyPerT } })),
  scenario("somebody's free allowances", ({ prosumers }) => ({
    prosumers: prosumers.map((p, k) => (k === 0 ? { ...p, allowanceT: p.allowanceT + 1 } : p)),
  })),
  scenario("somebody's load, on which rebates are reckoned", ({ prosumers }) => ({
    prosumers: prosumers.map((p, k) => (k === 0 ? { ...p, rebateWh: p.rebateWh + 1000 } : p)),
  })),
  scenario("who may answer errors", ({ prosumers }) => ({
    prosumers: prosumers.map((p) => ({ ...p, answers: true })),
  })),
  scenario("the start", () => ({ startUtc: "2031-07-15T08:00:00Z" })),
  scenario("the length of a period", () => ({ periodHours: 0.5 })),
  scenario("four hours more", ({ hours }) => ({ hours: hours + 4 })),
  scenario("the tariff", ({ tariff }) => ({
    tariff: { ...tariff, buyPerMwh: tariff.buyPerMwh.map((x) => 10 * x) },
  })),
  scenario("the rating of a line", ({ feeder }) => ({
    feeder: { ...feeder, branches: feeder.branches.map((b) => ({ ...b, ratingMva: 100 })) },
  })),
  scenario("who may trade with whom", ({ pairs }) => ({ pairs: pairs.slice(1) })),
];

/** What was frozen is what is published, and cannot be. */
const agreed = (
  name: string,
  predicate: string,
  edit: (terms: Witness["terms"]) => Partial<Witness["terms"]>,
): Corruption => ({
  name: `frozen and published: ${name}`,
  predicate,
  shown: forging({
    witness: (w) => ({ ...w, terms: { ...w.terms, ...edit(w.terms) } }),
    frozen: (t, w) => ({ ...t, termsHash: termsHash(w.terms) }),
  }),
});
const frozen = (name: string, predicate: string, edit: (scenario: Open) => Partial<Open>): Corruption =>
  agreed(name, predicate, ({ scenario: open }) => ({ scenario: { ...open, ...edit(open) } }));
const larger = ({ terms: { scenario: open } }: Witness, times: number): Open => ({
  ...open,
  prosumers: open.prosumers.map((p) => ({ ...p, sizeMw: times * p.sizeMw })),
});
const exportsCost = ({ tariff, ...open }: Open, perMwh: number): Open => ({
  ...open,
  tariff: { ...tariff, sellPerMwh: tariff.sellPerMwh.map(() => -perMwh) },
});
export const FROZEN: readonly Corruption[] = [
  agreed("a tolerance that lets everything pass", "unsoundTerms", () => ({ toleranceNano: 1_000_000_000 })),
  agreed("a tolerance a trifle wider than any", "unsoundTerms", ({ toleranceNano }) => ({
    toleranceNano: toleranceNano + 1,
  })),
  {
    name: "frozen: another price of what is not delivered than the terms' tariff makes it",
    predicate: "otherImbalancePrice",
    shown: forging({ frozen: (t) => ({ ...t, imbalancePrice: t.imbalancePrice + 1n }) }),
  },
  {
    name: "frozen: lighter loads of those left out than the terms state",
    predicate: "otherTerms",
    shown: forging({
      frozen: (t, w) => ({ ...t, termsHash: hashOfTold({ ...toldTerms(w.terms), loads: new Uint8Array() }) }),
    }),
  },
  frozen("four hours more than its series have", "unsoundTerms", ({ hours }) => ({ hours: hours + 4 })),
  frozen("a pair of somebody who is none", "unsoundTerms", ({ pairs }) => ({ pairs: [...pairs, [1, 9999]] })),
  frozen("a price that no batch carries, at which rounding would excuse any regret", "unsoundTerms", ({ tariff }) => ({
    tariff: { ...tariff, sellPerMwh: tariff.sellPerMwh.map((price, t) => (t === 0 ? -1e9 : price)) },
  })),
  frozen("who errs is nobody", "unsoundTerms", ({ uncertainty }) => ({
    uncertainty: { ...uncertainty, uncertain: [...uncertainty.uncertain.slice(0, -1), 9999] },
  })),
  frozen("a load of those left out for fewer hours", "unsoundTerms", ({ prosumers }) => ({
    prosumers: prosumers.map((p, k) => (k === 0 ? { ...p, fallback: { mw: [], mvar: [] } } : p)),
  })),
  frozen("a standing load at no bus", "unsoundTerms", ({ hours }) => {
    const none = new Array<number>(hours).fill(0);
    return { standing: [{ id: 9999, bus: 9999, mw: none, mvar: none }] };
  }),
  frozen("more reactive power than a grid model can say", "unsoundTerms", ({ prosumers }) => ({
    prosumers: prosumers.map((p, k) => (k === 0 ? { ...p, feedVar: 2 ** 24 } : p)),
  })),
  frozen("an impedance that no grid model can say", "unsoundTerms", ({ feeder }) => ({
    feeder: { ...feeder, branches: feeder.branches.map((b) => ({ ...b, rPu: 1e12 })) },
  })),
  frozen("a size made up, by which tolerances would be wide enough for anything", "unsoundTerms", ({ prosumers }) => ({
    prosumers: prosumers.map((p, k) => (k === 0 ? { ...p, sizeMw: 1e12 } : p)),
  })),
  {
    name: "frozen and published: sizes thirty times too large, no limit said to bind, and no reserve held",
    predicate: "errorNotAnswered",
    shown: forging({
      witness: ({ tightening: _, ...w }) => ({ ...w, limits: [], terms: { ...w.terms, scenario: larger(w, 30) } }),
      frozen: (t, w) => ({ ...t, termsHash: termsHash(w.terms) }),
      payload: trades((all) => all.filter(({ product, seller }) => product !== "reserve" && seller !== OPERATOR)),
    }),
  },
  {
    name: "frozen and published: a utility that takes energy for a fortune, by which prices could be anything",
    predicate: "priceNotUniform",
    shown: forging({
      witness: (w) => ({ ...w, terms: { ...w.terms, scenario: exportsCost(w.terms.scenario, 8_000) } }),
      frozen: (t, w) => ({ ...t, termsHash: termsHash(w.terms) }),
      // At what the utility pays, and one pair 90 cents a MWh below the rest.
      payload: trades((all) => {
        const one = first(all, peers("energy"));
        return all.map((t) =>
          t === one
            ? { ...t, price: t.price - 900 }
            : of("energy", ({ buyer }) => buyer === UTILITY)(t)
              ? { ...t, price: -8_000_000 }
              : t,
        );
      }),
    }),
  },
  frozen("no pairs of a home, which trades with peers all the same", "noSuchPair", ({ pairs, ...open }) => {
    const { uncertain } = open.uncertainty;
    const home = open.prosumers.find(({ id, answers }) => !answers && !uncertain.includes(id))?.id ?? 0;
    return { pairs: pairs.filter((pair) => !pair.includes(home)) };
  }),
  frozen("another feeder than the chain's", "witnessOfAnotherFeeder", ({ feeder }) => ({
    feeder: { ...feeder, branches: feeder.branches.map((b) => ({ ...b, rPu: 2 * b.rPu })) },
  })),
  frozen("another start than the session's", "witnessOfAnotherHorizon", () => ({ startUtc: "2031-07-15T08:00:00Z" })),
  frozen("half-hours in a session of hours", "witnessOfAnotherHorizon", () => ({ periodHours: 0.5 })),
];
