import { constants } from "node:crypto";
import type { AddressInfo, Socket } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import type { Channel, Listener } from "../host/connection.ts";
import type { HostOptions, HostTransport } from "../host/hostOptions.ts";
import { openHost, type Front } from "../host/openHost.ts";
import { createCertificate, rawKey, type Certificate } from "./certificate.ts";
import { frameReader } from "./frames.ts";

/** Where a host listens. */
export type TlsAddress = { readonly host: string; readonly port: number };

export type TlsOptions = HostOptions<TlsAddress> & {
  /** Port 0 takes any that is free. */
  readonly listen: TlsAddress;
};

const PROTOCOL = "gridpact/1";
/** Both ends show a certificate that nobody has signed but itself; whose its key is, their hellos prove. */
const contextOf = ({ cert, privateKey }: Certificate) => ({
  cert,
  key: privateKey,
  minVersion: "TLSv1.3" as const,
  // A resumed connection would show no certificate.
  secureOptions: constants.SSL_OP_NO_TICKET,
});
const SETTINGS = { ALPNProtocols: [PROTOCOL], rejectUnauthorized: false };

/**
 * Opens a host on TLS 1.3, mutual: one long-lived stream to each peer host, dialled by whichever has the lower number.
 * Rejects with an Error that names the address where that is in use.
 */
export function openTls(options: TlsOptions): Promise<HostTransport<TlsAddress>> {
  const certificate = createCertificate();
  // One for all that are dialled: to read a key and a certificate costs more than a connection that nobody takes.
  const secureContext = tls.createSecureContext(contextOf(certificate));
  return openHost(options, { use: "tls", key: certificate.key }, async (front) => {
    const sockets = new Set<TLSSocket>();
    const { server, strangers, address } = await listen(options.listen, certificate, front, sockets);
    return {
      address,
      dial({ host, port }, { opened, failed }) {
        const socket = tls.connect({ host, port, secureContext, ...SETTINGS, checkServerIdentity: () => undefined });
        sockets.add(socket);
        const late = setTimeout(() => socket.destroy(new Error("no answer in time")), front.timing.helloMs);
        const fail = (error?: Error): void => {
          clearTimeout(late);
          failed(`${host}:${port}: ${error === undefined ? "the connection was closed" : wordsFor(error)}`);
        };
        let trouble: Error | undefined;
        socket.on("error", (error) => (trouble = error));
        const closed = (): void => fail(trouble);
        socket.once("close", () => sockets.delete(socket));
        socket.once("close", closed);
        socket.once("secureConnect", () => {
          clearTimeout(late);
          socket.off("close", closed);
          const key = keyOf(socket);
          if (key !== undefined) return attach(socket, key, opened);
          socket.destroy();
          fail(new Error("it shows no certificate with an Ed25519 key"));
        });
      },
      async close() {
        const over = new Promise<void>((resolve) => server.close(() => resolve()));
        // Also those that have connected and not spoken: else they could hold it up.
        for (const raw of strangers.values()) raw.destroy();
        await Promise.all([over, ...[...sockets].map(release)]);
      },
    };
  });
}

/** Whoever does not take what is left is not waited for longer. */
const FLUSH_MS = 1_000;
function release(socket: TLSSocket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  const late = setTimeout(() => socket.destroy(), FLUSH_MS);
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      clearTimeout(late);
      resolve();
    });
  });
  socket.destroySoon();
  return closed;
}

/** Words for what people run into. */
const wordsFor = (error: Error & { code?: string }): string =>
  error.code === "ECONNREFUSED" ? "nobody listens there" : ((error.message || error.code) ?? "failed");

async function listen(
  { host, port }: TlsAddress,
  certificate: Certificate,
  { reception, timing, bounds }: Front,
  sockets: Set<TLSSocket>,
) {
  /** Connections that have not said who they are, oldest first: where they are too many the oldest has to go. */
  const strangers = new Map<string, Socket>();
  const server = tls.createServer({
    ...contextOf(certificate),
    ...SETTINGS,
    requestCert: true,
    handshakeTimeout: timing.helloMs,
  });
  server.on("connection", (raw) => {
    const where = whereOf(raw);
    strangers.set(where, raw);
    raw.once("close", () => strangers.delete(where));
    if (strangers.size <= bounds.strangers) return;
    const [[other, oldest]] = strangers;
    strangers.delete(other);
    oldest.destroy();
  });
  server.on("tlsClientError", (error, socket) => {
    reception.refused(whereOf(socket), wordsFor(error));
    socket.destroy();
  });
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const key = socket.alpnProtocol === PROTOCOL ? keyOf(socket) : undefined;
    const where = whereOf(socket);
    if (key !== undefined) return attach(socket, key, reception.opened, () => strangers.delete(where));
    socket.on("error", () => undefined);
    reception.refused(where, "it shows no certificate with an Ed25519 key, or speaks another protocol");
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`${host}:${port} is in use by another program`, { cause: error })
          : error,
      ),
    );
    server.listen({ host, port, exclusive: true }, resolve);
  });
  server.on("error", (error) => reception.refused(`${host}:${port}`, wordsFor(error)));
  return { server, strangers, address: { host, port: (server.address() as AddressInfo).port } };
}

function keyOf(socket: TLSSocket): string | undefined {
  try {
    const certificate = socket.getPeerX509Certificate();
    return certificate && rawKey(certificate.publicKey);
  } catch (error) {
    // A certificate whose key cannot be read, says OpenSSL.
    if (!/^ERR_(OSSL|CRYPTO)/.test((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return undefined;
  }
}

const whereOf = (socket: Socket): string => `${socket.remoteAddress}:${socket.remotePort}`;

/** From now on the socket is a channel. */
function attach(
  socket: TLSSocket,
  key: string,
  opened: (channel: Channel) => Listener,
  known: () => unknown = () => undefined,
): void {
  let open = true;
  let trouble: string | undefined;
  socket.setNoDelay(true);
  const listener = opened({
    key,
    where: whereOf(socket),
    known: () => void known(),
    send(frame) {
      if (!open) return true;
      const head = Buffer.alloc(4);
      head.writeUInt32LE(frame.length);
      socket.cork();
      socket.write(head);
      const room = socket.write(frame);
      process.nextTick(() => socket.uncork());
      return room;
    },
    close(flush = false) {
      open = false;
      if (flush) void release(socket);
      else socket.destroy();
    },
  });
  socket.on("error", (error) => (trouble = wordsFor(error)));
  socket.on("drain", () => open && listener.drained());
  socket.on(
    "data",
    frameReader(listener, () => open),
  );
  socket.once("close", () => {
    if (!open) return;
    open = false;
    listener.closed(trouble ?? "the connection was closed");
  });
}
