/** Prices and form of a result that the chain's rules let through. */
import {
  DESK,
  OPERATOR,
  SESSION_PERIOD,
  type Trade,
  UTILITY,
} from "../../../offchain-solver/market/result/clearingResult.ts";
import { forged } from "../forge.ts";
import { change, type Corruption, first, of, peers, posted, trades } from "./corruption.ts";

export const RESULT: readonly Corruption[] = [
  posted(
    "energy of one period dearer than any tariff",
    "priceOutsideTariff",
    trades((all) =>
      all.map((t) => (peers("energy")(t) && t.period === 0 ? { ...t, price: Math.round(1.3 * t.price) } : t)),
    ),
  ),
  posted(
    "allowances cheaper than the desk pays",
    "priceOutsideTariff",
    trades((all) => all.map((t) => (peers("carbon")(t) ? { ...t, price: 24_000 } : t))),
  ),
  posted(
    "allowances dearer than the desk's",
    "priceOutsideTariff",
    trades((all) => all.map((t) => (peers("carbon")(t) ? { ...t, price: Math.round(1.2 * t.price) } : t))),
  ),
  {
    name: "reserve of a peer dearer than the utility's",
    predicate: "priceOutsideTariff",
    shown: (session) => {
      const { tariff, periodHours } = session.witness.terms.scenario;
      const price = Math.round(1.2 * 1e3 * periodHours * (tariff.reserveUpPerMw + tariff.reserveDownPerMw));
      return forged(session, { payload: change(peers("reserve"), () => ({ price })) });
    },
  },
  posted(
    "one pair pays another price than the rest",
    "priceNotUniform",
    change(peers("energy"), ({ price }) => ({ price: price - 900 })),
  ),
  posted(
    "the utility's energy at another price",
    "wrongTariff",
    change(
      of("energy", ({ seller, buyer }) => seller === UTILITY || buyer === UTILITY),
      ({ price }) => ({ price: price + 1 }),
    ),
  ),
  posted(
    "the desk's allowances at another price",
    "wrongTariff",
    change(
      of("carbon", ({ seller, buyer }) => seller === DESK || buyer === DESK),
      ({ price }) => ({ price: price - 1 }),
    ),
  ),
  posted(
    "a wash trade: sold and bought back in the same period",
    "washTrade",
    trades((all) => {
      const one = first(all, peers("energy"));
      const back = { ...one, seller: one.buyer, buyer: one.seller, quantity: 5_000 };
      return [...all.map((t) => (t === one ? { ...t, quantity: t.quantity + 5_000 } : t)), back];
    }),
  ),
  posted(
    "a wash trade of allowances",
    "washTrade",
    trades((all) => {
      const one = first(all, peers("carbon"));
      const back = { ...one, seller: one.buyer, buyer: one.seller, quantity: 500 };
      return [...all.map((t) => (t === one ? { ...t, quantity: t.quantity + 500 } : t)), back];
    }),
  ),
  posted(
    "partners exchanged, positions kept",
    "notNearestFirst",
    trades((all) => {
      const [one, two] = exchangeable(all);
      const wh = Math.min(one.quantity, two.quantity) - 1;
      const crossed = [
        { ...one, buyer: two.buyer, quantity: wh },
        { ...two, buyer: one.buyer, quantity: wh },
      ];
      return [...all.map((t) => (t === one || t === two ? { ...t, quantity: t.quantity - wh } : t)), ...crossed];
    }),
  ),
  {
    name: "a forecast error that nobody answers",
    predicate: "errorNotAnswered",
    shown: (session) => {
      const cannot = session.witness.terms.scenario.prosumers.map(({ answers }) => !answers);
      const edit = trades((all) => {
        const one = first(
          all,
          of("reserve", ({ seller, buyer }) => seller !== OPERATOR && cannot[buyer]),
        );
        return all.filter((t) => t !== one);
      });
      return forged(session, { payload: edit });
    },
  },
  posted(
    "reserve from one who may not sell it",
    "noSuchShare",
    change(peers("reserve"), ({ buyer }) => ({ seller: buyer === 9 ? 8 : 9 })),
  ),
  posted(
    "a rebate for one alone",
    "rebateNotPaid",
    change(
      of("network", ({ period }) => period === SESSION_PERIOD),
      ({ price }) => ({ price: price - 50 }),
    ),
  ),
  posted(
    "a rebate kept back",
    "rebateNotPaid",
    trades((all) => {
      const one = first(
        all,
        of("network", ({ period }) => period === SESSION_PERIOD),
      );
      return all.filter((t) => t !== one);
    }),
  ),
  posted(
    "a charge on injections that no limit makes",
    "nodalPriceUnsupported",
    change(
      of("network", ({ period }) => period !== SESSION_PERIOD),
      ({ price }) => ({ price: price + 40 }),
    ),
  ),
  posted(
    "a response charged twice over",
    "ancillaryNotCharged",
    change(
      of("reserve", ({ seller }) => seller === OPERATOR),
      ({ price }) => ({ price: price + (price > 0 ? 40 : -40) }),
    ),
  ),
];

/** Two trades of one period between four, neither of whose other pairs trades. */
function exchangeable(all: readonly Trade[]): readonly [Trade, Trade] {
  const energy = all.filter(peers("energy"));
  for (const one of energy)
    for (const two of energy) {
      const four = new Set([one.seller, one.buyer, two.seller, two.buyer]);
      const crossed = energy.some(
        (t) =>
          t.period === one.period &&
          ((t.seller === one.seller && t.buyer === two.buyer) || (t.seller === two.seller && t.buyer === one.buyer)),
      );
      if (one.period === two.period && four.size === 4 && !crossed && one.quantity > 1 && two.quantity > 1)
        return [one, two];
    }
  throw new Error("no two trades can be exchanged");
}
