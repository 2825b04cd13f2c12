/** Single corruptions of a session that settled, each with the predicate that must name it. */
import { getBytes, concat, hexlify, Signature } from "ethers";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { termsHash } from "../../offchain-solver/codec/terms.ts";
import { packSignatures } from "../../offchain-solver/codec/typedData.ts";
import type { Witness } from "../../offchain-solver/codec/witness.ts";
import {
  DESK,
  OPERATOR,
  SESSION_PERIOD,
  type Trade,
  UTILITY,
} from "../../offchain-solver/market/result/clearingResult.ts";
import { flipped, type Forgery, forged, type Shown, type TrueSession } from "./forge.ts";
import { callKey } from "./recordedChain.ts";
import { TOKEN } from "../../offchain-solver/codec/abi.ts";

export type Corruption = {
  readonly name: string;
  /** Of the verdict; `uncertified` where the session stays valid without the certificate of the first prosumer. */
  readonly predicate: string;
  readonly shown: (session: TrueSession) => Promise<Shown>;
};

type Trades = readonly Trade[];
const sorted = (trades: Trades): Trade[] => [...trades].sort((a, b) => Payload.tradeKey(a) - Payload.tradeKey(b));
const trades =
  (edit: (trades: Trades, payload: Payload.Payload) => Trades, sorting = true) =>
  (payload: Payload.Payload): Payload.Payload => {
    const edited = edit(payload.trades, payload);
    return { ...payload, trades: sorting ? sorted(edited) : edited };
  };
const isPeers = ({ seller, buyer }: Trade): boolean => seller < DESK && buyer < DESK;
/** The first trade that a case is about; every case has one in the session it is made of. */
function first(among: Trades, what: (trade: Trade) => boolean): Trade {
  const found = among.find(what);
  if (found === undefined) throw new Error(`no such trade: ${what}`);
  return found;
}
const change = (what: (trade: Trade) => boolean, fields: (trade: Trade) => Partial<Trade>, sorting = true) =>
  trades((all) => {
    const one = first(all, what);
    return all.map((trade) => (trade === one ? { ...trade, ...fields(trade) } : trade));
  }, sorting);
const of =
  (product: Trade["product"], more: (trade: Trade) => boolean = () => true) =>
  (trade: Trade): boolean =>
    trade.product === product && more(trade);
const peers = (product: Trade["product"]) => of(product, isPeers);

/**
 * Injects more (or less, Wh) in a period, with the utility on the other side and the charge of what is injected then.
 */
const inject = (index: number, period: number, wh: number) =>
  trades((all, { participants }) => {
    if (index >= participants.length) throw new Error(`no participant ${index}`);
    const position = all.reduce(
      (sum, t) =>
        t.product !== "energy" || t.period !== period
          ? sum
          : sum + (t.seller === index ? t.quantity : 0) - (t.buyer === index ? t.quantity : 0),
      0,
    );
    const moved = position + wh;
    const own = (t: Trade): boolean => t.product === "network" && t.period === period && t.buyer === index;
    const rest = all.filter((t) => !own(t));
    const charge = all
      .filter(own)
      .map((t) => ({ ...t, quantity: Math.abs(moved), price: t.price * Math.sign(moved) * Math.sign(position) }));
    const importing = rest.find((t) => t.product === "energy" && t.period === period && t.seller === UTILITY);
    const price = importing?.price ?? 0;
    const sale = { product: "energy", period, quantity: Math.abs(wh), price } as const;
    return [
      ...rest,
      ...charge,
      wh < 0 ? { ...sale, seller: UTILITY, buyer: index } : { ...sale, seller: index, buyer: UTILITY },
    ];
  });

const forging =
  (forgery: Forgery) =>
  (session: TrueSession): Promise<Shown> =>
    forged(session, forgery);
const posted = (name: string, predicate: string, payload: NonNullable<Forgery["payload"]>): Corruption => ({
  name,
  predicate,
  shown: forging({ payload }),
});
const bytes = (name: string, edit: (encoded: Uint8Array) => Uint8Array): Corruption => ({
  name,
  predicate: "payloadLength",
  shown: (session) => forged(session, { payload: (payload) => edit(Payload.encode(payload, session.terms.periods)) }),
});

/** What the chain's own rules say of a batch. */
const ON_CHAIN: readonly Corruption[] = [
  bytes("no bytes at all are posted", () => new Uint8Array()),
  bytes("a byte is missing", (b) => b.subarray(0, -1)),
  bytes("a byte of padding", (b) => getBytes(concat([b, "0x00"]))),
  posted(
    "trades in another order",
    "tradesNotAscending",
    trades((all) => all.toReversed(), false),
  ),
  posted(
    "a trade posted twice",
    "tradesNotAscending",
    trades((all) => [all[0], ...all], false),
  ),
  posted("participants in another order", "participantsNotAscending", (p) => ({
    ...p,
    participants: [p.participants[1], p.participants[0], ...p.participants.slice(2)],
  })),
  posted("a participant who was not frozen", "notLocked", (p) => ({
    ...p,
    participants: p.participants.map((id, k) => (k === p.participants.length - 1 ? id + 1 : id)),
  })),
  posted("energy in a period that the session does not have", "unknownPeriod", (p) =>
    trades((all) => [...all, { ...first(all, peers("energy")), period: 77 }])(p),
  ),
  posted(
    "a trade with nobody",
    "unknownParty",
    change(peers("energy"), () => ({ buyer: 900 })),
  ),
  posted(
    "a trade with oneself",
    "selfTrade",
    change(peers("energy"), ({ seller }) => ({ buyer: seller })),
  ),
  posted(
    "energy sold by the desk",
    "wrongParties",
    change(peers("energy"), () => ({ seller: DESK })),
  ),
  posted(
    "allowances sold by the utility",
    "wrongParties",
    change(of("carbon"), () => ({ seller: UTILITY })),
  ),
  posted(
    "a trade of nothing",
    "zeroQuantity",
    change(peers("energy"), () => ({ quantity: 0 })),
  ),
  posted(
    "a charge on a Wh too much",
    "networkMismatch",
    change(
      of("network", ({ period }) => period !== SESSION_PERIOD),
      ({ quantity }) => ({ quantity: quantity + 1 }),
    ),
  ),
  posted(
    "prices of energy x 10",
    "energyMoneyBeyondMandate",
    trades((all) => all.map((t) => (peers("energy")(t) ? { ...t, price: 10 * t.price } : t))),
  ),
  posted(
    "a kWh sold for less than its owner asks",
    "energyMoneyBeyondMandate",
    change(peers("energy"), () => ({ price: -200_000 })),
  ),
  posted(
    "200 kWh bought dear and sold cheap, net nothing",
    "energyMoneyBeyondMandate",
    trades((all) => {
      const one = first(
        all,
        of("energy", ({ seller, buyer }) => seller === UTILITY || buyer === UTILITY),
      );
      const back = { ...one, seller: one.buyer, buyer: one.seller, quantity: 200_000 };
      return [
        ...all.map((t) => (t === one ? { ...t, quantity: t.quantity + 200_000 } : t)),
        { ...back, price: one.seller === UTILITY ? -700_000 : 900_000 },
      ];
    }),
  ),
  posted(
    "reserve at ten times its price",
    "reservePriceOutsideMandate",
    change(peers("reserve"), ({ price }) => ({ price: 10 * Math.abs(price) + 300_000 })),
  ),
  posted(
    "more reserve than a mandate allows",
    "reserveBeyondMandate",
    change(peers("reserve"), () => ({ quantity: 40_000_000 })),
  ),
  posted(
    "allowances at ten times their price",
    "carbonMoneyBeyondMandate",
    change(of("carbon"), ({ price }) => ({ price: 10 * price })),
  ),
  posted(
    "more allowances sold than held",
    "carbonBelowZero",
    change(of("carbon", isPeers), ({ quantity }) => ({ quantity: quantity + 500_000 })),
  ),
  posted(
    "a rebate that is taken, not given",
    "rebatePositive",
    trades((all) => all.map((t) => (t.period === SESSION_PERIOD && t.product === "network" ? { ...t, price: 7 } : t))),
  ),
  posted("more power than a mandate allows", "energyBeyondMandate", inject(9, 0, 600_000)),
  posted("reactive power beyond what is registered", "reactiveBeyondCapability", (p) => ({
    ...p,
    reactiveVar: p.reactiveVar.map((row) => row.map(() => 1_000_000)),
  })),
];

const signing = (name: string, predicate: string, signatures: NonNullable<Forgery["signatures"]>): Corruption => ({
  name,
  predicate,
  shown: forging({ signatures }),
});
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const word = (value: bigint): string => `0x${value.toString(16).padStart(64, "0")}`;

const SIGNATURES: readonly Corruption[] = [
  signing("one signature less than a quorum", "quorumNotReached", (all) =>
    packSignatures(new Map([...all].slice(0, Math.floor((all.size + Math.floor((all.size - 1) / 3)) / 2)))),
  ),
  signing("nobody's signature", "quorumNotReached", () => ({ signers: 0, signatures: "0x" })),
  signing("two signatures exchanged", "badSignature", (all) => {
    const { signers, signatures } = packSignatures(all);
    const raw = getBytes(signatures);
    return { signers, signatures: concat([raw.subarray(64, 128), raw.subarray(0, 64), raw.subarray(128)]) };
  }),
  signing("the malleable twin of a signature", "badSignature", (all) => {
    const { signers, signatures } = packSignatures(all);
    const raw = getBytes(signatures);
    const one = Signature.from(hexlify(raw.subarray(0, 64)));
    const twin = (ORDER - BigInt(one.s)) | (one.yParity === 0 ? 1n << 255n : 0n);
    return { signers, signatures: concat([one.r, word(twin & ((1n << 256n) - 1n)), raw.subarray(64)]) };
  }),
  signing("zeros for a signature", "badSignature", (all) => {
    const { signers, signatures } = packSignatures(all);
    return { signers, signatures: concat([new Uint8Array(64), getBytes(signatures).subarray(64)]) };
  }),
  signing("a signer beyond the committee", "unknownMember", (all) => {
    const { signers, signatures } = packSignatures(all);
    return { signers: signers + 2 ** 31, signatures: concat([signatures, new Uint8Array(64)]) };
  }),
  signing("a signature too many", "signaturesLength", (all) => {
    const { signers, signatures } = packSignatures(all);
    return { signers, signatures: concat([signatures, new Uint8Array(64)]) };
  }),
];

/** What a contract that is not the market's would do. */
const CONTRACT: readonly Corruption[] = [
  {
    name: "the market runs other code that tells of the same events",
    predicate: "notTheReleasedCode",
    shown: (session) => edited(session, (shown) => withCode(shown, shown.record.market, 100)),
  },
  {
    name: "the registry runs other code",
    predicate: "notTheReleasedCode",
    shown: (session) => edited(session, (shown) => withCode(shown, shown.record.registry, 50)),
  },
  {
    name: "the market's tokens are gone",
    predicate: "balanceShort",
    shown: (session) =>
      edited(session, ({ record, files }) => {
        const key = callKey(record.token, TOKEN.encodeFunctionData("balanceOf", [record.market]), record.head);
        return { record: { ...record, calls: { ...record.calls, [key]: word(0n) } }, files };
      }),
  },
  {
    name: "one account is paid what another is not",
    predicate: "ledgerChange",
    shown: forging({
      deltas: (deltas) =>
        deltas.map((d, k) => (k < 2 ? { ...d, money: d.money + (k === 0 ? 1_000_000n : -1_000_000n) } : d)),
    }),
  },
  {
    name: "a nano-dollar is made",
    predicate: "ledgerChange",
    shown: forging({ deltas: ([one, ...rest]) => [{ ...one, money: one.money + 1n }, ...rest] }),
  },
  {
    name: "a gram is made",
    predicate: "ledgerChange",
    shown: forging({ deltas: ([one, ...rest]) => [{ ...one, carbon: one.carbon + 1n }, ...rest] }),
  },
  {
    name: "settled after its deadline",
    predicate: "deadlinePassed",
    shown: (session) => forged(session, { settledAt: session.terms.deadline + 1n }),
  },
];

async function edited(session: TrueSession, edit: (shown: Shown) => Shown): Promise<Shown> {
  return edit(await forged(session));
}

function withCode({ record, files }: Shown, address: string, at: number): Shown {
  const key = address.toLowerCase();
  return { record: { ...record, codes: { ...record.codes, [key]: flipped(record.codes[key], at) } }, files };
}

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

const TERMS: readonly Corruption[] = [
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
const frozen = (name: string, predicate: string, edit: (scenario: Open) => Partial<Open>): Corruption => ({
  name: `frozen and published: ${name}`,
  predicate,
  shown: forging({
    witness: (w) => ({ ...w, terms: { ...w.terms, scenario: { ...w.terms.scenario, ...edit(w.terms.scenario) } } }),
    frozen: (t, w) => ({ ...t, termsHash: termsHash(w.terms) }),
  }),
});
const FROZEN: readonly Corruption[] = [
  frozen("four hours more than its series have", "unsoundTerms", ({ hours }) => ({ hours: hours + 4 })),
  frozen("a pair of somebody who is none", "unsoundTerms", ({ pairs }) => ({ pairs: [...pairs, [1, 9999]] })),
  frozen("another feeder than the chain's", "witnessOfAnotherFeeder", ({ feeder }) => ({
    feeder: { ...feeder, branches: feeder.branches.map((b) => ({ ...b, rPu: 2 * b.rPu })) },
  })),
  frozen("another start than the session's", "witnessOfAnotherHorizon", () => ({ startUtc: "2031-07-15T08:00:00Z" })),
  frozen("half-hours in a session of hours", "witnessOfAnotherHorizon", () => ({ periodHours: 0.5 })),
  {
    name: "frozen: another price of what is not delivered than the terms' tariff makes it",
    predicate: "otherImbalancePrice",
    shown: forging({ frozen: (t) => ({ ...t, imbalancePrice: t.imbalancePrice + 1n }) }),
  },
];

const witness = (name: string, predicate: string, edit: (witness: Witness) => Witness): Corruption => ({
  name,
  predicate,
  shown: forging({ witness: edit }),
});
const published = (name: string, edit: (witness: Witness) => unknown): Corruption => ({
  name,
  predicate: "malformedWitness",
  shown: forging({ signed: edit }),
});
const NOWHERE = `0x${"11".repeat(32)}`;

const WITNESS: readonly Corruption[] = [
  published("an objective that nobody can check is claimed", (w) => ({ ...w, objectiveNano: "1" })),
  published("a witness without regrets", ({ regrets: _, ...rest }) => rest),
  published("a regret that is no number", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k === 0 ? { ...r, regretNano: "0.5" } : r)),
  })),
  witness("the witness of another session", "witnessOfAnotherBatch", (w) => ({ ...w, session: NOWHERE })),
  witness("the witness of another payload", "witnessOfAnotherBatch", (w) => ({ ...w, payload: NOWHERE })),
  witness("a binding limit is left out", "nodalPriceUnsupported", (w) => ({ ...w, limits: w.limits.slice(1) })),
  witness("limits cost twice as much", "nodalPriceUnsupported", (w) => ({
    ...w,
    limits: w.limits.map((l) => ({ ...l, multiplier: l.multiplier.map((m) => 2 * m) })),
  })),
  witness("a limit that the feeder does not have", "nodalPriceUnsupported", (w) => ({
    ...w,
    limits: w.limits.map((l, k) => (k === 0 ? { ...l, limit: 9999 } : l)),
  })),
  witness("a limit of an hour that the session does not have", "nodalPriceUnsupported", (w) => ({
    ...w,
    limits: w.limits.map((l, k) => (k === 0 ? { ...l, hour: 99 } : l)),
  })),
  witness("limits tightened without need", "tighteningUnneeded", (w) => ({
    ...w,
    tightening: { voltagePu: 0.03, ratingShare: 0 },
  })),
  witness("two owners could gain what they traded", "regretsTooLarge", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k < 2 ? { ...r, regretNano: `${10n ** 12n}` } : r)),
  })),
  witness("an owner could gain a cent", "regretsTooLarge", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k === 1 ? { ...r, regretNano: `${10n ** 7n}` } : r)),
  })),
  witness("two owners' plans are not their trades", "leftOpenTooLarge", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k < 2 ? { ...r, openNano: `${10n ** 12n}` } : r)),
  })),
  witness("an owner's plan is ten cents from its trades", "leftOpenTooLarge", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k === 1 ? { ...r, openNano: `${10n ** 8n}` } : r)),
  })),
];

/** Prices and form of a result that the chain's rules let through. */
const RESULT: readonly Corruption[] = [
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
function exchangeable(all: Trades): readonly [Trade, Trade] {
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

/** What leaves the session valid, and the first prosumer without a certificate. */
const claims = (name: string, edit: (regret: Witness["regrets"][number]) => Witness["regrets"]): Corruption =>
  witness(`unwilling: ${name}`, "uncertified", (w) => ({
    ...w,
    regrets: w.regrets.flatMap((r, k) => (k === 0 ? edit(r) : [r])),
  }));
const UNWILLING: readonly Corruption[] = [
  claims("no regret", () => []),
  claims("an absurd regret", (r) => [{ ...r, regretNano: `${10n ** 15n}` }]),
  claims("a negative regret", (r) => [{ ...r, regretNano: `${-(10n ** 12n)}` }]),
  claims("less than nothing left open", (r) => [{ ...r, openNano: "-1" }]),
  claims("all the world left open", (r) => [{ ...r, openNano: `${10n ** 15n}` }]),
  claims("a regret that no message holds", (r) => [{ ...r, regretNano: `${2n ** 80n}`, signature: "0x00" }]),
  claims("a signature of something else", (r) => [
    { ...r, regretNano: "1", signature: `${r.signature.slice(0, -2)}00` },
  ]),
  claims("bytes for a signature", (r) => [{ ...r, signature: "0xzz" }]),
];

export const CORRUPTIONS: readonly Corruption[] = [
  ...ON_CHAIN,
  ...SIGNATURES,
  ...CONTRACT,
  ...TERMS,
  ...FROZEN,
  ...WITNESS,
  ...RESULT,
  ...UNWILLING,
];
