/** What a node says, as far as it can be shown: it may be broken, hostile, or behind a proxy that answers for it. */
import { fieldsOf } from "../fields.ts";

export type Health = { readonly status: string; readonly block?: number; readonly journal?: number };

/** Where a clearing stands after an iteration. */
export type Progress = {
  readonly ordinal: number;
  readonly outcome: string;
  readonly stage: string;
  readonly attempt: number;
  readonly iteration: number;
  readonly primal?: number;
  readonly dual?: number;
  readonly refusal?: string;
};

/** Longest word of a node's that is shown. */
const MOST = 300;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSize = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;

/** Of its `/health`. */
export function healthIn(given: unknown): Health {
  const { status, block, journal } = fieldsOf(given);
  if (typeof status !== "string") return { status: "answers what cannot be read" };
  return { status: status.slice(0, 40), ...(isCount(block) && { block }), ...(isCount(journal) && { journal }) };
}

/** Of an event of its `/session/iterations`; undefined: there is none, or none that can be read. */
export function progressIn(text: string): Progress | undefined {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { ordinal, outcome, stage, attempt, iteration, primal, dual, refusal } = fieldsOf(given);
  if (!isCount(ordinal) || !isCount(attempt) || !isCount(iteration)) return undefined;
  if (typeof outcome !== "string" || typeof stage !== "string") return undefined;
  return {
    ordinal,
    outcome: outcome.slice(0, MOST),
    stage: stage.slice(0, MOST),
    attempt,
    iteration,
    ...(isSize(primal) && { primal }),
    ...(isSize(dual) && { dual }),
    ...(typeof refusal === "string" && { refusal: refusal.slice(0, MOST) }),
  };
}
