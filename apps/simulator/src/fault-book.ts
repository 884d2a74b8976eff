import { type Fault, parseFault } from "./fault-spec.ts";
import { createRandom } from "./random.ts";

/** A fault that hits a share of all calls. */
export interface FaultRule {
  readonly fault: Fault;
  /** 0..1 */
  readonly rate: number;
}

/** What identifies a call for the draw: a body and how often it was admitted before. */
interface CallIdentity {
  readonly seed: number;
  /** Two 32-bit words of the body's digest. */
  readonly digest: readonly [number, number];
  readonly occurrence: number;
}

/** A fault that was chosen; `commit` it once the call is admitted. */
export interface ChosenFault {
  readonly fault: Fault;
  commit(): void;
}

/** Decides which call is hit: a mark or header first, then the rules in order, then the error rate. */
export interface FaultBook {
  choose(identity: CallIdentity, asked: Fault | undefined): ChosenFault | undefined;
  set(faults: Faults): void;
  current(): Faults;
}

/** What goes wrong now. */
export interface Faults {
  readonly rules: readonly FaultRule[];
  readonly errorRate: number;
  /** `/health` answers 503; calls are served. Absent: not. */
  readonly unhealthy?: boolean;
}

/**
 * A draw is a pure function of the identity, so a run repeats whatever the interleaving;
 * only `times` of a rule counts calls in the order they come.
 */
export function createFaultBook(rules: readonly FaultRule[], errorRate: number): FaultBook {
  let current: Faults = { rules, errorRate };
  let hits = rules.map(() => 0);
  const chooseRule = (identity: CallIdentity): ChosenFault | undefined => {
    for (const [index, { fault, rate }] of current.rules.entries()) {
      if ((hits[index] ?? 0) >= (fault.times ?? Number.POSITIVE_INFINITY)) continue;
      if (draw(identity, 1 + index) >= rate) continue;
      const counted = hits;
      return {
        fault,
        commit: () => {
          counted[index] = (counted[index] ?? 0) + 1;
        },
      };
    }
    return undefined;
  };
  return {
    choose(identity, asked) {
      if (asked !== undefined && identity.occurrence < (asked.times ?? Number.POSITIVE_INFINITY))
        return once(asked);
      const ruled = chooseRule(identity);
      if (ruled !== undefined) return ruled;
      if (current.errorRate === 0 || draw(identity, 0) >= current.errorRate) return undefined;
      return once(draw(identity, -1) < 0.5 ? status500 : status503);
    },
    set(faults) {
      current = faults;
      hits = faults.rules.map(() => 0);
    },
    current: () => current,
  };
}

/** Reads `FAULT[:RATE]`, such as `hang:0.01`; without a rate every call is hit. */
export function parseFaultRule(text: string): FaultRule | undefined {
  const [, words = "", share] = /^(.*?)(?::([0-9.]+))?$/.exec(text) ?? [];
  const fault = parseFault(words);
  const rate = share === undefined ? 1 : Number(share);
  return fault !== undefined && rate >= 0 && rate <= 1 ? { fault, rate } : undefined;
}

const status500: Fault = { name: "status", label: "500", status: 500 };
const status503: Fault = { name: "status", label: "503", status: 503 };

function once(fault: Fault): ChosenFault {
  return { fault, commit: () => undefined };
}

function draw({ seed, digest, occurrence }: CallIdentity, purpose: number): number {
  return createRandom(seed, digest[0], digest[1], occurrence, 0xfa01, purpose)();
}
