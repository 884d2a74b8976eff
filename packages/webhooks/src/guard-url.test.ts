import { describe, expect, it } from "vitest";
import { guardUrl } from "./guard-url.ts";

const nowhere = { allowNetworks: [] };
const loopback = { allowNetworks: ["127.0.0.0/8"] };

describe("guardUrl", () => {
  it.each([
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.0.0.1../",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://%31%32%37.0.0.1/",
    "https:\\\\127.0.0.1\\",
    "https://127.0.0.1:8443/",
    "https://0.0.0.0/",
    "https://0/",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://198.18.0.1/",
    "https://203.0.113.7/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[100::1]/",
    "https://[4000::1]/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://localhost%2e/",
    "https://anything.localhost/",
  ])("refuses the private address %s", (url) => {
    expect(guardUrl(url, nowhere)).toMatchObject({ ok: false, code: "private_address" });
  });

  it.each([
    ["http://example.com/", "scheme_not_allowed"],
    ["http://93.184.216.34/", "scheme_not_allowed"],
    ["ftp://example.com/", "scheme_not_allowed"],
    ["file:///etc/passwd", "invalid_url"],
    ["gopher://example.com/", "scheme_not_allowed"],
    ["javascript:alert(1)", "invalid_url"],
    ["https://user@example.com/", "userinfo_not_allowed"],
    ["https://user:pass@example.com/", "userinfo_not_allowed"],
    ["https://:pass@example.com/", "userinfo_not_allowed"],
    ["https://127.0.0.1%00.example.com/", "invalid_url"],
    ["https://[fe80::1%25eth0]/", "invalid_url"],
    ["https://999.1/", "invalid_url"],
    ["//example.com/", "invalid_url"],
    ["example.com", "invalid_url"],
    ["", "invalid_url"],
    [`https://example.com/${"a".repeat(2048)}`, "invalid_url"],
  ])("refuses %s with %s", (url, code) => {
    expect(guardUrl(url, nowhere)).toMatchObject({ ok: false, code });
  });

  it.each([
    ["https://example.com/hook?a=1", "https://example.com/hook?a=1"],
    ["https://example.com:9443/", "https://example.com:9443/"],
    ["https://8.8.8.8/", "https://8.8.8.8/"],
    ["https://[2606:4700::1111]/", "https://[2606:4700::1111]/"],
    ["https://EXAMPLE.com/a b", "https://example.com/a%20b"],
  ])("lets %s pass in its normal form", (url, href) => {
    const verdict = guardUrl(url, nowhere);
    expect(verdict.ok && verdict.url.href).toBe(href);
  });

  it.each([
    "http://127.0.0.1:8080/",
    "https://127.9.9.9/",
    "http://[::ffff:127.0.0.1]/",
    "http://localhost:3000/",
    "http://receiver:9000/",
  ])("lets %s pass when its network is allowed (a name is judged when it is resolved)", (url) => {
    expect(guardUrl(url, loopback)).toMatchObject({ ok: true });
  });

  it.each(["http://10.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "http://93.184.216.34/"])(
    "refuses %s although another network is allowed",
    (url) => {
      expect(guardUrl(url, loopback)).toMatchObject({ ok: false });
    },
  );

  it("takes a single address and IPv6 networks as networks, and refuses to start with anything else", () => {
    expect(guardUrl("http://10.0.0.7/", { allowNetworks: ["10.0.0.7"] })).toMatchObject({ ok: true });
    expect(guardUrl("http://10.0.0.8/", { allowNetworks: ["10.0.0.7"] })).toMatchObject({ ok: false });
    expect(guardUrl("http://[fd00::9]/", { allowNetworks: ["fd00::/8"] })).toMatchObject({ ok: true });
    expect(() => guardUrl("https://example.com/", { allowNetworks: ["10.0.0.0/33"] })).toThrow(
      /allow_networks/,
    );
  });
});
