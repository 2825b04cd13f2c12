import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Contract } from "ethers";
import { connect } from "../offchain-solver/chain/connect.ts";
import { MARKET } from "../offchain-solver/codec/abi.ts";
import { startAnvil, type Anvil } from "./support/anvil.ts";
import { captured } from "./support/commandLine.ts";

type Market = { readonly chainId: number; readonly market: string; readonly registry: string; readonly token: string };

/** What commands say that were given a chain, or files of one, that make no sense. */
describe("a command on a chain that refuses or makes no sense", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "gridpact-refused-"));
  let anvil: Anvil;
  let odd: Server;
  let at: Market;
  const urlOf = (path: string): string => `http://127.0.0.1:${(odd.address() as AddressInfo).port}${path}`;

  /** Ends with the code, says all of it in a line or two, and shows nobody where in our code. */
  async function ends(args: readonly string[], code: number, ...says: RegExp[]): Promise<void> {
    const name = args.join(" ");
    const ended = await captured(...args);
    expect(ended.code, `${name}: ${ended.stderr}`).to.equal(code);
    for (const part of says) expect(ended.stderr, name).to.match(part);
    expect(ended.stderr, name).not.to.match(/^\s+at /m);
    expect(ended.stderr, name).not.to.match(/undefined|\[object|ZodError/);
    const lines = ended.stderr.trimEnd().split("\n");
    expect(lines.filter((line) => !line.startsWith("•")).length, `${name}: ${ended.stderr}`).to.be.at.most(2);
  }

  before(async () => {
    anvil = await startAnvil();
    odd = createServer((request, response) => answer(request.url ?? "/", response, anvil.url));
    await new Promise<void>((listens) => odd.listen(0, "127.0.0.1", listens));
    const file = join(folder, "market.json");
    const deployed = await captured("deploy", "ieee15", "--rpc", anvil.url, "--json", file);
    expect(deployed.code, deployed.stderr).to.equal(0);
    at = JSON.parse(readFileSync(file, "utf8")) as Market;
  });
  after(() => {
    anvil?.close();
    odd?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("names the contract's own error, and its values", async () => {
    const provider = connect(anvil.url);
    const market = new Contract(at.market, MARKET, await provider.getSigner(0));
    const set = async (method: string, value: unknown): Promise<void> => {
      await (await market.getFunction(method).send(value)).wait();
    };
    const run = ["run", "ieee15", "--hours", "1", "--rpc", anvil.url, "--market", at.market, "--out", folder];
    try {
      await set("setPaused", true);
      await ends(run, 3, /the chain refuses: SettlementPaused\(\)/);
      await set("setPaused", false);
      // Whoever was the operator is it no more.
      const [, stranger] = (await provider.send("eth_accounts", [])) as string[];
      const own = await startAnvil("--mnemonic-random");
      try {
        await ends(
          ["run", "ieee15", "--hours", "1", "--rpc", own.url, "--market", stranger, "--out", folder],
          2,
          /--rpc/,
        );
      } finally {
        own.close();
      }
      await provider.send("anvil_setBalance", [await (await provider.getSigner(0)).getAddress(), "0x0"]);
      await ends(
        ["deploy", "ieee15", "--rpc", anvil.url],
        2,
        /the chain refuses: .*(pay for the gas|[Ii]nsufficient funds)/,
      );
      await ends(run, 3, /the chain refuses: .*(pay for the gas|[Ii]nsufficient funds)/);
    } finally {
      await provider.send("anvil_setBalance", [
        await (await provider.getSigner(0)).getAddress(),
        "0xffffffffffffffffff",
      ]);
      provider.destroy();
    }
  });

  it("says what is wrong with an address", async () => {
    const nobody = "0x00000000000000000000000000000000000000aa";
    for (const command of [["audit"], ["receipt", "--account", "2"]]) {
      const on = (market: string) => [...command, "--rpc", anvil.url, "--market", market];
      await ends(on("0x1234"), 2, /--market 0x1234/);
      await ends(on(nobody), 2, /there is no contract/);
      for (const other of [at.token, at.registry])
        await ends(on(other), 2, /--market 0x\w+: the contract at this address is no market/);
    }
    for (const market of ["0x1234", nobody, at.token, at.registry])
      await ends(
        ["run", "ieee15", "--hours", "1", "--rpc", anvil.url, "--market", market, "--out", folder],
        2,
        /market|rpc/,
      );
  });

  it("says what is wrong with an endpoint", async () => {
    for (const url of ["http://127.0.0.1:1", "nonsense", "ftp://127.0.0.1/", "", "file:///etc/passwd"]) {
      await ends(["deploy", "ieee15", "--rpc", url], 2, /--rpc/);
      await ends(["run", "ieee15", "--hours", "1", "--rpc", url, "--out", folder], 2, /--rpc/);
    }
    for (const path of ["/null", "/list", "/text", "/error", "/huge"]) {
      const url = urlOf(path);
      await ends(["audit", "--rpc", url, "--market", at.market], 2, /--rpc/);
      await ends(["receipt", "--account", "2", "--rpc", url, "--market", at.market], 2, /--rpc/);
      await ends(["deploy", "ieee15", "--rpc", url], 2, /--rpc|the chain/);
    }
    await ends(["audit", "--rpc", anvil.url, "--rpc", urlOf("/null"), "--market", at.market], 2, /--rpc/);
  });

  it("says what is wrong with a session's files", async () => {
    const empty = join(folder, "empty");
    mkdirSync(empty);
    const on = ["audit", "--rpc", anvil.url, "--market", at.market];
    await ends(["audit", empty], 2, /settlement\.json/);
    await ends(["audit", join(folder, "none")], 2, /settlement\.json/);
    await ends([...on, "--bundle", join(folder, "none")], 2, /--bundle/);
    await ends([...on, "--bundle", join(folder, "market.json")], 2, /--bundle/);
    await ends([...on, "--from", "-1"], 2, /--from/);
    await ends([...on, "--checkpoint", empty], 2, /--checkpoint/);
    for (const [name, text] of Object.entries({
      cut: '{"chainId": 31',
      empty: "",
      null: "null",
      list: "[]",
      html: "<!doctype html><p>Moved",
      wrong: JSON.stringify({ chainId: "x", txHash: 7 }),
    })) {
      const session = join(folder, `session-${name}`);
      mkdirSync(session);
      writeFileSync(join(session, "settlement.json"), text);
      await ends(["audit", session], 2, /settlement\.json/);
    }
  });

  it("takes a bundle from wherever it comes, and nothing that is none", async () => {
    for (const path of ["/text", "/null", "/moved", "/error", "/loop"]) {
      const on = ["--rpc", anvil.url, "--market", at.market, "--bundle", urlOf(path)];
      await ends(["audit", ...on], 0);
      await ends(["receipt", "--account", "2", ...on], 0);
    }
  });
});

/** Servers that are no chain's node, each at a path of its own. */
function answer(path: string, response: ServerResponse, chain: string): void {
  const [first] = path.slice(1).split("/");
  if (first === "moved") response.writeHead(302, { location: chain }).end();
  else if (first === "loop") response.writeHead(302, { location: path }).end();
  else if (first === "error")
    response.end('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}');
  else if (first === "list") response.end("[]");
  else if (first === "huge") response.end(`{"jsonrpc":"2.0","id":1,"result":"0x${"f".repeat(80)}"}`);
  else if (first === "text") response.end("<!doctype html><title>Sign in</title>");
  else response.end('{"jsonrpc":"2.0","id":1,"result":null}');
}
