/** What is known about this machine and this call when a Redis is wanted. */
export type RedisFacts = {
  /** A Redis given by URL, which always wins. */
  readonly redisUrl?: string | undefined;
  /** Paths of redis-server or valkey-server found on the PATH, best first. */
  readonly binaries: readonly string[];
  /** Debian or Ubuntu, as root. */
  readonly canApt: boolean;
  /** Whether a Docker daemon answers. */
  readonly dockerAnswers: boolean;
  /** Take a container before a local binary (tests with SLUICE_TEST_CONTAINERS=1). */
  readonly preferContainer: boolean;
};

/** Where Redis will come from. */
export type RedisChoice =
  | { readonly kind: "external"; readonly url: string }
  | { readonly kind: "binary"; readonly path: string }
  | { readonly kind: "install-with-apt" }
  | { readonly kind: "container" }
  | { readonly kind: "impossible"; readonly message: string };

/** Decides where Redis comes from: URL, binary, apt, container, else a message that says what to install. */
export function chooseRedis(facts: RedisFacts): RedisChoice {
  const { redisUrl, binaries, canApt, dockerAnswers, preferContainer } = facts;
  if (redisUrl !== undefined && redisUrl !== "") return { kind: "external", url: redisUrl };
  if (preferContainer && dockerAnswers) return { kind: "container" };
  const path = binaries[0];
  if (path !== undefined) return { kind: "binary", path };
  if (canApt) return { kind: "install-with-apt" };
  if (dockerAnswers) return { kind: "container" };
  return { kind: "impossible", message: howToGetRedis };
}

/** What a person has to do when there is no Redis and none can be installed. */
export const howToGetRedis =
  'No Redis found: install redis-server or valkey-server (for example "sudo apt-get install redis-server" or ' +
  '"brew install redis"), start Docker, or set REDIS_URL.';
