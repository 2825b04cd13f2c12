import { expect } from "chai";
import { keccak256 } from "ethers";
import { bundlesOf } from "../offchain-solver/auditor/bundles.ts";
import { checkAllTold, checkDelivery } from "../offchain-solver/auditor/deliveries.ts";
import type { Audited } from "../offchain-solver/auditor/audit.ts";
import type { Verdict } from "../offchain-solver/auditor/verdict.ts";
import { certifySession, judgeWitness, type SettledSession } from "../offchain-solver/auditor/witness.ts";
import { canonicalBytes } from "../offchain-solver/codec/canonicalJson.ts";
import { termsHash } from "../offchain-solver/codec/terms.ts";
import { marketDomain, sessionHash } from "../offchain-solver/codec/typedData.ts";
import { bundleHash, signRegret, type Witness } from "../offchain-solver/codec/witness.ts";
import type { FrozenLimits } from "../offchain-solver/codec/typedData.ts";
import { presetLimits } from "../offchain-solver/ledger/mandatePreset.ts";
import { turnoverOf } from "../offchain-solver/market/result/certificate.ts";
import { DESK_ID, UTILITY_ID } from "../offchain-solver/chain/onboarding.ts";
import { contracts, deliveryContracts } from "../offchain-solver/chain/deployment.ts";
import { INSURANCE_ID } from "../offchain-solver/ledger/posting.ts";
import { devnetKey } from "../offchain-solver/devnet/devnetKeys.ts";
import { SYSTEM_IDS } from "../offchain-solver/devnet/steps/load.ts";
import type { ClearingResult } from "../offchain-solver/market/result/clearingResult.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import type { DeliveryJson, MetersJson } from "../offchain-solver/records/deliveryJson.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { embeddedDevnet, type Chain } from "../offchain-solver/devnet/embedded.ts";
import type { SessionOutcome } from "../offchain-solver/devnet/outcome.ts";
import { runSession } from "../offchain-solver/devnet/session.ts";
import { disagreements } from "../offchain-solver/devnet/steps/settle.ts";

type Open = Witness["terms"]["scenario"];
const inScenario = (witness: Witness, edit: (scenario: Open) => Open): Witness => ({
  ...witness,
  terms: { ...witness.terms, scenario: edit(witness.terms.scenario) },
});
const narrow = (feeder: Open["feeder"]): Open["feeder"] => ({
  ...feeder,
  branches: feeder.branches.map((branch) => ({ ...branch, ratingMva: 0.1 })),
});

describe("a session, end to end on the embedded devnet", function () {
  this.timeout(300_000);
  let outcome: SessionOutcome;
  let result: ClearingResult;
  /** What the chain says at the end of each account, and how many credits its wallet holds. */
  const accounts = new Map<number, { deposit: bigint; paidIn: bigint; held: bigint; carbon: bigint }>();
  const credits = new Map<number, bigint>();
  let grams: { total: bigint; issued: bigint };

  async function readAccounts(chain: Chain): Promise<void> {
    const { market } = contracts(outcome.deployment, chain.provider);
    const { carbonCredit } = deliveryContracts(outcome.deployment, chain.provider);
    const logs = async (name: string) =>
      (await market.queryFilter(name, 0)).map((log) => market.interface.parseLog(log)!.args);
    const paid = await logs("Deposited");
    for (const id of [...outcome.scenario.prosumers.map((one) => one.id), INSURANCE_ID, ...SYSTEM_IDS]) {
      const { deposit, held, heldBefore, carbon } = await market.getFunction("account").staticCall(id);
      const paidIn = paid.filter((one) => Number(one.id) === id).reduce((sum, { nano }) => sum + nano, 0n);
      accounts.set(id, { deposit, paidIn, held: held + heldBefore, carbon });
    }
    for (const { prosumer, asset } of outcome.delivery!.delivery.credits!) {
      const wallet = devnetKey("wallet", prosumer).address;
      credits.set(prosumer, await carbonCredit.getFunction("balanceOf").staticCall(wallet, asset));
    }
    const issued = (await logs("AllowancesIssued")).reduce((sum, one) => sum + one.grams, 0n);
    grams = { total: await market.getFunction("totalGrams").staticCall(), issued };
  }

  before(async () => {
    const scenario = takeHours(loadScenario("ieee15"), 3);
    const devnet = await embeddedDevnet(scenario.startUtc);
    try {
      outcome = await runSession(
        scenario,
        { method: "anderson", market: defaultSettings(scenario), trade: true, rhoScale: 1, maxIterations: 2000 },
        devnet,
        () => undefined,
      );
      await readAccounts(devnet);
    } finally {
      await devnet.close();
    }
    result = outcome.batch.result;
  });

  it("is signed by every node, settled, and found valid from chain data and its witness", () => {
    expect(outcome.verified).to.equal(15);
    expect(outcome.audited.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
    expect(outcome.standing).to.deep.equal({ kind: "valid" });
  });

  describe("its delivery", () => {
    let found: Audited;
    before(() => (found = outcome.found));
    type Documents = { delivery: DeliveryJson; meters: MetersJson };
    const verdictOf = (edit: (documents: Documents) => void): Verdict => {
      const { delivery, meters } = structuredClone(outcome.delivery!);
      edit({ delivery, meters });
      const [session] = outcome.audited;
      return checkDelivery(delivery, meters, { session, witness: outcome.witness, found });
    };

    it("is made again from the chain and what meters and nodes signed, to the last unit", () => {
      expect(outcome.delivery!.verdict).to.deep.equal({ kind: "valid" });
      expect(verdictOf(() => undefined)).to.deep.equal({ kind: "valid" });
      const { members, systems } = outcome.delivery!.delivery;
      const sum = [...members, ...systems].reduce((all, { movedNano }) => all + BigInt(movedNano), 0n);
      expect(sum).to.equal(0n);
      expect(members.some(({ calledWh }) => calledWh.some((wh) => Math.abs(wh) > 1000))).to.equal(true);
    });

    it("is entered on chain: each account has what it paid in, what settled and what was delivered, and nothing is held", () => {
      const { members, systems, entered, kind } = outcome.delivery!.delivery;
      expect([entered?.entry, kind, entered?.delivery]).to.deep.equal([1, "final", outcome.deployment.delivery]);
      expect(entered?.gasUsed).to.be.above(100_000);
      const systemIds = { insurance: INSURANCE_ID, desk: DESK_ID, utility: UTILITY_ID };
      const moved = new Map<number, bigint>([
        ...members.map(({ id, movedNano }) => [id, BigInt(movedNano)] as const),
        ...systems.map(({ account, movedNano }) => [systemIds[account], BigInt(movedNano)] as const),
      ]);
      expect([...moved.values()].some((nano) => nano !== 0n)).to.equal(true);
      for (const [id, { deposit, paidIn, held }] of accounts) {
        const settled = outcome.settled.deltas.find((delta) => delta.id === id)?.money ?? 0n;
        expect(deposit, `account ${id}`).to.equal(paidIn + settled + (moved.get(id) ?? 0n));
        if (id < INSURANCE_ID) expect(held, `held of ${id}`).to.equal(0n);
      }
    });

    it("issues a credit for each Wh that a meter measured renewable, and surrenders an allowance for each gram emitted", () => {
      const { members, carbon } = outcome.delivery!.delivery;
      const sun = new Map(members.map(({ id, renewableWh }) => [id, renewableWh.reduce((sum, wh) => sum + wh, 0)]));
      const generated = [...sun].filter(([, wh]) => wh > 0).map(([id, wh]) => [id, BigInt(wh)]);
      expect(generated.length).to.be.above(2);
      expect([...credits]).to.deep.equal(generated);
      // What was issued is held by somebody or has been surrendered, and surrendered is what was emitted.
      const held = [...accounts.values()].reduce((sum, account) => sum + account.carbon, 0n);
      expect([held, grams.issued - held]).to.deep.equal([grams.total, BigInt(carbon.emissionsG)]);
    });

    it("is refused where any figure of a member, of the prices or of a sum is another", () => {
      const changed = (value: unknown): unknown =>
        typeof value === "number"
          ? value + 1
          : typeof value === "boolean"
            ? !value
            : value === "measured"
              ? "estimated"
              : `${String(value).slice(0, -1)}${String(value).endsWith("0") ? "1" : "0"}`;
      /** Every way to a figure. */
      const leaves = (value: unknown, path: readonly (string | number)[]): (string | number)[][] =>
        typeof value === "object" && value !== null
          ? Object.entries(value).flatMap(([key, inner]) => (key === "0" ? [] : leaves(inner, [...path, key])))
          : [[...path]];
      const { members, prices, systems, carbon, ...rest } = outcome.delivery!.delivery;
      const {
        kind: _kind,
        multiple: _multiple,
        shortfall: _shortfall,
        entered: _entered,
        credits: _credits,
        ...top
      } = rest;
      const paths = [
        ...leaves(members[1], ["members", 1]),
        ...leaves(prices[2], ["prices", 2]),
        ...systems.map((_, k) => ["systems", k, "movedNano"]),
        ...leaves(carbon, ["carbon"]),
        ...leaves(top, []),
      ];
      expect(paths.length).to.be.above(35);
      // Gas is what a node says of a receipt.
      for (const path of paths.filter((one) => one.at(-1) !== "gasUsed")) {
        const verdict = verdictOf(({ delivery }) => {
          let at = delivery as unknown as Record<string, unknown>;
          for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
          at[path.at(-1)!] = changed(at[path.at(-1)!]);
        });
        expect(verdict.kind, path.join(".")).to.equal("invalid");
      }
    });

    it("is refused where it tells of more periods than there were", () => {
      const surplus: Record<string, (delivery: DeliveryJson) => readonly unknown[]> = {
        prices: ({ prices }) => prices,
        ...Object.fromEntries(
          (["promisedWh", "calledWh", "undeliveredW", "meteredWh", "renewableWh", "quality"] as const).map((name) => [
            name,
            ({ members }: DeliveryJson) => members[1][name],
          ]),
        ),
      };
      for (const [name, values] of Object.entries(surplus)) {
        const verdict = verdictOf(({ delivery }) => {
          const all = values(delivery) as unknown[];
          all.push(typeof all[0] === "number" ? 0 : all[0]);
        });
        expect(verdict.kind, name).to.equal("invalid");
      }
    });

    it("is refused where a meter's file or a node's statement is another than was signed", () => {
      const spoilt: readonly [predicate: string, edit: (documents: Documents) => void][] = [
        ["meterNotSigned", ({ meters: { meters } }) => meters[0].meteredWh[1]++],
        ["meterNotSigned", ({ meters: { meters } }) => meters[0].renewableWh[1]++],
        ["meterNotSigned", ({ meters: { meters } }) => (meters[0].quality[0] = "estimated")],
        ["meterNotSigned", ({ meters: { meters } }) => meters[0].number++],
        ["meterNotSigned", ({ meters: { meters } }) => (meters[0].signature = meters[1].signature)],
        ["meterNotSigned", ({ meters }) => (meters.delivery = `0x${"11".repeat(20)}`)],
        ["meterTwice", ({ meters: { meters } }) => meters.push(meters[0])],
        ["meterOfOtherPeriods", ({ meters: { meters } }) => (meters[0].start += 3600)],
        ["meterOfOtherPeriods", ({ meters: { meters } }) => meters[0].meteredWh.pop()],
        ["activationNotSigned", ({ meters: { activations } }) => activations[1].plannedWh[0]++],
        ["activationNotSigned", ({ meters: { activations } }) => activations[1].generatedWh[0]++],
        ["activationNotSigned", ({ meters: { activations } }) => activations[1].generatedWh.pop()],
        ["activationTwice", ({ meters: { activations } }) => activations.push(activations[0])],
        ["statementTwice", ({ meters: { statements } }) => statements.push(statements[0])],
        ["connectionTwice", ({ meters: { connections } }) => connections.push(connections[0])],
        ["statementNotSigned", ({ meters: { statements } }) => statements[1].generatorG++],
        // Left out, they are missing: other readings than those that were reckoned with.
        ["readingsNotTheMeters", ({ meters: { meters } }) => meters.shift()],
        ["readingsNotTheMeters", ({ meters: { activations } }) => activations.splice(1, 1)],
        ["readingsNotTheMeters", ({ meters: { statements } }) => statements.splice(1, 1)],
        ["otherChain", ({ meters }) => meters.chainId++],
        ["connectionsNotTheChain", ({ meters: { connections } }) => connections.shift()],
        ["connectionsNotTheChain", ({ meters: { connections } }) => (connections[0].takeW = 1)],
        ["entryNotOnChain", ({ delivery }) => (delivery.entered!.entry = 2)],
        ["entryNotTheChain", ({ delivery }) => (delivery.reason = "it looked better")],
      ];
      for (const [predicate, edit] of spoilt) {
        const verdict = verdictOf((documents) => void edit(documents));
        expect(verdict.kind === "invalid" && verdict.predicate, predicate).to.equal(predicate);
      }
    });
  });

  describe("told by a folder", () => {
    const judged = () => ({ session: outcome.audited[0], witness: outcome.witness, found: outcome.found });

    it("is undecided, not invalid, where somebody's credits are not in it", () => {
      const { delivery } = outcome.delivery!;
      const { session, found } = judged();
      expect(checkAllTold([delivery], session, found)).to.deep.equal({ kind: "valid" });
      const earlier = { ...delivery, credits: delivery.credits!.slice(1) };
      expect(checkAllTold([earlier], session, found).kind).to.equal("undecided");
    });

    it("is undecided where it lacks an entry, and invalid where it contradicts one", () => {
      const { delivery, meters } = structuredClone(outcome.delivery!);
      const { session, found } = judged();
      expect(checkAllTold([], session, found)).to.deep.equal({
        kind: "undecided",
        missing: `the document of entry 1 (final) of batch ${session.batch}, which is on chain`,
      });
      // From before it came on chain: the same readings, and nothing of where they were entered.
      const { entered: _, ...before } = delivery;
      const early = checkDelivery(before, meters, judged());
      expect(early.kind === "undecided" && early.missing).to.include("where entry 1 of batch");
      const [entry] = found.entries;
      const other = { ...found, entries: [{ ...entry, readingsHash: keccak256("0x12") }] };
      expect(checkDelivery(before, meters, { ...judged(), found: other })).to.include({
        ...{ kind: "invalid", predicate: "entryNotTheChain" },
      });
    });

    /** Nothing is entered, so that no figure is the chain's. */
    const reckoned = (edit: (delivery: DeliveryJson) => void): Verdict => {
      const { delivery, meters } = structuredClone(outcome.delivery!);
      delete delivery.entered;
      edit(delivery);
      return checkDelivery(delivery, meters, { ...judged(), found: { ...outcome.found, entries: [] } });
    };

    it("is refused where arrears, cuts or a shortfall are invented", () => {
      const lies: ((delivery: DeliveryJson) => void)[] = [
        ({ members }) => Object.assign(members[1], { arrearsNano: 1e12, cutNano: 1e12 }),
        ({ members, shortfall }) => {
          Object.assign(members[1], { arrearsNano: 1e12, cutNano: 1e12 });
          Object.assign(shortfall, { byFundNano: 999e9, byReceiversNano: 7 });
        },
        ({ shortfall }) => (shortfall.byReceiversNano = 1),
        // What is due stays as it is, and is said to be for something else.
        ({ members }) => {
          members[1].parts.shortNano -= 7;
          members[1].parts.boundNano += 7;
        },
        ({ members }) => {
          members[1].parts.responsesNano -= 7;
          members[1].parts.longNano += 7;
        },
        ({ members }) => {
          members[1].parts.allowancesNano -= 7;
          members[1].parts.boundNano += 7;
        },
        ({ systems, shortfall }) => {
          systems.find(({ account }) => account === "desk")!.movedNano += 1e15;
          systems.find(({ account }) => account === "utility")!.movedNano -= 1e15;
          shortfall.byReceiversNano = 1;
        },
      ];
      for (const lie of lies) expect(reckoned(lie)).to.include({ kind: "invalid", predicate: "billNotTheReadings" });
    });
  });

  it("has a delivery that is judged by what its files say of connections where nothing was entered", () => {
    const { delivery, meters } = structuredClone(outcome.delivery!);
    delete delivery.entered;
    const [session] = outcome.audited;
    const found = { ...outcome.found, entries: [] };
    const judged = { session, witness: outcome.witness, found };
    expect(checkDelivery(delivery, meters, judged)).to.deep.equal({ kind: "valid" });
    const less = { ...meters, connections: meters.connections.slice(1) };
    expect(checkDelivery(delivery, less, judged)).to.include({ kind: "invalid", predicate: "noConnection" });
    // What a meter read beyond its connection counts as what that carries, so other readings were to be entered.
    meters.connections[0].takeW = 1;
    expect(checkDelivery(delivery, meters, judged)).to.include({ kind: "invalid", predicate: "readingsNotTheMeters" });
  });

  it("moves on chain exactly what the result says, and nothing in sum", () => {
    expect(disagreements(result, outcome.settled)).to.deep.equal([]);
    expect(outcome.settled.deltas.reduce((sum, d) => sum + d.money, 0n)).to.equal(0n);
    expect(outcome.settled.deltas.reduce((sum, d) => sum + d.carbon, 0n)).to.equal(0n);
  });

  it("has regrets that certify the optimum to 1e-5", () => {
    const total = outcome.witness.regrets.reduce((sum, r) => sum + Number(r.regretNano), 0);
    expect(total).to.be.at.most(
      1e-5 * 1e9 * turnoverOf({ scenario: outcome.witness.terms.scenario, prosumers: [] }, result).gross,
    );
  });

  const judge = (edit: (witness: Witness) => Witness, changed: ClearingResult = result) => {
    const { payload, nodeKeys, terms } = outcome.audited[0];
    const { chainId, market } = outcome.deployment;
    const about = { session: sessionHash(terms!), payload: keccak256(payload!) };
    return judgeWitness({ domain: marketDomain(chainId, market), ...about, nodeKeys }, changed, edit(outcome.witness));
  };

  it("is found invalid, with the predicate's name, when its witness lies", () => {
    const cases: [string, (w: Witness) => Witness][] = [
      ["witnessOfAnotherBatch", (w) => ({ ...w, session: `0x${"11".repeat(32)}` })],
      ["witnessOfAnotherBatch", (w) => ({ ...w, payload: `0x${"11".repeat(32)}` })],
      ["nodalPriceUnsupported", (w) => ({ ...w, limits: w.limits.slice(1) })],
      [
        "nodalPriceUnsupported",
        (w) => ({ ...w, limits: w.limits.map((l) => ({ ...l, multiplier: l.multiplier.map((m) => 2 * m) })) }),
      ],
      ["outsideNetworkLimit", (w) => inScenario(w, (s) => ({ ...s, feeder: narrow(s.feeder) }))],
    ];
    expect(judge((w) => w)).to.deep.equal({ kind: "valid" });
    for (const [predicate, edit] of cases) expect(judge(edit), predicate).to.include({ kind: "invalid", predicate });
  });

  it("is uncertified by whose regret is missing, signed by nobody or for another batch, and valid all the same", async () => {
    const [first, ...others] = outcome.witness.regrets;
    const { chainId, market } = outcome.deployment;
    const signed = async (regretNano: bigint, payload = outcome.witness.payload, openNano = 0n) => {
      const claim = { session: outcome.witness.session, payload, prosumer: first.id, regretNano, openNano };
      const signature = await signRegret(marketDomain(chainId, market), devnetKey("node", first.id), claim);
      return { id: first.id, regretNano: regretNano.toString(), openNano: openNano.toString(), signature };
    };
    const cases: [string, Witness["regrets"]][] = [
      ["none", others],
      ["not what was signed", [{ ...first, regretNano: "0" }, ...others]],
      ["no signature", [{ ...first, signature: "0x12" }, ...others]],
      ["beyond what can be signed", [{ ...first, regretNano: `${2n ** 70n}` }, ...others]],
      ["late: of another batch", [await signed(0n, `0x${"11".repeat(32)}`), ...others]],
      ["absurd", [await signed(1_000_000n * 10n ** 9n), ...others]],
      ["negative", [await signed(-(10n ** 12n)), ...others]],
      ["open beyond belief", [await signed(0n, outcome.witness.payload, 10n ** 15n), ...others]],
      ["less than nothing open", [await signed(0n, outcome.witness.payload, -1n), ...others]],
    ];
    for (const [name, regrets] of cases)
      expect(
        judge((w) => ({ ...w, regrets })),
        name,
      ).to.deep.equal({ kind: "valid", uncertifiedBy: [first.id] });
  });

  it("is invalid where several claim that they could gain a tenth of what they traded", async () => {
    const { chainId, market } = outcome.deployment;
    const { session, payload } = outcome.witness;
    const regrets = await Promise.all(
      outcome.witness.regrets.map(async (claim, k) => {
        if (k > 1) return claim;
        const signature = await signRegret(marketDomain(chainId, market), devnetKey("node", claim.id), {
          session,
          payload,
          prosumer: claim.id,
          regretNano: 10n ** 12n,
          openNano: 0n,
        });
        return { ...claim, regretNano: `${10n ** 12n}`, openNano: "0", signature };
      }),
    );
    expect(judge((w) => ({ ...w, regrets }))).to.include({ kind: "invalid", predicate: "regretsTooLarge" });
  });

  /** The session as the chain tells it, with what the cases change. */
  const limits = new Map<number, FrozenLimits>();
  before(() => {
    const { market } = outcome.cleared;
    for (const { id } of market.prosumers) {
      const signed = presetLimits(market, id, 0n);
      limits.set(id, { ...signed, maxSpendPerDay: 10n ** 12n, validUntil: 2n ** 40n - 1n });
    }
  });
  const settled = (changed: Partial<SettledSession> = {}): SettledSession => {
    const { batch, payload, bundleHash: hash, gridModel, terms, nodeKeys } = outcome.audited[0];
    return { batch, payload, bundleHash: hash, gridModel, terms, nodeKeys, limits, ...changed } as SettledSession;
  };
  const domain = () => marketDomain(outcome.deployment.chainId, outcome.deployment.market);
  /** The verdict where a bundle was signed by its hash and this is published under it. */
  const published = async (witness: Witness | undefined, changed: Partial<SettledSession> = {}) => {
    const files = new Map(witness && [[changed.bundleHash ?? settled().bundleHash, canonicalBytes(witness)]]);
    return (await certifySession(settled(changed), bundlesOf(files), domain())).verdict;
  };

  it("is judged by no witness but the signed one, and no terms but the frozen ones", async () => {
    const other = inScenario(outcome.witness, (s) => ({ ...s, feeder: narrow(s.feeder) }));
    expect(await published(outcome.witness)).to.deep.equal({ kind: "valid" });
    expect(await published(undefined)).to.include({ kind: "undecided" });
    expect(await published(other)).to.include({ kind: "undecided" });
    // What a quorum that signs other terms than the frozen ones would publish.
    const signed = await published(other, { bundleHash: bundleHash(other) });
    expect(signed).to.include({ kind: "invalid", predicate: "otherTerms" });
  });

  it("is found invalid when what was signed as its witness is none", async () => {
    const { regrets: _, ...less } = outcome.witness;
    const signed = await published(less as Witness, { bundleHash: bundleHash(less as Witness) });
    expect(signed).to.include({ kind: "invalid", predicate: "malformedWitness" });
  });

  it("is found invalid when the frozen terms are unsound, of another feeder or horizon than the chain's", async () => {
    const judgeAs = (edit: (s: Open) => Open) => {
      const witness = inScenario(outcome.witness, edit);
      const terms = { ...settled().terms, termsHash: termsHash(witness.terms) };
      return published(witness, { terms, bundleHash: bundleHash(witness) });
    };
    expect(await judgeAs((s) => ({ ...s, feeder: narrow(s.feeder) }))).to.include({
      kind: "invalid",
      predicate: "witnessOfAnotherFeeder",
    });
    for (const edit of [{ startUtc: "2026-01-01T00:00:00Z" }, { periodHours: 0.5 }])
      expect(await judgeAs((s) => ({ ...s, ...edit }))).to.include({
        kind: "invalid",
        predicate: "witnessOfAnotherHorizon",
      });
    // Four hours more than any of its series have.
    expect(await judgeAs((s) => ({ ...s, hours: s.hours + 4 }))).to.include({
      kind: "invalid",
      predicate: "unsoundTerms",
    });
  });
});

describe("a session on a sparse trade graph", function () {
  this.timeout(300_000);

  // Agents lower their penalties there, and the witness' multipliers are scaled with them.
  it("is found valid, serial and on worker threads", async () => {
    const scenario = takeHours(loadScenario("ieee141"), 1);
    for (const workers of [1, 2]) {
      const devnet = await embeddedDevnet(scenario.startUtc);
      try {
        const { audited, witness } = await runSession(
          scenario,
          {
            method: "anderson",
            market: defaultSettings(scenario),
            trade: true,
            rhoScale: 1,
            maxIterations: 3000,
            workers,
          },
          devnet,
          () => undefined,
        );
        expect(witness.limits).not.empty;
        expect(audited.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
      } finally {
        await devnet.close();
      }
    }
  });
});
