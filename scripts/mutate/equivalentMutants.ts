/** Mutants that do what the original does, each with the reason. */
import { IN_DELIVERIES } from "./equivalentInDeliveries.ts";
import { IN_MARKETS } from "./equivalentInMarkets.ts";
import { EITHER } from "./equivalentReasons.ts";
import type { Mutant } from "./mutants.ts";
import { sourceOf } from "./targets.ts";

type Equivalent = Pick<Mutant, "file" | "before" | "after"> & {
  readonly because: string;
  readonly nth: number | undefined;
};

export const EQUIVALENT: readonly Equivalent[] = Object.entries({ ...IN_MARKETS, ...IN_DELIVERIES }).flatMap(
  ([file, changes]) => changes.map(([before, after, because, nth]) => ({ file, before, after, because, nth })),
);

/** `a < b ? a : b`, the smaller or the larger of two. */
const CHOICE = /([\w.[\]]+) (<=?|>=?) ([\w.[\]]+) \? (?:\1 : \3|\3 : \1)/;
const MOVED: Readonly<Record<string, string>> = { "<": "<=", "<=": "<", ">": ">=", ">=": ">" };

function choosesAlike({ before, after }: Mutant): boolean {
  const found = CHOICE.exec(before);
  if (found === null) return false;
  const [choice, one, operator, other] = found;
  const rest = choice.slice(one.length + operator.length + other.length + 2);
  return after === before.replace(choice, () => `${one} ${MOVED[operator]} ${other}${rest}`);
}

/** How many lines of the file read like the mutant's original, up to that one. */
const nthOf = ({ file, line, before }: Mutant): number =>
  sourceOf(file)
    .split("\n")
    .slice(0, line + 1)
    .filter((text) => text.trim() === before.trim()).length;

export function equivalentTo(mutant: Mutant): string | undefined {
  const { file, before, after } = mutant;
  if (choosesAlike(mutant)) return EITHER;
  const same = EQUIVALENT.filter(
    (one) => one.file === file && one.before === before.trim() && one.after === after.trim(),
  );
  return same.find(({ nth }) => nth === undefined || nth === nthOf(mutant))?.because;
}
