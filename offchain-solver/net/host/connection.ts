/** An adapter's connection to some host: whole frames, encrypted, its other end proved to hold a key. */
export type Channel = {
  /** The other end's public key, 32 bytes in hexadecimal: what its parties must have signed. */
  readonly key: string;
  /** For people. */
  readonly where: string;
  /** false: enough waits to be carried; `drained` is called when there is room again. Never calls back at once. */
  readonly send: (frame: Uint8Array) => boolean;
  /** The other end has said, and proved, who it is. */
  readonly known: () => void;
  /** Nothing is told of it from now on. With `flush`, what was sent before goes out first. */
  readonly close: (flush?: boolean) => void;
};

/** What an adapter tells of a channel, one call at a time. */
export type Listener = {
  /** The longest frame that may come now. */
  readonly longest: () => number;
  readonly frame: (frame: Uint8Array) => void;
  /** What came is no frame, or a longer one. */
  readonly broke: (reason: string) => void;
  readonly drained: () => void;
  readonly closed: (reason: string) => void;
};

/** What an adapter tells of hosts that it hears of. */
export type Reception = {
  /** Somebody has connected. */
  readonly opened: (channel: Channel) => Listener;
  /** Somebody tried to, and has not come so far as to say who it is. */
  readonly refused: (address: string, reason: string) => void;
};

export type Dialled = {
  readonly opened: (channel: Channel) => Listener;
  readonly failed: (reason: string) => void;
};

/** What carries frames between hosts: TLS or NATS. */
export type Carriage<Address> = {
  readonly address: Address;
  /** Tries once to reach a host, and tells one of the two. */
  readonly dial: (address: Address, told: Dialled) => void;
  readonly close: () => Promise<void>;
};
