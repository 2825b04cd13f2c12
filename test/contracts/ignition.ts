import { expect } from "chai";
import type { Signer } from "ethers";
import { config, network } from "hardhat";
import Gridpact from "../../deploy/modules/Gridpact.ts";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { deploy } from "../support/artifacts.ts";
import { EXIT_TIME, ROLES, type Role, RULES, selectors } from "../../offchain-solver/chain/roles.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { audited } from "../support/audited.ts";
import { batch, generator } from "../support/batches.ts";
import { BUNDLE, CLOCK, createWorld, freeze, refusalOf, sign } from "../support/world.ts";

type Connection = Awaited<ReturnType<typeof network.create>>;

const ADMIN_ROLE = 0n;

/**
 * Deploys the token and then the market by the module for public networks; `holders` hold the roles, `admin` the
 * manager's own.
 */
async function deployByModule(
  { ethers, ignition }: Connection,
  deployer: Signer,
  admin: string,
  holders: Readonly<Record<Role, string>>,
  priceCap?: number,
): Promise<Chain.Deployment> {
  const token = await (await deploy(deployer, "TestToken")).getAddress();
  const block = (await ethers.provider.getBlockNumber()) + 1;
  const roles = Object.fromEntries(Object.entries(holders).map(([role, holder]) => [role.toLowerCase(), holder]));
  const parts = await ignition.deploy(Gridpact, {
    parameters: { Gridpact: { token, admin, ...roles, ...(priceCap !== undefined && { priceCap }) } },
  });
  const { authority, registry, market, delivery, carbonCredit } = parts;
  const [at, of, on, meters, carbon] = await Promise.all(
    [authority, registry, market, delivery, carbonCredit].map((contract) => contract.getAddress()),
  );
  const { chainId } = await ethers.provider.getNetwork();
  return { chainId, block, authority: at, token, registry: of, market: on, delivery: meters, carbonCredit: carbon };
}

describe("the deployment module for public networks", () => {
  it("gives every role to its holder and every function to its role, and leaves its deployer nothing", async () => {
    const connection = await network.create();
    const [deployer, admin, ...rest] = await connection.ethers.getSigners();
    const roles = Object.keys(ROLES) as Role[];
    const holders = Object.fromEntries(roles.map((role, k) => [role, rest[k].address])) as Record<Role, string>;
    const deployment = await deployByModule(connection, deployer, admin.address, holders);
    const { authority, registry, market } = Chain.contracts(deployment, deployer);
    const member = async (id: bigint, account: string): Promise<boolean> => (await authority.hasRole(id, account))[0];
    for (const rule of RULES)
      for (const selector of selectors(rule)) {
        const target = deployment[rule.target] as string;
        expect(await authority.getTargetFunctionRole(target, selector), selector).to.equal(ROLES[rule.role]);
      }
    for (const role of roles)
      for (const account of [deployer.address, admin.address, ...Object.values(holders)])
        expect(await member(ROLES[role], account), `${role} ${account}`).to.equal(account === holders[role]);
    expect(await member(ADMIN_ROLE, admin.address)).to.equal(true);
    for (const account of [deployer.address, ...Object.values(holders)])
      expect(await member(ADMIN_ROLE, account), account).to.equal(false);

    // Not sealed yet: whoever deployed it could have appointed anybody, so nobody's money is taken.
    expect((await refusalOf(market, market.getFunction("deposit").staticCall(1, 1n))).predicate).to.equal("notSealed");
    const [, delay] = await authority.hasRole(ADMIN_ROLE, admin.address);
    expect(delay).to.equal(0n);

    const as = (signer: Signer) => market.connect(signer) as typeof market;
    for (const outsider of [deployer, admin, rest[roles.indexOf("OPERATOR")]]) {
      const attempt = as(outsider).getFunction("setPaused").staticCall(true);
      expect((await refusalOf(market, attempt)).predicate, outsider.address).to.equal("accessManagedUnauthorized");
    }
    await Chain.send(as(rest[roles.indexOf("GUARDIAN")]), "setPaused", true);
    expect(await registry.authority()).to.equal(deployment.authority);
  });

  it("is built as what is tested", () => {
    const { default: tested, production } = config.solidity.profiles;
    expect(production.compilers).to.deep.equal(tested.compilers);
    expect(production.isolated).to.equal(tested.isolated);
  });

  it("deploys a market that a session settles on", async () => {
    const connection = await network.create({
      network: "default",
      override: { initialDate: new Date(1_000 * CLOCK) },
    });
    const [deployer, admin] = await connection.ethers.getSigners();
    const all = {
      OPERATOR: admin.address,
      REGULATOR: admin.address,
      GUARDIAN: admin.address,
      PARAMETERS: admin.address,
    };
    const world = await createWorld({
      prosumers: 4,
      chain: { admin, provider: connection.ethers.provider },
      deployment: await deployByModule(connection, deployer, admin.address, all, 1_999_999),
    });
    const [manages, delay] = await world.contracts.authority.hasRole(ADMIN_ROLE, admin.address);
    expect([manages, delay], "the manager waits from the seal on").to.deep.equal([true, BigInt(EXIT_TIME)]);
    const frozen = await freeze(world, 2);
    expect((await world.contracts.market.session()).priceCap).to.equal(1_999_999n);
    const result = batch({ ids: world.ids, periods: 2, energy: 4, reserve: 1, carbon: 2, systems: true }, generator(8));
    const payload = Payload.encode(Payload.fromResult(result), 2);
    await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));
    const { provider, market, block } = { ...world, ...world.deployment };
    const { sessions } = await audited(provider, market, block);
    expect(sessions.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
  });
});
