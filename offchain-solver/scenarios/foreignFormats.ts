import { closeSync, openSync, readSync } from "node:fs";
import { InputError } from "../io/inputError.ts";
import { isFile } from "../io/readJson.ts";
import { isNoFile } from "../io/systemError.ts";

const SNIFFED_BYTES = 65_536;

type Foreign = { readonly name: string; readonly is: (text: string, file: string) => boolean; readonly way: string };

const FROM_MAT =
  "in MATLAB or Octave with MATPOWER: savecase('case.m', loadcase('case.mat')), then gridpact import case.m";

/** Formats that people bring, how they are known, and the way from each to a feeder. */
const FOREIGN: readonly Foreign[] = [
  {
    name: "an OpenDSS script",
    is: (text, file) =>
      /\.dss$/i.test(file) ||
      /^\s*new\s+(object\s*=\s*)?"?(circuit|line|linecode|load|transformer|vsource)\./im.test(text),
    way:
      "solve MakePosSeq in OpenDSS, write R1, X1 of its lines and kW, kvar of its loads into a MATPOWER case " +
      "(version 2) or a feeder (docs/schemas/feeder.schema.json), then gridpact import case.m",
  },
  {
    name: "a pandapower network",
    is: (text, file) => /"pandapowerNet"|"pandapower\.auxiliary"/.test(text) || /\.(p|pkl|pickle)$/i.test(file),
    way: `in Python pandapower.converter.to_mpc(net, "case.mat"); ${FROM_MAT}`,
  },
  { name: "a MAT-file", is: (text, file) => /^MATLAB 5\.0 MAT-file/.test(text) || /\.mat$/i.test(file), way: FROM_MAT },
  {
    name: "an Excel workbook",
    is: (_, file) => /\.xlsx?$/i.test(file),
    way:
      'a pandapower workbook: in Python net = pandapower.from_excel("case.xlsx"), ' +
      `pandapower.converter.to_mpc(net, "case.mat"); ${FROM_MAT}`,
  },
  {
    name: "a PSS/E file",
    is: (_, file) => /\.rawx?$/i.test(file),
    way: "in MATLAB or Octave with MATPOWER: savecase('case.m', psse2mpc('case.raw')), then gridpact import case.m",
  },
];

/**
 * Refuses a file in the format of another program by that program's name, and says how to convert it. Throws
 * InputError.
 */
export function refuseForeignFormat(file: string): void {
  if (!isFile(file)) return;
  const foreign = FOREIGN.find(({ is }) => is(headOf(file), file));
  if (foreign)
    throw new InputError(`${file}: this is ${foreign.name}, which gridpact does not read; the way: ${foreign.way}`);
}

/** The first bytes; none where there is nothing to read, which whoever reads the file will say. */
function headOf(file: string): string {
  const bytes = Buffer.alloc(SNIFFED_BYTES);
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    return bytes.toString("latin1", 0, readSync(handle, bytes, 0, SNIFFED_BYTES, 0));
  } catch (error) {
    if (!isNoFile(error)) throw error;
    return "";
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
