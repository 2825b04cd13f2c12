import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { startBroker, type Broker } from "../offchain-solver/devnet/broker.ts";
import { hardhatChain } from "../offchain-solver/devnet/chain/hardhatChain.ts";
import type { ServedChain } from "../offchain-solver/devnet/chain/served.ts";
import { compareWithMemory } from "../offchain-solver/devnet/compare.ts";
import { daysOf } from "../offchain-solver/devnet/days.ts";
import { openDevnet, type Devnet } from "../offchain-solver/devnet/devnet.ts";
import { peersFile } from "../offchain-solver/devnet/parties.ts";
import { usageOf } from "../offchain-solver/devnet/usage.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { takeHours } from "../offchain-solver/scenarios/periods.ts";

const DAY_MS = 86_400_000;

describe("a market whose parties meet at a NATS server alone", function () {
  this.timeout(600_000);
  let broker: Broker;
  let chain: ServedChain;
  let devnet: Devnet;
  let days: Scenario[];

  before(async function () {
    // Compiles the contracts on a fresh clone.
    this.timeout(0);
    days = daysOf({ ...takeHours(populate(loadBase("ieee15"), 4, 1), 2), name: "street" }, 1, (day) => day);
    broker = await startBroker();
    chain = await hardhatChain(new Date(Date.parse(days[0].startUtc) - 2 * DAY_MS), 0);
    const data = mkdtempSync(join(tmpdir(), "gridpact-market-"));
    const transport = { kind: "nats", servers: [broker.url] } as const;
    devnet = await openDevnet({ data, days, chain, transport, patienceMs: 15_000 });
  });
  after(async () => {
    await devnet?.close();
    await chain?.close();
    await broker?.close();
  });

  it("settles the same integers as all agents in one process do", async () => {
    const end = await devnet.session(0, { patienceMs: 240_000 });
    expect(end.outcome).to.equal("settled");
    expect(await compareWithMemory(devnet, days[0], end)).to.deep.include({ same: true });
    // Those of a shorter day are others.
    expect(await compareWithMemory(devnet, takeHours(days[0], 1), end)).to.deep.include({ same: false });
  });

  it("has homes that nobody can dial, and that tell how much they hold", async () => {
    const { parties } = JSON.parse(readFileSync(peersFile(devnet.data), "utf8")) as { parties: object[] };
    expect(parties.map((one) => Object.keys(one))).to.deep.equal(devnet.homes.map(() => ["party"]));
    const usage = await usageOf(devnet.apiPorts);
    expect(usage.map(({ party }) => party).sort()).to.deep.equal(devnet.homes.map(({ id }) => id).sort());
    for (const { residentMb, heapMb, handles } of usage) {
      expect(residentMb).to.be.within(20, 1_000);
      expect(heapMb).to.be.within(5, residentMb);
      expect(handles).to.be.within(1, 200);
    }
  });
});
