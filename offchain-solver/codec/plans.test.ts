import { expect } from "chai";
import { id, Wallet, ZeroHash } from "ethers";
import { committedPlans, openingSalt, opensPlan, planHash, planSalt, signPlan } from "./plans.ts";
import { marketDomain } from "./typedData.ts";

const [key, other] = ["11", "22"].map((byte) => new Wallet(`0x${byte.repeat(32)}`));
const domain = marketDomain(31_337n, `0x${"33".repeat(20)}`);
const about = { session: id("a session"), proposal: id("a proposal") };
const by = { session: about.session, domain, nodeKeys: new Map([[7, key.address]]) };
const plannedWh = [0, 1_200, 4_294_967_295];
const salt = planSalt(key, about);
const plan = planHash(salt, plannedWh);
const entry = async (what = plan, who = key, of = about, prosumer = 7) => ({
  ...{ id: prosumer, proposal: of.proposal, plan: what },
  signature: await signPlan(domain, who, { ...of, prosumer, plan: what }),
});

describe("the plan that a party commits to", () => {
  it("is opened by its salt and every period's Wh, and by nothing else", async () => {
    const committed = committedPlans({ plans: [await entry()] }, by);
    expect([...committed]).to.deep.equal([[7, plan]]);
    expect(opensPlan(committed, { prosumer: 7, salt, plannedWh })).to.equal(true);
    const others = [
      { prosumer: 8, salt, plannedWh },
      { prosumer: 7, salt: planSalt(other, about), plannedWh },
      { prosumer: 7, salt, plannedWh: [0, 1_201, 4_294_967_295] },
      { prosumer: 7, salt, plannedWh: [...plannedWh, 0] },
      // What wraps in its bytes, or is no number of them.
      { prosumer: 7, salt, plannedWh: [2 ** 32, 1_200, 4_294_967_295] },
      { prosumer: 7, salt, plannedWh: [0, 1_200.5, 4_294_967_295] },
    ];
    for (const one of others) expect(opensPlan(committed, one), JSON.stringify(one)).to.equal(false);
  });

  it("is none that another key signed, or the same one for another session or proposal, or another home", async () => {
    for (const spoilt of [
      await entry(plan, other),
      { ...(await entry(plan, key, { ...about, proposal: id("another") })), proposal: about.proposal },
      await entry(plan, key, { ...about, session: id("another") }),
      await entry(plan, key, about, 8),
      { ...(await entry()), plan: id("another plan") },
      { ...(await entry()), signature: "0xzz" },
    ])
      expect([...committedPlans({ plans: [spoilt] }, by)]).to.deep.equal([]);
    expect([...committedPlans({}, by)]).to.deep.equal([]);
  });

  it("is the first in the witness, or none: nobody chooses between two after the day", async () => {
    const second = await entry(planHash(salt, [0, 0, 0]));
    expect([...committedPlans({ plans: [await entry(), second] }, by)]).to.deep.equal([[7, plan]]);
    const spoilt = { ...second, signature: "0x" };
    expect([...committedPlans({ plans: [spoilt, await entry()] }, by)]).to.deep.equal([]);
  });

  it("has a salt that another proposal and another key do not share, and that is the same each time", async () => {
    const others = [about, { ...about, proposal: id("another") }, { ...about, session: id("another") }];
    const salts = [...others.map((one) => planSalt(key, one)), planSalt(other, about)];
    expect(new Set(salts).size).to.equal(4);
    expect(planSalt(key, about))
      .to.equal(salt)
      .and.to.match(/^0x[0-9a-f]{64}$/);
    const plans = [await entry()];
    expect(openingSalt({ session: about.session, plans }, 7, key)).to.equal(salt);
    expect(openingSalt({ session: about.session, plans }, 8, key)).to.equal(ZeroHash);
  });
});
