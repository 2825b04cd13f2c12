/** What the account holds, and the ways in and out. */
import { useEffect, useState } from "react";
import { Owner, type WalletAccount } from "../../../offchain-solver/browser.ts";
import type { MarketView } from "../market.ts";
import { dollars, duration, moment, number, ofNano, ofTokens } from "../shown/format.ts";
import { Card, Figures, Notice } from "../shown/parts.tsx";
import { useAct } from "../wallet/useAct.ts";
import type { Wallet } from "../wallet/useWallet.ts";
import { inDollars, tokensOf } from "./amounts.ts";

type Props = { view: MarketView; wallet: Wallet; account: WalletAccount; after: () => void };

export function Money({ view, wallet, account, after }: Props) {
  const { act, run } = useAct(after);
  const [text, setText] = useState("");
  const [fault, setFault] = useState<string>();
  const { deployment } = view;
  const { id, leaving } = account;
  const busy = act.kind === "busy";
  const leavingAll = leaving.tokens + leaving.queued;
  const left = account.deposit / 1_000n - leaving.queued;
  const given = (most: bigint, where: string): bigint | undefined => {
    const tokens = tokensOf(text);
    const says = typeof tokens === "string" ? tokens : tokens > most ? `${where} ${inDollars(most)}.` : undefined;
    setFault(says);
    return typeof tokens === "string" || says !== undefined ? undefined : tokens;
  };
  const withSigner = (what: (signer: Awaited<ReturnType<Wallet["signer"]>>) => Promise<unknown>) => async () =>
    what(await wallet.signer());
  const pay = async (): Promise<void> => {
    const tokens = given(account.tokens, "Your wallet holds");
    if (tokens === undefined) return;
    const done = `${inDollars(tokens)} are in your deposit.`;
    const paid = await run(
      "Your wallet asks for the permit, then for the transaction.",
      done,
      withSigner((signer) => Owner.deposit(deployment, signer, id, tokens)),
    );
    if (paid) setText("");
  };
  const ask = (tokens: bigint | undefined): void => {
    if (tokens === undefined) return;
    void run(
      "Your wallet asks for the transaction.",
      "Asked for. It can be paid out three days from now; what is locked or held follows.",
      withSigner((signer) => Owner.requestWithdrawal(deployment, signer, id, tokens)),
    );
  };
  const leave = (): void =>
    void run(
      "Your wallet asks three times: to revoke, to end your connection, then to ask for your deposit.",
      "You have left: no later session has you in it, none that begins more than two days from now can charge you, and your deposit is on its way.",
      withSigner((signer) => Owner.leave(deployment, signer, account)),
    );
  return (
    <Card title="Your money">
      <Figures
        all={[
          { label: "Deposit", value: dollars(ofNano(account.deposit)), detail: "in the market's contract" },
          { label: "Free", value: dollars(ofNano(account.free)), detail: "could leave now" },
          { label: "Locked", value: dollars(ofNano(account.lock)), detail: "the open session may take it" },
          { label: "Held", value: dollars(ofNano(account.hold)), detail: "until it is metered" },
          ...(account.arrears > 0n
            ? [
                {
                  label: "Owed",
                  value: dollars(ofNano(account.arrears)),
                  detail: "of what meters came to; taken when it is there",
                },
              ]
            : []),
          { label: "In your wallet", value: dollars(ofTokens(account.tokens)) },
          { label: "Allowances", value: `${number(Number(account.allowanceG) / 1e3, 3)} kg`, detail: "of CO₂" },
        ]}
      />
      {leavingAll > 0n && (
        <Leaving
          view={view}
          account={account}
          busy={busy}
          payOut={() =>
            void run(
              "Your wallet asks for the transaction.",
              "It is paid to your wallet.",
              withSigner((signer) => Owner.withdraw(deployment, signer, id)),
            )
          }
        />
      )}
      <form
        className="money"
        onSubmit={(event) => {
          event.preventDefault();
          void pay();
        }}
      >
        <label htmlFor="amount">Amount, $</label>
        <input
          id="amount"
          inputMode="decimal"
          autoComplete="off"
          value={text}
          onChange={({ target }) => setText(target.value)}
          aria-describedby="amount-fault"
          aria-invalid={fault !== undefined}
        />
        <div className="actions">
          <button type="submit" className="first" disabled={busy}>
            Pay in
          </button>
          <button type="button" disabled={busy} onClick={() => ask(given(left, "What you can ask for is"))}>
            Take out
          </button>
          <button
            type="button"
            className="warn"
            disabled={busy || (left === 0n && account.mandate === undefined && account.connectionEnds !== 0n)}
            onClick={leave}
          >
            Revoke and leave
          </button>
        </div>
        <p id="amount-fault" className="fault" role={fault === undefined ? undefined : "alert"}>
          {fault}
        </p>
      </form>
      {act.kind !== "idle" && act.says !== "" && (
        <Notice kind={act.kind === "failed" ? "bad" : act.kind === "done" ? "good" : "busy"}>{act.says}</Notice>
      )}
    </Card>
  );
}

/** The contract counts by the chain's clock; between blocks the page counts on. */
function Leaving({
  view,
  account,
  busy,
  payOut,
}: {
  view: MarketView;
  account: WalletAccount;
  busy: boolean;
  payOut: () => void;
}) {
  const { leaving, now } = account;
  const [since, setSince] = useState(0);
  useEffect(() => {
    const began = Date.now();
    setSince(0);
    const timer = setInterval(() => setSince(Math.floor((Date.now() - began) / 1000)), 1_000);
    return () => clearInterval(timer);
  }, [now]);
  const seconds = Number(leaving.availableAt - now) - since;
  const amount = dollars(ofTokens(leaving.tokens + leaving.queued));
  return (
    <div className="leaving">
      <p>
        <strong>{amount}</strong>{" "}
        {seconds > 0 ? (
          <>
            can be paid out in <strong>{duration(seconds)}</strong>, on{" "}
            {moment(view.config, Number(leaving.availableAt))}
          </>
        ) : (
          "can be paid out now"
        )}
        {seconds > 0 && "; asking for more starts the three days anew for all of it"}
        {leaving.queued > 0n &&
          `; ${dollars(ofTokens(leaving.queued))} of it waits until it is no longer locked or held`}
        .
      </p>
      <button disabled={busy || seconds > 0} onClick={payOut}>
        Pay it out
      </button>
    </div>
  );
}
