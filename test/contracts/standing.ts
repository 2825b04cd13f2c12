import { expect } from "chai";
import { hexlify, type Contract } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import * as StandingLoads from "../../offchain-solver/codec/standingLoads.ts";
import { hashOfTold } from "../../offchain-solver/codec/terms.ts";
import { packSignatures } from "../../offchain-solver/codec/typedData.ts";
import { settle } from "../../offchain-solver/ledger/settlementModel.ts";
import { UTILITY, type Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { abi, deploy } from "../support/artifacts.ts";
import { batch, generator } from "../support/batches.ts";
import {
  BUNDLE,
  createWorld,
  freeze,
  type Frozen,
  idsOf,
  lineGrid,
  refusalOf,
  sign,
  START,
  STATED,
  SYSTEM_IDS,
  type World,
} from "../support/world.ts";

const IDS = idsOf(4);
const PERIODS = 2;
/** What a line of the feeder carries, W, and what each home loads it with by the terms: three fit, four do not. */
const LINE = 10_000n;
const LOADS: StandingLoads.StandingLoad[] = IDS.map((id, k) => ({
  id,
  watts: k === 1 ? [-1_000, -3_000] : [-3_000],
  vars: k === 1 ? [-50, 60] : [0],
}));

/** All four behind one line, which has to carry what they draw together. */
const row = (): Grid.GridModel => lineGrid(IDS, 5, LINE);

const imports = (participants: readonly number[], drawn: readonly number[], periods = PERIODS): Uint8Array => {
  const trades = Array.from({ length: periods }, (_, period) =>
    drawn.map((quantity, buyer): Trade => ({
      seller: UTILITY,
      buyer,
      product: "energy",
      period,
      quantity,
      price: 100,
    })),
  ).flat();
  const reactiveVar = participants.map(() => new Array<number>(periods).fill(0));
  return Payload.encode({ participants, systems: 4, reactiveVar, trades }, periods);
};

const spelt = (predicate: string, detail: readonly bigint[]): string =>
  detail.length === 0 ? predicate : `${predicate}(${detail.join(", ")})`;

/** What the chain and the model say of a batch that the whole committee has signed. */
async function outcome(world: World, frozen: Frozen, payload: Uint8Array): Promise<string> {
  const { market } = world.contracts;
  const { signers, signatures } = packSignatures(await sign(world, frozen, payload));
  const call = market.getFunction("settle").staticCall(hexlify(payload), BUNDLE, signers, signatures);
  const said = await call.then(
    () => "settled",
    async (error) => {
      const { predicate, detail } = await refusalOf(market, Promise.reject(error));
      return spelt(predicate, detail);
    },
  );
  const model = settle(frozen.ledger, payload);
  expect(said).to.equal(model.kind === "refused" ? spelt(model.predicate, model.detail) : "settled");
  return said;
}

async function throughLens(lens: Contract, { ledger }: Frozen, payload: Uint8Array): Promise<string> {
  const places = new Map(ledger.grid.prosumers.map((placed) => [placed.id, placed]));
  const known = [...ledger.accounts.keys()];
  const anywhere = { bus: 0, absorbVar: Grid.ANY_VAR, feedVar: Grid.ANY_VAR };
  const reason = await lens.getFunction("firstViolation").staticCall(
    {
      terms: {
        ...ledger.terms,
        grid: Grid.encode(ledger.grid),
        standingKnown: ledger.standing !== undefined,
        standing: StandingLoads.encode(ledger.standing ?? []),
      },
      ids: known,
      accounts: known.map((id) => ledger.accounts.get(id)),
      limits: known.map((id) => ({ ...ledger.limits.get(id), ...(places.get(id) ?? anywhere) })),
    },
    payload,
  );
  const parsed = reason === "0x" ? undefined : abi("AuditLens").parseError(reason);
  return parsed ? spelt(`${parsed.name[0].toLowerCase()}${parsed.name.slice(1)}`, [...parsed.args]) : "settled";
}

for (const reference of [true, false]) {
  describe(`homes that take no part, ${reference ? "plain" : "optimised"} market`, () => {
    let world: World;
    let market: Contract;
    before(async () => {
      world = await createWorld({ prosumers: 4, grid: row(), reference });
      market = world.contracts.market;
    });
    let restore: () => Promise<void>;
    beforeEach(async () => ({ restore } = await world.connection.networkHelpers.takeSnapshot()));
    afterEach(() => restore());
    const refused = async (call: Promise<unknown>): Promise<string> => (await refusalOf(market, call)).predicate;
    const told = (loads: StandingLoads.StandingLoad[] | Uint8Array, stated = STATED) => ({
      stated,
      loads: loads instanceof Uint8Array ? loads : StandingLoads.encode(loads),
    });
    const post = (epoch: bigint, given: ReturnType<typeof told>): Promise<unknown> =>
      send(market, "postStandingLoads", epoch, given.stated, hexlify(given.loads));

    it("threat: a quorum leaves out the homes that load a line: what they draw counts, and the line is refused", async () => {
      const frozen = await freeze(world, PERIODS, { standing: LOADS });
      // What 103 and 104 draw goes through the first line with the 5 kW of 101 and 102.
      const few = IDS.slice(0, 2);
      expect(await outcome(world, frozen, imports(few, [2_000, 2_000]))).to.equal("settled");
      expect(await outcome(world, frozen, imports(few, [2_000, 2_001]))).to.equal("lineLimit(0, 1)");
      // Nobody takes part: in the second period the four draw 12 kW.
      expect(await outcome(world, frozen, imports([], []))).to.equal("lineLimit(1, 1)");
      // Everybody does: each draws what it has bought, and nothing more.
      expect(await outcome(world, frozen, imports(IDS, [2_500, 2_500, 2_500, 2_500]))).to.equal("settled");
      expect(await outcome(world, frozen, imports(IDS, [2_500, 2_500, 2_500, 2_501]))).to.equal("lineLimit(0, 1)");
    });

    it("are not forgotten because nobody tells the chain of them", async () => {
      const frozen = await freeze(world, PERIODS);
      expect(await outcome(world, frozen, imports(IDS, [1, 1, 1, 1]))).to.equal("settled");
      expect(await outcome(world, frozen, imports(IDS.slice(1), [1, 1, 1]))).to.equal("standingLoadsMissing");
      expect(await outcome(world, frozen, imports([], []))).to.equal("standingLoadsMissing");
    });

    it("are told by anybody, as the session was frozen with them and not otherwise", async () => {
      const frozen = await freeze(world, PERIODS, { standing: LOADS });
      const { epoch } = frozen.terms;
      const lighter = LOADS.map((load, k) => (k === 3 ? { ...load, watts: [-2_999] } : load));
      for (const [why, call] of [
        ["a lighter load", post(epoch, told(lighter))],
        ["none of one home", post(epoch, told(LOADS.slice(1)))],
        ["nothing", post(epoch, told([]))],
        ["other terms", post(epoch, told(LOADS, `0x${"7f".repeat(32)}`))],
        ["another committee", post(epoch + 1n, told(LOADS))],
      ] as const)
        expect(await refused(call), why).to.equal("standingLoadsNotAgreed");
      const stranger = (await world.connection.ethers.getSigners())[5];
      await Session.postStandingLoads(world.deployment, stranger, frozen.terms, told(LOADS));
      await send(market, "cancelSession");
      expect(await refused(post(epoch, told(LOADS)))).to.equal("noOpenSession");
    });

    it("are those of the open session: what was told of one before it counts for nothing", async () => {
      const first = await freeze(world, PERIODS, { standing: LOADS });
      await send(market, "cancelSession");
      const next = await freeze(world, PERIODS);
      expect(await outcome(world, next, imports([], []))).to.equal("standingLoadsMissing");
      expect(await refused(post(first.terms.epoch, told(LOADS)))).to.equal("standingLoadsNotAgreed");
      await world.connection.networkHelpers.time.increaseTo(next.terms.deadline + 1n);
      expect(await refused(post(next.terms.epoch, told([])))).to.equal("noOpenSession");
    });

    it("count whatever the others' reactive power spells: that of 256 is not taking part", async () => {
      const [taking, left] = [100, 256];
      const other = await createWorld({
        prosumers: 2,
        ids: [taking, left],
        grid: lineGrid([taking, left], 3, LINE),
        reference,
      });
      const frozen = await freeze(other, PERIODS, { standing: [{ id: left, watts: [-Number(LINE) - 1], vars: [0] }] });
      // 1 and 0 var, three bytes each: the first four are those of the id.
      const payload = Payload.encode(
        { participants: [taking], systems: 0, reactiveVar: [[1, 0]], trades: [] },
        PERIODS,
      );
      expect(await outcome(other, frozen, payload)).to.match(/^lineLimit/);
    });

    for (const periods of [7, 8])
      it(`are what is stated and nothing that lies behind it, in ${periods} periods`, async () => {
        const loads = IDS.map((id) => ({ id, watts: [-1_000], vars: [10] }));
        const frozen = await freeze(world, periods, { standing: loads });
        expect(await outcome(world, frozen, imports(IDS.slice(1), [], periods))).to.equal("settled");
      });

    it("that terms state without sense are not taken: no home, twice, too few periods, cut short", async () => {
      const one = (id: number, values = 1) => ({
        id,
        watts: new Array(values).fill(-1),
        vars: new Array(values).fill(1),
      });
      const bytes = StandingLoads.encode([one(101), one(102, 3)]);
      for (const [loads, offset] of [
        [StandingLoads.encode([one(101), one(100)]), 12],
        [StandingLoads.encode([one(101), one(101)]), 12],
        [StandingLoads.encode([one(100), one(101)]), 0],
        [StandingLoads.encode([one(101), one(105)]), 12],
        [StandingLoads.encode([one(101), one(102, 2), one(103)]), 12],
        [StandingLoads.encode([one(101, 3), one(SYSTEM_IDS[0])]), 26],
        [StandingLoads.encode([one(101), one(102, 0)]), 12],
        [bytes.subarray(0, bytes.length - 1), 12],
        [bytes.subarray(0, 16), 12],
        [bytes, undefined],
      ] as const) {
        const snapshot = await world.connection.networkHelpers.takeSnapshot();
        const now = ((await world.provider.getBlock("latest"))?.timestamp as number) + 3_600;
        await send(market, "freezeSession", START, 3600, 3, now, hashOfTold(told(loads)), 0);
        const { epoch } = await world.contracts.registry.getFunction("committee").staticCall();
        if (offset === undefined) await post(epoch, told(loads));
        else {
          const refusal = await refusalOf(market, post(epoch, told(loads)));
          expect(refusal, hexlify(loads)).to.deep.equal({
            predicate: "standingLoadsMalformed",
            detail: [BigInt(offset)],
          });
        }
        await snapshot.restore();
      }
    });

    it("settle with the rest: nobody's money but the participants' moves", async () => {
      const frozen = await freeze(world, PERIODS, { standing: LOADS });
      const payload = imports(IDS.slice(0, 2), [2_000, 1_000]);
      const expected = settle(frozen.ledger, payload);
      if (expected.kind !== "settled") throw new Error(expected.predicate);
      const signed = await sign(world, frozen, payload);
      await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
      const after = await Session.readLedger(world.deployment, world.provider, [...IDS, ...SYSTEM_IDS]);
      expect(after.accounts).to.deep.equal(expected.accounts);
    });
  });
}

describe("homes that take no part, on random batches", () => {
  it("TypeScript model, plain market, optimised market and lens agree", async () => {
    const worlds: World[] = [];
    for (const reference of [true, false]) worlds.push(await createWorld({ prosumers: 4, grid: row(), reference }));
    const lens = await deploy(worlds[0].admin, "AuditLens");
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 8; seed++) {
      const random = generator(seed);
      const loads = IDS.filter(() => random(4) > 0).map((id) => {
        const values = random(2) === 0 ? 1 : PERIODS;
        const some = (most: number) => Array.from({ length: values }, () => random(2 * most) - most);
        return { id, watts: some(9_000), vars: some(1_000) };
      });
      const start = START + 86_400 * seed;
      const sessions: Frozen[] = [];
      for (const world of worlds) sessions.push(await freeze(world, PERIODS, { start, standing: loads, open: 600 }));
      for (let k = 0; k < 5; k++) {
        const ids = IDS.filter(() => random(2) === 0);
        const shape = { ids, periods: PERIODS, energy: ids.length > 1 ? 2 : 0, systems: ids.length > 0, maxWh: 1_500 };
        const payload = Payload.encode(Payload.fromResult(batch({ ...shape, start }, random)), PERIODS);
        const said = await outcome(worlds[0], sessions[0], payload);
        expect(await outcome(worlds[1], sessions[1], payload)).to.equal(said);
        expect(await throughLens(lens as unknown as Contract, sessions[0], payload)).to.equal(said);
        const name = said.replace(/\(.*/, "");
        seen.set(name, (seen.get(name) ?? 0) + 1);
      }
      for (const { contracts } of worlds) await send(contracts.market, "cancelSession");
    }
    const spread = JSON.stringify([...seen]);
    expect(seen.get("settled") ?? 0, spread).to.be.greaterThan(5);
    expect(seen.get("lineLimit") ?? 0, spread).to.be.greaterThan(5);
  });
});
