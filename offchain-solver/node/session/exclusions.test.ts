import { expect } from "chai";
import { openingFault } from "./exclusions.ts";

const INVITED = [1, 2, 3, 4];
const poor = (party: number) => ({ party, predicate: "spendBeyondLock", detail: "7 needed, 0 allowed" });

describe("the opening of an attempt", () => {
  const codeOf = (members: number[], stated: number[], outside?: readonly number[]): string | undefined =>
    openingFault(
      { members, ...(stated.length > 0 && { beyond: stated.map(poor) }) },
      INVITED,
      new Map(outside && INVITED.map((party) => [party, outside.includes(party)])),
    )?.code;

  it("is refused where it leaves out for its mandate whom the own claim found within it, or takes it in all the same", () => {
    expect(codeOf([1, 2, 4], [3], [3])).to.equal(undefined);
    expect(codeOf([1, 2, 4], [3], [])).to.equal("leftOutWithinMandate");
    expect(codeOf([1, 4], [2, 3], [3])).to.equal("leftOutWithinMandate");
    expect(codeOf(INVITED, [3], [3])).to.equal("leftOutWithinMandate");
    const judged = new Map(INVITED.map((party) => [party, party === 3]));
    expect(openingFault({ members: [1, 4], beyond: [2, 3].map(poor) }, INVITED, judged)?.detail).to.equal(
      "party 2: spendBeyondLock: 7 needed, 0 allowed",
    );
  });

  it("is taken where nobody can tell: somebody was not there, or the node has lost what it claimed", () => {
    expect(codeOf([1, 2, 4], [], [])).to.equal(undefined);
    expect(codeOf([1, 2, 4], [3])).to.equal(undefined);
  });

  it("is refused with members who were not invited, twice or in another order", () => {
    for (const members of [
      [1, 5],
      [2, 1],
      [1, 1],
    ])
      expect(codeOf(members, []), `${members}`).to.equal("wrongMembers");
  });
});
