/** A member's own view: its wallet, its money, its mandate, its day. */
import { lazy, Suspense, useEffect, useState } from "react";
import { Owner, type WalletAccount } from "../../../offchain-solver/browser.ts";
import type { MarketView } from "../market.ts";
import { called, shortHash } from "../shown/format.ts";
import { Guard } from "../shown/Guard.tsx";
import { Card, Notice } from "../shown/parts.tsx";
import { useDelivery } from "../useDelivery.ts";
import { failure, useAct } from "../wallet/useAct.ts";
import { useWallet, type Announced, type Wallet } from "../wallet/useWallet.ts";
import { Bills } from "./Bills.tsx";
import { MandateEditor } from "./MandateEditor.tsx";
import { Money } from "./Money.tsx";

const Credits = lazy(() => import("./Credits.tsx"));

export default function Prosumer({ view }: { view: MarketView }) {
  const wallet = useWallet();
  const { act, run } = useAct(view.refresh);
  if (wallet.address === undefined) return <Connect wallet={wallet} />;
  if (wallet.chainId !== view.deployment.chainId)
    return (
      <Card title="Another network">
        <Notice kind="bad">
          Your wallet is on network {`${wallet.chainId}`}; this market is on network {`${view.deployment.chainId}`}.
        </Notice>
        <div className="actions">
          <button
            className="first"
            disabled={act.kind === "busy"}
            onClick={() =>
              void run("Your wallet asks you to switch.", "", () =>
                wallet.goTo(view.deployment.chainId, view.config.rpc),
              )
            }
          >
            Switch the network
          </button>
        </div>
        {act.kind === "failed" && <Notice kind="bad">{act.says}</Notice>}
      </Card>
    );
  return <Owned key={wallet.address} view={view} wallet={wallet} address={wallet.address} />;
}

function Connect({ wallet }: { wallet: Wallet }) {
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const { announced } = wallet;
  const connect = (one: Announced): void => {
    setBusy(true);
    setFault(undefined);
    void wallet
      .connect(one)
      .catch((error) => setFault(failure(error)))
      .finally(() => setBusy(false));
  };
  return (
    <Card
      title="Connect your wallet"
      note="The page holds no key and no account: your wallet signs, the market's contract keeps your money and your limits."
    >
      {announced.length === 0 ? (
        <Notice kind="info">
          This browser shows no wallet. Install one that announces itself (EIP-6963), or use{" "}
          <code>gridpact wallet</code> from a terminal. What the feeder does and what was proven is open to everybody,
          above.
        </Notice>
      ) : (
        <div className="actions">
          {announced.map((one) => (
            <button key={one.uuid} className="first" disabled={busy} onClick={() => connect(one)}>
              Connect {one.name}
            </button>
          ))}
        </div>
      )}
      {busy && <Notice kind="busy">Your wallet asks whether this page may see your address.</Notice>}
      {fault !== undefined && <Notice kind="bad">{fault}</Notice>}
    </Card>
  );
}

type Found =
  | { readonly kind: "busy" }
  | { readonly kind: "fault"; readonly says: string }
  | { readonly kind: "ids"; readonly ids: readonly number[] };

function Owned({ view, wallet, address }: { view: MarketView; wallet: Wallet; address: string }) {
  const { deployment, provider, tick } = view;
  const [found, setFound] = useState<Found>({ kind: "busy" });
  const [chosen, setChosen] = useState<number>();
  useEffect(() => {
    let ended = false;
    Owner.accountsOf(deployment, provider, address).then(
      (ids) => void (ended || setFound({ kind: "ids", ids })),
      // What was found last stays, and with it what the owner is writing.
      (error) =>
        void (ended || setFound((last) => (last.kind === "ids" ? last : { kind: "fault", says: failure(error) }))),
    );
    return () => void (ended = true);
    // A wallet may be registered while the page is open.
  }, [deployment, provider, address, tick]);
  if (found.kind === "busy") return <Notice kind="busy">Looking for the accounts of {shortHash(address)}…</Notice>;
  if (found.kind === "fault") return <Notice kind="bad">{found.says}</Notice>;
  if (found.ids.length === 0)
    return (
      <Card title="No account yet">
        <p>
          <code>{address}</code> owns no account of this market. Send your registration (<code>gridpact init</code>) to
          the operator of your community; once you are registered your account appears here.
        </p>
      </Card>
    );
  const id = chosen !== undefined && found.ids.includes(chosen) ? chosen : found.ids[0];
  return (
    <>
      <div className="who">
        <p>
          <strong>{called(view.config, id)}</strong> <span className="quiet">{shortHash(address)}</span>
        </p>
        {found.ids.length > 1 && (
          <label>
            Account{" "}
            <select value={id} onChange={({ target }) => setChosen(Number(target.value))}>
              {found.ids.map((one) => (
                <option key={one} value={one}>
                  {called(view.config, one)}
                </option>
              ))}
            </select>
          </label>
        )}
        <button onClick={wallet.disconnect}>Disconnect</button>
      </div>
      <Account key={id} view={view} wallet={wallet} id={id} />
    </>
  );
}

function Account({ view, wallet, id }: { view: MarketView; wallet: Wallet; id: number }) {
  const { deployment, provider, tick, refresh } = view;
  const [account, setAccount] = useState<WalletAccount>();
  const [fault, setFault] = useState<string>();
  const [count, setCount] = useState(0);
  const delivery = useDelivery(view);
  useEffect(() => {
    let ended = false;
    Owner.readAccount(deployment, provider, id).then(
      (one) => {
        if (ended) return;
        setAccount(one);
        setFault(undefined);
      },
      // What was read last stays.
      (error) => void (ended || setFault(failure(error))),
    );
    return () => void (ended = true);
  }, [deployment, provider, id, tick, count]);
  const after = (): void => {
    setCount((last) => last + 1);
    refresh();
  };
  if (account === undefined)
    return fault === undefined ? (
      <Notice kind="busy">Reading the account…</Notice>
    ) : (
      <Notice kind="bad">The account cannot be read now; the page keeps trying. {fault}</Notice>
    );
  return (
    <div className="grid">
      {fault !== undefined && view.away === undefined && (
        <Notice kind="bad">The account cannot be read now: what is shown of it may be out of date.</Notice>
      )}
      <Money view={view} wallet={wallet} account={account} after={after} />
      <MandateEditor view={view} wallet={wallet} account={account} after={after} />
      <Guard>
        <Bills view={view} id={id} delivery={delivery} />
      </Guard>
      {delivery.kind === "fault" && (
        <Card title="At the meter" wide>
          <Notice kind="bad">{delivery.says}</Notice>
        </Card>
      )}
      {delivery.kind === "found" && (
        <Suspense fallback={<Notice kind="busy">Reading your credits…</Notice>}>
          <Guard>
            <Credits view={view} wallet={wallet} account={account} delivered={delivery.delivered} after={after} />
          </Guard>
        </Suspense>
      )}
    </div>
  );
}
