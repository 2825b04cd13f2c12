/**
 * `npm run corruptions -- --json FILE`: single corruptions of a settled session and what the auditor says of each, in
 * Node and in Chromium; and faults of endpoints.
 */
import { argumentsOf } from "./arguments.ts";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";
import { writeJson } from "../../offchain-solver/io/target.ts";
import { loadScenario, takeHours } from "../../offchain-solver/scenarios/loadScenario.ts";
import { openBrowser } from "../../test/support/chromium.ts";
import { CORRUPTIONS } from "../../test/support/corruptions/all.ts";
import { ENDPOINT_FAULTS } from "../../test/support/endpointFaults.ts";
import { outcomeOf } from "../../test/support/faultOutcome.ts";
import { misled } from "../../test/support/misled.ts";
import { recordedMarket } from "../../test/support/recordedMarket.ts";
import { trueSession } from "../../test/support/trueSession.ts";
import { auditShown, saidOf } from "../../test/support/verdicts.ts";

const { values } = argumentsOf({ options: { json: { type: "string" } } });
const release = releasedBuild();
const scenario = takeHours(loadScenario("ieee15"), 3);
const session = await trueSession(scenario);
const browser = await openBrowser();
const thousandth = {
  name: "a thousandth worse than the optimum, with true regrets",
  predicate: "regretsTooLarge",
  shown: async () => (await misled(scenario, 1.12)).shown,
};
const cases = [];
for (const { name, predicate: expected, shown } of [...CORRUPTIONS, thousandth]) {
  const corrupted = await shown(session);
  const { predicate, verdict } = saidOf(await auditShown(corrupted, release));
  const inChromium = await browser.verdict(corrupted);
  cases.push({ name, expected, predicate, verdict, chromium: inChromium });
  const right = predicate === expected && inChromium.predicate === expected;
  process.stdout.write(`${right ? "ok  " : "FAIL"} ${name}: ${predicate}${right ? "" : `, expected ${expected}`}\n`);
}
await browser.close();
const record = await recordedMarket();
const endpoints = [];
for (const one of ENDPOINT_FAULTS) {
  const { kind, says } = await outcomeOf(record, one, release);
  const expected = one.expected === "same" ? "valid" : "undecided";
  endpoints.push({ name: one.name, expected, verdict: kind, says });
  process.stdout.write(`${kind === expected ? "ok  " : "FAIL"} an endpoint that ${one.name}: ${kind}\n`);
}
if (values.json !== undefined) writeJson(values.json, { cases, endpoints });
const wrong =
  cases.filter((c) => c.predicate !== c.expected || c.chromium.predicate !== c.expected).length +
  endpoints.filter((e) => e.verdict !== e.expected).length;
process.stdout.write(
  `${cases.length} corruptions, ${endpoints.length} faults of endpoints, ${wrong} not as expected\n`,
);
process.exit(wrong > 0 ? 1 : 0);
