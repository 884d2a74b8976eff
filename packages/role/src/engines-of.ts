import type { Config, EngineConfig } from "@sluice/config";

/** The engines whose load is to be read, by the provider that stands before each. */
export function enginesOf({ providers }: Pick<Config, "providers">): Readonly<Record<string, EngineConfig>> {
  return Object.fromEntries(
    Object.values(providers).flatMap((provider) =>
      provider.kind === "openai" && provider.engine !== undefined ? [[provider.name, provider.engine]] : [],
    ),
  );
}
