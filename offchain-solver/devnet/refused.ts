import type { Fit, Setting } from "../codec/fits.ts";
import type { ClearingResult } from "../market/result/clearingResult.ts";
import type { Schedule, Status } from "../market/result/solution.ts";

/** A session that ended before money moved; the message says which check of which party refused it. */
export class SessionRefused extends Error {
  readonly status: Status | "refused" | "void";
  constructor(status: SessionRefused["status"], reason: string) {
    super(reason);
    this.name = "SessionRefused";
    this.status = status;
  }
}

/** What is said of a session that is more than one transaction takes. */
export const TOO_LONG = "the session does not fit one transaction";
export const tooLong = ({ bytes, gas, entry }: Omit<Fit, "fits">): string =>
  `${TOO_LONG}: ${bytes} bytes, up to ${gas} gas; readings and their correction ${entry.bytes}, up to ${entry.gas} gas`;

/** A session that was cleared and is more than one transaction takes. */
export class DoesNotFit extends SessionRefused {
  readonly result: ClearingResult;
  readonly setting: Setting;
  /** What everybody who takes part would have done: what a day in several sessions is planned by. */
  readonly plans: readonly Schedule[];
  constructor(fit: Fit, of: Pick<DoesNotFit, "result" | "setting" | "plans">) {
    super("refused", tooLong(fit));
    this.name = "DoesNotFit";
    this.result = of.result;
    this.setting = of.setting;
    this.plans = of.plans;
  }
}

export const refusedBy = (party: string, { predicate, detail }: { predicate: string; detail: string }) =>
  new SessionRefused("refused", `${party} refuses: ${predicate}: ${detail}`);
