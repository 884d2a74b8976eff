import { describe, expect, it } from "vitest";
import { startReceiver } from "./testing/receiver.ts";
import { selfSignedCertificate } from "./testing/self-signed.ts";
import { createWebhookSender } from "./webhook-sender.ts";

/** Names as an attacker's name server answers them; each list is one connection's answer, the last one stays. */
const zone: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "loopback.test": [["127.0.0.1"]],
  "loopback6.test": [["::1"]],
  "mapped.test": [["::ffff:127.0.0.1"]],
  "compatible.test": [["::127.0.0.1"]],
  "zero.test": [["0.0.0.0"]],
  "zero6.test": [["::"]],
  "rfc1918-10.test": [["10.0.0.1"]],
  "rfc1918-172.test": [["172.31.255.254"]],
  "rfc1918-192.test": [["192.168.0.1"]],
  "metadata.test": [["169.254.169.254"]],
  "metadata6.test": [["fd00:ec2::254"]],
  "alibaba.test": [["100.100.100.200"]],
  "cgnat.test": [["100.127.255.255"]],
  "nat64.test": [["64:ff9b::7f00:1"]],
  "nat64-local.test": [["64:ff9b:1::7f00:1"]],
  "6to4.test": [["2002:7f00:1::1"]],
  "teredo.test": [["2001:0:7f00:1::1"]],
  "unique-local.test": [["fd12:3456::1"]],
  "site-local.test": [["fec0::1"]],
  "link-local.test": [["fe80::1"]],
  "multicast.test": [["224.0.0.251"]],
  "multicast6.test": [["ff02::1"]],
  "broadcast.test": [["255.255.255.255"]],
  "benchmark.test": [["198.18.0.1"]],
  "reserved.test": [["240.0.0.1"]],
  "documentation.test": [["203.0.113.1"]],
  "mixed.test": [["93.184.216.34", "127.0.0.1"]],
  "mixed6.test": [["2606:4700::1111", "::1"]],
  "rebinding.test": [["93.184.216.34", "10.0.0.1"], ["127.0.0.1"]],
};

/** Every way into the machine or its network that we know, as the URL of a webhook. */
const attempts = [
  // literal addresses
  "https://127.0.0.1",
  "https://127.0.0.1.",
  "https://127.1",
  "https://127.255.255.254",
  "https://0.0.0.0",
  "https://0",
  "https://10.0.0.1",
  "https://172.16.0.1",
  "https://192.168.1.1",
  "https://169.254.169.254",
  "https://100.64.0.1",
  "https://192.0.0.192",
  "https://198.19.255.255",
  "https://224.0.0.1",
  "https://255.255.255.255",
  // the same, spelled in other ways
  "https://2130706433",
  "https://0x7f000001",
  "https://0x7f.0.0.1",
  "https://0177.0.0.1",
  "https://017700000001",
  "https://127.0.1",
  "https://①②⑦.⓪.⓪.①",
  "https://127。0。0。1",
  "https://%31%32%37.0.0.1",
  "https:\\\\127.0.0.1\\",
  "https://0xA9FEA9FE",
  // IPv6, and IPv4 inside of it
  "https://[::1]",
  "https://[::]",
  "https://[::ffff:127.0.0.1]",
  "https://[::ffff:7f00:1]",
  "https://[::ffff:0:127.0.0.1]",
  "https://[::127.0.0.1]",
  "https://[64:ff9b::127.0.0.1]",
  "https://[64:ff9b:1::127.0.0.1]",
  "https://[2002:7f00:1::]",
  "https://[2001:0:7f00:1::1]",
  "https://[fd00:ec2::254]",
  "https://[fe80::1]",
  "https://[fec0::1]",
  "https://[ff02::1]",
  "https://[2001:db8::1]",
  // names that always mean this machine
  "https://localhost",
  "https://LOCALHOST.",
  "https://a.b.localhost",
  "https://localhost%2e",
  // who it seems to be, and who it is
  "https://example.com@127.0.0.1",
  "https://example.com:pass@127.0.0.1",
  "https://127.0.0.1#@example.com",
  "https://127.0.0.1?.example.com",
  // other ways to speak
  "http://loopback.test",
  "http://127.0.0.1",
  "ftp://127.0.0.1",
  "file:///etc/passwd",
  "gopher://127.0.0.1/_",
  "unix:/var/run/docker.sock",
  // names that lead inside
  ...Object.keys(zone).map((name) => `https://${name}`),
  "https://loopback.test.",
  "https://LOOPBACK.test",
];

const certificate = selfSignedCertificate("loopback.test");

async function setup(allowNetworks: readonly string[] = []) {
  const receiver = await startReceiver((_, response) => response.end("inside"), certificate);
  const asked = new Map<string, number>();
  const sender = createWebhookSender({
    allowNetworks,
    timeoutMs: 20_000,
    certificateAuthorities: certificate.cert,
    async resolve(hostname) {
      const answers = zone[hostname.toLowerCase().replace(/\.$/, "")] ?? [];
      const turn = asked.get(hostname) ?? 0;
      asked.set(hostname, turn + 1);
      return answers[Math.min(turn, answers.length - 1)] ?? [];
    },
  });
  /** To the port of a receiver that really is there: what gets through is seen. */
  const send = (url: string) => {
    const aimed = url.replace(/^(\w+:(?:\/\/|\\\\)[^/?#\\]*)/, `$1:${receiver.port}`);
    return sender.send({ url: aimed, headers: {}, body: "{}" });
  };
  const dispose = async () => {
    await receiver[Symbol.asyncDispose]();
    await sender.close();
  };
  return { receiver, send, [Symbol.asyncDispose]: dispose };
}

describe("a webhook into a private network", () => {
  it.each(attempts)("is refused before a connection is made: %s", async (url) => {
    await using test = await setup();
    for (let turn = 0; turn < 2; turn += 1) {
      const result = await test.send(url);
      expect(result).toMatchObject({ kind: "failed", reason: expect.stringMatching(/^forbidden-/) });
    }
    expect(test.receiver.connections()).toBe(0);
  });

  it("is told apart from one that is allowed: the same name gets there when its network is", async () => {
    await using test = await setup(["127.0.0.0/8"]);
    expect(await test.send("https://loopback.test")).toMatchObject({ kind: "delivered" });
  });

  it.each(["https://loopback.test", "https://169.254.169.254/latest/meta-data/", "file:///etc/passwd"])(
    "is not reached by a redirect to %s",
    async (location) => {
      await using inside = await setup();
      await using outside = await startReceiver((_, response) => response.writeHead(307, { location }).end());
      const sender = createWebhookSender({
        allowNetworks: ["127.0.0.0/8"],
        timeoutMs: 20_000,
        resolve: async () => ["127.0.0.1"],
      });
      const url = `http://127.0.0.1:${outside.port}/`;
      expect(await sender.send({ url, headers: {}, body: "{}" })).toMatchObject({
        kind: "rejected",
        status: 307,
      });
      expect(inside.receiver.connections()).toBe(0);
      await sender.close();
    },
  );
});
