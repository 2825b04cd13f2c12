/** Whether carbon was counted once: issued = held + retired, of each asset, from the events of both contracts. */
import { useEffect, useState } from "react";
import type { CarbonCount, Credits } from "../../../offchain-solver/browser.ts";
import type { MarketView } from "../market.ts";
import { called, moment, shortHash } from "../shown/format.ts";
import { Card, csv, Notice, saveText, Table } from "../shown/parts.tsx";
import type { Delivered } from "../useDelivery.ts";

type Props = { view: MarketView; delivered: Delivered; asked: string };
type Found = {
  readonly count: CarbonCount;
  readonly certificates: readonly Credits.Certified[];
  readonly retired: readonly Credits.Retired[];
};

const mark = (balanced: boolean): string => (balanced ? "✓ yes" : "✗ no");

export function Carbon({ view, delivered, asked }: Props) {
  const { code } = delivered;
  const { found, fault } = useCarbon(view, delivered);
  if (found === undefined)
    return (
      <Card title="Carbon" wide>
        {fault ? <Notice kind="bad">{fault}</Notice> : <Notice kind="busy">Counting allowances and credits…</Notice>}
      </Card>
    );
  const { assets, ledger } = found.count;
  const amount = (one: CarbonCount["assets"][number], value: bigint): string => code.amountText(value, one.unit);
  const grams = (value: bigint): string => code.amountText(value, "g");
  return (
    <Card
      title="Carbon"
      wide
      note="Every transfer is added up here: nothing is held that was not issued, and nothing that was retired is held."
    >
      <Table
        caption="Tokens: issued and out of the ledger = held and retired"
        heads={["What", "Issued", "Out of the ledger", "Held", "Retired", "Adds up"]}
        words={[5]}
        rows={assets.map((one) => [
          nameOf(one),
          amount(one, one.issued),
          amount(one, one.fromLedger),
          amount(one, one.held),
          amount(one, one.retired),
          mark(one.balanced),
        ])}
      />
      <Table
        caption="The market's ledger: issued and moved in = held and surrendered"
        heads={["What", "Issued", "Moved in", "Held", "Surrendered", "Adds up"]}
        words={[5]}
        rows={[
          [
            "Allowances in accounts",
            grams(ledger.issued),
            grams(ledger.fromTokens),
            grams(ledger.held),
            grams(ledger.surrendered),
            mark(ledger.balanced),
          ],
        ]}
      />
      <Register view={view} delivered={delivered} found={found} asked={asked} />
    </Card>
  );
}

const nameOf = ({ registry, vintage, method }: { registry: string; vintage: number; method: string }): string =>
  `${registry} ${vintage}, ${method}`;

/** Certificates and retirements; where something is searched for, those that it names. */
function Register({ view, delivered, found, asked }: Props & { found: Found }) {
  const { code } = delivered;
  const { assets } = found.count;
  const assetOf = (id: bigint) => assets.find(({ asset }) => asset === id);
  const idOf = (asset: bigint): string => `0x${asset.toString(16)}`;
  const name = (id: bigint): string => {
    const asset = assetOf(id);
    return asset === undefined ? idOf(id) : nameOf(asset);
  };
  const text = asked.toLowerCase();
  const meets = (...texts: readonly string[]): boolean =>
    text === "" || texts.some((one) => one.toLowerCase().includes(text));
  const certificates = found.certificates.filter((one) =>
    meets(idOf(one.asset), `${one.asset}`, name(one.asset), one.to, called(view.config, one.id), one.device),
  );
  const retired = found.retired.filter((one) =>
    meets(idOf(one.asset), `${one.asset}`, name(one.asset), one.holder, one.beneficiary),
  );
  const unit = (asset: bigint): string => assetOf(asset)?.unit ?? "";
  if (certificates.length + retired.length === 0)
    return <Notice kind="info">{text === "" ? "No credit was issued yet." : "No credit of that name."}</Notice>;
  return (
    <>
      {certificates.length > 0 && (
        <Table
          caption="Certificates: issued from meters"
          heads={["Session from", "Member", "Amount", "Of what", "Wallet"]}
          words={[1, 3, 4]}
          rows={certificates.map((one) => [
            moment(view.config, one.start),
            called(view.config, one.id),
            code.amountText(one.issued, unit(one.asset)),
            name(one.asset),
            { key: "to", shown: <code>{shortHash(one.to)}</code> },
          ])}
        />
      )}
      {retired.length > 0 && (
        <Table
          caption="Retired for good"
          heads={["No.", "Amount", "Of what", "For", "By"]}
          words={[2, 3, 4]}
          rows={retired.map((one) => [
            `${one.number}`,
            code.amountText(one.amount, unit(one.asset)),
            name(one.asset),
            one.beneficiary,
            { key: "holder", shown: <code>{shortHash(one.holder)}</code> },
          ])}
        />
      )}
      <div className="actions">
        <button onClick={() => saveText("carbon.csv", registerCsv(certificates, retired, name))}>
          Save credits as CSV
        </button>
      </div>
    </>
  );
}

const registerCsv = (
  certificates: Found["certificates"],
  retired: Found["retired"],
  name: (asset: bigint) => string,
): string =>
  csv([
    ["what", "asset", "of", "amount", "account_or_number", "wallet", "session", "for", "transaction"],
    ...certificates.map((one) => [
      "issued",
      `${one.asset}`,
      name(one.asset),
      `${one.issued}`,
      one.id,
      one.to,
      `${one.sequence}`,
      "",
      one.transaction,
    ]),
    ...retired.map((one) => [
      "retired",
      `${one.asset}`,
      name(one.asset),
      `${one.amount}`,
      `${one.number}`,
      one.holder,
      one.sequence === 0 ? "" : one.sequence,
      one.beneficiary,
      one.transaction,
    ]),
  ]);

function useCarbon({ provider, tick }: MarketView, { code, deployment }: Delivered) {
  const [found, setFound] = useState<Found>();
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    let ended = false;
    Promise.all([
      code.countCarbon(deployment, provider),
      code.Credits.readCertified(deployment, provider),
      code.Credits.readRetired(deployment, provider),
    ]).then(
      ([count, certificates, retired]) => {
        if (ended) return;
        setFound({ count, certificates, retired });
        setFault(undefined);
      },
      () => void (ended || setFault("Allowances and credits cannot be counted now; the page keeps trying.")),
    );
    return () => void (ended = true);
  }, [code, deployment, provider, tick]);
  return { found, fault };
}
