/** What becomes of a settled session: readings in, imbalance charged, nobody beyond its connection. */
import { expect } from "chai";
import { id as hashOf, keccak256, type Wallet } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import { encodeReadings, type Row } from "../../offchain-solver/codec/readings.ts";
import { attempt } from "../../offchain-solver/codec/refusal.ts";
import * as Ledger from "../../offchain-solver/ledger/delivery.ts";
import { INSURANCE_ID } from "../../offchain-solver/ledger/posting.ts";
import type { Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { artifact } from "../support/artifacts.ts";
import { generator } from "../support/batches.ts";
import { as, held, owner, refused } from "../support/calls.ts";
import {
  connectHomes,
  connectionsAt,
  deliver,
  delivery,
  entryOf,
  HOME,
  NOBODY,
  NONE,
  positionWh,
  PRICES,
  readingsOf,
  rowOf,
  settleSession,
  type SettledSession,
  time,
} from "../support/delivered.ts";
import { wallet } from "../support/keys.ts";
import { createWorld, freeze, refusalOf, START, SYSTEM_IDS, type World } from "../support/world.ts";

const HOUR = 3_600;
const DAY = 86_400;
const [DESK, , UTILITY] = SYSTEM_IDS;
const FUND = INSURANCE_ID;
const WHY = hashOf("the network operator's register said otherwise");
const energy = (seller: number, buyer: number, period: number, quantity: number, price = 80_000): Trade => ({
  product: "energy",
  seller,
  buyer,
  period,
  quantity,
  price,
});
/** 101 sells 2 kWh and then 1 kWh to 102, 103 buys 1 kWh of 104 in the second hour. */
const TRADES = [energy(0, 1, 0, 2_000), energy(0, 1, 1, 1_000), energy(3, 2, 1, 1_000)];

/** The value of one period changed. */
const metered = (row: Row, t: number, change: Partial<Row["values"][number]>): Row => ({
  ...row,
  values: row.values.map((value, k) => (k === t ? { ...value, ...change } : value)),
});

for (const reference of [true, false]) {
  describe(`delivery, ${reference ? "plain" : "optimised"}`, () => {
    let world: World;
    let session: SettledSession;
    const balances = async (): Promise<Map<number, bigint>> => {
      const ids = [...world.ids, FUND, ...SYSTEM_IDS];
      return new Map(await Promise.all(ids.map(async (id) => [id, await held(world, id)] as const)));
    };
    /** What an action moves, account by account; the sum of all is checked to be nothing. */
    const movedBy = async (act: () => Promise<unknown>): Promise<Map<number, bigint>> => {
      const before = await balances();
      await act();
      const after = await balances();
      const moved = new Map([...after].map(([id, nano]) => [id, nano - (before.get(id) as bigint)]));
      expect([...moved.values()].reduce((a, b) => a + b)).to.equal(0n);
      return moved;
    };
    const until = (seconds: number) => time(world).increaseTo(seconds);
    const refusal = async (args: readonly unknown[]) => {
      const contract = delivery(world);
      return refusalOf(contract, contract.getFunction("deliver").staticCall(...args));
    };
    const start = async (dollars = 100): Promise<void> => {
      const mandate = (id: number) => (id < 1000 ? { maxSpendPerDay: 3_000_000n } : {});
      world = await createWorld({ prosumers: 4, dollars, grams: 1_000n, reference, mandate });
      await connectHomes(world);
      session = await settleSession(world, TRADES);
    };

    describe("what a session comes to", () => {
      beforeEach(() => start());

      it("moves nothing where everybody did as promised, and frees what was held at once", async () => {
        const { market } = world.contracts;
        await until(session.end + HOUR);
        expect(await market.holdOf(101)).to.equal(360_000_000n);
        const moved = await movedBy(() =>
          deliver(
            session,
            readingsOf(session, (row) => ({ ...row, released: 360 })),
          ),
        );
        expect([...moved.values()].every((nano) => nano === 0n)).to.equal(true);
        expect(await market.holdOf(101)).to.equal(0n);
      });

      it("charges what is short at the buy price, pays what is long at the sell price, and the utility is the other side", async () => {
        await until(session.end + HOUR);
        const readings = readingsOf(session, (row, k) => {
          if (k === 0) return metered(row, 0, { meteredWh: 1_500 });
          return k === 2 ? metered(row, 1, { meteredWh: -400 }) : row;
        });
        const moved = await movedBy(() => deliver(session, readings));
        // 500 Wh short at 0.11 $, 600 Wh not drawn at 0.03 $.
        expect(moved.get(101)).to.equal(-55_000_000n);
        expect(moved.get(103)).to.equal(18_000_000n);
        expect(moved.get(UTILITY)).to.equal(37_000_000n);
      });

      it("moves energy of reserve that was called, and penalises what was not delivered of it", async () => {
        await until(session.end + HOUR);
        const due = (row: Row, more: number): Row => {
          const { dueWh, meteredWh } = row.values[0];
          return metered(row, 0, { dueWh: dueWh + more, meteredWh: meteredWh + more });
        };
        // 101 gives 300 Wh for the error of 103; 200 W of what it had booked did not come.
        const readings = readingsOf(session, (row, k) => (k === 0 ? due(row, 300) : k === 2 ? due(row, -300) : row), {
          responses: [
            { row: 0, period: 0, calledWh: 300, undeliveredW: 200, price: 5_000 },
            { row: 2, period: 0, calledWh: -300, undeliveredW: 0, price: 0 },
          ],
        });
        const moved = await movedBy(() => deliver(session, readings));
        expect(moved.get(101)).to.equal(300n * 70_000n - 3n * 200n * 5_000n);
        expect(moved.get(103)).to.equal(-300n * 70_000n);
        expect(moved.get(FUND)).to.equal(3_000_000n);
        expect(moved.get(UTILITY)).to.equal(0n);
      });

      it("surrenders allowances for what was emitted, and buys of the desk what is lacking", async () => {
        await until(session.end + HOUR);
        const { market } = world.contracts;
        const before = (await market.account(DESK)).carbon;
        const all = await market.totalGrams();
        const readings = readingsOf(session, (row, k) => ({ ...row, emissionsG: [400, 1_700, 0, 0][k] }));
        const moved = await movedBy(() => deliver(session, readings));
        expect((await market.account(101)).carbon).to.equal(600n);
        expect((await market.account(102)).carbon).to.equal(0n);
        expect((await market.account(DESK)).carbon).to.equal(before - 700n);
        expect(all - (await market.totalGrams())).to.equal(2_100n);
        expect([moved.get(102), moved.get(DESK)]).to.deep.equal([-700n * 50_000n, 700n * 50_000n]);
      });

      it("threat: dead meter: nobody is charged before the values can come, then nothing is delivered that was sold", async () => {
        const dead = readingsOf(session, (row, k) =>
          k === 0 || k === 1 ? metered(row, 0, { meteredWh: 0, quality: 2 }) : row,
        );
        await until(session.end + HOUR);
        const early = await refusal(await entryOf(session, encodeReadings(dead)));
        expect(early).to.deep.equal({ predicate: "notMeasured", detail: [BigInt(session.end + 2 * DAY)] });
        let before = NONE;
        const first = await movedBy(async () => {
          before = await deliver(session, dead, { kind: "provisional" });
        });
        expect([...first.values()].every((nano) => nano === 0n)).to.equal(true);
        await until(session.end + 2 * DAY);
        const epoch = (await world.contracts.registry.committee()).epoch;
        const last = await movedBy(() => deliver(session, dead, { before, epoch }));
        // 2 kWh sold are not delivered; who bought has taken them.
        expect(last.get(101)).to.equal(-220_000_000n);
        expect(last.get(102)).to.equal(0n);
      });

      it("threat: late file: a provisional entry, then the last value, which moves the difference alone", async () => {
        await until(session.end + HOUR);
        const guess = readingsOf(session, (row, k) =>
          k === 0 ? metered(row, 0, { meteredWh: 1_800, quality: 1 }) : row,
        );
        let before = NONE;
        const first = await movedBy(async () => {
          before = await deliver(session, guess, { kind: "provisional" });
        });
        expect(first.get(101)).to.equal(-22_000_000n);
        const read = readingsOf(session, (row, k) => (k === 0 ? metered(row, 0, { meteredWh: 1_700 }) : row));
        const second = await movedBy(() => deliver(session, read, { before }));
        expect(second.get(101)).to.equal(-11_000_000n);
      });

      it("threat: corrected file: a new entry with a reason moves the difference, whoever's seat has changed since", async () => {
        await until(session.end + HOUR);
        const wrong = readingsOf(session, (row, k) => (k === 0 ? metered(row, 1, { meteredWh: 600 }) : row));
        const before = await deliver(session, wrong);
        await until(session.end + 90 * DAY);
        const right = readingsOf(session, (row, k) => (k === 0 ? metered(row, 1, { meteredWh: 900 }) : row));
        const epoch = (await world.contracts.registry.committee()).epoch;
        const options = { kind: "correction", before, epoch } as const;
        const without = await refusal(await entryOf(session, encodeReadings(right), options));
        expect(without.predicate).to.equal("reasonMissing");
        const moved = await movedBy(() => deliver(session, right, { ...options, reason: WHY }));
        expect(moved.get(101)).to.equal(33_000_000n);
        expect((await delivery(world).delivered(session.sequence)).getValue("entries")).to.equal(2n);
      });

      it("counts an entry's rows as those of the entry before", async () => {
        await until(session.end + HOUR);
        const before = await deliver(session, readingsOf(session), { kind: "provisional" });
        const fewer = { ...readingsOf(session), rows: readingsOf(session).rows.slice(1) };
        expect(await refusal(await entryOf(session, encodeReadings(fewer), { before }))).to.deep.equal({
          predicate: "rowsChanged",
          detail: [3n],
        });
      });
    });

    describe("who attests, and when", () => {
      beforeEach(() => start());
      const bytes = () => encodeReadings(readingsOf(session));

      it("threat: a quorum less one: no entry", async () => {
        await until(session.end + HOUR);
        const few = await refusal(await entryOf(session, bytes(), { bits: [0, 1, 2] }));
        expect(few.predicate).to.equal("quorumNotReached");
      });

      it("threat: replay of readings over session, chain, contract, committee, kind and number of the entry", async () => {
        await until(session.end + HOUR);
        const other = `0x${"77".repeat(32)}`;
        const cases = [
          { signed: { batch: other } },
          { signed: { epoch: 99 } },
          { signed: { entry: 2 } },
          { signed: { previous: other } },
          { signed: { kind: 1 } },
          { signed: { readings: other } },
          { signed: { meters: other } },
          { signed: { reason: other } },
          { domain: { chainId: 1n } },
          { domain: { verifyingContract: world.deployment.market } },
        ];
        for (const one of cases) {
          // Of what is signed only: the call is the right one.
          const posted = { kind: 2, meters: `0x${"0".repeat(64)}`, reason: `0x${"0".repeat(64)}` };
          const { predicate } = await refusal(await entryOf(session, bytes(), { ...one, posted }));
          expect(predicate, JSON.stringify(Object.keys(one))).to.equal("badSignature");
        }
        const before = await deliver(session, readingsOf(session), { kind: "provisional" });
        // Signed for the first entry, sent as the second; then as what follows something else.
        const connections = await connectionsAt(world);
        const first = { kind: "provisional", posted: { connections } } as const;
        const [posting, readings, , signers, signatures] = await entryOf(session, bytes(), first);
        expect((await refusal([posting, readings, bytes(), signers, signatures])).predicate).to.equal("badSignature");
        const [second, , , ...attested] = await entryOf(session, bytes(), { before });
        const another = encodeReadings(readingsOf(session, (row) => ({ ...row, released: 1 })));
        expect((await refusal([second, bytes(), another, ...attested])).predicate).to.equal("notPrevious");
        // Once it is anchored nobody starts over, whatever is named as what came before.
        const over = await entryOf(session, bytes(), { before, posted: { connections: NOBODY } });
        expect((await refusal(over)).predicate).to.equal("noConnection");
      });

      it("takes no batch that did not settle, and no other terms than its own", async () => {
        await until(session.end + HOUR);
        for (const posted of [
          { bundle: `0x${"11".repeat(32)}` },
          { payload: `0x${"11".repeat(32)}` },
          { terms: { ...session.terms, periodSeconds: 900 } },
        ]) {
          const { predicate } = await refusal(await entryOf(session, bytes(), { posted }));
          expect(predicate).to.equal("unknownBatch");
        }
      });

      it("has kinds in their order and in their time", async () => {
        const as_ = async (kind: "provisional" | "final" | "correction", before = NONE, reason?: string) => {
          const epoch = (await world.contracts.registry.committee()).epoch;
          const args = await entryOf(session, bytes(), { kind, before, epoch, ...(reason && { reason }) });
          return refusal(args);
        };
        await until(session.end + HOUR - 2);
        expect(await as_("final")).to.deep.equal({
          predicate: "deliveryTooEarly",
          detail: [BigInt(session.end + HOUR)],
        });
        await until(session.end + HOUR);
        expect((await as_("correction", NONE, WHY)).predicate).to.equal("kindOutOfOrder");
        expect((await as_("final", NONE, WHY)).predicate).to.equal("reasonUnexpected");
        let before = NONE;
        for (let k = 0; k < 4; k++)
          before = await deliver(session, readingsOf(session), { kind: "provisional", before });
        expect(await as_("provisional", before)).to.deep.equal({ predicate: "tooManyEntries", detail: [4n] });
        before = await deliver(session, readingsOf(session), { before });
        expect((await as_("final", before)).predicate).to.equal("kindOutOfOrder");
        expect((await as_("provisional", before)).predicate).to.equal("kindOutOfOrder");
        for (let k = 0; k < 3; k++)
          before = await deliver(session, readingsOf(session), { kind: "correction", reason: WHY, before });
        expect(await as_("correction", before, WHY)).to.deep.equal({ predicate: "tooManyEntries", detail: [8n] });
      });

      it("ends when corrections end", async () => {
        await until(session.end + 400 * DAY + 1);
        expect(await refusal(await entryOf(session, bytes()))).to.deep.equal({
          predicate: "deliveryTooLate",
          detail: [BigInt(session.end + 400 * DAY)],
        });
      });

      it("keeps a batch for corrections when the market has forgotten it", async () => {
        await until(session.end + HOUR);
        const before = await deliver(session, readingsOf(session), { kind: "provisional" });
        const first = session;
        for (let k = 0; k < 64; k++) {
          const at = START + 8 * HOUR + k * HOUR;
          await settleSession(world, [energy(0, 1, 0, 10)], 1, { start: at });
        }
        expect(await refused(world.contracts.market, "batchAt", first.sequence)).to.equal("batchNotKept");
        const epoch = (await world.contracts.registry.committee()).epoch;
        await until(first.end + 4 * DAY);
        const read = readingsOf(first, (row, k) => (k === 0 ? metered(row, 0, { meteredWh: 1_900 }) : row));
        const moved = await movedBy(() => deliver(first, read, { before, epoch }));
        expect(moved.get(101)).to.equal(-11_000_000n);
      });
    });

    describe("what is refused of readings", () => {
      beforeEach(() => start());

      it("threat: over-reporting meter: no more than its connection, to the last Wh", async () => {
        await until(session.end + HOUR);
        const at = (change: Partial<Row["values"][number]>) =>
          encodeReadings(readingsOf(session, (row, k) => (k === 2 ? metered(row, 1, change) : row)));
        for (const change of [{ meteredWh: HOME.feedW }, { meteredWh: -HOME.takeW }, { renewableWh: HOME.renewableW }])
          await delivery(world)
            .getFunction("deliver")
            .staticCall(...(await entryOf(session, at(change))));
        const beyond = async (change: Partial<Row["values"][number]>) => refusal(await entryOf(session, at(change)));
        const detail = [103n, 1n];
        expect(await beyond({ meteredWh: HOME.feedW + 1 })).to.deep.equal({
          predicate: "meteredBeyondConnection",
          detail,
        });
        expect(await beyond({ meteredWh: -HOME.takeW - 1 })).to.deep.equal({
          predicate: "meteredBeyondConnection",
          detail,
        });
        expect(await beyond({ renewableWh: HOME.renewableW + 1 })).to.deep.equal({
          predicate: "renewableBeyondConnection",
          detail,
        });
        expect(await beyond({ quality: 3 })).to.deep.equal({ predicate: "unknownQuality", detail });
        expect(await beyond({ quality: 2, meteredWh: 1 })).to.deep.equal({ predicate: "missingWithEnergy", detail });
        const emitted = encodeReadings(readingsOf(session, (row) => ({ ...row, emissionsG: 2 * 2 * 13_000 + 1 })));
        expect((await refusal(await entryOf(session, emitted))).predicate).to.equal("emissionsBeyondConnection");
      });

      it("is named: length, order, who has no connection, responses", async () => {
        await until(session.end + HOUR);
        const of = async (bytes: Uint8Array) => (await refusal(await entryOf(session, bytes))).predicate;
        const good = readingsOf(session);
        const bytes = encodeReadings(good);
        expect(await of(bytes.slice(0, 4))).to.equal("readingsLength");
        expect(await of(bytes.slice(0, -1))).to.equal("readingsLength");
        expect(await of(Uint8Array.from([...bytes, 0]))).to.equal("readingsLength");
        const turned = { ...good, rows: [good.rows[1], good.rows[0]] };
        expect(await of(encodeReadings(turned))).to.equal("rowsNotAscending");
        const stranger = { ...good, rows: [{ ...good.rows[0], id: 99 }] };
        expect(await of(encodeReadings(stranger))).to.equal("noConnection");
        const response = { row: 1, period: 0, calledWh: 0, undeliveredW: 0, price: 0 };
        const answered = (...responses: (typeof response)[]) => of(encodeReadings({ ...good, responses }));
        expect(await answered(response, response)).to.equal("responsesNotAscending");
        expect(await answered({ ...response, row: 4 })).to.equal("unknownReading");
        expect(await answered({ ...response, period: 2 })).to.equal("unknownReading");
      });
    });

    describe("what a connection is", () => {
      beforeEach(() => start());
      const register = async (changes: object, key = 101, sender = world.admin) => {
        const contract = as(delivery(world), sender);
        const one = { prosumer: 101, ...HOME, nonce: 2n, ...changes };
        const digest = await contract.connectionDigest(one);
        const signature = (world.wallets.get(key) as Wallet).signingKey.sign(digest).serialized;
        return refusalOf(contract, contract.getFunction("registerConnections").staticCall([one], [signature]));
      };

      it("has windows in their order", async () => {
        const { authority, market, registry } = world.deployment;
        const code = artifact(reference ? "ReferenceDelivery" : "Delivery");
        for (const change of [{ grace: 3 * DAY }, { metering: 500 * DAY }]) {
          const windows = { ...Chain.DELIVERY_WINDOWS, ...change };
          const attempt_ = Chain.deployCompiled(world.admin, code, authority, market, registry, windows);
          expect((await refusalOf(delivery(world), attempt_)).predicate).to.equal("windowsOutOfOrder");
        }
        expect((await delivery(world).windows()).multiple).to.equal(3n);
      });

      it("neither the operator nor a wallet widens alone, nor brings an old one back", async () => {
        expect((await register({}, 102)).predicate).to.equal("connectionBadSignature");
        expect((await register({ prosumer: 999 })).predicate).to.equal("connectionBadSignature");
        expect((await register({ prosumer: FUND })).predicate).to.equal("connectionOfSystem");
        expect((await register({ nonce: 1n })).predicate).to.equal("connectionNonce");
        const home = await owner(world, 101);
        expect((await register({}, 101, home as never)).predicate).to.equal("accessManagedUnauthorized");
        const contract = delivery(world);
        const one = { prosumer: 101, ...HOME, nonce: 2n };
        expect(await refused(contract, "registerConnections", [one], [])).to.equal("lengthsDiffer");
        const twice = [one, one];
        const signature = (world.wallets.get(101) as Wallet).signingKey.sign(await contract.connectionDigest(one));
        const both = [signature.serialized, signature.serialized];
        expect(await refused(contract, "registerConnections", twice, both)).to.equal("connectionsNotAscending");
      });

      it("that is narrowed later does not unsettle what was entered before", async () => {
        await until(session.end + HOUR);
        const much = readingsOf(session, (row, k) => (k === 0 ? metered(row, 0, { meteredWh: 4_900 }) : row));
        const before = await deliver(session, much, { kind: "provisional" });
        const connections = (await entryOf(session, encodeReadings(much), { before }))[0].connections;
        await connectHomes(world, () => ({ feedW: 10, takeW: 10 }), 2n);
        expect((await delivery(world).connectionOf(101)).feedW).to.equal(10n);
        const options = { before, posted: { connections } };
        await Chain.send(
          delivery(world),
          "deliver",
          ...(await entryOf(session, encodeReadings(much), { ...options, kind: "final" })),
        );
        expect((await delivery(world).delivered(session.sequence)).kind).to.equal(2n);
      });
    });

    describe("who cannot pay", () => {
      it("threat: insolvent prosumer: the day is entered, the fund bears what it can, receivers the rest, arrears are collected", async () => {
        await start(4);
        const { market } = world.contracts;
        const admin = as(market, world.admin);
        const keys = { nodeKey: wallet("node", FUND), meterKey: wallet("meter", FUND) };
        await Onboarding.register(world.deployment, world.admin, [{ id: FUND, wallet: keys.nodeKey.address, ...keys }]);
        await Chain.send(world.contracts.token, "approve", world.deployment.market, 10n ** 12n);
        await Chain.send(world.contracts.token, "mint", await world.admin.getAddress(), 10n ** 12n);
        // 101 leaves with what is not held; the fund has half a dollar, the utility what was deposited.
        const leaving = await owner(world, 101);
        const free = (await market.free(101)) / 1000n;
        await Chain.send(as(market, leaving), "requestWithdrawal", 101, free);
        await Chain.send(admin, "deposit", FUND, 100_000n);
        await until(session.end + HOUR);
        const left = await held(world, 101);
        const readings = readingsOf(session, (row, k) => {
          if (k === 0) return metered(metered(row, 0, { meteredWh: -8_000 }), 1, { meteredWh: -8_000 });
          return k === 2 ? metered(row, 1, { meteredWh: 5_000 }) : row;
        });
        const due = { debit: 19_000n * 110_000n, credit: 6_000n * 30_000n };
        const moved = await movedBy(() => deliver(session, readings));
        expect(moved.get(101)).to.equal(-left);
        expect(moved.get(FUND)).to.equal(-100_000_000n);
        const shortfall = due.debit - left - 100_000_000n;
        const utility = due.debit - due.credit;
        const cut = (credit: bigint): number => Number(shortfall) * (Number(credit) / Number(due.debit));
        const lost = due.credit - (moved.get(103) as bigint);
        expect(Math.abs(Number(lost) - cut(due.credit))).to.be.at.most(1);
        expect(Math.abs(Number(utility - (moved.get(UTILITY) as bigint)) - cut(utility))).to.be.at.most(1);
        expect(await delivery(world).arrearsOf(101)).to.equal(due.debit - left);
        expect(await refused(delivery(world), "collect", 102)).to.equal("noArrears");
        await Chain.send(admin, "deposit", 101, 200_000n);
        const back = await movedBy(() => Chain.send(delivery(world), "collect", 101));
        expect([back.get(101), back.get(FUND)]).to.deep.equal([-200_000_000n, 200_000_000n]);
        expect(await delivery(world).arrearsOf(101)).to.equal(due.debit - left - 200_000_000n);
      });

      it("threat: a colluding quorum on metering: an account loses what its connection says and no more, never what is locked", async () => {
        await start(100);
        const most = (await delivery(world).mostCharge(101, HOUR, 2)) as bigint;
        expect(most).to.equal(2n * 13_000n * 400_000n);
        await until(session.end + HOUR);
        // At prices of 8 $ a kWh, all of it drawn, reserve undelivered without end, emissions at their bound.
        const prices = [0, 1].map(() => ({ shortPrice: 0x7fffff, longPrice: 0x7fffff, responsePrice: 0x7fffff }));
        const responses = [{ row: 0, period: 0, calledWh: -(2 ** 31), undeliveredW: 2 ** 32 - 1, price: 0xffffff }];
        const worst = readingsOf(
          session,
          (row, k) => {
            if (k !== 0) return metered(row, 0, { meteredWh: HOME.feedW });
            const drained = metered(metered(row, 0, { meteredWh: -8_000 }), 1, { meteredWh: -8_000 });
            return { ...drained, emissionsG: 52_000 };
          },
          { prices, responses, allowancePrice: 0xffffff },
        );
        const moved = await movedBy(() => deliver(session, worst));
        expect(moved.get(101)).to.equal(-most);
        for (const id of [102, 103, 104]) expect((moved.get(id) as bigint) <= most).to.equal(true);
        // Another day's session is open: what it may spend is out of reach.
        await start(11);
        const open = { ...session };
        await until(open.end + HOUR);
        await freeze(world, 2, { start: START + 5 * HOUR, imbalancePrice: 120_000 });
        const lock = (await world.contracts.market.lockOf(101)) as bigint;
        expect(lock > 0n).to.equal(true);
        await deliver(open, worst);
        expect((await held(world, 101)) >= lock).to.equal(true);
      });
    });

    describe("what the rows give", () => {
      beforeEach(() => start());

      it("says on demand whether what was due is the batch's", async () => {
        await until(session.end + HOUR);
        const lie = readingsOf(session, (row, k) => (k === 0 ? metered(row, 0, { dueWh: 2_001 }) : row));
        const first = await deliver(session, lie);
        const check = async (entered: typeof first) => {
          const [posting] = await entryOf(session, entered.readings, { before: entered });
          return [posting, session.payload, entered.readings] as const;
        };
        expect(
          await delivery(world)
            .getFunction("checkDue")
            .staticCall(...(await check(first))),
        ).to.equal(false);
        await Chain.send(delivery(world), "checkDue", ...(await check(first)));
        await time(world).increase(DAY);
        const claim = await rowOf(session, first, 0);
        expect(await refused(delivery(world), "creditable", ...claim)).to.equal("dueWrong");
        const right = await deliver(session, readingsOf(session), { kind: "correction", before: first, reason: WHY });
        expect(
          await delivery(world)
            .getFunction("checkDue")
            .staticCall(...(await check(right))),
        ).to.equal(true);
        expect(await refused(delivery(world), "checkDue", ...(await check(first)))).to.equal("notPrevious");
        const [posting, , readings] = await check(right);
        const other = Uint8Array.from([...session.payload, 0]);
        expect(await refused(delivery(world), "checkDue", posting, other, readings)).to.equal("unknownBatch");
      });

      it("a wallet can object to within the dispute time", async () => {
        await until(session.end + HOUR);
        const guess = readingsOf(session, (row) => ({ ...row, released: 1 }));
        const entered = await deliver(session, guess, { kind: "provisional" });
        const contract = delivery(world);
        const mine = as(contract, await owner(world, 102));
        expect(await refused(contract, "creditable", ...(await rowOf(session, entered, 1)))).to.equal("notFinal");
        const last = await deliver(session, readingsOf(session), { before: entered });
        const row = await rowOf(session, last, 1);
        expect(await refused(contract, "contest", ...row)).to.equal("notWalletOf");
        expect(await refused(mine, "contest", ...(await rowOf(session, entered, 1)))).to.equal("notPrevious");
        const [sequence, committed, , proof] = row;
        expect(await refused(mine, "contest", sequence, committed, keccak256("0x"), proof)).to.equal("notInTree");
        expect(await refused(mine, "contest", sequence + 1, committed, row[2], proof)).to.equal("notDelivered");
        await Chain.send(mine, "contest", ...row);
        expect(await refused(mine, "contest", ...row)).to.equal("alreadyContested");
        await time(world).increase(DAY + 10);
        expect(await refused(contract, "creditable", ...row)).to.equal("creditsTooEarly");
        await time(world).increase(DAY);
        await contract.getFunction("creditable").staticCall(...row);
        expect(
          await refused(as(contract, await owner(world, 101)), "contest", ...(await rowOf(session, last, 0))),
        ).to.equal("contestTooLate");
      });
    });

    it("is what the ledger in TypeScript says, entry by entry", async () => {
      await start(6);
      await until(session.end + HOUR);
      const random = generator(2_121);
      const connections = new Map(world.ids.map((id) => [id, HOME]));
      let before = NONE;
      let last: Ledger.Bill | undefined;
      const kinds = ["provisional", "provisional", "final", "correction", "correction"] as const;
      for (const [n, kind] of kinds.entries()) {
        const readings = readingsOf(
          session,
          (row, k) => ({
            ...row,
            released: random(400),
            emissionsG: random(2) * random(3_000),
            values: row.values.map(({ dueWh }) => {
              const quality = kind === "final" ? 0 : random(3);
              const meteredWh = quality === 2 ? 0 : random(13_000) - 8_000;
              return { dueWh, meteredWh, quality, renewableWh: quality === 2 ? 0 : random(6_000) };
            }),
            id: world.ids[k],
          }),
          { responses: [{ row: 1, period: 1, calledWh: random(900) - 450, undeliveredW: random(500), price: 9_000 }] },
        );
        const basis = { periods: 2, periodSeconds: HOUR, closed: Ledger.closedBy(kind), multiple: 3, connections };
        const bill = attempt(() => Ledger.bill(readings, basis)) as Ledger.Bill;
        const was = n === 0 ? "none" : kinds[n - 1];
        const moves = last === undefined ? bill : Ledger.subtract(bill, last, was);
        last = bill;
        const can = new Map<number, { nano: bigint; grams: bigint }>();
        for (const id of [...world.ids, FUND, DESK, UTILITY]) {
          const [nano, grams] = await world.contracts.market.debitable(id);
          can.set(id, { nano, grams });
        }
        const entered = Ledger.enter(moves, kind, (id) => can.get(id) as { nano: bigint; grams: bigint });
        const moved = await movedBy(async () => {
          before = await deliver(session, readings, { kind, before, ...(kind === "correction" && { reason: WHY }) });
        });
        for (const { id, nano } of entered.entries) expect(moved.get(id), `entry ${n}, ${id}`).to.equal(nano);
        expect(await delivery(world).commitment(session.sequence)).to.equal(before.commitment);
      }
      expect(positionWh(session, 0, 0)).to.equal(2_000);
      expect(PRICES.shortPrice).to.equal(110_000);
    });
  });
}
