import { expect } from "chai";
import { type JsonRpcApiProvider, toBeHex } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import { attestationDigest, marketDomain, packSignatures } from "../../offchain-solver/codec/typedData.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { SESSION_PERIOD } from "../../offchain-solver/market/result/clearingResult.ts";
import { BUNDLE, createWorld, freeze, refusalOf, sign, type World } from "../support/world.ts";
import { as, call, held, owner } from "../support/calls.ts";

for (const reference of [true, false]) {
  describe(`the ends of the ledger's ranges, ${reference ? "plain" : "optimised"} market`, () => {
    const settle = async (world: World, trades: Payload.Payload["trades"], systems = 0, day = 0): Promise<string> => {
      const frozen = await freeze(world, 1, { start: 1_800_000_000 + 86_400 * day });
      const payload = Payload.encode({ participants: world.ids, systems, reactiveVar: [[0], [0]], trades }, 1);
      const { market } = world.contracts;
      const signed = await sign(world, frozen, payload);
      return Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed).then(
        () => "settled",
        async (error) => (await refusalOf(market, Promise.reject(error))).predicate,
      );
    };

    it("what was spent today counts tomorrow no more", async () => {
      const mandate = (id: number) => (id < Onboarding.DESK_ID ? { maxSpendPerDay: 1_000n } : {});
      const world = await createWorld({ prosumers: 2, reference, mandate });
      const pays = async (start: number, nano: number): Promise<bigint> => {
        const frozen = await freeze(world, 1, { start });
        const trades = [
          { seller: 1, buyer: 0, product: "carbon", period: SESSION_PERIOD, quantity: nano, price: 1 },
        ] as const;
        const payload = Payload.encode({ participants: world.ids, systems: 0, reactiveVar: [[0], [0]], trades }, 1);
        const lock = (await call(world.contracts.market, "lockOf", 101)) as bigint;
        await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));
        return lock;
      };
      const day = 1_800_000_000 - (1_800_000_000 % 86_400);
      expect(await pays(day, 300_001)).to.equal(1_000_000n);
      expect(await pays(day + 3_600, 699_000)).to.equal(699_000n);
      expect((await refusalOf(world.contracts.market, pays(day + 7_200, 1))).predicate).to.equal("spendBeyondLock");
      await world.connection.networkHelpers.time.increase(3_601);
      expect(await pays(day + 86_400, 1)).to.equal(1_000_000n);
    });

    it("the whole lock spent is no excuse for allowances that are not there: carbonBelowZero", async () => {
      const mandate = (id: number) => (id === 101 ? { maxSpendPerDay: 1_000n } : {});
      const world = await createWorld({ prosumers: 2, reference, mandate });
      const sales = [
        { seller: 0, buyer: 1, product: "carbon", period: SESSION_PERIOD, quantity: 1, price: 0 },
        { seller: 0, buyer: 0xfffd, product: "carbon", period: SESSION_PERIOD, quantity: 1_000_000, price: -1 },
      ] as const;
      expect(await settle(world, sales, 1)).to.equal("carbonBelowZero");
    });

    it("a deposit stays below 2^64 nano-dollars, should a token shrink and deposits with it: depositOverflow", async () => {
      const world = await createWorld({ prosumers: 2, reference, dollars: 1_000 });
      const { market } = world.contracts;
      const sale = (quantity: number) =>
        [{ seller: 0, buyer: 1, product: "carbon", period: SESSION_PERIOD, quantity, price: 1_000 }] as const;
      const provider = world.provider as JsonRpcApiProvider;
      // Deposits come to 2^63 together at most, so the word is written: a deposit is its lowest 64 bits.
      let slot = 101n;
      while (BigInt(await provider.getStorage(world.deployment.market, slot)) === 0n) slot++;
      const word = (1_000_000n << 64n) + 2n ** 64n - 1_001n;
      await provider.send("hardhat_setStorageAt", [market.target, toBeHex(slot), toBeHex(word, 32)]);
      expect(await held(world, 101)).to.equal(2n ** 64n - 1_001n);
      expect(await settle(world, sale(2))).to.equal("depositOverflow");
      // Exactly full is no fault of its own: what it sells beyond its allowances is.
      const beyond = [
        ...sale(1),
        { seller: 0, buyer: 0xfffd, product: "carbon", period: SESSION_PERIOD, quantity: 2 ** 31, price: 0 },
      ] as const;
      await world.connection.networkHelpers.time.increase(3_601);
      expect(await settle(world, beyond, 1, 1)).to.equal("carbonBelowZero");
      await world.connection.networkHelpers.time.increase(3_601);
      expect(await settle(world, sale(1), 0, 1)).to.equal("settled");
    });

    it("a system account's mandate binds as anybody's, in a batch that not all take part in: carbonMoneyBeyondMandate", async () => {
      const mandate = (id: number) => (id === Onboarding.DESK_ID ? { minCarbonPrice: 25_000n } : {});
      const world = await createWorld({ prosumers: 3, reference, mandate });
      const frozen = await freeze(world, 1, { standing: [] });
      const { market } = world.contracts;
      const sells = async (price: number): Promise<unknown> => {
        const trades = [
          { seller: 0xfffd, buyer: 0, product: "carbon", period: SESSION_PERIOD, quantity: 1, price },
        ] as const;
        const participants = world.ids.slice(0, 2);
        const payload = Payload.encode({ participants, systems: 1, reactiveVar: [[0], [0]], trades }, 1);
        const { signers, signatures } = packSignatures(await sign(world, frozen, payload));
        expect(await call(market, "attestationDigest", payload, BUNDLE)).to.equal(
          attestationDigest(
            marketDomain(world.deployment.chainId, world.deployment.market),
            frozen.terms,
            payload,
            BUNDLE,
          ),
        );
        return call(market, "settle", payload, BUNDLE, signers, signatures);
      };
      const { predicate, detail } = await refusalOf(market, sells(24_999));
      expect([predicate, ...detail]).to.deep.equal(["carbonMoneyBeyondMandate", BigInt(Onboarding.DESK_ID)]);
      await sells(25_000);
    });

    it("a system account that gave no mandate takes part in no batch: notLocked", async () => {
      for (const [id, product, systems] of [
        [Onboarding.DESK_ID, "carbon", 1],
        [Onboarding.UTILITY_ID, "energy", 4],
      ] as const) {
        const world = await createWorld({ prosumers: 2, reference });
        await send(as(world.contracts.market, await owner(world, id)), "revokeMandate", id);
        const period = product === "carbon" ? SESSION_PERIOD : 0;
        const sale = [{ seller: id & 0xffff, buyer: 0, product, period, quantity: 1, price: 1 }] as const;
        expect(await settle(world, sale, systems)).to.equal("notLocked");
      }
    });

    it("threat: a regulator that fills an account: a batch settles all the same", async () => {
      const world = await createWorld({ prosumers: 2, reference });
      const left = 2n ** 54n - ((await call(world.contracts.market, "totalGrams")) as bigint);
      const fills = (grams: bigint) =>
        Onboarding.issueAllowances(world.deployment, world.admin, new Map([[101, grams]]));
      expect((await refusalOf(world.contracts.market, fills(2n ** 55n - 2n - 1_000_000n))).predicate).to.equal(
        "carbonOverflow",
      );
      expect((await refusalOf(world.contracts.market, fills(left + 1n))).predicate).to.equal("allowancesTooLarge");
      await fills(left);
      const quantity = 0xffffffff;
      const sale = [
        { seller: 0xfffd, buyer: 0, product: "carbon", period: SESSION_PERIOD, quantity, price: 1 },
      ] as const;
      expect(await settle(world, sale, 1)).to.equal("settled");
    });

    it("an account holds less than 2^55 grams: carbonOverflow; the desk alone may owe them", async () => {
      const world = await createWorld({ prosumers: 2, reference });
      const provider = world.provider as JsonRpcApiProvider;
      // All allowances come to 2^54 together at most, so the word is written.
      let slot = 101n;
      while (BigInt(await provider.getStorage(world.deployment.market, slot)) === 0n) slot++;
      const word = ((2n ** 55n - 2n) << 64n) + (await held(world, 101));
      await provider.send("hardhat_setStorageAt", [world.deployment.market, toBeHex(slot), toBeHex(word, 32)]);
      const sale = [
        { seller: 0xfffd, buyer: 0, product: "carbon", period: SESSION_PERIOD, quantity: 1, price: 1 },
      ] as const;
      expect(await settle(world, sale, 1)).to.equal("settled");
      expect(await settle(world, sale, 1, 1)).to.equal("carbonOverflow");
    });

    it("the desk neither holds nor owes 2^55 grams and more: carbonOverflow", async () => {
      const world = await createWorld({ prosumers: 2, reference });
      const provider = world.provider as JsonRpcApiProvider;
      const { deployment } = world;
      // No number of batches that a test can settle comes near, so the word is written: carbon is 56 bits above a
      // deposit of 64.
      let slot = BigInt(Onboarding.DESK_ID);
      while (BigInt(await provider.getStorage(deployment.market, slot)) === 0n) slot++;
      const moves = async (carbon: bigint, sells: boolean, day: number): Promise<string> => {
        const word = (BigInt.asUintN(56, carbon) << 64n) + (await held(world, Onboarding.DESK_ID));
        await provider.send("hardhat_setStorageAt", [deployment.market, toBeHex(slot), toBeHex(word, 32)]);
        expect((await world.contracts.market.getFunction("account").staticCall(Onboarding.DESK_ID)).carbon).to.equal(
          carbon,
        );
        const [seller, buyer] = sells ? [0xfffd, 0] : [0, 0xfffd];
        return settle(
          world,
          [{ seller, buyer, product: "carbon", period: SESSION_PERIOD, quantity: 1, price: 1 }],
          1,
          day,
        );
      };
      const end = 2n ** 55n;
      expect(await moves(end - 2n, false, 0)).to.equal("settled");
      expect(await moves(1n - end, true, 1)).to.equal("settled");
      expect(await moves(end - 1n, false, 2)).to.equal("carbonOverflow");
      await world.connection.networkHelpers.time.increase(3_601);
      expect(await moves(-end, true, 3)).to.equal("carbonOverflow");
    });
  });
}
