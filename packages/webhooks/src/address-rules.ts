import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Where an address lies: on the public internet, inside a network the operator allowed, or neither. */
export type AddressVerdict = "public" | "allowed-network" | "forbidden";

/** Judges IP addresses; anything that is not an address is forbidden. */
export interface AddressRules {
  verdict(address: string): AddressVerdict;
}

// IANA has handed out nothing but 2000::/3 for public use. Starting from it also shuts out what carries an
// IPv4 address inside (::a.b.c.d, 64:ff9b::/96) and all that is not yet defined.
const publicV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/** Rules with exceptions: `allowNetworks` holds CIDRs or single addresses. Throws on one that is neither. */
export function createAddressRules(allowNetworks: readonly string[]): AddressRules {
  const allowed = allowNetworks.map(parseNetwork);
  return {
    verdict(text) {
      if (!ipaddr.isValid(text)) return "forbidden";
      const address = ipaddr.process(text); // ::ffff:10.0.0.1 becomes 10.0.0.1
      if (allowed.some((network) => contains(network, address))) return "allowed-network";
      return isPublic(address) ? "public" : "forbidden";
    },
  };
}

function isPublic(address: Address): boolean {
  if (address.range() !== "unicast") return false;
  return address instanceof ipaddr.IPv4 || address.match(publicV6);
}

function contains([network, bits]: [Address, number], address: Address): boolean {
  return network.kind() === address.kind() && address.match(network as never, bits);
}

function parseNetwork(text: string): [Address, number] {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (!ipaddr.isValid(text)) throw new Error(`allow_networks: "${text}" is not a network such as 10.0.0.0/8`);
  const address = ipaddr.process(text);
  return [address, address.kind() === "ipv4" ? 32 : 128];
}
