import { basename } from "node:path";
import { importMatpower, MatpowerError } from "../grid/matpower/matpower.ts";
import type { ImportedCase } from "../grid/matpower/matpower.ts";
import { InputError } from "../io/inputError.ts";
import { readText } from "../io/readJson.ts";
import { refuseForeignFormat } from "./foreignFormats.ts";

/** Reads a MATPOWER case file. Throws InputError naming file, line and reason when it is no radial feeder. */
export function importCase(file: string): ImportedCase {
  refuseForeignFormat(file);
  // Authors write their names in comments, in whatever coding their editor had.
  const text = readText(file, "latin1");
  try {
    return importMatpower(text, basename(file, ".m"));
  } catch (error) {
    if (error instanceof MatpowerError) throw new InputError(`${file}: ${error.message}`);
    throw error;
  }
}
