/**
 * What a home loads the feeder with that was invited to a session and takes no part in it: the default profile that the
 * terms state for it, as the chain has it (contracts/libraries/StandingLoads.sol). Big-endian, ids ascending:
 *
 *   id u32 | values u8 | values x (W i32 | var i24)
 *
 * fed in, so that a load is negative; one value is that of every period. Who has no entry loads nothing.
 */
import type { PublicScenario } from "../market/scenario/publicScenario.ts";

/** One value, or one a period. */
export type StandingLoad = { readonly id: number; readonly watts: readonly number[]; readonly vars: readonly number[] };

const HEAD_BYTES = 5;
const VALUE_BYTES = 7;
/** What one contract's code holds (contracts/libraries/CodeBlob.sol). */
export const MOST_BYTES = 24_575;
const PER_MEGA = 1e6;

/** Of what anybody may have written as a scenario: beyond its bytes a value is the nearest that they hold. */
export function standingLoads({ prosumers }: Pick<PublicScenario, "prosumers">): StandingLoad[] {
  const loads = prosumers.map(({ id, fallback }) => {
    const watts = fallback.mw.slice(0, 0xff).map((mw) => within(mw * PER_MEGA, 32));
    const vars = watts.map((_, t) => within((fallback.mvar[t] ?? 0) * PER_MEGA, 24));
    const even = watts.every((w, t) => w === watts[0] && vars[t] === vars[0]);
    return even ? { id, watts: watts.slice(0, 1), vars: vars.slice(0, 1) } : { id, watts, vars };
  });
  const some = loads.filter(({ watts, vars }) => watts.some((w, t) => w !== 0 || vars[t] !== 0));
  return some.sort((a, b) => a.id - b.id);
}

/** How many homes can be told of, each with a profile of so many values. */
export const mostHomes = (values: number): number => Math.floor(MOST_BYTES / (HEAD_BYTES + VALUE_BYTES * values));

/** The nearest integer of so many bits; zero has one sign. */
function within(value: number, bits: number): number {
  const most = 2 ** (bits - 1);
  return Math.max(-most, Math.min(most - 1, Math.round(value))) + 0;
}

export function encode(loads: readonly StandingLoad[]): Uint8Array {
  const values = loads.reduce((sum, { watts }) => sum + watts.length, 0);
  const bytes = new Uint8Array(HEAD_BYTES * loads.length + VALUE_BYTES * values);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { id, watts, vars } of loads) {
    view.setUint32(at, id);
    view.setUint8(at + 4, watts.length);
    at += HEAD_BYTES;
    watts.forEach((w, t) => {
      view.setInt32(at, w);
      view.setInt16(at + 4, vars[t] >> 8);
      view.setUint8(at + 6, vars[t] & 0xff);
      at += VALUE_BYTES;
    });
  }
  return bytes;
}

/** The inverse; undefined where the bytes are cut short. */
export function decode(bytes: Uint8Array): StandingLoad[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const loads: StandingLoad[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < HEAD_BYTES) return undefined;
    const [id, values] = [view.getUint32(at), view.getUint8(at + 4)];
    if (bytes.length - at < HEAD_BYTES + VALUE_BYTES * values) return undefined;
    const offsets = Array.from({ length: values }, (_, t) => at + HEAD_BYTES + VALUE_BYTES * t);
    loads.push({
      id,
      watts: offsets.map((offset) => view.getInt32(offset)),
      vars: offsets.map((offset) => view.getInt16(offset + 4) * 256 + view.getUint8(offset + 6)),
    });
    at += HEAD_BYTES + VALUE_BYTES * values;
  }
  return loads;
}
