/**
 * What a node must never forget, on the disk before it acts on it (SQLite, WAL, synchronous FULL, one writer).
 * Commitments are chained by hash and kept for ever, about 1 kB a session. What an agent heard is kept for the newest
 * sessions only, a chain of its own each, so that `replay` can run it again; no commitment hangs on it.
 */
import { createHash } from "node:crypto";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { canonicalBytes, type Json } from "../../codec/canonicalJson.ts";
import { InputError } from "../../io/inputError.ts";
import type { AgentEvent } from "../agent/protocol.ts";

/**
 * 2: an agent's opening names the members who take part. Commitments are as they were in version 1, whose journals are
 * taken over: only what agents heard in them can not be run again.
 */
export const JOURNAL_VERSION = 2;
const BEFORE_MEMBERS = 1;
/** Sessions whose messages are kept: about 1 MB each on the 15-bus day. */
export const SESSIONS_HEARD = 8;
/** Messages are written together, so many at a time: losing the newest loses nothing but a replay. */
const EVENTS_AT_ONCE = 256;

/** Whose journal it is, and of which market on which chain. */
export type Owner = {
  readonly party: number;
  readonly chainId: string;
  /** Hash of the chain's first block: a chain that begins anew under the same id is another one. */
  readonly genesis: string;
  readonly market: string;
};

/** The kinds of commitment, in the order in which a session brings them. */
export type Commitment =
  /** The journal began while this session was the newest: what the node did in it before is not known here. */
  | { readonly kind: "joined"; readonly session: string }
  /** The freeze was seen; from here on the node may clear. */
  | { readonly kind: "frozen"; readonly session: string; readonly ordinal: number; readonly block: string }
  /** The one result of the session that this node signs, or has signed. */
  | { readonly kind: "signed"; readonly session: string; readonly digest: string; readonly payload: string }
  /** The signature is about to leave. */
  | { readonly kind: "released"; readonly session: string; readonly digest: string }
  /**
   * What this node will not sign, and why; the operator's node also notes of others what they make of the same
   * proposals, and why they take no part any more.
   */
  | {
      readonly kind: "refused";
      readonly session: string;
      readonly party: number;
      readonly predicate: string;
      readonly detail: string;
    }
  /** A transaction that settles is about to be sent. */
  | { readonly kind: "transaction"; readonly session: string; readonly hash: string; readonly raw: string }
  | { readonly kind: "settled"; readonly session: string; readonly batch: string; readonly block: string }
  | { readonly kind: "void"; readonly session: string; readonly reason: string }
  /** The chain no longer has what was seen: the session's freeze or settlement is gone, or its block is another. */
  | { readonly kind: "reorg"; readonly session: string; readonly lost: string };

/** What an agent of one attempt at a session was told, in order. */
export type Heard =
  | { readonly kind: "open"; readonly body: Uint8Array }
  | { readonly kind: "start" }
  | { readonly kind: "message"; readonly from: number; readonly body: Uint8Array }
  | { readonly kind: "timeout" }
  | { readonly kind: "end"; readonly body: Uint8Array };

/** An agent's event as the journal keeps it. */
export const heardOf = (event: AgentEvent): Heard =>
  event.kind === "message" ? { kind: event.kind, from: event.from, body: event.bytes } : event;

const NOTHING = new Uint8Array(0);
const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const SCHEMA = `
  CREATE TABLE owner (field TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE commitments (n INTEGER PRIMARY KEY, atMs INTEGER NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
  CREATE TABLE heard (session TEXT NOT NULL, attempt INTEGER NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL,
    sender INTEGER, body BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (session, attempt, n)) STRICT;
`;

/** The journal cannot be kept: its node must stop, since what it does next would not be on the disk. */
export class JournalError extends InputError {}

export class Journal {
  readonly file: string;
  readonly owner: Owner;
  readonly #db: DatabaseSync;
  readonly #nowMs: () => number;
  #commitments: Commitment[] = [];
  #head: Uint8Array = NOTHING;
  #waiting: (readonly SQLInputValue[])[] = [];
  #chain = { session: "", attempt: -1, n: 0, head: NOTHING as Uint8Array };

  /** Opens a journal, or begins it. Throws InputError where it is another's, damaged, or in use. */
  constructor(file: string, owner: Owner, options: { readonly nowMs?: () => number; readonly maxPages?: number } = {}) {
    this.file = file;
    this.owner = owner;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#db = open(file, false);
    try {
      if (options.maxPages !== undefined) this.#db.exec(`PRAGMA max_page_count=${options.maxPages}`);
      this.#begin();
      const read = readChains(file, this.#db);
      if (versionOf(this.#db) === BEFORE_MEMBERS)
        this.#db.exec(`BEGIN; DELETE FROM heard; PRAGMA user_version=${JOURNAL_VERSION}; COMMIT`);
      this.#commitments = read.commitments;
      this.#head = read.head;
    } catch (error) {
      this.#db.close();
      throw explained(file, error);
    }
  }

  #begin(): void {
    const version = versionOf(this.#db);
    if (version === undefined) {
      this.#db.exec(`BEGIN; ${SCHEMA}; PRAGMA user_version=${JOURNAL_VERSION}; COMMIT`);
      const put = this.#db.prepare("INSERT INTO owner VALUES (?, ?)");
      for (const [field, value] of Object.entries(this.owner)) put.run(field, String(value));
      return;
    }
    checkVersion(this.file, version, BEFORE_MEMBERS);
    for (const { field, value } of this.#db.prepare("SELECT * FROM owner").all() as {
      field: string;
      value: string;
    }[]) {
      const mine = this.owner[field as keyof Owner];
      if (String(mine) !== value)
        throw new InputError(
          `${this.file}: ${field} = ${value}: the journal of another ${NAMES[field]}, not of ${mine}`,
        );
    }
  }

  get commitments(): readonly Commitment[] {
    return this.#commitments;
  }

  /** On the disk when this returns. Throws InputError where the disk is full. */
  commit(commitment: Commitment): void {
    const n = this.#commitments.length;
    const atMs = this.#nowMs();
    const body = new TextDecoder().decode(canonicalBytes(commitment as unknown as Json));
    const hash = commitmentHash(this.#head, n, atMs, body);
    try {
      this.#write(() => this.#db.prepare("INSERT INTO commitments VALUES (?, ?, ?, ?)").run(n, atMs, body, hash));
    } catch (error) {
      throw explained(this.file, error);
    }
    this.#head = hash;
    this.#commitments.push(commitment);
  }

  /** Newest commitment of a kind about a session. */
  last<K extends Commitment["kind"]>(kind: K, session: string): Extract<Commitment, { kind: K }> | undefined {
    return this.#commitments.findLast(
      (one): one is Extract<Commitment, { kind: K }> => one.kind === kind && one.session === session,
    );
  }

  /** Notes what an agent is told, before it is told; written with the next commitment at the latest. */
  hear(session: string, attempt: number, heard: Heard): void {
    if (this.#chain.session !== session || this.#chain.attempt !== attempt)
      this.#chain = { session, attempt, n: 0, head: NOTHING };
    const chain = this.#chain;
    const body = "body" in heard ? heard.body : NOTHING;
    const sender = heard.kind === "message" ? heard.from : null;
    const hash = heardHash(chain.head, chain.n, heard.kind, sender, body);
    this.#waiting.push([session, attempt, chain.n, heard.kind, sender, body, hash]);
    chain.n++;
    chain.head = hash;
    if (this.#waiting.length >= EVENTS_AT_ONCE || heard.kind === "end") this.flush();
  }

  flush(): void {
    try {
      this.#write(() => undefined);
    } catch (error) {
      throw explained(this.file, error);
    }
  }

  /** Forgets what agents heard in all but the newest sessions: nothing of it is left in the file. */
  prune(keep = SESSIONS_HEARD): void {
    const frozen = [
      ...new Set(this.#commitments.filter(({ kind }) => kind === "frozen").map(({ session }) => session)),
    ];
    const kept = frozen.slice(-keep);
    const marks = kept.map(() => "?").join(",");
    const { changes } = this.#db.prepare(`DELETE FROM heard WHERE session NOT IN (${marks})`).run(...kept);
    // Else pages as they were before would stay in the log of writes until others take their place.
    if (changes > 0) this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  close(): void {
    try {
      this.flush();
    } finally {
      this.#db.close();
    }
  }

  #write(also: () => void): void {
    const waiting = this.#waiting;
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      if (waiting.length > 0) {
        const put = this.#db.prepare("INSERT OR REPLACE INTO heard VALUES (?, ?, ?, ?, ?, ?, ?)");
        for (const row of waiting) put.run(...row);
      }
      also();
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
    this.#waiting = [];
  }
}

const NAMES: Readonly<Record<string, string>> = {
  party: "party",
  chainId: "chain",
  genesis: "chain (one that was begun anew under the same id)",
  market: "market",
};

/** All that agents heard, checked: by session, then by attempt. For replays; the journal may be in no use. */
export function readHeard(file: string): Map<string, Map<number, Heard[]>> {
  const db = open(file, true);
  try {
    const version = versionOf(db);
    if (version === undefined) throw new InputError(`${file}: is no journal`);
    checkVersion(file, version);
    readChains(file, db);
    const sessions = new Map<string, Map<number, Heard[]>>();
    for (const row of db.prepare("SELECT * FROM heard ORDER BY rowid").all() as HeardRow[]) {
      const attempts = sessions.get(row.session) ?? new Map<number, Heard[]>();
      sessions.set(row.session, attempts);
      const list = attempts.get(row.attempt) ?? [];
      attempts.set(row.attempt, list);
      list.push({ kind: row.kind, body: row.body, ...(row.sender !== null && { from: row.sender }) } as Heard);
    }
    return sessions;
  } catch (error) {
    throw explained(file, error);
  } finally {
    db.close();
  }
}

/** All commitments, checked; for reports. The journal may be in no use. */
export function readCommitments(file: string): Commitment[] {
  const db = open(file, true);
  try {
    checkVersion(file, versionOf(db) ?? 0, BEFORE_MEMBERS);
    return readChains(file, db).commitments;
  } catch (error) {
    throw explained(file, error);
  } finally {
    db.close();
  }
}

/** Whether nobody has it open. Throws InputError where it is none. */
export function isFree(file: string): boolean {
  try {
    opened(file, false).close();
    return true;
  } catch (error) {
    const { errcode = 0 } = error as { errcode?: number };
    if (IN_USE.includes(errcode & 0xff)) return false;
    throw explained(file, error);
  }
}

type HeardRow = {
  session: string;
  attempt: number;
  n: number;
  kind: Heard["kind"];
  sender: number | null;
  body: Uint8Array;
  hash: Uint8Array;
};

function open(file: string, readOnly: boolean): DatabaseSync {
  try {
    return opened(file, readOnly);
  } catch (error) {
    throw explained(file, error);
  }
}

/** As `open`, with errors as SQLite says them. */
function opened(file: string, readOnly: boolean): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly, timeout: 0 });
  if (!readOnly)
    // Exclusive before anything is read: a second node with this key must not get in.
    db.exec(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; " +
        "BEGIN IMMEDIATE; COMMIT",
    );
  return db;
}

function versionOf(db: DatabaseSync): number | undefined {
  const tables = db.prepare("SELECT count(*) AS count FROM sqlite_schema").get() as { count: number };
  return tables.count === 0
    ? undefined
    : (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

/** `also`: an earlier one that will do. */
function checkVersion(file: string, version: number, also = JOURNAL_VERSION): void {
  if (version === JOURNAL_VERSION || version === also) return;
  const hint =
    version === BEFORE_MEMBERS ? "; its node takes it over when it starts, without what agents heard before" : "";
  throw new InputError(
    `${file}: user_version = ${version}: a journal of another version; ` +
      `this program reads version ${JOURNAL_VERSION}${hint}`,
  );
}

const commitmentHash = (head: Uint8Array, n: number, atMs: number, body: string): Uint8Array =>
  sha256(head, new TextEncoder().encode(JSON.stringify([n, atMs, body])));

const heardHash = (head: Uint8Array, n: number, kind: string, sender: number | null, body: Uint8Array): Uint8Array =>
  sha256(head, new TextEncoder().encode(JSON.stringify([n, kind, sender, body.length])), body);

/** Recomputes every hash. Throws InputError that names table and row. */
function readChains(file: string, db: DatabaseSync): { commitments: Commitment[]; head: Uint8Array } {
  const damaged = (table: string, row: string): InputError =>
    new InputError(`${file}: ${table}, row ${row}: is damaged: its hash is not the one that was written`);
  const commitments: Commitment[] = [];
  let head: Uint8Array = NOTHING;
  type Row = { n: number; atMs: number; body: string; hash: Uint8Array };
  for (const { n, atMs, body, hash } of db.prepare("SELECT * FROM commitments ORDER BY n").iterate() as Iterable<Row>) {
    const expected = commitmentHash(head, commitments.length, atMs, body);
    if (n !== commitments.length || !same(hash, expected)) throw damaged("commitments", `${commitments.length}`);
    commitments.push(JSON.parse(body) as Commitment);
    head = hash;
  }
  let chain = { session: "", attempt: -1, n: 0, head: NOTHING as Uint8Array };
  const rows = db.prepare("SELECT * FROM heard ORDER BY session, attempt, n").iterate() as Iterable<HeardRow>;
  for (const { session, attempt, n, kind, sender, body, hash } of rows) {
    if (chain.session !== session || chain.attempt !== attempt) chain = { session, attempt, n: 0, head: NOTHING };
    if (n !== chain.n || !same(hash, heardHash(chain.head, chain.n, kind, sender, body)))
      throw damaged("heard", `${session} ${attempt} ${chain.n}`);
    chain.n++;
    chain.head = hash;
  }
  return { commitments, head };
}

/** SQLite's codes for a file that somebody else has open. */
const IN_USE: readonly number[] = [5, 6];

/** SQLite's own complaints, in the words of whoever runs a node. */
function explained(file: string, error: unknown): unknown {
  if (error instanceof InputError) return error;
  const { errcode, message } = error as { errcode?: number; message: string };
  if (errcode === undefined) return error;
  const reason: Record<number, string> = {
    ...Object.fromEntries(
      IN_USE.map((code) => [code, "is in use by another process: two nodes with one key could sign two results"]),
    ),
    8: "cannot be written: it, or its folder, is read-only",
    10: "cannot be read or written: the disk reports an error",
    11: "is damaged: move it away; the node then sits out the session that is open",
    13: "cannot be written: the disk is full",
    14: "cannot be opened: its folder does not exist or may not be entered",
    26: "is no journal, or its first page is damaged",
  };
  return new JournalError(`${file}: ${reason[errcode & 0xff] ?? `cannot be used (${message})`}`);
}
