/** Batches exactly at each limit: what mutations.ts shows to be refused a unit further must be accepted here. */
import { expect } from "chai";
import { hexlify } from "ethers";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { settle } from "../../offchain-solver/ledger/settlementModel.ts";
import { packSignatures } from "../../offchain-solver/codec/typedData.ts";
import { DESK, OPERATOR, SESSION_PERIOD, UTILITY } from "../../offchain-solver/market/result/clearingResult.ts";
import {
  add,
  ANY_PRICE,
  BASE,
  CAP,
  CHARGE,
  IDS,
  MANDATE,
  PERIODS,
  rawAt,
  replace,
  trade,
} from "../support/baseBatch.ts";
import { BUNDLE, createWorld, freeze, type Frozen, refusalOf, sign, SYSTEM_IDS, type World } from "../support/world.ts";

/** The five largest ids that a prosumer may have. */
const LARGEST = [0xfffffff7, 0xfffffff8, 0xfffffff9, 0xfffffffa, 0xfffffffb];
/** The second buys only if it is paid for it; the fifth takes any price. */
const OWN = new Map([
  [LARGEST[1], { maxBuy: -1_000n }],
  [LARGEST[4], { ...ANY_PRICE, minReservePrice: 4_000n, minCarbonPrice: 20_000n }],
]);
const AT_CAP = Number(CAP);
const EMPTY = { participants: [], systems: 0, reactiveVar: [], trades: [] };
const only = (...trades: Payload.Payload["trades"]) => ({ ...BASE, systems: 0, trades });

/** The batch with the fifth charged `price` in `period`. */
const charged = (payload: Payload.Payload, period: number, price: number): Payload.Payload => ({
  ...payload,
  trades: payload.trades.map((one) =>
    one.product === "network" && one.period === period && one.buyer === 4 ? { ...one, price } : one,
  ),
});

const WITHIN: readonly (readonly [name: string, batch: () => Payload.Payload])[] = [
  ["nobody and nothing", () => EMPTY],
  ["everybody and nothing", () => ({ ...BASE, trades: [] })],
  [
    "the second and the fifth alone",
    () => ({
      participants: [IDS[1], IDS[4]],
      systems: 0,
      reactiveVar: BASE.reactiveVar.slice(0, 2),
      trades: [trade("energy", 0, 0, 1, 100, 80_000)],
    }),
  ],
  [
    "reactive power whose bytes are the utility's id",
    () => ({ ...BASE, reactiveVar: BASE.reactiveVar.map((row, k) => (k === 0 ? [-1, -1] : row)) }),
  ],
  ["energy at the cap, charged at minus the cap", () => charged(replace(3, { price: AT_CAP })(), 0, -AT_CAP)],
  ["energy at minus the cap", add(trade("energy", 1, UTILITY, 2, 10, -AT_CAP))],
  ["a charge at the cap", () => charged(add(trade("energy", 1, 4, UTILITY, 6_000, 80_000))(), 1, AT_CAP)],
  ["a rebate at minus the cap", rawAt("network", SESSION_PERIOD, { price: -AT_CAP })],
  ["a rebate at no price", rawAt("network", SESSION_PERIOD, { price: 0 })],
  ["reserve at the cap", replace(6, { price: AT_CAP, buyer: 4 })],
  ["reserve at minus the cap", replace(7, { price: -AT_CAP })],
  ["reserve at its seller's price", replace(6, { price: 4_000 })],
  ["reserve at its buyer's price", replace(6, { price: 30_000 })],
  ["carbon at the cap", replace(8, { price: AT_CAP, buyer: 4 })],
  ["carbon at minus the cap", replace(9, { price: -AT_CAP })],
  ["carbon at its seller's price", replace(8, { price: 20_000 })],
  ["carbon at its buyer's price", replace(8, { price: 40_000 })],
  ["carbon sold to the desk", add(trade("carbon", SESSION_PERIOD, 3, DESK, 10, 27_000))],
  ["a purchase at the highest price", replace(0, { price: 150_000 + CHARGE })],
  ["a sale at the lowest price", replace(5, { price: 10_000 + CHARGE })],
  ["a purchase that is paid for", add(trade("energy", 1, UTILITY, 1, 400, -1_000))],
  ["as much energy bought as allowed", replace(4, { quantity: 20_000, seller: UTILITY })],
  ["as much energy sold as allowed", replace(4, { quantity: 20_000, buyer: UTILITY })],
  ["as much reserve sold as allowed", replace(6, { quantity: 1_000, buyer: 4 })],
  ["as much reserve bought as allowed", replace(7, { quantity: 1_000 })],
  ["the whole lock spent", () => only(trade("carbon", SESSION_PERIOD, 0, 4, 13_000, AT_CAP))],
  [
    "as many allowances bought as allowed",
    add(
      trade("carbon", SESSION_PERIOD, 4, 0, 1_000_000, 20_000),
      trade("carbon", SESSION_PERIOD, 1, 0, 499_300, 20_000),
    ),
  ],
  [
    "bought and sold at one price, net nothing",
    add(trade("energy", 1, UTILITY, 3, 200_000, 150_000), trade("energy", 1, 3, UTILITY, 200_000, 150_000)),
  ],
  ["a dear purchase in a total that is not", add(trade("energy", 0, UTILITY, 2, 10, 160_000))],
  ["all allowances sold", () => only(trade("carbon", SESSION_PERIOD, 2, 0, 1_000_000, 20_000))],
];

for (const reference of [true, false]) {
  const name = reference ? "plain market" : "optimised market";
  describe(`a batch at its limits, ${name}`, () => {
    let world: World;
    let frozen: Frozen;
    before(async () => {
      const mandate = (id: number) => (SYSTEM_IDS.includes(id) ? ANY_PRICE : { ...MANDATE, ...OWN.get(id) });
      world = await createWorld({ prosumers: 5, ids: LARGEST, reference, mandate });
      frozen = await freeze(world, PERIODS, { standing: [] });
    });
    const encode = (payload: Payload.Payload): Uint8Array =>
      Payload.encode({ ...payload, participants: payload.participants.map((id) => LARGEST[IDS.indexOf(id)]) }, PERIODS);

    for (const [title, batch] of WITHIN) {
      it(`${title}: accepted`, async () => {
        const payload = encode(batch());
        const expected = settle(frozen.ledger, payload);
        if (expected.kind !== "settled") throw new Error(`${expected.predicate}(${expected.detail.join(", ")})`);
        const snapshot = await world.connection.networkHelpers.takeSnapshot();
        const { deltas } = await Session.postAndSettle(
          world.deployment,
          world.admin,
          payload,
          BUNDLE,
          await sign(world, frozen, payload),
        );
        expect(deltas).to.deep.equal(expected.deltas);
        const after = await Session.readLedger(world.deployment, world.provider, [...LARGEST, ...SYSTEM_IDS]);
        expect(after.accounts).to.deep.equal(expected.accounts);
        await snapshot.restore();
      });
    }

    it("in quarter-hours power is limited in W and reserve is paid by the hour, to the last Wh and price", async () => {
      const quarter = await createWorld({
        prosumers: 2,
        reference,
        mandate: (id) => (SYSTEM_IDS.includes(id) ? ANY_PRICE : MANDATE),
      });
      const opened = await freeze(quarter, 4, { periodSeconds: 900 });
      const { market } = quarter.contracts;
      const outcome = async (...trades: Payload.Payload["trades"]): Promise<string> => {
        const reactiveVar = quarter.ids.map(() => [0, 0, 0, 0]);
        const payload = Payload.encode({ participants: quarter.ids, systems: 6, reactiveVar, trades }, 4);
        const model = settle(opened.ledger, payload);
        const { signers, signatures } = packSignatures(await sign(quarter, opened, payload));
        const call = market.getFunction("settle").staticCall(hexlify(payload), BUNDLE, signers, signatures);
        const chain = await call.then(
          () => "settled",
          async (error) => (await refusalOf(market, Promise.reject(error))).predicate,
        );
        expect(chain).to.equal(model.kind === "refused" ? model.predicate : "settled");
        return chain;
      };
      const most = Number(MANDATE.maxBuyW) / 4;
      const price = Number(MANDATE.maxReservePrice) / 4;
      expect(await outcome(trade("energy", 3, UTILITY, 0, most, 80_000))).to.equal("settled");
      expect(await outcome(trade("energy", 3, UTILITY, 0, most + 1, 80_000))).to.equal("energyBeyondMandate");
      expect(await outcome(trade("energy", 3, 0, UTILITY, most, 80_000))).to.equal("settled");
      expect(await outcome(trade("energy", 3, 0, UTILITY, most + 1, 80_000))).to.equal("energyBeyondMandate");
      expect(await outcome(trade("reserve", 3, UTILITY, 0, 1_000, price))).to.equal("settled");
      expect(await outcome(trade("reserve", 3, UTILITY, 0, 1_000, price + 1))).to.equal("reservePriceOutsideMandate");
      // What the operator charges for responses is held by the same limits, and paid at any price.
      expect(await outcome(trade("reserve", 3, OPERATOR, 0, 1_000, price))).to.equal("settled");
      expect(await outcome(trade("reserve", 3, OPERATOR, 0, 1_000, -700_000))).to.equal("settled");
      expect(await outcome(trade("reserve", 3, OPERATOR, 0, 1_000, price + 1))).to.equal("reservePriceOutsideMandate");
      expect(
        await outcome(trade("reserve", 3, OPERATOR, 0, 301, price), trade("reserve", 3, UTILITY, 0, 700, price)),
      ).to.equal("reserveBeyondMandate");
      const least = Number(MANDATE.minReservePrice) / 4;
      expect(await outcome(trade("reserve", 0, 1, 0, 1_000, least))).to.equal("settled");
      expect(await outcome(trade("reserve", 0, 1, 0, 1_000, least - 1))).to.equal("reservePriceOutsideMandate");
    });

    it("the last second of the session: accepted", async () => {
      const payload = encode(BASE);
      const signed = await sign(world, frozen, payload);
      const snapshot = await world.connection.networkHelpers.takeSnapshot();
      await world.connection.networkHelpers.time.setNextBlockTimestamp(frozen.terms.deadline);
      await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
      await snapshot.restore();
    });
  });

  it(`32,768 participants are too many, and 32,767 need more gas than a transaction has, ${name}`, async () => {
    const world = await createWorld({ prosumers: 1, reference, dollars: 0 });
    const frozen = await freeze(world, 1);
    const settleZeros = async (participants: number): Promise<unknown> => {
      const payload = new Uint8Array(Payload.byteLength(participants, 1, []));
      new DataView(payload.buffer).setUint16(0, participants);
      const { signers, signatures } = packSignatures(await sign(world, frozen, payload));
      const { market } = world.contracts;
      return market
        .getFunction("settle")
        .staticCall(hexlify(payload), BUNDLE, signers, signatures, { gasLimit: 16_000_000 });
    };
    expect(await refusalOf(world.contracts.market, settleZeros(32_768))).to.include({ predicate: "tooManyTrades" });
    // Fewer of the same are refused by name, so what is missing is gas. The plain market calls others, and where one of
    // those runs out nothing is said.
    const named = await refusalOf(world.contracts.market, settleZeros(100));
    expect(named).to.include({ predicate: "participantsNotAscending" });
    const message = await settleZeros(32_767).then(
      () => "accepted",
      (error: Error) => error.message,
    );
    expect(message).to.match(reference ? /out of gas|without a reason/ : /out of gas/);
  });
}
