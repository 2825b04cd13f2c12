import { appendFileSync, mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { hexlify, keccak256, randomBytes } from "ethers";
import { audit } from "../offchain-solver/auditor/audit.ts";
import { endpointOf } from "../offchain-solver/chain/endpoint.ts";
import { readSessions } from "../offchain-solver/chain/events.ts";
import { look } from "../offchain-solver/chain/look.ts";
import { OPERATOR_ID, registerMandate, signMandate } from "../offchain-solver/chain/onboarding.ts";
import { hardhatChain } from "../offchain-solver/devnet/chain/hardhatChain.ts";
import type { ServedChain } from "../offchain-solver/devnet/chain/served.ts";
import { daysOf } from "../offchain-solver/devnet/days.ts";
import { devnetMandate } from "../offchain-solver/devnet/devnetMandate.ts";
import { openDevnet, type Devnet, type SessionEnd } from "../offchain-solver/devnet/devnet.ts";
import { bundleFolder, homeOf } from "../offchain-solver/devnet/parties.ts";
import { releasedBuild } from "../offchain-solver/devnet/release.ts";
import { batchOf } from "../offchain-solver/ledger/verified.ts";
import type { ClearingResult } from "../offchain-solver/market/result/clearingResult.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { sessionOf } from "../offchain-solver/market/scenario/leaveOut.ts";
import { publicScenario } from "../offchain-solver/market/scenario/publicScenario.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import type { AuditJson } from "../offchain-solver/records/sessionJson.ts";
import { configFile, journalFile } from "../offchain-solver/node/home.ts";
import { readCommitments, readHeard, type Heard } from "../offchain-solver/node/journal/journal.ts";
import { replay } from "../offchain-solver/node/journal/replay.ts";
import { takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { clear } from "../offchain-solver/simulation/clear.ts";
import { encodeLife } from "../offchain-solver/node/session/messages.ts";
import { captured } from "./support/commandLine.ts";
import { rogueNode } from "./support/rogueNode.ts";

const DAY_MS = 86_400_000;
/** A session takes seconds; a busy machine may take its time, and a hang still ends. */
const WAIT = { patienceMs: 240_000 };

/** Four homes: every seat of the smallest committee but the operator's. */
const street = (): Scenario => ({ ...takeHours(populate(loadBase("ieee15"), 4, 1), 2), name: "street" });

describe("a market whose parties are processes of their own", function () {
  this.timeout(600_000);
  let chain: ServedChain;
  let devnet: Devnet;
  let days: Scenario[];
  const ends: SessionEnd[] = [];

  before(async function () {
    // Compiles the contracts on a fresh clone.
    this.timeout(0);
    days = daysOf(street(), 10, (day) => day);
    chain = await hardhatChain(new Date(Date.parse(days[0].startUtc) - 2 * DAY_MS), 0);
    const data = mkdtempSync(join(tmpdir(), "gridpact-market-"));
    devnet = await openDevnet({ data, days, chain, transport: { kind: "tls" }, patienceMs: 15_000 });
    ends.push(await devnet.session(0, WAIT));
    // A node sees the end at its own next look.
    for (const { id } of devnet.homes) await logged(id, /"session is settled"/, 0);
  });
  after(async () => {
    await devnet?.close();
    await chain?.close();
  });

  const settled = () => readSessions(devnet.deployment, chain.provider, 0);
  const resultOf = (day: Scenario): ClearingResult => {
    const market = defaultSettings(day);
    const options = { method: "anderson", market, trade: true, rhoScale: 1, maxIterations: 20_000 } as const;
    return clear(day, options).outcome!.quantised.result;
  };
  const inMemory = (day: Scenario): string => hexlify(batchOf(resultOf(day)).payload);
  /** The day as it is cleared without one of its members. */
  const without = (day: Scenario, out: number): Scenario => {
    const prosumers = day.prosumers.filter(({ id }) => id !== out);
    const left = sessionOf(
      publicScenario(day),
      prosumers.map(({ id }) => id),
    );
    return { ...day, ...left, uncertainty: { ...day.uncertainty, ...left.uncertainty }, prosumers };
  };

  it("settles the same integers as all agents in one process do", async () => {
    expect(ends[0]).to.deep.include({ ordinal: 1, outcome: "settled" });
    expect((await settled()).map(({ payload }) => hexlify(payload))).to.deep.equal([inMemory(days[0])]);
  });

  it("publishes what an auditor finds valid, and keeps every schedule at its own node", async () => {
    const folder = bundleFolder(devnet.data);
    const audited = await audit({
      look: look(endpointOf(chain.provider)),
      market: devnet.deployment.market,
      fromBlock: devnet.deployment.block,
      release: releasedBuild(),
      bundles: async (name) => readFileSync(join(folder, `${name}.json`)),
    });
    expect(audited.sessions.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
    // Any node serves them: an auditor of another house has the chain and one node's address.
    for (const id of [OPERATOR_ID, days[0].prosumers[3].id]) {
      const where = ["--rpc", chain.url, "--market", devnet.deployment.market];
      const bundles = `http://127.0.0.1:${devnet.apiPorts.get(id)}/bundles`;
      const ended = await captured("audit", ...where, "--bundle", bundles, "--json", "-");
      expect(ended.code, ended.stderr).to.equal(0);
      const { verdicts } = JSON.parse(ended.stdout) as AuditJson;
      expect(verdicts.map(({ verdict, uncertifiedBy }) => ({ verdict, uncertifiedBy }))).to.deep.equal([
        { verdict: "valid", uncertifiedBy: undefined },
      ]);
    }
    for (const { id } of days[0].prosumers) {
      expect(readdirSync(join(homeOf(devnet.data, id), "sessions"))).to.deep.equal(["1.json"]);
      const own = JSON.parse(readFileSync(join(homeOf(devnet.data, id), "sessions", "1.json"), "utf8"));
      expect(own.schedule.importMw).to.have.length(2);
    }
    expect(readdirSync(join(homeOf(devnet.data, OPERATOR_ID), "sessions"))).to.deep.equal([]);
  });

  it("shows its owner and auditors what they may see, each over its own port, and no secret", async () => {
    const at = (id: number, path: string) => fetch(`http://127.0.0.1:${devnet.apiPorts.get(id)}${path}`);
    const [{ id }] = days[0].prosumers;
    type Shown = {
      readonly [field: string]: unknown;
      readonly schedule: { importMw: number[] };
      readonly paths: object;
    };
    const read = async (path: string) => (await (await at(id, path)).json()) as Shown;
    expect(await read("/health")).to.deep.include({ status: "ok", party: id });
    expect(await read("/session")).to.deep.include({ ordinal: 1, outcome: "settled" });
    const [first] = (await read("/sessions")) as unknown as readonly object[];
    expect(first).to.deep.include({ ordinal: 1, outcome: "settled", batch: ends[0].batch, attempts: 1 });
    expect((await read("/sessions/1/own")).schedule.importMw).to.have.length(2);
    // Its bill is what its account moved by on the chain, to the nano-dollar, for everybody.
    const [{ deltas, batch }] = await settled();
    for (const prosumer of days[0].prosumers) {
      type Own = { batch?: string; payment: object };
      let own: Own;
      // It is read from the chain once the node has seen the end.
      do own = (await (await at(prosumer.id, "/sessions/1/own")).json()) as Own;
      while (own.batch === undefined);
      const paid = Object.values(own.payment).reduce((sum: number, part: number) => sum + part, 0);
      const moved = deltas.find((one) => one.id === prosumer.id)!.money;
      expect([own.batch, Math.round(paid * 1e9)], `${prosumer.id}`).to.deep.equal([batch, -Number(moved)]);
    }
    expect((await at(OPERATOR_ID, "/sessions/1/own")).status).to.equal(404);
    const [{ bundleHash }] = await settled();
    const bundle = new Uint8Array(await (await at(id, `/bundles/${bundleHash}.json`)).arrayBuffer());
    expect(keccak256(bundle)).to.equal(bundleHash);
    for (const path of [
      "/bundles/..%2f..%2fkeys%2fnode.json",
      "/bundles/node.json",
      `/bundles/0x${"00".repeat(32)}.json`,
    ])
      expect((await at(id, path)).status, path).to.equal(404);
    const metrics = await (await at(id, "/metrics")).text();
    expect(metrics)
      .to.match(/^gridpact_session_ordinal 1$/m)
      .and.to.match(/gridpact_sessions_total\{outcome="settled"\} 1/);
    expect(Object.keys((await read("/openapi.json")).paths)).to.include.members([
      "/health",
      "/session",
      "/bundles/{name}",
    ]);
    const events = (await at(id, "/session/iterations")).body!.getReader();
    expect(new TextDecoder().decode((await events.read()).value)).to.match(/^event: session\ndata: \{"ordinal":1/);
    await events.cancel();
    const secrets = devnet.homes.flatMap(({ keys }) =>
      Object.values(keys).map(({ privateKey }) => privateKey.slice(2)),
    );
    const logs = devnet.homes.map((home) => readFileSync(devnet.supervisor.logFile(home.id), "utf8")).join("");
    for (const secret of secrets) expect(logs.includes(secret)).to.equal(false);
  });

  it("settles with a member and then the operator killed while it clears, each once and with the same integers", async () => {
    for (const [k, victim] of [days[0].prosumers[1].id, OPERATOR_ID].entries()) {
      const session = devnet.session(k + 1, WAIT);
      await logged(victim, /"session is frozen"/, k + 1);
      await devnet.supervisor.kill(victim);
      await devnet.supervisor.start(victim);
      expect(await session).to.deep.include({ ordinal: k + 2, outcome: "settled" });
    }
    const payloads = (await settled()).map(({ payload }) => hexlify(payload));
    expect(payloads.slice(1)).to.deep.equal([inMemory(days[1]), inMemory(days[2])]);
  });

  it("clears without a member that is away, who trades nothing, and takes it in again the day after", async () => {
    const away = days[0].prosumers[2].id;
    await devnet.supervisor.kill(away);
    expect(await devnet.session(3, WAIT)).to.deep.include({ ordinal: 4, outcome: "settled" });
    const payload = hexlify((await settled()).at(-1)!.payload);
    expect(payload).to.equal(inMemory(without(days[3], away)));
    expect(payload).not.to.equal(inMemory(days[3]));
    await devnet.supervisor.start(away);
  });

  it("clears again without whom the result takes beyond its mandate, says so to it and to the operator, and settles", async () => {
    const day = days[4];
    const { trades } = resultOf(day);
    const moneyOf = (party: number): number =>
      trades.reduce((sum, { seller, buyer, quantity, price }) => {
        const sign = seller === party ? 1 : buyer === party ? -1 : 0;
        return sum + sign * quantity * price;
      }, 0);
    const payer = day.prosumers.findIndex((_, party) => moneyOf(party) < 0);
    const { id } = day.prosumers[payer];
    const mandate = { ...devnetMandate(day, id, 10_000_000n), maxSpendPerDay: 0n, nonce: 2n };
    const { wallet } = devnet.homes.find((home) => home.id === id)!.keys;
    const signature = await signMandate(devnet.deployment, wallet, mandate);
    await registerMandate(devnet.deployment, chain.admin, mandate, signature);
    expect(await devnet.session(4, WAIT)).to.deep.include({ ordinal: 5, outcome: "settled" });
    const wide = { ...devnetMandate(day, id, 10_000_000n), nonce: 3n };
    await registerMandate(devnet.deployment, chain.admin, wide, await signMandate(devnet.deployment, wallet, wide));
    const { payload } = (await settled()).at(-1)!;
    expect(hexlify(payload)).to.equal(inMemory(without(day, id)));
    const needed = -moneyOf(payer);
    await logged(OPERATOR_ID, new RegExp(`"out":${id},"reason":"spendBeyondLock: ${needed} needed, 0 allowed"`), 0);
    await logged(id, /"predicate":"spendBeyondLock".*"left out: beyond its mandate"/, 0);
    // The schedule of the first clearing is nobody's plan.
    expect(readdirSync(join(homeOf(devnet.data, id), "sessions"))).not.to.include("5.json");
  });

  it("settles although a member makes other integers of the same proposals: it is named, and in the journals", async () => {
    const liar = days[0].prosumers[0].id;
    await devnet.supervisor.kill(liar);
    const other = `0x${"0b".repeat(32)}`;
    const rogue = await rogueNode(devnet, liar, (message) =>
      "kind" in message && message.kind === "claim" ? { ...message, payload: other } : message,
    );
    expect(await devnet.session(5, WAIT)).to.deep.include({ ordinal: 6, outcome: "settled" });
    await rogue.close();
    await devnet.supervisor.start(liar);
    expect(hexlify((await settled()).at(-1)!.payload)).to.equal(inMemory(days[5]));
    await logged(OPERATOR_ID, new RegExp(`"out":${liar},"reason":"makes other integers of it: ${other}"`), 0);
  });

  it("settles without a member whose proposal cannot be, whom everybody finds", async () => {
    const day = days[6];
    const liar = day.prosumers[3].id;
    await devnet.supervisor.kill(liar);
    const rogue = await rogueNode(devnet, liar, (message) => {
      if (!("kind" in message) || message.kind !== "proposal" || !("utilityMw" in message.proposal)) return message;
      const utilityMw = message.proposal.utilityMw.map((mw) => mw + 0.1);
      return { ...message, proposal: { ...message.proposal, utilityMw } };
    });
    expect(await devnet.session(6, WAIT)).to.deep.include({ ordinal: 7, outcome: "settled" });
    await rogue.close();
    expect(hexlify((await settled()).at(-1)!.payload)).to.equal(inMemory(without(day, liar)));
    await logged(OPERATOR_ID, new RegExp(`"out":${liar},"reason":"energyNotBalanced: period 0: `), 0);
    await devnet.supervisor.start(liar);
  });

  it("settles where a member masks its steps, whose journal alone can run them again", async () => {
    const [, { id }] = days[0].prosumers;
    const home = homeOf(devnet.data, id);
    await devnet.supervisor.kill(id);
    appendFileSync(configFile(home), "mask: 0.3\n");
    await devnet.supervisor.start(id);
    expect(await devnet.session(7, WAIT)).to.deep.include({ ordinal: 8, outcome: "settled" });
    await devnet.supervisor.kill(id);
    const attempts = [...readHeard(journalFile(home)).values()].at(-1)!;
    const heard = [...attempts.values()].at(-1)!;
    expect(replay(heard).end).to.equal("same");
    const [first] = heard as [Extract<Heard, { kind: "open" }>];
    const { mask, ...opening } = JSON.parse(new TextDecoder().decode(first.body)) as { mask: { share: number } };
    expect(mask.share).to.equal(0.3);
    const bare = { ...first, body: new TextEncoder().encode(JSON.stringify(opening)) };
    expect(replay(heard.with(0, bare)).end).to.equal("different");
    await devnet.supervisor.start(id);
  });

  it("settles while a member drowns the others in what is nobody's, and names it", async () => {
    const [first, liar] = days[8].prosumers.map(({ id }) => id);
    const { keys } = devnet.homes.find(({ id }) => id === liar)!;
    await devnet.supervisor.kill(liar);
    const parties = devnet.homes.map(({ id }) => id).filter((id) => id !== liar);
    const sizes = parties.map((id) => statSync(journalFile(homeOf(devnet.data, id))).size);
    let say: (to: number, bytes: Uint8Array) => void;
    let flooded = false;
    const rogue = await rogueNode(
      devnet,
      liar,
      (message) => {
        // An agent's: the clearing is under way.
        if (message instanceof Uint8Array && message[0] === 0x67 && !flooded) {
          flooded = true;
          // Right signatures of results that there are none of, more than there are seats: to everybody.
          for (let k = 0; k < 40; k++) {
            const digest = hexlify(randomBytes(32));
            const { serialized } = keys.node.signingKey.sign(digest);
            const signatures: [number, string][] = [[31, serialized]];
            for (const to of parties) say(to, encodeLife({ kind: "attestations", session, digest, signatures }));
          }
          // Its agent's tag before a megabyte of nothing: to a member's journal.
          const long = new Uint8Array(1_000_000);
          long.set(message.subarray(0, 16));
          for (let k = 0; k < 20; k++) say(first, long);
          const digest = hexlify(randomBytes(32));
          const signatures = Array.from({ length: 32 }, (): [number, string] => [31, hexlify(randomBytes(65))]);
          const flood = encodeLife({ kind: "attestations", session, digest, signatures });
          for (let k = 0; k < 3_000; k++) say(OPERATOR_ID, flood);
        } else if (!(message instanceof Uint8Array) && "session" in message) session = message.session;
        return message;
      },
      (way) => (say = way),
    );
    let session = "";
    expect(await devnet.session(8, WAIT)).to.deep.include({ ordinal: 9, outcome: "settled" });
    await rogue.close();
    await logged(OPERATOR_ID, new RegExp(`"host":${liar},"reason":"it says more than anybody needs to"`), 0);
    await logged(first, new RegExp(`"host":${liar},"reason":"its agent sent 1000000 bytes at once, where \\d+ are`), 0);
    parties.forEach((id, k) =>
      expect(statSync(journalFile(homeOf(devnet.data, id))).size - sizes[k], `${id}`).to.be.below(4e6),
    );
    await devnet.supervisor.start(liar);
  });

  it("leaves a session void, and no trace of it in the ledger, where the operator stays away past its deadline", async () => {
    const before = (await settled()).length;
    await devnet.supervisor.kill(OPERATOR_ID);
    expect((await devnet.session(9, { patienceMs: 3_000 })).outcome).to.equal("void");
    expect(await settled()).to.have.length(before);
  });

  it("runs an agent again from its journal to the same bits, and sees a bit that was changed", async () => {
    const file = journalFile(homeOf(devnet.data, OPERATOR_ID));
    const { code, stdout } = await captured("replay", file, "--json", "-");
    expect(code).to.equal(0);
    const named = readCommitments(file).flatMap((one) => (one.kind === "refused" ? [[one.party, one.predicate]] : []));
    const [first, , , last] = days[0].prosumers.map(({ id }) => id);
    expect(named).to.deep.include.members([
      [first, "differs"],
      [last, "leftOut"],
    ]);
    const ends = JSON.parse(stdout).attempts.map(({ end }: { end: string }) => end);
    // An attempt that a kill cut short, where the kill met one, has no end to compare.
    expect(new Set(["same", "unfinished", ...ends])).to.deep.equal(new Set(["same", "unfinished"]));
    expect(ends.filter((end: string) => end === "same")).to.have.length.at.least(3);
    const heard = [...readHeard(file).values()].flatMap((attempts) => [...attempts.values()]);
    const whole = heard.find((attempt) => replay(attempt).end === "same")!;
    const messages = whole.flatMap((event, at) => (event.kind === "message" ? [at] : []));
    // Late: what is changed early is contracted away again, as the iteration should.
    const place = messages[Math.floor(messages.length * 0.9)];
    const message = whole[place] as Extract<Heard, { kind: "message" }>;
    const body = message.body.slice();
    // In the mantissa of the first number, after the head: 2^-12 of it.
    body[16 + 5] ^= 1;
    expect(replay(whole.with(place, { ...message, body })).end).not.to.equal("same");
  });

  /** Waits until a party's log has so many lines more of this kind than there were sessions before. */
  async function logged(id: number, line: RegExp, times: number): Promise<void> {
    for (;;) {
      const text = readFileSync(devnet.supervisor.logFile(id), "utf8");
      if (text.split("\n").filter((one) => line.test(one)).length > times) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});
