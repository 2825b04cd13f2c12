/** What the members of one attempt have said so far. */
import { canonicalBytes, type Json } from "../../codec/canonicalJson.ts";
import type { CommittedPlan } from "../../codec/witness.ts";
import type { Claim, Claimed } from "./claims.ts";
import type { LifeOf } from "./messages.ts";

type Proposal = LifeOf<"proposal">["proposal"];

export class Said {
  readonly ready = new Set<number>();
  readonly proposals = new Map<number, Proposal>();
  readonly plans = new Map<number, LifeOf<"proposal">["plan"]>();
  readonly claims = new Map<number, Claim>();

  /** Canonical; `members`: the operator first. */
  proposalsText(members: readonly number[]): string {
    const [operator, ...prosumers] = members.map((party) => this.proposals.get(party));
    return textOf({ operator, prosumers, plans: this.committed(members) });
  }

  /** Plans that were sent beside the proposals. */
  committed(members: readonly number[]): CommittedPlan[] {
    return members.flatMap((id) => {
      const plan = this.plans.get(id);
      return plan === undefined ? [] : [{ id, ...plan }];
    });
  }

  /** The longest proposal of somebody other than the operator, who comes first. */
  longest([, ...prosumers]: readonly number[]): { readonly party: number; readonly length: number } {
    const lengths = prosumers.map((party) => ({ party, length: textOf(this.proposals.get(party)).length }));
    return lengths.reduce((a, b) => (b.length > a.length ? b : a));
  }

  /** Of those who have claimed, in their order. */
  claimed(members: readonly number[]): Claimed[] {
    return members.flatMap((party) => {
      const claim = this.claims.get(party);
      return claim === undefined ? [] : [{ party, ...claim }];
    });
  }

  /** Who has not said its part of a stage; in a clearing that nobody has ended the agents say for whom they wait. */
  silent(stage: "opening" | "clearing" | "claiming", members: readonly number[]): number[] {
    const said = { opening: this.ready, clearing: this.proposals, claiming: this.claims }[stage];
    if (stage === "clearing" && said.size === 0) return [];
    return members.filter((party) => !said.has(party));
  }
}

export const textOf = (value: unknown): string =>
  new TextDecoder().decode(canonicalBytes(JSON.parse(JSON.stringify(value)) as Json));
