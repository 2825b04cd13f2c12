import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { anvilChain, type AnvilChain } from "../offchain-solver/devnet/chain/anvilChain.ts";
import { chaosReport, chaosSession, draw, FAULTS, type ChaosRow, type Drawn } from "../offchain-solver/devnet/chaos.ts";
import { daysOf } from "../offchain-solver/devnet/days.ts";
import { openDevnet, type Devnet } from "../offchain-solver/devnet/devnet.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { takeHours } from "../offchain-solver/scenarios/periods.ts";

const DAY_MS = 86_400_000;

describe("a market on a chain that can be killed", function () {
  this.timeout(900_000);
  let chain: AnvilChain;
  let devnet: Devnet;
  const rows: ChaosRow[] = [];
  const faults: readonly Drawn[] = [
    { fault: "submitter", victim: 0, at: "attesting", delayMs: 2, awayMs: 300 },
    { fault: "chain", victim: 0, at: "clearing", delayMs: 20, awayMs: 500 },
    // It is away when its clock would be set past the deadline.
    { fault: "chain stays away", victim: 0, at: "clearing", delayMs: 0, awayMs: 0 },
  ];

  before(async function () {
    // Compiles the contracts on a fresh clone.
    this.timeout(0);
    const street = { ...takeHours(populate(loadBase("ieee15"), 4, 1), 1), name: "street" };
    const days = daysOf(street, faults.length, (day) => day);
    const data = mkdtempSync(join(tmpdir(), "gridpact-chaos-"));
    chain = await anvilChain(new Date(Date.parse(days[0].startUtc) - 2 * DAY_MS), 0, join(data, "chain"));
    devnet = await openDevnet({ data, days, chain, transport: { kind: "tls" } });
  });
  after(async () => {
    await devnet?.close();
    await chain?.close();
  });

  it("settles each session once, where the submitter or the chain dies, and once at most where the chain stays away", async () => {
    for (const [k, fault] of faults.entries()) {
      await chain.save();
      rows.push(await chaosSession(devnet, chain, k, fault, 240_000));
    }
    expect(rows.slice(0, 2).map(({ outcome, struck }) => [outcome, struck])).to.deep.equal([
      ["settled", true],
      ["settled", true],
    ]);
    // Whichever comes first when it is back: its clock past the deadline, or the nodes' result.
    expect(rows[2].struck).to.equal(true);
    expect(["settled", "void"]).to.include(rows[2].outcome);
    await devnet.close();
    const { split, lost, twice } = await chaosReport(devnet, rows);
    expect({ split, lost, twice }).to.deep.equal({ split: 0, lost: 0, twice: 0 });
  });

  it("draws every kind of fault, and the same from the same seed", () => {
    const drawn = draw(7, 40, [1, 2, 3]);
    expect(draw(7, 40, [1, 2, 3])).to.deep.equal(drawn);
    expect(new Set(drawn.map(({ fault }) => fault))).to.deep.equal(new Set(FAULTS));
    expect(draw(8, 40, [1, 2, 3])).not.to.deep.equal(drawn);
  });
});
