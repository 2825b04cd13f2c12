/** Who attests what became of a session where the committee is another by then. */
import { expect } from "chai";
import { Wallet } from "ethers";
import { checkAllTold, checkDelivery } from "../offchain-solver/auditor/deliveries.ts";
import { verdictText } from "../offchain-solver/auditor/verdict.ts";
import { seatedCommittee } from "../offchain-solver/chain/committee.ts";
import { rotateNodeKey } from "../offchain-solver/chain/keys.ts";
import * as Onboarding from "../offchain-solver/chain/onboarding.ts";
import { devnetKey } from "../offchain-solver/devnet/devnetKeys.ts";
import { embeddedDevnet, type OwnChain } from "../offchain-solver/devnet/embedded.ts";
import { enterMeters, type Entered, type EntryPlace } from "../offchain-solver/devnet/entry.ts";
import type { DoneSession } from "../offchain-solver/devnet/outcome.ts";
import { promisedBy } from "../offchain-solver/devnet/steps/deliver.ts";
import { audit } from "../offchain-solver/devnet/steps/settle.ts";
import { asEntered, reckon, type EntryRequest, type Signed } from "../offchain-solver/node/delivery/reckoning.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { settledAndMetered } from "./support/settledAndMetered.ts";

const DAY_S = 86_400;

describe("readings of a session whose committee has changed since", function () {
  this.timeout(300_000);
  const scenario = takeHours(loadScenario("ieee15"), 1);
  const start = Date.parse(scenario.startUtc) / 1000;
  const fresh = new Wallet(`0x${"7c".repeat(32)}`);
  let chain: OwnChain & { readonly close: () => Promise<void> };
  let done: DoneSession;
  let signed: Signed;
  /** A member whose node key is rotated after the session. */
  let rotated: number;
  let place: EntryPlace;

  before(async () => {
    chain = await embeddedDevnet(scenario.startUtc);
    ({ done, signed } = await settledAndMetered(scenario, chain));
    const { deployment } = done.frozen;
    rotated = scenario.prosumers.find(({ renewable }) => renewable !== undefined && renewable.actualMw![0] > 0)!.id;
    const owner = devnetKey("wallet", rotated).connect(chain.provider);
    await (await chain.admin.sendTransaction({ to: owner.address, value: 10n ** 18n })).wait();
    await rotateNodeKey(deployment, owner, rotated, fresh);
    const nodeKey = (id: number) => (id === rotated ? fresh : devnetKey("node", id));
    place = { deployment, provider: chain.provider, submitter: chain.admin, passTime: chain.passTime, nodeKey };
  });
  after(() => chain?.close());

  const enter = (request: EntryRequest, from: Signed): Promise<Entered> =>
    enterMeters(place, promisedBy(done.frozen, done.batch, done.witness, done.settled), from, request);

  it("are attested by those who had a seat and a key then, while values may still come", async () => {
    const { terms } = done.frozen.frozen;
    const [then, now] = await Promise.all([
      seatedCommittee(place.deployment, place.provider, terms.epoch),
      seatedCommittee(place.deployment, place.provider),
    ]);
    expect(then.members).to.include(devnetKey("node", rotated).address);
    expect(now.members).to.include(fresh.address).and.not.to.include(devnetKey("node", rotated).address);
    const without = { ...signed, files: signed.files.filter(({ readings: [one] }) => one.prosumer !== rotated) };
    const promised = promisedBy(done.frozen, done.batch, done.witness, done.settled);
    const known = await reckon(place, promised, without, { kind: "provisional" });
    const entered = await enter({ kind: "provisional" }, without);
    expect(entered.entry?.number).to.equal(1);
    // Who reckons while another enters would find accounts that have paid already: what it writes down is of then.
    const late = { ...entered.entry!, block: entered.entry!.block + 1 };
    const exact = await asEntered(place, promised, { ...known, entered: {} as never }, late);
    expect(exact.entered.entries).to.deep.equal(known.entered.entries);
    const own = entered.delivery.members.find(({ id }) => id === rotated)!;
    // Its meter has said nothing: it is charged for no energy yet.
    const { shortNano, longNano, penaltyNano } = own.parts;
    expect([own.quality, shortNano, longNano, penaltyNano]).to.deep.equal([["missing"], 0, 0, 0]);
  });

  it("are attested by those in office, in another order, once the metering window is over", async () => {
    // Whoever is to have a seat has been a member for so long, and has it so long afterwards.
    await chain.passTime(start + 12 * DAY_S);
    const [operator, ...rest] = Onboarding.committeeOf(scenario.prosumers.map(({ id }) => id));
    await Onboarding.appointCommittee(place.deployment, chain.admin, [operator, ...rest.toReversed()]);
    await chain.passTime(start + 24 * DAY_S);
    const { epoch, members } = await seatedCommittee(place.deployment, place.provider);
    expect(members[1]).to.equal(devnetKey("node", scenario.prosumers.at(-1)!.id).address);
    expect(epoch > done.frozen.frozen.terms.epoch).to.equal(true);
    const late = await enter({ kind: "final" }, signed);
    expect([late.entry?.number, late.delivery.follows?.entry]).to.deep.equal([2, 1]);
    const own = late.delivery.members.find(({ id }) => id === rotated)!;
    const [read] = signed.files.find(({ readings: [one] }) => one.prosumer === rotated)!.readings;
    expect([own.quality, own.meteredWh, own.renewableWh]).to.deep.equal([
      ["measured"],
      [read.meteredWh],
      [read.renewableWh],
    ]);
    expect(read.renewableWh > 0).to.equal(true);

    const found = await audit(done.frozen, [done.witness]);
    expect(found.entries.map(({ kind, verdict }) => [kind, verdictText(verdict)])).to.deep.equal([
      ["provisional", "valid"],
      ["final", "valid"],
    ]);
    const session = found.sessions.find(({ batch }) => batch === done.settled.batch)!;
    const { witness } = done;
    expect(verdictText(checkDelivery(late.delivery, late.meters, { session, witness, found }))).to.equal("valid");
    // Nothing of the first entry is told here, and nothing else lacks.
    expect(verdictText(checkAllTold([late.delivery], session, found))).to.equal(
      `undecided, missing: the document of entry 1 (provisional) of batch ${session.batch}, which is on chain`,
    );
  });

  it("are refused by name where too few of a committee's keys are here", async () => {
    const nobody = { ...place, nodeKey: () => fresh };
    const promised = promisedBy(done.frozen, done.batch, done.witness, done.settled);
    const refused = await enterMeters(nobody, promised, signed, { kind: "correction", reason: "again" }).catch(
      (error: Error) => error.message,
    );
    expect(refused).to.match(/^committee \d+: 1 of its keys are here, it takes 10$/);
  });
});
