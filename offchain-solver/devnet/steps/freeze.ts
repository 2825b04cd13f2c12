import * as Session from "../../chain/session.ts";
import { sessionOf } from "../../market/scenario/leaveOut.ts";
import type { PublicScenario } from "../../market/scenario/publicScenario.ts";
import { standingLoads } from "../../codec/standingLoads.ts";
import { readTerms, termsBytes, termsHash, type Terms } from "../../codec/terms.ts";
import { imbalancePrice } from "../../ledger/settleable.ts";
import type { Ledger } from "../../ledger/settlementModel.ts";
import { refusedBy, SessionRefused } from "../refused.ts";
import { SYSTEM_IDS, type Loaded } from "./load.ts";

/** A session is settled an hour after its start at the latest (`GRACE` of the market). */
const GRACE_S = 3_600;

/** What nobody can change any more: the session on chain, and the bytes that everybody invited was given. */
export type Frozen = Loaded & {
  readonly frozen: Session.FrozenSession;
  readonly termsBytes: Uint8Array;
  readonly ledger: Ledger;
  /** Who takes part, of those who were invited: the frozen table, less who turned out beyond its mandate. */
  readonly taking: readonly number[];
};

/** What is cleared, as everybody has it: the frozen terms and those who take part; the others load the feeder. */
export const sessionScenario = ({ scenario }: Terms, { taking }: Pick<Frozen, "taking">): PublicScenario =>
  sessionOf(scenario, taking);

/** Puts the hash of the terms on chain, before anybody clears. */
export async function freeze(loaded: Loaded): Promise<Frozen> {
  const { chain, deployment, terms } = loaded;
  const { startUtc, periodHours, hours, prosumers, tariff } = terms.scenario;
  const ids = [...prosumers.map(({ id }) => id), ...SYSTEM_IDS];
  const start = Date.parse(startUtc) / 1000;
  const frozen = await Session.freezeSession(deployment, chain.admin, {
    start,
    periodSeconds: Math.round(periodHours * 3600),
    periods: hours,
    deadline: start + GRACE_S,
    termsHash: termsHash(terms),
    imbalancePrice: imbalancePrice(tariff),
    ids,
  });
  const lost = SYSTEM_IDS.filter((id) => frozen.leftOut.includes(id));
  if (lost.length > 0) throw new SessionRefused("refused", `left out at the freeze: ${lost.join(", ")}`);
  const taking = prosumers.map(({ id }) => id).filter((id) => !frozen.leftOut.includes(id));
  if (taking.length === 0) throw new SessionRefused("refused", "nobody has a mandate and a deposit for this session");
  const ledger = await Session.readLedger(
    deployment,
    chain.provider,
    ids.filter((id) => !frozen.leftOut.includes(id)),
  );
  const known = { ...ledger, standing: standingLoads(terms.scenario) };
  return { ...loaded, frozen, termsBytes: termsBytes(terms), ledger: known, taking };
}

/** What a node does with the terms it was given: clears on none but those that the chain froze. */
export function agree(party: string, bytes: Uint8Array, frozen: Session.FrozenSession): Terms {
  const found = readTerms(bytes, frozen.terms.termsHash);
  if (found.kind === "refused") throw refusedBy(party, found);
  return found.terms;
}
