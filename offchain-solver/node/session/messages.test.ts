import { expect } from "chai";
import { SESSION } from "../../../test/support/conducting.ts";
import { decodeLife, encodeLife, isLife, type Life } from "./messages.ts";

const NOTHING = { trades: [], utilityMw: [], utilityShareMw: [], deskT: 0, partsWithG: 0 };

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

  it("has no signature that is longer than signatures are: all are handed out together", () => {
    const hash = `0x${"12".repeat(32)}`;
    const about = { session: SESSION, attempt: 1 };
    for (const [bytes, read] of [
      [65, true],
      [66, false],
      [8 << 20, false],
    ] as const) {
      const signature = `0x${"00".repeat(bytes)}`;
      const claim: Life = { kind: "claim", ...about, payload: hash, regretNano: "1", openNano: "0", signature };
      const committed: Life = {
        kind: "proposal",
        ...about,
        proposal: NOTHING,
        plan: { proposal: hash, plan: hash, signature },
      };
      const said: Life = { kind: "attestations", session: SESSION, digest: hash, signatures: [[0, signature]] };
      for (const one of [claim, committed, said])
        expect(decodeLife(encodeLife(one)) !== undefined, `${one.kind} ${bytes}`).to.equal(read);
    }
  });
});
