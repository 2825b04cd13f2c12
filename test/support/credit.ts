/** A certificate of a rooftop, and a device whose readings it is of. */
import { encodeBytes32String } from "ethers";
import { START } from "./world.ts";

const YEAR = new Date(1_000 * START).getUTCFullYear();
export const CREDIT = { registry: "granular", vintage: YEAR, method: "rooftop PV", unit: "Wh", factorMicroG: 400_000 };
export const DEVICE = {
  registry: "granular",
  method: "rooftop PV",
  source: `0x${Buffer.from("F01010100").toString("hex").padEnd(32, "0")}`,
  technology: `0x${Buffer.from("T010000").toString("hex").padEnd(32, "0")}`,
  device: encodeBytes32String("inverter 101"),
};
