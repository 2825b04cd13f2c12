/** What is signed of a delivery (EIP-712), and its hashes: docs/delivery.md, contracts/types/Readings.sol. */
import {
  AbiCoder,
  assertArgument,
  concat,
  getBytes,
  keccak256,
  Signature,
  TypedDataEncoder,
  type TypedDataDomain,
} from "ethers";
import type { MeterReading } from "./meterReading.ts";
import { QUALITIES } from "./meterReading.ts";
import { rowBytes } from "./readings.ts";

const typed = (text: string): { type: string; name: string }[] =>
  text.split(",").map((field) => {
    const [type, name] = field.trim().split(" ");
    return { type, name };
  });

export const KINDS = ["none", "provisional", "final", "correction"] as const;
export type Kind = (typeof KINDS)[number];

export const CONNECTION_TYPES = {
  Connection: typed("uint32 prosumer, uint32 feedW, uint32 takeW, uint32 renewableW, uint32 maxPrice, uint64 nonce"),
};
export const METER_READINGS_TYPES = {
  MeterReadings: typed("uint32 prosumer, uint64 start, uint32 periodSeconds, uint32 number, bytes values"),
};
export const READINGS_TYPES = {
  Readings: typed(
    "bytes32 batch, uint32 epoch, uint32 entry, bytes32 previous, uint8 kind, bytes32 readings, bytes32 meters, bytes32 reason",
  ),
};

/** What a wallet and the operator have signed of a connection: most power each way, and most imbalance price. */
export type Connection = {
  readonly prosumer: number;
  readonly feedW: number;
  readonly takeW: number;
  readonly renewableW: number;
  /** Most that a kWh of imbalance costs, 1e-6 $. */
  readonly maxPrice: number;
  readonly nonce: bigint;
};

/** id, feedW, takeW, renewableW, maxPrice, each u32: contracts/libraries/ConnectionTable.sol. */
const CONNECTION_BYTES = 20;

/** By account, from the code that holds them all. Throws RangeError where the bytes are not whole. */
export function decodeConnections(bytes: Uint8Array): Map<number, Omit<Connection, "prosumer" | "nonce">> {
  if (bytes.length % CONNECTION_BYTES !== 0) throw new RangeError(`connections: ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Map(
    Array.from({ length: bytes.length / CONNECTION_BYTES }, (_, k) => {
      const [id, feedW, takeW, renewableW, maxPrice] = [0, 4, 8, 12, 16].map((at) =>
        view.getUint32(CONNECTION_BYTES * k + at),
      );
      return [id, { feedW, takeW, renewableW, maxPrice }];
    }),
  );
}

/** All that a quorum attests; `kind` by its place in KINDS. */
export type Attested = {
  readonly batch: string;
  readonly epoch: bigint;
  readonly entry: number;
  readonly previous: string;
  readonly kind: number;
  readonly readings: string;
  readonly meters: string;
  readonly reason: string;
};

/** What a party says of its devices that no meter at its connection shows. */
export type DeviceStatement = {
  readonly prosumer: number;
  /** What its generator emitted over the session. */
  readonly generatorG: number;
};
export const STATEMENT_TYPES = { DeviceStatement: typed("bytes32 batch, uint32 prosumer, uint32 generatorG") };

/** What a party says before others' devices answer: what it is called by, whatever its meter reads afterwards. */
export type Activation = {
  readonly prosumer: number;
  /** By period: what its renewables were planned to give, the forecast that its errors are measured against. */
  readonly plannedWh: readonly number[];
  /** By period: what they gave, as far as was known then. */
  readonly generatedWh: readonly number[];
  /** Opens what was committed to with the batch (`plans.ts`). */
  readonly salt: string;
};
export const ACTIVATION_TYPES = {
  Activation: typed("bytes32 batch, uint32 prosumer, bytes plannedWh, bytes generatedWh, bytes32 salt"),
};

const MOST_U32 = 0xffffffff;

/** Integers that the bytes hold: what wraps would be signed as another value. */
function whole(what: string, value: number, least: number, most: number): number {
  assertArgument(Number.isInteger(value) && value >= least && value <= most, "no value of its bytes", what, value);
  return value;
}

/** Wh of renewables, u32 a period. Throws as ethers does for what is none. */
function whBytes(what: string, wh: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * wh.length);
  wh.forEach((value, t) => new DataView(bytes.buffer).setUint32(4 * t, whole(`${what} ${t}`, value, 0, MOST_U32)));
  return bytes;
}
export const plannedBytes = (plannedWh: readonly number[]): Uint8Array => whBytes("plannedWh", plannedWh);

/** What the node key signs. */
export const statementMessage = (batch: string, { prosumer, generatorG }: DeviceStatement) => ({
  batch,
  prosumer,
  generatorG,
});
export const statementDigest = (domain: TypedDataDomain, batch: string, statement: DeviceStatement): string =>
  TypedDataEncoder.hash(domain, STATEMENT_TYPES, statementMessage(batch, statement));

/** What the node key signs. Throws as ethers does for what is none. */
export const activationMessage = (batch: string, { prosumer, plannedWh, generatedWh, salt }: Activation) => ({
  ...{ batch, prosumer, salt },
  ...{ plannedWh: plannedBytes(plannedWh), generatedWh: whBytes("generatedWh", generatedWh) },
});
export const activationDigest = (domain: TypedDataDomain, batch: string, activation: Activation): string =>
  TypedDataEncoder.hash(domain, ACTIVATION_TYPES, activationMessage(batch, activation));

export const deliveryDomain = (chainId: bigint, delivery: string): TypedDataDomain => ({
  name: "gridpact delivery",
  version: "1",
  chainId,
  verifyingContract: delivery,
});

export const connectionDigest = (domain: TypedDataDomain, connection: Connection): string =>
  TypedDataEncoder.hash(domain, CONNECTION_TYPES, connection);
export const readingsDigest = (domain: TypedDataDomain, attested: Attested): string =>
  TypedDataEncoder.hash(domain, READINGS_TYPES, attested);

/** What a meter signs: `number` ascends, a corrected file has a larger one. */
export type MeterReadings = {
  readonly prosumer: number;
  readonly start: number;
  readonly periodSeconds: number;
  readonly number: number;
  readonly values: Uint8Array;
};

/**
 * The values of one meter's periods, in their order: meteredWh i32, quality u2 and renewableWh u30. Throws as ethers
 * does for values that these do not hold.
 */
export function meterReadings(readings: readonly MeterReading[], number: number): MeterReadings {
  const [first] = readings;
  const values = new Uint8Array(8 * readings.length);
  const view = new DataView(values.buffer);
  readings.forEach(({ meteredWh, renewableWh, quality, prosumer, start, seconds }, t) => {
    const follows = prosumer === first.prosumer && seconds === first.seconds && start === first.start + t * seconds;
    if (!follows) throw new RangeError(`reading ${t} of prosumer ${prosumer} does not follow the one before`);
    view.setInt32(8 * t, whole(`meteredWh ${t}`, meteredWh, -(2 ** 31), 2 ** 31 - 1));
    const generated = whole(`renewableWh ${t}`, renewableWh, 0, 2 ** 30 - 1);
    const known = whole(`quality ${t}`, QUALITIES.indexOf(quality), 0, QUALITIES.length - 1);
    view.setUint32(8 * t + 4, known * 2 ** 30 + generated);
  });
  return { prosumer: first.prosumer, start: first.start, periodSeconds: first.seconds, number, values };
}

export const meterDigest = (domain: TypedDataDomain, signed: MeterReadings): string =>
  TypedDataEncoder.hash(domain, METER_READINGS_TYPES, signed);

/** Row by row, the digest and the compact signature of its meter's file; zeros where there is none. */
export function metersHash(
  rows: readonly ({ readonly digest: string; readonly signature: string } | undefined)[],
): string {
  const parts = rows.map((row) =>
    row === undefined ? new Uint8Array(96) : concat([row.digest, Signature.from(row.signature).compactSerialized]),
  );
  return keccak256(concat(parts));
}

/** Merkle root of the rows: pairs hashed in ascending order, an odd last node goes up unchanged, zero without a row. */
export const rowsRoot = (readings: Uint8Array, periods: number): string =>
  levels(readings, periods).at(-1)![0] ?? `0x${"0".repeat(64)}`;

/** What shows that the row of this index is in the tree: the nodes beside its way up. */
export const rowProof = (readings: Uint8Array, periods: number, index: number): string[] =>
  levels(readings, periods).flatMap((nodes, level) => {
    const beside = (index >> level) ^ 1;
    return nodes.length > 1 && beside < nodes.length ? [nodes[beside]] : [];
  });

/** The rows' hashes, and what is above them, the root last. */
function levels(readings: Uint8Array, periods: number): string[][] {
  let nodes = rowBytes(readings, periods).map((row) => keccak256(row));
  const all = [nodes];
  while (nodes.length > 1) {
    const below = nodes;
    nodes = Array.from({ length: Math.ceil(below.length / 2) }, (_, k) => {
      const pair = below.slice(2 * k, 2 * k + 2).sort();
      return pair.length === 1 ? pair[0] : keccak256(concat(pair));
    });
    all.push(nodes);
  }
  return all;
}

/** What an entry leaves behind; its hash is `previous` of the next one. */
export type Commitment = {
  readonly batch: string;
  readonly readings: string;
  readonly rows: string;
  readonly connections: string;
};

/** What the next entry has to name as `previous`. `connections`: address of the code that holds them. */
export const entryCommitment = (batch: string, readings: Uint8Array, periods: number, connections: string): string =>
  keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ["bytes32", "bytes32", "bytes32", "address"],
      [batch, keccak256(readings), rowsRoot(readings, periods), connections],
    ),
  );

/** keccak256 of the text that says why a correction is made. */
export const reasonHash = (reason: string): string => keccak256(getBytes(new TextEncoder().encode(reason)));
