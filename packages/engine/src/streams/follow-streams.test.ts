import { idFromUuid, type StreamChunk, type StreamNews, type StreamPlace } from "@sluice/domain";
import { expect, test } from "vitest";
import { createFakeClock, settled } from "../../../../test/kit/fakes/fake-clock.ts";
import { createRecordingLogger } from "../../../../test/kit/fakes/records.ts";
import { createStreamFollower } from "./follow-streams.ts";

const id = (n: number) => idFromUuid("job", `01900000-0000-7000-8000-00000000000${n}`);
const never = new AbortController().signal;
const event = (n: number) => `data: ${n}\n\n`;
const chunk = (first: number, last: number): StreamChunk => {
  const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return { first, last, data: Buffer.from(numbers.map(event).join("")) };
};

function setup() {
  const clock = createFakeClock();
  const asked: (readonly StreamPlace[])[] = [];
  const found = new Map<string, StreamNews>();
  const state = { isDown: false };
  const follower = createStreamFollower({
    clock,
    logger: createRecordingLogger(),
    ledger: {
      async readStreams(places) {
        asked.push(places);
        if (state.isDown) throw new Error("down");
        return places.map(({ jobId }) => found.get(jobId) ?? { chunks: [], isOver: false });
      },
    },
  });
  return { clock, asked, found, follower, state };
}

test("many readers share a look, and nothing is asked once they are gone", async () => {
  const { clock, asked, found, follower } = setup();
  const gone = new AbortController();
  const first = follower.next(id(1), -1, never);
  const second = follower.next(id(2), 4, never);
  const third = follower.next(id(3), -1, gone.signal);
  await clock.advance(60);
  expect(asked.at(-1)).toMatchObject([{ jobId: id(1) }, { jobId: id(2), after: 4 }, { jobId: id(3) }]);
  found.set(id(1), { chunks: [chunk(0, 1)], isOver: false });
  found.set(id(2), { chunks: [], isOver: true });
  gone.abort();
  await clock.advance(60);
  expect(await first).toEqual({ chunks: [chunk(0, 1)], isOver: false });
  expect(await second).toEqual({ chunks: [], isOver: true });
  expect(await third).toBeUndefined();
  await clock.advance(10_000);
  const looks = asked.length;
  await clock.advance(10_000);
  expect(asked).toHaveLength(looks);
  expect(await follower.next(id(1), -1, gone.signal)).toBeUndefined();
});

test("a reader that resumes in the middle of a chunk gets the rest of it", async () => {
  const { clock, found, follower } = setup();
  found.set(id(1), { chunks: [chunk(2, 6), chunk(7, 7)], isOver: true });
  const [middle, whole] = [follower.next(id(1), 4, never), follower.next(id(1), 1, never)];
  await clock.advance(60);
  expect(await middle).toEqual({ chunks: [chunk(5, 6), chunk(7, 7)], isOver: true });
  expect(await whole).toEqual({ chunks: [chunk(2, 6), chunk(7, 7)], isOver: true });
});

test("readers outlast a ledger that does not answer", async () => {
  const { clock, found, follower, state } = setup();
  state.isDown = true;
  const news = follower.next(id(1), -1, never);
  await clock.advance(3_000);
  state.isDown = false;
  found.set(id(1), { chunks: [chunk(0, 0)], isOver: false });
  await clock.advance(1_000);
  await settled();
  expect(await news).toEqual({ chunks: [chunk(0, 0)], isOver: false });
});
