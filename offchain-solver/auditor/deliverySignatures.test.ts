import { expect } from "chai";
import type { MetersJson } from "../records/deliveryJson.ts";
import { signedBy, type Judged } from "./deliverySignatures.ts";

const key = `0x${"11".repeat(20)}`;
const signature = `0x${"22".repeat(64)}1b`;
const WIDEST = Number.MAX_SAFE_INTEGER;
const judged = {
  session: {
    batch: `0x${"33".repeat(32)}`,
    terms: { start: 3600n, periods: 1, periodSeconds: 3600 },
    nodeKeys: new Map([[1, key]]),
    meterKeys: new Map([[1, key]]),
  },
  found: { chainId: 1n, meterKeys: new Map([[1, [key]]]) },
} as unknown as Judged;
const signed = (file: object, statement: object): MetersJson =>
  ({ delivery: key, meters: [file], statements: [statement] }) as unknown as MetersJson;
const file = { prosumer: 1, number: 1, start: 3600, periodSeconds: 3600, signature };
const values = { meteredWh: [5], renewableWh: [5], quality: ["measured"] };
const statement = { prosumer: 1, plannedWh: [5], salt: `0x${"00".repeat(32)}`, generatorG: 0, signature };

describe("what meters and nodes signed", () => {
  for (const [what, given, predicate] of [
    ["a file", signed({ ...file, ...values }, statement), "meterNotSigned"],
    ["a file of nobody's number", signed({ ...file, ...values, prosumer: WIDEST }, statement), "meterNotSigned"],
    ["a file of too many Wh", signed({ ...file, ...values, meteredWh: [WIDEST] }, statement), "meterNotSigned"],
    ["a file of too high a number", signed({ ...file, ...values, number: WIDEST }, statement), "meterNotSigned"],
    ...[{ prosumer: WIDEST }, { plannedWh: [WIDEST] }, { generatorG: WIDEST }].map(
      (wide) =>
        [
          `a statement with ${Object.keys(wide)[0]} of 2^53 - 1`,
          { ...signed({}, { ...statement, ...wide }), meters: [] as MetersJson["meters"] },
          "statementNotSigned",
        ] as const,
    ),
  ] as const)
    it(`is none where the signature is not theirs: ${what}`, () => {
      expect(signedBy(given, judged)).to.include({ kind: "invalid", predicate });
    });
});
