/** What the owner wants done with credits, checked before the wallet is asked. */
import { useState } from "react";
import type { Credits, WalletAccount } from "../../../offchain-solver/browser.ts";
import { eitherText, unitsOf } from "./amounts.ts";

type Holding = Credits.Holding;

export type Order = { readonly asset: bigint; readonly amount: bigint } & (
  | { readonly kind: "transfer"; readonly to: string }
  | { readonly kind: "retire"; readonly retirement: Credits.Retirement }
  | { readonly kind: "into" | "out" }
);
type Kind = Order["kind"];

type Session = { readonly sequence: number; readonly from: number; readonly until: number; readonly name: string };

type Props = {
  holdings: readonly Holding[];
  /** What grams of the market's ledger are as tokens. */
  ledger: Holding | undefined;
  account: WalletAccount;
  sessions: readonly Session[];
  busy: boolean;
  order: (order: Order) => Promise<boolean>;
};

const WORDS: Readonly<Record<Kind, readonly [string, string]>> = {
  retire: ["Retire for good", "Retire"],
  transfer: ["Give to another wallet", "Give"],
  into: ["Allowances into the market", "Move in"],
  out: ["Allowances out of the market", "Take out"],
};

const thousands = (unit: string): boolean => unit === "Wh" || unit === "g";
export const unitOf = (unit: string): string => (thousands(unit) ? `k${unit}` : unit);

/** Whole units of the token; undefined: no amount that there is. */
export const amountOf = (text: string, unit: string): bigint | "either" | undefined =>
  unitsOf(text, thousands(unit) ? 3 : 0);

const plain = (amount: bigint, unit: string): string =>
  thousands(unit) ? `${Number(amount) / 1e3} ${unitOf(unit)}` : `${amount} ${unit}`;

export function CreditForm({ holdings, ledger, account, sessions, busy, order }: Props) {
  const [kind, setKind] = useState<Kind>("retire");
  const [chosen, setChosen] = useState("");
  const [text, setText] = useState("");
  const [to, setTo] = useState("");
  const [session, setSession] = useState("");
  const [fault, setFault] = useState<string>();
  const free: Holding | undefined = ledger && { ...ledger, amount: account.allowanceG > 0n ? account.allowanceG : 0n };
  const offered =
    kind === "out"
      ? free && free.amount > 0n
        ? [free]
        : []
      : holdings.filter(({ asset }) => kind !== "into" || asset === ledger?.asset);
  const asset = offered.find((one) => `${one.asset}` === chosen) ?? offered[0];
  const kinds = (Object.keys(WORDS) as Kind[]).filter(
    (one) =>
      (one === "out" && free !== undefined && free.amount > 0n) ||
      (one === "into" && holdings.some((held) => held.asset === ledger?.asset)) ||
      ((one === "retire" || one === "transfer") && holdings.length > 0),
  );
  if (kinds.length === 0) return null;
  const does = kinds.includes(kind) ? kind : kinds[0];
  if (does !== kind) setKind(does);
  const submit = async (): Promise<void> => {
    if (asset === undefined) return;
    const amount = amountOf(text, asset.unit);
    const says = amount === "either" ? eitherText(text) : faultOf(does, asset, amount, to);
    setFault(says);
    if (says !== undefined || amount === undefined || amount === "either") return;
    const about = { asset: asset.asset, amount };
    const named = sessions.find(({ sequence }) => `${sequence}` === session);
    const { sequence = 0, from = 0, until = 0 } = named ?? {};
    const done = await order(
      does === "retire"
        ? { ...about, kind: does, retirement: { beneficiary: to.trim(), from, until, sequence } }
        : does === "transfer"
          ? { ...about, kind: does, to: to.trim() }
          : { ...about, kind: does },
    );
    if (done) setText("");
  };
  return (
    <form
      className="credits"
      aria-label="What to do with credits"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label>
        What to do
        <select value={does} onChange={({ target }) => setKind(target.value as Kind)}>
          {kinds.map((one) => (
            <option key={one} value={one}>
              {WORDS[one][0]}
            </option>
          ))}
        </select>
      </label>
      <label>
        Which
        <select value={`${asset?.asset ?? ""}`} onChange={({ target }) => setChosen(target.value)}>
          {offered.map((one) => (
            <option key={`${one.asset}`} value={`${one.asset}`}>
              {`${one.registry} ${one.vintage}, ${one.method} (${plain(one.amount, one.unit)})`}
            </option>
          ))}
        </select>
      </label>
      <label>
        How much, {unitOf(asset?.unit ?? "")}
        <input
          inputMode="decimal"
          autoComplete="off"
          value={text}
          aria-invalid={fault !== undefined}
          aria-describedby="credit-fault"
          onChange={({ target }) => setText(target.value)}
        />
      </label>
      {(does === "retire" || does === "transfer") && (
        <label>
          {does === "retire" ? "For whom" : "Wallet that receives them"}
          <input
            autoComplete="off"
            value={to}
            maxLength={200}
            placeholder={does === "retire" ? "a name that the certificate shows" : "0x…"}
            onChange={({ target }) => setTo(target.value)}
          />
        </label>
      )}
      {does === "retire" && (
        <label>
          For which session
          <select value={session} onChange={({ target }) => setSession(target.value)}>
            <option value="">none in particular</option>
            {sessions.map(({ sequence, name }) => (
              <option key={sequence} value={`${sequence}`}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <div className="actions">
        <button type="submit" className={does === "retire" ? "warn" : "first"} disabled={busy}>
          {WORDS[does][1]}
        </button>
      </div>
      <p id="credit-fault" className="fault" role={fault === undefined ? undefined : "alert"}>
        {fault}
      </p>
    </form>
  );
}

function faultOf(kind: Kind, asset: Holding, amount: bigint | undefined, to: string): string | undefined {
  if (amount === undefined)
    return `Enter an amount in ${unitOf(asset.unit)}${thousands(asset.unit) ? ", such as 0.5; the least is 0.001" : ", a whole number"}.`;
  if (amount > asset.amount) return `There are ${plain(asset.amount, asset.unit)} of it.`;
  if (kind === "retire" && to.trim() === "") return "Say for whom it is: the certificate names somebody.";
  if (kind === "transfer" && !/^0x[0-9a-fA-F]{40}$/.test(to.trim()))
    return "Enter the wallet's address: 0x and 40 hexadecimal digits.";
  return undefined;
}
