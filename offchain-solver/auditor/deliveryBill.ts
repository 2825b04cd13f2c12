/** The bill that comes of a session's readings, held against what delivery.json tells. */
import type { SessionReadings } from "../codec/readings.ts";
import type { DeliveryJson } from "../records/deliveryJson.ts";
import { chargesOf, difference, isFault, type Charge, type Limits } from "./charges.ts";
import { invalid, VALID, type Verdict } from "./verdict.ts";

/** What readings are charged by; `earlier`: what was entered before, whose charges have been moved already. */
export type BillBasis = {
  readonly limits: ReadonlyMap<number, Limits>;
  readonly earlier?: { readonly readings: SessionReadings; readonly final: boolean } | undefined;
};

/** Every bill to the last unit: what is due by the readings, and that what was moved sums to zero. */
export function checkBill(readings: SessionReadings, delivery: DeliveryJson, basis: BillBasis): Verdict {
  const { periods, periodSeconds, kind } = delivery;
  const { earlier, limits } = basis;
  const terms = { periods, periodSeconds, multiple: BigInt(delivery.multiple), limits };
  const all = chargesOf(readings, terms, kind !== "provisional");
  if (isFault(all)) return invalid(all.predicate, all.detail);
  const old = earlier && chargesOf(earlier.readings, terms, earlier.final);
  if (old && isFault(old)) return invalid(old.predicate, old.detail);
  const charges = old ? difference(all, old, earlier.final) : all;
  if (isFault(charges)) return invalid(charges.predicate, charges.detail);
  for (const [k, charge] of charges.entries()) {
    const fault = billFault(charge, BigInt(readings.allowancePrice), delivery.members[k]);
    if (fault !== undefined) return invalid("billNotTheReadings", `prosumer ${charge.id}: ${fault}`);
  }
  const system = systemFault(charges, delivery);
  if (system !== undefined) return invalid("billNotTheReadings", system);
  const moved = [...delivery.members, ...delivery.systems].reduce((sum, { movedNano }) => sum + BigInt(movedNano), 0n);
  return moved === 0n ? VALID : invalid("moneyNotConserved", `what was moved adds up to ${moved}`);
}

/** Where everybody could pay, the other sides are what the members' come to. */
function systemFault(charges: readonly Charge[], { members, systems, shortfall }: DeliveryJson): string | undefined {
  if (shortfall.byFundNano + shortfall.byReceiversNano > 0) return undefined;
  const sum = (of: (k: number) => bigint): bigint => charges.reduce((all, _, k) => all + of(k), 0n);
  const energy = sum((k) => charges[k].energy);
  const penalty = sum((k) => charges[k].penalty);
  const due = sum((k) => BigInt(members[k].dueNano));
  const sides = { insurance: penalty, desk: energy - penalty - due, utility: -energy };
  const bad = systems.find(({ account, movedNano }) => BigInt(movedNano) !== sides[account]);
  return bad && `${bad.account} receives ${sides[bad.account]}, not ${bad.movedNano}`;
}

function billFault(
  charge: Charge,
  allowancePrice: bigint,
  member: DeliveryJson["members"][number],
): string | undefined {
  const { parts, surrenderedG, boughtG, dueNano, movedNano, arrearsNano, cutNano, releasedMilli } = member;
  const { energy, penalty, most, imbalance, emissionsG } = charge;
  if (BigInt(surrenderedG) + BigInt(boughtG) !== emissionsG) return `${emissionsG} g are to be surrendered`;
  const room = most + (energy < penalty ? energy - penalty : 0n);
  const lacking = BigInt(boughtG) * allowancePrice;
  const cost = lacking < room ? lacking : room > 0n ? room : 0n;
  const due = energy - penalty - cost;
  if (due !== BigInt(dueNano)) return `${due} nano-dollars are due, not ${dueNano}`;
  const sum = Object.values(parts).reduce((all, nano) => all + BigInt(nano), 0n);
  if (sum !== due) return `its parts add up to ${sum}, not to ${due}`;
  if (BigInt(-parts.penaltyNano) !== penalty) return `the penalty is ${penalty}, not ${-parts.penaltyNano}`;
  const beside = BigInt(parts.shortNano) + BigInt(parts.longNano);
  if (beside !== imbalance) return `${imbalance} nano-dollars are for deviations, not ${beside}`;
  if (BigInt(releasedMilli) > charge.releasedMilli) return `${charge.releasedMilli} are released, not ${releasedMilli}`;
  const carried = BigInt(movedNano) - BigInt(arrearsNano) + BigInt(cutNano);
  return carried === due ? undefined : `${movedNano} were moved of ${due}, and the rest is nowhere`;
}
