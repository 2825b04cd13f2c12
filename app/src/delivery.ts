/** What was metered and what became of it; loaded when somebody has something to look at. */
export { Credits, connectedAt, countCarbon, mostCharge, readEntries } from "../../offchain-solver/browser.ts";
export type { CarbonCount } from "../../offchain-solver/browser.ts";
export {
  amountText,
  gramsOf,
  ownDelivery,
  renderCertificate,
  type OwnDelivery,
} from "../../offchain-solver/report/index.ts";
