/**
 * The feeder as the bytes the chain checks against; layout and scaling in contracts/libraries/GridModel.sol.
 * Rounding and tolerances go one way: whatever satisfies the model within `Tolerance` is inside the encoded limits.
 */
import type { Feeder } from "../grid/feeder.ts";
import { topologyOf } from "../grid/topology.ts";

export type Tolerance = {
  /** Added to every line limit, W. */
  readonly watts: number;
  /** Added to both ends of every squared voltage band, millionths of 1 p.u. squared. */
  readonly ppm: number;
};

export const TOLERANCE: Tolerance = { watts: 10, ppm: 10 };

export type GridBranch = {
  readonly parent: number;
  /** W, 12-gon radius; `UNLIMITED` = none. */
  readonly rating: bigint;
  readonly vMin2: bigint;
  readonly vMax2: bigint;
  readonly r: bigint;
  readonly x: bigint;
};

export type GridModel = {
  readonly buses: number;
  /** Entry k is the branch to bus k + 1, depth first. */
  readonly branches: readonly GridBranch[];
  readonly prosumers: readonly Placed[];
};

/** A prosumer at a bus, and the reactive power that its connection is registered for, var: taken, and fed in. */
export type Placed = {
  readonly id: number;
  readonly bus: number;
  readonly absorbVar: number;
  readonly feedVar: number;
};

/** No reactive power of a payload is beyond it. */
export const ANY_VAR = 0xffffff;
/** Bytes of a prosumer: id, bus, reactive power taken and fed in. */
const PROSUMER_BYTES = 12;

export const UNLIMITED = (1n << 40n) - 1n;
export const ROOT_VOLTAGE = 1n << 60n;
export const VOLTAGE_SHIFT = 28n;
/** cos(pi/12) = (sqrt 6 + sqrt 2)/4: the 12-gon inside the disc of the rating. */
export const TWELVE_GON = (Math.sqrt(6) + Math.sqrt(2)) / 4;

/** A feeder or a prosumer that no model can say. */
export class GridModelError extends Error {}

/** Bytes of a feeder with its prosumers; a string says what of it no model holds. */
export function bytesOf(feeder: Feeder, prosumers: readonly Placed[]): Uint8Array | string {
  try {
    return encode(fromFeeder(feeder, prosumers));
  } catch (error) {
    if (!(error instanceof GridModelError)) throw error;
    return error.message;
  }
}

/** Bus numbers of the feeder, depth first from the root. */
export function depthFirst(feeder: Feeder): number[] {
  return Array.from(topologyOf(feeder).order, (at) => feeder.buses[at].bus);
}

/** `prosumers` by ascending id; their buses must ascend with them in depth-first order. */
export function fromFeeder(feeder: Feeder, prosumers: readonly Placed[], tolerance: Tolerance = TOLERANCE): GridModel {
  const order = depthFirst(feeder);
  const place = new Map(order.map((bus, k) => [bus, k]));
  const into = new Map(feeder.branches.map((branch) => [branch.to, branch]));
  const buses = new Map(feeder.buses.map((bus) => [bus.bus, bus]));
  const wattPerUnit = feeder.baseMva * 1e6;
  const slack = tolerance.ppm * 1e-6;
  const branches = order.slice(1).map((number) => {
    const branch = into.get(number) as Feeder["branches"][number];
    const bus = buses.get(number) as Feeder["buses"][number];
    return {
      parent: place.get(branch.from) as number,
      rating: ratingOf(branch, tolerance),
      vMin2: fits(Math.floor(Math.max(0, bus.vMinPu ** 2 - slack) * 2 ** 32), 40, "vMin2"),
      vMax2: fits(Math.ceil((bus.vMaxPu ** 2 + slack) * 2 ** 32), 40, "vMax2"),
      r: fits(Math.round(((2 * branch.rPu) / wattPerUnit) * 2 ** 60), 56, "r"),
      x: fits(Math.round(((2 * branch.xPu) / wattPerUnit) * 2 ** 60), 56, "x"),
    };
  });
  const placed = prosumers.map(({ id, bus, absorbVar, feedVar }) => {
    const at = place.get(bus);
    if (at === undefined) throw new GridModelError(`prosumer ${id}: no bus ${bus} on feeder ${feeder.name}`);
    if (Math.max(absorbVar, feedVar) > ANY_VAR)
      throw new GridModelError(`prosumer ${id}: ${Math.max(absorbVar, feedVar)} var, more than a grid model holds`);
    return { id, bus: at, absorbVar, feedVar };
  });
  for (let i = 1; i < placed.length; i++) {
    if (placed[i].id <= placed[i - 1].id || placed[i].bus < placed[i - 1].bus) {
      throw new GridModelError(`prosumer ${placed[i].id}: ids must ascend with the depth-first order of the buses`);
    }
  }
  return { buses: order.length, branches, prosumers: placed };
}

/** A rating beyond the field, above a terawatt, limits nothing. */
function ratingOf({ ratingMva }: Feeder["branches"][number], tolerance: Tolerance): bigint {
  const watts = ratingMva === null ? Infinity : Math.ceil(ratingMva * 1e6 * TWELVE_GON + tolerance.watts);
  return watts >= Number(UNLIMITED) ? UNLIMITED : BigInt(watts);
}

export function encode(model: GridModel): Uint8Array {
  const bytes = new Uint8Array(4 + 32 * model.branches.length + PROSUMER_BYTES * model.prosumers.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, model.buses);
  view.setUint16(2, model.prosumers.length);
  let at = 4;
  for (const { parent, rating, vMin2, vMax2, r, x } of model.branches) {
    const word = (BigInt(parent) << 232n) | (rating << 192n) | (vMin2 << 152n) | (vMax2 << 112n) | (r << 56n) | x;
    for (let k = 0; k < 4; k++) view.setBigUint64(at + 8 * k, (word >> BigInt(192 - 64 * k)) & 0xffffffffffffffffn);
    at += 32;
  }
  for (const { id, bus, absorbVar, feedVar } of model.prosumers) {
    view.setUint32(at, id);
    view.setUint16(at + 4, bus);
    // Two fields of three bytes.
    view.setUint16(at + 6, absorbVar >> 8);
    view.setUint32(at + 8, (((absorbVar & 0xff) << 24) | feedVar) >>> 0);
    at += PROSUMER_BYTES;
  }
  return bytes;
}

export function decode(bytes: Uint8Array): GridModel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const buses = view.getUint16(0);
  const branches = Array.from({ length: buses - 1 }, (_, k) => {
    let word = 0n;
    for (let part = 0; part < 4; part++) word = (word << 64n) | view.getBigUint64(4 + 32 * k + 8 * part);
    const field = (shift: number, bits: number) => (word >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n);
    return {
      parent: Number(field(232, 16)),
      rating: field(192, 40),
      vMin2: field(152, 40),
      vMax2: field(112, 40),
      r: field(56, 56),
      x: field(0, 56),
    };
  });
  const from = 4 + 32 * (buses - 1);
  const prosumers = Array.from({ length: view.getUint16(2) }, (_, k) => {
    const at = from + PROSUMER_BYTES * k;
    return {
      id: view.getUint32(at),
      bus: view.getUint16(at + 4),
      absorbVar: view.getUint32(at + 5) & ANY_VAR,
      feedVar: view.getUint32(at + 8) & ANY_VAR,
    };
  });
  return { buses, branches, prosumers };
}

/** 2^53 < 2^56: what a float holds exactly is enough for every coefficient. */
function fits(value: number, bits: number, what: string): bigint {
  const integer = BigInt(value);
  if (integer < 0n || integer >= 1n << BigInt(bits))
    throw new GridModelError(`grid model: ${what} ${value} does not fit ${bits} bits`);
  return integer;
}
