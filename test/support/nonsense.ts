/**
 * Command lines and files that make no sense, each with what the one message about it must say. Files go to `folder`;
 * `target` is where a command would write if it went on.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadScenario } from "../../offchain-solver/scenarios/loadScenario.ts";
import { takeHours } from "../../offchain-solver/scenarios/periods.ts";

export type Nonsense = {
  readonly name: string;
  readonly args: readonly string[];
  /** All must occur in the message: file or option, field, value. */
  readonly says: readonly string[];
  /** A restriction that root does not feel. */
  readonly otherUser?: true;
};

type Path = readonly (string | number)[];

/** [command, where, what is put there, words of the message beside the field's name and value] */
const FIELDS: readonly [command: "clear" | "run", path: string, value: unknown, ...says: string[]][] = [
  ["clear", "name", ""],
  ["clear", "name", 7],
  ["clear", "name", null],
  ["clear", "source", ""],
  ["clear", "colour", "red", "unknown field"],
  ["clear", "feeder", null],
  ["clear", "feeder.colour", 1, "unknown field"],
  ["clear", "feeder.baseMva", 0],
  ["clear", "feeder.baseMva", -1],
  ["clear", "feeder.baseMva", "1"],
  ["clear", "feeder.baseKv", 0],
  ["clear", "feeder.buses[3].bus", 0],
  ["clear", "feeder.buses[3].bus", 1.5],
  ["clear", "feeder.buses[3].bus", 2],
  ["clear", "feeder.buses[3].loadMw", null],
  ["clear", "feeder.buses[3].loadMvar", "none"],
  ["clear", "feeder.buses[3].vMinPu", 1.2, "vMaxPu"],
  ["clear", "feeder.buses[3].vMinPu", 0],
  ["clear", "feeder.buses[3].vMinPu", 1.1, "vMaxPu"],
  ["clear", "feeder.buses[3].vMaxPu", -1],
  ["clear", "feeder.branches[2].rPu", "x"],
  ["clear", "feeder.branches[2].rPu", -0.1],
  ["clear", "feeder.branches[2].ratingMva", -1],
  ["clear", "feeder.branches[2].ratingMva", 0],
  ["clear", "feeder.branches[2].from", 99],
  ["clear", "feeder.branches[2]", { from: 3, to: 2, rPu: 0.1, xPu: 0.1, ratingMva: null }, "closes a cycle"],
  ["clear", "feeder.branches", 15],
  ["clear", "feeder.baseMva", 1e-300],
  ["clear", "feeder.branches[2].ratingMva", 1e-300],
  ["clear", "feeder.branches[2].rPu", 1e300],
  ["clear", "prosumers[0].load.fixedMw[0]", 1e300],
  ["clear", "prosumers[0].load.mvarPerMw", -1e13],
  ["clear", "prosumers[0].generator.costA", 1e300],
  ["clear", "prosumers[0].battery.efficiency", 1e-300],
  ["clear", "carbon.quotaTPerMwh", 1e300],
  ["clear", "tariff.buyPerMwh[0]", 1e300],
  ["clear", "regularisation.trade", 1e-300],
  ["clear", "regularisation.reactive", 1e300],
  ["clear", "uncertainty.factor[0][0][0]", 1e300],
  ["clear", "startUtc", "yesterday"],
  ["clear", "startUtc", "2021-07-15"],
  ["clear", "startUtc", "2021-07-15T08:00:00+02:00"],
  ["clear", "startUtc", "2021-02-30T08:00:00Z"],
  ["clear", "startUtc", "2021-07-15T25:00:00Z"],
  ["clear", "startUtc", "2021-07-15T08:00:00.500Z", "whole second"],
  ["clear", "startUtc", "1969-12-31T23:00:00Z", "1970"],
  ["clear", "startUtc", 1626336000],
  ["clear", "hours", 0],
  ["clear", "hours", -1],
  ["clear", "hours", 1.5],
  ["clear", "hours", "1"],
  ["clear", "hours", 1e6],
  ["clear", "periodHours", 0],
  ["clear", "periodHours", -1],
  ["clear", "periodHours", null],
  ["clear", "periodHours", 0.33333, "whole number of seconds"],
  ["clear", "tariff.buyPerMwh[0]", null],
  ["clear", "tariff.buyPerMwh[0]", "35"],
  ["clear", "tariff.buyPerMwh", 35],
  ["clear", "tariff.sellPerMwh[0]", 35, "below buyPerMwh"],
  ["clear", "tariff.sellPerMwh[0]", 1e9, "below buyPerMwh"],
  ["clear", "tariff.reserveUpPerMw", -1],
  ["clear", "tariff.reserveDownPerMw", null],
  ["clear", "carbon.gridTPerMwh[0]", -0.1],
  ["clear", "carbon.quotaTPerMwh", -1],
  ["clear", "carbon.deskBuyPerT", -1],
  ["clear", "carbon.deskSellPerT", 30, "below deskBuyPerT"],
  ["clear", "carbon.deskSellPerT", 31, "below deskBuyPerT"],
  ["clear", "regularisation.trade", 0],
  ["clear", "regularisation.reactive", -1],
  ["clear", "risk.method", "hope"],
  ["clear", "risk.epsilon", 0],
  ["clear", "risk.epsilon", 1],
  ["clear", "risk.epsilon", "5%"],
  ["clear", "risk.meanRadius[0]", -1],
  ["clear", "risk.stdRadius[0]", null],
  ["clear", "pairs[0]", [2, 1], "smaller id first"],
  ["clear", "pairs[0]", [1, 1], "smaller id first"],
  ["clear", "pairs[0]", [1, 99], "no prosumer has id 99"],
  ["clear", "pairs[0]", [1, 3], "occurs twice"],
  ["clear", "pairs[0]", [1]],
  ["clear", "pairs[0]", [1, 2, 3]],
  ["clear", "prosumers", []],
  ["clear", "prosumers[0].id", 0],
  ["clear", "prosumers[0].id", -3],
  ["clear", "prosumers[0].id", 4294967296],
  ["clear", "prosumers[1].id", 1, "occurs twice"],
  ["clear", "prosumers[2].id", 1, "ids ascend"],
  ["clear", "prosumers[0].bus", 1, "root"],
  ["clear", "prosumers[0].bus", 99, "is not a bus"],
  ["clear", "prosumers[0].bus", 2.5],
  ["clear", "prosumers[0].load.fixedMw[0]", -1],
  ["clear", "prosumers[0].load.fixedMw[0]", "much"],
  ["clear", "prosumers[0].load.mvarPerMw", null],
  ["clear", "prosumers[0].load.flexibleShare", 1.1],
  ["clear", "prosumers[0].load.flexibleShare", -0.1],
  ["clear", "prosumers[0].load.discomfort", -1],
  ["clear", "prosumers[0].reserveUpPerMw", -1],
  ["clear", "prosumers[0].reserveDownPerMw", "2"],
  ["clear", "prosumers[0].generator.minMw", 9, "maxMw"],
  ["clear", "prosumers[0].generator.maxMw", -1],
  ["clear", "prosumers[0].generator.costA", -1],
  ["clear", "prosumers[0].generator.rampMwPerHour", -1],
  ["clear", "prosumers[0].generator.emissionTPerMwh", -1],
  ["clear", "prosumers[0].generator.reactiveMvar", -1],
  ["clear", "prosumers[0].generator.fuel", "coal", "unknown field"],
  ["clear", "prosumers[0].load.errorMw", 0],
  ["clear", "prosumers[0].load.errorMw", 0.1, "go together"],
  ["clear", "prosumers[0].load.errorSource", 3, "go together"],
  ["clear", "prosumers[0].renewable.kind", "tide"],
  ["clear", "prosumers[0].renewable.ratingMw", 0],
  ["clear", "prosumers[0].renewable.source", 99],
  ["clear", "prosumers[0].renewable.forecastMw[0]", 99, "ratingMw"],
  ["clear", "prosumers[0].renewable.actualMw[0]", -1],
  ["clear", "prosumers[0].battery.powerMw", -1],
  ["clear", "prosumers[0].battery.minMwh", 99, "maxMwh"],
  ["clear", "prosumers[0].battery.initialMwh", 99, "outside"],
  ["clear", "prosumers[0].battery.initialMwh", 0, "outside"],
  ["clear", "prosumers[0].battery.efficiency", 0],
  ["clear", "prosumers[0].battery.efficiency", 1.01],
  ["clear", "prosumers[0].battery.wearPerMwh", -1],
  ["clear", "prosumers[0].battery.direction", ["sideways"]],
  ["clear", "uncertainty.uncertain", [1, 2], "ids with a renewable"],
  ["clear", "uncertainty.sources", "wind"],
  ["clear", "uncertainty.robustRadius[0]", -1],
  ["clear", "uncertainty.factor[0][0]", [1], "must be"],
  ["run", "name", "../escaped", "no folder's name can"],
  ["clear", "prosumers[0].sizeMw", 2000, "makes the members' mean"],
  ["clear", "prosumers[0].sizeMw", -1],
  ["run", "prosumers[0].sizeMw", 2000, "makes the members' mean"],
  ["run", "name", "a/b"],
  ["run", "name", ".."],
  ["run", "name", ".hidden"],
  ["run", "name", "\u001b[2Jcleared", "\\u001b"],
  ["run", "name", "x".repeat(300), "bytes"],
  ["run", "periodHours", 2, "5 to 60 minutes"],
  ["run", "periodHours", 0.7, "divide the hour"],
  ["run", "startUtc", "2021-07-15T08:00:30Z", "multiple of the period"],
  ["run", "tariff.buyPerMwh[0]", 9000, "the chain carries prices up to 8388.606"],
  ["run", "tariff.sellPerMwh[0]", -9000, "the chain carries prices"],
  ["run", "tariff.reserveUpPerMw", 1e7, "the chain carries prices"],
  ["run", "carbon.deskBuyPerT", 1e5, "the chain carries prices"],
  ["run", "prosumers[13].id", 4294967293, "reserved"],
  ["run", "prosumers[13].id", 4294967295, "reserved"],
  ["run", "prosumers[0].load.mvarPerMw", 1e4, "more than a batch carries"],
];

/** Options that make no sense, for a case that does. */
const OPTIONS: readonly [args: string, ...says: string[]][] = [
  ["klear", "klear"],
  ["--nonsense", "--nonsense"],
  ["clear", "scenario"],
  ["clear ieee14", "ieee14", "ieee15"],
  ["clear IEEE15", "IEEE15"],
  ["clear ieee15 ieee141", "argument"],
  ["clear ./none.json", "./none.json", "no such file"],
  ["clear ieee15 --nonsense", "--nonsense"],
  ["clear ieee15 --method magic", "--method magic"],
  ["clear ieee15 --method ADMM", "--method ADMM"],
  ["clear ieee15 --risk hope", "--risk hope"],
  ["clear ieee15 --epsilon 0", "--epsilon 0"],
  ["clear ieee15 --epsilon 0.9", "--epsilon 0.9"],
  ["clear ieee15 --epsilon -0.05", "--epsilon -0.05"],
  ["clear ieee15 --epsilon 5%", "--epsilon 5%"],
  ["clear ieee15 --epsilon ,05", "--epsilon ,05"],
  ["clear ieee15 --epsilon NaN", "--epsilon NaN"],
  ["clear ieee15 --hours 0", "--hours 0"],
  ["clear ieee15 --hours -1", "--hours -1"],
  ["clear ieee15 --hours 25", "hours = 25"],
  ["clear ieee15 --hours 1.5", "1.5"],
  ["clear ieee15 --hours x", "--hours x"],
  ["clear ieee15 --hours Infinity", "--hours Infinity"],
  ["clear ieee15 --minutes 7", "7"],
  ["clear ieee15 --network yes", "--network yes"],
  ["clear ieee15 --network-risk 1", "--network-risk 1"],
  ["clear ieee15 --carbon OFF", "--carbon OFF"],
  ["clear ieee15 --trade maybe", "--trade maybe"],
  ["clear ieee15 --radii -1", "--radii -1"],
  ["clear ieee15 --reserve later", "--reserve later"],
  ["clear ieee15 --tighten on", "--tighten on"],
  ["clear ieee15 --rho 0", "--rho 0"],
  ["clear ieee15 --rho -1", "--rho -1"],
  ["clear ieee15 --max-iterations 0", "--max-iterations 0"],
  ["clear ieee15 --max-iterations 1e9", "--max-iterations 1e9"],
  ["clear ieee15 --max-iterations 2.5", "--max-iterations 2.5"],
  ["clear ieee15 --workers 0", "--workers 0"],
  ["clear ieee15 --method central --workers 2", "--workers 2"],
  ["clear ieee15 --population 0", "--population 0"],
  ["clear ieee15 --population 1.5", "--population 1.5"],
  ["clear ieee15 --population 5 --seed -1", "--seed -1"],
  ["clear ieee15 --seed 4", "--seed 4", "--population"],
  ["clear case15da", "case15da"],
  ["clear none.m --population 3", "none.m"],
  ["clear ieee15 --monte-carlo 0", "--monte-carlo 0"],
  ["clear ieee15 --monte-carlo many", "--monte-carlo many"],
  ["clear ieee15 --draw-seed -1", "--draw-seed -1"],
  ["clear ieee15 --figure x.svg", "--figure x.svg", "--monte-carlo"],
  ["clear ieee15 --warm none.json", "none.json"],
  ["clear ieee15 --method central --save-state s.json", "--save-state s.json"],
  ["clear ieee15 --reserve sequential --warm s.json", "--warm s.json"],
  ["clear ieee15 --json", "--json"],
  ["clear ieee15 --json none/x.json", "--json none/x.json", "does not exist"],
  ["clear ieee15 --json .", "--json .", "is a folder"],
  ["clear ieee15 --save-state none/x", "--save-state none/x"],
  ["run ieee15 --network off", "--network"],
  ["run ieee15 --method central", "--method central"],
  ["run ieee15 --reserve sequential", "--reserve"],
  ["run ieee15 --workers x", "--workers x"],
  ["run ieee15 --out /dev/null/x", "--out /dev/null/x"],
  ["run ieee15 --out /dev/null", "--out /dev/null", "is not a folder"],
  ["run ieee15 --json x", "--json"],
  ["scenario", "scenario"],
  ["scenario ieee14", "ieee14"],
  ["scenario ieee15 --hours 25", "hours = 25"],
  ["scenario ieee15 --population 0", "--population 0"],
  ["scenario case15da", "case15da"],
  ["scenario generate", "--prosumers"],
  ["scenario generate --prosumers 0", "--prosumers 0"],
  ["scenario generate --prosumers 1e9", "--prosumers 1e9"],
  ["scenario generate --prosumers 5 --seed x", "--seed x"],
  ["scenario generate --prosumers 5 --hours 25", "--hours 25"],
  ["scenario generate --prosumers 5 --json x", "--json"],
  ["scenario generate --prosumers 5 --out none/x", "--out none/x"],
  ["scenario --hours 4 generate --prosumers 5", "--hours", "generate"],
  ["bench --json x zoo --count 1", "--json", "zoo"],
  ["import", "case"],
  ["import none.m", "none.m", "no such file"],
  ["import none.m --json none/x", "--json none/x"],
  ["audit", "--rpc"],
  ["audit --rpc http://127.0.0.1:1 --market 0x12", "--market 0x12"],
  ["audit --rpc x --market 0x1111111111111111111111111111111111111111 --from -1", "--from -1"],
  ["audit --rpc x --market 0x1111111111111111111111111111111111111111 --bundle none", "--bundle none"],
  ["experiment", "name"],
  ["experiment luck", "experiment luck"],
  ["experiment risk --max-iterations 2", "--max-iterations"],
  ["experiment scale --iterations 1", "--iterations 1"],
  ["experiment carbon --out /dev/null", "--out /dev/null"],
  ["bench ieee14 --json b.json", "ieee14"],
  ["bench ieee15:2 --json b.json", "ieee15:2"],
  ["bench ieee15:hope --json b.json", "ieee15:hope"],
  ["bench ieee15:x0 --json b.json", "ieee15:x0"],
  ["bench ieee15 --only luck", "--only luck"],
  ["bench ieee15 --workers 1.5", "--workers 1.5"],
  ["bench ieee15 --json none/x", "--json none/x"],
];

function pathOf(text: string): Path {
  return text.split(/[.[\]]+/).flatMap((part) => (part === "" ? [] : [/^\d+$/.test(part) ? Number(part) : part]));
}

function put(scenario: unknown, path: Path, value: unknown): void {
  let inner = scenario as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) inner = inner[key] as typeof inner;
  inner[path[path.length - 1]] = value;
}

/** Texts that are no scenario, by file name. */
const TEXTS: Readonly<Record<string, string>> = {
  "empty.json": "",
  "blank.json": " \n",
  "words.json": "{ not json",
  "cut.json": '{"name": "x", "sour',
  "null.json": "null",
  "list.json": "[]",
  "text.json": '"ieee15"',
  "number.json": "15",
  "object.json": "{}",
  "infinity.json": '{"name": Infinity}',
  "binary.json": "\u0000\u0001\u0002",
  "comment.json": '// a note\n{\n"name": "x"}',
  "deep.json": `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  "deepName.json": `{"name": ${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
};

/** A case of two buses; `bus`, `branch` and `rate` replace what they name. */
const caseOf = ({ bus = "2", tap = "0", rate = "0", base = "1" }): string => `function mpc = small
mpc.version = '2';
mpc.baseMVA = ${base};
mpc.bus = [1 3 0 0 0 0 1 1 0 12.66 1 1.1 .9;
${bus} 1 .1 .05 0 0 1 1 0 12.66 1 1.1 .9];
mpc.gen = [1 0 0 10 -10 1 100 1 10 0];
mpc.branch = [1 ${bus} .01 .01 0 ${rate} 0 0 ${tap} 0 1];
`;

/** [file, text, words of the message] */
const CASE_TEXTS: readonly [file: string, text: string, ...says: string[]][] = [
  ["bus.m", caseOf({ bus: "1e300" }), "line 5", "bus number = 1e+300"],
  ["tap.m", caseOf({ tap: "1e300" }), "line 7", "tap ratio", "1e+300"],
  ["smallTap.m", caseOf({ tap: "1e-300" }), "line 7", "tap ratio", "1e-300"],
  ["taps.m", caseOf({ tap: "1e8", base: "1e12" }), "branches.0.rPu"],
  ["rate.m", caseOf({ rate: "1e-320" }), "line 7", "rateA"],
  ["base.m", caseOf({ base: "1e-320" }), "line 3", "baseMVA"],
];

/** Writes what the table needs to `folder`; `target` as the last resort of a command that does not refuse. */
export function nonsense(folder: string, target: string): Nonsense[] {
  const base = takeHours(loadScenario("ieee15"), 1);
  const fields = FIELDS.map(([command, path, value, ...says], k): Nonsense => {
    const scenario = structuredClone(base);
    put(scenario, pathOf(path), value);
    if (path === "prosumers[13].id") {
      // Others know it by its new number too.
      scenario.pairs = scenario.pairs.filter(([, second]) => second !== 14);
      const { uncertain } = scenario.uncertainty;
      uncertain.splice(0, uncertain.length, ...uncertain.map((id) => (id === 14 ? (value as number) : id)));
    }
    const file = join(folder, `field${k}.json`);
    writeFileSync(file, JSON.stringify(scenario));
    const args = command === "clear" ? ["clear", file, "--json", target] : ["run", file, "--out", target];
    const shown = JSON.stringify(value).slice(0, 60);
    // A wrong element may be found by the part of it that is wrong.
    const scalar = typeof value !== "object" || value === null ? [` = ${shown}`] : [];
    return {
      name: `${command}: ${path} = ${shown}`,
      args,
      says: [file, path.replace(/\[\d+\]$/, ""), ...scalar, ...says],
    };
  });
  const options = OPTIONS.map(([line, ...says]): Nonsense => ({
    name: line,
    args: line.split(" "),
    says,
  }));
  const texts = Object.entries(TEXTS).map(([name, text]): Nonsense => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return { name: `file ${name}`, args: ["clear", file, "--json", target], says: [file] };
  });
  const cases = CASE_TEXTS.map(([name, text, ...says]): Nonsense => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return { name: `case ${name}`, args: ["import", file, "--json", target], says: [file, ...says] };
  });
  const twice = join(folder, "twice.json");
  writeFileSync(twice, JSON.stringify(base).replace('"hours":1,', '"hours":24,"hours":1,'));
  const latin1 = join(folder, "latin1.json");
  writeFileSync(latin1, Buffer.from(JSON.stringify({ ...base, name: "Straße" }), "latin1"));
  const long = `./${"x".repeat(5_000)}`;
  const own = join(folder, "own.json");
  writeFileSync(own, JSON.stringify(base));
  const closed = join(folder, "closed.json");
  writeFileSync(closed, JSON.stringify(base));
  chmodSync(closed, 0o600);
  const shut = join(folder, "shut");
  mkdirSync(shut, { mode: 0o755 });
  return [
    ...fields,
    ...options,
    ...texts,
    ...cases,
    { name: "a field twice", args: ["clear", twice, "--json", target], says: [twice, "line 1", "hours", "twice"] },
    { name: "Latin-1", args: ["clear", latin1, "--json", target], says: [latin1, "UTF-8"] },
    ...["clear", "import"].map((command) => ({
      name: `a zero byte in a name: ${command}`,
      args: [command, "./a\0.json", "--json", target],
      says: ["./a\\u0000.json", "zero byte"],
    })),
    { name: "a long name to read", args: ["clear", long, "--json", target], says: [long, "ENAMETOOLONG"] },
    { name: "a long case to read", args: ["scenario", `${long}.m`, "--population", "2"], says: [long, "ENAMETOOLONG"] },
    { name: "an option that speaks to the terminal", args: ["clear", "ieee15", "--\u001b[2J"], says: ["--\\u001b[2J"] },
    {
      name: "a name of two lines",
      args: ["clear", "./a\nsolved", "--json", target],
      says: ["./a\\u000asolved", "no such"],
    },
    { name: "no name for the output", args: ["clear", own, "--json", ""], says: ['--json ""'] },
    { name: "no name for the folder", args: ["run", own, "--out", ""], says: ['--out ""'] },
    { name: "no name for the scenario", args: ["clear", "", "--json", target], says: ["no such"] },
    { name: "its own input", args: ["clear", own, "--json", own], says: ["--json", own, "is what the command reads"] },
    {
      name: "a folder as scenario",
      args: ["clear", folder, "--json", target],
      says: [folder, "community.yaml", "no such file"],
    },
    {
      name: "a long name",
      args: ["clear", own, "--json", `${target}${"x".repeat(300)}`],
      says: ["--json", "too long"],
    },
    {
      name: "two outputs in one",
      args: ["clear", own, "--json", target, "--save-state", target],
      says: ["--save-state", target],
    },
    {
      name: "no permission to read",
      args: ["clear", closed, "--json", target],
      says: [closed, "EACCES"],
      otherUser: true,
    },
    {
      name: "no permission to write",
      args: ["clear", own, "--json", join(shut, "x")],
      says: ["--json", shut, "EACCES"],
      otherUser: true,
    },
    {
      name: "no permission for a session",
      args: ["run", own, "--out", join(shut, "x")],
      says: ["--out", shut, "EACCES"],
      otherUser: true,
    },
  ];
}
