import type { Clock, EngineLoad } from "@sluice/domain";
import { Agent, request } from "undici";
import type { EngineKind, MetricNames } from "./presets.ts";
import { readEngineLoad, readGpuLoad } from "./read-engine-load.ts";

/** Where an engine's load can be read. */
export interface EngineSettings {
  readonly kind: EngineKind;
  readonly metricsUrl?: string;
  readonly dcgmUrl?: string;
  /** Specs that come before those of the kind. */
  readonly metrics?: MetricNames;
}

export interface ScrapeOptions {
  /** Engines of the active configuration by provider name; read each round, so that a reload takes effect. */
  readonly engines: () => Readonly<Record<string, EngineSettings>>;
  readonly clock: Clock;
  /** Told once when an engine stops answering, not each second. */
  readonly onError: (provider: string, error: unknown) => void;
}

/** The load of engines, as last read. */
export interface EngineScraper {
  /** Load of a provider's engine; `undefined` for a provider that has none, `scrapedAt` 0 for one never read. */
  load(provider: string): EngineLoad | undefined;
  close(): Promise<void>;
}

const everyMs = 1_000;
const timeoutMs = 900;
const mostBytes = 4 * 1024 * 1024;
const unread: EngineLoad = { scrapedAt: 0 };

/** Reads the metrics of each engine once a second; one that is slow or away holds up no other. */
export function scrapeEngines({ engines, clock, onError }: ScrapeOptions): EngineScraper {
  const agent = new Agent({ connections: 2, connect: { timeout: timeoutMs } });
  const loads = new Map<string, EngineLoad>();
  const reading = new Set<string>();
  const failing = new Set<string>();
  let cancel = (): void => undefined;

  async function scrape(provider: string, engine: EngineSettings): Promise<void> {
    if (reading.has(provider)) return;
    reading.add(provider);
    try {
      const load = await readLoad(agent, engine);
      loads.set(provider, { ...load, scrapedAt: clock.now() });
      failing.delete(provider);
    } catch (error) {
      if (!failing.has(provider)) onError(provider, error);
      failing.add(provider);
    } finally {
      reading.delete(provider);
    }
  }

  function round(): void {
    cancel = clock.setTimer(everyMs, round);
    for (const [provider, engine] of Object.entries(engines())) {
      if (engine.metricsUrl !== undefined || engine.dcgmUrl !== undefined) void scrape(provider, engine);
    }
  }

  round();
  return {
    load(provider) {
      const engine = engines()[provider];
      if (engine?.metricsUrl === undefined && engine?.dcgmUrl === undefined) return undefined;
      return loads.get(provider) ?? unread;
    },
    async close() {
      cancel();
      await agent.destroy();
    },
  };
}

async function readLoad(agent: Agent, engine: EngineSettings): Promise<Omit<EngineLoad, "scrapedAt">> {
  const { kind, metricsUrl, dcgmUrl, metrics } = engine;
  const [load, gpu] = await Promise.all([
    metricsUrl === undefined
      ? {}
      : fetchPage(agent, metricsUrl).then((page) => readEngineLoad(page, kind, metrics)),
    dcgmUrl === undefined ? {} : fetchPage(agent, dcgmUrl).then(readGpuLoad),
  ]);
  return { ...load, ...gpu };
}

async function fetchPage(agent: Agent, url: string): Promise<string> {
  const answer = await request(url, { dispatcher: agent, signal: AbortSignal.timeout(timeoutMs) });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    throw new Error(`the metrics page answered ${answer.statusCode}`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the metrics page is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
