/** Random postings in both markets and in the ledger: the same accounts, or the same refusal. */
import { expect } from "chai";
import { concat, dataSlice, type JsonRpcApiProvider, toBeHex } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import { encodeEntries } from "../../offchain-solver/codec/entries.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import * as Ledger from "../../offchain-solver/ledger/posting.ts";
import type { Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { generator } from "../support/batches.ts";
import { as, call } from "../support/calls.ts";
import {
  BUNDLE,
  createWorld,
  DELIVERY,
  freeze,
  refusalOf,
  sign,
  START,
  SYSTEM_IDS,
  type World,
} from "../support/world.ts";

const DAY = 86_400;
const MIDNIGHT = START - (START % (2 * DAY)) + 2 * DAY;
const DAYS = BigInt(MIDNIGHT / DAY);
const RUNS = 150;

describe(`plain market, optimised market and TypeScript ledger on ${RUNS} random postings`, function () {
  this.timeout(300_000);
  const worlds: World[] = [];
  const ids = [101, 102, 103, Ledger.INSURANCE_ID, ...SYSTEM_IDS];
  let books: Ledger.Books;

  before(async () => {
    for (const reference of [true, false]) {
      const mandate = (id: number) => (id < 1000 ? { maxSpendPerDay: 900_000n, maxCarbonG: 700n } : {});
      const options = { prosumers: 3, dollars: 1, grams: 1_000n, reference, mandate, posters: true };
      const world = await createWorld({ ...options, clock: MIDNIGHT - 4 * DAY });
      worlds.push(world);
      for (const day of [0, 2]) {
        const start = MIDNIGHT + day * DAY;
        if (day > 0) await world.connection.networkHelpers.time.increaseTo(start - DAY);
        const frozen = await freeze(world, 1, { start, imbalancePrice: 100_000, standing: [] });
        const [participants, reactiveVar] = [[101, 102].slice(0, 2 - day / 2), [[0], [0]].slice(0, 2 - day / 2)];
        const sale: Trade = { seller: 0, buyer: 0xffff, product: "energy", period: 0, quantity: 3_000, price: 100_000 };
        const trades = day === 0 ? [sale, { ...sale, seller: 1 }] : [sale];
        const payload = Payload.encode({ participants, systems: 4, reactiveVar, trades }, 1);
        const signed = await sign(world, frozen, payload);
        await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
      }
      await world.connection.networkHelpers.time.increaseTo(MIDNIGHT + 3 * DAY);
      const { ledger } = await freeze(world, 1, { start: MIDNIGHT + 4 * DAY });
      const { accounts } = await Session.readLedger(world.deployment, world.provider, ids);
      const totalGrams = (await call(world.contracts.market, "totalGrams")) as bigint;
      books = { accounts, epochs: [DAYS + 2n, DAYS], totalGrams, live: ledger };
    }
  });

  /** Debits, credits, grams and releases around their ends; half of them conserve. */
  function some(random: (below: number) => number): Ledger.Posting {
    const lines = ids
      .filter(() => random(2) === 0)
      .map((id) => ({
        id: random(40) === 0 ? 101 : id,
        nano: BigInt(random(240_000) - 120_000) * 1_000n,
        grams: random(3) === 0 ? BigInt(random(900) - 450) : 0n,
        released: BigInt(random(3) === 0 ? random(400) : 0),
      }));
    const last = lines.at(-1);
    if (last !== undefined && random(5) > 0) last.nano -= lines.reduce((sum, { nano }) => sum + nano, 0n);
    const grams = lines.reduce((sum, one) => sum + one.grams, 0n);
    return { day: DAYS - 1n + BigInt(random(5)), entries: lines, issuedG: random(5) > 0 ? grams : grams + 1n };
  }

  it("agree on every account, and on the first predicate violated", async () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < RUNS; seed++) {
      const posting = some(generator(70_000 + seed));
      const model = Ledger.post(books, posting);
      const outcome = model.kind === "refused" ? `${model.predicate}(${model.detail.join(", ")})` : "posted";
      const kind = model.kind === "refused" ? model.predicate : "posted";
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      for (const world of worlds) {
        const rpc = world.provider as JsonRpcApiProvider;
        const snapshot = await rpc.send("evm_snapshot", []);
        const delivery = as(world.contracts.market, DELIVERY.connect(world.provider));
        const all = await world.contracts.market.debitableOf(concat(ids.map((id) => toBeHex(id, 4))));
        for (const [k, id] of ids.entries()) {
          const { nano, grams } = Ledger.debitable(books, id);
          expect(dataSlice(all, 32 * k, 32 * k + 32)).to.equal(toBeHex((grams << 128n) | nano, 32));
        }
        const sent = Chain.send(delivery, "post", posting.day, encodeEntries(posting.entries), posting.issuedG);
        const found = await sent.then(
          () => "posted",
          async (error) => {
            const { predicate, detail } = await refusalOf(world.contracts.market, Promise.reject(error));
            return `${predicate}(${detail.join(", ")})`;
          },
        );
        expect(found, `posting ${seed}`).to.equal(outcome);
        const { accounts } = await Session.readLedger(world.deployment, world.provider, ids);
        expect(accounts, `posting ${seed}`).to.deep.equal(model.kind === "posted" ? model.accounts : books.accounts);
        await rpc.send("evm_revert", [snapshot]);
      }
    }
    expect([...seen.keys()].toSorted()).to.deep.equal([
      ...["debitBeyondFree", "entriesNotAscending", "gramsBeyondFree", "gramsNotConserved", "moneyNotConserved"],
      "posted",
    ]);
    expect(seen.get("posted")).to.be.greaterThan(RUNS / 10);
  });
});
