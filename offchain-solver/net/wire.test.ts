import { expect } from "chai";
import fc from "fast-check";
import { CLAIM_SIZE } from "../clearing/claim.ts";
import { COMMODITIES } from "../market/result/commodities.ts";
import { ASKS, ENDS, messageBytes, type Message } from "../clearing/message.ts";
import { decode, encode, MAX_MESSAGE_BYTES, sessionTag } from "./wire.ts";

const numbers = (most: number, least = 0) =>
  fc
    .array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: least, maxLength: most })
    .map((values) => Float64Array.from(values));
const iteration = fc.integer({ min: 0, max: 0xffffffff });
const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record(
    { kind: fc.constant("trade" as const), iteration, block: numbers(40), response: numbers(40, 1) },
    { requiredKeys: ["kind", "iteration", "block"] },
  ),
  fc.record(
    {
      kind: fc.constant("offer" as const),
      iteration,
      block: numbers(40),
      sums: numbers(30),
      gram: numbers(16),
      claim: numbers(CLAIM_SIZE, CLAIM_SIZE),
    },
    { requiredKeys: ["kind", "iteration", "block", "sums", "gram"] },
  ),
  fc.record(
    {
      kind: fc.constant("grid" as const),
      iteration,
      weights: numbers(16),
      block: numbers(40),
      extra: fc.double({ noNaN: true, noDefaultInfinity: true }),
      centre: fc.double({ noNaN: true, noDefaultInfinity: true }),
      rhoScale: numbers(COMMODITIES.length, COMMODITIES.length),
      ask: fc.constantFrom(...ASKS),
      end: fc.constantFrom(...ENDS),
    },
    { requiredKeys: ["kind", "iteration", "weights", "block", "extra", "end"] },
  ),
);
const session = sessionTag(`0x12ab${"0".repeat(60)}`);

describe("the wire form of messages", () => {
  it("tags a session with the head of its terms' hash", () => {
    expect(session).to.equal(0x12ab);
  });

  it("reads back to the same message, to the last bit, in as many bytes as are counted", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const bytes = encode(message, session);
        expect(bytes.length).to.equal(messageBytes(message));
        const back = decode(bytes, session);
        expect(back.reception).to.deep.equal({ kind: "accept" });
        // Bits, not values: 0 and -0 are two.
        expect(encode(back.message as Message, session)).to.deep.equal(bytes);
        expect(back.message).to.deep.equal(message);
      }),
      { numRuns: 1000 },
    );
  });

  it("lays the fields out as documented", () => {
    const bytes = encode({ kind: "offer", iteration: 258, block: Float64Array.of(1), sums: new Float64Array(2), gram: new Float64Array(3) }, session); // prettier-ignore
    expect(Buffer.from(bytes.subarray(0, 24)).toString("hex")).to.equal(
      "6701ab12" + "02010000" + "01000000" + "0200" + "0300" + "000000000000f03f",
    );
  });

  it("ignores another session's, whatever else it holds", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const { reception, message: read } = decode(encode(message, session ^ 1), session);
        expect(reception).to.deep.equal({ kind: "ignore", reason: "of another session" });
        expect(read).to.equal(undefined);
      }),
    );
  });

  it("rejects each malformation by its name", () => {
    const bytes = encode({ kind: "trade", iteration: 3, block: Float64Array.of(1, 2) }, session);
    const changed = (at: number, value: number): Uint8Array => bytes.map((byte, k) => (k === at ? value : byte));
    const infinite = encode({ kind: "trade", iteration: 3, block: Float64Array.of(1, -Infinity) }, session);
    const grid = { kind: "grid", iteration: 0, weights: new Float64Array(1), block: new Float64Array(1) } as const;
    const end = encode({ ...grid, extra: 0, end: "no" }, session).map((byte, k) => (k === 14 ? 9 : byte));
    const cases: [Uint8Array, string][] = [
      [new Uint8Array(0), "shorter than a head"],
      [bytes.subarray(0, 15), "shorter than a head"],
      [bytes.subarray(0, 31), "not as long as its head says"],
      [new Uint8Array([...bytes, 0]), "not as long as its head says"],
      [changed(0, 0x66), "of another version, or no message"],
      [changed(1, 3), "of no known kind"],
      [changed(8, 3), "not as long as its head says"],
      [changed(12, 1), "not as long as its head says"],
      [changed(14, 1), "a count that a trade has not"],
      [infinite, "number 1 is -Infinity"],
      [end, "of no known end"],
      [new Uint8Array(MAX_MESSAGE_BYTES + 1), `${MAX_MESSAGE_BYTES + 1} bytes`],
    ];
    for (const [given, reason] of cases)
      expect(decode(given, session), reason).to.deep.equal({ reception: { kind: "reject", reason } });
  });
});
