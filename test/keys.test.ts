import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Deployment } from "../offchain-solver/chain/deployment.ts";
import * as Keys from "../offchain-solver/chain/keys.ts";
import { OPERATOR_ID } from "../offchain-solver/chain/onboarding.ts";
import { deployAll } from "../offchain-solver/devnet/deploy.ts";
import { hardhatChain } from "../offchain-solver/devnet/chain/hardhatChain.ts";
import { giveGas, type ServedChain } from "../offchain-solver/devnet/chain/served.ts";
import { configFile, keyFile, nextKeyFile, registrationFile } from "../offchain-solver/node/home.ts";
import { inspectKey, openKey } from "../offchain-solver/node/keystore.ts";
import { openKeys } from "../offchain-solver/node/open.ts";
import { captured } from "./support/commandLine.ts";

const PASSWORD = "devnet password";

describe("a party's keys on a chain", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "gridpact-party-"));
  const [operator, member] = [join(folder, "operator"), join(folder, "member")];
  let chain: ServedChain;
  let market: Deployment;
  const init = (home: string, party: string, ...more: string[]) =>
    captured("init", home, "--party", party, "--rpc", chain.url, "--market", market.market, "--devnet", ...more);
  const registered = (id: number) => Keys.registered(market, chain.provider, id);
  const address = async (home: string, role: "wallet" | "node" | "meter"): Promise<string> =>
    (await openKey(keyFile(home, role), PASSWORD)).address;

  before(async function () {
    // Compiles the contracts on a fresh clone.
    this.timeout(0);
    process.env.GRIDPACT_PASSWORD = PASSWORD;
    chain = await hardhatChain(new Date("2027-01-01T00:00:00Z"), 0);
    // The operator's wallet holds its role from the start, as on a chain where somebody else deployed.
    const before = await deployAll(chain.admin);
    market = before;
    expect(await init(operator, "operator")).to.deep.include({ code: 0, stderr: "" });
    const wallet = await address(operator, "wallet");
    await giveGas(chain.provider, [wallet]);
    market = await deployAll(chain.admin, { roles: { OPERATOR: wallet } });
    const config = readFileSync(configFile(operator), "utf8");
    writeFileSync(configFile(operator), config.replace(before.market, market.market));
  });
  after(async () => {
    delete process.env.GRIDPACT_PASSWORD;
    await chain.close();
  });

  it("are made once, encrypted, and registered with proof that they are held", async () => {
    const first = await init(member, "7");
    expect(first).to.deep.include({ code: 0, stderr: "" });
    const made = await Promise.all((["wallet", "node", "meter"] as const).map((role) => address(member, role)));
    for (const key of made) expect(first.stdout).to.contain(key);
    // Stopped and run again: the same keys.
    expect((await init(member, "7")).code).to.equal(0);
    expect(await address(member, "node")).to.equal(made[1]);
    expect(await captured("admit", registrationFile(member), "--dir", operator)).to.deep.include({
      code: 0,
      stderr: "",
    });
    const { wallet, nodeKey, meterKey } = await registered(7);
    expect([wallet, nodeKey, meterKey]).to.deep.equal(made);
  });

  it("and its configuration stay what they were asked to be first: init says where it is asked for something else", async () => {
    const listening = join(folder, "listening");
    const where = ["--host", "0.0.0.0", "--port", "9417"];
    expect((await init(listening, "9", ...where)).code).to.equal(0);
    const before = [configFile, registrationFile].map((file) => readFileSync(file(listening), "utf8"));
    expect(before[0]).to.match(/host: 0\.0\.0\.0\n *port: 9417/);
    for (const same of [[], where]) expect((await init(listening, "9", ...same)).code).to.equal(0);
    const refuses = async (message: RegExp, party: string, ...more: string[]): Promise<void> => {
      const { code, stdout, stderr } = await init(listening, party, ...more);
      expect([code, stdout, stderr.trimEnd().split("\n").length], stderr).to.deep.equal([2, "", 1]);
      expect(stderr).to.match(message);
    };
    await refuses(/node\.yaml: party = 9: init is asked for 10/, "10");
    await refuses(/node\.yaml: transport\.port = 9417: init is asked for 9418/, "9", "--port", "9418");
    await refuses(/node\.yaml: transport\.host = "0\.0\.0\.0": init is asked for ::1/, "9", "--host", "::1");
    for (const port of ["abc", "99999", ""])
      await refuses(/^--port .*: must be a whole number from 1/, "9", "--port", port);
    await refuses(/^--host "": must be an address/, "9", "--host", "");
    rmSync(configFile(listening));
    await refuses(/registration\.json: prosumer = 9: init is asked for 10/, "10");
    expect(readFileSync(registrationFile(listening), "utf8")).to.equal(before[1]);
  });

  it("are refused with somebody else's proof, a second time, for another market, and where the id is taken", async () => {
    const again = await captured("admit", registrationFile(member), "--dir", operator);
    expect(again).to.deep.include({ code: 2 });
    expect(again.stderr).to.match(/registration\.json: prosumer = 7: is registered already/);
    const edited = (edit: object): string => {
      const file = join(mkdtempSync(join(folder, "edited-")), "registration.json");
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(registrationFile(member), "utf8")), ...edit }));
      return file;
    };
    const elsewhere = await captured("admit", edited({ prosumer: 8, chainId: "1" }), "--dir", operator);
    expect([elsewhere.code, elsewhere.stderr]).to.deep.equal([
      2,
      `${elsewhere.stderr.split(":")[0]}: chainId = "1": this market is on chain 31337\n`,
    ]);
    const taken = await init(join(folder, "third"), "7");
    expect([taken.code, taken.stderr.includes("is registered already, with another wallet")]).to.deep.equal([2, true]);
  });

  it("are replaced one by one: by the wallet, and the meter by the operator", async () => {
    await giveGas(chain.provider, [await address(member, "wallet")]);
    const rotate = (role: string) => captured("rotate", member, "--key", role, "--devnet");
    const old = await address(member, "node");
    expect(await rotate("node")).to.deep.include({ code: 0, stderr: "" });
    expect((await registered(7)).nodeKey).to.equal(await address(member, "node"));
    expect((await registered(7)).nodeKey).not.to.equal(old);
    // The old one still opens for sessions that were frozen with it.
    expect((await (await openKeys(member, PASSWORD)).oldNode!(old)).address).to.equal(old);

    // Each time anew: a request of the time before names a key that is used up.
    for (let times = 0; times < 2; times++) {
      const meter = await address(member, "meter");
      expect((await rotate("meter")).stdout).to.contain("meter-rotation.json");
      const request = join(member, "meter-rotation.json");
      expect(await captured("admit", request, "--dir", operator)).to.deep.include({ code: 0, stderr: "" });
      expect((await rotate("meter")).code).to.equal(0);
      expect((await registered(7)).meterKey).to.equal(await address(member, "meter"));
      expect((await registered(7)).meterKey).not.to.equal(meter);
    }

    expect((await rotate("wallet")).stdout).to.contain("sign a new one");
    expect((await registered(7)).wallet).to.equal(await address(member, "wallet"));
  });

  it("whose rotation was stopped after the chain heard of it come into place when it runs again", async () => {
    await giveGas(chain.provider, [await address(member, "wallet")]);
    const wallet = (await openKey(keyFile(member, "wallet"), PASSWORD)).connect(chain.provider);
    writeFileSync(nextKeyFile(member, "node"), readFileSync(keyFile(operator, "node")));
    const next = await openKey(nextKeyFile(member, "node"), PASSWORD);
    await Keys.rotateNodeKey(market, wallet, 7, next);
    expect(await captured("rotate", member, "--key", "node")).to.deep.include({ code: 0, stderr: "" });
    expect(inspectKey(keyFile(member, "node")).address.toLowerCase()).to.equal(next.address.toLowerCase());
  });

  it("are not asked for on a chain that does not answer, where no market is, or on the command line", async () => {
    const nowhere = join(folder, "nowhere");
    const empty = `0x${"12".repeat(20)}`;
    const at = (rpc: string, where: string) =>
      captured("init", nowhere, "--party", "9", "--rpc", rpc, "--market", where, "--devnet");
    expect((await at("http://127.0.0.1:1", market.market)).stderr).to.match(/--rpc .*: no answer/);
    expect((await at(chain.url, empty)).stderr).to.match(/--market .*there is no contract/);
    const other = await at(chain.url, market.token);
    expect([other.code, other.stderr.includes(`--market ${market.token}: the contract at this address`)]).to.deep.equal(
      [2, true],
      other.stderr,
    );
    expect((await init(nowhere, "9", "--password", "x")).stderr).to.match(/unknown option '--password'/);
    expect((await init(nowhere, String(OPERATOR_ID))).stderr).to.match(/--party 4294967294: must be a number/);
  });
});
