import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect } from "chai";
import { decryptKeystoreJson, Wallet } from "ethers";
import { InputError } from "../io/inputError.ts";
import { backUp, restore } from "./backup.ts";
import { checkOwnerOnly, configFile, journalFile, keyFile, makeHome, writeOwn } from "./home.ts";
import { encryptKey, inspectKey, KEY_ROLES, openKey, SCRYPT_N } from "./keystore.ts";
import { readPassword } from "./password.ts";
import { completeRotation, nextKey, ownKey } from "./rotation.ts";

const PASSWORD = "correct horse";
const folder = (): string => mkdtempSync(join(tmpdir(), "gridpact-keys-"));

async function home(): Promise<string> {
  const made = join(folder(), "home");
  makeHome(made);
  for (const role of KEY_ROLES) await ownKey(made, role, PASSWORD, SCRYPT_N.devnet);
  writeOwn(configFile(made), "party: 3\n");
  return made;
}

async function refusal(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    return (error as Error).message;
  }
  throw new Error("it was not refused");
}

describe("a keystore", () => {
  it("opens with its password, and is what other wallets read", async () => {
    const key = new Wallet(Wallet.createRandom().privateKey);
    const file = join(folder(), "node.json");
    writeOwn(file, await encryptKey(key, "node", PASSWORD, SCRYPT_N.devnet));
    expect((await openKey(file, PASSWORD, "node")).privateKey).to.equal(key.privateKey);
    expect((await decryptKeystoreJson(readFileSync(file, "utf8"), PASSWORD)).address).to.equal(key.address);
    expect(readFileSync(file, "utf8")).not.to.contain(key.privateKey.slice(2));
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(inspectKey(file).role).to.equal("node");
  });

  it("says in one sentence, with file and field, what is wrong with it", async () => {
    const file = keyFile(await home(), "node");
    const text = readFileSync(file, "utf8");
    type Editable = {
      [field: string]: unknown;
      address: string;
      gridpact?: unknown;
      Crypto: { mac?: string; ciphertext: string; kdfparams: { n: number } };
    };
    const edited = (edit: (json: Editable) => unknown): string => {
      const copy = join(folder(), "node.json");
      const json = JSON.parse(text) as Editable;
      edit(json);
      writeFileSync(copy, JSON.stringify(json));
      return copy;
    };
    const flip = (digits: string): string => (digits[0] === "0" ? "1" : "0") + digits.slice(1);
    const cases: [string, string, RegExp][] = [
      [file, "wrong password", /node\.json: Crypto\.mac: the password is not the one/],
      [edited((j) => delete j.Crypto.mac), PASSWORD, /Crypto\.mac = nothing: is missing/],
      [edited((j) => (j.Crypto.ciphertext = "12")), PASSWORD, /Crypto\.ciphertext = "12": must be 32 bytes/],
      [edited((j) => (j.Crypto.kdfparams.n = 2 ** 30)), PASSWORD, /Crypto\.kdfparams\.n = 1073741824: /],
      [edited((j) => (j.Crypto.kdfparams.n = 1000)), PASSWORD, /Crypto\.kdfparams\.n = 1000: must be a power of two/],
      [edited((j) => (j.Crypto.mac = flip(j.Crypto.mac!))), PASSWORD, /gridpact\.checksum = .*was changed after/],
      [edited((j) => (j.address = flip(j.address))), PASSWORD, /gridpact\.checksum = .*was changed after/],
      [edited((j) => (j.version = 1)), PASSWORD, /version = 1: /],
      [edited((j) => ((j.address = flip(j.address)), delete j.gridpact)), PASSWORD, /address = .*not the address/],
      [
        edited((j) => ((j.Crypto.ciphertext = flip(j.Crypto.ciphertext)), delete j.gridpact)),
        PASSWORD,
        /or its cipher/,
      ],
    ];
    for (const [where, password, expected] of cases)
      expect(await refusal(() => openKey(where, password, "node"))).to.match(expected);
    writeFileSync(file, text.slice(0, 200));
    expect(await refusal(() => openKey(file, PASSWORD))).to.match(/node\.json: is not JSON/);
    expect(await refusal(() => openKey(join(folder(), "none.json"), PASSWORD))).to.match(/there is no such file/);
  });

  it("of another role is not taken, and one that others can read is complained of", async () => {
    const made = await home();
    expect(await refusal(() => openKey(keyFile(made, "meter"), PASSWORD, "node"))).to.match(
      /gridpact\.role = "meter": a node key is needed here/,
    );
    chmodSync(keyFile(made, "node"), 0o640);
    expect(await refusal(() => checkOwnerOnly(keyFile(made, "node")))).to.match(/others can read it \(mode 640\)/);
  });

  it("is made once: whoever runs on finds the same keys", async () => {
    const made = await home();
    const first = await openKey(keyFile(made, "wallet"), PASSWORD);
    expect((await ownKey(made, "wallet", PASSWORD, SCRYPT_N.devnet)).address).to.equal(first.address);
    expect(await refusal(() => writeOwn(keyFile(made, "wallet"), "{}"))).to.match(/never overwritten/);
  });
});

describe("a key's rotation", () => {
  it("goes on where it was stopped, and keeps the old key", async () => {
    const made = await home();
    const old = await openKey(keyFile(made, "node"), PASSWORD);
    const next = await nextKey(made, "node", PASSWORD, SCRYPT_N.devnet);
    expect((await nextKey(made, "node", PASSWORD, SCRYPT_N.devnet)).address).to.equal(next.address);
    completeRotation(made, "node", old);
    expect((await openKey(keyFile(made, "node"), PASSWORD, "node")).address).to.equal(next.address);
    const kept = join(made, "keys", `node.${old.address.toLowerCase()}.json`);
    expect((await openKey(kept, PASSWORD)).address).to.equal(old.address);
  });
});

describe("a backup", () => {
  it("brings a party back elsewhere, and nothing of it can be read without the password", async () => {
    const made = await home();
    const file = join(folder(), "backup.json");
    expect(backUp(made, file)).to.deep.equal(["wallet.json", "node.json", "meter.json", "node.yaml"]);
    const back = join(folder(), "back");
    restore(file, back);
    for (const role of KEY_ROLES) {
      const { privateKey } = await openKey(keyFile(made, role), PASSWORD, role);
      expect((await openKey(keyFile(back, role), PASSWORD, role)).privateKey).to.equal(privateKey);
      expect(readFileSync(file, "utf8")).not.to.contain(privateKey.slice(2));
    }
  });

  it("brings back all that a node starts with, to the byte", async () => {
    const made = await home();
    const texts = { "private.json": "{}", "peers.json": '{"parties":[]}', "registration.json": "[]" };
    for (const [name, text] of Object.entries(texts)) writeOwn(join(made, name), text);
    const file = join(folder(), "backup.json");
    backUp(made, file);
    const back = join(folder(), "back");
    restore(file, back);
    const all = readdirSync(made, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(all.length).to.equal(7);
    for (const { parentPath, name } of all) {
      const place = relative(made, join(parentPath, name));
      expect(readFileSync(join(back, place), "utf8"), place).to.equal(readFileSync(join(made, place), "utf8"));
    }
  });

  it("is whole or not there at all, and so is what it brings back, where the disk takes no more", async () => {
    const made = await home();
    const place = folder();
    const [short, file, back] = ["short.json", "backup.json", "new/home"].map((name) => join(place, name));
    /** In a process whose files may have so many blocks of 512 bytes. */
    const inBlocks = (blocks: number, call: string): string => {
      const code = `import { backUp, restore } from "${new URL("./backup.ts", import.meta.url).href}";
        try { ${call}; } catch (error) { console.log(error.constructor.name, error.message); }`;
      const args = ["-c", `ulimit -f ${blocks}; exec "$0" --input-type=module -e "$1"`, process.execPath, code];
      return execFileSync("bash", ["-o", "posix", ...args], { encoding: "utf8" });
    };
    writeOwn(join(made, "private.json"), JSON.stringify("x".repeat(20_000)));
    const paths = [made, short].map((path) => JSON.stringify(path));
    expect(inBlocks(16, `backUp(${paths.join()})`)).to.equal(`InputError ${short}: cannot be written (EFBIG)\n`);
    backUp(made, file);
    const to = [file, back].map((path) => JSON.stringify(path));
    expect(inBlocks(16, `restore(${to.join()})`)).to.match(
      /^InputError .*private\.json: cannot be written \(EFBIG\)\n$/,
    );
    expect([readdirSync(place), existsSync(join(place, "new"))]).to.deep.equal([["backup.json"], false]);
    restore(file, back);
  });

  it("is refused where it was changed, or where a party lives already", async () => {
    const made = await home();
    const file = join(folder(), "backup.json");
    backUp(made, file);
    expect(await refusal(() => restore(file, made))).to.match(/wallet\.json: is there already/);
    const begun = join(folder(), "begun");
    makeHome(begun);
    writeFileSync(journalFile(begun), "");
    expect(await refusal(() => restore(file, begun))).to.match(/journal\.sqlite: is there already/);
    writeFileSync(file, readFileSync(file, "utf8").replace("party: 3", "party: 4"));
    expect(await refusal(() => restore(file, join(folder(), "x")))).to.match(/checksum = .*was changed/);
    writeFileSync(keyFile(made, "node"), "{}");
    expect(await refusal(() => backUp(made, join(folder(), "y")))).to.match(/node\.json: .*is missing/);
  });
});

describe("a password", () => {
  it("comes from the environment or a file, never empty, never short when it is new", async () => {
    const file = join(folder(), "password");
    writeFileSync(file, "from a file\n");
    expect(await readPassword({ env: { GRIDPACT_PASSWORD: "from outside" }, file })).to.equal("from outside");
    expect(await readPassword({ env: { GRIDPACT_PASSWORD_FILE: file } })).to.equal("from a file");
    expect(await readPassword({ env: {}, file })).to.equal("from a file");
    expect(await refusal(() => readPassword({ env: { GRIDPACT_PASSWORD: "" } }))).to.match(/is empty/);
    expect(await refusal(() => readPassword({ env: { GRIDPACT_PASSWORD: "short" }, fresh: true }))).to.match(
      /at least 8/,
    );
  });
});
