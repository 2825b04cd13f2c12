/** What is refused of readings, what a connection is, who cannot pay, and what follows from a row. */
import { expect } from "chai";
import { keccak256, type Wallet } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Owner from "../../offchain-solver/chain/wallet.ts";
import { encodeReadings, type Row } from "../../offchain-solver/codec/readings.ts";
import { INSURANCE_ID as FUND } from "../../offchain-solver/ledger/posting.ts";
import { artifact } from "../support/artifacts.ts";
import { as, held, owner, refused } from "../support/calls.ts";
import {
  connectHomes,
  deliver,
  delivery,
  entryOf,
  HOME,
  metered,
  movedBy,
  PRICES,
  readingsOf,
  registerFund,
  rowOf,
  settleSession,
  type SettledSession,
  time,
} from "../support/delivered.ts";
import { wallet } from "../support/keys.ts";
import { DAY, HOUR, type Traded, tradedSession, WHY } from "../support/tradedSession.ts";
import { AS_RELEASED, freeze, refusalOf, START, SYSTEM_IDS, type World } from "../support/world.ts";

const UTILITY = SYSTEM_IDS[2];

for (const reference of [true, false]) {
  describe(`bounds of a delivery, ${reference ? "plain" : "optimised"}`, () => {
    let world: World;
    let session: SettledSession;
    let until: Traded["until"];
    let refusal: Traded["refusal"];
    const start = async (dollars = 100): Promise<void> => {
      ({ world, session, until, refusal } = await tradedSession(reference, dollars));
    };

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

      it("is a price out of order, or dearer than the session was frozen with, in any period", async () => {
        await until(session.end + HOUR);
        const most = Number(session.terms.imbalancePrice);
        const at = async (change: Partial<typeof PRICES>) => {
          const prices = [PRICES, { ...PRICES, ...change }];
          return entryOf(session, encodeReadings(readingsOf(session, (row) => row, { prices })));
        };
        for (const change of [{ shortPrice: most }, { responsePrice: PRICES.longPrice }, { longPrice: -1 }]) {
          await delivery(world)
            .getFunction("deliver")
            .staticCall(...(await at(change)));
        }
        for (const responsePrice of [PRICES.longPrice - 1, PRICES.shortPrice + 1, -1]) {
          const refused_ = await refusal(await at({ responsePrice }));
          expect(refused_).to.deep.equal({ predicate: "pricesOutOfOrder", detail: [1n] });
        }
        expect(await refusal(await at({ shortPrice: most + 1 }))).to.deep.equal({
          predicate: "priceBeyondTerms",
          detail: [1n],
        });
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

      it("threat: a connection that a seller leaves behind: whoever takes the account over narrows it", async () => {
        const [contract, most] = [delivery(world), 1n + 2n ** 32n];
        for (const nonce of [2n ** 64n - 1n, most + 1n])
          expect((await register({ nonce })).predicate).to.equal("connectionNonce");
        const signed = async (by: Wallet, changes: object) => {
          const one = { prosumer: 101, ...HOME, ...changes };
          const signature = by.signingKey.sign(await contract.connectionDigest(one)).serialized;
          return Chain.send(contract, "registerConnections", [one], [signature]);
        };
        await signed(world.wallets.get(101) as Wallet, { maxPrice: 2 ** 32 - 1, nonce: most });
        const taker = wallet("taker", 101);
        await Chain.send(as(world.contracts.registry, await owner(world, 101)), "rotateWallet", 101, taker.address);
        await signed(taker, { feedW: 10, nonce: most + 1n });
        const { feedW, maxPrice } = await contract.connectionOf(101);
        expect([feedW, maxPrice]).to.deep.equal([10n, BigInt(HOME.maxPrice)]);
      });

      describe("that ends", () => {
        const trade = { product: "energy", seller: 2, buyer: 3, period: 0, quantity: 1_000, price: 80_000 } as const;
        const unsent = { prosumer: 101, ...HOME, nonce: 2n };
        /** Sends it, signed by the wallet; or why not. */
        const sending = async (one: typeof unsent): Promise<unknown> => {
          const contract = delivery(world);
          const key = world.wallets.get(one.prosumer) as Wallet;
          const signature = key.signingKey.sign(await contract.connectionDigest(one)).serialized;
          const why = await refusalOf(
            contract,
            contract.getFunction("registerConnections").staticCall([one], [signature]),
          ).catch(() => undefined);
          return why?.predicate ?? Chain.send(contract, "registerConnections", [one], [signature]);
        };
        const end = async (id: number) => Chain.send(as(delivery(world), await owner(world, id)), "endConnection", id);
        const endsFrom = async (k: number) => Number((await delivery(world).endings(k)).from);
        const refusedRow = async (one: SettledSession) => refusal(await entryOf(one, encodeReadings(readingsOf(one))));
        const without101 = (one: SettledSession) => {
          const readings = readingsOf(one);
          return encodeReadings({ ...readings, rows: readings.rows.filter(({ id }) => id !== 101) });
        };

        it("threat: a connection that its wallet ends: no entry of a session that begins more than two days later has its row", async () => {
          expect(await refused(as(delivery(world), await owner(world, 102)), "endConnection", 101)).to.equal(
            "notWalletOf",
          );
          await end(101);
          const from = await endsFrom(0);
          expect(from).to.equal((await time(world).latest()) + 2 * DAY + 1);
          // Again it changes nothing but what could still be sent.
          await end(101);
          expect([await endsFrom(0), await endsFrom(1)]).to.deep.equal([from, 0]);
          expect(await sending(unsent)).to.equal("connectionNonce");
          // The session that it took part in is charged all the same, long after.
          await until(from + HOUR);
          const short = readingsOf(session, (row, k) => (k === 0 ? metered(row, 0, { meteredWh: 1_000 }) : row));
          expect((await movedBy(world, () => deliver(session, short))).get(101)).to.equal(-110_000_000n);
          const next = await settleSession(world, [trade]);
          expect(Number(next.terms.start)).to.be.at.least(from);
          await until(next.end + HOUR);
          expect(await refusedRow(next)).to.deep.equal({ predicate: "noConnection", detail: [101n] });
          const first = await deliver(next, without101(next), { kind: "provisional" });
          // Another one counts from when it is registered on: what began before stays as it was, entered or not.
          const between = await settleSession(world, [trade]);
          await until(Number(between.terms.start) + HOUR);
          await sending({ ...unsent, nonce: 2n + 2n ** 33n });
          const log = (await delivery(world).queryFilter(delivery(world).filters.DeliveryEntered(next.sequence), 0))[0];
          const { connections } = delivery(world).interface.parseLog(log)!.args.committed;
          const final = await entryOf(next, without101(next), { before: first, posted: { connections } });
          await Chain.send(delivery(world), "deliver", ...final);
          await until(between.end + HOUR);
          expect((await refusedRow(between)).predicate).to.equal("noConnection");
          await deliver(between, without101(between));
          const last = await settleSession(world, [trade]);
          await until(last.end + HOUR);
          await deliver(last, readingsOf(last));
          // Ended once more, it is the first time that what lay between does not come back.
          await end(101);
          expect((await delivery(world).endings(1)).id).to.equal(101n);
        });

        it("of an account that has none yet: what it had signed of one is void", async () => {
          const keys = { nodeKey: wallet("node", 777), meterKey: wallet("meter", 777) };
          const home = wallet("wallet", 777);
          (world.wallets as Map<number, Wallet>).set(777, home);
          await Onboarding.register(world.deployment, world.admin, [{ id: 777, wallet: home.address, ...keys }]);
          const data = delivery(world).interface.encodeFunctionData("endConnection", [777]);
          const signer = await owner(world, 777);
          await (await signer.sendTransaction({ to: await delivery(world).getAddress(), data })).wait();
          expect(await sending({ ...unsent, prosumer: 777, nonce: 1n })).to.equal("connectionNonce");
        });

        it("threat: wallets that end their connections one after another: an entry costs some more, and is made", async () => {
          await until(session.end + HOUR);
          const before = await deliver(session, readingsOf(session), { kind: "provisional" });
          for (const id of [102, 103, 104]) await end(id);
          await until(session.end + 3 * DAY);
          const after = await deliver(session, readingsOf(session), { before });
          // Of a session that began before none is taken out: the list is read, and that is all.
          if (AS_RELEASED) expect(after.gas - before.gas).to.be.below(100_000n);
        });
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
      /** 101 leaves with what is not held, and draws much; the fund has `nano`, the utility what was deposited. */
      const insolvent = async (nano: bigint) => {
        await start(4);
        const { market } = world.contracts;
        const admin = as(market, world.admin);
        await registerFund(world, nano);
        const leaving = await owner(world, 101);
        const free = (await market.free(101)) / 1000n;
        await Chain.send(as(market, leaving), "requestWithdrawal", 101, free);
        await until(session.end + HOUR);
        const left = await held(world, 101);
        const readings = readingsOf(session, (row, k) => {
          if (k === 0) return metered(metered(row, 0, { meteredWh: -8_000 }), 1, { meteredWh: -8_000 });
          return k === 2 ? metered(row, 1, { meteredWh: 5_000 }) : row;
        });
        const due = { debit: 19_000n * 110_000n, credit: 6_000n * 30_000n };
        return { admin, left, due, moved: await movedBy(world, () => deliver(session, readings)) };
      };

      it("threat: insolvent prosumer: the day is entered, the fund bears what it can, receivers the rest, arrears are collected", async () => {
        const { admin, left, due, moved } = await insolvent(100_000_000n);
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
        const owed = async () => (await Owner.readAccount(world.deployment, world.provider, 101)).arrears;
        expect(await owed()).to.equal(due.debit - left);
        await Chain.send(admin, "deposit", 101, 200_000n);
        const back = await movedBy(world, () => Owner.collect(world.deployment, world.admin, 101));
        expect(await owed()).to.equal(due.debit - left - 200_000_000n);
        expect([back.get(101), back.get(FUND)]).to.deep.equal([-200_000_000n, 200_000_000n]);
        expect(await delivery(world).arrearsOf(101)).to.equal(due.debit - left - 200_000_000n);
      });

      it("owes what it could not pay, whoever has borne it: the fund alone, or receivers alone", async () => {
        for (const fund of [0n, 10_000_000_000n]) {
          const { left, due, moved } = await insolvent(fund);
          const shortfall = due.debit - left;
          expect(await delivery(world).arrearsOf(101)).to.equal(shortfall);
          expect(moved.get(FUND) ?? 0n).to.equal(fund === 0n ? 0n : -shortfall);
          const received = (moved.get(103) as bigint) + (moved.get(UTILITY) as bigint);
          expect(received).to.equal(fund === 0n ? left : due.debit);
        }
      });

      it("threat: a colluding quorum on metering: an account loses what its connection says and no more, never what is locked", async () => {
        await start(100);
        const most = (await delivery(world).mostCharge(101, HOUR, 2)) as bigint;
        expect(most).to.equal(2n * 13_000n * 400_000n);
        await until(session.end + HOUR);
        // At the dearest prices of the terms, all drawn, reserve undelivered without end, emissions at their bound.
        const prices = [0, 1].map(() => ({ shortPrice: 120_000, longPrice: 120_000, responsePrice: 120_000 }));
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
        const moved = await movedBy(world, () => deliver(session, worst));
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
        const [early, bytes] = await entryOf(session, encodeReadings(lie));
        expect(await refused(delivery(world), "checkDue", early, session.payload, bytes)).to.equal("notDelivered");
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
  });
}
