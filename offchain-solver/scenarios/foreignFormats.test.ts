import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { InputError } from "../io/inputError.ts";
import { importCase } from "./importCase.ts";
import { loadBase } from "./loadBase.ts";
import { loadFeeder, loadScenario } from "./loadScenario.ts";

const DSS = `! thirteen buses
Set DefaultBaseFrequency=60
New Circuit.street basekv=11
new line.l1 bus1=a bus2=b
`;
const PANDAPOWER = `{"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": {"bus": {}}}`;

describe("files of other programs", () => {
  const folder = mkdtempSync(join(tmpdir(), "gridpact-foreign-"));
  after(() => rmSync(folder, { recursive: true }));

  const foreign: readonly (readonly [file: string, text: string, name: RegExp, way: RegExp])[] = [
    ["street.dss", "", /this is an OpenDSS script/, /MakePosSeq/],
    ["street.txt", DSS, /this is an OpenDSS script/, /docs\/schemas\/feeder\.schema\.json/],
    ["net.json", PANDAPOWER, /this is a pandapower network/, /pandapower\.converter\.to_mpc\(net, "case\.mat"\)/],
    ["net.p", "\x80\x04", /this is a pandapower network/, /savecase\('case\.m', loadcase\('case\.mat'\)\)/],
    ["net.xlsx", "PK", /this is an Excel workbook/, /pandapower\.from_excel/],
    ["case.mat", "MATLAB 5.0 MAT-file, Platform: GLNXA64", /this is a MAT-file/, /loadcase/],
    ["grid.raw", "0, 100.0, 33", /this is a PSS\/E file/, /psse2mpc/],
  ];
  for (const [file, text, name, way] of foreign) {
    it(`${file} is called what it is, with the way to convert it, wherever it is brought`, () => {
      const path = join(folder, file);
      writeFileSync(path, text);
      for (const load of [importCase, loadBase, loadFeeder, loadScenario]) {
        expect(() => load(path)).to.throw(InputError, name);
        expect(() => load(path)).to.throw(InputError, way);
        expect(() => load(path)).to.throw(InputError, path);
      }
    });
  }

  it("takes no MATPOWER case for a script of another program", () => {
    const path = join(folder, "case.m");
    writeFileSync(path, "clear\nnew = 3;\n");
    expect(() => importCase(path)).to.throw(InputError, 'line 1: "clear" is not understood');
  });
});
