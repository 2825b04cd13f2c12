/** Parties in processes of their own: what their meters sign is attested, entered, billed and found valid. */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { writeDevnet, type Delivered } from "../offchain-solver/cli/devnetFolders.ts";
import { hardhatChain } from "../offchain-solver/devnet/chain/hardhatChain.ts";
import type { ServedChain } from "../offchain-solver/devnet/chain/served.ts";
import { daysOf } from "../offchain-solver/devnet/days.ts";
import { openDevnet, type Devnet, type SessionEnd } from "../offchain-solver/devnet/devnet.ts";
import { homeOf } from "../offchain-solver/devnet/parties.ts";
import { devicesOf } from "../offchain-solver/metering/devices.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { BillJsonSchema } from "../offchain-solver/records/billJson.ts";
import { ClearingJsonSchema } from "../offchain-solver/records/clearingJson.ts";
import { DeliveryJsonSchema, MetersJsonSchema } from "../offchain-solver/records/deliveryJson.ts";
import { SettlementJsonSchema } from "../offchain-solver/records/sessionJson.ts";
import { toClearingJson } from "../offchain-solver/records/clearingRecord.ts";
import { takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { clear } from "../offchain-solver/simulation/clear.ts";
import { captured } from "./support/commandLine.ts";

const DAY_MS = 86_400_000;
const WAIT = { patienceMs: 240_000 };
const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));

describe("a market of processes after its days", function () {
  this.timeout(600_000);
  let chain: ServedChain;
  let devnet: Devnet;
  let days: Scenario[];
  let data: string;
  let out: string;
  let late: number[];
  let made: Delivered;
  /** Dead when the second day is over. */
  let dead: number;
  const ends: SessionEnd[] = [];

  before(async function () {
    this.timeout(0);
    // The day between is no part of this market: while meters are waited for an operator may freeze the next one.
    const street = { ...takeHours(populate(loadBase("ieee15"), 4, 1), 2), name: "street" };
    days = daysOf(street, 3, (day) => day).filter((_, k) => k !== 1);
    dead = days[0].prosumers[2].id;
    chain = await hardhatChain(new Date(Date.parse(days[0].startUtc) - 2 * DAY_MS), 0);
    data = mkdtempSync(join(tmpdir(), "gridpact-delivered-"));
    out = join(data, "sessions");
    const options = { data, days, chain, transport: { kind: "tls" }, patienceMs: 15_000, deliver: true } as const;
    devnet = await openDevnet(options);
    ends.push(await devnet.session(0, WAIT));
    late = await devnet.deliver();
    ends.push(await devnet.session(1, WAIT));
    await devnet.supervisor.kill(dead);
    late.push(...(await devnet.deliver()));
    const had = days.map((day, k) => ({ day, terms: devnet.terms[k], end: ends[k] }));
    made = await writeDevnet(devnet, out, { had, community: undefined });
  });
  after(async () => {
    await devnet?.close();
    await chain?.close();
    rmSync(data, { recursive: true, force: true });
  });

  /** The k-th day as all its parties in one process clear it. */
  const inMemory = (k: number) => {
    const options = { method: "anderson", trade: true, rhoScale: 1, maxIterations: 20_000 } as const;
    return clear(days[k], { ...options, market: defaultSettings(days[k]) });
  };
  const folder = (k: number): string => globSync(`${out}/street-${days[k].startUtc.slice(0, 10)}-2h`)[0];

  it("has every session entered, also where a home is dead: that day provisionally, then without what never came", () => {
    expect(ends.map(({ outcome }) => outcome)).to.deep.equal(["settled", "settled"]);
    expect([late, made.verdict]).to.deep.equal([[], { kind: "valid" }]);
    expect(made.sessions.map(({ entries, verdict }) => [...entries, verdict])).to.deep.equal([
      ["final", "valid"],
      ["provisional", "final", "valid"],
    ]);
    const last = DeliveryJsonSchema.parse(read(join(folder(1), "delivery-2.json")));
    for (const { id, quality, movedNano, parts } of last.members) {
      expect(quality, `${id}`).to.deep.equal(Array<string>(2).fill(id === dead ? "missing" : "measured"));
      // What it sold and nobody saw delivered it pays; what it bought is taken as drawn.
      if (id === dead) expect([movedNano <= 0, parts.longNano]).to.deep.equal([true, 0]);
    }
  });

  it("has meters that read what the devices of all would do in one process, each signed at its own home", () => {
    const { meters, activations } = MetersJsonSchema.parse(read(join(folder(0), "meters.json")));
    const { market, outcome } = inMemory(0);
    const all = devicesOf(market, outcome!.solution, outcome!.quantised.result);
    expect(meters.map(({ meteredWh }) => meteredWh)).to.deep.equal(all.meteredWh);
    expect(activations.map(({ plannedWh }) => plannedWh)).to.deep.equal(all.plannedWh);
    expect(activations.map(({ generatedWh }) => generatedWh)).to.deep.equal(all.renewableWh);
    expect(all.renewableWh.flat().some((wh) => wh > 0)).to.equal(true);
  });

  it("puts clearing.json together from proposals and each owner's record: what one process has of it", () => {
    const { wallMs, messages, bytes, ...own } = ClearingJsonSchema.parse(read(join(folder(0), "clearing.json")));
    const alone = toClearingJson(inMemory(0), { method: "anderson", trade: true });
    const { wallMs: _wall, messages: _sent, bytes: _bytes, ...memory } = alone;
    for (const field of Object.keys(memory) as (keyof typeof memory)[])
      expect(JSON.stringify(own[field]), field).to.equal(JSON.stringify(memory[field]));
    expect([wallMs > 0, messages > 0, bytes > 0]).to.deep.equal([true, true, true]);
    // Nobody but its owner and whoever has all of these disks reads a schedule.
    expect(globSync(`${homeOf(devnet.data, days[0].prosumers[0].id)}/clearings/*`)).to.deep.equal([]);
  });

  it("bills each home what its account paid, and issues credits to the wallets of those who measured them", () => {
    const bills = globSync(`${out}/bills/*.json`).map((file) => BillJsonSchema.parse(read(file)));
    for (const { id } of days[0].prosumers) {
      let received = 0;
      for (const k of [0, 1]) {
        const { accounts } = SettlementJsonSchema.parse(read(join(folder(k), "settlement.json")));
        received += accounts.find(({ account }) => account === id)!.moneyNano;
        for (const file of globSync(`${folder(k)}/delivery*.json`))
          received += DeliveryJsonSchema.parse(read(file)).members.find((one) => one.id === id)!.movedNano;
      }
      const billed = bills
        .filter(({ prosumer }) => prosumer === id)
        .reduce((sum, { totalNano }) => sum + BigInt(totalNano), 0n);
      expect(billed, `prosumer ${id}`).to.equal(-BigInt(received));
    }
    const { renewableWh } = DeliveryJsonSchema.parse(read(join(folder(0), "delivery.json"))).carbon;
    expect([renewableWh > 0, made.sessions[0].creditsWh]).to.deep.equal([true, renewableWh]);
  });

  it("is found valid by gridpact audit, from the chain and these files", async () => {
    const { code, stdout, stderr } = await captured("audit", out, "--rpc", chain.url);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include("files beside the chain: valid");
  });
});
