import tls, { type TLSSocket } from "node:tls";
import { batchOf, readFrame, stamp, type Envelope, type Frame } from "../../offchain-solver/net/host/frame.ts";
import type { Hello } from "../../offchain-solver/net/host/hello.ts";
import { createCertificate, type Certificate } from "../../offchain-solver/net/tls/certificate.ts";
import { frameReader } from "../../offchain-solver/net/tls/frames.ts";
import { helloOf } from "./signedHello.ts";

/** Somebody who speaks the protocol as badly as it likes, with TLS and the keys of one party. */
export type Rogue = {
  readonly socket: TLSSocket;
  /** What it was told. */
  readonly frames: Frame[];
  /** A frame, whole, after its length. */
  readonly send: (frame: Uint8Array) => void;
  readonly batch: (number: number, acknowledged: number, envelopes: readonly Envelope[]) => void;
  /** Resolves when the other end has ended the connection: the reason that it gave, if any. */
  readonly ended: Promise<string | undefined>;
};

export const framed = (frame: Uint8Array): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(frame.length);
  return Buffer.concat([head, frame]);
};

/** Connects; says nothing yet. */
export async function connectRogue(
  { host, port }: { readonly host: string; readonly port: number },
  options: tls.ConnectionOptions & { readonly certificate?: Certificate | undefined } = {},
): Promise<Rogue> {
  const certificate = "certificate" in options ? options.certificate : createCertificate();
  const socket = tls.connect({
    host,
    port,
    ...(certificate && { cert: certificate.cert, key: certificate.privateKey }),
    rejectUnauthorized: false,
    ALPNProtocols: ["gridpact/1"],
    ...options,
  });
  const frames: Frame[] = [];
  const take = frameReader(
    {
      longest: () => 1 << 25,
      frame(bytes) {
        const frame = readFrame(bytes);
        if (typeof frame !== "string") frames.push(frame);
      },
      broke: () => undefined,
      drained: () => undefined,
      closed: () => undefined,
    },
    () => true,
  );
  socket.on("data", take);
  const ended = new Promise<string | undefined>((resolve) => {
    socket.on("error", () => undefined);
    socket.on("close", () => {
      const last = frames.findLast((frame) => frame.kind === "bye");
      resolve(last?.kind === "bye" ? last.reason : undefined);
    });
  });
  await Promise.race([new Promise((resolve) => socket.once("secureConnect", resolve)), ended]);
  const send = (frame: Uint8Array): void => void socket.write(framed(frame));
  const batch = (number: number, acknowledged: number, envelopes: readonly Envelope[]): void =>
    send(stamp(batchOf(envelopes), number, acknowledged));
  return { socket, frames, send, batch, ended };
}

/** Connects and is let in as the host of one party. */
export async function enter(
  address: { readonly host: string; readonly port: number },
  self: number,
  to: number,
  say: Partial<Hello> = {},
): Promise<Rogue> {
  const certificate = createCertificate();
  const rogue = await connectRogue(address, { certificate });
  rogue.send(helloOf(self, to, { use: "tls", key: certificate.key }, say));
  while (rogue.frames.length === 0 && !rogue.socket.destroyed) await new Promise((resolve) => setImmediate(resolve));
  return rogue;
}
