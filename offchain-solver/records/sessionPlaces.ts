/** Where the files of a session's folder are: what may be published, and what is nobody else's business. */
const PLACES = {
  // Costs, devices, schedules, names.
  "scenario.json": "private",
  "clearing.json": "private",
  "community.json": "private",
  "delivery.json": "private",
  "meters.json": "private",
  "fallback.json": "private",
  "report.html": "private",
  members: "private",
  // What is on chain anyway, and what proves it.
  "settlement.json": "public",
  "audit.json": "public",
  "witness.json": "public",
  bundle: "public",
} as const;

export type SessionFile = keyof typeof PLACES;

/**
 * Path of a file below its session's folder. A community's session is `split` into `public/` and `private/`; one of a
 * case, in which nobody lives, is not.
 */
export const placeOf = (file: SessionFile, split: boolean): string => (split ? `${PLACES[file]}/${file}` : file);

/** Of a session's first entry of readings the file itself; of a later one NAME-2.json and so on. */
export const ofEntry = (file: string, entry: number): string =>
  entry === 1 ? file : file.replace(/\.(json|html)$/, `-${entry}.$1`);
