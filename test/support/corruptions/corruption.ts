/** What a corruption is, and how one is made of a settled session. */
import * as Payload from "../../../offchain-solver/codec/payload.ts";
import { DESK, type Trade, UTILITY } from "../../../offchain-solver/market/result/clearingResult.ts";
import { type Forgery, forged, type Shown, type TrueSession } from "../forge.ts";

export type Corruption = {
  readonly name: string;
  /** Of the verdict; `uncertified` where the session stays valid without the certificate of the first prosumer. */
  readonly predicate: string;
  readonly shown: (session: TrueSession) => Promise<Shown>;
};

type Trades = readonly Trade[];
const sorted = (trades: Trades): Trade[] => [...trades].sort((a, b) => Payload.tradeKey(a) - Payload.tradeKey(b));
export const trades =
  (edit: (trades: Trades, payload: Payload.Payload) => Trades, sorting = true) =>
  (payload: Payload.Payload): Payload.Payload => {
    const edited = edit(payload.trades, payload);
    return { ...payload, trades: sorting ? sorted(edited) : edited };
  };
export const isPeers = ({ seller, buyer }: Trade): boolean => seller < DESK && buyer < DESK;
/** The first trade that a case is about; every case has one in the session it is made of. */
export function first(among: Trades, what: (trade: Trade) => boolean): Trade {
  const found = among.find(what);
  if (found === undefined) throw new Error(`no such trade: ${what}`);
  return found;
}
export const change = (what: (trade: Trade) => boolean, fields: (trade: Trade) => Partial<Trade>, sorting = true) =>
  trades((all) => {
    const one = first(all, what);
    return all.map((trade) => (trade === one ? { ...trade, ...fields(trade) } : trade));
  }, sorting);
export const of =
  (product: Trade["product"], more: (trade: Trade) => boolean = () => true) =>
  (trade: Trade): boolean =>
    trade.product === product && more(trade);
export const peers = (product: Trade["product"]) => of(product, isPeers);

/**
 * Injects more (or less, Wh) in a period, with the utility on the other side and the charge of what is injected then.
 */
export const inject = (index: number, period: number, wh: number) =>
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

export const forging =
  (forgery: Forgery) =>
  (session: TrueSession): Promise<Shown> =>
    forged(session, forgery);
export const posted = (name: string, predicate: string, payload: NonNullable<Forgery["payload"]>): Corruption => ({
  name,
  predicate,
  shown: forging({ payload }),
});
export const bytes = (name: string, edit: (encoded: Uint8Array) => Uint8Array): Corruption => ({
  name,
  predicate: "payloadLength",
  shown: (session) => forged(session, { payload: (payload) => edit(Payload.encode(payload, session.terms.periods)) }),
});
