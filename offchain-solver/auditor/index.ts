/** `gridpact/auditor`: a verdict for every settled session, from the chain and the published witness alone. */
export { audit, type AuditedSession, type AuditRequest, type Bundle } from "./audit.ts";
export { judgeSession, judgeWitness } from "./witness.ts";
export { type Verdict } from "./verdict.ts";
