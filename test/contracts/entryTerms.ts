/** Entries whose prices and releases a whole quorum invents, beside the terms that were frozen and the batch. */
import { expect } from "chai";
import type { JsonRpcApiProvider } from "ethers";
import { audit, type Standing } from "../../offchain-solver/auditor/audit.ts";
import { undecided, verdictText } from "../../offchain-solver/auditor/verdict.ts";
import { endpointOf } from "../../offchain-solver/chain/endpoint.ts";
import { look } from "../../offchain-solver/chain/look.ts";
import type { Row, SessionReadings } from "../../offchain-solver/codec/readings.ts";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";
import { connectHomes, deliver, readingsOf, settleSession, time, type SettledSession } from "../support/delivered.ts";
import { createWorld, type World } from "../support/world.ts";

describe("prices and releases of an entry", function () {
  this.timeout(300_000);
  let world: World;
  let session: SettledSession;
  let settled: Standing;
  const rpc = () => world.provider as JsonRpcApiProvider;

  /** 101 sells 2000 Wh at 80000 to 102 in one period and 1000 Wh at 140000 in another, 104 nothing. */
  before(async () => {
    world = await createWorld({ prosumers: 4, dollars: 4 });
    await connectHomes(world);
    const sold = { product: "energy", seller: 0, buyer: 1 } as const;
    session = await settleSession(world, [
      { ...sold, period: 0, quantity: 2_000, price: 80_000 },
      { ...sold, period: 1, quantity: 1_001, price: 140_000 },
    ]);
    await auditFrom(undefined, (standing) => (settled = standing));
    await time(world).increaseTo(session.end + 3_600);
  });

  const auditFrom = (resume: Standing | undefined, progress: (standing: Standing) => void = () => undefined) => {
    const { market, block } = world.deployment;
    const seen = look(endpointOf(world.provider));
    const rest = { release: releasedBuild(), ...(resume && { resume }), progress };
    return audit({ look: seen, market, fromBlock: block, ...rest });
  };

  const ASKED = { allowancePrice: 50_000, shortPrice: [110_000, 110_000], longPrice: [30_000, 30_000] };
  /** Where nobody judges a witness its terms are known from elsewhere: here they are put in its place. */
  const entered = async (
    edit: (readings: SessionReadings) => SessionReadings,
    known: object = { prices: ASKED },
  ): Promise<string> => {
    const before = await rpc().send("evm_snapshot", []);
    try {
      // 3001 Wh at 120000 undelivered are $0.36012, more than the $0.30014 that it received.
      const held = (row: Row): Row => ({ ...row, released: row.id === 101 ? 361 : 0 });
      const right = readingsOf(session, held);
      // In the second period a neighbour sold for more than the frozen 120000, which is as far as both prices go.
      const [shortPrice, responsePrice] = [
        [110_000, 120_000],
        [80_000, 120_000],
      ];
      const prices = right.prices.map((one, t) => ({
        ...one,
        shortPrice: shortPrice[t],
        responsePrice: responsePrice[t],
      }));
      await deliver(session, edit({ ...right, prices }));
      const resume = structuredClone(settled);
      const [own] = resume.sessions;
      const found = await auditFrom({ ...resume, sessions: [{ ...own, ...known }] });
      return verdictText(found.entries[0].verdict);
    } finally {
      await rpc().send("evm_revert", [before]);
    }
  };
  const priced =
    (change: object, period = 0) =>
    (readings: SessionReadings) => ({
      ...readings,
      prices: readings.prices.map((one, t) => (t === period ? { ...one, ...change } : one)),
    });

  it("are right where they are the terms' and the batch's", async () => {
    expect(await entered((one) => one)).to.equal("valid");
  });

  it("are undecided where nobody knows the terms", async () => {
    const verdict = undecided("the witness");
    expect(await entered((one) => one, { verdict })).to.match(/^undecided, missing: the terms of batch/);
  });

  const CASES: [what: string, predicate: string, edit: (readings: SessionReadings) => SessionReadings][] = [
    ["what is short costs more", "entryPriceNotTheTerms", priced({ shortPrice: 110_001 })],
    [
      "what is short costs less than it was sold for",
      "entryPriceNotTheTerms",
      priced({ shortPrice: 119_999, responsePrice: 119_999 }, 1),
    ],
    ["what is long is charged", "entryPriceNotTheTerms", priced({ longPrice: -400_000 })],
    ["called energy has another price than the trades'", "entryPriceNotTheTerms", priced({ responsePrice: 80_001 })],
    ["allowances cost more", "entryPriceNotTheTerms", (one) => ({ ...one, allowancePrice: 8_000_000 })],
    [
      "more is released than was held",
      "releaseNotTheHold",
      (one) => ({ ...one, rows: one.rows.map((row) => ({ ...row, released: 4_000_000 })) }),
    ],
    [
      "less is released than was held",
      "releaseNotTheHold",
      (one) => ({ ...one, rows: one.rows.map((row) => ({ ...row, released: 0 })) }),
    ],
  ];
  for (const [what, predicate, edit] of CASES)
    it(`${what}: ${predicate}`, async () => {
      expect(await entered(edit)).to.match(new RegExp(`^invalid: ${predicate}`));
    });
});
