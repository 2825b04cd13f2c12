import { expect } from "chai";
import { getAddress } from "ethers";
import { hiddenKey } from "../offchain-solver/auditor/hidden.ts";
import type { Release } from "../offchain-solver/auditor/release.ts";
import type { BatchRecord } from "../offchain-solver/auditor/bundles.ts";
import { look } from "../offchain-solver/chain/look.ts";
import { MARKET, REGISTRY } from "../offchain-solver/codec/abi.ts";
import { buildRelease, releasedBuild } from "../offchain-solver/devnet/release.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { hasChromium, openBrowser, type Browser } from "./support/chromium.ts";
import { CORRUPTIONS } from "./support/corruptions/all.ts";
import { ENDPOINT_FAULTS } from "./support/endpointFaults.ts";
import { outcomeOf } from "./support/faultOutcome.ts";
import { flipped, forged, type TrueSession } from "./support/forge.ts";
import { misled } from "./support/misled.ts";
import { replayed, type ChainRecord, type RawLog } from "./support/recordedChain.ts";
import { recordedMarket } from "./support/recordedMarket.ts";
import { trueSession } from "./support/trueSession.ts";
import { auditShown, saidOf } from "./support/verdicts.ts";

const kindOf = (predicate: string): string => (predicate === "uncertified" ? "valid" : "invalid");

describe("a settled session with one corruption", function () {
  this.timeout(300_000);
  let release: Release;
  let session: TrueSession;
  let browser: Browser | undefined;

  before(async () => {
    session = await trueSession(takeHours(loadScenario("ieee15"), 3));
    // Compiled by now.
    release = releasedBuild();
    if (hasChromium()) browser = await openBrowser();
  });
  after(() => browser?.close());

  it("is valid before it is corrupted, in Node and in Chromium", async () => {
    const shown = await forged(session);
    const { sessions, standing } = await auditShown(shown, release);
    expect([standing, ...sessions.map(({ verdict }) => verdict)]).to.deep.equal([{ kind: "valid" }, { kind: "valid" }]);
    if (browser !== undefined) expect(await browser.verdict(shown)).to.include({ kind: "valid", predicate: "valid" });
  });

  for (const method of ["decodeFunctionResult", "parseTransaction", "parseLog"] as const)
    it(`hears of a fault of our own in ${method}, and no verdict`, async () => {
      const shown = await forged(session);
      const own = MARKET[method];
      // On the object, before its prototype's.
      MARKET[method] = () => {
        throw new ReferenceError("planted");
      };
      try {
        const told = await auditShown(shown, release).catch((error: unknown) => error);
        expect(told).to.be.instanceOf(ReferenceError).with.property("message", "planted");
      } finally {
        MARKET[method] = own as never;
      }
    });

  it("is undecided where its block is told to be after the deadline, which the released code would refuse", async () => {
    const said = saidOf(await auditShown(await forged(session, { settledAt: session.terms.deadline + 1n }), release));
    expect(said.kind, said.verdict).to.equal("undecided");
    expect(said.verdict).to.include("the time of block");
  });

  const other = `0x${"11".repeat(20)}`;
  for (const [how, edit] of [
    ["leaves out", () => ({ signers: 0, signatures: "0x" })],
    ["changes", ({ signatures }) => ({ signatures: flipped(signatures, 63) })],
  ] as [string, (record: BatchRecord) => Partial<BatchRecord>][])
    it(`is undecided where it was relayed, nobody traces it, and who publishes it ${how} signatures`, async () => {
      const { record, files } = await forged(session);
      const settled = record.logs.findLast((log) => MARKET.parseLog(log)?.name === "Settled")!;
      const { batch } = MARKET.parseLog(settled)!.args;
      const hash = settled.transactionHash;
      const { payload, bundleHash, signers, signatures } = MARKET.parseTransaction({
        data: record.transactions[hash].input,
      })!.args;
      const kept: BatchRecord = { payload, bundleHash, signers: Number(signers), signatures };
      const relayed = { ...record, transactions: { ...record.transactions, [hash]: { to: other, input: "0x" } } };
      const shown = (one: object) => ({ record: relayed, files: { ...files, [batch]: JSON.stringify(one) } });
      const { sessions, standing } = await auditShown(shown({ ...kept, ...edit(kept) }), release);
      expect([standing, sessions.at(-1)!.verdict]).to.deep.equal([
        { kind: "valid" },
        { kind: "undecided", missing: `the signatures of batch ${batch}` },
      ]);
      expect(saidOf(await auditShown(shown(kept), release))).to.include({ kind: "valid" });
    });

  for (const { name, predicate, shown } of CORRUPTIONS)
    it(`${name}: ${predicate}`, async () => {
      const corrupted = await shown(session);
      const said = saidOf(await auditShown(corrupted, release));
      expect(said, said.verdict).to.include({ kind: kindOf(predicate), predicate });
      if (browser !== undefined) expect(await browser.verdict(corrupted)).to.deep.equal(said);
    });

  it("is called so where it is a thousandth worse than the optimum and its owners sign true regrets", async () => {
    const { shown, regret, cost } = await misled(takeHours(loadScenario("ieee15"), 3), 1.12);
    expect(regret).to.be.above(1e-3 * cost);
    const said = saidOf(await auditShown(shown, release));
    expect(said, said.verdict).to.include({ kind: "invalid", predicate: "regretsTooLarge" });
    if (browser !== undefined) expect(await browser.verdict(shown)).to.deep.equal(said);
  });
});

describe("a result, whichever method found it", function () {
  this.timeout(300_000);

  for (const method of ["admm", "gsa"] as const)
    it(`is judged alike: ${method}`, async () => {
      const { outcome } = await trueSession(takeHours(loadScenario("ieee15"), 1), method);
      const [{ verdict, certificate }] = outcome.audited;
      expect([outcome.standing, verdict]).to.deep.equal([{ kind: "valid" }, { kind: "valid" }]);
      expect(certificate?.regrets).to.be.at.most(certificate?.allowed as number);
    });
});

describe("an endpoint that nobody should trust", function () {
  this.timeout(300_000);
  let release: Release;
  let record: ChainRecord;
  before(async () => {
    release = await buildRelease();
    record = await recordedMarket();
  });

  it("is believed where it tells the truth", async () => {
    const told = await outcomeOf(record, { name: "", expected: "same", fault: () => ({}) }, release);
    expect(told).to.deep.equal({ kind: "valid", says: "4 sessions valid" });
  });

  it("is believed where one transaction settles a session and freezes the next", async () => {
    const name = (log: RawLog): string | undefined => MARKET.parseLog(log)?.name;
    const first = record.logs.findIndex((log) => name(log) === "Settled");
    const next = record.logs.findIndex((log, k) => k > first && name(log) === "SessionFrozen");
    const { transactionHash, blockNumber, logIndex } = record.logs[first];
    const freezing = record.logs[next].transactionHash;
    const last = record.logs.findLastIndex((log) => log.transactionHash === freezing);
    const logs = record.logs.map((log, k) => {
      if (k <= first || k > last) return log;
      return { ...log, transactionHash, blockNumber, logIndex: `0x${(Number(logIndex) + k - first).toString(16)}` };
    });
    const told = await outcomeOf({ ...record, logs }, { name: "", expected: "same", fault: () => ({}) }, release);
    expect(told).to.deep.equal({ kind: "valid", says: "4 sessions valid" });
  });

  it("is asked for the node key at the freeze of who rotated it since", async () => {
    const [frozen] = record.logs.filter((log) => MARKET.parseLog(log)?.name === "SessionFrozen");
    const registered = record.logs.flatMap((log) => {
      const event = getAddress(log.address) === record.registry ? REGISTRY.parseLog(log) : null;
      return event?.name === "Registered" ? [[Number(event.args.id), event.args.nodeKey as string] as const] : [];
    });
    const { transactionHash: transaction } = frozen;
    const eyes = look(replayed(record));
    const ask = (nodeKeys: ReadonlyMap<number, string>) =>
      hiddenKey(eyes, record.registry, { transaction, nodeKeys }, [103]);
    expect(await ask(new Map(registered))).to.equal(undefined);
    expect(await ask(new Map([...registered, [103, `0x${"12".repeat(20)}`]]))).to.contain("account 103");
    expect(await ask(new Map(registered.filter(([id]) => id !== 103)))).to.contain("account 103");
  });

  for (const one of ENDPOINT_FAULTS)
    it(`${one.name}: ${one.expected === "same" ? "and is read all the same" : "undecided"}`, async () => {
      const told = await outcomeOf(record, one, release);
      expect(told.kind, told.says).to.equal(one.expected === "same" ? "valid" : "undecided");
    });
});
