import { type CliContext, sentenceOf } from "../context.ts";

/**
 * Brings the database up to date, and looks whether a Redis that was given by URL is set up as Sluice needs it (our own
 * is). Throws a sentence that says what to change; tells what is merely not ideal through `say`.
 */
export async function prepareStores(
  { env }: Pick<CliContext, "env">,
  databaseUrl: string,
  say: (line: string) => void,
): Promise<void> {
  const redisUrl = env["REDIS_URL"];
  await Promise.all([
    bringUpToDate(databaseUrl),
    redisUrl === undefined || redisUrl === "" ? undefined : judge(redisUrl, say),
  ]);
}

async function bringUpToDate(databaseUrl: string): Promise<void> {
  const { migrate } = await import("@sluice/ledger");
  await migrate(databaseUrl).catch((cause: unknown) => {
    throw new Error(
      `PostgreSQL cannot be used: ${sentenceOf(cause)} Check that it runs and that DATABASE_URL is right.`,
      {
        cause,
      },
    );
  });
}

async function judge(redisUrl: string, say: (line: string) => void): Promise<void> {
  const { problems } = await inspectRedis(redisUrl);
  const errors = problems.filter(({ level }) => level === "error");
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  for (const { message } of problems) say(message);
}

/** Asks a Redis how it is set up. Rejects with a sentence when it does not answer. */
export async function inspectRedis(redisUrl: string) {
  const { checkRedis, closeRedis, connectRedis } = await import("@sluice/redis");
  const redis = connectRedis({
    url: redisUrl,
    role: "commands",
    name: "sluice-cli",
    onError: () => undefined,
  });
  try {
    return await checkRedis(redis);
  } catch (cause) {
    // Never the URL: it may hold a password.
    throw new Error("Redis does not answer: check that it runs and that REDIS_URL is right.", { cause });
  } finally {
    await closeRedis(redis);
  }
}
