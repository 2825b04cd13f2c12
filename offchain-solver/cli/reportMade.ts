/** report.html as the files beside it make it. */
import { made } from "../io/made.ts";
import { swept, type ClearingJson } from "../records/clearingJson.ts";
import type { DeliveryJson } from "../records/deliveryJson.ts";
import { renderReport, type ReportInput } from "../report/sessionReport.ts";

export type ReportFiles = Omit<ReportInput, "clearing"> & { readonly clearing: ClearingJson };

/** undefined: no page can be made of these files. */
export const reportMade = ({ clearing, ...files }: ReportFiles): string | undefined =>
  isOfItsPeriods({ clearing, ...files })
    ? made(() => renderReport({ clearing: swept(clearing), ...files }))
    : undefined;

/** What says how long a page becomes is no larger than the files are: a number alone may be any. */
function isOfItsPeriods({ clearing, scenario, delivery }: ReportFiles): boolean {
  const { periods, periodSeconds } = clearing.quantised;
  const sameTime = scenario.hours === periods && Math.abs(scenario.periodHours * 3600 - periodSeconds) < 1e-6;
  return sameTime && [delivery ?? []].flat().every(hasItsPeriods);
}

const hasItsPeriods = ({ periods, prices, members }: DeliveryJson): boolean =>
  prices.length === periods && members.every(({ quality }) => quality.length === periods);
