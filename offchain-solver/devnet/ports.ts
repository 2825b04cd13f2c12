import { createServer, type AddressInfo, type Server } from "node:net";
import { InputError } from "../io/inputError.ts";

/** So many ports of 127.0.0.1 that nobody listens on: from `base` on, which must be free, or (0) any. */
export async function freePorts(count: number, base = 0): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let k = 0; k < count; k++) servers.push(await listenOn(base === 0 ? 0 : base + k));
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  }
}

function listenOn(port: number): Promise<Server> {
  return new Promise((listens, taken) => {
    const server = createServer();
    server.once("error", ({ code }: NodeJS.ErrnoException) =>
      taken(new InputError(`port ${port}: ${code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${code})`}`)),
    );
    server.listen(port, "127.0.0.1", () => listens(server));
  });
}
