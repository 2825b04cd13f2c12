import { id, Wallet } from "ethers";
import { registryDomain } from "../../offchain-solver/codec/typedData.ts";

/** No chain's: the keys of these runs are public, and registered nowhere. */
export const DOMAIN = registryDomain(31337n, `0x${"12".repeat(20)}`);

/** DERIVED FROM PUBLIC TEXT, WORTHLESS. */
export const nodeKey = (party: number): Wallet => new Wallet(id(`gridpact network run, party ${party}: worthless`));
