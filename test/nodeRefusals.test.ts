import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { MarketWatch } from "../offchain-solver/chain/watch.ts";
import type { Deployment } from "../offchain-solver/chain/deployment.ts";
import { hardhatChain } from "../offchain-solver/devnet/chain/hardhatChain.ts";
import { passTime, type ServedChain } from "../offchain-solver/devnet/chain/served.ts";
import { daysOf } from "../offchain-solver/devnet/days.ts";
import { devnetTerms } from "../offchain-solver/devnet/devnet.ts";
import { openMarket } from "../offchain-solver/devnet/openMarket.ts";
import {
  makeParties,
  passwordFile,
  writeConfigs,
  writeSessions,
  type PartyHome,
} from "../offchain-solver/devnet/parties.ts";
import type { Carrier } from "../offchain-solver/node/carrier.ts";
import { configFile, journalFile } from "../offchain-solver/node/home.ts";
import { Journal, JournalError } from "../offchain-solver/node/journal/journal.ts";
import { OperatorRole } from "../offchain-solver/node/operatorRole.ts";
import { Party } from "../offchain-solver/node/party.ts";
import { Records } from "../offchain-solver/node/records.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { splitHours, takeHours, takePeriods } from "../offchain-solver/scenarios/periods.ts";
import { captured } from "./support/commandLine.ts";
import { openResources } from "./support/openResources.ts";

const MAIN = fileURLToPath(new URL("../offchain-solver/cli/main.ts", import.meta.url));
const DAY_MS = 86_400_000;

describe("a node that cannot run says why in one sentence and ends with 2:", function () {
  this.timeout(300_000);
  const data = mkdtempSync(join(tmpdir(), "gridpact-refused-"));
  let chain: ServedChain;
  let deployment: Deployment;
  let homes: PartyHome[];
  let home: string;

  before(async function () {
    // Compiles the contracts on a fresh clone.
    this.timeout(0);
    const street = { ...takeHours(populate(loadBase("ieee15"), 4, 1), 1), name: "street" };
    const days = daysOf(street, 1, (day) => day);
    chain = await hardhatChain(new Date(Date.parse(days[0].startUtc) - 2 * DAY_MS), 0);
    homes = await makeParties(
      data,
      days[0].prosumers.map(({ id }) => id),
    );
    writeSessions(
      data,
      homes,
      days,
      days.map((day) => devnetTerms(day)),
    );
    deployment = await openMarket(chain, homes, days, () => 0n);
    const ports = new Map(homes.map(({ id }) => [id, { peers: 0, api: 0 }]));
    const settings = { patienceMs: 5_000, pollMs: 100, leadS: 86_400, logLevel: "silent" } as const;
    // Nobody is dialled here.
    writeConfigs(data, homes, {
      rpc: chain.url,
      deployment,
      transport: { kind: "nats", servers: ["none"] },
      ports,
      settings,
    });
    home = homes[1].home;
    edit(() => ({ transport: { kind: "tls", port: 0 } }));
    original = readFileSync(configFile(home), "utf8");
  });
  after(() => chain?.close());

  let original = "";
  const edit = (change: (config: Record<string, unknown>) => Record<string, unknown>): void => {
    const config = parse(readFileSync(configFile(home), "utf8")) as Record<string, unknown>;
    writeFileSync(configFile(home), stringify({ ...config, ...change(config) }));
  };
  afterEach(() => writeFileSync(configFile(home), original));
  /** `message`: the whole of what people are told. */
  async function refuses(message: RegExp): Promise<void> {
    const before = await openResources();
    const { code, stderr, stdout } = await captured("node", home);
    // What is left open keeps a process from ending; sockets are also the chain's, which is in this process.
    const { TCPSocketWrap: _, ...left } = await openResources();
    expect({ ...before, ...left }, stderr).to.deep.equal(before);
    expect({ code, stdout }, stderr).to.deep.equal({ code: 2, stdout: "" });
    expect(stderr.trimEnd().split("\n"), stderr).to.have.length(1);
    expect(stderr).to.match(message);
  }
  const taken = async (): Promise<{ port: number; free: () => Promise<void> }> => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return { port, free: () => new Promise((resolve) => server.close(() => resolve())) };
  };

  it("another chain, and no market at the address", async () => {
    edit(() => ({ chainId: 1 }));
    await refuses(/node\.yaml: chainId = 1: http:\S+ is another chain, 31337$/m);
    edit(() => ({ chainId: 31337, market: "0x00000000000000000000000000000000000000aa" }));
    await refuses(/node\.yaml: market = "0x0*aa": there is no contract at this address on http/);
  });

  it("a party that is not registered, or whose node key is not", async () => {
    edit(() => ({ party: 4_000 }));
    await refuses(/node\.yaml: party = 4000: is not registered: the operator admits it/);
    edit(() => ({ party: homes[2].id }));
    await refuses(/node\.yaml: party = \d+: its node key 0x\w{40} is not registered; the registry names 0x\w{40}$/m);
  });

  it("parties that are to be dialled and have no address", async () => {
    edit(() => ({ transport: { kind: "tls", port: 0 } }));
    await refuses(/peers\.json: parties = 4294967294: over TLS a party has a host and a port$/m);
  });

  it("a broker that is not there, in a process of its own too", async () => {
    edit(() => ({ transport: { kind: "nats", servers: ["127.0.0.1:1"] } }));
    await refuses(/^transport\.servers = 127\.0\.0\.1:1: broker 127\.0\.0\.1:1: /);
    const env = { ...process.env, GRIDPACT_PASSWORD_FILE: passwordFile(data) };
    const child = spawn(process.execPath, [MAIN, "node", home], { stdio: ["ignore", "ignore", "pipe"], env });
    const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
    const [code] = (await once(child, "exit")) as [number | null];
    clearTimeout(late);
    expect(code).to.equal(2);
  });

  it("a port that is in use, for its peers and for its API", async () => {
    const { port, free } = await taken();
    const peers = join(data, "nobody.json");
    writeFileSync(peers, `{"parties": []}`);
    edit(() => ({ transport: { kind: "tls", port }, peers }));
    await refuses(
      new RegExp(`^transport\\.port = ${port}: 127\\.0\\.0\\.1:${port} is in use by another program$`, "m"),
    );
    edit(() => ({ transport: { kind: "tls", port: 0 }, api: { port } }));
    await refuses(new RegExp(`^api\\.port = ${port}: is in use$`, "m"));
    await free();
  });

  it("an address that this machine does not have", async () => {
    const peers = join(data, "nobody.json");
    edit(() => ({ transport: { kind: "tls", host: "192.0.2.1", port: 0 }, peers }));
    await refuses(/^transport\.host = 192\.0\.2\.1: /);
  });

  it("a journal that is in use, damaged, of another market or another version", async () => {
    const file = journalFile(home);
    const owner = {
      party: homes[1].id,
      chainId: "31337",
      genesis: (await chain.provider.getBlock(0))!.hash!,
      market: deployment.market,
    };
    const held = new Journal(file, owner);
    await refuses(/journal\.sqlite: is in use by another process: two nodes with one key could sign two results$/m);
    held.commit({ kind: "joined", session: "0x01" });
    held.hear("0x01", 0, { kind: "open", body: new TextEncoder().encode("terms") });
    held.close();
    const { code, stderr } = await captured("replay", file);
    expect([code, stderr.trimEnd().split("\n").length], stderr).to.deep.equal([2, 1]);
    expect(stderr).to.match(/journal\.sqlite: heard, session 0x01, attempt 0: is damaged: /);
    const change = (sql: string): void => {
      const db = new DatabaseSync(file);
      db.exec(sql);
      db.close();
    };
    change("UPDATE commitments SET atMs = atMs + 1");
    await refuses(/journal\.sqlite: commitments, row 0: is damaged: its hash is not the one that was written$/m);
    change("UPDATE commitments SET atMs = atMs - 1; UPDATE owner SET value = '0xbb' WHERE field = 'market'");
    await refuses(/journal\.sqlite: market = 0xbb: the journal of another market, not of 0x/);
    change("PRAGMA user_version = 9");
    await refuses(/journal\.sqlite: user_version = 9: a journal of another version; this program reads version 2$/m);
  });

  it("a disk that is full: the first commitment that does not fit ends the process", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "gridpact-full-")), "journal.sqlite");
    const owner = { party: 1, chainId: "1", genesis: "0x", market: "0x" };
    /** As one that is new, whose first commitment is a long one. */
    class Full extends Journal {
      override get commitments() {
        return [];
      }
      override commit(): void {
        super.commit({ kind: "void", session: "0x1", reason: "x".repeat(9_000) });
      }
    }
    const journal = new Full(file, owner, { maxPages: 8 });
    // What is not there yet is the node's first commitment: the pages that it needs are taken.
    expect(() => {
      for (let k = 0; ; k++) {
        journal.hear("0x", k, { kind: "message", from: 1, body: new Uint8Array(3_000) });
        journal.flush();
      }
    }).to.throw(JournalError);
    const none = {
      join: () => ({ send() {}, setTimer() {}, close() {} }),
      meet() {},
      readmit() {},
      close: async () => {},
    };
    const failed = Promise.withResolvers<JournalError>();
    const party = new Party({
      party: homes[1].id,
      config: { submit: false, patienceMs: 1_000, pollMs: 20, leadS: 60 },
      provider: chain.provider,
      deployment,
      keys: homes[1].keys,
      journal,
      carrier: none as unknown as Carrier,
      records: new Records(mkdtempSync(join(tmpdir(), "gridpact-full-")), join(data, "public", "bundles")),
      log: () => undefined,
      failed: failed.resolve,
    });
    try {
      void party.start([homes[1].id]);
      const error = await failed.promise;
      expect(error.message).to.match(/journal\.sqlite: cannot be written: the disk is full$/);
      expect(error.exitCode).to.equal(2);
    } finally {
      await party.close().catch(() => undefined);
    }
  });

  it("and an operator names what the chain never takes, once, and goes on with the session after it", async () => {
    const day = takeHours(populate(loadBase("ieee15"), 4, 1), 2);
    const start = Date.parse(day.startUtc);
    const at = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");
    const quarter = takePeriods(splitHours(takeHours(day, 1), 15), 1);
    const schedule = [
      devnetTerms({ ...quarter, startUtc: at(start) }),
      devnetTerms({ ...day, startUtc: at(start + 3_600_000) }),
    ];
    const said: object[] = [];
    const operator = new OperatorRole({
      config: { patienceMs: 5_000, leadS: 86_400 },
      schedule: () => schedule,
      deployment,
      wallet: homes[0].keys.wallet.connect(chain.provider),
      journal: {} as Journal,
      send: () => undefined,
      log: (level, what, details) => void said.push({ level, what, ...details }),
    });
    const watch = new MarketWatch(deployment, chain.provider);
    const now = start / 1000 - 3_600;
    await passTime(chain.provider, now);
    for (let look = 0; look < 3; look++) await operator.freezeNext((await watch.look()).session, now);
    const startUtc = schedule[0].scenario.startUtc;
    expect(said).to.deep.equal([{ level: "error", what: "never frozen", startUtc, reason: "PeriodsOutOfRange(1)" }]);
    expect(Number((await watch.look()).session!.terms.start)).to.equal(start / 1000 + 3_600);
  });

  it("a clock that is minutes behind the chain's", async () => {
    // Last: the chain's clock goes forward only.
    await passTime(chain.provider, Math.round(Date.now() / 1000) + 600);
    edit(() => ({ clockToleranceS: 120 }));
    await refuses(
      /clockToleranceS = 120: this machine's clock is (9|10) minutes behind the chain's newest block: set it/,
    );
  });
});
