import { expect } from "chai";
import { concat, getBytes, hexlify } from "ethers";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { packSignatures } from "../../offchain-solver/codec/typedData.ts";
import { DESK, OPERATOR, SESSION_PERIOD, UTILITY } from "../../offchain-solver/market/result/clearingResult.ts";
import { add, BASE, CHARGE, core, IDS, raw, rawAt, replace, trade } from "../support/baseBatch.ts";
import { BUNDLE, sign } from "../support/world.ts";
import { committeeBatch, encode } from "../support/committeeBatch.ts";

type Mutation = readonly [name: string, predicate: string, mutate: () => Payload.Payload | Uint8Array];

const ids =
  (...participants: number[]) =>
  () => ({ ...BASE, participants });
const bytes = (change: (encoded: Uint8Array) => Uint8Array) => () => change(encode(BASE));

/** The head of the batch, and groups of zeros for its trades, one a period. */
const zeroTrades = (...counts: number[]) =>
  bytes((b) =>
    getBytes(
      concat([
        b.subarray(0, 53),
        ...counts.flatMap((count, period) => [
          Uint8Array.of(1, period, count >> 8, count & 0xff),
          new Uint8Array(Payload.TRADE_BYTES * count),
        ]),
      ]),
    ),
  );

const reactiveOf4 = (first: number) => () => ({
  ...BASE,
  reactiveVar: BASE.reactiveVar.map((row, k) => (k === 4 ? [first, 0] : row)),
});

const MUTATIONS: readonly Mutation[] = [
  ["no bytes at all", "payloadLength", () => new Uint8Array()],
  ["two bytes", "payloadLength", () => new Uint8Array(2)],
  ["one byte less", "payloadLength", bytes((b) => b.subarray(0, -1))],
  ["one byte of padding", "payloadLength", bytes((b) => getBytes(concat([b, "0x00"])))],
  ["eleven bytes of padding", "payloadLength", bytes((b) => getBytes(concat([b, new Uint8Array(11)])))],
  ["a whole trade of padding", "payloadLength", bytes((b) => getBytes(concat([b, new Uint8Array(11)])))],
  ["an empty group", "payloadLength", bytes((b) => getBytes(concat([b, "0x03ff0000"])))],
  ["an empty group of another period", "payloadLength", bytes((b) => getBytes(concat([b, "0x03000000"])))],
  ["a group of half a head", "payloadLength", bytes((b) => getBytes(concat([b, "0x0300"])))],
  [
    "a group with more trades than bytes",
    "payloadLength",
    bytes((b) => getBytes(concat([b, "0x03000001", new Uint8Array(10)]))),
  ],
  ["a fifth product", "payloadLength", bytes((b) => getBytes(concat([b, "0x04000001", new Uint8Array(11)])))],
  ["one group as two", "payloadLength", bytes((b) => getBytes(concat([b, "0x03ff0001", new Uint8Array(11)])))],
  [
    "a group after one that it comes before",
    "tradesNotAscending",
    bytes((b) => getBytes(concat([b, "0x03fe0001", new Uint8Array(11)]))),
  ],
  ["more participants than bytes", "payloadLength", bytes((b) => getBytes(concat(["0xffff", b.subarray(2)])))],
  [
    "a fourth system account",
    "payloadLength",
    bytes((b) => getBytes(concat([b.subarray(0, 2), "0x0f", b.subarray(3)]))),
  ],
  [
    "an unused bit in the systems",
    "payloadLength",
    bytes((b) => getBytes(concat([b.subarray(0, 2), "0x87", b.subarray(3)]))),
  ],
  ["32,768 trades", "tooManyTrades", zeroTrades(32_767, 1)],
  ["32,767 trades, the first of which is none", "selfTrade", zeroTrades(32_767)],
  ["ids not ascending", "participantsNotAscending", ids(101, 103, 102, 104, 105)],
  ["an id twice", "participantsNotAscending", ids(101, 102, 102, 104, 105)],
  [
    "id zero",
    "participantsNotAscending",
    () => bytes((b) => getBytes(concat([b.subarray(0, 3), "0x00000000", b.subarray(7)])))(),
  ],
  ["a system account among the prosumers", "participantsNotAscending", ids(101, 102, 103, 104, 0xfffffffd)],
  [
    "the desk after all the prosumers",
    "participantsNotAscending",
    () => ({ ...ids(...IDS, 0xfffffffd)(), reactiveVar: [...BASE.reactiveVar, [0, 0]] }),
  ],
  ["an unregistered participant", "notLocked", ids(101, 102, 103, 104, 106)],
  ["an unregistered first participant", "notLocked", ids(100, 102, 103, 104, 105)],
  [
    "an unregistered participant, and then one that is not the next",
    "notLocked",
    () => ({ participants: [100, 105], systems: 0, reactiveVar: BASE.reactiveVar.slice(0, 2), trades: [] }),
  ],
  ["trades in reverse", "tradesNotAscending", raw((t) => t.toReversed(), false)],
  [
    "two neighbours swapped",
    "tradesNotAscending",
    raw((t) => [...t.slice(0, 14), t[15], t[14], ...t.slice(16)], false),
  ],
  ["the first trade last", "tradesNotAscending", raw((t) => [...t.slice(1), t[0]], false)],
  [
    "an energy trade twice",
    "tradesNotAscending",
    raw((t) => [...t, ...t.filter((x) => x.product === "energy").slice(0, 1)]),
  ],
  [
    "a reserve trade twice",
    "tradesNotAscending",
    raw((t) => [...t, ...t.filter((x) => x.product === "reserve").slice(0, 1)]),
  ],
  [
    "a carbon trade twice",
    "tradesNotAscending",
    raw((t) => [...t, ...t.filter((x) => x.product === "carbon").slice(0, 1)]),
  ],
  ["a network charge twice", "tradesNotAscending", raw((t) => [...t, t[0]])],
  ["a first trade of key zero", "selfTrade", raw((t) => [trade("network", 0, 0, 0, 1, 1), ...t])],
  [
    "a period that is not, and out of order",
    "tradesNotAscending",
    raw((t) => [...t, trade("energy", 2, 0, 1, 10, 80_000)], false),
  ],
  ["energy in a period that is not", "unknownPeriod", raw((t) => [...t, trade("energy", 2, 0, 1, 10, 80_000)])],
  [
    "energy of the whole session",
    "unknownPeriod",
    raw((t) => [...t, trade("energy", SESSION_PERIOD, 0, 1, 10, 80_000)]),
  ],
  ["reserve in a period that is not", "unknownPeriod", add(trade("reserve", 2, 0, 1, 10, 8_000))],
  ["reserve of the whole session", "unknownPeriod", add(trade("reserve", SESSION_PERIOD, 0, 1, 10, 8_000))],
  ["carbon of one period", "unknownPeriod", add(trade("carbon", 0, 0, 1, 10, 28_000))],
  ["carbon of period 254", "unknownPeriod", add(trade("carbon", 254, 0, 1, 10, 28_000))],
  ["a charge in a period that is not", "unknownPeriod", add(trade("network", 2, OPERATOR, 1, 10, 28))],
  ["an energy buyer that is not there", "unknownParty", replace(0, { buyer: 5 })],
  ["an energy seller that is not there", "unknownParty", add(trade("energy", 1, 5, 2, 10, 80_000))],
  ["a party beyond every index", "unknownParty", add(trade("energy", 1, 0xfffc, 2, 10, 80_000))],
  ["a party of index 2^15", "unknownParty", add(trade("energy", 1, 0x8000, 2, 10, 80_000))],
  ["a charge of somebody who is not there", "unknownParty", add(trade("network", 1, OPERATOR, 5, 10, 5))],
  ["a reserve buyer that is not there", "unknownParty", add(trade("reserve", 1, 0, 5, 10, 8_000))],
  ["a reserve seller that is not there", "unknownParty", add(trade("reserve", 1, 5, 0, 10, 8_000))],
  ["a carbon buyer that is not there", "unknownParty", add(trade("carbon", SESSION_PERIOD, 0, 5, 10, 28_000))],
  ["a carbon seller that is not there", "unknownParty", add(trade("carbon", SESSION_PERIOD, 5, 0, 10, 28_000))],
  ["a reserve buyer that is not there, and is paid", "unknownParty", add(trade("reserve", 1, UTILITY, 5, 10, -1))],
  [
    "a carbon buyer that is not there, and is paid",
    "unknownParty",
    add(trade("carbon", SESSION_PERIOD, DESK, 5, 10, -1)),
  ],
  ["the utility without its bit", "unknownParty", () => ({ ...BASE, systems: 3 })],
  ["the operator without its bit", "unknownParty", () => ({ ...BASE, systems: 5 })],
  ["the desk without its bit", "unknownParty", () => ({ ...BASE, systems: 6 })],
  ["energy sold to oneself", "selfTrade", add(trade("energy", 1, 3, 3, 10, 80_000))],
  ["reserve sold to oneself", "selfTrade", add(trade("reserve", 1, 3, 3, 10, 8_000))],
  ["carbon sold to oneself", "selfTrade", add(trade("carbon", SESSION_PERIOD, 3, 3, 10, 28_000))],
  ["the utility buys from itself", "selfTrade", add(trade("energy", 1, UTILITY, UTILITY, 10, 80_000))],
  ["energy sold by the operator", "wrongParties", add(trade("energy", 1, OPERATOR, 2, 10, 80_000))],
  ["energy bought by the operator", "wrongParties", add(trade("energy", 1, 2, OPERATOR, 10, 80_000))],
  ["energy sold by the desk", "wrongParties", add(trade("energy", 1, DESK, 2, 10, 80_000))],
  ["energy bought by the desk", "wrongParties", add(trade("energy", 1, 2, DESK, 10, 80_000))],
  ["reserve bought by the utility", "wrongParties", add(trade("reserve", 1, 2, UTILITY, 10, 8_000))],
  ["reserve sold by the desk", "wrongParties", add(trade("reserve", 1, DESK, 2, 10, 8_000))],
  ["reserve bought by the desk", "wrongParties", add(trade("reserve", 1, 2, DESK, 10, 8_000))],
  ["responses charged to the utility", "wrongParties", add(trade("reserve", 1, OPERATOR, UTILITY, 10, 8_000))],
  ["responses charged to the desk", "wrongParties", add(trade("reserve", 1, OPERATOR, DESK, 10, 8_000))],
  ["responses charged by a prosumer to the operator", "wrongParties", add(trade("reserve", 1, 2, OPERATOR, 10, 8_000))],
  [
    "responses charged where the utility takes no part",
    "wrongParties",
    () => ({ ...BASE, systems: 2, trades: [trade("reserve", 1, OPERATOR, 2, 10, 8_000)] }),
  ],
  [
    "responses charged where the operator takes no part",
    "unknownParty",
    () => ({ ...BASE, systems: 4, trades: [trade("reserve", 1, OPERATOR, 2, 10, 8_000)] }),
  ],
  ["carbon sold by the utility", "wrongParties", add(trade("carbon", SESSION_PERIOD, UTILITY, 2, 10, 28_000))],
  ["carbon bought by the operator", "wrongParties", add(trade("carbon", SESSION_PERIOD, 2, OPERATOR, 10, 28_000))],
  ["a charge levied by a prosumer", "wrongParties", add(trade("network", 1, 0, 3, 10, 5))],
  ["a charge levied by the utility", "wrongParties", add(trade("network", 1, UTILITY, 3, 10, 5))],
  ["a charge on the utility", "wrongParties", add(trade("network", 1, OPERATOR, UTILITY, 10, 5))],
  ["a charge on the desk", "wrongParties", add(trade("network", 1, OPERATOR, DESK, 10, 5))],
  ["no energy", "zeroQuantity", add(trade("energy", 1, 3, 2, 0, 80_000))],
  ["no reserve", "zeroQuantity", add(trade("reserve", 1, 3, 2, 0, 8_000))],
  ["no carbon", "zeroQuantity", add(trade("carbon", SESSION_PERIOD, 3, 2, 0, 28_000))],
  ["no energy from the utility", "zeroQuantity", add(trade("energy", 1, UTILITY, 2, 0, 80_000))],
  ["no energy to the utility", "zeroQuantity", add(trade("energy", 1, 2, UTILITY, 0, 80_000))],
  ["no reserve from the utility", "zeroQuantity", add(trade("reserve", 1, UTILITY, 2, 0, 8_000))],
  ["no response that is charged", "zeroQuantity", add(trade("reserve", 1, OPERATOR, 2, 0, 8_000))],
  ["no carbon from the desk", "zeroQuantity", add(trade("carbon", SESSION_PERIOD, DESK, 3, 0, 28_000))],
  ["no carbon to the desk", "zeroQuantity", add(trade("carbon", SESSION_PERIOD, 3, DESK, 0, 28_000))],
  ["a rebate on nothing", "zeroQuantity", rawAt("network", SESSION_PERIOD, { quantity: 0 })],
  ["energy above the cap", "priceBeyondCap", replace(0, { price: 3_000_001 })],
  ["energy below minus the cap", "priceBeyondCap", replace(0, { price: -3_000_001 })],
  ["reserve above the cap", "priceBeyondCap", replace(6, { price: 3_000_001 })],
  ["reserve above the cap for one who gives it", "priceBeyondCap", replace(6, { price: 3_000_001, buyer: 4 })],
  ["carbon above the cap", "priceBeyondCap", replace(8, { price: 3_000_001 })],
  ["carbon above the cap for one who gives it", "priceBeyondCap", replace(8, { price: 3_000_001, buyer: 4 })],
  ["a charge above the cap", "priceBeyondCap", rawAt("network", 0, { price: 3_000_001 })],
  ["a charge below minus the cap", "priceBeyondCap", rawAt("network", 0, { price: -3_000_001 })],
  ["a rebate that is a charge", "rebatePositive", rawAt("network", SESSION_PERIOD, { price: 1 })],
  ["a rebate that is a charge at the cap", "rebatePositive", rawAt("network", SESSION_PERIOD, { price: 3_000_000 })],
  ["reserve at minus the cap", "reservePriceOutsideMandate", replace(6, { price: -3_000_000 })],
  [
    "reserve at its seller's price, above its buyer's",
    "reservePriceOutsideMandate",
    add(trade("reserve", 1, 4, 0, 10, 30_001)),
  ],
  [
    "responses charged above the mandate",
    "reservePriceOutsideMandate",
    add(trade("reserve", 1, OPERATOR, 2, 9, 30_001)),
  ],
  ["responses charged above the cap", "priceBeyondCap", add(trade("reserve", 1, OPERATOR, 2, 9, 3_000_001))],
  ["reserve below its seller's price", "reservePriceOutsideMandate", replace(6, { price: 3_999 })],
  ["reserve above its buyer's price", "reservePriceOutsideMandate", replace(6, { price: 30_001 })],
  ["carbon below its seller's price", "carbonMoneyBeyondMandate", replace(8, { price: 19_999 })],
  ["carbon above its buyer's price", "carbonMoneyBeyondMandate", replace(8, { price: 40_001 })],
  [
    "carbon at its seller's price, above its buyer's",
    "carbonMoneyBeyondMandate",
    replace(8, { seller: 4, price: 40_001 }),
  ],
  ["a charge on a Wh too much", "networkMismatch", rawAt("network", 0, { quantity: 6_001 })],
  ["a charge on a Wh too little", "networkMismatch", rawAt("network", 1, { quantity: 4_999 })],
  ["a charge and no energy", "networkMismatch", raw(() => [trade("network", 0, OPERATOR, 2, 10, 5)])],
  ["a purchase above the mandate", "energyMoneyBeyondMandate", replace(0, { price: 150_001 - CHARGE + 2 * CHARGE })],
  ["a sale below the mandate once the charge is paid", "energyMoneyBeyondMandate", replace(5, { price: 10_499 })],
  [
    "two sales that together bring less than the mandate",
    "energyMoneyBeyondMandate",
    () => core((trades) => trades.map((one, k) => (k < 2 ? { ...one, price: 10_499 } : one))),
  ],
  [
    "200 kWh bought at the highest price and sold at the lowest, net nothing",
    "energyMoneyBeyondMandate",
    add(trade("energy", 1, UTILITY, 3, 200_000, 150_000), trade("energy", 1, 3, UTILITY, 200_000, 10_000)),
  ],
  [
    "a nano-dollar lost on a net of zero",
    "energyMoneyBeyondMandate",
    add(trade("energy", 1, UTILITY, 3, 1, 50_001), trade("energy", 1, 3, UTILITY, 1, 50_000)),
  ],
  [
    "allowances bought at the highest price and sold at the lowest, net nothing",
    "carbonMoneyBeyondMandate",
    add(trade("carbon", SESSION_PERIOD, 4, 1, 500_000, 40_000), trade("carbon", SESSION_PERIOD, 1, 4, 500_000, 20_000)),
  ],
  [
    "a gram more of allowances than bought at most",
    "carbonBeyondMandate",
    add(trade("carbon", SESSION_PERIOD, 4, 0, 1_499_301, 20_000)),
  ],
  [
    "a gram more of allowances than sold at most",
    "carbonBeyondMandate",
    add(trade("carbon", SESSION_PERIOD, 1, 4, 1_500_001, 20_000)),
  ],
  ["a charge that eats up the sale", "energyMoneyBeyondMandate", rawAt("network", 1, { price: 60_001 })],
  ["a Wh more than bought at most", "energyBeyondMandate", replace(4, { quantity: 20_001, seller: UTILITY })],
  ["a Wh more than sold at most", "energyBeyondMandate", replace(4, { quantity: 20_001, buyer: UTILITY })],
  ["a watt more reserve than sold at most", "reserveBeyondMandate", replace(6, { quantity: 1_001, buyer: 4 })],
  ["a watt more reserve than bought at most", "reserveBeyondMandate", replace(7, { quantity: 1_001 })],
  [
    "a watt more than bought at most, with what is charged for",
    "reserveBeyondMandate",
    add(trade("reserve", 1, OPERATOR, 3, 801, 5)),
  ],
  [
    "a watt too much, bought by one who never buys energy",
    "reserveBeyondMandate",
    raw((t) => [
      ...t.map((one) =>
        one.product === "network" && one.period === 0 && one.buyer === 1 ? { ...one, price: -1 } : one,
      ),
      trade("reserve", 0, UTILITY, 1, 701, 24_000),
    ]),
  ],
  [
    "a watt too much, bought by one who never sells energy",
    "reserveBeyondMandate",
    add(trade("reserve", 0, UTILITY, 3, 1_001, 24_000)),
  ],
  [
    "a watt too much, sold by a buyer at all its other limits",
    "reserveBeyondMandate",
    add(
      trade("energy", 1, UTILITY, 2, 19_600, 150_000 + CHARGE),
      trade("energy", 1, 2, 3, 100, 10_000 + CHARGE),
      trade("reserve", 1, 2, 4, 1_001, 12_000),
    ),
  ],
  [
    "a watt too much, bought by a seller at all its other limits",
    "reserveBeyondMandate",
    add(
      trade("energy", 1, UTILITY, 0, 100, 150_000 + CHARGE),
      trade("energy", 1, 0, UTILITY, 15_100, 10_000 + CHARGE),
      trade("reserve", 1, UTILITY, 0, 1_001, 24_000),
    ),
  ],
  ["a spend beyond the lock", "spendBeyondLock", add(trade("carbon", SESSION_PERIOD, 0, 4, 999_999, 40_000))],
  ["more allowances sold than held", "carbonBelowZero", add(trade("carbon", SESSION_PERIOD, 1, 0, 1_000_001, 20_000))],
  ["a line one watt beyond its limit", "lineLimit", replace(4, { quantity: 17_000, buyer: 2 })],
  ["a voltage above its band", "voltageBand", reactiveOf4(8_200)],
  ["a voltage below its band", "voltageBand", reactiveOf4(-8_000)],
  ["a var more fed in than is registered", "reactiveBeyondCapability", reactiveOf4(8_201)],
  ["a var more taken than is registered", "reactiveBeyondCapability", reactiveOf4(-8_001)],
];

for (const reference of [true, false]) {
  describe(`a batch signed by the whole committee, ${reference ? "plain" : "optimised"} market`, () => {
    const { made, everybody, refusals } = committeeBatch(reference);

    it("is accepted before it is mutated", async () => {
      const payload = encode(BASE);
      const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, payload, everybody()));
      await made.world.contracts.market.getFunction("settle").staticCall(hexlify(payload), BUNDLE, signers, signatures);
    });

    for (const [name, predicate, mutate] of MUTATIONS) {
      it(`${name}: ${predicate}`, async () => {
        const payload = encode(mutate());
        const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, payload, everybody()));
        const { onChain, verdict } = await refusals(payload, signers, signatures);
        expect(onChain.predicate).to.equal(predicate);
        expect(onChain).to.deep.equal(verdict);
      });
    }
  });
}
