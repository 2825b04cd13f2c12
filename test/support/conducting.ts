/** A conductor and what its parties say to it, without parties: the proposals of one hour of ieee15. */
import { OPERATOR_ID } from "../../offchain-solver/chain/onboarding.ts";
import { settingsTerms } from "../../offchain-solver/clearing/settingsTerms.ts";
import { termsBytes, type Terms } from "../../offchain-solver/codec/terms.ts";
import type { Proposals } from "../../offchain-solver/market/result/proposal.ts";
import { defaultSettings } from "../../offchain-solver/market/scenario/market.ts";
import { publicScenario } from "../../offchain-solver/market/scenario/publicScenario.ts";
import type { ConductorEffect } from "../../offchain-solver/node/session/conducting.ts";
import { Conductor } from "../../offchain-solver/node/session/conductor.ts";
import type { Life, LifeOf } from "../../offchain-solver/node/session/messages.ts";
import { loadScenario, takeHours } from "../../offchain-solver/scenarios/loadScenario.ts";
import { clear, settingsFor } from "../../offchain-solver/simulation/clear.ts";

export const SESSION = `0x${"5e".repeat(32)}`;
export const PAYLOAD = `0x${"9a".repeat(32)}`;

const scenario = takeHours(loadScenario("ieee15"), 1);
const settings = settingsFor("anderson", { rhoScale: 1, maxIterations: 5000 });
export const terms: Terms = {
  scenario: publicScenario(scenario),
  settings: defaultSettings(scenario),
  clearing: { ...settingsTerms(settings) } as Terms["clearing"],
  toleranceNano: 10_000,
};
export const invited = [OPERATOR_ID, ...scenario.prosumers.map(({ id }) => id)];
let known: Proposals | undefined;
function proposals(): Proposals {
  const options = {
    method: "anderson",
    market: terms.settings,
    trade: true,
    rhoScale: 1,
    maxIterations: 5000,
  } as const;
  return (known ??= clear(scenario, options).outcome!.proposals);
}

export const about = { session: SESSION, terms, invited, committee: new Set(invited) };
export const fresh = (): Conductor => {
  const termsText = new TextDecoder().decode(termsBytes(terms));
  return new Conductor({ ...about, termsText, quorumLacksAt: 5 });
};
export const sent = (effects: readonly ConductorEffect[]): Life["kind"][] => [
  ...new Set(effects.flatMap((effect) => (effect.kind === "send" ? [effect.message.kind] : []))),
];
export const all = (conductor: Conductor, say: (party: number) => Life, parties = invited): ConductorEffect[] =>
  parties.flatMap((party) => conductor.hear(party, say(party)));
export const present = (): Life => ({ kind: "present", session: SESSION, lastAttempt: 0 });
export const of = <K extends "ready" | "failure" | "proposal" | "claim">(
  conductor: Conductor,
  kind: K,
  rest: object,
): Life => ({ kind, session: SESSION, attempt: conductor.attempt, ...rest }) as LifeOf<K>;
export const proposalOf = (party: number) =>
  party === OPERATOR_ID ? proposals().operator : proposals().prosumers[invited.indexOf(party) - 1];
export const claim = (conductor: Conductor, payload = PAYLOAD) =>
  of(conductor, "claim", { payload, regretNano: "1", openNano: "0", signature: "0x12" });

export const openingOf = (effects: readonly ConductorEffect[]): LifeOf<"attempt"> | undefined =>
  effects.flatMap((effect) => (effect.kind === "send" && effect.message.kind === "attempt" ? [effect.message] : []))[0];
export const leftOut = (effects: readonly ConductorEffect[]): unknown[] =>
  effects.flatMap((effect) => (effect.kind === "leftOut" ? [[effect.party, effect.reason]] : []));
export const without = (...out: number[]): number[] => invited.filter((party) => !out.includes(party));
export const reasonOf = (effects: readonly ConductorEffect[]): string | undefined =>
  effects.flatMap((effect) => (effect.kind === "giveUp" ? [effect.reason] : []))[0];
export const beyondOf = (...parties: number[]) =>
  parties.map((party) => ({ party, predicate: "spendBeyondLock", detail: "7 needed, 0 allowed" }));
/** An attempt up to the claims, in which the operator's node finds these beyond their mandates. */
export function claimed(conductor: Conductor, members: number[], ...beyond: number[]): ConductorEffect[] {
  all(conductor, () => of(conductor, "ready", {}), members);
  all(conductor, (party) => of(conductor, "proposal", { proposal: proposalOf(party) }), members);
  const found = beyond.length > 0 && { beyond: beyondOf(...beyond) };
  return all(conductor, (party) => ({ ...claim(conductor), ...(party === OPERATOR_ID && found) }) as Life, members);
}

export const differing = (effects: readonly ConductorEffect[]): unknown[] =>
  effects.flatMap((effect) => (effect.kind === "differs" ? [effect.party] : []));
export const regretsIn = (effects: readonly ConductorEffect[]): number[] =>
  effects.flatMap((effect) =>
    effect.kind === "send" && effect.message.kind === "witness" && effect.to === invited[0]
      ? (JSON.parse(effect.message.text) as { regrets: { id: number }[] }).regrets.map(({ id }) => id)
      : [],
  );

/** All up to the claims; `say`: what somebody claims besides. */
export function claimedWith(
  conductor: Conductor,
  members: number[],
  say: (party: number) => object,
): ConductorEffect[] {
  all(conductor, () => of(conductor, "ready", {}), members);
  all(conductor, (party) => of(conductor, "proposal", { proposal: proposalOf(party) }), members);
  return all(conductor, (party) => ({ ...claim(conductor), ...say(party) }) as Life, members);
}
