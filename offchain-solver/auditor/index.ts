/** `gridpact/auditor`: a verdict for every settled session, from the chain and what was published alone. */
export { endpointOf, EndpointFault, httpEndpoint, type Endpoint, type HttpOptions } from "../chain/endpoint.ts";
export { compared, look, type Look } from "../chain/look.ts";
export { audit, type Audited, type AuditedSession, type AuditRequest, type Standing } from "./audit.ts";
export { bundleFiles, bundlesAt, bundlesOf, NO_BUNDLES, witnessIn, type Bundles } from "./bundles.ts";
export { type Certificate } from "./certify.ts";
export { releasedCode, type Release, type ReleasedCode } from "./release.ts";
export { RELEASE } from "./releasedContracts.ts";
export { certifySession, certifyWitness, judgeSession, judgeWitness, type SettledSession } from "./witness.ts";
export { receiptOf } from "./receipt.ts";
export { verdictText, type Verdict } from "./verdict.ts";
export { auditJsonOf } from "./verdictJson.ts";
