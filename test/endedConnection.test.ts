/** A home that ends its connection, in a market of processes: the sessions after that, and those before it. */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { writeDevnet, type Delivered } from "../offchain-solver/cli/devnetFolders.ts";
import { deliveryContracts, send } from "../offchain-solver/chain/deployment.ts";
import { hardhatChain } from "../offchain-solver/devnet/chain/hardhatChain.ts";
import type { ServedChain } from "../offchain-solver/devnet/chain/served.ts";
import { daysOf } from "../offchain-solver/devnet/days.ts";
import { openDevnet, type Devnet } from "../offchain-solver/devnet/devnet.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { DeliveryJsonSchema } from "../offchain-solver/records/deliveryJson.ts";
import { takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { captured } from "./support/commandLine.ts";

const DAY_MS = 86_400_000;
const WAIT = { patienceMs: 240_000 };

describe("a home that has ended its connection, its mandate as it was", function () {
  this.timeout(600_000);
  let chain: ServedChain;
  let devnet: Devnet;
  let days: Scenario[];
  let data: string;
  let made: Delivered;
  let gone: number;
  const ended: (readonly number[])[] = [];

  before(async function () {
    this.timeout(0);
    const street = { ...takeHours(populate(loadBase("ieee15"), 5, 1), 1), name: "street" };
    days = daysOf(street, 6, (day) => day).filter((_, k) => k === 0 || k === 5);
    gone = days[0].prosumers[2].id;
    chain = await hardhatChain(new Date(Date.parse(days[0].startUtc) - 2 * DAY_MS), 0);
    data = mkdtempSync(join(tmpdir(), "gridpact-ended-"));
    const options = { data, days, chain, transport: { kind: "tls" }, patienceMs: 15_000, deliver: true } as const;
    devnet = await openDevnet(options);
    const ends = [await devnet.session(0, WAIT)];
    // The day that is settled is still to be read.
    const home = devnet.homes.find(({ id }) => id === gone)!;
    const wallet = home.keys.wallet.connect(chain.provider);
    await send(deliveryContracts(devnet.deployment, wallet).delivery, "endConnection", gone);
    ended.push(await devnet.deliver());
    ends.push(await devnet.session(1, WAIT));
    ended.push(await devnet.deliver());
    expect(ends.map(({ outcome }) => outcome)).to.deep.equal(["settled", "settled"]);
    const had = days.map((day, k) => ({ day, terms: devnet.terms[k], end: ends[k] }));
    made = await writeDevnet(devnet, join(data, "sessions"), { had, community: undefined });
  });
  after(async () => {
    await devnet?.close();
    await chain?.close();
    rmSync(data, { recursive: true, force: true });
  });

  const rowsOf = (k: number) => {
    const [file] = globSync(`${data}/sessions/street-${days[k].startUtc.slice(0, 10)}-1h/delivery.json`);
    return DeliveryJsonSchema.parse(JSON.parse(readFileSync(file, "utf8"))).members;
  };

  it("is read and billed of the day before, and has no part and no row of the one after", () => {
    const ids = days[0].prosumers.map(({ id }) => id);
    expect(ended).to.deep.equal([[], []]);
    expect(rowsOf(0).map(({ id, tookPart }) => [id, tookPart])).to.deep.equal(ids.map((id) => [id, true]));
    expect(rowsOf(1).map(({ id, tookPart }) => [id, tookPart])).to.deep.equal(
      ids.filter((id) => id !== gone).map((id) => [id, true]),
    );
  });

  it("is found valid by gridpact audit, from the chain and these files", async () => {
    expect(made.verdict).to.deep.equal({ kind: "valid" });
    const { code, stdout, stderr } = await captured("audit", join(data, "sessions"), "--rpc", chain.url);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include("files beside the chain: valid");
  });
});
