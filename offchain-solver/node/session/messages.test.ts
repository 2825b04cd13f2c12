import { expect } from "chai";
import { SESSION } from "../../../test/support/conducting.ts";
import { decodeLife, encodeLife, isLife, type Life } from "./messages.ts";

describe("a message around a clearing", () => {
  it("reads back as it was written; anything else is none", () => {
    const message: Life = { kind: "present", session: SESSION, lastAttempt: 3 };
    const bytes = encodeLife(message);
    expect(decodeLife(bytes)).to.deep.equal(message);
    expect(isLife(Uint8Array.of(0x67))).to.equal(false);
    const text = new TextDecoder().decode(bytes);
    for (const other of [text.replace("3", "-3"), text.replace("present", "absent"), text.slice(0, -1), `${text}x`])
      expect(decodeLife(new TextEncoder().encode(other)), other).to.equal(undefined);
    expect(decodeLife(Uint8Array.of(0x6c, 0xff, 0xfe))).to.equal(undefined);
  });
});
