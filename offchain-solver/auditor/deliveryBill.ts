/** The bill that comes of a session's readings, held against what delivery.json tells. */
import type { SessionReadings } from "../codec/readings.ts";
import type { DeliveryJson } from "../records/deliveryJson.ts";
import { chargesOf, difference, isFault, type Charge, type Limits } from "./charges.ts";
import { invalid, VALID, type Verdict } from "./verdict.ts";

/** What readings are charged by; `earlier`: what was entered before, whose charges have been moved already. */
export type BillBasis = {
  /** Most that a kWh costs that is short, 1e-6 $, by the frozen terms. */
  readonly imbalancePrice: number;
  readonly limits: ReadonlyMap<number, Limits>;
  readonly earlier?: { readonly readings: SessionReadings; readonly final: boolean } | undefined;
};

/** Every bill to the last unit: what is due by the readings, and that what was moved sums to zero. */
export function checkBill(readings: SessionReadings, delivery: DeliveryJson, basis: BillBasis): Verdict {
  const { periods, periodSeconds, kind } = delivery;
  const { earlier, limits, imbalancePrice } = basis;
  const terms = { periods, periodSeconds, multiple: BigInt(delivery.multiple), imbalancePrice, limits };
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

/** What each side is due beside what it was paid: nobody is paid more, and the rest is told as a shortfall. */
function systemFault(charges: readonly Charge[], { members, systems, shortfall }: DeliveryJson): string | undefined {
  const sum = (of: (k: number) => bigint): bigint => charges.reduce((all, _, k) => all + of(k), 0n);
  const energy = sum((k) => charges[k].energy);
  const penalty = sum((k) => charges[k].penalty);
  const due = sum((k) => BigInt(members[k].dueNano));
  const moved = new Map(systems.map(({ account, movedNano }) => [account, BigInt(movedNano)]));
  const sides = [
    ...members.map(({ id, dueNano, movedNano }) => [`prosumer ${id}`, BigInt(dueNano), BigInt(movedNano)] as const),
    ["the desk", energy - penalty - due, moved.get("desk")!] as const,
    ["the utility", -energy, moved.get("utility")!] as const,
  ];
  const over = sides.find(([, is, paid]) => (is < 0n ? paid < is || paid > 0n : paid < 0n || paid > is));
  if (over !== undefined) return `${over[0]} is due ${over[1]} nano-dollars, and ${over[2]} were moved`;
  const fund = moved.get("insurance")!;
  if (fund > penalty && fund > 0n) return `the insurance fund is due ${penalty}, and ${fund} were moved`;
  const byFund = penalty > fund ? penalty - fund : 0n;
  const byReceivers = sides.reduce((all, [, is, paid]) => (is > 0n ? all + is - paid : all), 0n);
  const told = [BigInt(shortfall.byFundNano), BigInt(shortfall.byReceiversNano)];
  return byFund === told[0] && byReceivers === told[1]
    ? undefined
    : `the fund bears ${byFund} and receivers ${byReceivers}, not ${told.join(" and ")}`;
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
  const rest = due - BigInt(movedNano);
  const [owed, cut] = due < 0n ? [-rest, 0n] : [0n, rest];
  if (BigInt(arrearsNano) !== owed) return `${owed} nano-dollars stay owed, not ${arrearsNano}`;
  return BigInt(cutNano) === cut ? undefined : `${movedNano} were moved of ${due}, and the rest is nowhere`;
}
