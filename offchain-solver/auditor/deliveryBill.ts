/** The bill that comes of a session's readings, held against what delivery.json tells. */
import type { SessionReadings } from "../codec/readings.ts";
import { attempt } from "../codec/refusal.ts";
import { bill, closedBy, type Bill, type Line } from "../ledger/delivery.ts";
import type { DeliveryJson, MetersJson } from "../records/deliveryJson.ts";
import { invalid, VALID, type Verdict } from "./verdict.ts";

/** Every bill to the last unit: what is due by the ledger, and that what was moved sums to zero. */
export function checkBill(readings: SessionReadings, delivery: DeliveryJson, { connections }: MetersJson): Verdict {
  const basis = {
    periods: delivery.periods,
    periodSeconds: delivery.periodSeconds,
    closed: closedBy(delivery.kind),
    multiple: delivery.multiple,
    connections: new Map(connections.map((one) => [one.prosumer, one])),
  };
  const found = attempt((): Bill => bill(readings, basis));
  if ("kind" in found) return invalid(found.predicate, found.detail.join(", "));
  for (const [k, line] of found.lines.entries()) {
    const fault = billFault(line, found.allowancePrice, delivery.members[k]);
    if (fault !== undefined) return invalid("billNotTheReadings", `prosumer ${line.id}: ${fault}`);
  }
  const system = systemFault(found, delivery);
  if (system !== undefined) return invalid("billNotTheReadings", system);
  const moved = [...delivery.members, ...delivery.systems].reduce((sum, { movedNano }) => sum + BigInt(movedNano), 0n);
  return moved === 0n ? VALID : invalid("moneyNotConserved", `what was moved adds up to ${moved}`);
}

/** Where everybody could pay, the other sides are what the members' come to. */
function systemFault({ lines }: Bill, { members, systems, shortfall }: DeliveryJson): string | undefined {
  if (shortfall.byFundNano + shortfall.byReceiversNano > 0) return undefined;
  const sum = (of: (k: number) => bigint): bigint => lines.reduce((all, _, k) => all + of(k), 0n);
  const energy = sum((k) => lines[k].energy);
  const penalty = sum((k) => lines[k].penalty);
  const due = sum((k) => BigInt(members[k].dueNano));
  const sides = { insurance: penalty, desk: energy - penalty - due, utility: -energy };
  const bad = systems.find(({ account, movedNano }) => BigInt(movedNano) !== sides[account]);
  return bad && `${bad.account} receives ${sides[bad.account]}, not ${bad.movedNano}`;
}

function billFault(line: Line, allowancePrice: bigint, member: DeliveryJson["members"][number]): string | undefined {
  const { parts, surrenderedG, boughtG, dueNano, movedNano, arrearsNano, cutNano } = member;
  if (BigInt(surrenderedG) + BigInt(boughtG) !== line.emissionsG) return `${line.emissionsG} g were emitted`;
  const room = line.most + (line.energy < line.penalty ? line.energy - line.penalty : 0n);
  const lacking = BigInt(boughtG) * allowancePrice;
  const cost = lacking < room ? lacking : room > 0n ? room : 0n;
  const due = line.energy - line.penalty - cost;
  if (due !== BigInt(dueNano)) return `${due} nano-dollars are due, not ${dueNano}`;
  const sum = Object.values(parts).reduce((all, nano) => all + BigInt(nano), 0n);
  if (sum !== due) return `its parts add up to ${sum}, not to ${due}`;
  if (BigInt(-parts.penaltyNano) !== line.penalty) return `the penalty is ${line.penalty}, not ${-parts.penaltyNano}`;
  const carried = BigInt(movedNano) - BigInt(arrearsNano) + BigInt(cutNano);
  return carried === due ? undefined : `${movedNano} were moved of ${due}, and the rest is nowhere`;
}
