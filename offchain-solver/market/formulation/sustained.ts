/** Reserve that can be delivered: what devices answer is held over several periods (market-model section 2). */
import { ownedBy } from "../devices/devices.ts";
import { addTwoSided, type TwoSided } from "../risk/tsDrcc.ts";
import { GROUP, type Draft } from "./hour.ts";
import { riskLevel } from "./network.ts";

/** Every device's answers stay within what it can go on doing until the market is cleared again. */
export function addSustained(draft: Draft): void {
  if (draft.market.joint === undefined) return;
  draft.model.group = GROUP.booking;
  for (const { device, part } of ownedBy(draft.prosumer)) {
    const answered = device.reserve && draft.answered.get(device.reserve.up);
    if (answered?.some((answers) => answers.length > 0)) device.reserve!.sustain(draft, part, answered);
  }
}

/** One two-sided limit over several periods, the last of them t; nothing is added where no answer moves it. */
export function holdWithin({ model, market }: Draft, t: number, limit: Omit<TwoSided, "coefficients">): void {
  if (limit.spread.length === 0) return;
  addTwoSided(model, { ...limit, coefficients: [] }, { ...riskLevel(market, t), whole: true });
}
