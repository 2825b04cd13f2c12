/** What whoever governs can do to a deposit through a settlement, and how long everybody else has to leave. */
import { expect } from "chai";
import { type Contract, Interface, type Wallet } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { deployAll } from "../../offchain-solver/devnet/deploy.ts";
import { abi, type ContractName } from "../support/artifacts.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import { EXIT_TIME, type Role, ROLES } from "../../offchain-solver/chain/roles.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { SESSION_PERIOD } from "../../offchain-solver/market/result/clearingResult.ts";
import { packSignatures } from "../../offchain-solver/codec/typedData.ts";
import { as, call, held, owner, proof, refused, registeredLimits, seat } from "../support/calls.ts";
import { wallet as keyOf } from "../support/keys.ts";
import {
  attestAnything,
  BUNDLE,
  createWorld,
  freeze,
  type Frozen,
  lineGrid,
  onTheHour,
  refusalOf,
  type World,
} from "../support/world.ts";

const { OPERATOR_ID } = Onboarding;
const DOLLARS = 1_000;
const VICTIM = 101;
/** What the victim's mandate allows to be spent on a day: ten dollars of its thousand. */
const mandate = (id: number) => (id === VICTIM ? { maxSpendPerDay: 10_000_000n } : {});
const errorsOf = (name: ContractName) => abi(name).fragments.filter(({ type }) => type === "error");
const ERRORS = new Interface([...errorsOf("Authority"), ...errorsOf("Registry")]);

/**
 * A batch in which the victim, the first participant, buys from the second at 2 $/kWh until nothing is left of
 * `dollars`.
 */
function emptying(world: World, dollars: number, product: "energy" | "carbon" = "energy"): Uint8Array {
  const period = product === "energy" ? 0 : SESSION_PERIOD;
  const trade = { seller: 1, buyer: 0, product, period, quantity: dollars * 500, price: 2_000_000 };
  const reactiveVar = world.ids.map(() => [0]);
  return Payload.encode({ participants: world.ids, systems: 0, reactiveVar, trades: [trade] }, 1);
}

/** A feeder without limits, as far as a model can say so. */
const withoutLimits = ({ ids }: World): Uint8Array => Grid.encode(lineGrid(ids, 6, 2n ** 40n - 1n));

/** What `settle` says to a batch that these keys have signed. */
async function outcome(world: World, frozen: Frozen, payload: Uint8Array, keys: ReadonlyMap<number, Wallet>) {
  const signed = new Map<number, string>();
  for (const [bit, key] of keys) {
    signed.set(bit, await attestAnything(world, key, frozen.terms, payload));
  }
  const { signers, signatures } = packSignatures(signed);
  const { market } = world.contracts;
  return call(market, "settle", payload, BUNDLE, signers, signatures).then(
    () => "settled",
    async (error) => (await refusalOf(market, Promise.reject(error))).predicate,
  );
}

for (const reference of [true, false]) {
  describe(`whoever holds every role, ${reference ? "plain" : "optimised"} market`, () => {
    let world: World;
    let registry: Contract;
    let snapshot: { restore(): Promise<void> };
    before(async () => {
      world = await createWorld({ prosumers: 5, dollars: DOLLARS, reference, mandate });
      registry = world.contracts.registry;
    });
    beforeEach(async () => {
      snapshot = await world.connection.networkHelpers.takeSnapshot();
    });
    afterEach(() => snapshot.restore());
    const time = () => world.connection.networkHelpers.time;
    const denied = async (contract: Contract, method: string, ...args: unknown[]): Promise<string> => {
      const attempt = contract.getFunction(method).staticCall(...args);
      return (await refusalOf({ interface: ERRORS } as Contract, attempt)).predicate;
    };

    /** Four ids of its own, each with its own wallet and keys. */
    async function sybils(): Promise<{ ids: number[]; keys: Map<number, Wallet> }> {
      const ids = [901, 902, 903, 904];
      const keys = new Map<number, Wallet>();
      for (const [bit, id] of ids.entries()) {
        const [wallet, node, meter] = ["sybil", "sybil node", "sybil meter"].map((name) => keyOf(name, id));
        const message = { prosumer: id, wallet: wallet.address, rotation: 0n };
        const proofs = [await proof(world, "node", node, message), await proof(world, "meter", meter, message)];
        await Chain.send(registry, "register", id, wallet.address, node.address, meter.address, ...proofs);
        keys.set(bit, node);
      }
      return { ids, keys };
    }

    it("threat: operator alone: a committee of its own key, of its strangers, or of its friends takes no deposit", async () => {
      const started = await time().latest();
      const own = new Map([[0, world.nodeKeys.get(OPERATOR_ID) as Wallet]]);
      const payload = emptying(world, 10);
      expect(await denied(registry, "appointCommittee", [OPERATOR_ID])).to.equal("committeeSize");
      const { ids, keys } = await sybils();
      expect(await denied(registry, "appointCommittee", ids)).to.equal("memberTooRecent");
      expect(await denied(registry, "appointCommittee", [OPERATOR_ID, 102, 103, 901])).to.equal("memberTooRecent");
      // Members of age may be appointed, and the next freeze still takes the ones before.
      const frozen = await freeze(world, 1);
      expect(await outcome(world, frozen, payload, own)).to.equal("quorumNotReached");
      expect(await outcome(world, frozen, payload, keys)).to.equal("badSignature");
      expect((await time().latest()) - started).to.be.lessThan(21);
      expect(await held(world, VICTIM)).to.equal(BigInt(DOLLARS) * 10n ** 9n);
    });

    it("threat: patient operator: strangers of age attest only after everybody had the time to leave with everything", async () => {
      const { ids, keys } = await sybils();
      await time().increase(EXIT_TIME);
      await Onboarding.appointCommittee(world.deployment, world.admin, ids);
      const announced = await time().latest();
      // The worst moment: a session as long as there can be is frozen right before the victim notices.
      const start = onTheHour(announced + 2 * 86_400 - 3_599);
      const frozen = await freeze(world, 1, { start, open: start + 3_600 - announced });
      expect(await outcome(world, frozen, emptying(world, 10), keys)).to.equal("badSignature");
      const mine = as(world.contracts.market, await owner(world, VICTIM));
      await Chain.send(mine, "revokeMandate", VICTIM);
      await time().increaseTo(frozen.terms.deadline + 1n);
      await Chain.send(mine, "requestWithdrawal", VICTIM, BigInt(DOLLARS) * 10n ** 6n);
      const { availableAt } = await world.contracts.market.getFunction("pending").staticCall(VICTIM);
      await time().increaseTo(availableAt);
      await Chain.send(world.contracts.market, "withdraw", VICTIM);
      const seated = await registry.getFunction("committee").staticCall();
      expect(seated.epoch, "the strangers do not count yet").to.equal(frozen.terms.epoch);
      const token = world.contracts.token.getFunction("balanceOf");
      const wallet = (world.wallets.get(VICTIM) as Wallet).address;
      expect(await token.staticCall(wallet)).to.equal(BigInt(DOLLARS) * 10n ** 6n);
    });

    it("threat: all roles and a colluding quorum: who stays loses what its mandate allows, and no more", async () => {
      const { ids, keys } = await sybils();
      await seat(world, ids);
      await Chain.send(world.contracts.market, "setPriceCap", 3_000_000);
      const frozen = await freeze(world, 1, { start: onTheHour((await time().latest()) + 86_400) });
      expect(await outcome(world, frozen, emptying(world, DOLLARS), keys)).to.equal("spendBeyondLock");
      expect(await outcome(world, frozen, emptying(world, 11), keys)).to.equal("spendBeyondLock");
      expect(await outcome(world, frozen, emptying(world, 10), keys)).to.equal("settled");
    });

    for (const role of Object.keys(ROLES) as Role[])
      it(`threat: ${role} alone, at its worst: no deposit moves without a quorum, with one no more than was promised`, async () => {
        const { market } = world.contracts;
        const [all, some] = [world.committee.length, Math.floor((world.committee.length - 1) / 3)];
        const worst: Record<Role, () => Promise<unknown>> = {
          OPERATOR: () => Onboarding.addGridModel(world.deployment, world.admin, withoutLimits(world)),
          REGULATOR: () => Chain.send(market, "issueAllowances", [102], [2n ** 52n]),
          GUARDIAN: () => Chain.send(market, "setPaused", true),
          PARAMETERS: () => Chain.send(market, "setPriceCap", 0x7ffffe),
        };
        // Before a session is frozen and while it is open; a paused market freezes none.
        if (role !== "GUARDIAN") await worst[role]();
        const frozen = await freeze(world, 1);
        await worst[role]();
        const members = (count: number) =>
          new Map(
            [...world.committee.entries()].slice(0, count).map(([k, id]) => [k, world.nodeKeys.get(id) as Wallet]),
          );
        const product = role === "REGULATOR" ? "carbon" : "energy";
        const paused = role === "GUARDIAN" ? "settlementPaused" : undefined;
        for (const dollars of [1, DOLLARS]) {
          const refusal = await outcome(world, frozen, emptying(world, dollars, product), members(some));
          expect(refusal).to.equal(paused ?? "quorumNotReached");
        }
        const beyond = await outcome(world, frozen, emptying(world, 11, product), members(all));
        expect(beyond).to.equal(paused ?? "spendBeyondLock");
        expect(await held(world, VICTIM)).to.equal(BigInt(DOLLARS) * 10n ** 9n);
        // Whatever it does, everything can be had once the session is over.
        await time().increaseTo(frozen.terms.deadline + 1n);
        const mine = as(market, await owner(world, VICTIM));
        await Chain.send(mine, "requestWithdrawal", VICTIM, BigInt(DOLLARS) * 10n ** 6n);
        const { availableAt } = await market.getFunction("pending").staticCall(VICTIM);
        await time().increaseTo(availableAt);
        await Chain.send(market, "withdraw", VICTIM);
        expect(await held(world, VICTIM)).to.equal(0n);
      });

    it("threat: handed-over account: what the old wallet has promised ends with it, and the new one has promised nothing", async () => {
      const heir = keyOf("heir", VICTIM).connect(world.provider);
      const live = await freeze(world, 1);
      await Chain.send(as(registry, await owner(world, VICTIM)), "rotateWallet", VICTIM, heir.address);
      expect((await registeredLimits(world.contracts.market, VICTIM)).validUntil).to.equal(0n);
      // What is open goes on: no single party can stop it.
      const quorum = new Map([0, 2, 3, 4].map((bit) => [bit, world.nodeKeys.get(world.committee[bit]) as Wallet]));
      expect(await outcome(world, live, emptying(world, 10), quorum)).to.equal("settled");
      await time().increaseTo(live.terms.deadline + 1n);
      const next = await freeze(world, 1);
      expect(next.leftOut).to.deep.equal([VICTIM]);
      expect(await outcome(world, next, emptying(world, 10), quorum)).to.equal("notLocked");
      expect(await refused(world.contracts.market, "endMandate", 102)).to.equal("notRegistry");
    });

    it("threat: change of roles: announced for the exit time, whoever the manager is", async () => {
      const [, friend] = await world.connection.ethers.getSigners();
      const { authority, market } = world.contracts;
      const { deployment } = world;
      const grant = [ROLES.OPERATOR, await friend.getAddress(), 0] as const;
      const open = market.interface.getFunction("setPaused")?.selector;
      for (const [method, ...args] of [
        ["grantRole", ...grant],
        ["revokeRole", ROLES.GUARDIAN, await world.admin.getAddress()],
        ["grantRole", 0n, await friend.getAddress(), 0],
        ["setTargetFunctionRole", deployment.market, [open], ROLES.OPERATOR],
        ["setTargetClosed", deployment.market, true],
        ["updateAuthority", deployment.registry, deployment.token],
        ["seal", deployment.registry, [deployment.token]],
        ["setRoleGuardian", ROLES.OPERATOR, ROLES.OPERATOR],
      ] as [string, ...unknown[]][]) {
        expect(await denied(authority, method, ...args), method).to.equal("accessManagerNotScheduled");
      }
      const data = authority.interface.encodeFunctionData("grantRole", grant);
      const when = (await time().latest()) + 1;
      const early = await denied(authority, "schedule", authority.target, data, when + EXIT_TIME - 2);
      expect(early).to.equal("accessManagerUnauthorizedCall");
      await Chain.send(authority, "schedule", authority.target, data, 0);
      const ready = (await time().latest()) + EXIT_TIME;
      await time().increaseTo(ready - 2);
      expect(await denied(authority, "grantRole", ...grant)).to.equal("accessManagerNotReady");
      await time().increaseTo(ready);
      await Chain.send(authority, "grantRole", ...grant);
      expect((await authority.getFunction("hasRole").staticCall(ROLES.OPERATOR, grant[1]))[0]).to.equal(true);
      // A manager that waits longer than it must goes on to do so.
      const longer = [0n, grant[1], EXIT_TIME + 5] as const;
      const granting = authority.interface.encodeFunctionData("grantRole", longer);
      await Chain.send(authority, "schedule", authority.target, granting, 0);
      await time().increase(EXIT_TIME);
      await Chain.send(authority, "grantRole", ...longer);
      expect(await call(authority, "hasRole", 0n, grant[1])).to.deep.equal([true, BigInt(EXIT_TIME + 5)]);
      // Neither can the seal be broken by sealing again.
      const again = authority.interface.encodeFunctionData("seal", [deployment.registry, [deployment.token]]);
      await Chain.send(authority, "schedule", authority.target, again, 0);
      await time().increase(EXIT_TIME);
      expect(await denied(authority, "seal", deployment.registry, [deployment.token])).to.equal("alreadySealed");
    });
  });
}

describe("the manager of the roles", () => {
  it("announces nothing before the seal that would count right after it, and lets no other role grant roles", async () => {
    const world = await createWorld({ prosumers: 2, dollars: 0 });
    const bare = await deployAll(world.admin);
    const { authority } = Chain.contracts(bare, world.admin);
    const [, friend] = await world.connection.ethers.getSigners();
    await Chain.send(authority, "grantRole", 0n, await friend.getAddress(), 1);
    const data = authority.interface.encodeFunctionData("grantRole", [ROLES.OPERATOR, await friend.getAddress(), 0]);
    const theirs = as(authority, friend);
    expect(await refused(theirs, "schedule", authority.target, data, 0)).to.equal("notSealed");
    expect(await refused(authority, "setRoleAdmin", ROLES.OPERATOR, ROLES.GUARDIAN)).to.equal("roleAdminIsFixed");
    expect(await refused(theirs, "seal", bare.registry, [bare.market])).to.equal("accessManagerNotScheduled");
    const own = world.contracts.authority;
    expect(await call(own, "isSealed")).to.equal(true);
    expect(await call(authority, "isSealed")).to.equal(false);
    // Who is no member stays none; other roles act at once.
    const admin = await world.admin.getAddress();
    expect(await call(own, "hasRole", 0n, admin)).to.deep.equal([true, BigInt(EXIT_TIME)]);
    expect(await call(own, "hasRole", 0n, await friend.getAddress())).to.deep.equal([false, BigInt(EXIT_TIME)]);
    expect(await call(own, "hasRole", ROLES.OPERATOR, admin)).to.deep.equal([true, 0n]);
  });

  it("waits longer than the longest session and a withdrawal after it", async () => {
    const world = await createWorld({ prosumers: 1, dollars: 0 });
    const { market } = world.contracts;
    const session = ((await call(market, "GRACE")) as bigint) + ((await call(market, "MAX_AHEAD")) as bigint);
    const withdrawal = (await call(market, "WITHDRAWAL_DELAY")) as bigint;
    expect(EXIT_TIME).to.be.greaterThan(Number(session + withdrawal));
  });
});
