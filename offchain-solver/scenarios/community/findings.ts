import { InputError } from "../../io/inputError.ts";

/** What is found in a community's folder: everything that is wrong, and what was assumed where nothing was said. */
export type Findings = { readonly wrong: string[]; readonly assumed: string[] };

/** Most complaints about one file: whoever reads them mends a kind, not a line. */
const MOST_OF_A_FILE = 5;

export const noFindings = (): Findings => ({ wrong: [], assumed: [] });

/** Does a part of the reading; what is wrong with it is noted, and the other parts go on. */
export async function attempt<T>(found: Findings, work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    found.wrong.push(error.message);
    return undefined;
  }
}

/** Notes complaints about one file: the first few, and how many more there are. */
export function complainAbout(found: Findings, file: string, complaints: readonly string[]): void {
  found.wrong.push(...complaints.slice(0, MOST_OF_A_FILE));
  const more = complaints.length - MOST_OF_A_FILE;
  if (more > 0) found.wrong.push(`${file}: and ${more} more like these`);
}

/** Ends with the first thing that is wrong, if anything is, and says how to see the rest. Throws InputError. */
export function refuseIfWrong({ wrong }: Findings, folder: string): void {
  if (wrong.length === 0) return;
  const more = wrong.length - 1;
  const rest = more === 0 ? "" : ` (and ${more} more: gridpact community check ${folder})`;
  throw new InputError(`${wrong[0]}${rest}`);
}
