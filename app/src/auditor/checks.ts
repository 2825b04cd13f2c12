/** What an audit holds a session against, in its order, and how far a verdict came. */
import type { Audited, AuditedSession } from "../proof.ts";

type Check = { readonly name: string; readonly says: string; readonly predicates: readonly string[] };

/** Of the market as a whole. */
const OF_MARKET: readonly Check[] = [
  {
    name: "Code",
    says: "market, registry and table writer run the released build",
    predicates: ["notTheReleasedCode"],
  },
  { name: "Balance", says: "the market holds the tokens that it owes", predicates: ["balanceShort"] },
];

/** Of a session. A predicate that no check claims is one of settlement's own rules. */
const OF_SESSION: readonly Check[] = [
  {
    name: "Session",
    says: "it was frozen, open and before its deadline",
    predicates: ["noOpenSession", "deadlinePassed"],
  },
  { name: "Form", says: "the payload is one that can be read", predicates: ["payloadLength", "tooManyTrades"] },
  {
    name: "Quorum",
    says: "a quorum of its committee signed these bytes",
    predicates: ["signaturesLength", "quorumNotReached", "unknownMember", "badSignature"],
  },
  {
    name: "Rules of settlement",
    says: "parties, mandates, deposits, allowances, voltages and lines, run again in integers",
    predicates: [],
  },
  { name: "Hash", says: "the payload hashes to the batch that the chain reports", predicates: ["batchHash"] },
  { name: "Ledger", says: "every account changed by what the payload says", predicates: ["ledgerChange"] },
  {
    name: "Witness",
    says: "it is the one that was signed, of these terms, feeder and hours",
    predicates: [
      "malformedWitness",
      "otherTerms",
      "unsoundTerms",
      "witnessOfAnotherFeeder",
      "witnessOfAnotherHorizon",
      "witnessOfAnotherBatch",
    ],
  },
  {
    name: "Physics and risk",
    says: "balance, answers to every forecast error, chance constraints of every limit",
    predicates: [
      "wrongPeriods",
      "wrongParticipants",
      "emptyTrade",
      "chargeWithoutNetwork",
      "unknownParty",
      "unknownPeriod",
      "wrongTariff",
      "noSuchShare",
      "errorNotAnswered",
      "outsideNetworkLimit",
    ],
  },
  {
    name: "Posted trades",
    says: "one price a period, no trade in a circle, the shortest way first",
    predicates: [
      "carbonWithoutMarket",
      "priceNotUniform",
      "washTrade",
      "noSuchPair",
      "notNearestFirst",
      "priceOutsideTariff",
    ],
  },
  {
    name: "Prices of the network",
    says: "charges follow from the published multipliers, the rebate from the charges",
    predicates: ["nodalPriceUnsupported", "ancillaryNotCharged", "rebateNotPaid"],
  },
  {
    name: "Full power flow",
    says: "the AC sweep stays inside every limit, and the clearing no tighter than it must be",
    predicates: ["outsideAcLimit", "tighteningUnneeded"],
  },
  {
    name: "Optimum",
    says: "the signed regrets add up to less than the tolerance",
    predicates: ["regretsTooLarge", "leftOpenTooLarge"],
  },
];
const RULES = OF_SESSION.findIndex(({ predicates }) => predicates.length === 0);

export type State = "passed" | "failed" | "not reached" | "undecided";
export type Checked = Pick<Check, "name" | "says"> & { readonly state: State; readonly detail: string };

type Verdict = AuditedSession["verdict"];

const claims = (checks: readonly Check[], verdict: Verdict): number =>
  verdict.kind === "invalid" ? checks.findIndex(({ predicates }) => predicates.includes(verdict.predicate)) : -1;

/** Every check with its state: an audit stops at the first that fails. */
export function checksOf(
  { standing }: Pick<Audited, "standing">,
  { verdict }: Pick<AuditedSession, "verdict">,
): Checked[] {
  // A session that was valid takes over what is wrong with the whole market.
  const own: Verdict = claims(OF_MARKET, verdict) >= 0 ? { kind: "valid" } : verdict;
  return [...judged(OF_MARKET, standing, 0), ...judged(OF_SESSION, own, RULES)];
}

function judged(checks: readonly Check[], verdict: Verdict, otherwise: number): Checked[] {
  if (verdict.kind === "undecided")
    return checks.map(({ name, says }) => ({ name, says, state: "undecided", detail: `missing: ${verdict.missing}` }));
  const claimed = claims(checks, verdict);
  const failed = verdict.kind === "valid" ? checks.length : claimed < 0 ? otherwise : claimed;
  return checks.map(({ name, says }, k) => ({
    name,
    says,
    state: k < failed ? "passed" : k === failed ? "failed" : "not reached",
    detail: k === failed && verdict.kind === "invalid" ? `${verdict.predicate}: ${verdict.detail}` : "",
  }));
}

/** Each batch names the one before it. */
export function follows(sessions: Audited["sessions"], at: number): boolean {
  const before = at === 0 ? `0x${"00".repeat(32)}` : sessions[at - 1].batch;
  return sessions[at].terms?.previousBatch === before;
}
