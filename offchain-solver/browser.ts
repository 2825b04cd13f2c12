/** What a page needs to act for a wallet: small, so that it is there at once. Proof and pictures have other doors. */
export { contracts, SentUnseen, type Deployment } from "./chain/deployment.ts";
export { marketAt } from "./chain/keys.ts";
export { countCarbon, type AssetCount, type CarbonCount } from "./chain/carbonCount.ts";
export * as Credits from "./chain/credits.ts";
export { connectedAt, mostCharge, readEntries, type DeliveryEntry } from "./chain/deliveryEntries.ts";
export { revertText } from "./chain/revert.ts";
export * as Owner from "./chain/wallet.ts";
export type { WalletAccount } from "./chain/wallet.ts";
export { readSessions } from "./chain/events.ts";
export { readCommittee } from "./chain/committee.ts";
export { MarketWatch, type Outcome, type Watched } from "./chain/watch.ts";
export { MANDATE_TYPES, marketDomain, quorumOf, type FrozenLimits, type Mandate } from "./codec/typedData.ts";
export { presetPrices, PRESETS, type Preset } from "./ledger/mandatePreset.ts";
export { MANDATE_FIELDS, mostUntilEnd, shownValue, signedValue } from "./ledger/mandateWords.ts";
export { connect } from "./chain/connect.ts";
export {
  injectedAddresses,
  injectedChain,
  injectedSigner,
  switchChain,
  WalletChanged,
  type InjectedWallet,
} from "./chain/injected.ts";
