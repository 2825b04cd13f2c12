import type { HostOptions, HostTransport } from "../host/hostOptions.ts";

/** Where a host listens. */
export type TlsAddress = { readonly host: string; readonly port: number };

export type TlsOptions = HostOptions<TlsAddress> & {
  /** Port 0 takes any that is free. */
  readonly listen: TlsAddress;
};

/**
 * Opens a host on TLS 1.3, mutual: one long-lived stream to each peer host, dialled by whichever has the lower number.
 * Rejects with an Error that names the port where that is in use.
 */
export type OpenTls = (options: TlsOptions) => Promise<HostTransport<TlsAddress>>;
