import type { Channel, Listener } from "./connection.ts";
import { bye, helloFrame, readFrame, type Frame } from "./frame.ts";
import { readHello, type Hello } from "./hello.ts";

export type Handshake = {
  readonly channel: Channel;
  /** Who was dialled; undefined: it came by itself. */
  readonly dialled: number | undefined;
  readonly helloMs: number;
  /** What this host says to that one. */
  readonly hello: (host: number) => string;
  /** Why these are not who they should be; undefined: they are. */
  readonly doubt: (hello: Hello) => string | undefined;
  /** The other end is known: from now on its frames go to what this returns. */
  readonly known: (hello: Hello) => Established;
  /** Told once, if it comes to nothing: why, who it claims to be, and whether it was the other end that said no. */
  readonly failed: (reason: string, claims: number | undefined, turnedAway: boolean) => void;
  readonly longestHello: () => number;
  readonly longestFrame: number;
};

export type Established = {
  readonly frame: (frame: Frame, bytes: number) => void;
  readonly broke: (reason: string) => void;
  readonly drained: () => void;
  readonly closed: (reason: string) => void;
};

/**
 * Both ends of a new connection say who they are: the one that dialled first, and the other only to somebody that it
 * knows. Until then anything else ends it.
 */
export function shakeHands(handshake: Handshake): Listener {
  const { channel, dialled, hello, doubt, known, failed } = handshake;
  let established: Established | undefined;
  let over = false;
  const fail = (reason: string, claims = dialled, turnedAway = false): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    if (!turnedAway) channel.send(bye(reason));
    channel.close(true);
    failed(reason, claims, turnedAway);
  };
  const timer = setTimeout(
    () => fail(`it has not said who it is within ${handshake.helloMs / 1000} s`),
    handshake.helloMs,
  );
  const greet = (frame: Frame): void => {
    if (frame.kind === "bye") return fail(frame.reason, dialled, true);
    if (frame.kind !== "hello") return fail("it speaks before it has said who it is");
    const said = readHello(frame.text);
    if (typeof said === "string") return fail(said);
    if (dialled !== undefined && said.host !== dialled) return fail(`host ${said.host} answers in place of ${dialled}`);
    const reason = doubt(said);
    if (reason !== undefined) return fail(reason, said.host);
    over = true;
    clearTimeout(timer);
    channel.known();
    if (dialled === undefined) channel.send(helloFrame(hello(said.host)));
    established = known(said);
  };
  if (dialled !== undefined) channel.send(helloFrame(hello(dialled)));
  return {
    longest: () => (established ? handshake.longestFrame : handshake.longestHello()),
    frame(bytes) {
      const frame = readFrame(bytes);
      if (typeof frame === "string") (established?.broke ?? fail)(`it sent ${frame}`);
      else if (established) established.frame(frame, bytes.length);
      else if (!over) greet(frame);
    },
    broke: (reason) => (established ? established.broke(reason) : fail(reason)),
    drained: () => established?.drained(),
    closed(reason) {
      if (established) return established.closed(reason);
      if (over) return;
      over = true;
      clearTimeout(timer);
      failed(reason, dialled, false);
    },
  };
}
