import { HostError } from "../../host/error.ts";
import { SampleError } from "../lack.ts";
import { echoServer, linkOf, untilEchoes } from "./echo.ts";
import { startAnswering } from "./fleet.ts";
import type { Started, Taking, Workload } from "./workload.ts";

/** The declared limits: as many instances, so long a time, and the memory that `startAnswering` leaves to the host. */
const INSTANCES_MAX = 128;
const TIME_LIMIT_MS = 10_000;
/** Of a sample's own time limit, what starting may take; looking at them and stopping them comes on top. */
const TIME_SHARE = 0.6;
const ANSWER_AGAIN_MS = 2_000;

/** How many idle servers there can be at once. */
export const DENSITY: Workload = {
  name: "density",
  title: "Density: servers at once",
  description: `The kit's echo server is started again and again, each after the one before has answered, until one fails or a limit is reached: ${INSTANCES_MAX} instances, ${TIME_LIMIT_MS / 1000} s, a tenth of the host's memory left. Counted are those that then still answer.`,
  metrics: [{ name: "instances", title: "that answer", unit: "instances", better: "higher", compared: false }],
  quick: false,
  network: true,
  program: () => echoServer(),
  sample: async (taking) => {
    const endMs = performance.now() + Math.min(TIME_LIMIT_MS, taking.leftMs() * TIME_SHARE);
    const servers = [await startAnswering(taking, taking.leftMs())];
    while (servers.length < INSTANCES_MAX) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) break;
      const next = await oneMore(taking, leftMs);
      if (typeof next === "string") {
        // An end of the time is a limit, and no failure.
        if (performance.now() < endMs) taking.note(`after ${servers.length}: ${next}`);
        break;
      }
      servers.push(next);
    }
    if (performance.now() >= endMs) taking.note(`after ${servers.length}: the time limit is reached`);
    if (servers.length === INSTANCES_MAX) taking.note(`the limit of ${INSTANCES_MAX} is reached`);
    return { instances: await countAnswers(taking, servers) };
  },
};

/** Why there is not one more, in one line; whatever is no failure of a start is a defect. */
async function oneMore(taking: Taking, limitMs: number): Promise<Started | string> {
  try {
    return await startAnswering(taking, limitMs);
  } catch (error) {
    if (error instanceof SampleError || error instanceof HostError) return error.message;
    throw error;
  }
}

async function countAnswers(taking: Taking, servers: readonly Started[]): Promise<number> {
  let count = 0;
  for (const server of servers) {
    const endMs = performance.now() + ANSWER_AGAIN_MS;
    const leftMs = () => {
      if (performance.now() > endMs) throw new SampleError("does not answer any more");
      return taking.leftMs();
    };
    const answered = await untilEchoes({ client: taking.client, leftMs }, linkOf(server)).catch((error: unknown) => {
      if (error instanceof SampleError) return undefined;
      throw error;
    });
    if (answered !== undefined) count++;
  }
  return count;
}
