import { sumOver, type Owner } from "../devices/devices.ts";
import type { Prosumer, Scenario } from "./scenario.ts";

/** Reactive power that a connection is registered for, var: what it takes at most, and what it feeds in. */
export type Capability = { readonly absorbVar: number; readonly feedVar: number };

const VAR_PER_MVAR = 1e6;
/** For the rounding of what was cleared, var. */
const SLACK_VAR = 10;

/** What devices can take or give at will, Mvar either way. */
export const reactiveMvar = (owner: Owner): number => sumOver(owner, ({ device, part }) => device.reactiveMvar?.(part));

/**
 * What load and devices can take and feed in: devices go both ways, a load follows its power factor. Public, declared
 * at registration as a connection rating is, so that nobody invents reactive power that no device gives.
 */
export function capabilityOf(prosumer: Prosumer): Capability {
  const { absorbVar, feedVar, load } = prosumer;
  const devices = reactiveMvar(prosumer);
  const peak = load.fixedMw.reduce((most, mw) => Math.max(most, mw), 0) * (1 + load.flexibleShare);
  const drawn = load.mvarPerMw * peak;
  const vars = (mvar: number): number => Math.ceil(mvar * VAR_PER_MVAR) + SLACK_VAR;
  return {
    absorbVar: absorbVar ?? vars(devices + Math.max(0, drawn)),
    feedVar: feedVar ?? vars(devices + Math.max(0, -drawn)),
  };
}

/** Sessions of one feeder, every member with what the most demanding of them needs: a connection is registered once. */
export function withCapabilities<S extends Pick<Scenario, "prosumers">>(sessions: readonly S[]): S[] {
  const most = new Map<number, Capability>();
  for (const one of sessions.flatMap(({ prosumers }) => prosumers)) {
    const [own, known] = [capabilityOf(one), most.get(one.id) ?? { absorbVar: 0, feedVar: 0 }];
    const absorbVar = Math.max(own.absorbVar, known.absorbVar);
    most.set(one.id, { absorbVar, feedVar: Math.max(own.feedVar, known.feedVar) });
  }
  return sessions.map((session) => ({
    ...session,
    prosumers: session.prosumers.map((one) => ({ ...one, ...most.get(one.id) })),
  }));
}
