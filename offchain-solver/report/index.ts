/** What a page shows of a settled session; the page draws it itself. */
export * as Payload from "../codec/payload.ts";
export { parseTerms, readTerms, termsHash, type Terms } from "../codec/terms.ts";
export type { Witness } from "../codec/witness.ts";
export { renderAudit } from "./auditPage.ts";
export { amountText, gramsOf, renderCertificate, type Certificate } from "./certificate.ts";
export { geometryOf, nameAnchor, type Geometry } from "./feederGeometry.ts";
export { layoutOf, type FeederLayout } from "./feederLayout.ts";
export { byTariff, ownBill, partyOf, type BillParts, type BillPeriod, type OwnBill } from "./ownBill.ts";
export { ownDelivery, type DeliveredPeriod, type DeliveryParts, type OwnDelivery } from "./ownDelivery.ts";
export { netWh, priceParts, type PriceParts } from "./priceParts.ts";
export { WHY_TEXTS, type Reason } from "./priceReasons.ts";
export { settledFeeder, type BindingLimit, type FeederPeriod, type SettledFeeder } from "./settledFeeder.ts";
export { loadingStep, voltageStep, LOADING_EDGES, VOLTAGE_STEPS } from "./theme.ts";
