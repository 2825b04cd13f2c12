import { expect } from "chai";
import * as fc from "fast-check";
import { healthIn, progressIn } from "../app/src/operator/answers.ts";

const EVENT = { ordinal: 3, outcome: "open", stage: "clearing", attempt: 1, iteration: 40, primal: 0.25, dual: 1e-7 };

describe("what the page takes from a node", () => {
  it("is what the node's own API says", () => {
    expect(healthIn({ status: "ok", party: 7, block: 12, journal: 0 })).to.deep.equal({
      status: "ok",
      block: 12,
      journal: 0,
    });
    expect(progressIn(JSON.stringify(EVENT))).to.deep.equal(EVENT);
    expect(progressIn(JSON.stringify({ ...EVENT, refusal: "prices" }))?.refusal).to.equal("prices");
  });

  it("is nothing else, whatever it answers", () => {
    for (const odd of [null, 5, "ok", [], {}, { status: 5 }, { status: null }])
      expect(healthIn(odd), JSON.stringify(odd)).to.deep.equal({ status: "answers what cannot be read" });
    expect(healthIn({ status: "ok", block: { a: 1 }, journal: "7" })).to.deep.equal({ status: "ok" });
    for (const odd of [
      null,
      5,
      "x",
      { ...EVENT, ordinal: "3" },
      { ...EVENT, outcome: {} },
      { ...EVENT, iteration: -1 },
    ])
      expect(progressIn(JSON.stringify(odd)), JSON.stringify(odd)).to.equal(undefined);
    for (const text of ["", "<html>", "{"]) expect(progressIn(text)).to.equal(undefined);
    const odd = progressIn(
      `{"ordinal":3,"outcome":"open","stage":"x","attempt":1,"iteration":4,"primal":"1","dual":1e999}`,
    );
    expect(odd).to.deep.equal({ ordinal: 3, outcome: "open", stage: "x", attempt: 1, iteration: 4 });
    fc.assert(
      fc.property(fc.json(), fc.jsonValue(), (text, value) => {
        const found = progressIn(text);
        expect(found === undefined || typeof found.outcome === "string").to.equal(true);
        expect(healthIn(value).status).to.be.a("string");
      }),
    );
  });
});
