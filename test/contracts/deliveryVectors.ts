/** Readings that were kept, what they come to, and what they are refused with, in TypeScript and Solidity alike. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { type Contract, getBytes, hexlify, keccak256 } from "ethers";
import { network } from "hardhat";
import { DELIVERY } from "../../offchain-solver/codec/abi.ts";
import { decodeConnections, rowsRoot } from "../../offchain-solver/codec/deliveryData.ts";
import { decodeReadings, encodeReadings } from "../../offchain-solver/codec/readings.ts";
import { attempt } from "../../offchain-solver/codec/refusal.ts";
import * as Ledger from "../../offchain-solver/ledger/delivery.ts";
import { deploy } from "../support/artifacts.ts";

/** What the ledger refuses readings for; `rowsChanged` is of two entries. */
const PREDICATES = [
  "emissionsBeyondConnection",
  "meteredBeyondConnection",
  "missingWithEnergy",
  "noConnection",
  "priceBeyondTerms",
  "pricesOutOfOrder",
  "readingsLength",
  "renewableBeyondConnection",
  "responsesNotAscending",
  "rowsNotAscending",
  "unknownQuality",
  "unknownReading",
];
type Line = Readonly<Record<"id" | "released" | "emissionsG" | "energy" | "penalty" | "most", string | number>>;
type Vector = {
  readonly name: string;
  readonly closed: boolean;
  readonly bytes: string;
  readonly refused?: { readonly predicate: string; readonly detail: readonly (string | number)[] };
  readonly bill?: {
    readonly lines: readonly Line[];
    readonly allowancePrice: string;
    readonly measured: boolean;
    readonly rows: string;
  };
};

describe("golden vectors of readings", () => {
  const { basis, readings }: { basis: Readonly<Record<string, number>> & { connections: string }; readings: Vector[] } =
    JSON.parse(readFileSync(new URL("../vectors/readings.json", import.meta.url), "utf8"));
  const parts = new Map<string, Contract>();
  before(async () => {
    const { ethers } = await network.create();
    const [signer] = await ethers.getSigners();
    for (const name of ["OptimisedParts", "PlainParts"] as const) parts.set(name, await deploy(signer, name));
  });

  it("have one for each predicate at least, narrow values and wide ones", () => {
    const refused = readings.flatMap((one) => one.refused?.predicate ?? []);
    expect([...new Set(refused)].toSorted()).to.deep.equal(PREDICATES);
    const widths = readings.filter(({ bill }) => bill !== undefined).map(({ bytes }) => getBytes(bytes)[5]);
    expect(new Set(widths)).to.deep.equal(new Set([2, 4]));
    expect(new Set(readings.flatMap(({ bill }) => bill?.measured ?? [])).size).to.equal(2);
  });

  it("have these bytes, and come to this in the ledger", () => {
    const connections = decodeConnections(getBytes(basis.connections));
    for (const { name, bytes, bill, refused, closed } of readings) {
      const outcome = attempt(() => {
        const read = decodeReadings(getBytes(bytes), basis.periods);
        if (bill !== undefined) expect(hexlify(encodeReadings(read)), name).to.equal(bytes);
        return Ledger.bill(read, { ...(basis as unknown as Ledger.Basis), connections, closed });
      });
      if ("kind" in outcome) {
        expect([outcome.predicate, outcome.detail.map(String)], name).to.deep.equal([
          refused?.predicate,
          refused?.detail.map(String),
        ]);
        continue;
      }
      const { rows, ...due } = bill!;
      expect(rowsRoot(getBytes(bytes), basis.periods), name).to.equal(rows);
      const text = JSON.stringify(outcome, (_, inner) => (typeof inner === "bigint" ? inner.toString() : inner));
      expect(JSON.parse(text), name).to.deep.equal(due);
    }
  });

  for (const [contract, which] of [
    ["OptimisedParts", "optimised"],
    ["PlainParts", "plain"],
  ] as const)
    it(`come to this, or are refused with it, in the ${which} contract`, async () => {
      for (const { name, bytes, bill, refused, closed } of readings) {
        const call = parts
          .get(contract)!
          .getFunction("bill")
          .staticCall(bytes, { ...basis, closed });
        const found = await call.catch((error: { readonly data?: string }) => {
          if (error.data === undefined) throw error;
          const parsed = DELIVERY.parseError(error.data)!;
          return [`${parsed.name[0].toLowerCase()}${parsed.name.slice(1)}`, parsed.args.map(String)];
        });
        if (refused !== undefined) {
          expect(found, name).to.deep.equal([refused.predicate, refused.detail.map(String)]);
          continue;
        }
        expect([found.readings, found.rows], name).to.deep.equal([keccak256(bytes), bill!.rows]);
        expect([`${found.allowancePrice}`, found.measured], name).to.deep.equal([bill!.allowancePrice, bill!.measured]);
        const lines = found.lines.map((line: { toObject: () => object }) => line.toObject());
        const said = lines.map((line: Line) => ({ ...line, id: Number(line.id) }));
        const due = bill!.lines.map(({ id, ...rest }) => ({
          id,
          ...Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, BigInt(one)])),
        }));
        expect(said, name).to.deep.equal(due);
      }
    });
});
