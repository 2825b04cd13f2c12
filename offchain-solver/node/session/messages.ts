/**
 * What parties tell each other around a clearing, beside the messages of their agents: one kind byte and JSON. Who sent
 * it is known from the connection. `session`: hash of the frozen session. A conductor (the operator's) gathers and
 * hands out; what it hands out is believed by nobody: terms hash to what the chain froze, proposals and witness are
 * checked before a signature, attestations are recovered.
 */
import * as z from "zod";
import { foreignJson } from "../../codec/foreign.ts";
import { CommittedPlanSchema, WitnessTighteningSchema } from "../../codec/witness.ts";
import { OperatorProposalSchema, ProposalSchema } from "../../market/result/proposal.ts";

/** Not the first byte of an agent's message (`net/wire.ts`), which is 0x67. */
const MAGIC = 0x6c;
const MAX_BYTES = 16 << 20;

/** Of a refusal, characters. */
export const MOST_DETAIL = 1024;

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
/** 65 bytes at most: what one party says is handed out to all with everybody's, and must leave them room. */
const signature = z.string().regex(/^0x[0-9a-f]{0,130}$/);
const party = z.int().positive().max(0xffffffff);
const whole = z.string().regex(/^-?\d{1,40}$/);
const about = { session: hash };
const found = z.strictObject({ party, predicate: z.string().max(64), detail: z.string().max(256) });
/**
 * Whom an honest result would take beyond its mandate or its account (predicates of `settle`), and whose proposal
 * cannot be.
 */
const beyond = z.array(found).min(1).max(65_536).optional();
/** As many as nobody comes to. */
const MOST_ATTEMPTS = 0xffffffff;
const attempted = { session: hash, attempt: z.int().positive().max(MOST_ATTEMPTS) };

/** To the conductor. */
const TO_CONDUCTOR = [
  /** A node has started, and does not know what is under way. */
  z.strictObject({ kind: z.literal("hello") }),
  /** It has the terms, has checked them, and can take part. */
  z.strictObject({ kind: z.literal("present"), ...about, lastAttempt: z.int().nonnegative().max(MOST_ATTEMPTS) }),
  z.strictObject({ kind: z.literal("ready"), ...attempted }),
  z.strictObject({
    kind: z.literal("proposal"),
    ...attempted,
    proposal: z.union([ProposalSchema, OperatorProposalSchema]),
    /** What its renewables are planned to give, by its hash, signed by its node; the operator has none. */
    plan: CommittedPlanSchema.omit({ id: true }).optional(),
  }),
  z.strictObject({
    kind: z.literal("claim"),
    ...attempted,
    /** Hash of the integers that it makes of the proposals. */
    payload: hash,
    regretNano: whole.optional(),
    openNano: whole.optional(),
    signature: signature.optional(),
    /** Partners whose proposals hold other trades than were agreed on with this party. */
    doubts: z.array(found).min(1).max(256).optional(),
    /** The operator's: without these the session is cleared again. */
    beyond,
    /** The operator's: the AC sweep is outside the limits, and it is cleared again inside ones so much tighter. */
    tighten: WitnessTighteningSchema.optional(),
    /** The operator's: what a member's claim and those of all before it, who traded less, may add up to. */
    allowed: z
      .array(z.strictObject({ party, regretNano: whole, openNano: whole }))
      .max(65_536)
      .readonly()
      .optional(),
  }),
  /** It will not sign, and says which predicate. */
  z.strictObject({
    kind: z.literal("refusal"),
    ...about,
    predicate: z.string().max(64),
    detail: z.string().max(MOST_DETAIL),
  }),
  /** Its agent cannot go on; `waitedFor`: whose messages did not come. */
  z.strictObject({
    kind: z.literal("failure"),
    ...attempted,
    reason: z.string().max(65_536),
    waitedFor: z.array(party).max(4_096).optional(),
  }),
] as const;

/** From the conductor. */
const FROM_CONDUCTOR = [
  z.strictObject({ kind: z.literal("terms"), ...about, text: z.string() }),
  /**
   * Everybody opens an agent; `members`: the prosumers who take part, in the order of the terms; `beyond`: who is left
   * out because of what the freeze or a claim found, which every node has found as well. Others were not there, or have
   * spoilt an attempt. `tightening`: how far inside its limits the feeder is cleared.
   */
  z.strictObject({
    kind: z.literal("attempt"),
    ...attempted,
    members: z.array(party).min(1).max(65_536),
    beyond,
    tightening: WitnessTighteningSchema.optional(),
  }),
  z.strictObject({ kind: z.literal("go"), ...attempted }),
  /** Canonical JSON of all proposals and of the plans that were committed to beside them. */
  z.strictObject({ kind: z.literal("proposals"), ...attempted, text: z.string() }),
  /** Canonical JSON of the witness. */
  z.strictObject({ kind: z.literal("witness"), ...attempted, text: z.string() }),
] as const;

/** From anybody to anybody. */
const TO_ALL = [
  z.strictObject({
    kind: z.literal("attestations"),
    ...about,
    digest: hash,
    signatures: z.array(z.tuple([z.int().min(0).max(31), signature])).max(32),
  }),
] as const;

export const LifeSchema = z.discriminatedUnion("kind", [...TO_CONDUCTOR, ...FROM_CONDUCTOR, ...TO_ALL]);
export type Life = z.infer<typeof LifeSchema>;
export type LifeOf<K extends Life["kind"]> = Extract<Life, { kind: K }>;

const FOR_CONDUCTOR: ReadonlySet<string> = new Set(TO_CONDUCTOR.map((one) => one.shape.kind.value));
export const isForConductor = ({ kind }: Life): boolean => FOR_CONDUCTOR.has(kind);

export const isLife = (bytes: Uint8Array): boolean => bytes[0] === MAGIC;

export function encodeLife(message: Life): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(message));
  const bytes = new Uint8Array(text.length + 1);
  bytes[0] = MAGIC;
  bytes.set(text, 1);
  return bytes;
}

/** Whether anybody would read it. */
export const isReadable = (message: Life): boolean => encodeLife(message).length <= MAX_BYTES;

/** Reads bytes from somebody who may be anybody: never throws; undefined: they are none. */
export function decodeLife(bytes: Uint8Array): Life | undefined {
  if (!isLife(bytes) || bytes.length > MAX_BYTES) return undefined;
  const json = foreignJson(bytes.subarray(1));
  return json && LifeSchema.safeParse(json.value).data;
}
