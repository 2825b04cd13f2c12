import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { Wallet } from "ethers";
import { InputError } from "../../io/inputError.ts";
import { Journal, readCommitments, readHeard, type Owner } from "./journal.ts";
import { maySign, remember } from "./signing.ts";

const OWNER: Owner = { party: 3, chainId: "31337", genesis: "0x01", market: "0xaa" };
const fresh = (): string => join(mkdtempSync(join(tmpdir(), "gridpact-journal-")), "journal.sqlite");
const begin = (file: string, owner = OWNER): Journal => new Journal(file, owner);
const frozen = (session: string) => ({ kind: "frozen", session, ordinal: 1, block: "0x02" }) as const;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A journal with commitments and messages, closed. */
function filled(): string {
  const file = fresh();
  const journal = begin(file);
  for (let k = 0; k < 6; k++) {
    journal.commit(frozen(`0x${k}`));
    journal.hear(`0x${k}`, 0, { kind: "open", body: bytes("terms") });
    journal.hear(`0x${k}`, 0, { kind: "message", from: -1, body: bytes(`number ${k}`) });
    journal.hear(`0x${k}`, 0, { kind: "end", body: bytes("bits") });
  }
  journal.close();
  return file;
}

describe("a journal", () => {
  it("gives back what was committed and heard, in order", () => {
    const file = filled();
    const journal = begin(file);
    expect(journal.commitments.map(({ session }) => session)).to.deep.equal(["0x0", "0x1", "0x2", "0x3", "0x4", "0x5"]);
    journal.prune(2);
    journal.close();
    const heard = readHeard(file);
    expect([...heard.keys()]).to.deep.equal(["0x4", "0x5"]);
    expect(
      heard
        .get("0x5")!
        .get(0)!
        .map(({ kind }) => kind),
    ).to.deep.equal(["open", "message", "end"]);
    expect(begin(file).commitments.length).to.equal(6);
  });

  it("keeps nothing in its files of what it forgets", () => {
    const file = fresh();
    const journal = begin(file);
    const secret = (k: number): string => `what a partner offered in session ${k}`;
    for (let k = 0; k < 3; k++) {
      journal.commit(frozen(`0x${k}`));
      for (let n = 0; n < 40; n++) journal.hear(`0x${k}`, 0, { kind: "message", from: 1, body: bytes(secret(k)) });
      journal.hear(`0x${k}`, 0, { kind: "end", body: bytes("bits") });
    }
    journal.prune(1);
    // While it runs, and once it is stopped.
    const kept = (): boolean[] => {
      const files = [file, `${file}-wal`].filter((one) => existsSync(one)).map((one) => readFileSync(one));
      return [0, 1, 2].map((k) => files.some((all) => all.includes(secret(k))));
    };
    expect(kept()).to.deep.equal([false, false, true]);
    journal.close();
    expect(kept()).to.deep.equal([false, false, true]);
  });

  it("lets a node sign one result of a session and no other, and none where it began too late", () => {
    const file = fresh();
    let journal = begin(file);
    const payload = Uint8Array.of(1);
    expect(maySign(journal, "0xa", "0x1", payload).kind).to.equal("no");
    journal.commit(frozen("0xa"));
    expect(maySign(journal, "0xa", "0x1", payload).kind).to.equal("yes");
    journal.close();
    journal = begin(file);
    expect(maySign(journal, "0xa", "0x1", payload).kind).to.equal("yes");
    expect(maySign(journal, "0xa", "0x2", payload)).to.deep.equal({
      kind: "no",
      reason: "another result was signed already (0x1)",
    });
    journal.commit({ kind: "joined", session: "0xb" });
    journal.commit(frozen("0xb"));
    expect(maySign(journal, "0xb", "0x1", payload).kind).to.equal("no");
    journal.close();
  });

  it("that was restored signs no second result, once somebody says what its node has signed", () => {
    const key = Wallet.createRandom();
    const [first, second] = ["01", "02"].map((byte) => `0x${byte.repeat(32)}`);
    const signature = key.signingKey.sign(first).serialized;
    const file = fresh();
    let journal = begin(file);
    journal.commit(frozen("0xa"));
    const told = { digest: first, signature, key: key.address };
    expect(remember(journal, "0xa", { ...told, digest: second })).to.equal("nobody's");
    expect(remember(journal, "0xa", told)).to.equal("forgotten");
    journal.close();
    journal = begin(file);
    expect(remember(journal, "0xa", told)).to.equal("known");
    expect(maySign(journal, "0xa", second, Uint8Array.of(1)).kind).to.equal("no");
    expect(maySign(journal, "0xa", first, Uint8Array.of(1)).kind).to.equal("yes");
    journal.close();
  });

  it("is one process's alone, one party's, one market's and one chain's", async () => {
    const file = fresh();
    const journal = begin(file);
    const code = `
      import { Journal } from ${JSON.stringify(new URL("journal.ts", import.meta.url).href)};
      try { new Journal(${JSON.stringify(file)}, ${JSON.stringify(OWNER)}); } catch (e) { console.log(e.message); }`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    for await (const text of child.stdout) said += text;
    expect(said).to.match(/in use by another process/);
    journal.close();
    for (const [field, value] of Object.entries({ party: 4, chainId: "1", genesis: "0x02", market: "0xbb" }))
      expect(() => begin(file, { ...OWNER, [field]: value }), field).to.throw(InputError, new RegExp(`${field} = `));
  });

  it("of another version, or no journal at all, is said to be so", () => {
    const file = filled();
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version=7");
    db.close();
    expect(() => begin(file)).to.throw(InputError, /user_version = 7.*reads version 2$/);
    const other = fresh();
    writeFileSync(other, "no database at all, but text that is long enough to be looked at".repeat(20));
    expect(() => begin(other)).to.throw(InputError, /no journal/);
    expect(() => readHeard(join(other, "none"))).to.throw(InputError, /cannot be opened/);
  });

  it("of the version before is taken over with every commitment, and says that it cannot be replayed", () => {
    const file = filled();
    const db = new DatabaseSync(file);
    // As version 1 was: the openings' bodies alone were others.
    db.exec("PRAGMA user_version=1");
    db.close();
    const committed = readCommitments(file);
    expect(() => readHeard(file)).to.throw(InputError, /user_version = 1: a journal of another version.*takes it over/);
    const journal = begin(file);
    expect(journal.commitments).to.deep.equal(committed);
    // Nor does it sign another result of a session than it had signed.
    expect(journal.last("frozen", "0x5")).to.deep.equal(frozen("0x5"));
    journal.hear("0x6", 0, { kind: "start" });
    journal.close();
    expect([...readHeard(file).keys()]).to.deep.equal(["0x6"]);
    expect(begin(file).commitments).to.deep.equal(committed);
  });

  it("of the version before is not taken over where it is damaged", () => {
    const file = filled();
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version=1; UPDATE commitments SET atMs = atMs + 1 WHERE n = 2");
    db.close();
    expect(() => begin(file)).to.throw(InputError, /is damaged/);
    expect(() => readHeard(file)).to.throw(InputError, /user_version = 1/);
  });

  it("notices every flipped bit in what its rows say", () => {
    const file = filled();
    const content = readFileSync(file);
    let checked = 0;
    // Wherever a row's text, and only such text, lies in the pages.
    for (const word of ["frozen", "0x02", "ordinal", "number 3", "bits"])
      for (let at = content.indexOf(word); at >= 0; at = content.indexOf(word, at + 1)) {
        const copy = fresh();
        copyFileSync(file, copy);
        const flipped = Buffer.from(content);
        flipped[at + 1] ^= 1;
        writeFileSync(copy, flipped);
        expect(() => begin(copy), `${word} at ${at}`).to.throw(InputError, /damaged|is no journal/);
        checked++;
      }
    expect(checked).to.be.greaterThan(20);
  });

  it("notices rows that are gone, changed places or were added", () => {
    for (const change of [
      "DELETE FROM commitments WHERE n = 2",
      "UPDATE commitments SET atMs = atMs + 1 WHERE n = 2",
      "UPDATE commitments SET body = (SELECT body FROM commitments WHERE n = 3) WHERE n = 2",
      "INSERT INTO commitments SELECT 6, atMs, body, hash FROM commitments WHERE n = 5",
      "UPDATE heard SET sender = 2 WHERE kind = 'message' AND session = '0x3'",
      "DELETE FROM heard WHERE kind = 'message' AND session = '0x3'",
    ]) {
      const file = filled();
      const db = new DatabaseSync(file);
      db.exec(change);
      db.close();
      expect(() => begin(file), change).to.throw(InputError, /is damaged/);
    }
  });

  it("says that the disk is full, and still has what was there", () => {
    const file = fresh();
    const journal = new Journal(file, OWNER, { maxPages: 12 });
    let written = 0;
    expect(() => {
      for (;;) {
        journal.commit({ kind: "void", session: "0x1", reason: "x".repeat(2_000) });
        written++;
      }
    }).to.throw(InputError, /the disk is full/);
    journal.close();
    expect(begin(file).commitments.length).to.equal(written);
  });

  it("has every commitment that was answered for, after kill -9", async () => {
    const code = (file: string): string => `
      import { Journal } from ${JSON.stringify(new URL("journal.ts", import.meta.url).href)};
      const journal = new Journal(${JSON.stringify(file)}, ${JSON.stringify(OWNER)});
      for (let n = 0; ; n++) {
        journal.hear("0x1", 0, { kind: "message", from: 1, body: new Uint8Array(100) });
        journal.commit({ kind: "released", session: "0x1", digest: "0x" + n });
        process.stdout.write("\\n" + n + ";");
      }`;
    for (let run = 0; run < 4; run++) {
      const file = fresh();
      const child = spawn(process.execPath, ["--input-type=module", "-e", code(file)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let said = "";
      for await (const text of child.stdout) {
        said += text;
        if (said.length > 300 * (run + 1)) child.kill("SIGKILL");
      }
      const answered = Number(/(\d+);(?![\s\S]*;)/.exec(said)![1]);
      const journal = begin(file);
      expect(journal.commitments.length).to.be.at.least(answered + 1);
      journal.close();
    }
  }).timeout(60_000);
});
