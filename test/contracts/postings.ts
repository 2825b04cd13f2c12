/** What is entered into accounts outside a settlement: deliveries and credits, by two contracts named for good. */
import { expect } from "chai";
import { type Contract, type JsonRpcApiProvider, toBeHex } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import { encodeEntries } from "../../offchain-solver/codec/entries.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { deployAll } from "../../offchain-solver/devnet/deploy.ts";
import * as Ledger from "../../offchain-solver/ledger/posting.ts";
import type { LedgerAccount } from "../../offchain-solver/ledger/settlementModel.ts";
import { SESSION_PERIOD, type Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { artifact } from "../support/artifacts.ts";
import { audited } from "../support/audited.ts";
import { as, call, held, owner, refused } from "../support/calls.ts";
import { wallet } from "../support/keys.ts";
import {
  BUNDLE,
  CARBON,
  createWorld,
  DELIVERY,
  freeze,
  type Frozen,
  lineGrid,
  refusalOf,
  sign,
  START,
  type World,
} from "../support/world.ts";

const DAY = 86_400;
const MIDNIGHT = START - (START % (2 * DAY)) + 2 * DAY;
const DAYS = BigInt(MIDNIGHT / DAY);
const METERING = 2 * DAY;

type Line = [id: number, nano: bigint, grams?: bigint, released?: bigint];
const entries = (lines: readonly Line[]): string =>
  encodeEntries(lines.map(([id, nano, grams = 0n, released = 0n]) => ({ id, nano, grams, released })));

for (const reference of [true, false]) {
  const name = reference ? "plain" : "optimised";

  describe(`postings, ${name} market`, () => {
    let world: World;
    let market: Contract;
    let delivery: Contract;
    let carbon: Contract;
    beforeEach(async () => {
      const mandate = (id: number) => (id < 1000 ? { maxSpendPerDay: 30_000_000n, maxCarbonG: 400_000n } : {});
      const clock = MIDNIGHT - 4 * DAY;
      world = await createWorld({ prosumers: 3, dollars: 100, reference, mandate, posters: true, clock });
      market = world.contracts.market;
      delivery = as(market, DELIVERY.connect(world.provider));
      carbon = as(market, CARBON.connect(world.provider));
    });
    const time = () => world.connection.networkHelpers.time;
    const account = async (id: number): Promise<LedgerAccount> =>
      (await market.getFunction("account").staticCall(id)).toObject();
    const post = (lines: readonly Line[], issuedG = 0n, day = DAYS) =>
      Chain.send(delivery, "post", day, entries(lines), issuedG);
    const refusal = async (lines: readonly Line[], issuedG = 0n): Promise<unknown[]> => {
      const sent = call(delivery, "post", DAYS, entries(lines), issuedG);
      const { predicate, detail } = await refusalOf(market, sent);
      return [predicate, ...detail];
    };

    async function open(day: number): Promise<Frozen> {
      const start = MIDNIGHT + day * DAY;
      if ((await time().latest()) < start - DAY) await time().increaseTo(start - DAY);
      return freeze(world, 24, { start, imbalancePrice: 120_000, open: 3_600, standing: [] });
    }
    async function settle(frozen: Frozen, trades: readonly Trade[], systems = 7): Promise<void> {
      const reactiveVar = world.ids.map(() => new Array<number>(24).fill(0));
      const payload = Payload.encode({ participants: world.ids, systems, reactiveVar, trades }, 24);
      const signed = await sign(world, frozen, payload);
      await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
    }
    const energy = (seller: number, buyer: number, quantity: number, price: number): Trade => ({
      ...{ seller, buyer, product: "energy", period: 0, quantity, price },
    });

    it("come from the two contracts that were named for them, by the admin, once, before the seal", async () => {
      expect(await call(market, "delivery")).to.equal(DELIVERY.address);
      expect(await call(market, "carbonCredit")).to.equal(CARBON.address);
      for (const other of [market, carbon]) {
        expect(await refused(other, "post", DAYS, "0x", 0)).to.equal("notDelivery");
      }
      for (const other of [market, delivery]) {
        expect(await refused(other, "moveGrams", 101, 1)).to.equal("notCarbonCredit");
      }
      // The admin's call waits from the seal on, and then it is refused.
      const { authority } = world.contracts;
      const data = market.interface.encodeFunctionData("connect", [CARBON.address, DELIVERY.address]);
      const announced = (await time().latest()) + 7 * DAY;
      await Chain.send(authority, "schedule", market.target, data, announced);
      await time().increaseTo(announced + 1);
      expect((await refusalOf(market, call(authority, "execute", market.target, data))).predicate).to.equal(
        "alreadySealed",
      );
      const nobody = `0x${"00".repeat(20)}`;
      const options = { posters: [nobody, nobody], ...(reference && { market: artifact("ReferenceMarket") }) } as const;
      const bare = Chain.contracts(await deployAll(world.admin, options), world.admin);
      expect(await call(bare.market, "delivery")).to.equal(`0x${"00".repeat(20)}`);
      const stranger = as(bare.market, await owner(world, 101));
      expect(await refused(stranger, "connect", DELIVERY.address, CARBON.address)).to.equal(
        "accessManagedUnauthorized",
      );
      for (const [first, second] of [
        [DELIVERY.address, `0x${"00".repeat(20)}`],
        [`0x${"00".repeat(20)}`, CARBON.address],
      ]) {
        const fork = await world.connection.networkHelpers.takeSnapshot();
        await Chain.send(bare.market, "connect", first, second);
        expect(await refused(bare.market, "connect", DELIVERY.address, CARBON.address)).to.equal("alreadyConnected");
        await fork.restore();
      }
    });

    it("move money and grams exactly, and sum to nothing and to what is issued", async () => {
      await post(
        [
          [101, -1_000_000_001n, -7n],
          [102, 999_999_999n, 3n],
          [Ledger.INSURANCE_ID, 2n],
        ],
        -4n,
      );
      expect([await held(world, 101), (await account(101)).carbon]).to.deep.equal([98_999_999_999n, 999_993n]);
      expect([await held(world, 102), (await account(102)).carbon]).to.deep.equal([100_999_999_999n, 1_000_003n]);
      expect(await held(world, Ledger.INSURANCE_ID)).to.equal(2n);
      expect(await call(market, "totalGrams")).to.equal(2_999_996n);
      expect(await refusal([[101, -1n]])).to.deep.equal(["moneyNotConserved", -1n]);
      expect(await refusal([[101, 1n]])).to.deep.equal(["moneyNotConserved", 1n]);
      expect(await refusal([[101, 0n, 5n]], 4n)).to.deep.equal(["gramsNotConserved", 5n, 4n]);
      expect(await refusal([[101, 0n, -5n]], 5n)).to.deep.equal(["gramsNotConserved", -5n, 5n]);
    });

    it("have one entry an account, ascending", async () => {
      expect(await refusal([[0, 0n]])).to.deep.equal(["entriesNotAscending", 0n]);
      expect(
        await refusal([
          [101, 0n],
          [101, 0n],
        ]),
      ).to.deep.equal(["entriesNotAscending", 1n]);
      expect(
        await refusal([
          [101, 0n],
          [103, 0n],
          [102, 0n],
        ]),
      ).to.deep.equal(["entriesNotAscending", 2n]);
    });

    it("have a whole number of entries", async () => {
      const whole = entries([
        [101, -1n],
        [102, 1n],
      ]);
      for (const [bytes, length] of [
        [`${whole}00`, 65n],
        [whole.slice(0, -2), 63n],
        ["0x00", 1n],
      ] as const) {
        expect(await refusalOf(market, call(delivery, "post", DAYS, bytes, 0n))).to.deep.equal({
          predicate: "entriesLength",
          detail: [length],
        });
      }
      await Chain.send(delivery, "post", DAYS, whole, 0n);
      expect(await held(world, 102)).to.equal(100_000_000_001n);
    });

    it("take what is free and nothing more: held money too, locked money and grams never", async () => {
      expect([...((await call(market, "debitable", 101)) as bigint[])]).to.deep.equal([100_000_000_000n, 1_000_000n]);
      const frozen = await open(0);
      expect([...((await call(market, "debitable", 101)) as bigint[])]).to.deep.equal([70_000_000_000n, 600_000n]);
      const beyond: Line[] = [
        [101, -70_000_000_001n],
        [102, 70_000_000_001n],
      ];
      expect(await refusal(beyond)).to.deep.equal(["debitBeyondFree", 101n, 70_000_000_001n, 70_000_000_000n]);
      expect(await refusal([[101, 0n, -600_001n]], -600_001n)).to.deep.equal([
        ...["gramsBeyondFree", 101n, 600_001n, 600_000n],
      ]);
      await post(
        [
          [101, -70_000_000_000n, -600_000n],
          [102, 70_000_000_000n],
        ],
        -600_000n,
      );
      // All that was locked can still be spent and sold: what is signed settles.
      await settle(frozen, [
        energy(1, 0, 15_000_000, 2_000),
        { ...energy(0, 1, 400_000, 0), product: "carbon", period: SESSION_PERIOD },
      ]);
      expect(await held(world, 101)).to.equal(0n);
      expect((await account(101)).carbon).to.equal(0n);
      // The session is over: what 102 was paid is held of it, and can be taken all the same.
      expect(await call(market, "holdOf", 102)).to.equal(1_800_000_000_000n);
      expect([...((await call(market, "debitable", 102)) as bigint[])][0]).to.equal(200_000_000_000n);
      await post([
        [101, 200_000_000_000n],
        [102, -200_000_000_000n],
      ]);
    });

    it("lock nothing of an account without a mandate, nor of one that the session does not cover", async () => {
      await Chain.send(as(market, await owner(world, 101)), "revokeMandate", 101);
      await open(0);
      expect([...((await call(market, "debitable", 101)) as bigint[])]).to.deep.equal([100_000_000_000n, 1_000_000n]);
      await post([
        [101, -100_000_000_000n],
        [Ledger.INSURANCE_ID, 100_000_000_000n],
      ]);
      await time().increase(3_601);
      expect([...((await call(market, "debitable", 102)) as bigint[])]).to.deep.equal([100_000_000_000n, 1_000_000n]);
    });

    it("leave a withdrawal that waits no more than there is", async () => {
      await open(0);
      await Chain.send(as(market, await owner(world, 101)), "requestWithdrawal", 101, 100_000_000n);
      expect(await held(world, 101)).to.equal(30_000_000_000n);
      await time().increase(3_601);
      await post([
        [101, -29_000_000_000n],
        [102, 29_000_000_000n],
      ]);
      await time().increase(3 * DAY);
      await Chain.send(market, "withdraw", 101);
      expect(await held(world, 101)).to.equal(0n);
      expect(await call(world.contracts.token, "balanceOf", world.wallets.get(101)?.address)).to.equal(71_000_000n);
    });

    it("release what is held, of the day's epoch alone, and never more than there is", async () => {
      const sales = [1_000_000_000n, 2_000_000_000n, 4_000_000_000n];
      for (const [day, nano] of sales.entries()) {
        await settle(await open(2 * day), [energy(0, 1, 4_000, Number(nano / 4_000n))]);
      }
      // Days 0, 2, 4: the last is the current epoch, the one before it day 2, day 0 is free.
      expect(await call(market, "holdOf", 101)).to.equal(6_000_000_000n);
      expect(await account(101)).to.include({ heldBefore: 2_000n, held: 4_000n });
      await post([[101, 0n, 0n, 500n]], 0n, DAYS);
      expect(await account(101)).to.include({ heldBefore: 2_000n, held: 4_000n });
      await post([[101, 0n, 0n, 500n]], 0n, DAYS + 2n);
      expect(await account(101)).to.include({ heldBefore: 1_500n, held: 4_000n });
      await post([[101, 0n, 0n, 1n]], 0n, DAYS + 5n);
      expect(await account(101)).to.include({ heldBefore: 1_500n, held: 3_999n });
      await post([[101, 0n, 0n, 0xffffffffn]], 0n, DAYS + 3n);
      await post([[101, 0n, 0n, 0xffffffffn]], 0n, DAYS + 4n);
      expect(await account(101)).to.include({ heldBefore: 0n, held: 0n });
      expect(await call(market, "holdOf", 101)).to.equal(0n);
    });

    it("release what is held of an account that has not taken part since", async () => {
      await settle(await open(0), [energy(0, 1, 1_000, 1_000_000)]);
      const withoutAnybody = async (day: number): Promise<void> => {
        const frozen = await open(day);
        const payload = Payload.encode({ participants: [], systems: 0, reactiveVar: [], trades: [] }, 24);
        const signed = await sign(world, frozen, payload);
        await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
      };
      await withoutAnybody(2);
      expect(await call(market, "holdOf", 101)).to.equal(1_000_000_000n);
      // Of the current epoch nothing is held of it.
      await post([[101, 0n, 0n, 400n]], 0n, DAYS + 2n);
      expect(await call(market, "holdOf", 101)).to.equal(1_000_000_000n);
      await post([[101, 0n, 0n, 400n]], 0n, DAYS + 1n);
      expect(await call(market, "holdOf", 101)).to.equal(600_000_000n);
      // Two epochs later it is free, and nothing is taken out of it for the one between.
      await withoutAnybody(4);
      expect(await call(market, "holdOf", 101)).to.equal(0n);
      await post([[101, 0n, 0n, 400n]], 0n, DAYS + 3n);
      expect(await account(101)).to.include({ held: 600n });
    });

    it("the desk alone may owe grams, and no posting makes it owe more than 2^54", async () => {
      await post([[Onboarding.DESK_ID, 0n, -5n]], -5n);
      expect(await call(market, "totalGrams")).to.equal(2_999_995n);
      expect((await account(Onboarding.DESK_ID)).carbon).to.equal(-5n);
      expect(await refusal([[Onboarding.DESK_ID, 0n, -(2n ** 54n) + 4n]], -(2n ** 54n) + 4n)).to.deep.equal([
        ...["carbonOverflow", BigInt(Onboarding.DESK_ID)],
      ]);
      await post([[Onboarding.DESK_ID, 0n, 5n - 2n ** 54n]], 5n - 2n ** 54n);
      expect(await refusal([[Onboarding.OPERATOR_ID, 0n, -1n]], -1n)).to.deep.equal([
        ...["gramsBeyondFree", BigInt(Onboarding.OPERATOR_ID), 1n, 0n],
      ]);
      // The desk owes 2^54: as much again may be issued, and one account have it all.
      const total = (await call(market, "totalGrams")) as bigint;
      const most = 2n ** 54n - total;
      expect(await refusal([[101, 0n, most + 1n]], most + 1n)).to.deep.equal(["allowancesTooLarge", 2n ** 54n + 1n]);
      expect(await refusal([[101, 0n, 2n ** 55n - 1_000_000n]], 0n)).to.deep.equal(["carbonOverflow", 101n]);
      const largest = 2n ** 55n - 1_000_001n;
      expect(await refusal([[101, 0n, largest]], 0n)).to.deep.equal(["gramsNotConserved", largest, 0n]);
      // With a session open too.
      await open(0);
      expect(await refusal([[101, 0n, largest]], 0n)).to.deep.equal(["gramsNotConserved", largest, 0n]);
    });

    it("a deposit stays below 2^64 nano-dollars: depositOverflow", async () => {
      const provider = world.provider as JsonRpcApiProvider;
      let slot = 101n;
      while (BigInt(await provider.getStorage(world.deployment.market, slot)) === 0n) slot++;
      await provider.send("hardhat_setStorageAt", [market.target, toBeHex(slot), toBeHex(2n ** 64n - 2n, 32)]);
      const lines = (nano: bigint): Line[] => [
        [101, nano],
        [102, -nano],
      ];
      expect(await refusal(lines(2n))).to.deep.equal(["depositOverflow", 101n]);
      await post(lines(1n));
      // With a session open, whose locks are looked at, it is no other.
      await open(0);
      expect(await refusal(lines(1n))).to.deep.equal(["depositOverflow", 101n]);
      await post(lines(-1n));
      await post(lines(1n));
    });

    it("credits come in and go out one by one, and what a session may sell stays", async () => {
      await Chain.send(carbon, "moveGrams", 101, 500n);
      expect((await account(101)).carbon).to.equal(1_000_500n);
      await open(0);
      const out = async (grams: bigint) => refusalOf(market, call(carbon, "moveGrams", 101, -grams));
      expect(await out(600_501n)).to.deep.equal({ predicate: "gramsBeyondFree", detail: [101n, 600_501n, 600_500n] });
      await Chain.send(carbon, "moveGrams", 101, -600_500n);
      expect((await account(101)).carbon).to.equal(400_000n);
      expect(await call(market, "totalGrams")).to.equal(2_400_000n);
      const { predicate } = await refusalOf(market, call(carbon, "moveGrams", 102, 2n ** 54n - 2_399_999n));
      expect(predicate).to.equal("allowancesTooLarge");
    });

    it("the insurance fund is no prosumer's: it is paid in like any account, and stays while anything is held", async () => {
      const { registry } = world.contracts;
      const id = Ledger.INSURANCE_ID;
      const bogus = Grid.encode(lineGrid([101, id], 3));
      expect(await refused(registry, "addGridModel", bogus)).to.equal("gridModelProsumer");
      expect(await refused(market, "deposit", id, 1n)).to.equal("unknownAccount");
      const fund = wallet("wallet", id).connect(world.provider);
      await world.admin.sendTransaction({ to: fund.address, value: 10n ** 18n });
      await Onboarding.register(world.deployment, world.admin, [
        { id, wallet: fund.address, nodeKey: wallet("node", id), meterKey: wallet("meter", id) },
      ]);
      await Chain.send(world.contracts.token, "mint", await world.admin.getAddress(), 50_000_000n);
      await Chain.send(world.contracts.token, "approve", market.target, 50_000_000n);
      await Chain.send(market, "deposit", id, 50_000_000n);
      expect(await call(market, "free", id)).to.equal(50_000_000_000n);
      const frozen = await open(0);
      expect(await call(market, "free", id)).to.equal(0n);
      await settle(frozen, [energy(0, 1, 1, 1)]);
      await time().increaseTo(MIDNIGHT + DAY + METERING - 60);
      expect(await call(market, "free", id)).to.equal(0n);
      expect([...((await call(market, "debitable", id)) as bigint[])]).to.deep.equal([50_000_000_000n, 0n]);
      await post([
        [101, 1n],
        [id, -1n],
      ]);
      await time().increaseTo(MIDNIGHT + DAY + METERING);
      expect(await call(market, "free", id)).to.equal(49_999_999_999n);
    });

    it("are what the auditor's ledger follows, from the chain alone", async () => {
      await settle(await open(0), [energy(0, 1, 1_000, 1_000_000)]);
      await post(
        [
          [101, -5n, -3n, 700n],
          [102, 3n],
          [103, 2n],
        ],
        -3n,
      );
      await Chain.send(carbon, "moveGrams", 102, 44n);
      await settle(await open(2), [energy(0, 1, 1_000, 1_000_000)]);
      const { deployment, provider } = world;
      const { sessions, standing } = await audited(provider, deployment.market, deployment.block, {
        reference,
        posters: true,
      });
      expect(standing).to.deep.equal({ kind: "valid" });
      expect(sessions).to.have.lengthOf(2);
    });
  });
}
