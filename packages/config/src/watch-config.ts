import { unwatchFile, watchFile } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { ConfigError } from "./config-error.ts";
import type { Config } from "./config-types.ts";
import { type LoadOptions, loadConfig } from "./load-config.ts";
import type { ConfigResult } from "./parse-config.ts";

/** Calls back when a file may have changed, until the returned function is called. */
export type WatchFile = (path: string, onChange: () => void) => () => void;

export interface WatchOptions extends LoadOptions {
  /** What is active at the start: the result of `loadConfig`. */
  readonly initial: Config;
  /** After the new configuration has become the current one. */
  readonly onChange: (config: Config, warnings: readonly ConfigError[]) => void;
  /** After a faulty file was refused; the current configuration stays. */
  readonly onError: (errors: readonly ConfigError[]) => void;
  readonly watch?: WatchFile;
}

export interface ConfigWatch {
  current(): Config;
  /** Reads the file now (SIGHUP), after any reload under way. */
  reload(): Promise<ConfigResult>;
  close(): void;
}

/** Keeps a configuration in step with its file: all or nothing, one reload at a time. */
export function watchConfig(options: WatchOptions): ConfigWatch {
  const { onChange, onError, watch = pollFile } = options;
  let current = options.initial;
  let isClosed = false;
  let pending: Promise<unknown> = Promise.resolve();

  function apply(result: ConfigResult): ConfigResult {
    if (isClosed) return result;
    if (!result.ok) onError(result.errors);
    // Compared as a whole, not by hash: a new credential leaves the hash as it is.
    else if (!isDeepStrictEqual(result.config, current)) {
      current = result.config;
      onChange(current, result.warnings);
    }
    return result;
  }

  function reload(): Promise<ConfigResult> {
    const next = pending.then(() => loadConfig(options)).then(apply);
    pending = next.catch(() => undefined);
    return next;
  }

  const unwatch = watch(options.path, () => void reload());
  return {
    current: () => current,
    reload,
    close: () => {
      isClosed = true;
      unwatch();
    },
  };
}

const pollIntervalMs = 2_000;

/** Polls the file's state: unlike events, this also sees files replaced by rename or mounted over a network. */
const pollFile: WatchFile = (path, onChange) => {
  watchFile(path, { interval: pollIntervalMs, persistent: false }, onChange);
  return () => unwatchFile(path, onChange);
};
