/** What a report is made of, and the words that its sections share. */
import type { SweptClearing as ClearingJson } from "../../records/clearingJson.ts";
import type { DeliveryJson } from "../../records/deliveryJson.ts";
import type { AuditJson, SettlementJson } from "../../records/sessionJson.ts";
import type { Day } from "../day.ts";
import { legend } from "../page.ts";
import { tint, type Meaning } from "../theme.ts";

export type Session = Day & {
  /** In how many transactions it settled; none: not yet. */
  readonly settlements: readonly SettlementJson[];
  readonly audit?: AuditJson | undefined;
  readonly deliveries: readonly DeliveryJson[];
};

export const METHODS: Readonly<Record<ClearingJson["settings"]["method"], string>> = {
  admm: "consensus ADMM",
  gsa: "consensus ADMM with geometric series acceleration",
  gsa1: "consensus ADMM with geometric series acceleration, one ratio",
  anderson: "consensus ADMM with Anderson acceleration",
  central: "central solver",
};

export const RISKS: Readonly<Record<ClearingJson["settings"]["risk"], string>> = {
  "ts-drcc": "two-sided distributionally robust chance constraints",
  bonferroni: "per-side distributionally robust chance constraints (Bonferroni)",
  gaussian: "Gaussian chance constraints",
  robust: "robust constraints",
  deterministic: "no uncertainty",
};

export const meaningKeys = (names: readonly string[], meanings: readonly Meaning[]): string =>
  legend(names.map((text, k) => ({ colour: tint(meanings[k]), text })));
