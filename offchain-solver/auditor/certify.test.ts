import { expect } from "chai";
import { keccak256, toUtf8Bytes, Wallet } from "ethers";
import { marketDomain } from "../codec/typedData.ts";
import { signRegret } from "../codec/witness.ts";
import { allowedMismatch, allowedRegret, tradedBy } from "../market/result/certificate.ts";
import { UTILITY, type ClearingResult } from "../market/result/clearingResult.ts";
import type { Market } from "../market/scenario/market.ts";
import { certify } from "./certify.ts";

const keyOf = (id: number): Wallet => new Wallet(keccak256(toUtf8Bytes(`node ${id}`)));
const hash = (text: string): string => keccak256(toUtf8Bytes(text));
const IDS = [1, 2, 3];
const domain = marketDomain(1n, `0x${"12".repeat(20)}`);
const context = {
  domain,
  session: hash("session"),
  payload: hash("payload"),
  nodeKeys: new Map([1, 2, 3, 4, 5].map((id) => [id, keyOf(id).address])),
};
/** What the certificate reads of a market: its tariff, and how many members it has. */
const market = {
  scenario: {
    tariff: { buyPerMwh: [40, 40], sellPerMwh: [10, 10], reserveUpPerMw: 6, reserveDownPerMw: 4 },
    periodHours: 1,
  },
  prosumers: IDS,
} as unknown as Market;
// 1 MWh at 30 $/MWh from the first to the second, and 2 MWh to the third: a turnover of 90 $.
const result: ClearingResult = {
  sessionStart: 0,
  periodSeconds: 3600,
  periods: 2,
  participants: IDS,
  reactiveVar: IDS.map(() => [0, 0]),
  trades: [
    { seller: 0, buyer: 1, product: "energy", period: 0, quantity: 1_000_000, price: 30_000 },
    { seller: 0, buyer: 2, product: "energy", period: 1, quantity: 2_000_000, price: 30_000 },
  ],
};
const nano = (dollars: number): bigint => BigInt(Math.round(dollars * 1e9));

type Claims = readonly (readonly [regret: number, open: number])[];

async function judged(claims: Claims, own = 0, copies = 1, of: ClearingResult = result) {
  const { session, payload } = context;
  const regrets = await Promise.all(
    claims.map(async ([regret, open], k) => {
      const id = of.participants[k];
      const claim = { session, payload, prosumer: id, regretNano: nano(regret), openNano: nano(open) };
      const signature = await signRegret(domain, keyOf(id), claim);
      return { id, regretNano: `${claim.regretNano}`, openNano: `${claim.openNano}`, signature };
    }),
  );
  // The first one's entry, as often as asked.
  const given = [...Array.from({ length: copies - 1 }, () => regrets[0]), ...regrets];
  return certify(context, market, of, { terms: { toleranceNano: 10_000 } as never, regrets: given }, own);
}

describe("what signed claims certify", () => {
  const [regret, open] = [allowedRegret(market, result), allowedMismatch(market, result)];

  it("is measured by the turnover and by what rounding may cost", () => {
    // Half a Wh a member and period at 40 $/MWh, and of every line at its price.
    const rounding = Math.hypot(Math.sqrt(6) * 0.5e-6 * 40, Math.sqrt(2) * 0.5 * 30_000e-9);
    expect(regret).to.be.closeTo(1e-5 * 90 + rounding, 1e-12);
    expect(open).to.be.closeTo(1e-4 * 90 + rounding, 1e-12);
  });

  it("is the optimum while both sums are small enough, and names which is not", async () => {
    const third = (share: number, [a, b]: readonly [number, number]) =>
      IDS.map(() => [(share * a) / 3, (share * b) / 3] as const);
    const { verdict, certificate } = await judged(third(0.99, [regret, open]));
    expect(verdict).to.deep.equal({ kind: "valid" });
    expect(certificate.open).to.be.closeTo(0.99 * open, 1e-8);
    const cases = [
      [[regret, 0], "regretsTooLarge"],
      [[0, open], "leftOpenTooLarge"],
      [[regret, open], "regretsTooLarge"],
    ] as const;
    for (const [sums, predicate] of cases)
      expect((await judged(third(1.01, sums))).verdict).to.include({ kind: "invalid", predicate });
    expect((await judged(third(0, [0, 0]), 1.01 * regret)).verdict).to.include({ predicate: "regretsTooLarge" });
  });

  it("looks at no more entries of one prosumer than a node may have signed", async () => {
    const none = IDS.map(() => [0, 0] as const);
    expect((await judged(none, 0, 8)).verdict).to.deep.equal({ kind: "valid" });
    // A recovery of each would take minutes, so this would not end.
    expect((await judged(none, 0, 100_000)).verdict).to.deep.equal({ kind: "valid", uncertifiedBy: [1] });
  });

  it("says why a claim does not count, as far as the witness shows it", async () => {
    const none = [0, 0] as const;
    const why = async (claims: Claims, ...more: [own?: number, copies?: number, of?: ClearingResult]) =>
      (await judged(claims, ...more)).certificate.uncounted?.map(({ prosumer, why: words }) => `${prosumer}: ${words}`);
    expect(await why([none, none, none])).to.equal(undefined);
    expect(await why([none, none])).to.deep.equal(["3: no claim of it is in the witness"]);
    expect(await why([[-1, 0], none, none])).to.deep.equal(["1: its claim is negative"]);
    expect(await why([[1e3, 0], none])).to.deep.equal([
      ...["1: its claim is absurd", "3: no claim of it is in the witness"],
    ]);
    expect(await why([none, none, none], 0, 9)).to.deep.equal(["1: 9 claims of it are in the witness"]);
    const { session } = context;
    const other = { session, payload: hash("another"), prosumer: 1, regretNano: 0n, openNano: 0n };
    const signature = await signRegret(domain, keyOf(1), other);
    const regrets = [{ id: 1, regretNano: "0", openNano: "0", signature }];
    const { certificate } = certify(context, market, result, { terms: { toleranceNano: 10_000 } as never, regrets }, 0);
    expect(certificate.uncounted?.[0].why).to.equal(
      "its claim in the witness is not signed by its node for this batch",
    );
  });

  it("leaves out whoever claims what nobody honest does, and not two of them", async () => {
    for (const claim of [
      [-1, 0],
      [0, -1e-9],
      [1e3, 0],
      [0, 1e3],
    ] as const) {
      expect((await judged([claim, [0, 0], [0, 0]])).verdict, `${claim}`).to.deep.equal({
        kind: "valid",
        uncertifiedBy: [1],
      });
    }
    expect((await judged([[0, 1e3], [0, 1e3], [0, 0]])).verdict).to.include({ predicate: "leftOpenTooLarge" }); // prettier-ignore
    expect((await judged([[0, 0], [0, 0]])).verdict).to.deep.equal({ kind: "valid", uncertifiedBy: [3] }); // prettier-ignore
  });

  it("is no wider for those who trade little, however much others sell each other to and fro", async () => {
    // Two sell each other 4 GWh to and fro, and one sells two others 1 MWh and 2 MWh, all at 30 $/MWh.
    const sale = (seller: number, buyer: number, period: number, quantity: number) =>
      ({ seller, buyer, product: "energy", period, quantity, price: 30_000 }) as const;
    const trades = [sale(0, 1, 0, 4e9), sale(1, 0, 1, 4e9), sale(2, 3, 0, 1e6), sale(2, 4, 1, 2e6)];
    const inflated = { ...result, participants: [1, 2, 3, 4, 5], reactiveVar: [...Array(5)].map(() => [0, 0]), trades };
    const of = async (...claims: Claims) => (await judged([[0, 0], [0, 0], ...claims], 0, 1, inflated)).verdict;
    // A thousandth of what they traded themselves, of those who traded least first.
    expect(await of([0.08, 0], [0.02, 0], [0.05, 0])).to.deep.equal({ kind: "valid" });
    expect(await of([0, 0.8], [0, 0.2], [0, 0.5])).to.deep.equal({ kind: "valid" });
    // Two dollars are less than a hundred-thousandth of what the two have sold each other.
    expect(allowedRegret(market, inflated)).to.be.above(2);
    expect(await of([1, 0], [0, 0], [1, 0])).to.include({ predicate: "regretsTooLarge" });
    expect(await of([0, 10], [0, 0], [0, 10])).to.include({ predicate: "leftOpenTooLarge" });
    // Whoever alone is why takes its own certificate, and nobody else's.
    expect(await of([0, 0], [0, 0], [1, 0])).to.deep.equal({ kind: "valid", uncertifiedBy: [5] });
  });

  it("is no wider by reserve that two sell each other to and fro, however much either is paid to take it", () => {
    // The lowest price that a batch carries, 8,388 $/kW, where the utility's is a cent.
    const given = (seller: number, buyer: number, price: number) =>
      ({ seller, buyer, product: "reserve", period: 0, quantity: 1_000, price }) as const;
    const padded = (price: number) => ({
      ...result,
      trades: [...result.trades, given(0, 1, price), given(1, 0, price)],
    });
    const [honest, lowest] = [padded(10_000), padded(-(2 ** 23))];
    for (const allowed of [allowedRegret, allowedMismatch])
      expect(allowed(market, lowest)).to.be.closeTo(allowed(market, honest), 1e-12);
    expect([...tradedBy(market, lowest)]).to.deep.equal([...tradedBy(market, honest)]);
  });

  it("is no wider by a utility that takes energy for a fortune", () => {
    const sold = (sellPerMwh: number): [Market, ClearingResult] => [
      {
        ...market,
        scenario: { ...market.scenario, tariff: { ...market.scenario.tariff, sellPerMwh: [10, sellPerMwh] } },
      },
      {
        ...result,
        trades: [
          ...result.trades,
          { seller: 0, buyer: UTILITY, product: "energy", period: 1, quantity: 1, price: 1_000 * sellPerMwh },
        ],
      },
    ];
    const [most, lowest] = [sold(-40), sold(-8_388)];
    for (const allowed of [allowedRegret, allowedMismatch])
      expect(allowed(...lowest)).to.be.closeTo(allowed(...most), 1e-12);
  });

  it("counts no claim whose open part is not what was signed", async () => {
    const { session, payload } = context;
    const claim = { session, payload, prosumer: 1, regretNano: 0n, openNano: nano(5) };
    const signature = await signRegret(domain, keyOf(1), claim);
    const regrets = [{ id: 1, regretNano: "0", openNano: "0", signature }];
    const { verdict } = certify(context, market, result, { terms: { toleranceNano: 10_000 } as never, regrets }, 0);
    expect(verdict).to.deep.equal({ kind: "valid", uncertifiedBy: IDS });
  });
});
