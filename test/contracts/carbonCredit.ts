/** Allowances and credits as tokens: issued once, moved, retired for good. */
import { expect } from "chai";
import { id as hashOf, type Contract, type Signer } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import type { SessionReadings } from "../../offchain-solver/codec/readings.ts";
import type { Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { artifact } from "../support/artifacts.ts";
import { as, call, owner, refused } from "../support/calls.ts";
import { CREDIT, DEVICE } from "../support/credit.ts";
import {
  connectHomes,
  credits,
  deliver,
  delivery,
  type Entered,
  NONE,
  readingsOf,
  rowOf,
  settleSession,
  type SettledSession,
  time,
} from "../support/delivered.ts";
import { createWorld, freeze, refusalOf, START, type World } from "../support/world.ts";

const HOUR = 3_600;
const DAY = 86_400;
const YEAR = new Date(1_000 * START).getUTCFullYear();
const WHY = hashOf("counted twice by the portal");
const SOLD: Trade = { product: "energy", seller: 0, buyer: 1, period: 0, quantity: 1_000, price: 80_000 };

describe("carbon credits", () => {
  let world: World;
  let carbon: Contract;
  let wallet: Signer;
  let session: SettledSession;
  let credit: bigint;

  beforeEach(async () => {
    world = await createWorld({ prosumers: 4, grams: 5_000n });
    await connectHomes(world);
    carbon = credits(world);
    wallet = await owner(world, 101);
    session = await settleSession(world, [SOLD]);
    await Chain.send(carbon, "defineAsset", { ...CREDIT, allowance: false });
    await Chain.send(carbon, "registerDevice", 101, DEVICE);
    credit = await carbon.assetOf(CREDIT.registry, CREDIT.vintage, CREDIT.method);
  });

  /** Readings in which 101 generates so many Wh in each period; the second value's quality. */
  const sun = (wh: number, quality = 0): SessionReadings =>
    readingsOf(session, (row, k) =>
      k !== 0
        ? row
        : {
            ...row,
            values: row.values.map((value, t) => ({ ...value, renewableWh: wh, quality: t === 1 ? quality : 0 })),
          },
    );
  const enter = async (readings: SessionReadings, before: Entered = NONE): Promise<Entered> => {
    const now = (await world.provider.getBlock("latest"))?.timestamp as number;
    if (now < session.end + HOUR) await time(world).increaseTo(session.end + HOUR);
    const kind = before.number === 0 ? "final" : "correction";
    return deliver(session, readings, { kind, before, ...(kind === "correction" && { reason: WHY }) });
  };
  const claim = async (entered: Entered, k = 0) => rowOf(session, entered, k);
  const balance = async (asset = credit): Promise<bigint> => carbon.balanceOf(await wallet.getAddress(), asset);

  it("says of each id what it is, in itself", async () => {
    const uri = (await carbon.uri(credit)) as string;
    const json = JSON.parse(Buffer.from(uri.split(",")[1], "base64").toString());
    expect(json).to.deep.equal({
      name: `granular ${YEAR} rooftop PV`,
      decimals: 0,
      properties: { kind: "credit", unit: "Wh", factorMicroG: 400_000 },
    });
    expect(await refused(carbon, "uri", 5n)).to.equal("assetUnknown");
    expect(await refused(carbon, "defineAsset", { ...CREDIT, allowance: true })).to.equal("assetExists");
    expect(await refused(carbon, "defineAsset", { ...CREDIT, vintage: 0, allowance: true })).to.equal("assetExists");
    expect((await carbon.definitionOf(credit)).unit).to.equal("Wh");
    expect((await carbon.deviceOf(101)).device).to.equal(DEVICE.device);
    const ledger = await carbon.ledgerAsset();
    expect((await carbon.definitionOf(ledger)).allowance).to.equal(true);
  });

  it("are of what the regulator alone has defined and registered", async () => {
    const mine = as(carbon, wallet);
    const asset = { ...CREDIT, method: "wind", allowance: false };
    expect(await refused(mine, "defineAsset", asset)).to.equal("accessManagedUnauthorized");
    expect(await refused(mine, "registerDevice", 101, DEVICE)).to.equal("accessManagedUnauthorized");
  });

  it("come from what a meter has measured renewable, when the entry is final and its dispute time is over", async () => {
    const entered = await enter(sun(700));
    const row = await claim(entered);
    expect(await refused(delivery(world), "creditable", ...row)).to.equal("creditsTooEarly");
    await time(world).increase(DAY);
    const receipt = await Chain.send(carbon, "issueCredits", ...row);
    expect(await balance()).to.equal(1_400n);
    const event = receipt.logs
      .map((log) => carbon.interface.parseLog(log))
      .find((log) => log?.name === "CertificateIssued");
    expect(event?.args.wh).to.equal("0x000002bc000002bc");
    expect([event?.args.device, event?.args.start]).to.deep.equal([DEVICE.device, BigInt(session.result.sessionStart)]);
    expect(await refused(carbon, "issueCredits", ...(await claim(entered, 1)))).to.equal("noDevice");
  });

  it("do not come from an estimate", async () => {
    await time(world).increaseTo(session.end + 2 * DAY);
    const entered = await deliver(session, sun(700, 1));
    await time(world).increase(DAY);
    await Chain.send(carbon, "issueCredits", ...(await claim(entered)));
    expect(await balance()).to.equal(700n);
  });

  it("threat: double issuance: once a meter and period, over claims and corrections either way", async () => {
    const first = await enter(sun(700));
    await time(world).increase(DAY);
    await Chain.send(carbon, "issueCredits", ...(await claim(first)));
    expect(await refused(carbon, "issueCredits", ...(await claim(first)))).to.equal("nothingToIssue");
    const more = await enter(sun(900), first);
    // What was true before the correction is no longer in the tree.
    expect(await refused(delivery(world), "creditable", ...(await claim(first)))).to.equal("notPrevious");
    await time(world).increase(DAY);
    await Chain.send(carbon, "issueCredits", ...(await claim(more)));
    expect(await balance()).to.equal(1_800n);
    const less = await enter(sun(500), more);
    await time(world).increase(DAY);
    await Chain.send(carbon, "issueCredits", ...(await claim(less)));
    expect([await balance(), await carbon.owedWh(101)]).to.deep.equal([1_800n, 800n]);
    expect(await carbon.issuedWh(session.sequence, 101)).to.equal(1_000n);
    const again = await enter(sun(1_000), less);
    await time(world).increase(DAY);
    await Chain.send(carbon, "issueCredits", ...(await claim(again)));
    expect([await balance(), await carbon.owedWh(101)]).to.deep.equal([2_000n, 0n]);
  });

  it("are of the year in which the session begins, and never allowances", async () => {
    const entered = await enter(sun(100));
    await time(world).increase(DAY);
    await Chain.send(carbon, "registerDevice", 101, { ...DEVICE, method: "wind" });
    expect(await refused(carbon, "issueCredits", ...(await claim(entered)))).to.equal("assetUnknown");
    await Chain.send(carbon, "defineAsset", { ...CREDIT, method: "wind", allowance: true });
    expect(await refused(carbon, "issueCredits", ...(await claim(entered)))).to.equal("notACredit");
  });

  it("are of the new year from its first second on", async () => {
    session = await settleSession(world, [SOLD], 2, { start: Date.UTC(YEAR + 1, 0, 1) / 1_000 });
    const entered = await enter(sun(700));
    await time(world).increase(DAY);
    expect(await refused(carbon, "issueCredits", ...(await claim(entered)))).to.equal("assetUnknown");
    await Chain.send(carbon, "defineAsset", { ...CREDIT, vintage: YEAR + 1, allowance: false });
    await Chain.send(carbon, "issueCredits", ...(await claim(entered)));
    expect(await balance(await carbon.assetOf(CREDIT.registry, YEAR + 1, CREDIT.method))).to.equal(1_400n);
    expect(await balance()).to.equal(0n);
  });

  it("retire for good, with beneficiary, period and session", async () => {
    const entered = await enter(sun(700));
    await time(world).increase(DAY);
    await Chain.send(carbon, "issueCredits", ...(await claim(entered)));
    const mine = as(carbon, wallet);
    const holder = await wallet.getAddress();
    const retirement = { beneficiary: "Community hall", from: START, until: START + HOUR, sequence: session.sequence };
    const retire = (change: object, amount = 1_000n) =>
      refused(mine, "retire", holder, credit, amount, { ...retirement, ...change });
    expect(await retire({ beneficiary: "" })).to.equal("beneficiaryMissing");
    expect(await retire({ until: START - 1 })).to.equal("periodEndsBeforeItStarts");
    await call(mine, "retire", holder, credit, 1n, { ...retirement, until: START });
    expect(await retire({}, 0n)).to.equal("amountZero");
    expect(await retire({}, 1_401n)).to.equal("eRC1155InsufficientBalance");
    expect(await refused(carbon, "retire", holder, credit, 1n, retirement)).to.equal("notHolder");
    await Chain.send(mine, "retire", holder, credit, 1_000n, retirement);
    await Chain.send(mine, "setApprovalForAll", await world.admin.getAddress(), true);
    await Chain.send(carbon, "retire", holder, credit, 100n, retirement);
    const supply = (await carbon.getFunction("totalSupply(uint256)").staticCall(credit)) as bigint;
    expect([supply, await carbon.retiredOf(credit)]).to.deep.equal([300n, 1_100n]);
    expect(await balance()).to.equal(300n);
  });

  describe("allowances", () => {
    let ledger: bigint;
    beforeEach(async () => {
      ledger = await carbon.ledgerAsset();
    });
    /** In accounts, outside, and retired: what was issued and not surrendered. */
    const all = async (): Promise<bigint> => {
      const inside = (await world.contracts.market.totalGrams()) as bigint;
      const outside = (await carbon.getFunction("totalSupply(uint256)").staticCall(ledger)) as bigint;
      return inside + outside + ((await carbon.retiredOf(ledger)) as bigint);
    };

    it("move between wallets and accounts, and none comes of it", async () => {
      const total = await all();
      const mine = as(carbon, wallet);
      await Chain.send(mine, "withdrawAllowances", 101, 2_000n);
      expect(await balance(ledger)).to.equal(2_000n);
      const other = await owner(world, 102);
      await Chain.send(
        mine,
        "safeTransferFrom",
        await wallet.getAddress(),
        await other.getAddress(),
        ledger,
        1_500n,
        "0x",
      );
      await Chain.send(as(carbon, other), "depositAllowances", 103, 1_500n);
      const { market } = world.contracts;
      expect((await market.account(101)).carbon).to.equal(3_000n);
      expect((await market.account(103)).carbon).to.equal(6_500n);
      expect(await all()).to.equal(total);
      expect(await refused(mine, "withdrawAllowances", 102, 1n)).to.equal("notWalletOf");
      expect(await refused(mine, "withdrawAllowances", 101, 0n)).to.equal("amountZero");
      expect(await refused(mine, "withdrawAllowances", 101, 2n ** 255n)).to.equal("amountZero");
      expect(await refused(mine, "depositAllowances", 101, 0n)).to.equal("amountZero");
      expect(await refused(mine, "depositAllowances", 999, 1n)).to.equal("notWalletOf");
      expect(await refused(mine, "depositAllowances", 101, 501n)).to.equal("eRC1155InsufficientBalance");
    });

    it("threat: a regulator that mints without end: what it deposits takes nothing from an account", async () => {
      const to = await wallet.getAddress();
      const negative = 2n ** 256n - 3_000n;
      await Chain.send(carbon, "issueAllowances", to, ledger, negative);
      const mine = as(carbon, wallet);
      expect(await refused(mine, "depositAllowances", 102, negative)).to.equal("amountZero");
      const { market } = world.contracts;
      for (const grams of [2n ** 254n, 2n ** 64n, 2n ** 54n]) {
        const attempt = mine.getFunction("depositAllowances").staticCall(102, grams);
        expect((await refusalOf(market, attempt)).predicate).to.equal("allowancesTooLarge");
      }
      const withdrawn = mine.getFunction("withdrawAllowances").staticCall(101, 2n ** 255n - 1n);
      expect((await refusalOf(market, withdrawn)).predicate).to.equal("gramsBeyondFree");
      expect((await market.account(102)).carbon).to.equal(5_000n);
    });

    it("stay where the open session may sell them", async () => {
      await freeze(world, 2, { start: session.end });
      const mine = as(carbon, wallet);
      const attempt = mine.getFunction("withdrawAllowances").staticCall(101, 5_000n);
      expect((await refusalOf(world.contracts.market, attempt)).predicate).to.equal("gramsBeyondFree");
    });

    it("are issued by the regulator alone", async () => {
      const to = await wallet.getAddress();
      const total = await all();
      expect(await refused(as(carbon, wallet), "issueAllowances", to, ledger, 1n)).to.equal(
        "accessManagedUnauthorized",
      );
      expect(await refused(carbon, "issueAllowances", to, credit, 1n)).to.equal("notAnAllowance");
      expect(await refused(carbon, "issueAllowances", to, 77n, 1n)).to.equal("assetUnknown");
      expect(await refused(carbon, "issueAllowances", to, ledger, 0n)).to.equal("amountZero");
      await Chain.send(carbon, "issueAllowances", to, ledger, 500n);
      expect((await all()) - total).to.equal(500n);
    });

    it("are what the ledger's grams are of: no credit can be", async () => {
      const { authority, market, registry } = world.deployment;
      const { delivery: at } = world.deployment;
      const asset = { ...CREDIT, allowance: false };
      const attempt = Chain.deployCompiled(
        world.admin,
        artifact("CarbonCredit"),
        authority,
        market,
        at,
        registry,
        asset,
      );
      expect((await refusalOf(carbon, attempt)).predicate).to.equal("notAnAllowance");
    });
  });
});
