import { asOne, openHosts, type Open } from "../../../test/support/openHosts.ts";
import { transportSuite } from "../../../test/support/transportSuite.ts";
import { openTls, type TlsAddress } from "./openTls.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };
const open: Open<TlsAddress> = (options) => openTls({ ...options, listen: LOCAL });

transportSuite("TLS, a host each", async () => asOne(await openHosts(open, [[-1], [0], [1], [2], [3], [7]])));
transportSuite("TLS, several on a host", async () => asOne(await openHosts(open, [[-1, 2], [0, 1], [3], [7]])));
