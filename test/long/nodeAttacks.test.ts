/** What befalls single nodes of a market that runs: they say what it is, the others settle, and nobody signs twice. */
import { fork, spawnSync, type ChildProcess } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { OPERATOR_ID } from "../../offchain-solver/chain/onboarding.ts";
import { hardhatChain } from "../../offchain-solver/devnet/chain/hardhatChain.ts";
import type { ServedChain } from "../../offchain-solver/devnet/chain/served.ts";
import { daysOf } from "../../offchain-solver/devnet/days.ts";
import { openDevnet, type Devnet } from "../../offchain-solver/devnet/devnet.ts";
import { journalsOf, splitSessions } from "../../offchain-solver/devnet/devnetReport.ts";
import { homeOf, peersFile } from "../../offchain-solver/devnet/parties.ts";
import { configFile, journalFile } from "../../offchain-solver/node/home.ts";
import { readCommitments } from "../../offchain-solver/node/journal/journal.ts";
import { encodeLife } from "../../offchain-solver/node/session/messages.ts";
import { loadBase } from "../../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../../offchain-solver/scenarios/populate.ts";
import { takeHours } from "../../offchain-solver/scenarios/periods.ts";
import { rogueNode } from "../support/rogueNode.ts";

const ENTRY = fileURLToPath(new URL("../../offchain-solver/node/partyProcess.ts", import.meta.url));
const WAIT = { patienceMs: 240_000 };
const MINUTE_MS = 60_000;
const SESSIONS = 4;

describe("a market of which single nodes are befallen", function () {
  this.timeout(600_000);
  let chain: ServedChain;
  let devnet: Devnet;
  let data: string;
  let ids: number[];
  const said: string[] = [];

  before(async function () {
    // Compiles the contracts on a fresh clone.
    this.timeout(0);
    // Seven seats: two may be missing.
    const street = { ...takeHours(populate(loadBase("ieee15"), 6, 1), 1), name: "street" };
    const days = daysOf(street, SESSIONS, (day) => day);
    ids = days[0].prosumers.map(({ id }) => id);
    chain = await hardhatChain(new Date(Date.parse(days[0].startUtc) - 2 * 86_400_000), 0);
    data = mkdtempSync(join(tmpdir(), "gridpact-attacks-"));
    const progress = (what: string): void => void said.push(what);
    devnet = await openDevnet({ data, days, chain, transport: { kind: "tls" }, patienceMs: 8_000, progress });
  });
  after(async () => {
    await devnet?.close();
    await chain?.close();
    rmSync(data, { recursive: true, force: true });
  });

  const logOf = (id: number): string => readFileSync(devnet.supervisor.logFile(id), "utf8");
  async function logged(id: number, line: RegExp): Promise<void> {
    while (!line.test(logOf(id))) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const portOf = (id: number): number =>
    (JSON.parse(readFileSync(peersFile(data), "utf8")) as { parties: { party: number; port: number }[] }).parties.find(
      ({ party }) => party === id,
    )!.port;
  const again = async (id: number): Promise<void> => {
    await devnet.supervisor.kill(id);
    await devnet.supervisor.start(id);
  };

  it("clocks minutes ahead and minutes behind: each is told so, takes no part, and the others settle", async () => {
    const off = [
      [ids[1], 10, "ahead of"],
      [ids[3], -10, "behind"],
    ] as const;
    const module = `const now=Date.now;Date.now=()=>now()+Number(process.env.CLOCK_OFF_MS)`;
    for (const [id, minutes] of off) {
      process.env.NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(module)}`;
      process.env.CLOCK_OFF_MS = String(minutes * MINUTE_MS);
      const started = again(id);
      await started;
      delete process.env.NODE_OPTIONS;
      delete process.env.CLOCK_OFF_MS;
    }
    expect(await devnet.session(0, WAIT)).to.deep.include({ ordinal: 1, outcome: "settled" });
    for (const [id, , word] of off) {
      await logged(id, new RegExp(`its clock is 10\\.\\d minutes ${word} this one's; set both by NTP`));
      await logged(OPERATOR_ID, new RegExp(`its clock is (10|9)\\.\\d minutes ${word} this one's`));
      await again(id);
    }
  });

  it("a journal that takes no more: its node ends with 2 and says so, and is back once there is room", async () => {
    const id = ids[2];
    const pid = devnet.supervisor.pidOf(id)!;
    // What it holds already stays; the first commitment of the session does not fit.
    const room = statSync(`${journalFile(homeOf(data, id))}-wal`).size + 100;
    const { status, stderr } = spawnSync("prlimit", ["--pid", String(pid), `--fsize=${room}`], { encoding: "utf8" });
    expect(status, stderr).to.equal(0);
    expect(await devnet.session(1, WAIT)).to.deep.include({ ordinal: 2, outcome: "settled" });
    expect(said).to.include(`party ${id} ended by itself: exit code 2`);
    expect(devnet.supervisor.lastLine(id)).to.match(/journal\.sqlite: cannot be (read or )?written: the disk/);
    await devnet.supervisor.start(id);
  });

  it("one key in two processes: both are shut out and named, and what they signed of the session is one result", async () => {
    const id = ids[0];
    const twin = join(data, "twin");
    await devnet.supervisor.kill(id);
    cpSync(homeOf(data, id), twin, { recursive: true });
    const config = parse(readFileSync(configFile(twin), "utf8")) as Record<string, unknown>;
    const { api: _api, ...rest } = config;
    writeFileSync(configFile(twin), stringify({ ...rest, transport: { kind: "tls", port: 0 } }));
    await devnet.supervisor.start(id);
    const other: ChildProcess = fork(ENTRY, [twin, "node"], { stdio: "ignore" });
    try {
      await logged(OPERATOR_ID, /two processes use its key at once, and take each other's place/);
      expect(await devnet.session(2, WAIT)).to.deep.include({ ordinal: 3, outcome: "settled" });
    } finally {
      const gone = new Promise((resolve) => other.once("exit", resolve));
      other.kill("SIGTERM");
      await gone;
    }
    const signed = [homeOf(data, id), twin]
      .flatMap((home) => readSigned(home, home !== twin))
      .filter(({ ordinal }) => ordinal === 3);
    expect(new Set(signed.map(({ digest }) => digest)).size).to.be.at.most(1);
  });

  /** What a journal holds as signed; one that is in use is read after its node was stopped and started again. */
  function readSigned(home: string, inUse: boolean): { ordinal: number; digest: string }[] {
    const copy = inUse ? join(mkdtempSync(join(tmpdir(), "gridpact-journal-")), "home") : home;
    if (inUse) cpSync(home, copy, { recursive: true });
    const commitments = readCommitments(journalFile(copy));
    return commitments.flatMap((one) => {
      if (one.kind !== "signed") return [];
      const frozen = commitments.find((other) => other.kind === "frozen" && other.session === one.session);
      return [{ ordinal: frozen?.kind === "frozen" ? frozen.ordinal : 0, digest: one.digest }];
    });
  }

  it("floods, of messages of a registered party and of connections of strangers: they settle, and hold no more", async () => {
    const id = ids[4];
    const victims = [OPERATOR_ID, ids[1]];
    await devnet.supervisor.kill(id);
    const held = (one: number): number => {
      const status = readFileSync(`/proc/${devnet.supervisor.pidOf(one)}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
    };
    const before = victims.map(held);
    let flood: NodeJS.Timeout | undefined;
    const noise = new Uint8Array(20_000).fill(0x67);
    const rogue = await rogueNode(
      devnet,
      id,
      (message) => message,
      (say) => {
        flood = setInterval(() => {
          for (const to of [OPERATOR_ID, ...ids])
            for (let k = 0; k < 20; k++) say(to, k % 2 === 0 ? noise : encodeLife({ kind: "hello" }));
        }, 20);
      },
    );
    const strangers: Socket[] = [];
    const calls = setInterval(() => {
      for (const victim of victims)
        for (let k = 0; k < 5; k++) {
          const port = portOf(victim);
          const call = k % 2 === 0 ? connect(port, "127.0.0.1") : tls.connect({ port, rejectUnauthorized: false });
          call.on("error", () => undefined);
          strangers.push(call);
        }
    }, 50);
    try {
      expect(await devnet.session(3, WAIT)).to.deep.include({ ordinal: 4, outcome: "settled" });
      expect(strangers.length).to.be.greaterThan(20);
    } finally {
      clearInterval(flood);
      clearInterval(calls);
      for (const one of strangers) one.destroy();
      await rogue.close();
    }
    victims.map(held).forEach((mb, k) => expect(mb, `${victims[k]}`).to.be.below(before[k] + 200));
  });

  it("and nobody has signed two results of one session", async () => {
    await devnet.close();
    expect(splitSessions(journalsOf(data))).to.deep.equal([]);
  });
});
