import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { concat, id, toBeHex, zeroPadValue } from "ethers";
import { connect } from "../offchain-solver/chain/connect.ts";
import { httpEndpoint } from "../offchain-solver/chain/endpoint.ts";
import { MARKET } from "../offchain-solver/codec/abi.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import type { AuditJson, SettlementJson } from "../offchain-solver/records/sessionJson.ts";
import type { ReceiptJson } from "../offchain-solver/records/receiptJson.ts";
import { startAnvil, type Anvil } from "./support/anvil.ts";
import { captured } from "./support/commandLine.ts";
import { served, type Fault } from "./support/faultyEndpoint.ts";

/** A milder day of the same members. */
const withLoads = (scenario: Scenario, factor: number): Scenario => ({
  ...scenario,
  prosumers: scenario.prosumers.map((p) => ({
    ...p,
    load: { ...p.load, fixedMw: p.load.fixedMw.map((mw) => factor * mw) },
  })),
});

const read = <T>(file: string): T => JSON.parse(readFileSync(file, "utf8")) as T;

type Edit = readonly [file: string, predicate: string, edit: (text: string) => string];

describe("a session on a chain that outlives the process", function () {
  this.timeout(300_000);
  let anvil: Anvil;
  let out: string;
  let session: string;
  let settlement: SettlementJson;

  const run = (scenario = "ieee15", ...more: string[]) =>
    captured("run", scenario, "--hours", "2", "--rpc", anvil.url, "--out", out, ...more);
  /** Of a command that looks at the market, what it writes to stdout as JSON. */
  const asked = async <T>(command: string, ...more: string[]): Promise<T> => {
    const where = ["--rpc", anvil.url, "--market", settlement.market as string];
    const ended = await captured(command, ...where, ...more, "--json", "-");
    expect(ended.code, ended.stderr).to.equal(0);
    return JSON.parse(ended.stdout) as T;
  };

  /** Each edit of a file is invalid by its name. */
  const accused = async (cases: readonly Edit[]): Promise<void> => {
    for (const [file, predicate, edit] of cases) {
      const copy = mkdtempSync(join(out, predicate));
      cpSync(session, copy, { recursive: true });
      const text = readFileSync(join(copy, file), "utf8");
      expect(edit(text), predicate).not.to.equal(text);
      writeFileSync(join(copy, file), edit(text));
      const ended = await captured("audit", copy);
      expect(ended.code, `${predicate}: ${ended.stderr}`).to.equal(4);
      expect(ended.stderr).to.include(predicate);
      rmSync(copy, { recursive: true });
    }
  };

  before(async () => {
    anvil = await startAnvil();
    out = mkdtempSync(join(tmpdir(), "gridpact-"));
    const ended = await run();
    expect(ended.code, ended.stderr).to.equal(0);
    session = join(out, readdirSync(out)[0]);
    settlement = read(join(session, "settlement.json"));
  });
  after(() => {
    anvil?.close();
    rmSync(out, { recursive: true, force: true });
  });

  it("is found again by its folder alone, and valid, with its files", async () => {
    const [json, html] = ["audit2.json", "audit.html"].map((name) => join(out, name));
    const ended = await captured("audit", session, "--json", json, "--html", html);
    expect(ended.code, ended.stderr).to.equal(0);
    const audit = read<AuditJson>(json);
    expect(audit.verdicts.map(({ verdict }) => verdict)).to.deep.equal(["valid"]);
    expect([audit.market?.verdict, audit.documents?.verdict]).to.deep.equal(["valid", "valid"]);
    expect(audit.chain).to.include({ chainId: settlement.chainId, market: settlement.market });
    expect(readFileSync(html, "utf8")).to.include(audit.verdicts[0].session);
  });

  it("is what the guide says, word by word", async () => {
    const guide = readFileSync("docs/guide/auditor.md", "utf8");
    const commands = [...guide.matchAll(/^npx gridpact (.*)$/gm)].map(([, words]) => words.split(" "));
    const [ran, ...later] = commands;
    expect(ran).to.deep.equal("run ieee15 --hours 2 --rpc http://127.0.0.1:8545 --out out".split(" "));
    expect(later).to.have.length(3);
    const { wallet } = await asked<ReceiptJson>("receipt", "--account", "2");
    const given: Readonly<Record<string, string>> = {
      "out/SESSION": session,
      URL: anvil.url,
      BLOCK: "0",
      PLACE: session,
      FILE: join(out, "kept.json"),
    };
    for (const words of later) {
      const line = words.map((word, k) => {
        if (word === "ADDRESS") return (words[k - 1] === "--wallet" ? wallet : settlement.market) as string;
        return given[word] ?? (/\.(?:json|html)$/.test(word) ? join(out, word) : word);
      });
      const ended = await captured(...line);
      expect(ended.code, `${words.join(" ")}: ${ended.stderr}`).to.equal(0);
    }
    expect(read<AuditJson>(join(out, "audit.json")).verdicts.map(({ verdict }) => verdict)).to.deep.equal(["valid"]);
  });

  it("is told from files that say something else", async () => {
    const cases: readonly Edit[] = [
      [
        "settlement.json",
        "settlementNotTheChain",
        (text) => text.replace(/"moneyNano": (-?\d+)/, (_, n) => `"moneyNano": ${Number(n) + 1}`),
      ],
      ["settlement.json", "settlementNotOnChain", (text) => text.replace(settlement.txHash, `0x${"12".repeat(32)}`)],
      [
        "clearing.json",
        "clearingNotTheChain",
        (text) => text.replace(/("quantised"[^]*?"quantity": )(\d+)/, (_, a, n) => `${a}${Number(n) + 1}`),
      ],
      [
        "clearing.json",
        "billNotTheChain",
        (text) => text.replace(/("payment": \{\s*"energy": )([-\d.]+)/, (_, a, n) => `${a}${Number(n) + 1}`),
      ],
      [
        "clearing.json",
        "regretNotTheWitness",
        (text) => text.replace(/("regret": )([-+.e\d]+)/, (_, a, n) => `${a}${Number(n) + 1e-8}`),
      ],
      // A cent more, and as much again in the objective: what all of it adds up to is no witness of a part.
      [
        "clearing.json",
        "costNotTheSchedule",
        (text) =>
          text
            .replace(/("cost": )([-+.e\d]+)/, (_, a, n) => `${a}${Number(n) + 0.01}`)
            .replace(/("objective": )([-+.e\d]+)/, (_, a, n) => `${a}${Number(n) + 0.01}`),
      ],
      [
        "clearing.json",
        "objectiveNotTheSum",
        (text) => text.replace(/("objective": )([-+.e\d]+)/, (_, a, n) => `${a}${0.99 * Number(n)}`),
      ],
      [
        "delivery.json",
        "billNotTheReadings",
        (text) =>
          text.replace(
            /("shortNano": )(-?\d+)([^}]*"boundNano": )(-?\d+)/,
            (_, a, short, b, bound) => `${a}${Number(short) + 7}${b}${Number(bound) - 7}`,
          ),
      ],
      ["audit.json", "auditNotTheChain", (text) => text.replace('"verdict": "valid"', '"verdict": "invalid"')],
      ["audit.json", "auditNotTheChain", (text) => text.replace(/("regrets": )[-+.e\d]+/, "$10")],
      ["report.html", "reportNotTheFiles", (text) => text.replace("</main>", "<p>All bills are waived.</p></main>")],
    ];
    await accused(cases);
  });

  it("is told from files that no batch holds, or that other terms were frozen for", () =>
    accused([
      ["delivery.json", "deliveryNotTheReadings", (text) => text.replace(/"periods": \d+/, '"periods": 1000000000')],
      // Parties and periods that no batch holds.
      ["clearing.json", "clearingNotTheChain", (text) => quantised(text, "seller", 4294967280)],
      ["clearing.json", "clearingNotTheChain", (text) => quantised(text, "quantity", 4294967296)],
      ["clearing.json", "clearingNotTheChain", (text) => quantised(text, "periods", 1000000000)],
      ["clearing.json", "clearingNotTheChain", (text) => quantised(text, "sessionStart", 1)],
      ["clearing.json", "clearingNotTheTerms", (text) => text.replace('"epsilon": 0.05', '"epsilon": 0.06')],
      ["clearing.json", "clearingNotTheTerms", (text) => text.replace('"bus": 2', '"bus": 3')],
      // A feeder that is no tree, another tariff, and devices that other rights follow from.
      ["scenario.json", "scenarioNotTheTerms", (text) => text.replace('"from": 1', '"from": 9')],
      ["scenario.json", "scenarioNotTheTerms", (text) => text.replace(/"buyPerMwh": \[\s*/, "$&1")],
      ["scenario.json", "scenarioNotTheTerms", (text) => text.replace(/"fixedMw": \[\s*/, "$&1")],
    ]));

  it("is told from files of another market, and from ones of which no page can be made, without its witness too", async () => {
    const told = async (file: string, edit: (text: string) => string, ...more: string[]) => {
      const copy = mkdtempSync(join(out, "edited-"));
      cpSync(session, copy, { recursive: true });
      if (more.length === 0)
        for (const name of ["bundle", "witness.json"]) rmSync(join(copy, name), { recursive: true });
      writeFileSync(join(copy, file), edit(readFileSync(join(copy, file), "utf8")));
      const { code, stderr } = await captured("audit", copy, ...more);
      rmSync(copy, { recursive: true });
      expect(stderr).not.to.match(/^ +at /m);
      return { code, stderr };
    };
    const elsewhere = `0x${"12".repeat(20)}`;
    const market = settlement.market as string;
    const moved = await told("settlement.json", (text) => text.replace(market, elsewhere), "--market", market);
    expect(moved.code).to.equal(4);
    expect(moved.stderr).to.include(`settlementNotTheChain: market is ${market}, not ${elsewhere}`);
    const edits: readonly (readonly [file: string, edit: (text: string) => string])[] = [
      ["delivery.json", (text) => text.replace(/"periods": \d+/, '"periods": 1000000000')],
      ["scenario.json", (text) => text.replace('"from": 1', '"from": 9')],
      ["scenario.json", (text) => text.replace(/"periodHours": [\d.]+/, '"periodHours": 1e9')],
      ["clearing.json", (text) => text.replace(/("voltage": \[\s*\[\s*)[\d.]+/, "$1null")],
    ];
    for (const [file, edit] of edits) {
      const { code, stderr } = await told(file, edit);
      expect(code, stderr).to.equal(4);
      expect(stderr).to.include("reportNotTheFiles");
    }
  });

  it("is undecided without its witness, whatever else lies in the folder", async () => {
    const folder = join(out, "empty");
    mkdirSync(folder);
    const where = ["--rpc", anvil.url, "--market", settlement.market as string, "--bundle", folder];
    writeFileSync(join(folder, "other-witness.json"), "{");
    const without = await captured("audit", ...where);
    expect(without.code, without.stderr).to.equal(5);
    expect(without.stderr).to.include("the witness of batch");
    cpSync(join(session, "witness.json"), join(folder, "witness.json"));
    writeFileSync(join(folder, "a-witness.json"), JSON.stringify({ session: "another" }));
    expect((await captured("audit", ...where)).code).to.equal(0);
    expect((await captured("audit", ...where, "--rpc", anvil.url)).code, "compared with itself").to.equal(0);
    const late = await captured("audit", ...where, "--from", `${(settlement.marketBlock as number) + 1}`);
    expect(late.code, late.stderr).to.equal(0);
  });

  it("is read once: an audit goes on from where it stopped", async () => {
    const file = join(out, "checkpoint.json");
    const ask = () => captured("audit", session, "--checkpoint", file, "--json", "-");
    const [first, second] = [await ask(), await ask()];
    expect([first.code, second.code]).to.deep.equal([0, 0]);
    expect(JSON.parse(second.stdout).verdicts).to.deep.equal(JSON.parse(first.stdout).verdicts);
    writeFileSync(file, "not a checkpoint");
    expect((await ask()).code).to.equal(0);
  });

  it("goes on from no checkpoint that somebody has edited, with its hash or not, and crashes by none", async () => {
    const file = join(out, "edited.json");
    const ask = () => captured("audit", session, "--checkpoint", file);
    expect((await ask()).code).to.equal(0);
    const kept = read<{ standing: object }>(file);
    for (const standing of [
      {},
      null,
      { ...kept.standing, history: {} },
      { ...kept.standing, sessions: [{}], block: 0 },
    ]) {
      writeFileSync(file, JSON.stringify({ ...kept, standing, hash: id(JSON.stringify(standing)) }));
      const ended = await ask();
      expect(ended.code, ended.stderr).to.equal(0);
    }
  });

  it("is accused by no endpoint that shows less of the chain than there is", async () => {
    const truth = httpEndpoint(anvil.url);
    const isSettled = (log: { topics: string[] }): boolean => log.topics[0] === MARKET.getEvent("Settled")!.topicHash;
    const faults: Readonly<Record<string, NonNullable<Fault["rpc"]>>> = {
      "hides what settled": async ({ method }, ask) => {
        const answer = await ask();
        return method === "eth_getLogs" ? (answer as { topics: string[] }[]).filter((log) => !isSettled(log)) : answer;
      },
      "is behind": ({ method }, ask) => (method === "eth_blockNumber" ? Promise.resolve("0x14") : ask()),
      "has settled it in another transaction": async ({ method }, ask) => {
        const answer = await ask();
        if (method !== "eth_getLogs") return answer;
        const logs = answer as { topics: string[] }[];
        return logs.map((log) => (isSettled(log) ? { ...log, transactionHash: `0x${"ab".repeat(32)}` } : log));
      },
    };
    for (const [name, rpc] of Object.entries(faults)) {
      const server = await served(truth, { rpc });
      const ended = await captured("audit", session, "--rpc", server.url);
      await server.close();
      expect(ended.code, `${name}: ${ended.stdout}${ended.stderr}`).to.equal(5);
    }
    const late = await captured("audit", session, "--from", `${settlement.block + 1}`);
    expect(late.code, late.stderr).to.equal(5);
  });

  it("is valid again where an endpoint hid a deposit from the audit whose checkpoint was kept", async () => {
    const file = join(out, "hidden.json");
    const deposited = MARKET.getEvent("Deposited")!.topicHash;
    const server = await served(httpEndpoint(anvil.url), {
      async rpc({ method }, ask) {
        const answer = await ask();
        if (method !== "eth_getLogs") return answer;
        const logs = answer as { topics: string[] }[];
        const last = logs.findLast(({ topics }) => topics[0] === deposited);
        return logs.filter((log) => log !== last);
      },
    });
    const hidden = await captured("audit", session, "--rpc", server.url, "--checkpoint", file);
    await server.close();
    expect(hidden.code, hidden.stderr).to.equal(5);
    const ended = await captured("audit", session, "--checkpoint", file);
    expect(ended.code, ended.stderr).to.equal(0);
  });

  it("has receipts that add up to what settled, the same bytes whoever asks", async () => {
    const ask = (...more: string[]) =>
      captured(
        "receipt",
        "--rpc",
        anvil.url,
        "--market",
        settlement.market as string,
        "--bundle",
        session,
        "--json",
        "-",
        ...more,
      );
    for (const { account, moneyNano, energyWh } of settlement.accounts.slice(0, 3)) {
      const ended = await ask("--account", String(account));
      expect(ended.code, ended.stderr).to.equal(0);
      const receipt = JSON.parse(ended.stdout) as ReceiptJson;
      expect(BigInt(receipt.total.paidNano)).to.equal(BigInt(-moneyNano));
      expect(receipt.total.soldWh - receipt.total.boughtWh).to.equal(energyWh);
      expect((await ask("--wallet", receipt.wallet as string)).stdout).to.equal(ended.stdout);
    }
    expect((await ask("--account", "77")).code).to.equal(2);
    const none = JSON.parse((await ask("--account", "2", "--until", "2001-01-01")).stdout) as ReceiptJson;
    expect(none.sessions).to.deep.equal([]);
  });

  it("can be followed by one of other loads in the same market, submitted through a contract", async () => {
    const provider = connect(anvil.url);
    try {
      // Settled directly, taken back, and settled once more by a contract that nobody knows.
      await provider.send("evm_increaseTime", [2 * 86_400]);
      await provider.send("evm_mine", []);
      const other = join(out, "milder.json");
      writeFileSync(other, JSON.stringify(withLoads(takeHours(loadScenario("ieee15"), 2), 0.97)));
      const ended = await run(other, "--market", settlement.market as string);
      expect(ended.code, ended.stderr).to.equal(0);
      const folder = readdirSync(out).find(
        (name) => name.startsWith("ieee15") && join(out, name) !== session,
      ) as string;
      const direct = read<SettlementJson>(join(out, folder, "settlement.json"));
      const { data } = (await provider.getTransaction(direct.txHash))!;
      const verdicts = async (): Promise<string[]> =>
        (await asked<AuditJson>("audit", "--bundle", out)).verdicts.map(({ verdict }) => verdict);
      expect(await verdicts()).to.deep.equal(["valid", "valid"]);
      await provider.send("anvil_rollback", [1]);
      const relay = await (
        await provider.getSigner(0)
      ).sendTransaction({ data: relayOf(settlement.market as string, data) });
      const receipt = await relay.wait();
      expect(receipt?.logs.map((log) => MARKET.parseLog(log)?.name)).to.include("Settled");
      expect(await verdicts()).to.deep.equal(["valid", "valid"]);
    } finally {
      provider.destroy();
    }
  });
});

/** The first figure of that name in the integers that settled, as another. */
const quantised = (text: string, name: string, value: number): string =>
  text.replace(new RegExp(`("quantised"[^]*?"${name}": )\\d+`), `$1${value}`);

/** Code whose creation calls `market` with `data`, which stands behind it, and leaves no contract. */
function relayOf(market: string, data: string): string {
  const size = zeroPadValue(toBeHex((data.length - 2) / 2), 4);
  const head = 55;
  return concat([
    ...["0x63", size, "0x63", zeroPadValue(toBeHex(head), 4), "0x5f", "0x39"],
    ...["0x5f", "0x5f", "0x63", size, "0x5f", "0x5f", "0x73", market, "0x5a", "0xf1"],
    // What is left of the head: stop with no code, whether the call went well or not.
    ...["0x15", "0x60", zeroPadValue(toBeHex(51), 1), "0x57", "0x5f", "0x5f", "0xf3", "0x5b", "0x5f", "0x5f", "0xfd"],
    data,
  ]);
}
