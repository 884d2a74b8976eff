import { isIP } from "node:net";
import { type AddressRules, type AddressVerdict, createAddressRules } from "./address-rules.ts";

export type UrlRefusalCode =
  | "invalid_url"
  | "scheme_not_allowed"
  | "userinfo_not_allowed"
  | "private_address";

/** The URL in its normal form (store and send this one), or why it is refused, in words for the caller. */
export type UrlVerdict =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly code: UrlRefusalCode; readonly message: string };

const maxUrlLength = 2048;

/**
 * Decides whether a webhook may go to a URL, as far as its text tells: https only and no private address, except
 * inside `allowNetworks` (CIDRs), on any port. Names are judged again by their addresses at each connect.
 * Throws when a network cannot be read.
 */
export function guardUrl(url: string, options: { readonly allowNetworks: readonly string[] }): UrlVerdict {
  const rules = createAddressRules(options.allowNetworks);
  return guardUrlByRules(url, rules, options.allowNetworks.length > 0);
}

/** The same with rules made once; `mayResolveInside` says that a plain-http name could still lie in an allowed network. */
export function guardUrlByRules(text: string, rules: AddressRules, mayResolveInside: boolean): UrlVerdict {
  const url = URL.canParse(text) && text.length <= maxUrlLength ? new URL(text) : undefined;
  if (!url?.hostname)
    return refuse("invalid_url", `must be an absolute https URL of at most ${maxUrlLength} characters`);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    return refuse("scheme_not_allowed", "must start with https://");
  if (url.username || url.password)
    return refuse("userinfo_not_allowed", "must not carry a user name or password");

  const verdict = hostVerdict(url.hostname, rules);
  if (verdict === "forbidden")
    return refuse("private_address", "must not point to a private or reserved address");
  if (url.protocol === "http:" && !plainHttpAllowed(verdict, mayResolveInside)) {
    return refuse(
      "scheme_not_allowed",
      "must start with https:// (http only inside webhooks.allow_networks)",
    );
  }
  return { ok: true, url };
}

/** The host as an address or a plain name: no brackets around IPv6, no trailing dots. */
export function bareHost(hostname: string): string {
  return hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.+$/, "")
    .toLowerCase();
}

/** What RFC 6761 says of `localhost`: always loopback, so no resolver is asked; undefined for other names. */
export function loopbackAddresses(host: string): readonly string[] | undefined {
  return host === "localhost" || host.endsWith(".localhost") ? ["127.0.0.1", "::1"] : undefined;
}

function hostVerdict(hostname: string, rules: AddressRules): AddressVerdict | "name" {
  // The URL parser has already turned 2130706433, 0x7f.1, 0177.1, full-width digits and %31 into dotted decimals.
  const host = bareHost(hostname);
  if (isIP(host) !== 0) return rules.verdict(host);
  const loopback = loopbackAddresses(host);
  if (loopback === undefined) return host === "" ? "forbidden" : "name";
  return loopback.some((address) => rules.verdict(address) === "allowed-network")
    ? "allowed-network"
    : "forbidden";
}

function plainHttpAllowed(verdict: AddressVerdict | "name", mayResolveInside: boolean): boolean {
  return verdict === "allowed-network" || (verdict === "name" && mayResolveInside);
}

function refuse(code: UrlRefusalCode, message: string): UrlVerdict {
  return { ok: false, code, message };
}
