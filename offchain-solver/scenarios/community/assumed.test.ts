import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { exampleFiles } from "./example.ts";
import { checkCommunity } from "./loadCommunity.ts";

type Spoil = (files: Map<string, string>) => void;
const edit =
  (file: string, from: string | RegExp, to: string): Spoil =>
  (files) =>
    void files.set(file, files.get(file)!.replace(from, to));

/** What is found in a community of three homes, ten days before the date that is asked for. */
async function found(spoil: Spoil, { timeZone = "Europe/Vienna", from = "2026-06-01", date = "2026-06-11" } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "gridpact-assumed-"));
  const files = new Map(exampleFiles({ timeZone, from, days: 14, minutes: 60, homes: 3 }));
  spoil(files);
  try {
    for (const [name, text] of files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const { wrong, assumed } = (await checkCommunity(folder, date)).found;
    return { wrong: wrong.join("\n"), assumed: assumed.join("\n") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("what a community's folder says twice, or not quite", () => {
  it("is told of loads that the feeder has at members' buses: both load it", async () => {
    const all = await found(edit("feeder.json", /("bus": [345], "loadMw":) 0/g, "$1 0.004"));
    expect(all.wrong).to.equal("");
    expect(all.assumed).to.match(/bus 3 has a load of 4 kW of its own beside H01's series, and so have 2 more buses/);
    expect((await found(() => undefined)).assumed).not.to.include("of its own");
  });

  it("is told of a battery that begins where none may be", async () => {
    const { assumed } = await found((files) => {
      const cells = (line: string): string =>
        `${line},${line.startsWith("id,") ? "batteryPercent" : line.startsWith("H02,") ? "3" : ""}`;
      files.set("members.csv", files.get("members.csv")!.trim().split("\n").map(cells).join("\n"));
    });
    expect(assumed).to.match(/line 4: the battery of H02 begins at 10 %, .*not at 3 %/);
  });

  it("is refused where a band ends as it begins, at midnight too", async () => {
    for (const edges of ['from: "24:00", to: "00:00"', 'from: "24:00"', 'from: "06:00", to: "06:00"']) {
      const { wrong } = await found(edit("community.yaml", /bands:\n/, `bands:\n    - { ${edges}, buyPerKwh: 1 }\n`));
      expect(wrong, edges).to.match(/tariff\.bands\[0\]\.to = ".*": .*the band is empty/);
    }
  });

  it("is refused where periods leave half an hour of a day in no session", async () => {
    const howe = { timeZone: "Australia/Lord_Howe", from: "2026-09-21", date: "2026-10-04" };
    const { wrong } = await found(() => undefined, howe);
    expect(wrong).to.match(/2026-10-04: has 23\.5 hours by the clock of Australia\/Lord_Howe, .*periods of 60 minutes/);
  });
});
