/** Batches that the chain's own rules refuse. */
import { concat, getBytes } from "ethers";
import { DESK, SESSION_PERIOD, UTILITY } from "../../../offchain-solver/market/result/clearingResult.ts";
import { bytes, change, type Corruption, first, inject, isPeers, of, peers, posted, trades } from "./corruption.ts";

export const ON_CHAIN: readonly Corruption[] = [
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
