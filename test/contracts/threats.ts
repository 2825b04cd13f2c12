/** One test for every threat that docs/threats.md names and that no other suite already shows. */
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { Contract, hexlify, type JsonRpcApiProvider, toBeHex, type Wallet } from "ethers";
import { contracts, deliveryContracts, send } from "../../offchain-solver/chain/deployment.ts";
import { deployAll } from "../../offchain-solver/devnet/deploy.ts";
import { abi, deploy } from "../support/artifacts.ts";
import { ROLES, RULES } from "../../offchain-solver/chain/roles.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { packSignatures, type SessionTerms } from "../../offchain-solver/codec/typedData.ts";
import { batch, generator } from "../support/batches.ts";
import { BUNDLE, createWorld, freeze, type Frozen, refusalOf, sign, SYSTEM_IDS, type World } from "../support/world.ts";

const PERIODS = 2;
const rpc = (world: World): JsonRpcApiProvider => world.provider as JsonRpcApiProvider;
const everybody = (world: World): number[] => world.committee.map((_, bit) => bit);

function payloadOf(world: World, seed: number): Uint8Array {
  const shape = { energy: 4, reserve: 2, carbon: 2, systems: true };
  return Payload.encode(
    Payload.fromResult(batch({ ids: world.ids, periods: PERIODS, ...shape }, generator(seed))),
    PERIODS,
  );
}

/** All that a settlement changes. */
async function state(world: World): Promise<object> {
  const { market } = world.contracts;
  const { accounts } = await Session.readLedger(world.deployment, world.provider, [...world.ids, ...SYSTEM_IDS]);
  const session = (await market.getFunction("session").staticCall()).toObject();
  return { accounts, session, last: await market.getFunction("lastBatch").staticCall() };
}

for (const reference of [true, false]) {
  describe(`threats to a signed batch, ${reference ? "plain" : "optimised"} market`, () => {
    let world: World;
    let frozen: Frozen;
    let payload: Uint8Array;
    let snapshot: { restore(): Promise<void> };
    before(async () => {
      world = await createWorld({ prosumers: 4, reference });
      frozen = await freeze(world, PERIODS);
      payload = payloadOf(world, 31);
    });
    beforeEach(async () => {
      snapshot = await world.connection.networkHelpers.takeSnapshot();
    });
    afterEach(() => snapshot.restore());

    const call = async (bytes: Uint8Array, signed: ReadonlyMap<number, string>, options: object = {}) => {
      const { signers, signatures } = packSignatures(signed);
      const sent = await world.contracts.market
        .getFunction("settle")
        .send(hexlify(bytes), BUNDLE, signers, signatures, { gasLimit: 16_000_000, ...options });
      return sent.wait();
    };
    const refused = async (signed: ReadonlyMap<number, string>): Promise<string> =>
      (await refusalOf(world.contracts.market, call(payload, signed))).predicate;

    it("threat: replay across chain, contract, epoch and session: every term is part of what is signed", async () => {
      const bits = everybody(world);
      const elsewhere = { ...world.deployment, chainId: world.deployment.chainId + 1n };
      const twin = { ...world.deployment, market: world.deployment.registry };
      const other = `0x${"12".repeat(32)}`;
      const terms: SessionTerms[] = [
        { ...frozen.terms, epoch: frozen.terms.epoch + 1n },
        { ...frozen.terms, sequence: frozen.terms.sequence + 1n },
        { ...frozen.terms, ordinal: frozen.terms.ordinal + 1n },
        { ...frozen.terms, previousBatch: other },
        { ...frozen.terms, gridModel: other },
        { ...frozen.terms, termsHash: other },
        { ...frozen.terms, imbalancePrice: frozen.terms.imbalancePrice + 1n },
        { ...frozen.terms, start: frozen.terms.start + 1n },
        { ...frozen.terms, periodSeconds: 1800 },
        { ...frozen.terms, periods: PERIODS + 1 },
        { ...frozen.terms, deadline: frozen.terms.deadline + 1n },
      ];
      for (const deployment of [elsewhere, twin]) {
        expect(await refused(await sign({ ...world, deployment }, frozen, payload, bits))).to.equal("badSignature");
      }
      for (const one of terms) {
        expect(await refused(await sign(world, { ...frozen, terms: one }, payload, bits))).to.equal("badSignature");
      }
      const { signers, signatures } = packSignatures(await sign(world, frozen, payload, bits));
      const { market } = world.contracts;
      const withAnother = market.getFunction("settle").staticCall(hexlify(payload), other, signers, signatures);
      expect((await refusalOf(market, withAnother)).predicate, "another witness").to.equal("badSignature");
      await call(payload, await sign(world, frozen, payload, bits));
    });

    it("threat: reorg: a batch settles again to the same state, and no second one beside it", async () => {
      const signed = await sign(world, frozen, payload);
      const other = payloadOf(world, 32);
      const alsoSigned = await sign(world, frozen, other);
      const fork = await world.connection.networkHelpers.takeSnapshot();
      await call(payload, signed);
      const first = await state(world);
      expect((await refusalOf(world.contracts.market, call(other, alsoSigned))).predicate).to.equal("noOpenSession");
      await fork.restore();
      await call(payload, signed);
      expect(await state(world)).to.deep.equal(first);
      expect((await refusalOf(world.contracts.market, call(other, alsoSigned))).predicate).to.equal("noOpenSession");
    });

    it("threat: copied submission: whoever sends it, the effect is the same", async () => {
      const signed = await sign(world, frozen, payload);
      const [, stranger] = await world.connection.ethers.getSigners();
      const fork = await world.connection.networkHelpers.takeSnapshot();
      await call(payload, signed);
      const own = await state(world);
      await fork.restore();
      const { signers, signatures } = packSignatures(signed);
      const copied = world.contracts.market.connect(stranger) as Contract;
      await send(copied, "settle", hexlify(payload), BUNDLE, signers, signatures);
      expect(await state(world)).to.deep.equal(own);
      expect((await refusalOf(world.contracts.market, call(payload, signed))).predicate).to.equal("noOpenSession");
    });

    it("threat: low gas given by the submitter: nothing is half settled, and the batch can be sent again", async () => {
      const signed = await sign(world, frozen, payload);
      const before = await state(world);
      const { signers, signatures } = packSignatures(signed);
      const settle = world.contracts.market.getFunction("settle");
      const needed = await settle.estimateGas(hexlify(payload), BUNDLE, signers, signatures);
      let ranOut = 0;
      for (const percent of [50n, 70n, 80n, 90n, 95n, 98n, 99n]) {
        await call(payload, signed, { gasLimit: (needed * percent) / 100n }).then(
          () => expect.fail(`settled with ${percent} % of the gas`),
          () => ranOut++,
        );
        expect(await state(world), `${percent} % of the gas`).to.deep.equal(before);
      }
      expect(ranOut).to.equal(7);
      await call(payload, signed);
    });

    it("threat: fork repricing: settle writes no storage slot that was empty", async () => {
      const receipt = await call(payload, await sign(world, frozen, payload));
      const trace = (await rpc(world).send("debug_traceTransaction", [receipt?.hash])) as {
        structLogs: { op: string; stack: string[] }[];
      };
      const writes = trace.structLogs
        .filter(({ op }) => op === "SSTORE")
        .map(({ stack }) => BigInt(stack.at(-1) as string));
      const slots = new Set(writes);
      // One word an account, the session's, the batch's place in the ring, and in a day's first session the feeder's.
      expect(slots.size).to.equal(world.ids.length + SYSTEM_IDS.length + 3);
      for (const slot of slots) {
        for (const block of [(receipt?.blockNumber as number) - 1, receipt?.blockNumber as number]) {
          const word = await world.provider.getStorage(world.deployment.market, slot, block);
          expect(BigInt(word), `slot ${slot} at ${block}`).to.not.equal(0n);
        }
      }
    });
  });
}

describe("threats of a token", () => {
  async function tokenWorld(): Promise<{ world: World; token: Contract; market: Contract }> {
    const world = await createWorld({ prosumers: 2, dollars: 0, token: "RebasingToken" });
    const { market } = world.contracts;
    const token = new Contract(world.deployment.token, abi("RebasingToken"), world.admin);
    await send(token, "mint", await world.admin.getAddress(), 1_000n);
    await send(token, "approve", market.target, 1_000n);
    return { world, token, market };
  }
  const deposited = async (market: Contract, id: number): Promise<bigint> =>
    (await market.getFunction("account").staticCall(id)).deposit;

  it("threat: rebasing token that grows: each is credited what came with its deposit, and the growth is nobody's", async () => {
    const { token, market } = await tokenWorld();
    await send(market, "deposit", 101, 400n);
    await send(token, "rebase", market.target, 100n);
    await send(market, "deposit", 102, 300n);
    expect(await deposited(market, 101)).to.equal(400_000n);
    expect(await deposited(market, 102)).to.equal(300_000n);
    expect(await token.getFunction("balanceOf").staticCall(market.target)).to.equal(800n);
  });

  it("threat: rebasing token that shrinks: the market owes more than it holds, who leaves first is paid, the last waits", async () => {
    const { world, token, market } = await tokenWorld();
    await send(market, "deposit", 101, 400n);
    await send(market, "deposit", 102, 300n);
    await send(token, "rebase", market.target, -100n);
    const held = (await token.getFunction("balanceOf").staticCall(market.target)) as bigint;
    expect((await deposited(market, 101)) + (await deposited(market, 102)) - held * 1000n).to.equal(100_000n);
    for (const [id, amount] of [
      [101, 400n],
      [102, 300n],
    ] as const) {
      const wallet = (world.wallets.get(id) as Wallet).connect(world.provider);
      await world.admin.sendTransaction({ to: wallet.address, value: 10n ** 18n });
      await send(market.connect(wallet) as Contract, "requestWithdrawal", id, amount);
    }
    await world.connection.networkHelpers.time.increase(3 * 86_400 + 1);
    await send(market, "withdraw", 101);
    expect((await refusalOf(token, market.getFunction("withdraw").staticCall(102))).predicate).to.equal(
      "eRC20InsufficientBalance",
    );
    expect((await market.getFunction("pending").staticCall(102)).tokens).to.equal(300n);
    await send(token, "mint", market.target, 100n);
    await send(market, "withdraw", 102);
    expect(await token.getFunction("balanceOf").staticCall(market.target)).to.equal(0n);
  });
});

describe("threats of those who govern", () => {
  it("threat: governance capture: every function is open to all, to the account's wallet, or to exactly one role", async () => {
    const world = await createWorld({ prosumers: 1, dollars: 0 });
    const { authority, market, registry } = world.contracts;
    const { delivery, carbonCredit } = deliveryContracts(world.deployment, world.admin);
    const roleOf = new Map(
      RULES.flatMap(({ target, role, functions }) => functions.map((one) => [`${target}.${one.split("(")[0]}`, role])),
    );
    const open = ["deposit", "depositWithPermit", "withdraw", "registerMandate", "postStandingLoads", "settle"].map(
      (one) => `market.${one}`,
    );
    open.push("registry.recoverWallet");
    // A quorum attests what is delivered, a row of it what is issued; who pays allowances in burns its own.
    open.push("delivery.deliver", "delivery.collect", "delivery.checkDue");
    open.push("carbonCredit.issueCredits", "carbonCredit.depositAllowances");
    const wallets = [
      "market.requestWithdrawal",
      "market.revokeMandate",
      "registry.rotateNodeKey",
      "registry.rotateWallet",
      "registry.nameRecoverer",
      "registry.cancelRecovery",
      "delivery.contest",
      "delivery.endConnection",
      "carbonCredit.withdrawAllowances",
    ];
    // Who holds tokens, or whom it has approved.
    const holders = ["retire", "safeTransferFrom", "safeBatchTransferFrom", "setApprovalForAll"].map(
      (one) => `carbonCredit.${one}`,
    );
    const recoverers = ["registry.announceRecovery"];
    // Only the registry calls it, when a wallet has changed; only the manager seals, once; what is delivered is posted
    // by the contract that was named for it before the seal, by the admin, and the same for credits.
    const byContract = ["market.endMandate", "registry.seal", "market.post", "market.moveGrams"];
    const beforeTheSeal = ["market.connect"];
    // The token manager's own: only it may call, and only to hand the contract to another manager.
    const managed = ["market", "registry", "delivery", "carbonCredit"].map((one) => `${one}.setAuthority`);
    const found: string[] = [];
    for (const [target, contract] of [
      ["market", market],
      ["registry", registry],
      ["delivery", delivery],
      ["carbonCredit", carbonCredit],
    ] as const) {
      for (const fragment of contract.interface.fragments) {
        if (fragment.type !== "function") continue;
        const method = contract.interface.getFunction(fragment.format("sighash").replace(/^function /, ""));
        if (method === null || method.constant) continue;
        const name = `${target}.${method.name}`;
        found.push(name);
        const role = await authority.getFunction("getTargetFunctionRole").staticCall(contract.target, method.selector);
        const expected = roleOf.get(name);
        // Role 0 is the admin's: what has no rule is either not restricted at all or nobody's but its.
        expect(role, name).to.equal(expected === undefined ? 0n : ROLES[expected]);
      }
    }
    expect(found.toSorted()).to.deep.equal(
      [
        ...roleOf.keys(),
        ...open,
        ...wallets,
        ...holders,
        ...recoverers,
        ...byContract,
        ...beforeTheSeal,
        ...managed,
      ].toSorted(),
    );
    expect(new Set(Object.values(ROLES)).size).to.equal(Object.keys(ROLES).length);
  });

  it("threat: governance capture: who holds one role cannot use another's", async () => {
    const world = await createWorld({ prosumers: 1, dollars: 0 });
    const signers = await world.connection.ethers.getSigners();
    const roles = Object.fromEntries(
      await Promise.all(Object.keys(ROLES).map(async (role, k) => [role, await signers[k + 1].getAddress()])),
    );
    const deployed = await deployAll(world.admin, { roles });
    const bare = { ...contracts(deployed, world.admin), ...deliveryContracts(deployed, world.admin) };
    const { authority } = bare;
    for (const rule of RULES) {
      for (const [k, role] of Object.keys(ROLES).entries()) {
        for (const method of rule.functions) {
          const contract = bare[rule.target];
          const selector = contract.interface.getFunction(method)?.selector;
          const caller = await signers[k + 1].getAddress();
          const [immediate] = (await authority
            .getFunction("canCall")
            .staticCall(caller, contract.target, selector)) as [boolean];
          expect(immediate, `${role} calls ${method}`).to.equal(role === rule.role);
        }
      }
    }
  });
});

describe("threats of a signature", () => {
  // The order of the curve; half of it is the largest s that is no malleable twin.
  const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  // The base point's x: with it as r, any s and any digest are somebody's signature.
  const R = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n;

  it("threat: signature malleability: s up to half the order is taken, one more is refused", async () => {
    const world = await createWorld({ prosumers: 1, dollars: 0 });
    const harness = await deploy(world.admin, "QuorumHarness");
    const digest = `0x${"5a".repeat(32)}`;
    const check = async (s: bigint): Promise<string> => {
      const signature = `${toBeHex(R, 32)}${toBeHex(s, 32).slice(2)}`;
      const key = await harness.getFunction("recover").staticCall(digest, toBeHex(R, 32), toBeHex(s, 32));
      expect(BigInt(key)).to.not.equal(0n);
      return harness
        .getFunction("check")
        .staticCall(key, digest, signature)
        .then(
          () => "accepted",
          async (error) => (await refusalOf(harness, Promise.reject(error))).predicate,
        );
    };
    expect(await check(ORDER / 2n - 1n)).to.equal("accepted");
    expect(await check(ORDER / 2n)).to.equal("accepted");
    expect(await check(ORDER / 2n + 1n)).to.equal("badSignature");
    expect(await check(2n ** 255n - 1n)).to.equal("badSignature");
  });
});

describe("what is written about threats and errors", () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const suites = [
    ...readdirSync(new URL(".", import.meta.url)).map((name) => `test/contracts/${name}`),
    "contracts/test/Market.t.sol",
    "offchain-solver/net/tls/tlsAttacks.test.ts",
    "offchain-solver/net/nats/natsAttacks.test.ts",
    "test/networkFuzz.test.ts",
    "test/contracts/deliveryRoles.ts",
    "offchain-solver/node/api.test.ts",
    "offchain-solver/node/journal/journal.test.ts",
    "test/devnet.test.ts",
    "test/laterDelivery.test.ts",
    "offchain-solver/codec/plans.test.ts",
    "test/refusals.test.ts",
    "test/agentHosts.test.ts",
    "offchain-solver/node/session/conductorMembers.test.ts",
    "test/meterMessages.test.ts",
    "test/activations.test.ts",
    "offchain-solver/metering/entry.test.ts",
    "test/explainedBills.test.ts",
  ];

  it("every threat of docs/threats.md names tests that exist", () => {
    const rows = read("docs/threats.md")
      .split("\n")
      .filter((line) => /^\| [^|]+ \| `/.test(line));
    expect(rows.length).to.be.at.least(20);
    for (const row of rows) {
      const [, file, title] = /\| `([^`]+)` \| (.+) \|$/.exec(row) ?? [];
      expect(suites, row).to.include(file);
      expect(read(file).includes(title.replaceAll("`", "")), `${file}: ${title}`).to.equal(true);
    }
  });

  it("the table of roles names every function that a role may call, beside that role", () => {
    const rows = read("docs/threats.md")
      .split("\n")
      .map((line) => /^\| ([A-Z]+) \| ([^|`]+) \| (yes|no) \|/.exec(line))
      .filter((row) => row !== null);
    const written = rows.flatMap(([, role, functions]) =>
      functions.split(", ").map((name) => `${role} ${name.trim()}`),
    );
    const ruled = RULES.flatMap(({ role, functions }) => functions.map((one) => `${role} ${one.split("(")[0]}`));
    expect(written.filter((name) => !name.startsWith("ADMIN ")).toSorted()).to.deep.equal(ruled.toSorted());
  });

  it("every custom error of the interfaces is expected by a test", () => {
    const errors = ["ISettlementErrors", "IMarket", "IMarketPosting", "IRegistry", "IDelivery", "ICarbonCredit"]
      .map((name) => read(`contracts/interfaces/${name}.sol`))
      .concat(read("contracts/libraries/CodeBlob.sol"))
      .flatMap((source) => [...source.matchAll(/^\s*error (\w+)\(/gm)].map(([, name]) => name));
    expect(errors.length).to.be.greaterThan(50);
    const tests = suites
      .filter((path) => path.endsWith(".ts"))
      .map(read)
      .join("\n");
    const missing = errors.filter((name) => !tests.includes(`"${name[0].toLowerCase()}${name.slice(1)}"`));
    expect(missing).to.deep.equal([]);
  });
});
