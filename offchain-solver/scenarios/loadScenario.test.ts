import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { scenarioFaults } from "../market/scenario/scenarioFaults.ts";
import { InputError } from "../io/inputError.ts";
import { loadFeeder, loadScenario, takeHours } from "./loadScenario.ts";

describe("loadScenario", () => {
  const directory = mkdtempSync(join(tmpdir(), "gridpact-load-"));
  const file = join(directory, "wrong.json");
  const sound = loadScenario("ieee15");
  after(() => rmSync(directory, { recursive: true }));

  /** Saves a text and returns the complaint about it, file name cut off. */
  function complaintAbout(text: string): string {
    writeFileSync(file, text);
    try {
      loadScenario(file);
    } catch (error) {
      expect(error).to.be.instanceOf(InputError);
      expect((error as InputError).exitCode).to.equal(2);
      const { message } = error as InputError;
      expect(message.startsWith(`${file}: `), message).to.equal(true);
      expect(message).not.to.contain("\n");
      return message.slice(file.length + 2);
    }
    return "no complaint";
  }

  it("knows the scenarios that ship with the project by name, and reads files", () => {
    expect(sound.name).to.equal("ieee15");
    expect(sound.prosumers.map(({ id }) => id)).to.deep.equal(Array.from({ length: 14 }, (_, i) => i + 1));
    expect(complaintAbout(JSON.stringify(sound))).to.equal("no complaint");
    expect(loadScenario(file)).to.deep.equal(sound);
    expect(loadFeeder("case141").buses).to.have.length(141);
  });

  it("says which names there are when one is unknown, and that a file is missing", () => {
    expect(() => loadScenario("ieee16")).to.throw(InputError, /^ieee16: there is no such scenario; known: .*ieee15/);
    expect(() => loadScenario("gone/ieee15.json")).to.throw(InputError, "gone/ieee15.json: there is no such file");
    expect(() => loadScenario(directory + "/")).to.throw(InputError, /cannot be read \(EISDIR\)/);
  });

  it("says that a file is not JSON", () => {
    expect(complaintAbout('{ "name": ')).to.match(/^is not JSON: /);
  });

  it("names the field that holds NaN", () => {
    const text = JSON.stringify(sound).replace('"discomfort":', '"discomfort":NaN,"was":');
    expect(complaintAbout(text)).to.match(/^prosumers\[0\]\.load\.discomfort = "NaN": expected number/);
    const inArray = JSON.stringify(sound).replace('"sellPerMwh":[20,20', '"sellPerMwh":[20,Infinity');
    expect(complaintAbout(inArray)).to.match(/^tariff\.sellPerMwh\[1\] = "Infinity": expected number/);
  });

  type Edit = (scenario: Scenario) => unknown;
  const wrong: readonly (readonly [what: string, edit: Edit, complaint: RegExp])[] = [
    ["an unknown field", (s) => Object.assign(s.tariff, { spread: 3 }), /^tariff\.spread = 3: unknown field$/],
    ["a missing field", (s) => delete (s as Partial<Scenario>).startUtc, /^startUtc = nothing: is missing$/],
    [
      "a negative load",
      (s) => (s.prosumers[2].load.fixedMw[3] = -1),
      /^prosumers\[2\]\.load\.fixedMw\[3\] = -1: Too small/,
    ],
    [
      "a text for a number",
      (s) => Object.assign(s, { hours: "24" }),
      /^hours = "24": expected int|^hours = "24": expected number/,
    ],
    ["a tariff of 23 hours", (s) => s.tariff.buyPerMwh.pop(), /^tariff\.buyPerMwh\.length = 23: must be hours = 24$/],
    ["a carbon series too long", (s) => s.carbon.gridTPerMwh.push(0.2), /^carbon\.gridTPerMwh\.length = 25: /],
    [
      "a load series too short",
      (s) => s.prosumers[5].load.fixedMw.pop(),
      /^prosumers\[5\]\.load\.fixedMw\.length = 23: /,
    ],
    [
      "a forecast too short",
      (s) => s.prosumers[0].renewable!.forecastMw.pop(),
      /^prosumers\[0\]\.renewable\.forecastMw\.length/,
    ],
    [
      "actuals too short",
      (s) => s.prosumers[0].renewable!.actualMw!.pop(),
      /^prosumers\[0\]\.renewable\.actualMw\.length/,
    ],
    ["radii too short", (s) => s.risk.meanRadius.pop(), /^risk\.meanRadius\.length = 23/],
    [
      "bootstrap radii too short",
      (s) => s.uncertainty.bootstrapStdRadius!.pop(),
      /^uncertainty\.bootstrapStdRadius\.length/,
    ],
    ["factors of 23 hours", (s) => s.uncertainty.factor.pop(), /^uncertainty\.factor\.length = 23/],
    ["held-out errors of 23 hours", (s) => s.uncertainty.testErrors.pop(), /^uncertainty\.testErrors\.length = 23/],
    [
      "a factor row too short",
      (s) => s.uncertainty.factor[7][2].pop(),
      /^uncertainty\.factor\[7\]\[2\]\.length = 10: must be 11/,
    ],
    [
      "a factor with more rows than sources",
      (s) => (s.uncertainty.factor[7] = Array.from({ length: 17 }, () => s.uncertainty.uncertain.map(() => 0))),
      /^uncertainty\.factor\[7\]\.length = 17: must be at most 16/,
    ],
    [
      "a sample too short",
      (s) => s.uncertainty.fitErrors[1][4].pop(),
      /^uncertainty\.fitErrors\[1\]\[4\]\.length = 15: must be 16/,
    ],
    [
      "a fitted day less in one hour",
      (s) => s.uncertainty.fitErrors[1].pop(),
      /^uncertainty\.fitErrors\[1\]\.length = 31: must be 32: the same days in every period$/,
    ],
    [
      "a held-out day less in one hour",
      (s) => s.uncertainty.testErrors[5].pop(),
      /^uncertainty\.testErrors\[5\]\.length = 27: must be 28: the same days/,
    ],
    [
      "reserve that lasts an hour and a half in hours",
      (s) => (s.risk.sustainHours = 1.5),
      /^risk\.sustainHours = 1\.5: must be a multiple of periodHours = 1$/,
    ],
    [
      "reserve that lasts less than a period",
      (s) => (s.risk.sustainHours = 0.25),
      /^risk\.sustainHours = 0\.25: must be a multiple/,
    ],
    [
      "reserve that lasts, with radii",
      (s) => {
        s.risk.sustainHours = 3;
        s.risk.stdRadius[7] = 0.01;
      },
      /^risk\.sustainHours = 3: radii of estimated moments \(.*\) are known by the period only$/,
    ],
    [
      "uncertain ids in another order",
      (s) => s.uncertainty.uncertain.reverse(),
      /^uncertainty\.uncertain = .*: must be the ids/,
    ],
    [
      "an unknown source",
      (s) => (s.prosumers[0].renewable!.source = 16),
      /^prosumers\[0\]\.renewable\.source = 16: there are 16/,
    ],
    ["an unknown prosumer in a pair", (s) => (s.pairs[3] = [1, 15]), /^pairs\[3\] = \[1,15\]: no prosumer has id 15$/],
    ["a pair the wrong way round", (s) => s.pairs[3].reverse(), /^pairs\[3\] = \[5,1\]: must name the smaller/],
    ["a pair with itself", (s) => (s.pairs[3] = [5, 5]), /^pairs\[3\] = \[5,5\]: must name the smaller/],
    ["a pair twice", (s) => (s.pairs[3] = [1, 2]), /^pairs\[3\] = \[1,2\]: occurs twice$/],
    [
      "a prosumer on no bus",
      (s) => (s.prosumers[4].bus = 99),
      /^prosumers\[4\]\.bus = 99: is not a bus of feeder papavasiliou15$/,
    ],
    ["a prosumer on the root", (s) => (s.prosumers[0].bus = 1), /^prosumers\[0\]\.bus = 1: is the root/],
    ["an id twice", (s) => (s.prosumers[1].id = 1), /^prosumers\[1\]\.id = 1: occurs twice$/],
    [
      "ids that descend",
      (s) => (s.prosumers[1].id = 20),
      /^prosumers\[2\]\.id = 3: must be above the id before it, 20/,
    ],
    ["ids against the depth-first order", (s) => (s.prosumers[0].bus = 12), /^prosumers\[1\]\.bus = 3: comes earlier/],
    [
      "a battery that starts too full",
      (s) => (s.prosumers[0].battery!.initialMwh = 5),
      /^prosumers\[0\]\.battery\.initialMwh = 5: is outside \[0\.03, 0\.3\]$/,
    ],
    [
      "a battery that starts too empty",
      (s) => (s.prosumers[0].battery!.initialMwh = 0),
      /^prosumers\[0\]\.battery\.initialMwh = 0: is outside/,
    ],
    [
      "a battery with min above max",
      (s) => (s.prosumers[0].battery!.minMwh = 5),
      /^prosumers\[0\]\.battery\.minMwh = 5: is above/,
    ],
    [
      "a forecast in kW",
      (s) => (s.prosumers[0].renewable!.forecastMw[12] = 300),
      /^prosumers\[0\]\.renewable\.forecastMw\[12\] = 300: is above ratingMw = 0\.5$/,
    ],
    [
      "a generator with min above max",
      (s) => (s.prosumers[0].generator!.minMw = 1),
      /^prosumers\[0\]\.generator\.minMw = 1: is above maxMw = 0\.35$/,
    ],
    [
      "selling at the buying price",
      (s) => (s.tariff.sellPerMwh[9] = 50),
      /^tariff\.sellPerMwh\[9\] = 50: must be below buyPerMwh\[9\] = 50$/,
    ],
    [
      "a desk that pays what it asks",
      (s) => (s.carbon.deskSellPerT = 30),
      /^carbon\.deskSellPerT = 30: must be below deskBuyPerT = 30$/,
    ],
    [
      "a cycle",
      (s) => s.feeder.branches.push({ ...s.feeder.branches[0], from: 12, to: 15 }),
      /^feeder\.branches\[14\] = \[12,15\]: .*cycle/,
    ],
    ["a disconnected bus", (s) => s.feeder.branches.pop(), /^feeder\.buses\[14\]\.bus = 15: no path/],
    [
      "voltage limits the wrong way round",
      (s) => (s.feeder.buses[2].vMinPu = 1.2),
      /^feeder\.buses\[2\]\.vMinPu = 1\.2: is above vMaxPu = 1\.1$/,
    ],
    [
      "voltage limits without room",
      (s) => (s.feeder.buses[2].vMinPu = 1.1),
      /^feeder\.buses\[2\]\.vMinPu = 1\.1: equals vMaxPu: no power can flow between such limits$/,
    ],
  ];
  for (const [what, edit, complaint] of wrong) {
    it(`refuses ${what}`, () => {
      const scenario = structuredClone(sound);
      edit(scenario);
      expect(complaintAbout(JSON.stringify(scenario))).to.match(complaint);
    });
  }

  it("the schema alone would let contradictions through: the faults are told apart from the shape", () => {
    const scenario = structuredClone(sound);
    scenario.carbon.deskSellPerT = 31;
    scenario.pairs.push([1, 2]);
    expect(ScenarioSchema.safeParse(scenario).success).to.equal(true);
    expect(scenarioFaults(scenario)).to.have.length(2);
    expect(scenarioFaults(sound)).to.deep.equal([]);
  });
});

describe("takeHours", () => {
  const day = loadScenario("ieee15");

  it("keeps the first hours of every series, and nothing else changes", () => {
    const morning = takeHours(day, 6);
    expect(ScenarioSchema.safeParse(morning).success).to.equal(true);
    expect(scenarioFaults(morning)).to.deep.equal([]);
    expect(morning.hours).to.equal(6);
    expect(morning.tariff.buyPerMwh).to.deep.equal(day.tariff.buyPerMwh.slice(0, 6));
    expect(morning.prosumers[0].renewable!.forecastMw).to.deep.equal(
      day.prosumers[0].renewable!.forecastMw.slice(0, 6),
    );
    expect(takeHours(day, 24)).to.deep.equal(day);
    expect(day.hours).to.equal(24);
  });

  for (const hours of [0, 25, 1.5, NaN]) {
    it(`refuses ${hours} hours of 24`, () => {
      expect(() => takeHours(day, hours)).to.throw(InputError, `ieee15: hours = ${hours}: `);
    });
  }
});
