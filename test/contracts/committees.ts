/** Who may attest, from when, and what a rotation does to a seat: shown by what settles. */
import { expect } from "chai";
import { type Contract, getBytes, type Wallet } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { deployAll } from "../../offchain-solver/devnet/deploy.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import { EXIT_TIME } from "../../offchain-solver/chain/roles.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { packSignatures, quorumOf } from "../../offchain-solver/codec/typedData.ts";
import { batch, generator } from "../support/batches.ts";
import { as, call, owner, proof, refused, seat } from "../support/calls.ts";
import { wallet as keyOf } from "../support/keys.ts";
import {
  attestAnything,
  BUNDLE,
  createWorld,
  freeze,
  type Frozen,
  idsOf,
  onTheHour,
  OPEN_MANDATE,
  refusalOf,
  SERIES,
  type World,
} from "../support/world.ts";
import { audited } from "../support/audited.ts";

const { DESK_ID, OPERATOR_ID, UTILITY_ID } = Onboarding;

type Committee = { pointer: string; epoch: bigint; members: bigint; quorum: bigint; effectiveAt: bigint };
const current = (world: World): Promise<Committee> =>
  world.contracts.registry.getFunction("committee").staticCall() as Promise<Committee>;

/** The same call at exactly this second. */
async function at(world: World, time: number, contract: Contract, method: string, ...args: unknown[]): Promise<string> {
  await world.connection.networkHelpers.time.setNextBlockTimestamp(time);
  const sent = contract.getFunction(method).send(...args, { gasLimit: 5_000_000 });
  const done = sent.then((response) => response.wait()).then(() => "done");
  return done.catch(async (error) => (await refusalOf(contract, Promise.reject(error))).predicate);
}

describe("a committee", () => {
  let world: World;
  let registry: Contract;
  let snapshot: { restore(): Promise<void> };
  before(async () => {
    world = await createWorld({ prosumers: 5, dollars: 100 });
    registry = world.contracts.registry;
  });
  beforeEach(async () => {
    snapshot = await world.connection.networkHelpers.takeSnapshot();
  });
  afterEach(() => snapshot.restore());
  const time = () => world.connection.networkHelpers.time;
  const increase = (seconds: number) => time().increase(seconds);
  const latest = () => time().latest();
  const appointed = (ids: readonly number[]) =>
    refusalOf(registry, registry.getFunction("appointCommittee").staticCall(ids));

  it("is told by its epoch, and an epoch that never was is refused", async () => {
    const of = registry.getFunction("committeeOf");
    const seated = await current(world);
    const told = (await of.staticCall(seated.epoch)) as Committee;
    expect([told.pointer, told.epoch, told.members]).to.deep.equal([seated.pointer, seated.epoch, seated.members]);
    const { predicate } = await refusalOf(registry, of.staticCall(seated.epoch + 100n));
    expect(predicate).to.equal("noCommittee");
  });

  /** A small batch that nobody could object to. */
  const someBatch = (seed: number): Uint8Array =>
    Payload.encode(Payload.fromResult(batch({ ids: world.ids, periods: 1, energy: 3, maxWh: 50 }, generator(seed))), 1);
  type Keys = readonly (Wallet | undefined)[];
  async function attested(frozen: Frozen, bits: readonly number[], keys: Keys): Promise<Map<number, string>> {
    const signed = new Map<number, string>();
    for (const [k, bit] of bits.entries()) {
      signed.set(bit, await attestAnything(world, keys[k] as Wallet, frozen.terms, someBatch(1)));
    }
    return signed;
  }
  /** What the members of these bits get when they sign with these keys. */
  async function settles(frozen: Frozen, bits: readonly number[], keys: Keys): Promise<string> {
    const payload = someBatch(1);
    const { signers, signatures } = packSignatures(await attested(frozen, bits, keys));
    return call(world.contracts.market, "settle", payload, BUNDLE, signers, signatures).then(
      () => "settled",
      async (error) => (await refusalOf(world.contracts.market, Promise.reject(error))).predicate,
    );
  }

  it("has 4 to 31 registered members, each of another wallet", async () => {
    await increase(EXIT_TIME);
    for (const [ids, members] of [
      [[], 0n],
      [[OPERATOR_ID], 1n],
      [[OPERATOR_ID, 101, 102], 3n],
      [Array.from({ length: 32 }, (_, k) => k + 1), 32n],
    ] as const) {
      expect(await appointed(ids)).to.deep.equal({ predicate: "committeeSize", detail: [members, 4n, 31n] });
    }
    expect(await appointed([OPERATOR_ID, 101, 999, 102])).to.deep.equal({ predicate: "notRegistered", detail: [999n] });
    const twice = { predicate: "committeeSharesWallet", detail: [101n, 101n] };
    expect(await appointed([OPERATOR_ID, 101, 102, 101])).to.deep.equal(twice);
    for (const [members, quorum] of [
      [4, 3n],
      [5, 4n],
      [6, 4n],
    ] as const) {
      await send("appointCommittee", [OPERATOR_ID, ...world.ids].slice(0, members));
      const next = await registry.getFunction("appointedCommittee").staticCall();
      expect([next.members, next.quorum]).to.deep.equal([BigInt(members), quorum]);
    }
  });
  const send = (method: string, ...args: unknown[]) => Chain.send(registry, method, ...args);

  it("has no two members of one wallet, also after one was handed over", async () => {
    const other = world.wallets.get(104) as Wallet;
    await Chain.send(as(registry, await owner(world, 105)), "rotateWallet", 105, other.address);
    await increase(EXIT_TIME);
    const shared = { predicate: "committeeSharesWallet", detail: [105n, 104n] };
    expect(await appointed([OPERATOR_ID, 101, 104, 105])).to.deep.equal(shared);
  });

  it("any two quorums of which share an honest member, for every size", () => {
    for (let n = 4; n <= 31; n++) {
      const faulty = Math.floor((n - 1) / 3);
      expect(2 * quorumOf(n) - n, `${n} members`).to.be.greaterThan(faulty);
      expect(quorumOf(n), `${n} members`).to.be.at.most(n - faulty);
    }
  });

  it("can be as large as 31, and as small as operator, utility, desk and one home", async () => {
    for (const [prosumers, members] of [
      [30, 31n],
      [3, 4n],
      [2, 5n],
      [1, 4n],
    ] as const) {
      const other = await createWorld({ prosumers, dollars: 0 });
      const { quorum, members: seated } = await current(other);
      expect([seated, quorum]).to.deep.equal([members, BigInt(quorumOf(Number(members)))]);
    }
    expect(Onboarding.committeeOf([101, 102])).to.deep.equal([OPERATOR_ID, UTILITY_ID, DESK_ID, 101, 102]);
    expect(Onboarding.committeeOf(idsOf(40)).length).to.equal(31);
  });

  it("takes nobody registered less than the exit time ago, to the second", async () => {
    const wallet = keyOf("new home", 1);
    const message = { prosumer: 200, wallet: wallet.address, rotation: 0n };
    const [node, meter] = [keyOf("new node", 1), keyOf("new meter", 1)];
    const proofs = [await proof(world, "node", node, message), await proof(world, "meter", meter, message)];
    await increase(EXIT_TIME);
    await send("register", 200, wallet.address, node.address, meter.address, ...proofs);
    const since = await latest();
    const ids = [OPERATOR_ID, 101, 102, 200];
    const tooRecent = { predicate: "memberTooRecent", detail: [200n, BigInt(since + EXIT_TIME)] };
    expect(await appointed(ids)).to.deep.equal(tooRecent);
    expect(await at(world, since + EXIT_TIME - 1, registry, "appointCommittee", ids)).to.equal("memberTooRecent");
    expect(await at(world, since + EXIT_TIME, registry, "appointCommittee", ids)).to.equal("done");
  });

  it("counts when the exit time has passed since it was announced, to the second, and another replaces it until then", async () => {
    await increase(EXIT_TIME);
    const before = await current(world);
    await send("appointCommittee", [OPERATOR_ID, 101, 102, 103]);
    const announced = await latest();
    await increase(1_000);
    await send("appointCommittee", [OPERATOR_ID, 102, 103, 104]);
    const replaced = await latest();
    expect((await current(world)).toString()).to.equal(before.toString());
    await time().increaseTo(announced + EXIT_TIME);
    expect((await current(world)).epoch).to.equal(before.epoch);
    await time().increaseTo(replaced + EXIT_TIME - 1);
    expect((await current(world)).epoch).to.equal(before.epoch);
    await time().increaseTo(replaced + EXIT_TIME);
    const after = await current(world);
    expect([after.epoch, after.effectiveAt]).to.deep.equal([before.epoch + 2n, BigInt(replaced + EXIT_TIME)]);
    // A third leaves the second in its place, not the first.
    await send("appointCommittee", [OPERATOR_ID, 101, 102, 103]);
    expect((await current(world)).epoch).to.equal(after.epoch);
  });

  it("is replaced in the very second in which it starts to count, and still counts until the next does", async () => {
    await increase(EXIT_TIME);
    await send("appointCommittee", [OPERATOR_ID, 101, 102, 103]);
    const { epoch, effectiveAt } = await registry.getFunction("appointedCommittee").staticCall();
    await time().setNextBlockTimestamp(effectiveAt);
    await send("appointCommittee", [OPERATOR_ID, 102, 103, 104]);
    expect((await current(world)).epoch).to.equal(epoch);
  });

  it("signs with a member's new key from the next freeze on, and the old one signs no more", async () => {
    const mine = as(registry, await owner(world, 101));
    const old = world.nodeKeys.get(101) as Wallet;
    const fresh = keyOf("new node key", 1);
    const live = await freeze(world, 1);
    const shown = await proof(world, "node", fresh, { prosumer: 101, wallet: await addressOf(101), rotation: 1n });
    await Chain.send(mine, "rotateNodeKey", 101, fresh.address, shown);
    const others = [0, 2, 3].map((bit) => world.nodeKeys.get(world.committee[bit]));
    const bits = [0, 1, 2, 3];
    const signed = (key: Wallet) => [others[0], key, others[1], others[2]];
    // What is open was frozen with the old key: no single member can stop it.
    expect(await settles(live, bits, signed(old))).to.equal("settled");
    expect(await settles(live, bits, signed(fresh))).to.equal("badSignature");
    await time().increaseTo(live.terms.deadline + 1n);
    const next = await freeze(world, 1);
    expect(next.terms.epoch).to.equal(live.terms.epoch + 1n);
    expect(await settles(next, bits, signed(fresh))).to.equal("settled");
    expect(await settles(next, bits, signed(old))).to.equal("badSignature");
    const { deployment, admin, provider } = world;
    await Session.postAndSettle(deployment, admin, someBatch(1), BUNDLE, await attested(next, bits, signed(fresh)));
    const { sessions } = await audited(provider, deployment.market, deployment.block);
    expect(sessions.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
  });
  const addressOf = (id: number): Promise<string> => call(registry, "walletOf", id) as Promise<string>;

  it("is stopped by the guardian, who voids the session that a stolen key could settle: what was locked is free at once", async () => {
    const { market } = world.contracts;
    const [, stranger] = await world.connection.ethers.getSigners();
    expect(await refused(as(market, stranger), "cancelSession")).to.equal("accessManagedUnauthorized");
    expect(await refused(market, "cancelSession")).to.equal("noOpenSession");
    const live = await freeze(world, 1);
    const bits = [0, 1, 2, 3];
    const keys = bits.map((bit) => world.nodeKeys.get(world.committee[bit]));
    expect(await settles(live, bits, keys)).to.equal("settled");
    const held = (await market.getFunction("account").staticCall(101)).deposit;
    expect(await call(market, "free", 101)).to.not.equal(held);
    await Chain.send(market, "cancelSession");
    expect(await settles(live, bits, keys)).to.equal("noOpenSession");
    expect(await call(market, "free", 101)).to.equal(held);
    expect(await refused(market, "cancelSession")).to.equal("noOpenSession");
    // The same hours can be cleared again, under a session of its own: what was signed for the first is nothing to it.
    const next = await freeze(world, 1);
    const stale = { ...next, terms: live.terms };
    expect(await settles(stale, bits, keys)).to.equal("badSignature");
    const { deployment, admin, provider } = world;
    await Session.postAndSettle(deployment, admin, someBatch(1), BUNDLE, await attested(next, bits, keys));
    const { sessions } = await audited(provider, deployment.market, deployment.block);
    expect(sessions.map(({ ordinal, verdict }) => [ordinal, verdict])).to.deep.equal([[2n, { kind: "valid" }]]);
    // After its deadline a session is void by time alone.
    const late = await freeze(world, 1, { start: Number(next.terms.start) + 86_400 });
    await time().increaseTo(late.terms.deadline + 1n);
    expect(await refused(market, "cancelSession")).to.equal("noOpenSession");
  });

  it("has an empty seat where a wallet has changed, whatever key its node has", async () => {
    const mine = as(registry, await owner(world, 101));
    const heir = keyOf("heir", 1).connect(world.provider);
    await world.admin.sendTransaction({ to: heir.address, value: 10n ** 18n });
    const before = await current(world);
    await Chain.send(mine, "rotateWallet", 101, heir.address);
    const cleared = await current(world);
    expect([cleared.members, cleared.quorum]).to.deep.equal([before.members, before.quorum]);
    const fresh = keyOf("heir's node", 1);
    const shown = await proof(world, "node", fresh, { prosumer: 101, wallet: heir.address, rotation: 1n });
    await Chain.send(as(registry, heir), "rotateNodeKey", 101, fresh.address, shown);
    expect((await current(world)).epoch).to.equal(cleared.epoch);
    const promised = { prosumer: 101, ...OPEN_MANDATE, nonce: SERIES + 2n };
    await Chain.send(as(world.contracts.market, heir), "registerMandate", promised, "0x");
    const frozen = await freeze(world, 1);
    const key = (bit: number) => world.nodeKeys.get(world.committee[bit]);
    for (const attempt of [fresh, key(1)]) {
      expect(await settles(frozen, [0, 1, 2, 3], [key(0), attempt, key(2), key(3)])).to.equal("badSignature");
    }
    const rest = [0, 2, 3, 4];
    expect(await settles(frozen, rest, rest.map(key))).to.equal("settled");
    const { deployment, admin, provider } = world;
    const signed = await attested(frozen, rest, rest.map(key));
    await Session.postAndSettle(deployment, admin, someBatch(1), BUNDLE, signed);
    const { sessions } = await audited(provider, deployment.market, deployment.block);
    expect(sessions.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
    // The heir is a member again like anybody: of age, and announced.
    expect((await appointed(world.committee)).predicate).to.equal("memberTooRecent");
    await seat(world, world.committee);
    const next = await freeze(world, 1, {
      start: onTheHour(Math.max(await latest(), Number(frozen.terms.start))) + 86_400,
    });
    const bits = [0, 1, 2, 3];
    expect(next.terms.epoch).to.be.greaterThan(cleared.epoch);
    expect(await settles(next, bits, [key(0), fresh, key(2), key(3)])).to.equal("settled");
  });

  it("is rotated in both, the one that counts and the one that is announced, and nobody else's seat is touched", async () => {
    await increase(EXIT_TIME);
    await send("appointCommittee", [103, OPERATOR_ID, 102, 101]);
    const roll = async (committee: Committee) => getBytes(await world.provider.getCode(committee.pointer)).subarray(1);
    const [seated, announced] = [await current(world), await registry.getFunction("appointedCommittee").staticCall()];
    const [first, second] = [await roll(seated), await roll(announced)];
    const fresh = keyOf("seat", 101);
    const shown = await proof(world, "node", fresh, { prosumer: 101, wallet: await addressOf(101), rotation: 1n });
    await Chain.send(as(registry, await owner(world, 101)), "rotateNodeKey", 101, fresh.address, shown);
    first.set(getBytes(fresh.address), 20);
    second.set(getBytes(fresh.address), 60);
    const [now, next] = [await current(world), await registry.getFunction("appointedCommittee").staticCall()];
    expect(await roll(now)).to.deep.equal(first);
    expect(await roll(next)).to.deep.equal(second);
    expect([now.epoch, next.epoch]).to.deep.equal([announced.epoch + 1n, announced.epoch + 2n]);
    expect([now.effectiveAt, next.effectiveAt]).to.deep.equal([seated.effectiveAt, announced.effectiveAt]);
    // 105 sits in the first alone; from the second on in which the other counts, the first is history and stays as it
    // is.
    const other = keyOf("seat", 105);
    const again = await proof(world, "node", other, { prosumer: 105, wallet: await addressOf(105), rotation: 1n });
    const theirs = as(registry, await owner(world, 105));
    await time().setNextBlockTimestamp(announced.effectiveAt);
    await Chain.send(theirs, "rotateNodeKey", 105, other.address, again);
    expect((await current(world)).toString()).to.equal(next.toString());
    await send("appointCommittee", [OPERATOR_ID, 102, 103, 104]);
    const last = (await registry.getFunction("appointedCommittee").staticCall()) as Committee;
    expect(last.epoch).to.equal(next.epoch + 1n);
    expect((await current(world)).toString()).to.equal(next.toString());
  });

  it("is sealed once, by the manager alone, with a committee and a market", async () => {
    const { admin, deployment } = world;
    expect(await refused(registry, "seal", [deployment.market])).to.equal("notAuthority");
    const bare = await deployAll(admin);
    const other = Chain.contracts(bare, admin);
    const sealing = async (markets: string[]): Promise<string> => {
      const attempt = other.authority.getFunction("seal").staticCall(bare.registry, markets);
      return (await refusalOf(registry, attempt)).predicate;
    };
    expect(await sealing([bare.market])).to.equal("noCommittee");
    expect(await refused(other.registry, "committee")).to.equal("notSealed");
    const parties = world.committee.map((id) => ({
      id,
      wallet: world.wallets.get(id)?.address as string,
      nodeKey: world.nodeKeys.get(id) as Wallet,
      meterKey: keyOf("meter", id),
    }));
    await Onboarding.register(bare, admin, parties);
    // A key that changes before anybody is appointed, and one after it.
    const inBare = { ...world, deployment: bare };
    const wallet = await owner(world, 101);
    const rotate = async (rotation: bigint): Promise<Wallet> => {
      const fresh = keyOf("before the seal", Number(rotation));
      const shown = await proof(inBare, "node", fresh, { prosumer: 101, wallet: wallet.address, rotation });
      await Chain.send(as(other.registry, wallet), "rotateNodeKey", 101, fresh.address, shown);
      return fresh;
    };
    await rotate(1n);
    await Onboarding.appointCommittee(bare, admin, world.committee);
    const fresh = await rotate(2n);
    const { pointer, epoch } = await other.registry.getFunction("appointedCommittee").staticCall();
    expect(getBytes(await world.provider.getCode(pointer)).subarray(21, 41)).to.deep.equal(getBytes(fresh.address));
    expect(epoch).to.equal(2n);
    expect(await refused(other.registry, "committee")).to.equal("notSealed");
    // Before the seal another first committee costs no time.
    await Onboarding.appointCommittee(bare, admin, world.committee.slice(0, 4));
    expect(await sealing([])).to.equal("noMarket");
    expect(await call(other.registry, "serves", bare.market)).to.equal(false);
    expect(await refused(other.market, "deposit", 101, 1n)).to.equal("notSealed");
    const own = { prosumer: 101, ...OPEN_MANDATE };
    const signature = await Onboarding.signMandate(bare, world.wallets.get(101) as Wallet, own);
    expect(await refused(other.market, "registerMandate", own, signature)).to.equal("notSealed");
    await Chain.seal(bare, admin);
    const sealedAt = BigInt(await latest());
    expect(await call(other.registry, "sealedAt")).to.equal(sealedAt);
    const seated = (await other.registry.getFunction("committee").staticCall()) as Committee;
    expect([seated.members, seated.effectiveAt]).to.deep.equal([4n, sealedAt]);
    expect(await call(other.registry, "serves", bare.market)).to.equal(true);
    expect(await call(other.registry, "serves", deployment.market)).to.equal(false);
    await Chain.send(other.market, "registerMandate", own, signature);
  });
});
