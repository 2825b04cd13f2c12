/** What the chain did, account by account, and what an auditor says. */
import type { SettlementJson } from "../../records/sessionJson.ts";
import { byBus, escape, number, total } from "../derive.ts";
import { called, currencyOf, inWords } from "../labels.ts";
import { card, grid, table } from "../page.ts";
import type { Session } from "./session.ts";

type Account = SettlementJson["accounts"][number];

/** Prosumers by bus as everywhere, then the others. */
function inOrder(accounts: readonly Account[], { clearing }: Session): Account[] {
  const of = new Map(accounts.map((row) => [row.account, row]));
  const prosumers = byBus(clearing.prosumers).flatMap(({ id }) => of.get(id) ?? []);
  return [...prosumers, ...accounts.filter((row) => !prosumers.includes(row))];
}

/** Nano-dollars to the last digit: more of them than a float's decimals can tell apart. */
const exactDollars = (nano: bigint): string => {
  const digits = `${nano < 0n ? -nano : nano}`.padStart(10, "0");
  const whole = BigInt(digits.slice(0, -9)).toLocaleString("en-US");
  return `${nano < 0n ? "−" : ""}${whole}.${digits.slice(-9)}`;
};

/** What every account gained over all of them. */
function allAccounts(settlements: readonly SettlementJson[]): Account[] {
  const sums = new Map<Account["account"], Account>();
  for (const row of settlements.flatMap(({ accounts }) => accounts)) {
    const { moneyNano, carbonG, energyWh } = sums.get(row.account) ?? { moneyNano: 0, carbonG: 0, energyWh: 0 };
    sums.set(row.account, {
      account: row.account,
      moneyNano: moneyNano + row.moneyNano,
      carbonG: carbonG + row.carbonG,
      energyWh: energyWh + row.energyWh,
    });
  }
  return [...sums.values()];
}

function accountCard(settlements: readonly SettlementJson[], session: Session): string {
  const accounts = inOrder(allAccounts(settlements), session);
  const busOf = new Map(session.clearing.prosumers.map(({ id, bus }) => [id as Account["account"], bus]));
  const money = accounts.reduce((sum, row) => sum + BigInt(row.moneyNano), 0n);
  const [energy, carbon] = (["energyWh", "carbonG"] as const).map((key) => total(accounts.map((row) => row[key])));
  const balanced = money === 0n && energy === 0 && carbon === 0;
  return card(
    "What every account gained",
    table(
      ["Account", `Money, ${currencyOf(session.scenario).whole}`, "Energy, Wh", "Allowances, g"],
      accounts.map((row) => [
        typeof row.account === "number" ? called(session.scenario, row.account, busOf.get(row.account)) : row.account,
        exactDollars(BigInt(row.moneyNano)),
        number(row.energyWh, 0),
        number(row.carbonG, 0),
      ]),
      { foot: ["Sum", exactDollars(money), number(energy, 0), number(carbon, 0)] },
    ),
    {
      note: `${accounts.length} accounts; energy sold is positive. ${balanced ? "Every column adds up to zero, to the last unit." : "Not every column adds up to zero."}`,
    },
  );
}

function chainCard(settlement: SettlementJson, { scenario }: Session): string {
  return card(
    "On chain",
    table(
      ["Block", number(settlement.block, 0)],
      [
        ["Gas", number(settlement.gasUsed, 0)],
        ["Gas a trade", number(settlement.gasUsed / Math.max(1, settlement.trades), 0)],
        ["Payload", `${number(settlement.bytes, 0)} bytes`],
        ["Trades", number(settlement.trades, 0)],
        [inWords(scenario, "Prosumers"), number(settlement.prosumers, 0)],
      ],
    ) + `<p class="note hash">Transaction <code>${settlement.txHash}</code></p>`,
  );
}

export function settlementAndAudit(session: Session): string {
  const { settlements, audit } = session;
  const cards =
    settlements.length === 0
      ? []
      : [...settlements.map((one) => chainCard(one, session)), accountCard(settlements, session)];
  if (audit !== undefined) {
    const rows = audit.verdicts.map(({ session: name, verdict, predicate }) => [
      `<code>${escape(name)}</code>`,
      `<span class="verdict ${verdict}">${verdict}</span>`,
      escape(predicate ?? "–"),
    ]);
    cards.push(
      card("Audit", table(["Session", "Verdict", "Predicate or missing data"], rows), {
        note: "Judged by the witness alone; the auditor does not run the solver.",
        wide: true,
      }),
    );
  }
  return cards.length === 0 ? "" : grid(...cards);
}
