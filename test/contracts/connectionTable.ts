/** The table of connections: whatever is registered in which order, it is what an entry is measured against. */
import { expect } from "chai";
import { getBytes, type Wallet } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import {
  type Connection,
  CONNECTION_TYPES,
  decodeConnections,
  deliveryDomain,
} from "../../offchain-solver/codec/deliveryData.ts";
import { encodeReadings } from "../../offchain-solver/codec/readings.ts";
import { generator } from "../support/batches.ts";
import { as, owner } from "../support/calls.ts";
import {
  connectionsAt,
  deliver,
  delivery,
  entryOf,
  HOME,
  NOBODY,
  readingsOf,
  settleSession,
  time,
} from "../support/delivered.ts";
import { createWorld, refusalOf, type World } from "../support/world.ts";

const [HOUR, DAY] = [3_600, 86_400];
const FIELDS = ["feedW", "takeW", "renewableW", "maxPrice"] as const;

describe("the table of connections, optimised", () => {
  let world: World;
  const nonces = new Map<number, bigint>();
  const register = async (homes: readonly Omit<Connection, "nonce">[]): Promise<void> => {
    const domain = deliveryDomain(world.deployment.chainId, world.deployment.delivery as string);
    const signed = homes.map((home) => ({ ...home, nonce: (nonces.get(home.prosumer) ?? 0n) + 1n }));
    for (const { prosumer, nonce } of signed) nonces.set(prosumer, nonce);
    const signatures = await Promise.all(
      signed.map((one) => (world.wallets.get(one.prosumer) as Wallet).signTypedData(domain, CONNECTION_TYPES, one)),
    );
    await Chain.send(delivery(world), "registerConnections", signed, signatures);
  };
  const stored = async (): Promise<Map<number, object>> => {
    const pointer = await connectionsAt(world);
    if (pointer === NOBODY) return new Map();
    return decodeConnections(getBytes(await world.provider.getCode(pointer)).subarray(1));
  };

  beforeEach(async () => {
    nonces.clear();
    world = await createWorld({ prosumers: 6, dollars: 100 });
  });

  it("is what was registered last of each, ascending, whichever come before, between, behind or again", async () => {
    const random = generator(31);
    const known = new Map<number, Record<string, number>>();
    // One by one from both ends, then drawn.
    const orders = [
      [103],
      [101],
      [106],
      [101, 106],
      [102, 104],
      [105],
      ...Array.from({ length: 12 }, () => world.ids.filter(() => random(2) === 0)),
    ];
    for (const ids of orders.filter(({ length }) => length > 0)) {
      const homes = ids.map((prosumer) => ({
        ...{
          prosumer,
          feedW: random(2 ** 31),
          takeW: random(2 ** 31),
          renewableW: random(9_000),
          maxPrice: random(9_000),
        },
      }));
      await register(homes);
      for (const { prosumer, ...limits } of homes) known.set(prosumer, limits);
      const expected = [...known].toSorted(([a], [b]) => a - b);
      expect([...(await stored())]).to.deep.equal(expected);
      for (const id of world.ids) {
        const found = await delivery(world).connectionOf(id);
        for (const field of FIELDS)
          expect(Number(found[field]), `${field} of ${id}`).to.equal(known.get(id)?.[field] ?? 0);
        expect(found.nonce).to.equal(nonces.get(id) ?? 0n);
      }
    }
  });

  it("has all but those that have ended, the first, the last or all of them, to the second", async () => {
    const trade = { product: "energy", seller: 1, buyer: 2, period: 0, quantity: 1_000, price: 80_000 } as const;
    // 102 and 105 have none, which they end all the same.
    const having = [101, 103, 104, 106];
    await register(having.map((prosumer) => ({ prosumer, ...HOME })));
    for (const id of [102, 105]) await Chain.send(as(delivery(world), await owner(world, id)), "endConnection", id);
    const gone: number[] = [];
    for (const id of [101, 106]) {
      await Chain.send(as(delivery(world), await owner(world, id)), "endConnection", id);
      gone.push(id);
    }
    const from = Number((await delivery(world).endings(3)).from);
    await time(world).increaseTo(from + HOUR);
    const session = await settleSession(world, [trade]);
    await time(world).increaseTo(session.end + HOUR);
    const all = readingsOf(session);
    const rowsOf = (ids: readonly number[]) =>
      encodeReadings({ ...all, rows: all.rows.filter(({ id }) => ids.includes(id)) });
    const contract = delivery(world);
    const staying = having.filter((id) => !gone.includes(id));
    for (const id of gone) {
      const args = await entryOf(session, rowsOf([...staying, id].toSorted((a, b) => a - b)));
      const why = await refusalOf(contract, contract.getFunction("deliver").staticCall(...args));
      expect(why).to.deep.equal({ predicate: "noConnection", detail: [BigInt(id)] });
    }
    await deliver(session, rowsOf(staying));
  });

  it("an end counts from the first second of a session on, and another connection likewise", async () => {
    const trade = { product: "energy", seller: 1, buyer: 2, period: 0, quantity: 1_000, price: 80_000 } as const;
    await register(world.ids.map((prosumer) => ({ prosumer, ...HOME })));
    // Sessions begin on the hour; the end, and the other connection, are timed so that one begins in their second.
    const hour = Math.ceil((await time(world).latest()) / HOUR) * HOUR + 2 * HOUR;
    const signer = as(delivery(world), await owner(world, 101));
    await time(world).setNextBlockTimestamp(hour - 1);
    await Chain.send(signer, "endConnection", 101);
    const from = Number((await delivery(world).endings(0)).from);
    expect(from).to.equal(hour + 2 * DAY);
    const refusedOf = async (session: Awaited<ReturnType<typeof settleSession>>) => {
      const contract = delivery(world);
      const args = await entryOf(session, encodeReadings(readingsOf(session)));
      return contract
        .getFunction("deliver")
        .staticCall(...args)
        .then(
          () => "taken",
          async () => (await refusalOf(contract, contract.getFunction("deliver").staticCall(...args))).predicate,
        );
    };
    const sessionAt = async (start: number) => {
      if ((await time(world).latest()) < start - HOUR) await time(world).increaseTo(start - HOUR);
      const session = await settleSession(world, [trade], 2, { start });
      return session;
    };
    const before = await sessionAt(from - 2 * HOUR);
    const first = await sessionAt(from);
    nonces.set(101, (await delivery(world).connectionOf(101)).nonce);
    const returns = from + 6 * HOUR;
    await time(world).setNextBlockTimestamp(returns);
    await register([{ prosumer: 101, ...HOME }]);
    const again = await sessionAt(returns);
    await time(world).increaseTo(again.end + HOUR);
    expect([await refusedOf(before), await refusedOf(first), await refusedOf(again)]).to.deep.equal([
      ...["taken", "noConnection", "taken"],
    ]);
  });
});
