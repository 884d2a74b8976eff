/** One Redis server's address. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

interface Login {
  readonly username?: string;
  readonly password?: string;
}

/** Where Redis is, as `REDIS_URL` says it. */
export type RedisPlace = Login & { readonly tls: boolean } & (
    | { readonly kind: "single"; readonly node: RedisNode; readonly database: number }
    | { readonly kind: "cluster"; readonly nodes: readonly RedisNode[] }
    | {
        readonly kind: "sentinel";
        readonly sentinels: readonly RedisNode[];
        readonly master: string;
        readonly database: number;
      }
  );

const redisPort = 6379;
const sentinelPort = 26379;

/**
 * Reads `redis://`, `rediss://`, several of these with commas between them (a cluster), or
 * `redis+sentinel://host:port,host:port/master[/database]` (`rediss+sentinel://` for TLS).
 * Throws a `TypeError` that says what is wrong and never repeats the URL: it may hold a password.
 */
export function parseRedisUrl(text: string): RedisPlace {
  const trimmed = text.trim();
  if (/^rediss?\+sentinel:\/\//.test(trimmed)) return parseSentinels(trimmed);
  const parts = trimmed.split(",").map((part) => part.trim());
  const urls = parts.filter((part) => part !== "").map(parseOne);
  const [first] = urls;
  if (first === undefined) throw new TypeError("REDIS_URL is empty");
  if (urls.length === 1) return first;
  const { username, password, tls } = first;
  return { kind: "cluster", nodes: urls.map((url) => url.node), tls, ...login(username, password) };
}

function parseOne(text: string): Extract<RedisPlace, { kind: "single" }> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "redis:" && url.protocol !== "rediss:")) {
    throw new TypeError("REDIS_URL must begin with redis://, rediss:// or redis+sentinel://");
  }
  return {
    kind: "single",
    node: { host: bareHost(url.hostname), port: url.port === "" ? redisPort : Number(url.port) },
    database: parseDatabase(url.pathname.slice(1)),
    tls: url.protocol === "rediss:",
    ...login(decodeURIComponent(url.username), decodeURIComponent(url.password)),
  };
}

/** The WHATWG parser takes no list of hosts, so this shape is read by hand. */
function parseSentinels(text: string): RedisPlace {
  const match = /^(rediss?)\+sentinel:\/\/(?:([^@/]*)@)?([^/@]+)\/([^/?]+)(?:\/(\d+))?$/.exec(text);
  const [, scheme, userInfo = "", hosts = "", master = "", database = ""] = match ?? [];
  if (match === null) {
    throw new TypeError("REDIS_URL must read redis+sentinel://host:port,host:port/master");
  }
  const [username = "", ...password] = userInfo.split(":").map(decodeURIComponent);
  return {
    kind: "sentinel",
    sentinels: hosts.split(",").map(parseHost),
    master: decodeURIComponent(master),
    database: parseDatabase(database),
    tls: scheme === "rediss",
    ...login(username, password.join(":")),
  };
}

function parseHost(text: string): RedisNode {
  const url = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : undefined;
  if (url === undefined || url.hostname === "") throw new TypeError("REDIS_URL names no sentinel");
  return { host: bareHost(url.hostname), port: url.port === "" ? sentinelPort : Number(url.port) };
}

function bareHost(hostname: string): string {
  return hostname === "" ? "127.0.0.1" : hostname.replace(/^\[(.*)\]$/, "$1");
}

function parseDatabase(text: string): number {
  if (text === "") return 0;
  if (!/^\d+$/.test(text)) throw new TypeError("the path of REDIS_URL must be a database number");
  return Number(text);
}

function login(username: string | undefined, password: string | undefined): Login {
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}
