import { expect } from "chai";
import { notSolved } from "../offchain-solver/cli/notSolved.ts";
import { regretsOf } from "../offchain-solver/clearing/regret.ts";
import { embeddedDevnet } from "../offchain-solver/devnet/embedded.ts";
import { clear, propose, quantise, type Proposed } from "../offchain-solver/devnet/steps/clear.ts";
import { agree, freeze, type Frozen } from "../offchain-solver/devnet/steps/freeze.ts";
import { SessionRefused } from "../offchain-solver/devnet/refused.ts";
import { load } from "../offchain-solver/devnet/steps/load.ts";
import { toSign, verify as verifyAll, verifyAs, witnessOf } from "../offchain-solver/devnet/steps/sign.ts";
import { termsBytes } from "../offchain-solver/codec/terms.ts";
import { batchOf, sealed, verify, type Batch, type Known, type Verified } from "../offchain-solver/ledger/verified.ts";
import type { OwnView } from "../offchain-solver/market/result/acceptance.ts";
import { DESK, type ClearingResult, type Trade } from "../offchain-solver/market/result/clearingResult.ts";
import { turnoverOf } from "../offchain-solver/market/result/certificate.ts";
import type { Proposal, Proposals } from "../offchain-solver/market/result/proposal.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { defaultSettings, marketOf } from "../offchain-solver/market/scenario/market.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { gridOf, type ClearOptions } from "../offchain-solver/simulation/clear.ts";

describe("a node refuses, naming the predicate", function () {
  this.timeout(300_000);
  let session: Frozen;
  let proposed: Proposed;
  let batch: Batch;
  let options: Omit<ClearOptions, "method">;
  /** What prosumer `index` knows: the frozen terms and its own part. */
  let knownTo: (index: number | undefined) => Known;

  before(async () => {
    const scenario = takeHours(loadScenario("ieee15"), 2);
    options = { market: defaultSettings(scenario), trade: true, rhoScale: 1, maxIterations: 2000 };
    const devnet = await embeddedDevnet(scenario.startUtc);
    try {
      session = await freeze(await load(scenario, { method: "anderson", ...options }, devnet));
      proposed = propose(clear(session, { method: "anderson", ...options }));
      batch = quantise(session, proposed);
    } finally {
      await devnet.close();
    }
    const { terms, parts, ledger } = session;
    knownTo = (index) => {
      const market = marketOf(terms.scenario, terms.settings, index === undefined ? [] : [parts[index]]);
      return { market, ...gridOf(market), ledger };
    };
  });

  const viewOf = (index: number | undefined): OwnView =>
    index === undefined ? { kind: "operator", proposal: proposed.proposals.operator } : proposed.views[index];
  const judge = (index: number | undefined, proposals: Proposals, given: Batch) => {
    const verdict = verify(knownTo(index), viewOf(index), proposals, given);
    return verdict.kind === "refused" ? verdict.predicate : verdict.kind;
  };

  it("takes what was proposed, on every node, and signs nothing else", () => {
    for (const index of [undefined, ...proposed.views.keys()])
      expect(judge(index, proposed.proposals, batch), `prosumer ${index}`).to.equal("verified");
    const verdict = verify(knownTo(0), viewOf(0), proposed.proposals, batch);
    if (verdict.kind === "verified") expect(sealed(verdict.batch).payload).to.deep.equal(batch.payload);
    expect(() => sealed(batch as Verified<Batch>)).to.throw(TypeError, "only what was verified");
  });

  it("other terms than the frozen ones", () => {
    const { terms, frozen } = session;
    expect(agree("a node", termsBytes(terms), frozen)).to.deep.equal(terms);
    const { scenario } = terms;
    for (const other of [
      { ...terms, toleranceNano: terms.toleranceNano + 1 },
      { ...terms, scenario: { ...scenario, pairs: scenario.pairs.slice(1) } },
    ])
      expect(() => agree("a node", termsBytes(other), frozen)).to.throw(/^a node refuses: otherTerms: 0x/);
  });

  it("a result that is 1 Wh, one unit of price or one var off", () => {
    const { result } = batch;
    const off = (match: (trade: Trade) => boolean, edit: (trade: Trade) => Trade): Batch => {
      const at = result.trades.findIndex(match);
      expect(at).to.be.at.least(0);
      return batchOf({ ...result, trades: result.trades.map((trade, k) => (k === at ? edit(trade) : trade)) });
    };
    const more = (trade: Trade): Trade => ({ ...trade, quantity: trade.quantity + 1 });
    const dearer = (trade: Trade): Trade => ({ ...trade, price: trade.price + 1 });
    const changed = (edit: Partial<ClearingResult>): Batch => batchOf({ ...result, ...edit });
    const reactiveVar = result.reactiveVar.map((row, i) => row.map((v, t) => (i === 3 && t === 1 ? v + 1 : v)));
    const cases: [string, Batch][] = [
      ...(["energy", "reserve", "carbon", "network"] as const).flatMap((product): [string, Batch][] => [
        ["quantityNotAsProposed", off((trade) => trade.product === product, more)],
        ["priceNotAsProposed", off((trade) => trade.product === product, dearer)],
      ]),
      ["quantityNotAsProposed", off(({ seller }) => seller === DESK, more)],
      ["tradeNotAsProposed", changed({ trades: result.trades.slice(1) })],
      ["tradeNotAsProposed", changed({ trades: result.trades.slice(0, -1) })],
      ["reactiveNotAsProposed", changed({ reactiveVar })],
      ["notTheSession", changed({ sessionStart: result.sessionStart + 3600 })],
      ["wrongParticipants", changed({ participants: result.participants.map((id) => id + 1) })],
      ["payloadNotTheResult", { ...batch, payload: batch.payload.map((byte, k) => (k === 99 ? byte ^ 1 : byte)) }],
    ];
    for (const index of [undefined, 2])
      for (const [predicate, given] of cases)
        expect(judge(index, proposed.proposals, given), `${index}`).to.equal(predicate);
  });

  it("proposals that are not what its own agent sent, was told, and agreed on", () => {
    const me = 4;
    const { prosumers, operator } = proposed.proposals;
    const { pairs } = knownTo(me).market;
    const partner = pairs.find(([, second]) => second === me)![0];
    const tampered = (at: number, edit: (p: Proposals["prosumers"][number]) => Proposals["prosumers"][number]) => ({
      operator,
      prosumers: prosumers.map((p, i) => (i === at ? edit(p) : p)),
    });
    const traded = (edit: (t: Proposals["prosumers"][number]["trades"][number]) => object): Proposals =>
      tampered(partner, (p) => ({
        ...p,
        trades: p.trades.map((t) => (pairs[t.pair][1] === me ? { ...t, ...edit(t) } : t)),
      }));
    const nudged = (rows: number[][], by: number): number[][] =>
      rows.map((row, t) => row.map((v, i) => (t === 0 && i === me ? v + by : v)));
    const told = (edit: Partial<Proposals["operator"]>): Proposals => ({
      prosumers,
      operator: { ...operator, ...edit },
    });
    const share = proposed.views[me].shares.find(({ role }) => role !== "own")!;
    const atShare = (rows: number[][], by: number): number[][] =>
      rows.map((row, t) => row.map((v, s) => (t === share.hour && s === share.slot ? v + by : v)));
    const cases: [string, Proposals][] = [
      ["notMyProposal", tampered(me, (p) => ({ ...p, deskT: p.deskT + 1e-6 }))],
      ["notMyProposal", tampered(me, (p) => ({ ...p, regret: 0 }))],
      ["notMyTrade", traded(({ energyMw }) => ({ energyMw: energyMw.map((mw) => mw + 1e-6) }))],
      ["notMyTrade", traded(({ carbonT }) => ({ carbonT: carbonT + 1e-6 }))],
      ["priceNotAccepted", traded(({ energyPrice }) => ({ energyPrice: energyPrice.map((p) => p + 1e-3) }))],
      ["priceNotAccepted", traded(({ carbonPrice }) => ({ carbonPrice: carbonPrice + 1e-3 }))],
      ["notMyInjection", told({ injectionMw: nudged(operator.injectionMw, 1e-6) })],
      ["notMyReactive", told({ injectionMvar: nudged(operator.injectionMvar, 1e-6) })],
      ["priceNotAccepted", told({ nodalPrice: nudged(operator.nodalPrice, 1e-3) })],
      ["notMyShare", told({ shareMw: atShare(operator.shareMw, 1e-6) })],
      ["priceNotAccepted", told({ sharePrice: atShare(operator.sharePrice, 1e-3) })],
      ["misshapenProposals", { operator, prosumers: prosumers.slice(1) }],
      ["misshapenProposals", tampered(2, (p) => ({ ...p, utilityMw: p.utilityMw.slice(1) }))],
      ["misshapenProposals", told({ shareMw: operator.shareMw.slice(1) })],
    ];
    for (const [predicate, proposals] of cases) expect(judge(me, proposals, batch)).to.equal(predicate);
    const mine = tampered(me, (p) => ({ ...p, deskT: p.deskT + 1 }));
    expect(judge(undefined, told({ injectionMw: nudged(operator.injectionMw, 1e-6) }), batch)).to.equal(
      "notMyProposal",
    );
    // Nobody else can tell that it was changed, but the integers that were signed are then not the proposals'.
    expect(judge(undefined, mine, batch)).to.match(/AsProposed$/);
  });

  /** The members that refuse, by predicate, where everybody signs these claims. */
  const refusals = async (given: Proposed): Promise<Map<string, number>> => {
    const made = quantise(session, given);
    const witness = await witnessOf(session, given, made);
    const found = new Map<string, number>();
    for (const id of session.committee) {
      const verdict = verifyAs(id, session, given, toSign(session, given, made, witness));
      const predicate = verdict.kind === "refused" ? verdict.predicate : verdict.kind;
      found.set(predicate, (found.get(predicate) ?? 0) + 1);
    }
    expect(() => verifyAll(session, given, made, witness)).to.throw(SessionRefused, [...found.keys()][0]);
    return found;
  };
  const claiming = ({ proposals, views, ...rest }: Proposed, claim: (i: number) => Partial<Proposal>): Proposed => {
    const prosumers = proposals.prosumers.map((p, i) => ({ ...p, ...claim(i) }));
    return {
      proposals: { ...proposals, prosumers },
      views: views.map((view, i) => ({ ...view, proposal: prosumers[i] })),
      ...rest,
    };
  };

  it("on every node, one Wh, one unit of price, a proposal or a term that was changed", async () => {
    const witness = await witnessOf(session, proposed, batch);
    const { result } = batch;
    const { prosumers, operator } = proposed.proposals;
    const energy = (edit: (trade: Trade) => Partial<Trade>): Batch => {
      const at = result.trades.findIndex(({ product }) => product === "energy");
      return batchOf({ ...result, trades: result.trades.map((t, k) => (k === at ? { ...t, ...edit(t) } : t)) });
    };
    const changed = { operator, prosumers: prosumers.map((p, i) => (i === 4 ? { ...p, deskT: p.deskT + 1 } : p)) };
    const dearer = energy(({ price }) => ({ price: price + 1 }));
    const cases: [RegExp, Proposals, Batch][] = [
      [/^quantityNotAsProposed$/, proposed.proposals, energy(({ quantity }) => ({ quantity: quantity + 1 }))],
      [/^priceNotAsProposed$/, proposed.proposals, dearer],
      [/^(notMyProposal|\w+AsProposed)$/, changed, batch],
    ];
    const { terms } = session;
    const other = { ...session, termsBytes: termsBytes({ ...terms, toleranceNano: terms.toleranceNano + 1 }) };
    for (const id of session.committee) {
      for (const [predicate, proposals, given] of cases) {
        const verdict = verifyAs(id, session, proposed, toSign(session, { ...proposed, proposals }, given, witness));
        expect(verdict.kind === "refused" ? verdict.predicate : verdict.kind, `${id}`).to.match(predicate);
      }
      const refusal = /^(prosumer \d+|the (operator|utility|desk)) refuses: otherTerms: 0x/;
      const asked = () => verifyAs(id, other, proposed, toSign(session, proposed, batch, witness));
      expect(asked, `${id}`).to.throw(SessionRefused, refusal);
    }
    expect(() => verifyAll(session, proposed, dearer, witness)).to.throw(SessionRefused, "priceNotAsProposed");
  });

  it("on every node, a result a thousandth worse than the optimum whose owners say so", async () => {
    // Their agents were told that fuel costs more than it does.
    const parts = session.parts.map((part) =>
      part.generator ? { ...part, generator: { ...part.generator, costB: 1.12 * part.generator.costB } } : part,
    );
    const told = clear({ ...session, parts }, { method: "anderson", ...options });
    const truly = marketOf(session.terms.scenario, session.terms.settings, session.parts);
    const regrets = regretsOf(truly, told.cleared.outcome!.solution, clarabelSolver);
    const sum = regrets.reduce((total, regret) => total + Math.max(0, regret), 0);
    const share = sum / Math.abs(told.cleared.outcome!.objective);
    expect(share).to.be.within(5e-4, 5e-3);
    const refused = await refusals(claiming(propose(told), (i) => ({ regret: Math.max(0, regrets[i]) })));
    expect([...refused]).to.deep.equal([["regretsTooLarge", session.committee.length]]);
  });

  it("on its own node alone, a result in which one has lost more than all together may: others leave its claim out", async () => {
    const victim = session.taking[2];
    const lost = claiming(proposed, (i) => (i === 2 ? { regret: 1_000 } : {}));
    const witness = await witnessOf(session, lost, batch);
    for (const id of session.committee) {
      const verdict = verifyAs(id, session, lost, toSign(session, lost, batch, witness));
      const said = verdict.kind === "refused" ? verdict.predicate : verdict.kind;
      expect(said, `${id}`).to.equal(id === victim ? "regretsTooLarge" : "verified");
    }
    expect(session.committee).to.include(victim);
  });

  it("on every node, a witness that lacks what one of them has committed to of its plan", async () => {
    const whole = await witnessOf(session, proposed, batch);
    const victim = session.taking[2];
    for (const plans of [
      whole.plans!.filter(({ id }) => id !== victim),
      whole.plans!.map((one) => (one.id === victim ? { ...one, plan: whole.plans![0].plan } : one)),
    ])
      for (const id of session.committee) {
        const verdict = verifyAs(id, session, proposed, toSign(session, proposed, batch, { ...whole, plans }));
        expect(verdict.kind === "refused" && verdict.predicate, `${id}`).to.equal("planLeftOut");
      }
  });

  it("on every node, a result that leaves a thousandth of the turnover open between plans and trades", async () => {
    const { gross } = turnoverOf({ scenario: session.terms.scenario, prosumers: [] }, batch.result);
    const open = (1e-3 * gross) / proposed.views.length;
    const refused = await refusals(claiming(proposed, () => ({ open })));
    expect([...refused]).to.deep.equal([["leftOpenTooLarge", session.committee.length]]);
    const message = notSolved("ieee15", "refused", "prosumer 1 refuses: leftOpenTooLarge: 1 $ over 0.1 $");
    expect(message.code).to.equal(3);
    expect(message.message).to.match(/try a larger --max-iterations/);
  });
});
