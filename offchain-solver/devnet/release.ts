import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hardhatOfProject } from "./embedded.ts";
import { releasedCode, type Gap, type Release, type ReleasedCode } from "../auditor/release.ts";

type Built = {
  readonly deployedBytecode: string;
  readonly immutableReferences?: Readonly<Record<string, readonly Gap[]>>;
};

/** The runtime code that this project's contracts compile to. */
export function releasedBuild(
  market: "market/Market" | "reference/ReferenceMarket" = "market/Market",
  delivery: "delivery/Delivery" | "reference/ReferenceDelivery" = "delivery/Delivery",
): Release {
  return {
    market: codeOf(market),
    registry: codeOf("market/Registry"),
    tableWriter: codeOf("market/TableWriter"),
    ...(market === "market/Market" && { extension: codeOf("market/MarketExtension") }),
    delivery: codeOf(delivery),
    dueChecker: codeOf("delivery/DueChecker"),
    carbonCredit: codeOf("carbon/CarbonCredit"),
  };
}

/** The same; where nothing is compiled yet, as on a fresh clone, that is done first. */
export async function buildRelease(): Promise<Release> {
  try {
    return releasedBuild();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await hardhatOfProject();
    return releasedBuild();
  }
}

function codeOf(path: string): ReleasedCode {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const file = fileURLToPath(new URL(`../../artifacts/contracts/${path}.sol/${name}.json`, import.meta.url));
  const { deployedBytecode, immutableReferences } = JSON.parse(readFileSync(file, "utf8")) as Built;
  const gaps = Object.values(immutableReferences ?? {}).flat();
  return releasedCode(
    deployedBytecode,
    gaps.toSorted((a, b) => a.start - b.start),
  );
}
