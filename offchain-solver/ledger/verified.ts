/** The test that every node makes before it signs: only what came out of it can be signed. */
import { asProposed } from "../codec/asProposed.ts";
import * as Payload from "../codec/payload.ts";
import { quantise } from "../codec/quantise.ts";
import type { Places } from "../grid/places.ts";
import type { Network } from "../market/formulation/network.ts";
import { acceptProposals, agreedPayment, type OwnView } from "../market/result/acceptance.ts";
import type { ClearingResult } from "../market/result/clearingResult.ts";
import { invalid, VALID, type Finding } from "../market/result/finding.ts";
import type { Proposals } from "../market/result/proposal.ts";
import { verifyOwn, verifyPublic } from "../market/result/verify.ts";
import type { Market } from "../market/scenario/market.ts";
import { unitsOf } from "../market/scenario/perUnit.ts";
import { settle, type Ledger } from "./settlementModel.ts";

/** A result and its bytes. */
export type Batch = { readonly result: ClearingResult; readonly payload: Uint8Array };

export const batchOf = (result: ClearingResult): Batch => ({
  result,
  payload: Payload.encode(Payload.fromResult(result), result.periods),
});

declare const seal: unique symbol;
/** Made by `verify` and by nothing else; `sealed` tells the true ones from whatever a cast pretends. */
export type Verified<T> = T & { readonly [seal]: true };

const seals = new WeakSet<object>();

/** The thing itself, to be signed. Throws on what `verify` never saw: that is our bug. */
export function sealed<T extends object>(verified: Verified<T>): T {
  if (!seals.has(verified)) throw new TypeError("only what was verified can be signed");
  return verified;
}

/** What a node knows when it verifies: what was frozen, as its own party has it, and the chain's ledger. */
export type Known = {
  readonly market: Market;
  readonly network: Network | undefined;
  readonly places: Places;
  readonly ledger: Ledger;
};

export type Verification =
  | { readonly kind: "verified"; readonly batch: Verified<Batch> }
  | { readonly kind: "refused"; readonly predicate: string; readonly detail: string };

/**
 * Rounding, netting and reserve below the threshold may move a payment by this much at the reference size and price
 * level, $ per session.
 */
const PAYMENT_TOLERANCE = 0.05;
/** Whatever the size: a session's units of price and quantity, $. */
const PAYMENT_ROUNDING = 1e-3;

/**
 * Checks proposals against the party's own view, the integers against the proposals, and the whole against everything
 * public: limits, chance constraints, the chain's own rules. A refusal names the first predicate that fails.
 */
export function verify(known: Known, own: OwnView, proposals: Proposals, { result, payload }: Batch): Verification {
  const { market, network, places, ledger } = known;
  const checks: (() => Finding)[] = [
    () => acceptProposals(market, own, proposals),
    () => asProposed(quantise(market, proposals, places).result, result),
    () => asEncoded(result, payload),
    () => verifyPublic(market, network, result),
    () => payable(market, own, proposals, result),
    () => settles(ledger, payload),
  ];
  for (const check of checks) {
    const finding = check();
    if (finding.kind === "invalid") return { ...finding, kind: "refused" };
  }
  const batch = Object.freeze({ result, payload: payload.slice() }) as Verified<Batch>;
  seals.add(batch);
  return { kind: "verified", batch };
}

function asEncoded(result: ClearingResult, payload: Uint8Array): Finding {
  const expected = batchOf(result).payload;
  const same = expected.length === payload.length && expected.every((byte, k) => byte === payload[k]);
  return same ? VALID : invalid("payloadNotTheResult", `${payload.length} bytes that say something else`);
}

function payable(market: Market, own: OwnView, proposals: Proposals, result: ClearingResult): Finding {
  if (own.kind === "operator") return VALID;
  const { mw, price } = unitsOf(market);
  return verifyOwn(market, result, {
    index: own.index,
    injectionMw: own.injectionMw,
    reactiveMvar: own.injectionMvar,
    expectedPayment: agreedPayment(market, own, proposals.operator),
    paymentTolerance: PAYMENT_TOLERANCE * mw * price + PAYMENT_ROUNDING,
  });
}

function settles(ledger: Ledger, payload: Uint8Array): Finding {
  const judged = settle(ledger, payload);
  return judged.kind === "refused" ? invalid(judged.predicate, judged.detail.join(", ")) : VALID;
}
