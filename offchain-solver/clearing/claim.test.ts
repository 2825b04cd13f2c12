import { expect } from "chai";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { perUnit } from "../market/scenario/perUnit.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { resized } from "../scenarios/resized.ts";
import { certificateOf, CLAIM_SIZE, MISMATCH, REGRET, TURNOVER, type Claim } from "./claim.ts";

const scenario = takeHours(loadScenario("ieee15"), 1);
const unit = perUnit(createMarket(scenario, defaultSettings(scenario)));

/** A plant that trades a thousand times what each of thirteen homes does. */
const PLANT = 1e4;
const HOME = 10;
const claims = (of: { plant?: Partial<Record<number, number>>; home?: Partial<Record<number, number>> }): Claim[] =>
  Array.from({ length: 14 }, (_, i) => {
    const claim = new Float64Array(CLAIM_SIZE);
    claim[TURNOVER] = i === 0 ? PLANT : HOME;
    for (const [field, value] of Object.entries((i === 0 ? of.plant : of.home) ?? {})) claim[Number(field)] = value!;
    return claim;
  });
const certified = (of: Parameters<typeof claims>[0]): boolean => certificateOf(unit, claims(of)).certified;

describe("what claims certify", () => {
  it("is a result that all together leave less open of than half a ten-thousandth", () => {
    expect(certified({ plant: { [MISMATCH]: 0.49e-4 * PLANT } })).to.equal(true);
    expect(certified({ plant: { [MISMATCH]: 0.56e-4 * PLANT } })).to.equal(false);
  });

  it("is none where homes beside a plant leave open what is little of its turnover and much of theirs", () => {
    const all = 0.45e-4 * (PLANT + 13 * HOME);
    expect(certified({ home: { [MISMATCH]: all / 13 } })).to.equal(false);
    expect(certified({ home: { [MISMATCH]: 20e-4 * HOME } })).to.equal(true);
    const { mismatch, allowedMismatch } = certificateOf(unit, claims({ home: { [MISMATCH]: all / 13 } }));
    expect(mismatch).to.be.above(allowedMismatch);
  });

  it("is no result that regrets take a ten-thousandth off, however small the homes and coarse their whole Wh", () => {
    const small = perUnit(createMarket(resized(scenario, 1e-5), defaultSettings(scenario)));
    const of = (share: number): boolean =>
      certificateOf(small, claims({ plant: { [REGRET]: share * PLANT, [TURNOVER]: PLANT } })).certified;
    expect([of(0.9e-5), of(1.4e-5), of(1.5e-5)]).to.deep.equal([true, true, false]);
    // Where whole Wh are nothing beside the turnover they excuse nothing.
    const [fine, coarse] = [0.9e-5, 2e-5].map((share) => certified({ plant: { [REGRET]: share * PLANT } }));
    expect([fine, coarse]).to.deep.equal([true, false]);
  });

  it("leaves out whoever makes no claim, or one that nobody honest makes", () => {
    const sound = claims({});
    for (const odd of [-1, NaN, Infinity]) {
      sound[3][REGRET] = odd;
      expect(certificateOf(unit, sound).certified, `${odd}`).to.equal(true);
    }
    expect(certificateOf(unit, [undefined, ...sound.slice(1)]).certified).to.equal(true);
  });
});
