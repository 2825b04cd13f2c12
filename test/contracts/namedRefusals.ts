/** Who is exactly at a limit is not refused for it where something else of it is: each is told its own fault. */
import { expect } from "chai";
import { hexlify } from "ethers";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { packSignatures } from "../../offchain-solver/codec/typedData.ts";
import { settle } from "../../offchain-solver/ledger/settlementModel.ts";
import { SESSION_PERIOD, type Trade, UTILITY } from "../../offchain-solver/market/result/clearingResult.ts";
import { ANY_PRICE, MANDATE, trade } from "../support/baseBatch.ts";
import {
  BUNDLE,
  createWorld,
  freeze,
  type Frozen,
  idsOf,
  lineGrid,
  refusalOf,
  sign,
  START,
  SYSTEM_IDS,
  type World,
} from "../support/world.ts";

const HOUR = 3_600;
const [FIRST, SECOND] = idsOf(2);
/** What a connection may absorb, and feed in. */
const VAR = 1_000;

/** What chain and model say of one hour's `trades` between the two, of whom the first has so much reactive power. */
async function outcome(world: World, frozen: Frozen, trades: readonly Trade[], reactiveVar = 0): Promise<string> {
  const { market } = world.contracts;
  const batch = { participants: [FIRST, SECOND], systems: 4, reactiveVar: [[reactiveVar], [0]], trades };
  const payload = Payload.encode(batch, 1);
  const { signers, signatures } = packSignatures(await sign(world, frozen, payload));
  const said = await market
    .getFunction("settle")
    .staticCall(hexlify(payload), BUNDLE, signers, signatures)
    .then(
      () => "settled",
      async (error) => {
        const { predicate, detail } = await refusalOf(market, Promise.reject(error));
        return `${predicate}(${detail.join(", ")})`;
      },
    );
  const model = settle(frozen.ledger, payload);
  expect(said).to.equal(model.kind === "refused" ? `${model.predicate}(${model.detail.join(", ")})` : "settled");
  return said;
}

for (const reference of [true, false]) {
  describe(`an account at its limits, ${reference ? "plain" : "optimised"} market`, () => {
    it("is refused for its reactive power, whatever it buys and sells as it may", async () => {
      const grid = lineGrid([FIRST, SECOND], 6);
      const connected = grid.prosumers.map((one) => ({ ...one, absorbVar: VAR, feedVar: VAR }));
      const mandate = (id: number) => (SYSTEM_IDS.includes(id) ? ANY_PRICE : MANDATE);
      const world = await createWorld({ prosumers: 2, grid: { ...grid, prosumers: connected }, reference, mandate });
      const frozen = await freeze(world, 1);
      for (const atLimit of [
        trade("energy", 0, UTILITY, 0, 20_000, 150_000),
        trade("energy", 0, 0, UTILITY, 20_000, 10_000),
        trade("reserve", 0, 0, 1, 1_000, 10_000),
        trade("reserve", 0, UTILITY, 0, 1_000, 30_000),
      ])
        for (const vars of [VAR, -VAR]) {
          expect(await outcome(world, frozen, [atLimit], vars)).to.equal("settled");
          const beyond = await outcome(world, frozen, [atLimit], vars + Math.sign(vars));
          expect(beyond, JSON.stringify(atLimit)).to.equal(`reactiveBeyondCapability(${FIRST}, 0)`);
        }
    });

    it("is refused for the allowance that it has not, where it spends all it has and may, on as many as it may", async () => {
      const world = await createWorld({
        prosumers: 2,
        reference,
        dollars: 101e-6,
        grams: 100n,
        mandate: (id) => (id === FIRST ? { minCarbonPrice: -1_000n, maxCarbonG: 101n, maxSpendPerDay: 101n } : {}),
      });
      const frozen = await freeze(world, 1);
      const sells = (grams: number, price: number) => [trade("carbon", SESSION_PERIOD, 0, 1, grams, price)];
      expect(await outcome(world, frozen, sells(100, -1_000))).to.equal("settled");
      expect(await outcome(world, frozen, sells(101, -1_000))).to.equal(`carbonBelowZero(${FIRST})`);
      expect(await outcome(world, frozen, sells(101, -1_001))).to.equal(`carbonMoneyBeyondMandate(${FIRST})`);
    });

    it("is refused for spending what it has not, however much it may spend", async () => {
      const world = await createWorld({
        prosumers: 2,
        reference,
        dollars: 50e-6,
        grams: 100n,
        mandate: (id) => (id === FIRST ? { minCarbonPrice: -1_000n, maxSpendPerDay: 101n } : {}),
      });
      const frozen = await freeze(world, 1);
      const sells = (price: number) => [trade("carbon", SESSION_PERIOD, 0, 1, 100, price)];
      expect(await outcome(world, frozen, sells(-500))).to.equal("settled");
      expect(await outcome(world, frozen, sells(-501))).to.equal(`spendBeyondLock(${FIRST})`);
    });

    it("is not told that its mandate has ended before the session does, where that of another has", async () => {
      const validUntil = (id: number) => BigInt(START + HOUR - (id === SECOND ? 1 : 0));
      const mandate = (id: number) => (SYSTEM_IDS.includes(id) ? {} : { validUntil: validUntil(id) });
      const world = await createWorld({ prosumers: 2, reference, mandate });
      const frozen = await freeze(world, 1, { standing: [] });
      expect(await outcome(world, frozen, [])).to.equal(`notLocked(${SECOND})`);
      // What it may spend in its last hour is locked like anybody's.
      const { market } = world.contracts;
      expect([(await market.lockOf(FIRST)) > 0n, await market.lockOf(SECOND)]).to.deep.equal([true, 0n]);
      expect((await market.frozenMandate(FIRST)).covers).to.equal(true);
      expect((await market.frozenMandate(SECOND)).covers).to.equal(false);
    });

    it("takes part in a session to whose end its mandate lasts, and in none that is a second longer", async () => {
      const [, , utility] = SYSTEM_IDS;
      const end = BigInt(START + HOUR);
      for (const ended of [undefined, FIRST, utility]) {
        const mandate = (id: number) => ({ validUntil: id === ended ? end - 1n : end });
        const world = await createWorld({ prosumers: 2, reference, mandate });
        const said = await outcome(world, await freeze(world, 1, { standing: [] }), [
          trade("energy", 0, UTILITY, 0, 1_000, 100),
        ]);
        expect(said).to.equal(ended === undefined ? "settled" : `notLocked(${ended})`);
      }
    });
  });
}
