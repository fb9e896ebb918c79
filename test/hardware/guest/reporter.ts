import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";
import { formatEvent } from "../events.ts";

/**
 * node:test's events as lines for the machine that watches the console. A folder of tests is reported by its tests alone;
 * what the run itself notes, which is its counts, is left out.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const path: string[] = [];
  for await (const event of source) {
    if (event.type === "test:start") {
      path.length = event.data.nesting;
      path.push(event.data.name);
    } else if (event.type === "test:pass" && event.data.details.type !== "suite") {
      const type = event.data.skip === undefined && event.data.todo === undefined ? "pass" : "skip";
      yield formatEvent({ type, ...summary(event.data, path) });
    } else if (event.type === "test:diagnostic" && event.data.nesting > 0) {
      yield formatEvent({ type: "note", text: event.data.message });
    } else if (event.type === "test:fail") {
      const error = event.data.details.error;
      if ("failureType" in error && error.failureType === "subtestsFailed") continue;
      yield formatEvent({ type: "fail", ...summary(event.data, path), reason: inspect(error.cause ?? error) });
    }
  }
}

function summary(data: { readonly details: { readonly duration_ms: number } }, path: readonly string[]) {
  return { name: path.join(" > "), milliseconds: data.details.duration_ms };
}
