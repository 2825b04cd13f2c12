/** Who may call what: none of these functions can move a deposit. Used by deployments of every kind. */
import { id } from "ethers";

export const ROLES = { OPERATOR: 1n, REGULATOR: 2n, GUARDIAN: 3n, PARAMETERS: 4n } as const;
/** Seconds that an appointment and a change of a role wait once the market is sealed (contracts/types/Delays.sol). */
export const EXIT_TIME = 6 * 86_400;
export type Role = keyof typeof ROLES;

export type Target = "registry" | "market" | "delivery" | "carbonCredit";
type Rule = { readonly role: Role; readonly target: Target; readonly functions: readonly string[] };

export const RULES: readonly Rule[] = [
  {
    role: "OPERATOR",
    target: "registry",
    functions: [
      "register(uint32,address,address,address,bytes,bytes)",
      "rotateMeterKey(uint32,address,bytes)",
      "addGridModel(bytes)",
      "appointCommittee(uint32[])",
    ],
  },
  { role: "OPERATOR", target: "market", functions: ["freezeSession(uint40,uint32,uint8,uint40,bytes32,uint24)"] },
  {
    role: "OPERATOR",
    target: "delivery",
    functions: ["registerConnections((uint32,uint32,uint32,uint32,uint32,uint64)[],bytes[])"],
  },
  {
    role: "REGULATOR",
    target: "carbonCredit",
    functions: [
      "defineAsset((string,uint16,string,string,uint64,bool))",
      "registerDevice(uint32,(string,string,bytes16,bytes16,bytes32))",
      "issueAllowances(address,uint256,uint256)",
    ],
  },
  { role: "REGULATOR", target: "market", functions: ["issueAllowances(uint32[],uint256[])"] },
  { role: "GUARDIAN", target: "market", functions: ["setPaused(bool)", "cancelSession()"] },
  { role: "PARAMETERS", target: "market", functions: ["setPriceCap(uint24)"] },
];

export function selectors(rule: Rule): string[] {
  return rule.functions.map((signature) => id(signature).slice(0, 10));
}
