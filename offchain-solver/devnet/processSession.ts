/**
 * What came of a session of a devnet of processes, put together from the chain, the proposals that its operator had and
 * what each node wrote for its owner: here all of them are on one disk, and their owner is one.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { keccak256 } from "ethers";
import type { Audited } from "../auditor/audit.ts";
import type { AuditedEntry } from "../auditor/entries.ts";
import { checkAllTold, checkDelivery } from "../auditor/deliveries.ts";
import { VALID, type Verdict } from "../auditor/verdict.ts";
import { bundleFiles } from "../auditor/bundles.ts";
import { readSessions, type SettledSession } from "../chain/events.ts";
import { OPERATOR_ID } from "../chain/onboarding.ts";
import { solutionOf } from "../clearing/assemble.ts";
import { forTradeGraph } from "../clearing/settings.ts";
import { settingsFrom } from "../clearing/settingsTerms.ts";
import { quantise } from "../codec/quantise.ts";
import type { Terms } from "../codec/terms.ts";
import { WitnessSchema, type Witness } from "../codec/witness.ts";
import { placesOn } from "../grid/places.ts";
import { readJson } from "../io/readJson.ts";
import { batchOf } from "../ledger/verified.ts";
import { createNetwork } from "../market/formulation/network.ts";
import { OperatorProposalSchema, ProposalSchema } from "../market/result/proposal.ts";
import type { Schedule } from "../market/result/solution.ts";
import { sessionOf } from "../market/scenario/leaveOut.ts";
import { marketOf } from "../market/scenario/market.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { clearingFolder, deliveryFolder } from "../node/records.ts";
import type { Documents } from "../node/delivery/reckoning.ts";
import { DeliveryJsonSchema, MetersJsonSchema } from "../records/deliveryJson.ts";
import { ofEntry } from "../records/sessionPlaces.ts";
import { acMargin, type Tightened } from "../simulation/acMargin.ts";
import { asBuilt, type ClearedSession } from "../simulation/clear.ts";
import * as Payload from "../codec/payload.ts";
import type { Devnet } from "./devnet.ts";
import type { SessionOutcome } from "./outcome.ts";
import { bundleFolder, homeOf } from "./parties.ts";

const count = z.int().nonnegative();
const sent = { messages: count, bytes: count, wallMs: z.number() };
const RunSchema = z.object({
  ...sent,
  iterations: count,
  evaluations: count,
  residuals: z.array(z.object({ primal: z.number(), dual: z.number() })),
  workingSet: z.array(z.array(count)),
  proposals: z.object({ operator: OperatorProposalSchema, prosumers: z.array(ProposalSchema) }),
});
const OwnSchema = z.object({
  ...sent,
  schedule: z.record(z.string(), z.union([z.number(), z.array(z.number())])),
  cost: z.number(),
  regret: z.number(),
  priceMu: z.number(),
  objective: z.number(),
});

/** Which session of a devnet: its day, its terms, and its number on chain. */
export type OfDevnet = { readonly day: Scenario; readonly terms: Terms; readonly ordinal: number };

/** Entries' documents too: that of the first is the outcome's `delivery`. Throws where a node's record is not there. */
export async function processSession(
  market: Devnet,
  { day, terms, ordinal }: OfDevnet,
  found: Audited,
): Promise<{ readonly outcome: SessionOutcome; readonly documents: readonly Documents[] }> {
  const { deployment, chain, data } = market;
  const settled = (await readSessions(deployment, chain.provider, deployment.block)).find(
    (one) => Number(one.ordinal) === ordinal,
  );
  if (settled === undefined) throw new Error(`session ${ordinal} is not on chain`);
  const witness = readJson(join(bundleFolder(data), `${settled.bundleHash}.json`), WitnessSchema);
  const { cleared, batch } = clearedFrom(data, { day, terms, ordinal }, settled, witness);
  const onChain = found.entries.filter(({ batch: of }) => of === settled.batch);
  const records = market.homes.map(({ id }) => join(deliveryFolder(homeOf(data, id)), `${ordinal}`));
  const entered = documentsFrom(records, onChain);
  const documents = await Promise.all(
    entered.map((one, k) => (k === entered.length - 1 ? withCredits(one, market, settled, found) : one)),
  );
  const verdict = verdictOf(documents, settled, witness, found);
  const audited = found.sessions.filter((one) => one.batch === settled.batch);
  const outcome: SessionOutcome = {
    ...{ scenario: day, cleared, tightened: tightenedBy(witness, cleared), deployment, batch, witness, audited, found },
    verified: signersIn(settled),
    settled: { ...settled, gasUsed: (await chain.provider.getTransactionReceipt(settled.transaction))!.gasUsed },
    bundle: bundleOf(witness, settled),
    delivery: documents.length === 0 ? undefined : { ...documents[0], verdict },
    standing: found.standing,
  };
  return { outcome, documents };
}

/** How far inside its limits a session was cleared; of the clearings before the last, nobody keeps the margins. */
function tightenedBy({ tightening }: Witness, session: ClearedSession): Tightened | undefined {
  const { market, outcome } = session;
  if (tightening === undefined || outcome === undefined) return undefined;
  return { session, tightening, measured: [acMargin(market, createNetwork(market), outcome.solution)] };
}

const bundleOf = (witness: Witness, { batch, payload, signers, signatures }: SettledSession) =>
  bundleFiles(witness, batch, { payload, signers, signatures });

/** The point that proposals and private records make together: the integers that settled, or it throws. */
function clearedFrom(
  data: string,
  { day, terms, ordinal }: OfDevnet,
  settled: SettledSession,
  { tightening }: Witness,
) {
  const { participants } = Payload.decode(settled.payload, day.hours);
  const parts = day.prosumers.filter(({ id }) => participants.includes(id));
  const market = marketOf(sessionOf(terms.scenario, participants), terms.settings, parts);
  const network = createNetwork(market, tightening);
  const run = readJson(join(clearingFolder(homeOf(data, OPERATOR_ID)), `${ordinal}.json`), RunSchema);
  const own = participants.map((id) => readJson(join(homeOf(data, id), "sessions", `${ordinal}.json`), OwnSchema));
  const ends = own.map(({ schedule, priceMu }) => ({ schedule: scheduleIn(schedule), priceMu }));
  const { solution, bothWays } = asBuilt(market, solutionOf(market, run.proposals, ends));
  const quantised = quantise(market, run.proposals, placesOn(market.scenario.feeder, network.topology, network.busOf));
  const batch = batchOf(quantised.result);
  if (keccak256(batch.payload) !== keccak256(settled.payload))
    throw new Error(`session ${ordinal}: its proposals make other integers than those that settled`);
  const total = (of: "messages" | "bytes"): number => own.reduce((sum, one) => sum + one[of], run[of]);
  const cleared: ClearedSession = {
    ...{ status: "solved", reason: undefined, market, consensus: undefined },
    network: terms.settings.network ? network : undefined,
    settings: forTradeGraph(settingsFrom(terms.clearing), market),
    ...{ iterations: run.iterations, evaluations: run.evaluations, residuals: run.residuals, wallMs: run.wallMs },
    ...{ messages: total("messages"), bytes: total("bytes") },
    outcome: {
      ...{ proposals: run.proposals, ends: undefined, solution, quantised, workingSet: run.workingSet, bothWays },
      objective: own.reduce((sum, { objective }) => sum + objective, 0),
      regrets: Float64Array.from(own, ({ regret }) => regret),
    },
  };
  return { cleared, batch };
}

const scheduleIn = (record: z.infer<typeof OwnSchema>["schedule"]): Schedule =>
  Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, Array.isArray(value) ? Float64Array.from(value) : value]),
  ) as unknown as Schedule;

/**
 * Of each entry that is on chain, oldest first, the document of one who attested it: all wrote the same. What `folders`
 * have of an entry that the chain has taken back is nobody's bill.
 */
export function documentsFrom(
  folders: readonly string[],
  entries: readonly Pick<AuditedEntry, "number" | "transaction" | "block">[],
): Documents[] {
  return entries.flatMap(({ number, transaction, block }) => {
    for (const folder of folders) {
      const [file, meters] = [ofEntry("delivery.json", number), ofEntry("meters.json", number)];
      if (!existsSync(join(folder, file))) continue;
      const delivery = readJson(join(folder, file), DeliveryJsonSchema);
      if (delivery.entered?.txHash !== transaction || delivery.entered.block !== block) continue;
      return [{ delivery, meters: readJson(join(folder, meters), MetersJsonSchema) }];
    }
    return [];
  });
}

/** Credits are each account's own to claim: they are told of what the chain has. */
async function withCredits(
  { delivery, meters }: Documents,
  { chain }: Devnet,
  { sequence }: SettledSession,
  { credits }: Audited,
): Promise<Documents> {
  const own = credits.filter((one) => one.sequence === sequence);
  if (own.length === 0) return { delivery, meters };
  const told = await Promise.all(
    own.map(async ({ prosumer, asset, wh, transaction: txHash }) => {
      const gasUsed = Number((await chain.provider.getTransactionReceipt(txHash))!.gasUsed);
      return { prosumer, asset: `${asset}`, wh: Number(wh), txHash, gasUsed };
    }),
  );
  return { delivery: { ...delivery, credits: told }, meters };
}

function verdictOf(
  documents: readonly Documents[],
  { batch }: SettledSession,
  witness: Witness,
  found: Audited,
): Verdict {
  const session = found.sessions.find((one) => one.batch === batch)!;
  const judged = { session, witness, found };
  const verdicts = documents.map(({ delivery, meters }) => checkDelivery(delivery, meters, judged));
  const told = documents.map(({ delivery }) => delivery);
  return (
    verdicts.find(({ kind }) => kind !== "valid") ?? (told.length === 0 ? VALID : checkAllTold(told, session, found))
  );
}

/** How many nodes signed the batch that was posted: more of them may have verified it. */
const signersIn = ({ signers }: SettledSession): number => [...signers.toString(2)].filter((bit) => bit === "1").length;
