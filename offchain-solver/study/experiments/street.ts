/** Days of the example community's street of twelve homes, as its folder has them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { EXAMPLE, exampleFiles, type ExampleOptions } from "../../scenarios/community/example.ts";
import { loadCommunity } from "../../scenarios/community/loadCommunity.ts";
import { addDays } from "../../scenarios/community/zoneClock.ts";

export type StreetDay = {
  readonly scenario: Scenario;
  /** By the community's clock. */
  readonly date: string;
  readonly names: ReadonlyMap<number, string>;
};

/** Each of the `dates`; undefined: the first that can be cleared after the series. */
export async function streetDays(
  minutes: ExampleOptions["minutes"],
  dates: readonly (string | undefined)[],
): Promise<StreetDay[]> {
  const folder = mkdtempSync(join(tmpdir(), "gridpact-street-"));
  try {
    for (const [name, text] of exampleFiles({ ...EXAMPLE, minutes })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const days: StreetDay[] = [];
    for (const date of dates) {
      const { scenario, community } = await loadCommunity(folder, date);
      days.push({
        scenario,
        date: community.date,
        names: new Map(community.members.map(({ prosumer, id }) => [prosumer, id])),
      });
    }
    return days;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The last days of the example's series, the last one last. */
export const lastDays = (count: number): string[] =>
  Array.from({ length: count }, (_, k) => addDays(EXAMPLE.from, EXAMPLE.days - count + k));
