/** What a contract that is not the market's would do. */
import { TOKEN } from "../../../offchain-solver/codec/abi.ts";
import { flipped, forged, type Shown, type TrueSession } from "../forge.ts";
import { callKey } from "../recordedChain.ts";
import { type Corruption, forging } from "./corruption.ts";

const word = (value: bigint): string => `0x${value.toString(16).padStart(64, "0")}`;

export const CONTRACT: readonly Corruption[] = [
  {
    name: "the market runs other code that tells of the same events",
    predicate: "notTheReleasedCode",
    shown: (session) => edited(session, (shown) => withCode(shown, shown.record.market, 100)),
  },
  {
    name: "the registry runs other code",
    predicate: "notTheReleasedCode",
    shown: (session) => edited(session, (shown) => withCode(shown, shown.record.registry, 50)),
  },
  {
    name: "the market's tokens are gone",
    predicate: "balanceShort",
    shown: (session) =>
      edited(session, ({ record, files }) => {
        const key = callKey(record.token, TOKEN.encodeFunctionData("balanceOf", [record.market]), record.head);
        return { record: { ...record, calls: { ...record.calls, [key]: word(0n) } }, files };
      }),
  },
  {
    name: "one account is paid what another is not",
    predicate: "ledgerChange",
    shown: forging({
      deltas: (deltas) =>
        deltas.map((d, k) => (k < 2 ? { ...d, money: d.money + (k === 0 ? 1_000_000n : -1_000_000n) } : d)),
    }),
  },
  {
    name: "a nano-dollar is made",
    predicate: "ledgerChange",
    shown: forging({ deltas: ([one, ...rest]) => [{ ...one, money: one.money + 1n }, ...rest] }),
  },
  {
    name: "a gram is made",
    predicate: "ledgerChange",
    shown: forging({ deltas: ([one, ...rest]) => [{ ...one, carbon: one.carbon + 1n }, ...rest] }),
  },
];

async function edited(session: TrueSession, edit: (shown: Shown) => Shown): Promise<Shown> {
  return edit(await forged(session));
}

function withCode({ record, files }: Shown, address: string, at: number): Shown {
  const key = address.toLowerCase();
  return { record: { ...record, codes: { ...record.codes, [key]: flipped(record.codes[key], at) } }, files };
}
