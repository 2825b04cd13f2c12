import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writePart } from "../bench/zooRecord.ts";
import { failuresOf, type ZooRow } from "../bench/zooRow.ts";
import { zooExperiment } from "./zooPage.ts";

const of = { seed: 7, count: 4, method: "anderson", maxIterations: 100, run: true } as const;
const traits = { prosumers: 2, periods: 3, sizeKw: 4, carbon: true } as ZooRow["traits"];
function row(seed: number, more: Partial<ZooRow>): ZooRow {
  const ended = { status: "solved", evaluations: 100 } as const;
  const base = { seed, traits, central: "solved", status: "solved", evaluations: 40, ratio: 0.4, gap: 1e-7 } as const;
  const one = { ...base, plain: ended, plainVanishing: ended, ms: { central: 1, cleared: 1 }, ...more };
  return { ...one, failures: failuresOf(one) };
}
const refused = (detail: string): Partial<ZooRow> => ({ session: { verdict: "refused", detail } });

describe("the zoo's page", () => {
  it("says what failed by its seed, and why sessions were refused, alike whatever the market's own numbers", () => {
    const folder = mkdtempSync(join(tmpdir(), "gridpact-zoo-page-"));
    try {
      const file = join(folder, "zoo.json");
      const rows = [
        row(7, { session: { verdict: "valid", detail: "" } }),
        row(8, refused("hours = 2: periods of 900 s: a session that settles lasts an hour")),
        row(9, refused("hours = 1: periods of 600 s: a session that settles lasts an hour")),
        row(10, { evaluations: 181, ratio: 1.81, ...refused("refused: prosumer 12 refuses: outOfReach: 4.5 p.u.") }),
      ];
      writePart(file, [], of, { code: "c0de", rows });
      const { text, rows: table, header } = zooExperiment(file);
      expect(text[1]).to.include("10: 181 evaluations where plain needs 100");
      expect(text[1]).to.include("1 settled and valid");
      expect(text[1]).to.include(
        "3 refused before money moved (2: periods of N s: a session that settles lasts an hour",
      );
      expect(text[1]).to.include("1: refused: a prosumer refuses: outOfReach");
      for (const cells of table) expect(cells).to.have.length(header.length);
      expect(table[3][header.indexOf("timesPlain")]).to.equal(1.81);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses where no zoo was recorded", () => {
    expect(() => zooExperiment("/nowhere/zoo.json")).to.throw(/gridpact bench zoo/);
  });
});
