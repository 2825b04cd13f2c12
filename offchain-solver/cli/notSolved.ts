import { TOO_LONG } from "../devnet/refused.ts";
import { LIMITS_DO_NOT_HELP } from "../simulation/clear.ts";
import { Exit } from "./exit.ts";

/** What to try where a session ends without a result. */
const TRY: Readonly<Record<string, string>> = {
  "max iterations": "try a larger --max-iterations, another --rho or --method, or fewer --hours",
  infeasible:
    "try less load or generation, wider limits, a larger --epsilon or --network-risk off; `gridpact clear --network off` shows whether the network is what is in the way",
  deadline: "try a later deadline or fewer --hours",
  refused:
    "what was cleared does not hold in whole Wh, W and prices of the chain, or the terms do not fit the mandates: compare members' sizes and prices with each other, or try longer periods (--minutes) or other --hours",
};

/** Where nodes refuse a result for how far it is from the optimum. */
const UNCERTIFIED = /: (regretsTooLarge|leftOpenTooLarge): /;
const TRY_CLOSER =
  "try a larger --max-iterations, and where every trade is a few Wh or W longer periods (--minutes): whole units are then too coarse";

/** Where devices alone have no feasible point, nothing is said of the network's limits. */
const TRY_DEVICES =
  "try less load or generation, more battery or generation to answer errors with, or a larger --epsilon";

/** The end of a session that was not solved: which, why, and what to try. */
export function notSolved(name: string, status: string, reason: string | undefined): Exit {
  return new Exit(
    3,
    [name, status, reason, whatToTry(status, reason ?? "")].filter((part) => part !== undefined).join(": "),
  );
}

/** Days are settled in several sessions of whole hours: where that is told, not even an hour fits. */
const TRY_SMALLER = "nor does an hour alone: try fewer members, or fewer partners each";

function whatToTry(status: string, reason: string): string | undefined {
  if (reason.includes(TOO_LONG)) return TRY_SMALLER;
  if (reason.includes(LIMITS_DO_NOT_HELP)) return TRY_DEVICES;
  return UNCERTIFIED.test(reason) ? TRY_CLOSER : TRY[status];
}
