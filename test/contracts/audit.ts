import { expect } from "chai";
import type { Wallet } from "ethers";
import { judge, type Context } from "../../offchain-solver/auditor/judge.ts";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import { readSessions } from "../../offchain-solver/chain/events.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { marketDomain, packSignatures } from "../../offchain-solver/codec/typedData.ts";
import type { ClearingResult, Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { audited } from "../support/audited.ts";
import { batch, generator, positionsOf } from "../support/batches.ts";
import { BUNDLE, START, createWorld, freeze, type Frozen, refusalOf, sign, type World } from "../support/world.ts";

const ALL = (world: World): number[] => world.committee.map((_, bit) => bit);

function contextOf(world: World, frozen: Frozen): Context {
  return {
    domain: marketDomain(world.deployment.chainId, world.deployment.market),
    terms: frozen.terms,
    committee: world.committee.map((id) => world.nodeKeys.get(id)?.address as string),
    ledger: frozen.ledger,
    state: "open",
  };
}

describe("what the market refuses, the auditor refuses", () => {
  let world: World;
  let frozen: Frozen;
  let result: ClearingResult;
  const periods = 2;

  before(async () => {
    world = await createWorld({
      prosumers: 6,
      reference: true,
      mandate: (id) => (id === 103 ? { maxBuy: 150_000n, minSell: 1_000n, nonce: 7n } : {}),
    });
    frozen = await freeze(world, periods);
    result = batch({ ids: world.ids, periods, energy: 5, reserve: 2, carbon: 2, systems: true }, generator(3));
    const without2 = result.trades.filter(
      ({ seller, buyer, product }) => seller !== 2 && buyer !== 2 && product !== "network",
    );
    const position = positionsOf(without2, world.ids.length, periods)[0][0];
    const charge: Trade = {
      seller: 0xfffe,
      buyer: 0,
      product: "network",
      period: 0,
      quantity: Math.abs(position),
      price: 700,
    };
    result = { ...result, trades: [charge, ...without2] };
  });

  /** The predicate on chain and in the auditor's judgement, for a batch signed by the whole committee. */
  async function refusals(payload: Uint8Array, bits = ALL(world)): Promise<[string, string]> {
    const { signers, signatures } = packSignatures(await sign(world, frozen, payload, bits));
    const call = world.contracts.market.getFunction("settle").staticCall(payload, BUNDLE, signers, signatures);
    const onChain = await refusalOf(world.contracts.market, call);
    const { verdict } = judge(contextOf(world, frozen), {
      payload,
      bundleHash: BUNDLE,
      signers,
      signatures,
      settledAt: 0n,
    });
    return [onChain.predicate, verdict.kind === "invalid" ? verdict.predicate : verdict.kind];
  }

  const withTrades = (trades: readonly Trade[]): Uint8Array => {
    const sorted = [...trades].sort((a, b) => Payload.tradeKey(a) - Payload.tradeKey(b));
    return Payload.encode(Payload.fromResult({ ...result, trades: sorted }), periods);
  };

  it("a purchase above one prosumer's mandate", async () => {
    const outside: Trade = { seller: 0xffff, buyer: 2, product: "energy", period: 1, quantity: 10, price: 150_001 };
    expect(await refusals(withTrades([...result.trades, outside]))).to.deep.equal([
      "energyMoneyBeyondMandate",
      "energyMoneyBeyondMandate",
    ]);
  });

  it("a sale below one prosumer's mandate once the network charge is counted", async () => {
    const sale: Trade = { seller: 2, buyer: 0, product: "energy", period: 1, quantity: 10, price: 1_500 };
    const charge: Trade = { seller: 0xfffe, buyer: 2, product: "network", period: 1, quantity: 10, price: 501 };
    expect(await refusals(withTrades([...result.trades, sale, charge]))).to.deep.equal([
      "energyMoneyBeyondMandate",
      "energyMoneyBeyondMandate",
    ]);
  });

  it("a position that does not balance with its network charge", async () => {
    const at = result.trades.findIndex(({ product, period }) => product === "network" && period < periods);
    const trades = result.trades.map((trade, i) => (i === at ? { ...trade, quantity: trade.quantity + 1 } : trade));
    expect(await refusals(withTrades(trades))).to.deep.equal(["networkMismatch", "networkMismatch"]);
  });

  it("trades that are not sorted, and a trade posted twice", async () => {
    const encode = (trades: readonly Trade[]): Uint8Array =>
      Payload.encode(Payload.fromResult({ ...result, trades }), periods);
    expect(await refusals(encode(result.trades.toReversed()))).to.deep.equal([
      "tradesNotAscending",
      "tradesNotAscending",
    ]);
    expect(await refusals(encode([result.trades[0], ...result.trades]))).to.deep.equal([
      "tradesNotAscending",
      "tradesNotAscending",
    ]);
  });

  it("a quorum less one, whichever members are missing", async () => {
    const payload = withTrades(result.trades);
    expect(world.committee.length).to.equal(7);
    for (const bits of [
      [0, 1, 2, 3],
      [3, 4, 5, 6],
      [0, 2, 4, 6],
    ]) {
      expect(await refusals(payload, bits)).to.deep.equal(["quorumNotReached", "quorumNotReached"]);
    }
  });

  it("a batch that is replayed, late, or of a session before", async () => {
    const payload = withTrades(result.trades);
    const { signers, signatures } = packSignatures(await sign(world, frozen, payload));
    const settle = () => world.contracts.market.getFunction("settle").staticCall(payload, BUNDLE, signers, signatures);
    const ok = judge(contextOf(world, frozen), {
      payload,
      bundleHash: BUNDLE,
      signers,
      signatures,
      settledAt: frozen.terms.deadline,
    });
    expect(ok.verdict.kind).to.equal("valid");
    await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));

    expect((await refusalOf(world.contracts.market, settle())).predicate).to.equal("noOpenSession");
    const settled = { ...contextOf(world, frozen), state: "settled" as const };
    expect(judge(settled, { payload, bundleHash: BUNDLE, signers, signatures, settledAt: 0n }).verdict).to.include({
      predicate: "noOpenSession",
    });

    const next = await freeze(world, periods, { start: START + 86_400 });
    expect((await refusalOf(world.contracts.market, settle())).predicate).to.equal("badSignature");
    expect(
      judge(contextOf(world, next), { payload, bundleHash: BUNDLE, signers, signatures, settledAt: 0n }).verdict,
    ).to.include({
      predicate: "badSignature",
    });

    await world.connection.networkHelpers.time.increaseTo(next.terms.deadline + 1n);
    expect((await refusalOf(world.contracts.market, settle())).predicate).to.equal("deadlinePassed");
    const late = judge(contextOf(world, next), {
      payload,
      bundleHash: BUNDLE,
      signers,
      signatures,
      settledAt: next.terms.deadline + 1n,
    });
    expect(late.verdict).to.include({ predicate: "deadlinePassed" });
  });
});

describe("an auditor that starts from the deployment block", () => {
  it("finds every settled session valid, voided ones skipped, and the ledger equal to the trades", async () => {
    const world = await createWorld({ prosumers: 4, reference: true });
    const { provider } = world;
    for (const [day, settles] of [true, false, true, true].entries()) {
      const frozen = await freeze(world, 2, { start: START + 86_400 * day, open: 600 });
      if (!settles) {
        await world.connection.networkHelpers.time.increaseTo(frozen.terms.deadline + 1n);
        continue;
      }
      const result = batch(
        { ids: world.ids, periods: 2, energy: 4, reserve: 1, carbon: 2, systems: true },
        generator(20 + day),
      );
      const payload = Payload.encode(Payload.fromResult(result), 2);
      await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));
      await Onboarding.fund(world.deployment, world.admin, 102, 5_000_000n);
    }
    const wallet = (world.wallets.get(101) as Wallet).connect(provider);
    await world.admin.sendTransaction({ to: wallet.address, value: 10n ** 18n });
    await Chain.send(Chain.contracts(world.deployment, wallet).market, "requestWithdrawal", 101, 1_000_000n);
    const { market, block } = world.deployment;
    const { sessions, standing } = await audited(provider, market, block, { reference: true });
    expect(standing).to.deep.equal({ kind: "valid" });
    expect(sessions.map(({ sequence, ordinal, verdict }) => [sequence, ordinal, verdict.kind])).to.deep.equal([
      [1n, 1n, "valid"],
      [2n, 3n, "valid"],
      [3n, 4n, "valid"],
    ]);
    const read = await readSessions(world.deployment, provider, world.deployment.block);
    expect(read.map(({ batch }) => batch)).to.deep.equal(sessions.map(({ batch }) => batch));
  });

  it("is undecided, and says what is missing, when it starts too late", async () => {
    const world = await createWorld({ prosumers: 4, reference: true });
    const frozen = await freeze(world, 1);
    const payload = Payload.encode(
      Payload.fromResult(batch({ ids: world.ids, periods: 1, energy: 3 }, generator(5))),
      1,
    );
    const { block } = await Session.postAndSettle(
      world.deployment,
      world.admin,
      payload,
      BUNDLE,
      await sign(world, frozen, payload),
    );
    const { provider } = world;
    const { sessions } = await audited(provider, world.deployment.market, block, { reference: true });
    const [session] = sessions;
    expect(session.verdict).to.deep.equal({ kind: "undecided", missing: "the event that froze the session" });
  });
});
