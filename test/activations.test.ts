/** What homes say before others' devices answer, and what bounds all that is said of a day that is over. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet, ZeroHash, type BaseWallet } from "ethers";
import * as Onboarding from "../offchain-solver/chain/onboarding.ts";
import { deliveryDomain, METER_READINGS_TYPES } from "../offchain-solver/codec/deliveryData.ts";
import { openingSalt } from "../offchain-solver/codec/plans.ts";
import { sessionHash } from "../offchain-solver/codec/typedData.ts";
import { devnetKey } from "../offchain-solver/devnet/devnetKeys.ts";
import { embeddedDevnet, type OwnChain } from "../offchain-solver/devnet/embedded.ts";
import type { DoneSession } from "../offchain-solver/devnet/outcome.ts";
import { promisedBy } from "../offchain-solver/devnet/steps/deliver.ts";
import { filesIn } from "../offchain-solver/metering/record.ts";
import { signActivation, signReadings, takeIn } from "../offchain-solver/metering/signed.ts";
import { Attestation } from "../offchain-solver/node/delivery/attestation.ts";
import { Deliveries, type DeliveryKeys } from "../offchain-solver/node/delivery/deliveries.ts";
import {
  decodeMeterMessage,
  encodeMeterMessage,
  type MeterMessage,
  type MeterMessageOf,
} from "../offchain-solver/node/delivery/meterMessages.ts";
import { MeterRound, type RoundAbout } from "../offchain-solver/node/delivery/meterRound.ts";
import {
  documentsOf,
  judgedBy,
  reckon,
  type JudgedBy,
  type Promised,
} from "../offchain-solver/node/delivery/reckoning.ts";
import { windowsOf, type Windows } from "../offchain-solver/node/delivery/windows.ts";
import { Records } from "../offchain-solver/node/records.ts";
import type { MetersJson } from "../offchain-solver/records/deliveryJson.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { settledAndMetered } from "./support/settledAndMetered.ts";

const PATIENCE_MS = 10_000;
type File = MetersJson["meters"][number];
type Activation = MetersJson["activations"][number];

describe("what homes say of a day that is over", function () {
  this.timeout(600_000);
  const scenario = { ...takeHours(populate(loadBase("ieee15"), 4, 1), 2), name: "street" };
  const ids = scenario.prosumers.map(({ id }) => id);
  const [victim, other] = ids;
  let chain: OwnChain & { readonly close: () => Promise<void> };
  let done: DoneSession;
  let promised: Promised;
  let asked: { readonly deployment: DoneSession["frozen"]["deployment"]; readonly provider: OwnChain["provider"] };
  let windows: Windows;
  let meters: MetersJson;
  let judged: JudgedBy;

  before(async () => {
    chain = await embeddedDevnet(scenario.startUtc);
    const made = await settledAndMetered(scenario, chain);
    done = made.done;
    asked = { deployment: done.frozen.deployment, provider: chain.provider };
    promised = promisedBy(done.frozen, done.batch, done.witness, done.settled);
    windows = await windowsOf(asked, promised.settled.terms);
    await chain.passTime(windows.opens + 1);
    const reckoned = await reckon(asked, promised, made.signed, { kind: "final" });
    meters = documentsOf(asked, promised, { kind: "final" }, reckoned, undefined).meters;
    judged = await judgedBy(asked, promised, undefined);
  });
  after(() => chain?.close());

  const wired = <M extends MeterMessage>(message: M): M | undefined =>
    decodeMeterMessage(encodeMeterMessage(message)) as M | undefined;
  const about = () => ({ session: sessionHash(promised.settled.terms), entry: 1 });
  const domain = () => deliveryDomain(asked.deployment.chainId, asked.deployment.delivery!);
  const own = <One extends { readonly prosumer: number }>(all: readonly One[], id: number): One =>
    all.find(({ prosumer }) => prosumer === id)!;
  const swapped = <One extends { readonly prosumer: number }>(all: readonly One[], one: One): One[] =>
    all.map((each) => (each.prosumer === one.prosumer ? one : each));
  const told = (id: number, file = own(meters.meters, id)): MeterMessageOf<"metered"> => ({
    ...{ kind: "metered", ...about(), file, statement: own(meters.statements, id) },
  });
  const generated = (activation: Activation): MeterMessageOf<"generated"> => ({
    ...{ kind: "generated", ...about(), activation },
  });
  const called = (activations: Activation[], entry = 1): MeterMessageOf<"called"> => ({
    ...{ kind: "called", ...about(), entry, activations },
  });
  const readings = (
    change: Partial<Pick<MetersJson, "meters" | "activations">> & { readonly closed?: boolean } = {},
  ): MeterMessageOf<"readings"> => ({
    ...{ kind: "readings", ...about(), closed: change.closed ?? false },
    files: change.meters ?? meters.meters,
    activations: change.activations ?? meters.activations,
    statements: meters.statements,
  });
  const attestationOf = (party: number): Attestation =>
    new Attestation(asked, promised, windows, { party, keys: { node: devnetKey("node", party) } });
  const saidOf = async (message: MeterMessageOf<"readings">, at = attestationOf(other)): Promise<string> => {
    const made = await at.attest(message, windows.opens);
    return made?.kind === "attested" ? made.message.digest : (made?.reason ?? "no seat");
  };
  const roundWith = (activations: RoundAbout["activations"] = new Map()): MeterRound =>
    new MeterRound(
      {
        ...{ session: about().session, entry: 1, over: false, invited: ids },
        ...{ operator: Onboarding.OPERATOR_ID, judgedBy: judged, activations },
      },
      0,
    );
  /** Whose renewables gave something else than was planned. */
  const erring = (): Activation =>
    meters.activations.find(({ plannedWh, generatedWh }) =>
      generatedWh.some((wh, t) => wh > 0 && wh !== plannedWh[t]),
    )!;
  /** Signed by its node, of the plan that it committed to. */
  const otherwise = async (id: number, change: Partial<Activation>): Promise<Activation> => {
    const { signature: _, ...said } = { ...own(meters.activations, id), ...change };
    const { signature } = await signActivation(domain(), devnetKey("node", id), promised.settled.batch, said);
    return { ...said, signature };
  };
  /** All say what they generated, then what they read: what the operator hands out. */
  const handedOut = (files: readonly (File | undefined)[], round = roundWith()): MeterMessageOf<"readings"> => {
    for (const one of meters.activations) round.hear(one.prosumer, generated(one), 0);
    let sent = files.flatMap((file) =>
      file === undefined ? [] : round.hear(file.prosumer, told(file.prosumer, file), 0),
    );
    if (sent.length === 0) sent = round.tick(PATIENCE_MS);
    return sent[0].message as MeterMessageOf<"readings">;
  };

  it("is missing of a meter that signs no quality, or lacks a value: nobody else waits for it", async () => {
    const without = await saidOf(readings({ meters: meters.meters.filter(({ prosumer }) => prosumer !== victim) }));
    const right = own(meters.meters, victim);
    const spoilt: Partial<File>[] = [
      { quality: [] },
      { quality: ["measured"] },
      { renewableWh: right.renewableWh.slice(1) },
      { meteredWh: right.meteredWh.slice(1) },
      { quality: [...right.quality, "measured"] },
    ];
    for (const change of spoilt) {
      const file = { ...right, number: 7, ...change };
      const values = new Uint8Array(16);
      const view = new DataView(values.buffer);
      [0, 1].forEach((t) => {
        view.setInt32(8 * t, file.meteredWh[t] ?? 0);
        view.setUint32(8 * t + 4, (file.quality[t] === undefined ? 3 : 0) * 2 ** 30 + (file.renewableWh[t] ?? 0));
      });
      const { start, periodSeconds } = right;
      const message = { prosumer: victim, start, periodSeconds, number: 7, values };
      const signature = await devnetKey("meter", victim).signTypedData(domain(), METER_READINGS_TYPES, message);
      const evil = { ...file, signature };
      const signed = { files: filesIn({ meters: [evil] }), activations: [], statements: [] };
      expect(takeIn(signed, judged.expected).refused[0], JSON.stringify(change)).to.match(
        /: (it lacks a value of a period|is of 3 periods .*)$/,
      );
      const message_ = wired(readings({ meters: swapped(meters.meters, evil) }))!;
      expect(await saidOf(message_), JSON.stringify(change)).to.equal(without);
    }
  });

  it("is no longer than a session, so that what is handed out of all of it can be read", () => {
    const long = new Array<number>(101).fill(0);
    const right = own(meters.meters, victim);
    const said = own(meters.activations, victim);
    const [wide, signature] = [2 ** 32, `${right.signature}00`];
    const files: Partial<File>[] = [
      ...[{ meteredWh: long }, { renewableWh: long }, { quality: long.map(() => "measured" as const) }],
      ...[{ meteredWh: [2 ** 31] }, { renewableWh: [wide] }, { signature }, { prosumer: wide }],
    ];
    for (const change of files) expect(wired(told(victim, { ...right, ...change }))).to.equal(undefined);
    const lies: Partial<Activation>[] = [
      ...[{ plannedWh: long }, { generatedWh: long }, { plannedWh: [wide] }, { generatedWh: [wide] }],
      ...[{ signature }, { prosumer: wide }, { salt: `${said.salt}00` }],
    ];
    for (const change of lies) expect(wired(generated({ ...said, ...change }))).to.equal(undefined);
    const stated = own(meters.statements, victim);
    for (const change of [{ signature }, { prosumer: wide }, { generatorG: wide }])
      expect(wired({ ...told(victim), statement: { ...stated, ...change } })).to.equal(undefined);
    const attested = { kind: "attested", ...about(), digest: ZeroHash, bit: 0, signature } as const;
    expect(wired(attested)).to.equal(undefined);
    expect(wired({ ...attested, signature: right.signature })).to.deep.equal({
      ...attested,
      signature: right.signature,
    });
    // A hundred periods that no meter of this session has signed are not handed out.
    const padded = { ...right, meteredWh: long.slice(1) };
    expect(wired(told(victim, padded))).not.to.equal(undefined);
    const handed = handedOut([padded, ...meters.meters.filter((one) => one !== right)]);
    expect(handed.files.map(({ prosumer }) => prosumer)).to.deep.equal(ids.filter((id) => id !== victim));
  });

  it("is entered provisionally at once where all have answered and a value is estimated, or a file is refused", async () => {
    const right = own(meters.meters, victim);
    const [read] = filesIn({ meters: [right] });
    const guessed = read.readings.map((one, t) => ({ ...one, ...(t === 1 && { quality: "estimated" as const }) }));
    const { signature } = await signReadings(domain(), devnetKey("meter", victim), guessed, 1);
    const estimated: File = { ...right, quality: guessed.map(({ quality }) => quality), signature };
    const drawn = read.readings.map((one) => ({ ...one, meteredWh: -(2 ** 31) }));
    const beyond: File = {
      ...{ ...right, meteredWh: drawn.map(({ meteredWh }) => meteredWh) },
      signature: (await signReadings(domain(), devnetKey("meter", victim), drawn, 1)).signature,
    };
    const garbage = { ...right, meteredWh: right.meteredWh.map((wh) => wh + 1) };
    for (const [what, file, counts] of [
      ["estimated", estimated, true],
      ["beyond its connection", beyond, true],
      ["garbage", garbage, false],
      ["silent", undefined, false],
    ] as const) {
      const handed = handedOut([...meters.meters.filter((one) => one !== right), file]);
      expect([handed.closed, handed.files.length], what).to.deep.equal([false, counts ? ids.length : ids.length - 1]);
      expect(await saidOf(handed), what).to.match(/^0x/);
    }
    const whole = handedOut(meters.meters);
    expect(whole.closed).to.equal(true);
    expect(await saidOf(whole)).to.match(/^0x/);
  });

  it("calls for reserve as it was said first, signed and of the plan that was committed to", async () => {
    const right = erring();
    const id = right.prosumer;
    const wrong: Activation[] = [
      { ...right, generatedWh: right.generatedWh.map((wh) => wh + 1) },
      await otherwise(id, { plannedWh: right.plannedWh.map((wh) => wh + 1) }),
      await otherwise(id, { salt: ZeroHash }),
      await otherwise(id, { generatedWh: right.generatedWh.slice(1) }),
      meters.activations.find((one) => one !== right)!,
    ];
    const calledBy = (...said: Activation[]): Activation[] => {
      const activations: RoundAbout["activations"] = new Map();
      // Of an operator's second round the first word still counts.
      for (const one of said.slice(0, -1)) roundWith(activations).hear(id, generated(one), 0);
      const round = roundWith(activations);
      round.hear(id, generated(said.at(-1)!), 0);
      const sent = round.tick(PATIENCE_MS);
      // Everybody who attests hears what is called.
      expect(sent.map(({ to }) => to)).to.deep.equal([Onboarding.OPERATOR_ID, ...ids]);
      return (sent[0].message as MeterMessageOf<"called">).activations;
    };
    for (const one of wrong) expect(calledBy(one)).to.deep.equal([]);
    const again = await otherwise(id, { generatedWh: right.generatedWh.map(() => 0) });
    expect(calledBy(wrong[0], right)).to.deep.equal([right]);
    expect(calledBy(right, again)).to.deep.equal([right]);
    // So does an entry count them, whoever hands out what besides.
    const rest = meters.activations.filter((one) => one !== right);
    const [without, whole] = [await saidOf(readings({ activations: rest })), await saidOf(readings())];
    expect(without).not.to.equal(whole);
    for (const one of wrong) expect(await saidOf(readings({ activations: [...rest, one] }))).to.equal(without);
    expect(await saidOf(readings({ activations: [...meters.activations, again] }))).to.equal(whole);
  });

  it("is not exchanged once homes have answered it: who has heard the call attests by nothing else", async () => {
    const { activations } = meters;
    const right = erring();
    const rest = activations.filter((one) => one !== right);
    const again = await otherwise(right.prosumer, { generatedWh: right.generatedWh.map(() => 0) });
    const forged = { ...again, signature: right.signature };
    const lies = [rest, swapped(activations, again), [again, ...activations], []];
    // Nothing was heard: nothing else is known than what is handed out.
    for (const lie of lies) expect(await saidOf(readings({ activations: lie }))).to.match(/^0x/);
    const at = attestationOf(other);
    at.called(called([...rest, forged]));
    expect(await saidOf(readings({ activations: [...rest, forged] }), at)).to.match(/^0x/);
    at.called(called(activations));
    const reason = "activations are others than were called";
    for (const lie of lies) expect(await saidOf(readings({ activations: lie }), at)).to.equal(reason);
    expect(await saidOf(readings(), at)).to.match(/^0x/);
    // An operator that starts anew calls anew; what it calls in another entry says nothing of this one.
    at.called(called(lies[1]));
    expect(await saidOf(readings({ activations: lies[1] }), at)).to.match(/^0x/);
    at.called(called([], 2));
    expect(await saidOf(readings({ activations: rest }), at)).to.equal(reason);
    expect(await saidOf(readings({ activations: lies[1] }), at)).to.match(/^0x/);
  });

  it("is missed with its statement only where its meter has signed it: the operator would not hand that out", async () => {
    const { statement, file } = told(victim);
    const rest = meters.statements.filter(({ prosumer }) => prosumer !== victim);
    const at = attestationOf(other);
    at.heard(victim, {
      ...told(victim),
      statement: statement!,
      file: { ...file, signature: meters.meters[1].signature },
    });
    expect(await saidOf({ ...readings(), statements: rest }, at)).to.match(/^0x/);
    const heard = attestationOf(other);
    heard.heard(victim, told(victim));
    expect(await saidOf({ ...readings(), statements: rest }, heard)).to.equal(
      `the statement of prosumer ${victim} is left out`,
    );
  });

  describe("by its node", () => {
    const base = mkdtempSync(join(tmpdir(), "gridpact-activations-"));
    after(() => rmSync(base, { recursive: true, force: true }));
    type Said = { readonly to: number; readonly message: MeterMessage };
    /** A home's node with these keys: what it says where the operator asks, and what it logs. */
    const nodeOf = async (id: number, keys: Omit<DeliveryKeys, "wallet" | "meter">) => {
      const home = mkdtempSync(join(base, "home-"));
      const records = new Records(home, join(home, "bundles"));
      records.bundle(promised.settled.bundle, JSON.stringify(done.witness));
      const { schedules } = done.clearing.cleared.outcome!.solution;
      const schedule = Object.entries(schedules[done.batch.result.participants.indexOf(id)]).map(([name, value]) => [
        name,
        typeof value === "object" ? Array.from(value as ArrayLike<number>) : (value as number),
      ]);
      records.own(Number(promised.settled.terms.ordinal), { schedule: Object.fromEntries(schedule) }, promised.terms);
      const sent: Said[] = [];
      const logged: string[] = [];
      const deliveries = new Deliveries({
        ...{ party: id, operator: Onboarding.OPERATOR_ID, ...asked, records, pays: false },
        keys: { wallet: devnetKey("wallet", id) as Wallet, meter: devnetKey("meter", id), ...keys },
        partFor: () => scenario.prosumers.find((one) => one.id === id)!,
        send: (to, message) => sent.push({ to, message }),
        log: (level, what) => level === "warn" && logged.push(what),
      });
      await deliveries.look(windows.opens + 1);
      const hear = async (message: MeterMessage): Promise<Said[]> => {
        await deliveries.hear(Onboarding.OPERATOR_ID, message);
        return sent.splice(0);
      };
      return { hear, logged };
    };
    const asks = () => ({ kind: "meter", ...about() }) as const;
    const node = (id: number): BaseWallet => devnetKey("node", id);

    it("is signed before others answer, answered as the entry counts it, and the same after a restart", async () => {
      for (const time of ["first", "again"]) {
        const home = await nodeOf(victim, { node: node(victim) });
        const [{ to, message }] = await home.hear(asks());
        expect([to, message], time).to.deep.equal([Onboarding.OPERATOR_ID, generated(own(meters.activations, victim))]);
        const answers = await home.hear(called(meters.activations));
        expect(answers.map((one) => one.to)).to.deep.equal([
          Onboarding.OPERATOR_ID,
          ...ids.filter((id) => id !== victim),
        ]);
        expect(answers[0].message, time).to.deep.equal(told(victim));
      }
    });

    it("answers no call that is wrong, and none beyond a connection", async () => {
      const answerTo = async (activations: Activation[]): Promise<readonly number[]> => {
        const [{ message }] = await (await nodeOf(other, { node: node(other) })).hear(called(activations));
        return (message as MeterMessageOf<"metered">).file.meteredWh;
      };
      const right = erring();
      const id = right.prosumer;
      const loud = right.generatedWh.map(() => 2 ** 32 - 1);
      const { renewableW } = judged.connections.get(id)!;
      const most = await otherwise(id, { generatedWh: loud.map(() => renewableW) });
      const rest = meters.activations.filter((one) => one !== right);
      expect(await answerTo([...rest, await otherwise(id, { generatedWh: loud })])).to.deep.equal(
        await answerTo([...rest, most]),
      );
      const forged = { ...right, generatedWh: loud };
      expect(await answerTo([...rest, forged])).to.deep.equal(await answerTo(rest));
      // More than there are homes is no call of this session.
      const home = await nodeOf(other, { node: node(other) });
      expect(await home.hear(called([...meters.activations, most]))).to.deep.equal([]);
    });

    it("is signed by the key that the session was frozen with, though its node has another one now", async () => {
      const fresh = new Wallet(`0x${"7c".repeat(32)}`);
      const opened: string[] = [];
      const oldNode = (address: string): Promise<BaseWallet> => {
        opened.push(address);
        return Promise.resolve(node(victim));
      };
      const kept = await nodeOf(victim, { node: fresh, oldNode });
      expect((await kept.hear(asks()))[0].message).to.deep.equal(generated(own(meters.activations, victim)));
      expect((await kept.hear(called(meters.activations)))[0].message).to.deep.equal(told(victim));
      expect([opened, kept.logged]).to.deep.equal([[node(victim).address], []]);
      const { salt } = own(meters.activations, victim);
      expect(salt).to.equal(openingSalt(done.witness, victim, node(victim)));
      // Where it cannot be opened the meter's file is all there is, which is said once.
      const lost = await nodeOf(victim, { node: fresh, oldNode: () => Promise.reject(new Error("there is no file")) });
      expect((await lost.hear(asks()))[0].message).to.deep.equal({ kind: "generated", ...about() });
      const { statement: _, ...file } = told(victim);
      expect((await lost.hear(called(meters.activations)))[0].message).to.deep.equal(file);
      expect(lost.logged).to.deep.equal(["an old node key cannot be opened: what it would sign is left out"]);
    });
  });
});
