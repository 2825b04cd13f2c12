import { expect } from "chai";
import { ZeroHash } from "ethers";
import type { MetersJson } from "../records/deliveryJson.ts";
import { signedBy, type Judged } from "./deliverySignatures.ts";

const key = `0x${"11".repeat(20)}`;
const signature = `0x${"22".repeat(64)}1b`;
const WIDEST = Number.MAX_SAFE_INTEGER;
const judged = {
  session: {
    batch: `0x${"33".repeat(32)}`,
    terms: {
      ...{ epoch: 1n, sequence: 1n, ordinal: 1n, imbalancePrice: 1n, deadline: 1n },
      ...{ previousBatch: ZeroHash, gridModel: ZeroHash, termsHash: ZeroHash },
      ...{ start: 3600n, periods: 1, periodSeconds: 3600 },
    },
    payload: "0x",
    nodeKeys: new Map([[1, key]]),
    meterKeys: new Map([[1, key]]),
  },
  witness: {},
  found: { chainId: 1n, market: key, meterKeys: new Map([[1, [key]]]) },
} as unknown as Judged;
const signed = (files: object[], activations: object[], statements: object[]): MetersJson =>
  ({ delivery: key, meters: files, activations, statements, connections: [] }) as unknown as MetersJson;
const file = { prosumer: 1, number: 1, start: 3600, periodSeconds: 3600, signature };
const values = { meteredWh: [5], renewableWh: [5], quality: ["measured"] };
const activation = { prosumer: 1, plannedWh: [5], generatedWh: [5], salt: `0x${"00".repeat(32)}`, signature };
const statement = { prosumer: 1, generatorG: 0, signature };

describe("what meters and nodes signed", () => {
  for (const [what, given, predicate] of [
    ["a file", signed([{ ...file, ...values }], [], []), "meterNotSigned"],
    ["a file of nobody's number", signed([{ ...file, ...values, prosumer: WIDEST }], [], []), "meterNotSigned"],
    ["a file of too many Wh", signed([{ ...file, ...values, meteredWh: [WIDEST] }], [], []), "meterNotSigned"],
    ["a file of too high a number", signed([{ ...file, ...values, number: WIDEST }], [], []), "meterNotSigned"],
    ["a file of no quality", signed([{ ...file, ...values, quality: ["good"] }], [], []), "meterNotSigned"],
    ...[{}, { prosumer: WIDEST }, { plannedWh: [WIDEST] }, { generatedWh: [WIDEST] }, { salt: "0x12" }].map(
      (wide) =>
        [
          `an activation with another ${Object.keys(wide)[0] ?? "signature"}`,
          signed([], [{ ...activation, ...wide }], []),
          "activationNotSigned",
        ] as const,
    ),
    ...[{}, { prosumer: WIDEST }, { generatorG: WIDEST }].map(
      (wide) =>
        [
          `a statement with another ${Object.keys(wide)[0] ?? "signature"}`,
          signed([], [], [{ ...statement, ...wide }]),
          "statementNotSigned",
        ] as const,
    ),
  ] as const)
    it(`is none where the signature is not theirs: ${what}`, () => {
      expect(signedBy(given, judged)).to.include({ kind: "invalid", predicate });
    });
});
