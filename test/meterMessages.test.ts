/** What nodes tell each other of a day that is over, tampered with on its way; and a chain that takes an entry back. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ZeroHash, type Wallet } from "ethers";
import { checkDelivery } from "../offchain-solver/auditor/deliveries.ts";
import { verdictText } from "../offchain-solver/auditor/verdict.ts";
import * as ChainDelivery from "../offchain-solver/chain/delivery.ts";
import { lastEntry } from "../offchain-solver/chain/deliveryEntries.ts";
import { contracts } from "../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../offchain-solver/chain/onboarding.ts";
import { billedBy, makeBills } from "../offchain-solver/cli/bills.ts";
import { deliveryDomain } from "../offchain-solver/codec/deliveryData.ts";
import { quorumOf, sessionHash } from "../offchain-solver/codec/typedData.ts";
import { devnetKey } from "../offchain-solver/devnet/devnetKeys.ts";
import { embeddedDevnet, type OwnChain } from "../offchain-solver/devnet/embedded.ts";
import type { DoneSession, SessionOutcome } from "../offchain-solver/devnet/outcome.ts";
import { documentsFrom } from "../offchain-solver/devnet/processSession.ts";
import { promisedBy } from "../offchain-solver/devnet/steps/deliver.ts";
import { audit } from "../offchain-solver/devnet/steps/settle.ts";
import { signActivation, signReadings } from "../offchain-solver/metering/signed.ts";
import { Attestation } from "../offchain-solver/node/delivery/attestation.ts";
import { MeterRound } from "../offchain-solver/node/delivery/meterRound.ts";
import {
  decodeMeterMessage,
  encodeMeterMessage,
  type MeterMessage,
  type MeterMessageOf,
} from "../offchain-solver/node/delivery/meterMessages.ts";
import {
  asEntered,
  documentsOf,
  judgedBy,
  reckon,
  type Documents,
  type Promised,
  type Signed,
} from "../offchain-solver/node/delivery/reckoning.ts";
import { attesters, windowsOf, type Windows } from "../offchain-solver/node/delivery/windows.ts";
import { deliveryFolder, Records } from "../offchain-solver/node/records.ts";
import type { MetersJson } from "../offchain-solver/records/deliveryJson.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { settledAndMetered } from "./support/settledAndMetered.ts";

const HOUR = 3_600;
/** After every member's turn. */
const LATER_MS = 1e6;
type File = MetersJson["meters"][number];
type Statement = MetersJson["statements"][number];

describe("readings that nodes attest", function () {
  this.timeout(600_000);
  const scenario = { ...takeHours(populate(loadBase("ieee15"), 4, 1), 1), name: "street" };
  const ids = scenario.prosumers.map(({ id }) => id);
  const parties = [Onboarding.OPERATOR_ID, ...ids];
  const [victim, other] = ids;
  let chain: OwnChain & { readonly close: () => Promise<void> };
  let done: DoneSession;
  let promised: Promised;
  let asked: { readonly deployment: DoneSession["frozen"]["deployment"]; readonly provider: OwnChain["provider"] };
  let signed: Signed;
  let windows: Windows;
  let meters: MetersJson;
  let quorum: number;

  before(async () => {
    chain = await embeddedDevnet(scenario.startUtc);
    ({ done, signed } = await settledAndMetered(scenario, chain));
    asked = { deployment: done.frozen.deployment, provider: chain.provider };
    promised = promisedBy(done.frozen, done.batch, done.witness, done.settled);
    windows = await windowsOf(asked, promised.settled.terms);
    await chain.passTime(windows.opens + 1);
    const reckoned = await reckon(asked, promised, signed, { kind: "final" });
    meters = documentsOf(asked, promised, { kind: "final" }, reckoned, undefined).meters;
    const { members } = await attesters(asked, promised.settled.terms, windows, windows.opens);
    quorum = quorumOf(members.length);
  });
  after(() => chain?.close());

  const wired = <M extends MeterMessage>(message: M): M => decodeMeterMessage(encodeMeterMessage(message)) as M;
  const about = () => ({ session: sessionHash(promised.settled.terms), entry: 1 });
  const fileOf = (id: number): File => meters.meters.find(({ prosumer }) => prosumer === id)!;
  const attestationOf = (party: number): Attestation =>
    new Attestation(asked, promised, windows, { party, keys: { node: devnetKey("node", party) } });
  /** What the operator hands out. */
  const readings = (
    change: Partial<Pick<MetersJson, "activations" | "statements">> & {
      readonly files?: readonly File[];
      readonly closed?: boolean;
    },
    entry = 1,
  ): MeterMessageOf<"readings"> =>
    wired({
      ...{ kind: "readings", ...about(), entry, closed: change.closed ?? true },
      files: [...(change.files ?? meters.meters)],
      activations: change.activations ?? meters.activations,
      statements: change.statements ?? meters.statements,
    });
  const told = (id: number): MeterMessageOf<"metered"> =>
    wired({
      ...{ kind: "metered", ...about(), file: fileOf(id) },
      statement: meters.statements.find(({ prosumer }) => prosumer === id)!,
    });
  const digestOf = async (message: MeterMessageOf<"readings">, at: Attestation): Promise<string> => {
    const made = await at.attest(message, windows.opens);
    return made?.kind === "attested" ? made.message.digest : (made?.reason ?? "no seat");
  };
  const swapped = (file: File): File[] => meters.meters.map((one) => (one.prosumer === file.prosumer ? file : one));

  /** By what is done to it, the victim's file as a liar would hand it out. */
  const liesAbout = async (): Promise<ReadonlyMap<string, File>> => {
    const right = fileOf(victim);
    const domain = deliveryDomain(asked.deployment.chainId, asked.deployment.delivery!);
    const own = signed.files.find(({ readings: [one] }) => one.prosumer === victim)!;
    const by = async (key: Wallet, shift = 0) => {
      const moved = own.readings.map((one) => ({ ...one, start: one.start + shift }));
      return (await signReadings(domain, key, moved, own.number)).signature;
    };
    return new Map([
      ["a value is another", { ...right, meteredWh: right.meteredWh.map((wh) => wh - 1) }],
      ["renewable energy is more", { ...right, renewableWh: right.renewableWh.map((wh) => wh + 1) }],
      ["another meter's key signs", { ...right, signature: await by(devnetKey("meter", other) as Wallet) }],
      ["the node's key signs", { ...right, signature: await by(devnetKey("node", victim) as Wallet) }],
      [
        "it is of the hour before, signed as it is",
        { ...right, start: right.start - HOUR, signature: await by(devnetKey("meter", victim) as Wallet, -HOUR) },
      ],
      ["it is that of the hour before", { ...right, signature: await by(devnetKey("meter", victim) as Wallet, -HOUR) }],
      ["its number is raised", { ...right, number: right.number + 1 }],
      ["another's file takes its place", { ...fileOf(other), prosumer: victim }],
    ]);
  };

  it("are not what a liar makes of a meter's file: who has heard the meter signs nothing, who has not misses it", async () => {
    const missing = meters.meters.filter(({ prosumer }) => prosumer !== victim);
    const without = await digestOf(readings({ files: missing, closed: false }), attestationOf(other));
    const whole = await digestOf(readings({ closed: false }), attestationOf(other));
    expect(without).not.to.equal(whole);
    for (const [what, file] of await liesAbout()) {
      const lie = swapped(file);
      const heard = attestationOf(other);
      heard.heard(victim, told(victim));
      const left = `the file of prosumer ${victim} is left out`;
      expect(await digestOf(readings({ files: lie, closed: false }), heard), what).to.equal(left);
      expect(await digestOf(readings({ files: lie, closed: false }), attestationOf(other)), what).to.equal(without);
      const closed = await digestOf(readings({ files: lie }), attestationOf(other));
      expect(closed, what).to.equal("final before every value is measured");
    }
  });

  it("say of a value what its meter says: an estimate that is called measured is nobody's file", async () => {
    const domain = deliveryDomain(asked.deployment.chainId, asked.deployment.delivery!);
    const own = signed.files.find(({ readings: [one] }) => one.prosumer === victim)!;
    const guessed = own.readings.map((one) => ({ ...one, quality: "estimated" as const }));
    const { signature } = await signReadings(domain, devnetKey("meter", victim), guessed, 2);
    const estimate: File = { ...fileOf(victim), number: 2, quality: guessed.map(() => "estimated"), signature };
    const raised = { ...estimate, quality: guessed.map(() => "measured" as const) };
    const at = attestationOf(other);
    at.heard(victim, wired({ kind: "metered", ...about(), file: estimate }));
    expect(await digestOf(readings({ files: swapped(raised), closed: false }), at)).to.equal(
      `the file of prosumer ${victim} is left out`,
    );
    // The older one that says measured is no way around it either.
    expect(await digestOf(readings({ closed: false }), at)).to.equal(`the file of prosumer ${victim} is left out`);
    expect(await digestOf(readings({ files: swapped(estimate) }), at)).to.equal("final before every value is measured");
    expect(await digestOf(readings({ files: swapped(estimate), closed: false }), at)).to.match(/^0x/);
  });

  it("take no statement that its node has not signed of this batch, and leave none out", async () => {
    const [mine] = meters.statements.filter(({ prosumer }) => prosumer === victim);
    const rest = meters.statements.filter((one) => one !== mine);
    const without = await digestOf(readings({ statements: rest, closed: false }), attestationOf(other));
    const lies: Statement[] = [
      { ...mine, generatorG: mine.generatorG + 1 },
      { ...meters.statements.find(({ prosumer }) => prosumer === other)!, prosumer: victim },
    ];
    for (const lie of lies) {
      const statements = [...rest, lie];
      expect(await digestOf(readings({ statements, closed: false }), attestationOf(other))).to.equal(without);
      const heard = attestationOf(other);
      heard.heard(victim, told(victim));
      expect(await digestOf(readings({ statements, closed: false }), heard)).to.equal(
        `the statement of prosumer ${victim} is left out`,
      );
    }
  });

  it("count no plan but the one that its home committed to before the day", async () => {
    const { deployment } = asked;
    const domain = deliveryDomain(deployment.chainId, deployment.delivery!);
    const liar = signed.activations.find(({ plannedWh, generatedWh }) =>
      generatedWh.some((wh, t) => wh < plannedWh[t]),
    )!;
    const id = liar.prosumer;
    const { signature: _, ...honest } = liar;
    const reckonedOf = async (change: Partial<typeof honest>) => {
      const said = { ...honest, ...change };
      const lie = await signActivation(domain, devnetKey("node", id), promised.settled.batch, said);
      const activations = signed.activations.map((one) => (one === liar ? lie : one));
      return reckon(asked, promised, { ...signed, activations }, { kind: "final" });
    };
    const calledFor = ({ readings: { responses } }: Awaited<ReturnType<typeof reckon>>): number =>
      responses.reduce((sum, { calledWh }) => sum + Math.abs(calledWh), 0);
    const due = ({ bill, invited }: Awaited<ReturnType<typeof reckon>>): bigint =>
      bill.lines[invited.indexOf(id)].energy;
    const told = await reckonedOf({});
    expect(calledFor(told)).to.be.above(0);
    const found = await audit(done.frozen, [done.witness]);
    const session = found.sessions.find(({ batch }) => batch === done.settled.batch)!;
    const none = await reckonedOf({ salt: ZeroHash });
    for (const plannedWh of [
      // What came; a plan that has it short by all that it gave; one that calls for ever so much.
      honest.generatedWh,
      honest.plannedWh.map(() => 0),
      honest.plannedWh.map(() => 4e9),
    ]) {
      const made = await reckonedOf({ plannedWh });
      expect(made.entry.readings).to.deep.equal(none.entry.readings);
      expect(made.taken.refused).to.deep.equal([
        `activation of prosumer ${id}: its plan is not the one that it committed to`,
      ]);
      const { delivery, meters: files } = documentsOf(asked, promised, { kind: "final" }, made, undefined);
      const verdict = checkDelivery(delivery, files, { session, witness: done.witness, found });
      expect(verdictText(verdict)).to.equal("valid");
    }
    // Nor is there anything in keeping silent about it: whoever opens its plan is due no less.
    expect(due(told) >= due(none), `${due(told)} and ${due(none)}`).to.equal(true);
  });

  it("wait for no home for good that tells its members one thing and the operator another", async () => {
    const missing = meters.meters.filter(({ prosumer }) => prosumer !== victim);
    const domain = deliveryDomain(asked.deployment.chainId, asked.deployment.delivery!);
    const own = signed.files.find(({ readings: [one] }) => one.prosumer === victim)!;
    const numbered = async (number: number) => {
      const { signature } = await signReadings(domain, devnetKey("meter", victim), own.readings, number);
      return wired({ ...told(victim), file: { ...fileOf(victim), number, signature } });
    };
    const [first, second] = [await numbered(2), await numbered(3)];
    const at = attestationOf(other);
    at.heard(victim, first);
    const reason = `the file of prosumer ${victim} is left out`;
    for (let again = 0; again < 5; again++)
      expect(await at.attest(readings({ files: missing, closed: false }), windows.opens)).to.deep.equal({
        ...{ kind: "refused", reason, missed: first },
      });
    // The operator, who has an older one, is told of it and hands it out; by then there is another.
    const round = new MeterRound(
      {
        ...{ session: sessionHash(promised.settled.terms), entry: 1, over: false, invited: ids },
        ...{ operator: Onboarding.OPERATOR_ID, relayed: new Map([[victim, first]]), activations: new Map() },
        judgedBy: await judgedBy(asked, promised, undefined),
      },
      0,
    );
    round.hear(victim, { kind: "generated", ...about() }, 0);
    round.tick(20_000);
    const { statement: _kept, ...older } = told(victim);
    const sent = round.hear(victim, older, 20_000);
    const handed = wired(sent[0].message as MeterMessageOf<"readings">);
    expect([handed.files, handed.statements]).to.deep.equal([[first.file], [first.statement]]);
    at.heard(victim, second);
    const { activations, statements } = meters;
    const whole = { ...handed, files: [...missing, ...handed.files], activations, statements };
    expect((await at.attest(whole, windows.opens))?.kind).to.equal("attested");
    // What it missed first it misses still.
    expect(await at.attest(readings({ closed: false }), windows.opens)).to.deep.include({ kind: "refused", reason });
  });

  it("are heard of a meter from its own home alone", async () => {
    const at = attestationOf(other);
    at.heard(ids[2], told(victim));
    at.heard(99, wired({ ...told(victim), file: { ...fileOf(victim), prosumer: 99 } }));
    const missing = meters.meters.filter(({ prosumer }) => prosumer !== victim);
    expect(await digestOf(readings({ files: missing, closed: false }), at)).to.match(/^0x/);
  });

  it("count a quorum's own signatures, whoever repeats them, makes some up, or drowns them", async () => {
    const all = new Map(parties.map((party) => [party, attestationOf(party)]));
    const says = new Map<number, MeterMessageOf<"attested">>();
    for (const [party, at] of all) {
      const made = await at.attest(readings({}), windows.opens);
      if (made?.kind !== "attested") throw new Error(`party ${party} attests nothing`);
      says.set(party, wired(made.message));
    }
    expect(new Set([...says.values()].map(({ digest }) => digest)).size).to.equal(1);
    const [liar, ...honest] = [...says.keys()].reverse();
    const judge = attestationOf(honest[0]);
    const ready = () => {
      judge.ready(0);
      return judge.ready(LATER_MS);
    };
    // Before the own digest is known: as many as a liar likes.
    const said = says.get(liar)!;
    for (let k = 0; k < 40; k++) judge.signed(liar, { ...said, digest: `0x${k.toString(16).padStart(64, "0")}` });
    await judge.attest(readings({}), windows.opens);
    for (const party of honest.slice(1, quorum - 1)) judge.signed(party, says.get(party)!);
    expect(ready(), "one short").to.equal(undefined);
    // The liar repeats another's under each seat, and signs for each seat itself.
    for (const bit of says.values()) {
      judge.signed(liar, { ...says.get(honest[1])!, bit: bit.bit });
      expect(ready(), `repeated under bit ${bit.bit}`).to.equal(undefined);
      judge.signed(liar, {
        ...said,
        bit: (said.bit + 1 + bit.bit) % says.size === said.bit ? 31 : (said.bit + 1) % 31,
      });
      expect(ready(), "signs for another").to.equal(undefined);
    }
    judge.signed(liar, { ...said, signature: "0x1234" });
    expect(ready()).to.equal(undefined);
    // One more of its own, and it is enough: what the liar said last took nobody's place.
    judge.signed(honest[quorum - 1] ?? liar, says.get(honest[quorum - 1] ?? liar)!);
    const found = ready()!;
    expect([...found.signatures.keys()]).to.have.length(quorum);
    expect(new Set(found.signatures.keys()).size).to.equal(quorum);
  });

  it("are of one entry: signatures of the first one are none of the next", async () => {
    const at = attestationOf(victim);
    const others = parties.filter((party) => party !== victim);
    for (const party of others) {
      const made = await attestationOf(party).attest(readings({ closed: false }), windows.opens);
      if (made?.kind === "attested") at.signed(party, made.message);
    }
    await at.attest(readings({}), windows.opens);
    at.ready(0);
    expect(at.ready(LATER_MS)).to.equal(undefined);
    expect(await at.attest(readings({}, 2), windows.opens)).to.deep.equal({
      kind: "refused",
      reason: "entry 2: the next is 1",
    });
  });

  it("show whoever reads them what a home used that has neither battery nor generator, to rounding", () => {
    const { schedules } = done.clearing.cleared.outcome!.solution;
    const { participants } = done.batch.result;
    const plain = scenario.prosumers.filter(
      ({ battery, generator }) => battery === undefined && generator === undefined,
    );
    for (const {
      id,
      load: { fixedMw },
    } of plain) {
      const { meteredWh, renewableWh } = fileOf(id);
      const { flexibleMw } = schedules[participants.indexOf(id)];
      renewableWh.forEach((wh, t) => {
        const usedWh = (fixedMw[t] + (flexibleMw[t] ?? 0)) * scenario.periodHours * 1e6;
        expect(Math.abs(wh - meteredWh[t] - usedWh), `${id}, period ${t}`).to.be.below(2);
        expect(usedWh, `${id}, period ${t}`).to.be.above(1_000);
      });
    }
    expect(plain).to.have.length(1);
  });

  /** All attest what is handed out, one enters it. */
  async function enter(message: MeterMessageOf<"readings">) {
    const all = parties.map((party) => attestationOf(party));
    for (const [k, at] of all.entries()) {
      const made = await at.attest(message, windows.opens);
      if (made?.kind !== "attested") throw new Error(made?.reason ?? "no seat");
      for (const each of all) each.signed(parties[k], made.message);
    }
    all[0].ready(0);
    const { reckoned, signatures } = all[0].ready(LATER_MS)!;
    const { before = ChainDelivery.NO_ENTRY, entry } = reckoned;
    await ChainDelivery.enterReadings(asked.deployment, chain.admin, promised.settled, { before, entry }, signatures);
    const last = (await lastEntry(asked.deployment, asked.provider, promised.settled))!;
    const exact = await asEntered(asked, promised, all[1].entered(last)!, last);
    return documentsOf(asked, promised, { kind: entry.kind }, exact, last);
  }

  const deposits = async (): Promise<bigint[]> => {
    const { market } = contracts(asked.deployment, asked.provider);
    return Promise.all(ids.map(async (id) => BigInt((await market.getFunction("account").staticCall(id)).deposit)));
  };
  const billed = (documents: readonly Documents[]): bigint[] => {
    const outcome = { batch: done.batch, settled: done.settled } as SessionOutcome;
    const session = { ...billedBy(outcome), entries: documents.map(({ delivery }) => delivery) };
    const bills = makeBills({
      ...{ sessions: [session], fallback: [], prosumers: ids, community: undefined, vatPercent: 0 },
    });
    return ids.map((id) =>
      bills.filter(({ prosumer }) => prosumer === id).reduce((sum, { totalNano }) => sum + BigInt(totalNano), 0n),
    );
  };

  it("bill once where the chain takes an entry back, and lose nothing, whichever entry comes in its place", async () => {
    const rpc = (method: string, ...params: unknown[]): Promise<unknown> =>
      (chain.provider as unknown as { send: (name: string, args: unknown[]) => Promise<unknown> }).send(method, params);
    const settled = await deposits();
    const promise = billed([]);
    let fork = await rpc("evm_snapshot");
    const first = await enter(readings({}));
    const after = await deposits();
    const once = billed([first]);
    // What was billed of meters is what the accounts paid for them.
    expect(once.map((sum, k) => sum - promise[k])).to.deep.equal(settled.map((had, k) => had - after[k]));
    expect(once).not.to.deep.equal(promise);

    await rpc("evm_revert", fork);
    fork = await rpc("evm_snapshot");
    expect(await deposits()).to.deep.equal(settled);
    expect(await lastEntry(asked.deployment, asked.provider, promised.settled)).to.equal(undefined);
    await rpc("evm_mine");
    const again = await enter(readings({}));
    expect(again.delivery.entered!.entry).to.equal(1);
    expect([await deposits(), billed([again])]).to.deep.equal([after, once]);
    const found = await audit(done.frozen, [done.witness]);
    expect(found.entries.map(({ kind, verdict }) => [kind, verdictText(verdict)])).to.deep.equal([["final", "valid"]]);
    // One home still has what the chain took back, and an entry after it that is nowhere; another has what is there.
    const base = mkdtempSync(join(tmpdir(), "gridpact-records-"));
    const homes = ["stale", "right"].map((name) => new Records(join(base, name), join(base, "bundles")));
    homes[0].delivered(1, 1, first);
    homes[0].delivered(1, 2, first);
    homes[1].delivered(1, 1, again);
    const folders = ["stale", "right"].map((name) => join(deliveryFolder(join(base, name)), "1"));
    const kept = documentsFrom(folders, found.entries);
    rmSync(base, { recursive: true });
    expect(kept.map(({ delivery }) => delivery)).to.deep.equal([again.delivery]);
    expect(billed(kept)).to.deep.equal(once);

    // The other way: without the victim's file first, which comes afterwards.
    await rpc("evm_revert", fork);
    const missing = meters.meters.filter(({ prosumer }) => prosumer !== victim);
    const some = await enter(readings({ files: missing, closed: false }));
    const rest = await enter(readings({}, 2));
    expect([some.delivery.kind, rest.delivery.kind]).to.deep.equal(["provisional", "final"]);
    const two = await deposits();
    expect(billed([some, rest]).map((sum, k) => sum - promise[k])).to.deep.equal(settled.map((had, k) => had - two[k]));
    // Energy and penalties come to the same by either way; allowances that lack are bought where they first do.
    const parts = ({ delivery }: typeof first, k: number) => delivery.members[k].parts;
    for (const [k, id] of ids.entries()) {
      const [one, other_, whole] = [parts(some, k), parts(rest, k), parts(first, k)];
      expect(one.shortNano + other_.shortNano, `short of ${id}`).to.equal(whole.shortNano);
      expect(one.longNano + other_.longNano, `long of ${id}`).to.equal(whole.longNano);
      expect(one.responsesNano + other_.responsesNano, `called of ${id}`).to.equal(whole.responsesNano);
    }
  });
});
