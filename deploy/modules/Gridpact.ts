/**
 * The whole market for a public network. Parameters: `token` (an ERC-20 with 6 decimals), `admin` (should be a multisig
 * or a timelock), `priceCap`, `vintage` of the ledger's allowances, and the holders of the four roles. It does not open
 * the market: the operator registers the parties and appoints the first committee, then the admin calls
 * `Authority.seal(registry, [market])`. From there on every change of a role waits the exit time.
 */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { ContractCallFuture } from "@nomicfoundation/ignition-core";
import { DELIVERY_WINDOWS, ledgerAsset, PRICE_CAP } from "../../offchain-solver/chain/deployment.ts";
import { RULES, ROLES, selectors } from "../../offchain-solver/chain/roles.ts";

export default buildModule("Gridpact", (m) => {
  const deployer = m.getAccount(0);
  const token = m.getParameter<string>("token");
  const priceCap = m.getParameter("priceCap", PRICE_CAP);
  const authority = m.contract("Authority", [deployer]);
  const registry = m.contract("Registry", [authority]);
  const market = m.contract("Market", [authority, token, registry, priceCap]);
  const delivery = m.contract("Delivery", [authority, market, registry, DELIVERY_WINDOWS]);
  const ledger = { ...ledgerAsset(0), vintage: m.getParameter("vintage", 2026) };
  const carbonCredit = m.contract("CarbonCredit", [authority, market, delivery, registry, ledger]);
  const connected = m.call(market, "connect", [delivery, carbonCredit]);
  const targets = { registry, market, delivery, carbonCredit };
  const steps: ContractCallFuture<string, string>[] = RULES.map((rule, k) =>
    m.call(authority, "setTargetFunctionRole", [targets[rule.target], selectors(rule), ROLES[rule.role]], {
      id: `rule${k}`,
    }),
  );
  for (const [role, id] of Object.entries(ROLES)) {
    steps.push(
      m.call(authority, "grantRole", [id, m.getParameter<string>(role.toLowerCase()), 0], { id: `grant${role}` }),
    );
  }
  // Last: whoever deployed keeps nothing. Role 0 is the manager's admin role.
  const admin = m.getParameter<string>("admin");
  const handOver = m.call(authority, "grantRole", [0n, admin, 0], { id: "grantAdmin", after: [connected, ...steps] });
  m.call(authority, "renounceRole", [0n, deployer], { id: "leave", after: [handOver] });
  return { authority, registry, market, delivery, carbonCredit };
});
