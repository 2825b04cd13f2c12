/** What was delivered in sessions one after another, and what an audit found of them, as one day. */
import type { DeliveryJson } from "./deliveryJson.ts";
import type { AuditJson } from "./sessionJson.ts";

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What was found of every one of them. */
export function joinAudits(parts: readonly AuditJson[]): AuditJson {
  const [entries, credits] = [parts.flatMap((one) => one.entries ?? []), parts.flatMap((one) => one.credits ?? [])];
  const delivery = parts.find((one) => one.delivery !== undefined && one.delivery.verdict !== "valid") ?? parts[0];
  return {
    verdicts: parts.flatMap(({ verdicts }) => verdicts),
    ...(entries.length > 0 && { entries }),
    ...(credits.length > 0 && { credits }),
    ...(delivery.delivery && { delivery: delivery.delivery }),
  };
}

type Member = DeliveryJson["members"][number];

/** What all of them delivered, member by member. What is about one entry alone is the first one's. */
export function joinDeliveries(parts: readonly DeliveryJson[]): DeliveryJson {
  const [first] = parts;
  if (parts.length === 1) return first;
  const ids = [...new Set(parts.flatMap(({ members }) => members.map(({ id }) => id)))].sort((a, b) => a - b);
  const added = <K extends string>(of: readonly Readonly<Record<K, number>>[], keys: readonly K[]) =>
    Object.fromEntries(keys.map((key) => [key, sum(of.map((one) => one[key]))])) as Record<K, number>;
  return {
    ...first,
    kind: parts.find(({ kind }) => kind !== "final")?.kind ?? "final",
    periods: sum(parts.map(({ periods }) => periods)),
    prices: parts.flatMap(({ prices }) => prices),
    members: ids.map((id) => joinMember(parts.flatMap(({ members }) => members.filter((one) => one.id === id)))),
    systems: first.systems.map(({ account }) => ({
      account,
      ...added(
        parts.flatMap(({ systems }) => systems.filter((one) => one.account === account)),
        ["takenUpNano", "movedNano"],
      ),
    })),
    shortfall: added(
      parts.map(({ shortfall }) => shortfall),
      ["byFundNano", "byReceiversNano"],
    ),
    carbon: added(
      parts.map(({ carbon }) => carbon),
      ["emissionsG", "surrenderedG", "boughtG", "renewableWh"],
    ),
  };
}

const SERIES = ["promisedWh", "calledWh", "undeliveredW", "meteredWh", "renewableWh"] as const;
const SUMS = [
  "dueNano",
  "takenUpNano",
  "emissionsG",
  "surrenderedG",
  "boughtG",
  "releasedMilli",
  "arrearsNano",
  "cutNano",
  "movedNano",
] as const;

function joinMember(own: readonly Member[]): Member {
  const parts = Object.keys(own[0].parts) as (keyof Member["parts"])[];
  return {
    id: own[0].id,
    tookPart: own.some(({ tookPart }) => tookPart),
    ...(Object.fromEntries(SERIES.map((name) => [name, own.flatMap((one) => one[name])])) as Pick<
      Member,
      (typeof SERIES)[number]
    >),
    quality: own.flatMap(({ quality }) => quality),
    parts: Object.fromEntries(parts.map((name) => [name, sum(own.map((one) => one.parts[name]))])) as Member["parts"],
    ...(Object.fromEntries(SUMS.map((name) => [name, sum(own.map((one) => one[name]))])) as Pick<
      Member,
      (typeof SUMS)[number]
    >),
  };
}
