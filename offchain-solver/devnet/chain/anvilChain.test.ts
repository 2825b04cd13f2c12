import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { InputError } from "../../io/inputError.ts";
import { anvilChain, type AnvilChain } from "./anvilChain.ts";

const START = new Date("2019-06-01T00:00:00Z");
const TO = "0x00000000000000000000000000000000000000aa";

describe("anvil as a devnet's chain", function () {
  this.timeout(300_000);
  let chain: AnvilChain;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "gridpact-anvil-"));
    chain = await anvilChain(START, 0, folder);
  });
  after(() => chain?.close());

  const pay = async (): Promise<void> => void (await (await chain.admin.sendTransaction({ to: TO, value: 1n })).wait());
  const newest = async () => (await chain.provider.getBlock("latest"))!;

  it("comes back after a kill with its newest copy: the same blocks, what came later gone", async () => {
    await pay();
    expect(await chain.save()).to.equal(true);
    expect(await chain.save()).to.equal(false);
    const { number, hash } = await newest();
    await pay();
    await chain.kill();
    await chain.comeBack();
    expect((await newest()).number).to.equal(number);
    expect((await newest()).hash).to.equal(hash);
    expect(await chain.provider.getBalance(TO)).to.equal(1n);
  });

  it("begins with the same first block after any number of kills", async () => {
    const { hash } = (await chain.provider.getBlock(0))!;
    for (let k = 0; k < 3; k++) {
      await pay();
      await chain.save();
      await chain.kill();
      await chain.comeBack();
      expect((await chain.provider.getBlock(0))!.hash).to.equal(hash);
      // What anvil would choose from when it starts again.
      type Copy = { blocks: { header: { number: string } }[] };
      const copy = readdirSync(folder)
        .filter((name) => name.startsWith("state-"))
        .sort()
        .at(-1)!;
      const { blocks } = JSON.parse(readFileSync(join(folder, copy), "utf8")) as Copy;
      expect(blocks.filter(({ header }) => Number(header.number) === 0)).to.have.length(1);
    }
  });

  it("goes on from its own clock then, not from this machine's", async () => {
    const { timestamp } = await newest();
    await pay();
    const later = (await newest()).timestamp - timestamp;
    expect(later).to.be.within(0, 300);
  });

  it("keeps the newest copies only, and a second chain is refused on its port", async () => {
    for (let k = 0; k < 5; k++) {
      await pay();
      await chain.save();
    }
    const copies = readdirSync(folder).filter((name) => name.startsWith("state-"));
    expect(copies).to.have.length(3);
    expect(copies.sort().at(-1)).to.equal(`state-${String((await newest()).number).padStart(9, "0")}.json`);
    let refused: unknown;
    await anvilChain(START, Number(new URL(chain.url).port), mkdtempSync(join(tmpdir(), "gridpact-anvil-"))).then(
      (second) => second.close(),
      (error: unknown) => (refused = error),
    );
    expect(refused).to.be.instanceOf(InputError);
    expect((refused as Error).message).to.match(/port/i);
  });

  it("does not outlive a process that ends by an error", async () => {
    const module = JSON.stringify(new URL("./anvilChain.ts", import.meta.url).href);
    const folderText = JSON.stringify(mkdtempSync(join(tmpdir(), "gridpact-anvil-")));
    const script = `const { anvilChain } = await import(${module});
      const { url } = await anvilChain(new Date(${START.getTime()}), 0, ${folderText});
      console.log(url);
      throw new Error("on purpose");`;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(status).to.equal(1);
    expect(stdout).to.match(/^http:\/\/127\.0\.0\.1:\d+\n$/);
    for (;;) {
      const gone = await fetch(stdout.trim(), { method: "POST" }).then(
        () => false,
        () => true,
      );
      if (gone) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
