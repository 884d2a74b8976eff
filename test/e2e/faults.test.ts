import { expect, test } from "vitest";
import { faults } from "../faults/catalogue/index.ts";
import { runFault } from "../faults/run-fault.ts";

// Two that are quick to get over; `npm run faults` has all of them.
const cheap = faults.filter(({ number }) => number === 5 || number === 14);

test.each(cheap)("fault $number, $name: nothing is lost, doubled or left behind", async (fault) => {
  const { bite, judgement, inFlight } = await runFault(fault);
  expect(inFlight).toBeGreaterThan(0);
  expect(bite).toMatchObject({ bit: true });
  expect(judgement.violations).toEqual([]);
});
