/** The bill that comes of a session's readings, held against what delivery.json tells. */
import type { SessionReadings } from "../codec/readings.ts";
import type { DeliveryJson } from "../records/deliveryJson.ts";
import { chargesOf, DESK, difference, FUND, isFault, UTILITY, type Charge, type Limits } from "./charges.ts";
import { invalid, VALID, type Verdict } from "./verdict.ts";

/** What readings are charged by; `earlier`: what was entered before, whose charges have been moved already. */
export type BillBasis = {
  /** Most that a kWh costs that is short, 1e-6 $, by the frozen terms. */
  readonly imbalancePrice: number;
  readonly limits: ReadonlyMap<number, Limits>;
  readonly earlier?: { readonly readings: SessionReadings; readonly final: boolean } | undefined;
  /** By account: what the entry before could not move. */
  readonly left?: ReadonlyMap<number, bigint>;
};

const SYSTEM = { insurance: FUND, desk: DESK, utility: UTILITY } as const;

/** Every bill to the last unit: what is due by the readings, and that what was moved sums to zero. */
export function checkBill(readings: SessionReadings, delivery: DeliveryJson, basis: BillBasis): Verdict {
  const { periods, periodSeconds, kind } = delivery;
  const { earlier, limits, imbalancePrice, left = new Map<number, bigint>() } = basis;
  const terms = { periods, periodSeconds, multiple: BigInt(delivery.multiple), imbalancePrice, limits };
  const all = chargesOf(readings, terms, kind !== "provisional");
  if (isFault(all)) return invalid(all.predicate, all.detail);
  const old = earlier && chargesOf(earlier.readings, terms, earlier.final);
  if (old && isFault(old)) return invalid(old.predicate, old.detail);
  const charges = old ? difference(all, old, earlier.final) : all;
  if (isFault(charges)) return invalid(charges.predicate, charges.detail);
  const sides = delivery.systems.map(({ account }) => account).toSorted();
  if (sides.join() !== Object.keys(SYSTEM).toSorted().join())
    return invalid(
      "billNotTheReadings",
      `it tells of ${sides.join(", ")}, not once each of insurance, desk and utility`,
    );
  const untrue = leftFault(left, delivery);
  if (untrue !== undefined) return invalid("billNotTheReadings", untrue);
  for (const [k, charge] of charges.entries()) {
    const fault = billFault(charge, BigInt(readings.allowancePrice), delivery.members[k]);
    if (fault !== undefined) return invalid("billNotTheReadings", `prosumer ${charge.id}: ${fault}`);
  }
  const system = systemFault(charges, delivery);
  if (system !== undefined) return invalid("billNotTheReadings", system);
  const moved = [...delivery.members, ...delivery.systems].reduce((sum, { movedNano }) => sum + BigInt(movedNano), 0n);
  return moved === 0n ? VALID : invalid("moneyNotConserved", `what was moved adds up to ${moved}`);
}

function leftFault(left: ReadonlyMap<number, bigint>, { members, systems }: DeliveryJson): string | undefined {
  const told = [...members, ...systems.map((one) => ({ ...one, id: SYSTEM[one.account] }))];
  const wrong = told.find(({ id, takenUpNano }) => BigInt(takenUpNano) !== (left.get(id) ?? 0n));
  return wrong && `account ${wrong.id} had ${left.get(wrong.id) ?? 0n} nano-dollars left, not ${wrong.takenUpNano}`;
}

/** What each side is due beside what it was paid: nobody is paid more, and the rest is told as a shortfall. */
function systemFault(charges: readonly Charge[], { members, systems, shortfall }: DeliveryJson): string | undefined {
  const sum = (of: (k: number) => bigint): bigint => charges.reduce((all, _, k) => all + of(k), 0n);
  const energy = sum((k) => charges[k].energy);
  const penalty = sum((k) => charges[k].penalty);
  const due = sum((k) => BigInt(members[k].dueNano));
  const moved = new Map(systems.map(({ account, movedNano }) => [account, BigInt(movedNano)]));
  const left = new Map(systems.map(({ account, takenUpNano }) => [account, BigInt(takenUpNano)]));
  const wanted = ({ dueNano, takenUpNano }: DeliveryJson["members"][number]) => BigInt(dueNano) + BigInt(takenUpNano);
  const sides = [
    ...members.map((one) => [`prosumer ${one.id}`, wanted(one), BigInt(one.movedNano)] as const),
    ["the desk", energy - penalty - due + left.get("desk")!, moved.get("desk")!] as const,
    ["the utility", left.get("utility")! - energy, moved.get("utility")!] as const,
  ];
  const over = sides.find(([, is, paid]) => (is < 0n ? paid < is || paid > 0n : paid < 0n || paid > is));
  if (over !== undefined) return `${over[0]} is due ${over[1]} nano-dollars, and ${over[2]} were moved`;
  const fund = moved.get("insurance")!;
  const owed = penalty + left.get("insurance")!;
  if (fund > owed && fund > 0n) return `the insurance fund is due ${owed}, and ${fund} were moved`;
  const byFund = owed > fund ? owed - fund : 0n;
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
  const { surrenderedG, boughtG, dueNano, takenUpNano, movedNano, arrearsNano, cutNano, releasedMilli } = member;
  const { energy, penalty, most, emissionsG } = charge;
  if (BigInt(surrenderedG) + BigInt(boughtG) !== emissionsG) return `${emissionsG} g are to be surrendered`;
  const charged = energy - penalty + BigInt(takenUpNano);
  const room = most + (charged < 0n ? charged : 0n);
  const lacking = BigInt(boughtG) * allowancePrice;
  const cost = lacking < room ? lacking : room > 0n ? room : 0n;
  const due = energy - penalty - cost;
  if (due !== BigInt(dueNano)) return `${due} nano-dollars are due, not ${dueNano}`;
  const part = partFault(charge, { lacking, due }, member);
  if (part !== undefined) return part;
  if (BigInt(releasedMilli) > charge.releasedMilli) return `${charge.releasedMilli} are released, not ${releasedMilli}`;
  const wanted = due + BigInt(takenUpNano);
  const rest = wanted - BigInt(movedNano);
  const [owed, cut] = wanted < 0n ? [-rest, 0n] : [0n, rest];
  if (BigInt(arrearsNano) !== owed) return `${owed} nano-dollars stay owed, not ${arrearsNano}`;
  return BigInt(cutNano) === cut ? undefined : `${movedNano} were moved of ${wanted}, and the rest is nowhere`;
}

/** Line by line what is due: what the connection's bound took off is the rest, and no place to hide another line in. */
function partFault(
  { short, long, called, penalty }: Charge,
  { lacking, due }: { readonly lacking: bigint; readonly due: bigint },
  { parts }: DeliveryJson["members"][number],
): string | undefined {
  const unbounded = short + long + called - penalty - lacking;
  const lines: readonly (readonly [name: string, is: bigint, told: number])[] = [
    ["less than was due", short, parts.shortNano],
    ["more than was due", long, parts.longNano],
    ["reserve that was called", called, parts.responsesNano],
    ["reserve that was not delivered", -penalty, parts.penaltyNano],
    ["allowances bought", -lacking, parts.allowancesNano],
    ["the connection's bound", due - unbounded, parts.boundNano],
  ];
  const wrong = lines.find(([, is, told]) => is !== BigInt(told));
  return wrong && `${wrong[1]} nano-dollars are for ${wrong[0]}, not ${wrong[2]}`;
}
