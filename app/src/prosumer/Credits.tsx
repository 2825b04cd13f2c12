/** Credits and allowances in the owner's wallet: claimed, given on, moved into the market and out, retired for good. */
import { useEffect, useState } from "react";
import type { WalletAccount } from "../../../offchain-solver/browser.ts";
import type { MarketView } from "../market.ts";
import { moment, shortHash } from "../shown/format.ts";
import { Card, Notice, saveText, Table } from "../shown/parts.tsx";
import type { Delivered } from "../useDelivery.ts";
import { useAct } from "../wallet/useAct.ts";
import type { Wallet } from "../wallet/useWallet.ts";
import { CreditForm, type Order } from "./CreditForm.tsx";

type Signer = Awaited<ReturnType<Wallet["signer"]>>;
type Credits = Delivered["code"]["Credits"];
type Owned = {
  readonly holdings: Awaited<ReturnType<Credits["readHoldings"]>>;
  readonly claims: Awaited<ReturnType<Credits["readClaims"]>>;
  readonly retired: Awaited<ReturnType<Credits["readRetired"]>>;
  readonly ledgerAsset: bigint;
};

type Props = {
  view: MarketView;
  wallet: Wallet;
  account: WalletAccount;
  delivered: Delivered;
  after: () => void;
};

export default function CreditsCard({ view, wallet, account, delivered, after }: Props) {
  const { code, deployment, entries } = delivered;
  const { Credits } = code;
  const [count, setCount] = useState(0);
  const { owned, fault } = useOwned(view, delivered, account, count);
  const { act, run } = useAct(() => {
    setCount((last) => last + 1);
    after();
  });
  const busy = act.kind === "busy";
  const order = (given: Order): Promise<boolean> => {
    const { asset, amount } = given;
    const sent = (done: string, what: (signer: Signer) => Promise<unknown>): Promise<boolean> =>
      run("Your wallet asks for the transaction.", done, async () => what(await wallet.signer()));
    switch (given.kind) {
      case "transfer":
        return sent(`They are with ${given.to}.`, (signer) =>
          Credits.transfer(deployment, signer, given.to, asset, amount),
        );
      case "into":
        return sent("They are in your account of the market.", (signer) =>
          Credits.depositAllowances(deployment, signer, account.id, amount),
        );
      case "out":
        return sent("They are in your wallet.", (signer) =>
          Credits.withdrawAllowances(deployment, signer, account.id, amount),
        );
      case "retire":
        return sent("Retired for good. The certificate is below.", (signer) =>
          Credits.retire(deployment, signer, { ...given.retirement, asset, amount }),
        );
    }
  };
  if (owned === undefined)
    return (
      <Card title="Credits" wide>
        {fault ? <Notice kind="bad">{fault}</Notice> : <Notice kind="busy">Reading your credits…</Notice>}
      </Card>
    );
  const held = owned.holdings.filter(({ amount }) => amount > 0n);
  return (
    <Card
      title="Credits"
      wide
      note="Renewable energy that your meter measured, and allowances to emit CO₂: tokens of your own wallet."
    >
      {held.length === 0 ? (
        <Notice kind="info">
          Your wallet holds no credits. They are issued from what your meter measures, a day after the readings are
          final.
        </Notice>
      ) : (
        <Table
          caption="In your wallet"
          heads={["What", "Kind", "Amount", "CO₂ it stands for"]}
          words={[1]}
          rows={held.map((one) => [
            named(one),
            one.allowance ? "allowance" : "credit",
            code.amountText(one.amount, one.unit),
            one.factorMicroG === 0n ? "none claimed" : code.amountText(code.gramsOf(one), "g"),
          ])}
        />
      )}
      {owned.claims.length > 0 && (
        <ul className="claims" aria-label="Credits that can be claimed">
          {owned.claims.map(({ entry, wh, from }) => (
            <li key={`${entry.sequence}`}>
              {code.amountText(wh, "Wh")} measured in the session of{" "}
              {entry.read === undefined ? "–" : moment(view.config, entry.read.start)}:{" "}
              {from > account.now ? (
                `can be claimed from ${moment(view.config, Number(from))} on`
              ) : (
                <button
                  disabled={busy}
                  onClick={() =>
                    void run("Your wallet asks for the transaction.", "The credits are in your wallet.", async () =>
                      Credits.claim(deployment, await wallet.signer(), entry, account.id),
                    )
                  }
                >
                  Claim them
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <CreditForm
        holdings={held}
        ledger={owned.holdings.find(({ asset }) => asset === owned.ledgerAsset)}
        account={account}
        sessions={sessionsOf(view, entries)}
        busy={busy}
        order={order}
      />
      {act.kind !== "idle" && act.says !== "" && (
        <Notice kind={act.kind === "failed" ? "bad" : act.kind === "done" ? "good" : "busy"}>{act.says}</Notice>
      )}
      {owned.retired.length > 0 && <Retired view={view} delivered={delivered} owned={owned} />}
    </Card>
  );
}

export const named = ({ registry, vintage, method }: { registry: string; vintage: number; method: string }): string =>
  `${registry} ${vintage}, ${method}`;

/** Sessions that a retirement can be for, newest first. */
const sessionsOf = ({ config }: MarketView, entries: Delivered["entries"]) =>
  [...new Map(entries.map((entry) => [entry.sequence, entry])).values()].reverse().flatMap(({ sequence, read }) => {
    if (read === undefined) return [];
    const until = read.start + read.periods * read.periodSeconds;
    return [{ sequence: Number(sequence), from: read.start, until, name: moment(config, read.start) }];
  });

function Retired({ view, delivered, owned }: { view: MarketView; delivered: Delivered; owned: Owned }) {
  const { code, deployment } = delivered;
  const rows = [...owned.retired].reverse().flatMap((one) => {
    const asset = owned.holdings.find((other) => other.asset === one.asset);
    return asset === undefined ? [] : [{ ...asset, ...one }];
  });
  const save = (one: (typeof rows)[number]): void => {
    const place = { chainId: deployment.chainId, contract: deployment.carbonCredit as string };
    saveText(`retirement-${one.number}.html`, code.renderCertificate({ ...one, ...place }), "text/html");
  };
  return (
    <Table
      caption="Retired for good"
      heads={["No.", "What", "Amount", "For", "Period", "Certificate"]}
      words={[1, 3, 4, 5]}
      rows={rows.map((one) => [
        `${one.number}`,
        named(one),
        code.amountText(one.amount, one.unit),
        one.beneficiary,
        one.until === 0 ? "–" : `${moment(view.config, one.from)} to ${moment(view.config, one.until)}`,
        {
          key: "file",
          shown: (
            <button className="link" onClick={() => save(one)} title={shortHash(one.transaction)}>
              Save certificate {`${one.number}`}
            </button>
          ),
        },
      ])}
    />
  );
}

/** Read again when the chain has moved or the owner has done something. */
function useOwned(view: MarketView, { code, deployment, entries }: Delivered, account: WalletAccount, count: number) {
  const { provider, tick } = view;
  const { id, wallet } = account;
  const [owned, setOwned] = useState<Owned>();
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    let ended = false;
    const { Credits } = code;
    Promise.all([
      Credits.readHoldings(deployment, provider, wallet),
      Credits.readClaims(deployment, provider, entries, id),
      Credits.readRetired(deployment, provider, wallet),
      Credits.ledgerAsset(deployment, provider),
    ]).then(
      ([holdings, claims, retired, ledgerAsset]) => {
        if (ended) return;
        setOwned({ holdings, claims, retired, ledgerAsset });
        setFault(undefined);
      },
      // The banner says that nobody answers; what was read last stays.
      () => void (ended || setFault("Your credits cannot be read now; the page keeps trying.")),
    );
    return () => void (ended = true);
  }, [code, deployment, provider, entries, id, wallet, tick, count]);
  return { owned, fault };
}
