/** An auditor of entries and credits, shown a chain on which one thing is another than the contracts would have it. */
import { expect } from "chai";
import { encodeBytes32String, getAddress, getBytes, id as hashOf, keccak256, toBeHex } from "ethers";
import { audit, type Audited } from "../../offchain-solver/auditor/audit.ts";
import { verdictText } from "../../offchain-solver/auditor/verdict.ts";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { endpointOf } from "../../offchain-solver/chain/endpoint.ts";
import { look } from "../../offchain-solver/chain/look.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import { CARBON_CREDIT, DELIVERY, MARKET, REGISTRY } from "../../offchain-solver/codec/abi.ts";
import { rowsRoot } from "../../offchain-solver/codec/deliveryData.ts";
import { decodeEntries, encodeEntries } from "../../offchain-solver/codec/entries.ts";
import {
  decodeReadings,
  encodeReadings,
  type Row,
  type SessionReadings,
} from "../../offchain-solver/codec/readings.ts";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";
import type { Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { as, owner } from "../support/calls.ts";
import {
  connectHomes,
  connectionsAt,
  credits,
  deliver,
  delivery,
  entryOf,
  type Entered,
  type EntryOptions,
  readingsOf,
  registerFund,
  rowOf,
  settleSession,
  type SettledSession,
  time,
} from "../support/delivered.ts";
import { wallet } from "../support/keys.ts";
import { recorded, replayed, submitted, type ChainRecord, type RawLog } from "../support/recordedChain.ts";
import { createWorld, START, type World } from "../support/world.ts";

const HOUR = 3_600;
const DAY = 86_400;
const WHY = hashOf("the network operator's register said otherwise");
const YEAR = new Date(1_000 * START).getUTCFullYear();
const CREDIT = { registry: "granular", vintage: YEAR, method: "pv", unit: "Wh", factorMicroG: 0, allowance: false };
const CODE = `0x${"46".padEnd(32, "0")}`;
const DEVICE = { registry: "granular", method: "pv", source: CODE, technology: CODE, device: encodeBytes32String("x") };
const SOLD = (seller: number, buyer: number, period: number, quantity: number): Trade => ({
  ...{ product: "energy", seller, buyer, period, quantity, price: 80_000 },
});

type Codec = typeof MARKET;

describe("an audit of entries and credits", function () {
  this.timeout(300_000);
  let world: World;
  let session: SettledSession;
  let entries: Entered[];
  let last: SessionReadings;
  let record: ChainRecord;

  /** 101 cannot pay what it draws, 103 feeds in: fund and receivers bear it; 103's sun is corrected later. */
  before(async () => {
    const mandate = (id: number) => (id < 1000 ? { maxSpendPerDay: 3_000_000n } : {});
    world = await createWorld({ prosumers: 4, dollars: 4, grams: 1_000n, mandate });
    await connectHomes(world);
    session = await settleSession(world, [SOLD(0, 1, 0, 2_000), SOLD(0, 1, 1, 1_000), SOLD(3, 2, 1, 1_000)]);
    await registerFund(world, 100_000_000n);
    const { market } = world.contracts;
    await Chain.send(as(market, await owner(world, 101)), "requestWithdrawal", 101, (await market.free(101)) / 1000n);
    await Chain.send(credits(world), "defineAsset", CREDIT);
    await Chain.send(credits(world), "registerDevice", 103, DEVICE);
    await time(world).increaseTo(session.end + HOUR);
    const row = (one: Row, k: number): Row => {
      const values = one.values.map((value, t) => {
        if (k === 0) return { ...value, meteredWh: -8_000 };
        return k === 2 && t === 1 ? { ...value, meteredWh: 5_000, renewableWh: 4_000 } : value;
      });
      return { ...one, emissionsG: k === 0 ? 1_500 : 0, released: 3, values };
    };
    const first = await deliver(session, readingsOf(session, row));
    await Onboarding.fund(world.deployment, world.admin, 101, 200_000n);
    await Chain.send(delivery(world), "collect", 101);
    await Chain.send(as(delivery(world), await owner(world, 104)), "endConnection", 104);
    await time(world).increaseTo(session.end + HOUR + DAY + 60);
    const claim = async (entered: Entered) =>
      Chain.send(credits(world), "issueCredits", ...(await rowOf(session, entered, 2)));
    await claim(first);
    const corrected = readingsOf(session, (one, k) => {
      const made = row(one, k);
      return k === 2
        ? { ...made, values: made.values.map((v) => (v.renewableWh > 0 ? { ...v, renewableWh: 4_600 } : v)) }
        : made;
    });
    const second = await deliver(session, corrected, { kind: "correction", reason: WHY, before: first });
    await time(world).increaseTo(session.end + HOUR + 3 * DAY);
    await claim(second);
    entries = [first, second];
    last = corrected;
    record = await recorded(endpointOf(world.provider), world.deployment.market, world.deployment.block);
  });

  const auditOf = (shown: ChainRecord): Promise<Audited> =>
    audit({ look: look(replayed(shown)), market: shown.market, fromBlock: 0, release: releasedBuild() });

  const isLog = (log: RawLog, codec: Codec, name: string): boolean => codec.parseLog(log)?.name === name;
  /** Changes the arguments of the k-th event of a name. */
  const withEvent = (
    shown: ChainRecord,
    codec: Codec,
    name: string,
    k: number,
    edit: (args: unknown[]) => unknown[],
  ) => {
    const found = shown.logs.filter((log) => isLog(log, codec, name))[k];
    const event = codec.getEvent(name)!;
    const args = codec.parseLog(found)!.args.toArray();
    const changed = { ...found, ...codec.encodeEventLog(event, edit([...args])) };
    return { ...shown, logs: shown.logs.map((log) => (log === found ? changed : log)) };
  };
  const without = (shown: ChainRecord, codec: Codec, name: string, k: number): ChainRecord => {
    const found = shown.logs.filter((log) => isLog(log, codec, name))[k];
    return { ...shown, logs: shown.logs.filter((log) => log !== found) };
  };
  const at = (shown: ChainRecord, codec: Codec, name: string, k: number, seconds: number): ChainRecord => {
    const block = Number(shown.logs.filter((log) => isLog(log, codec, name))[k].blockNumber);
    const blocks = { ...shown.blocks, [block]: { ...shown.blocks[block], timestamp: toBeHex(seconds) } };
    return { ...shown, blocks };
  };

  /** The chain's state is another too, from the block of the k-th event of a name on: what a contract would hold. */
  const stating = (
    shown: ChainRecord,
    { codec, to }: { readonly codec: Codec; readonly to: string },
    question: readonly [method: string, ...args: unknown[]],
    from: number,
    edit: (held: Record<string, unknown>) => unknown,
  ): ChainRecord => {
    const [method, ...args] = question;
    const asked = `${to} ${codec.encodeFunctionData(method, args)} `.toLowerCase();
    const calls = Object.entries(shown.calls).map(([key, answer]): [string, string] => {
      if (!key.startsWith(asked) || Number(key.slice(asked.length)) < from) return [key, answer];
      const [held] = codec.decodeFunctionResult(method, answer);
      const object = typeof held === "object" ? held.toObject() : { value: held };
      return [key, codec.encodeFunctionResult(method, [edit(object)])];
    });
    return { ...shown, calls: Object.fromEntries(calls) };
  };
  const blockOf = (codec: Codec, name: string, k: number): number =>
    Number(record.logs.filter((log) => isLog(log, codec, name))[k].blockNumber);
  const deliveredAs = (shown: ChainRecord, k: number, change: object): ChainRecord =>
    stating(
      shown,
      { codec: DELIVERY, to: shown.delivery },
      ["delivered", session.sequence],
      blockOf(DELIVERY, "DeliveryEntered", k),
      (held) => ({ ...held, ...change }),
    );
  const heldAs = (shown: ChainRecord, id: number, change: bigint): ChainRecord =>
    stating(shown, { codec: MARKET, to: shown.market }, ["account", id], blockOf(MARKET, "Posted", 0), (held) => ({
      ...held,
      deposit: (held.deposit as bigint) + change,
    }));

  /** The correction as a whole committee would have signed it, and a contract without checks taken it. */
  const corrected = async (readings: Uint8Array, options: EntryOptions = {}, kind = 3): Promise<ChainRecord> => {
    // Of the time when the correction was entered, while values could still come.
    const { epoch } = session.terms;
    const as = { kind: "correction", reason: WHY, before: entries[0], epoch, ...options } as const;
    const args = await entryOf(session, readings, as);
    const connections = await connectionsAt(world);
    const committed = [session.batch, keccak256(readings), rowsRoot(readings, 2), connections];
    const { reason } = args[0];
    const shown = withEvent(record, DELIVERY, "DeliveryEntered", 1, ([sequence, entry, , , meters]) => [
      ...[sequence, entry, kind, committed, meters, reason],
    ]);
    const { transactionHash } = shown.logs.filter((log) => isLog(log, DELIVERY, "DeliveryEntered"))[1];
    const call = { to: record.delivery, input: DELIVERY.encodeFunctionData("deliver", args) };
    return submitted(deliveredAs(shown, 1, { kind }), transactionHash, call);
  };
  const edited = (edit: (values: Row["values"][number], k: number, t: number) => Partial<Row["values"][number]>) =>
    encodeReadings({
      ...last,
      rows: last.rows.map((row, k) => ({
        ...row,
        values: row.values.map((value, t) => ({ ...value, ...edit(value, k, t) })),
      })),
    });

  it("finds all of it right: a shortfall that fund and receivers bear, what is collected, a correction, credits", async () => {
    const { standing, entries: found, credits: issued, sessions } = await auditOf(record);
    expect([standing, ...sessions.map(({ verdict }) => verdict)]).to.deep.equal([{ kind: "valid" }, { kind: "valid" }]);
    expect(found.map(({ number, kind, verdict }) => [number, kind, verdictText(verdict)])).to.deep.equal([
      [1, "final", "valid"],
      [2, "correction", "valid"],
    ]);
    expect(issued.map(({ prosumer, wh, verdict }) => [prosumer, wh, verdictText(verdict)])).to.deep.equal([
      [103, 4_000n, "valid"],
      [103, 600n, "valid"],
    ]);
    // Somebody could not pay, and somebody was paid less for it.
    const names = record.logs.flatMap((log) => DELIVERY.parseLog(log)?.name ?? []);
    expect(names).to.include.members(["Arrears", "ShortfallBorne", "Collected", "ArrearsTakenUp"]);
    const [, byReceivers] = shortfall();
    expect(byReceivers > 0n).to.equal(true);
    expect(getBytes(found[0].readings!)).to.deep.equal(entries[0].readings);
    expect(decodeReadings(found[1].readings!, 2)).to.deep.equal(last);
  });

  const shortfall = (): [bigint, bigint] => {
    const log = record.logs.find((one) => isLog(one, DELIVERY, "ShortfallBorne"))!;
    const { byFund, byReceivers } = DELIVERY.parseLog(log)!.args;
    return [byFund, byReceivers];
  };

  type Case = [what: string, predicate: string, shown: () => ChainRecord | Promise<ChainRecord>, which?: number];
  /** An nano-dollar more for one account, and one less for another. */
  const movedOn =
    (from: number, to: number) =>
    ([day, issued, lines]: unknown[]) => [
      day,
      issued,
      encodeEntries(
        decodeEntries(lines as string).map((one) => {
          const more = one.id === from ? -1n : one.id === to ? 1n : 0n;
          return { ...one, nano: one.nano + more };
        }),
      ),
    ];
  const cutMovedOn = (): ChainRecord => withEvent(record, MARKET, "Posted", 0, movedOn(103, 0xffffffff));
  const owesLess = (): ChainRecord =>
    withEvent(record, DELIVERY, "Arrears", 0, ([n, id, nano]) => [n, id, (nano as bigint) - 1n]);
  const takesUpLess = (): ChainRecord =>
    withEvent(record, DELIVERY, "ArrearsTakenUp", 0, ([n, id, nano]) => [n, id, (nano as bigint) - 1n]);
  const years = (): ChainRecord => at(record, DELIVERY, "DeliveryEntered", 1, session.end + 401 * DAY);
  const CASES: Case[] = [
    [
      "a reading is another than was charged",
      "movedNotTheReadings",
      () => corrected(edited((v, k) => (k === 1 ? { meteredWh: v.meteredWh + 1 } : {}))),
    ],
    [
      "a cut is moved on to somebody else",
      "movedNotTheReadings",
      () => heldAs(heldAs(cutMovedOn(), 103, -1n), 0xffffffff, 1n),
      0,
    ],
    [
      "allowances are burned that nobody emitted for",
      "movedNotTheReadings",
      () => withEvent(record, MARKET, "Posted", 0, ([day, grams, lines]) => [day, (grams as bigint) - 1n, lines]),
      0,
    ],
    [
      "somebody is said to owe less",
      "shortfallNotTheReadings",
      () =>
        stating(
          owesLess(),
          { codec: DELIVERY, to: record.delivery },
          ["arrearsOf", 101],
          blockOf(DELIVERY, "Arrears", 0),
          ({ value }) => ((value as bigint) > 0n ? (value as bigint) - 1n : value),
        ),
      0,
    ],
    [
      "less is taken up of what somebody owes",
      "shortfallNotTheReadings",
      () =>
        stating(
          takesUpLess(),
          { codec: DELIVERY, to: record.delivery },
          ["arrearsOf", 101],
          blockOf(DELIVERY, "ArrearsTakenUp", 0),
          ({ value }) => (value as bigint) + 1n,
        ),
    ],
    [
      "a correction without a reason",
      "reasonMissing",
      () => corrected(encodeReadings(last), { reason: `0x${"0".repeat(64)}` }),
    ],
    [
      "a second final entry",
      "kindOutOfOrder",
      () => corrected(encodeReadings(last), { kind: "final", reason: `0x${"0".repeat(64)}` }, 2),
    ],
    ["too few sign", "quorumNotReached", () => corrected(encodeReadings(last), { bits: [0, 1] })],
    ["somebody signs for another", "badSignature", () => corrected(encodeReadings(last), { signed: { entry: 7 } })],
    [
      "it names another entry before it",
      "badSignature",
      () => corrected(encodeReadings(last), { signed: { previous: hashOf("another") } }),
    ],
    [
      "due energy is not the batch's",
      "dueNotTheBatch",
      () => corrected(edited((v, k) => (k === 1 ? { dueWh: v.dueWh + 1, meteredWh: v.meteredWh + 1 } : {}))),
    ],
    [
      "more is metered than a connection lets through",
      "meteredBeyondConnection",
      () => corrected(edited((_, k) => (k === 2 ? { meteredWh: 5_001 } : {}))),
    ],
    [
      "more is renewable than there are panels",
      "renewableBeyondConnection",
      () => corrected(edited((_, k) => (k === 2 ? { renewableWh: 6_001 } : {}))),
    ],
    [
      "it is entered before meters can have read",
      "deliveryTooEarly",
      () => deliveredAs(at(record, DELIVERY, "DeliveryEntered", 0, session.end), 0, { lastAt: session.end }),
      0,
    ],
    [
      "it is entered years later",
      "deliveryTooLate",
      () => deliveredAs(years(), 1, { lastAt: session.end + 401 * DAY }),
    ],
  ];
  for (const [what, predicate, shown, which = 1] of CASES)
    it(`${what}: ${predicate}`, async () => {
      const { verdict } = (await auditOf(await shown())).entries[which];
      expect(verdict, verdictText(verdict)).to.include({ kind: "invalid", predicate });
    });

  it("an event of an entry is not shown: undecided, and says which", async () => {
    const { standing } = await auditOf(without(record, DELIVERY, "DeliveryEntered", 1));
    expect(standing).to.deep.equal({
      kind: "undecided",
      missing: "the event that explains a posting of the delivery contract",
    });
  });

  const twice = (): ChainRecord => {
    const own = record.logs.filter((log) => isLog(log, CARBON_CREDIT, "CertificateIssued"))[1];
    const copies = record.logs
      .filter(({ transactionHash }) => transactionHash === own.transactionHash)
      .map((log) => ({ ...log, logIndex: toBeHex(Number(log.logIndex) + 50) }));
    return { ...record, logs: [...record.logs, ...copies] };
  };
  it("credits are issued twice: creditIssuedTwice", async () => {
    const { credits: issued } = await auditOf(twice());
    expect(issued.map(({ verdict }) => (verdict.kind === "invalid" ? verdict.predicate : verdict.kind))).to.deep.equal([
      ...["valid", "valid", "creditIssuedTwice"],
    ]);
  });

  /** The first certificate as its event would have it. */
  const certified = (edit: (args: unknown[]) => unknown[]): ChainRecord =>
    withEvent(record, CARBON_CREDIT, "CertificateIssued", 0, edit);
  const anothers = (args: unknown[]): unknown[] => args.with(3, world.wallets.get(101)!.address);
  /** A Wh more in the second period, of what is measured and what is new. */
  const oneMore = (args: unknown[]): unknown[] => args.with(7, `0x${"0".repeat(8)}00000fa1`).with(8, 4_001n);
  /** And as the contract's state would have it from then on. */
  const counting = (shown: ChainRecord, method: string, args: readonly unknown[], change: bigint): ChainRecord =>
    stating(
      shown,
      { codec: CARBON_CREDIT, to: shown.carbonCredit },
      [method, ...args],
      blockOf(CARBON_CREDIT, "CertificateIssued", 0),
      ({ value }) => (value as bigint) + change,
    );
  const assetOf = (): bigint =>
    CARBON_CREDIT.parseLog(record.logs.find((log) => isLog(log, CARBON_CREDIT, "CertificateIssued"))!)!.args.asset;
  const CREDITS: [what: string, predicate: string, shown: () => ChainRecord][] = [
    [
      "credits for a Wh that nobody measured",
      "creditNotMetered",
      () => {
        const counted = counting(certified(oneMore), "issuedWh", [session.sequence, 103], 1n);
        return counting(counted, "balanceOf", [world.wallets.get(103)!.address, assetOf()], 1n);
      },
    ],
    [
      "credits to another's wallet",
      "creditToAnother",
      () => counting(certified(anothers), "balanceOf", [world.wallets.get(101)!.address, assetOf()], 4_000n),
    ],
  ];
  for (const [what, predicate, shown] of CREDITS)
    it(`${what}: ${predicate}`, async () => {
      const [{ verdict }] = (await auditOf(shown())).credits;
      expect(verdict, verdictText(verdict)).to.include({ kind: "invalid", predicate });
    });

  /** All that a transaction said, in the filter and in its receipt. */
  const withoutAll = (codec: Codec, name: string, k: number): ChainRecord => {
    const { transactionHash } = record.logs.filter((log) => isLog(log, codec, name))[k];
    return { ...record, logs: record.logs.filter((log) => log.transactionHash !== transactionHash) };
  };
  const HIDDEN: [what: string, shown: () => ChainRecord][] = [
    ["moves a cut on in what was posted", cutMovedOn],
    ["says that somebody owes less", owesLess],
    ["says that less is taken up of what somebody owes", takesUpLess],
    [
      "says that a connection had ended before the session",
      () => withEvent(record, DELIVERY, "ConnectionEnds", 0, ([id]) => [id, 1n]),
    ],
    ["says that another's connection ended", () => withEvent(record, DELIVERY, "ConnectionEnds", 0, () => [103, 1n])],
    ["hides that a connection ends", () => without(record, DELIVERY, "ConnectionEnds", 0)],
    ["hides that arrears are taken up", () => without(record, DELIVERY, "ArrearsTakenUp", 0)],
    [
      "says that the fund bears less",
      () =>
        withEvent(record, DELIVERY, "ShortfallBorne", 0, ([n, fund, rest]) => [
          ...[n, (fund as bigint) - 1n, (rest as bigint) + 1n],
        ]),
    ],
    ["says that more was issued", () => certified((args) => args.with(8, (args[8] as bigint) + 1n))],
    ["says that more was measured, and issued", () => certified(oneMore)],
    ["says that credits are of another hour", () => certified((args) => args.with(7, `0x00000fa0${"0".repeat(8)}`))],
    [
      "says that as much was measured in both hours",
      () => certified((args) => args.with(7, `0x${"00000fa0".repeat(2)}`)),
    ],
    ["says that credits are of half-hours", () => certified((args) => args.with(6, 1_800n))],
    ["says that credits went to another wallet", () => certified(anothers)],
    [
      "says that more was collected",
      () => withEvent(record, DELIVERY, "Collected", 0, ([id, nano]) => [id, (nano as bigint) * 99n]),
    ],
    ["says that an entry was early", () => at(record, DELIVERY, "DeliveryEntered", 0, session.end)],
    ["says that an entry was years late", years],
    ["says that credits were early", () => at(record, CARBON_CREDIT, "CertificateIssued", 0, session.end + DAY)],
    ["says that a session settled late", () => at(record, MARKET, "Settled", 0, session.end + 400 * DAY)],
    ["hides a certificate and keeps its tokens", () => without(record, CARBON_CREDIT, "CertificateIssued", 0)],
    ["hides all of a certificate", () => withoutAll(CARBON_CREDIT, "CertificateIssued", 0)],
    ["hides all of the first entry", () => withoutAll(DELIVERY, "DeliveryEntered", 0)],
    ["hides all of the correction", () => withoutAll(DELIVERY, "DeliveryEntered", 1)],
    ["hides that somebody owes", () => without(record, DELIVERY, "Arrears", 0)],
    ["hides who bears a shortfall", () => without(record, DELIVERY, "ShortfallBorne", 0)],
    ["hides that something was collected", () => without(record, DELIVERY, "Collected", 0)],
    ["hides a deposit before an entry", () => without(record, MARKET, "Deposited", 0)],
    ["hides a withdrawal before an entry", () => without(record, MARKET, "WithdrawalMoved", 0)],
    ["hides allowances before an entry", () => without(record, MARKET, "AllowancesIssued", 0)],
    [
      "says that a member has another key",
      () => withEvent(record, REGISTRY, "Registered", 1, (args) => args.with(2, wallet("node", 9).address)),
    ],
    [
      "changes a deliver call's signatures",
      () => {
        const { transactionHash } = record.logs.filter((log) => isLog(log, DELIVERY, "DeliveryEntered"))[0];
        const call = record.transactions[transactionHash];
        const input = DELIVERY.parseTransaction({ data: call.input })!.args.toArray();
        const args = input.with(-1, `${(input.at(-1) as string).slice(0, -2)}0f`);
        const changed = { ...call, input: DELIVERY.encodeFunctionData("deliver", args) };
        return { ...record, transactions: { ...record.transactions, [transactionHash]: changed } };
      },
    ],
    ...(["r", "s", "v and yParity"] as const).map((field): [string, () => ChainRecord] => [
      `changes a deliver call's signatures and leaves ${field} out`,
      () => {
        const { transactionHash } = record.logs.filter((log) => isLog(log, DELIVERY, "DeliveryEntered"))[0];
        const call = record.transactions[transactionHash];
        const input = DELIVERY.parseTransaction({ data: call.input })!.args.toArray();
        const args = input.with(-1, `${(input.at(-1) as string).slice(0, -2)}0f`);
        const kept = Object.entries(call).filter(([name]) => !field.split(" and ").includes(name));
        const changed = { ...Object.fromEntries(kept), input: DELIVERY.encodeFunctionData("deliver", args) };
        return { ...record, transactions: { ...record.transactions, [transactionHash]: changed as typeof call } };
      },
    ]),
    [
      "lacks the transaction of the first entry",
      () => {
        const { transactionHash } = record.logs.filter((log) => isLog(log, DELIVERY, "DeliveryEntered"))[0];
        const { [transactionHash]: _, ...transactions } = record.transactions;
        return { ...record, transactions };
      },
    ],
  ];
  for (const [what, shown] of HIDDEN)
    it(`accuses nobody where an endpoint ${what}`, async () => {
      const { sessions, entries: found, credits: issued, standing } = await auditOf(shown());
      const said = [...[...sessions, ...found, ...issued].map(({ verdict }) => verdict), standing];
      expect(said.filter(({ kind }) => kind === "invalid").map(verdictText)).to.deep.equal([]);
      expect(said.map(({ kind }) => kind)).to.include("undecided");
    });

  it("leaves sessions and entries alone where a certificate was hidden", async () => {
    const { credits: issued, standing } = await auditOf(withoutAll(CARBON_CREDIT, "CertificateIssued", 0));
    expect(issued.map(({ verdict }) => verdict.kind)).to.deep.equal(["undecided"]);
    expect(standing.kind).to.equal("undecided");
    const kept = await auditOf(without(record, CARBON_CREDIT, "CertificateIssued", 0));
    expect(kept.sessions.map(({ verdict }) => verdict.kind)).to.deep.equal(["valid"]);
    expect(kept.entries.map(({ verdict }) => verdict.kind)).to.deep.equal(["valid", "valid"]);
  });

  /** What 101 owes is collected of 103, which owes nothing: by events, accounts and what is still owed. */
  const collectedMore = (): ChainRecord => {
    const from = blockOf(DELIVERY, "Collected", 0);
    const [, nano] = DELIVERY.parseLog(
      record.logs.find((log) => isLog(log, DELIVERY, "Collected"))!,
    )!.args.toArray() as [bigint, bigint];
    const event = withEvent(record, DELIVERY, "Collected", 0, ([, sum]) => [103, sum]);
    const posted = withEvent(event, MARKET, "Posted", 1, ([day, issued, lines]) => [
      ...[day, issued],
      encodeEntries(decodeEntries(lines as string).map((one) => ({ ...one, id: one.id === 101 ? 103 : one.id }))),
    ]);
    const holding = (shown: ChainRecord, id: number, change: bigint): ChainRecord =>
      stating(shown, { codec: MARKET, to: shown.market }, ["account", id], from, (held) => ({
        ...held,
        deposit: (held.deposit as bigint) + change,
      }));
    return stating(
      holding(holding(posted, 101, nano), 103, -nano),
      { codec: DELIVERY, to: record.delivery },
      ["arrearsOf", 101],
      from,
      ({ value }) => (value as bigint) + nano,
    );
  };

  it("something is collected of who owes nothing, other code enters: the market as a whole is not valid", async () => {
    const checker = (await delivery(world).dueChecker()) as string;
    const instead = (address: string): ChainRecord => ({
      ...record,
      codes: { ...record.codes, [address.toLowerCase()]: record.codes[record.registry.toLowerCase()] },
    });
    const shown: [predicate: string, record: ChainRecord][] = [
      ["collectedNotOwed", collectedMore()],
      ["notTheReleasedCode", instead(record.delivery)],
      ["notTheReleasedCode", instead(checker)],
    ];
    for (const [predicate, one] of shown) {
      const { standing } = await auditOf(one);
      expect(standing, verdictText(standing)).to.include({ kind: "invalid", predicate });
    }
    expect(getAddress(record.delivery)).to.equal(world.deployment.delivery);
  });
});
