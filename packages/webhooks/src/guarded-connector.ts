import { lookup as systemLookup } from "node:dns/promises";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { buildConnector } from "undici";
import type { AddressRules } from "./address-rules.ts";
import { bareHost, loopbackAddresses } from "./guard-url.ts";

/** All addresses of a name. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** A connection was refused because an address of the host is not one a webhook may reach. */
export class ForbiddenAddressError extends Error {
  override readonly name = "ForbiddenAddressError";
}

/** A name could not be resolved. */
export class ResolveError extends Error {
  override readonly name = "ResolveError";
}

export interface GuardedConnectorOptions {
  readonly rules: AddressRules;
  readonly resolve: ResolveHost;
  readonly connectTimeoutMs: number;
  /** PEM certificates to trust instead of the system's. */
  readonly certificateAuthorities?: string | undefined;
}

/** Asks the operating system (so hosts files and container DNS count). */
export const resolveBySystem: ResolveHost = async (hostname) =>
  (await systemLookup(hostname, { all: true })).map((entry) => entry.address);

/**
 * A connector for undici that reaches checked addresses only. The name is resolved once, every address is judged,
 * and the socket goes to one of exactly these, so a second DNS answer cannot change the target (rebinding); Host and
 * SNI stay the name. Node never calls `lookup` for an IP literal, so literals are judged before connecting, and the
 * peer's address once more after. Plain http must stay inside the allowed networks.
 */
export function createGuardedConnector(options: GuardedConnectorOptions): buildConnector.connector {
  const connectors = { "https:": connectorFor("https:", options), "http:": connectorFor("http:", options) };
  return (target, callback) => {
    const permitted = permittedFor(target.protocol, options.rules);
    if (isIP(bareHost(target.hostname)) !== 0 && !permitted(bareHost(target.hostname))) {
      callback(new ForbiddenAddressError("the address is not allowed for webhooks"), null);
      return;
    }
    const connect = target.protocol === "https:" ? connectors["https:"] : connectors["http:"];
    connect(target, (...[error, socket]) => {
      if (error) return callback(error, null);
      checkPeer(socket, permitted, callback);
    });
  };
}

function connectorFor(protocol: string, options: GuardedConnectorOptions): buildConnector.connector {
  return buildConnector({
    allowH2: false,
    timeout: options.connectTimeoutMs,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: 1000,
    lookup: pinnedLookup(options.resolve, permittedFor(protocol, options.rules)),
    ...(options.certificateAuthorities === undefined ? {} : { ca: options.certificateAuthorities }),
  } as buildConnector.BuildOptions);
}

function permittedFor(protocol: string, rules: AddressRules): (address: string) => boolean {
  return (address) => {
    const verdict = rules.verdict(address);
    return verdict === "allowed-network" || (verdict === "public" && protocol === "https:");
  };
}

function pinnedLookup(resolve: ResolveHost, permitted: (address: string) => boolean): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    checkedAddresses(hostname, resolve, permitted).then(
      (addresses) => {
        const entries = addresses.map((address) => ({ address, family: isIP(address) }));
        const first = entries[0];
        if (lookupOptions.all || first === undefined) callback(null, entries);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, []),
    );
  };
}

async function checkedAddresses(
  hostname: string,
  resolve: ResolveHost,
  permitted: (address: string) => boolean,
): Promise<readonly string[]> {
  const loopback = loopbackAddresses(bareHost(hostname))?.filter(permitted);
  const addresses = loopback ?? (await resolved(hostname, resolve));
  // One bad address condemns the answer: a mixed one is how rebinding starts.
  if (addresses.length === 0 || !addresses.every(permitted)) {
    throw new ForbiddenAddressError("the host's address is not allowed for webhooks");
  }
  return addresses;
}

async function resolved(hostname: string, resolve: ResolveHost): Promise<readonly string[]> {
  const addresses = await resolve(hostname).catch((cause: unknown) => {
    throw new ResolveError("the host's name could not be resolved", { cause });
  });
  if (addresses.length === 0) throw new ResolveError("the host's name has no address");
  return addresses;
}

function checkPeer(
  socket: Socket,
  permitted: (address: string) => boolean,
  callback: buildConnector.Callback,
): void {
  if (socket.remoteAddress !== undefined && permitted(socket.remoteAddress)) {
    callback(null, socket);
    return;
  }
  socket.destroy();
  callback(
    new ForbiddenAddressError("the connection led to an address that is not allowed for webhooks"),
    null,
  );
}
