import { expect } from "chai";
import { summaryOf, zoo, zooLines, zooTable } from "./zoo.ts";
import { failuresOf, type SessionEnd, type ZooRow } from "./zooRow.ts";

const row = (more: Partial<ZooRow>): Omit<ZooRow, "failures"> => ({
  seed: 7,
  traits: {} as ZooRow["traits"],
  central: "solved",
  status: "solved",
  evaluations: 100,
  plain: { status: "solved", evaluations: 400 },
  plainVanishing: { status: "solved", evaluations: 300 },
  ratio: 1 / 3,
  gap: 1e-6,
  ms: { central: 1, cleared: 1 },
  ...more,
});

describe("gridpact bench zoo", function () {
  this.timeout(60_000);

  it("holds every market to what is claimed of all", () => {
    const session = (verdict: SessionEnd["verdict"]): SessionEnd => ({ verdict, detail: "regretsTooLarge" });
    const cases: [Partial<ZooRow>, RegExp | undefined][] = [
      [{}, undefined],
      [{ central: "infeasible", status: "infeasible" }, undefined],
      [{ status: "max iterations" }, /max iterations where central is solved/],
      [{ status: "infeasible" }, /infeasible where central is solved/],
      [{ central: "infeasible" }, /solved where central is infeasible/],
      [{ central: "max iterations" }, /central ended max iterations/],
      [{ gap: -1.1e-5 }, /gap -1.1e-5 of turnover/],
      [{ gap: NaN }, /gap NaN/],
      [{ evaluations: 440 }, undefined],
      [{ evaluations: 441 }, /441 evaluations where plain needs 300/],
      [{ evaluations: 441, plainVanishing: { status: "max iterations", evaluations: 300 } }, undefined],
      [{ session: session("valid") }, undefined],
      [{ session: session("refused") }, undefined],
      [{ session: session("invalid") }, /session invalid: regretsTooLarge/],
      [{ session: session("undecided") }, /session undecided/],
      [{ session: session("failed") }, /session failed/],
    ];
    for (const [more, failure] of cases) {
      const failures = failuresOf(row(more));
      if (failure === undefined) expect(failures, JSON.stringify(more)).to.deep.equal([]);
      else expect(failures.join(), JSON.stringify(more)).to.match(failure);
    }
  });

  it("sums up, and says how to have a failing market again", () => {
    const rows = [{}, { gap: -3e-5, ratio: 0.9 }, { status: "max iterations", ratio: 0.7 } as const].map((more, k) => {
      const one = row({ ...more, seed: k });
      return { ...one, failures: failuresOf(one) };
    });
    const summary = summaryOf(rows);
    expect(summary).to.deep.include({ markets: 3, solved: 2, infeasible: 0, wrongStatus: 1 });
    expect(summary.gap.largest).to.equal(3e-5);
    expect(summary.ratio.median).to.equal(0.7);
    expect(summary.failures.join()).to.match(/more than 0\.70 of plain's/);
    const lines = zooLines(rows, { method: "anderson" });
    expect(lines).to.match(/seed 1: gap -3.0e-5 of turnover: gridpact bench zoo --seed 1 --count 1\n/);
    expect(lines).to.match(/seed 2: max iterations where central is solved/);
  });

  it("clears one market after the other and runs its session", async () => {
    const seen: string[] = [];
    const rows = await zoo({
      seed: 14,
      count: 2,
      method: "anderson",
      maxIterations: 500,
      keep: ({ scenario }) => seen.push(scenario.name),
      session: ({ seed }) =>
        Promise.resolve(seed === 14 ? { verdict: "valid", detail: "" } : { verdict: "invalid", detail: "sum" }),
    });
    expect(seen).to.deep.equal(["zoo-14", "zoo-15"]);
    expect(rows.map(({ status }) => status)).to.deep.equal(["solved", "solved"]);
    expect(rows.map(({ failures }) => failures.length)).to.deep.equal([0, 1]);
    expect(zooTable(rows)).to.match(/│ +14 │/);
  });
});
