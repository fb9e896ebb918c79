import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { imageRequest, newPlan, parseImageMib, parsePort } from "../../src/cli/bench-options.ts";
import { UsageError } from "../../src/monitor/error.ts";

const CHOICES = {
  targets: ["native", "native-veth", "process"],
  workloads: [
    { name: "start", quick: true },
    { name: "image", quick: true },
  ],
};

describe("the options about images of one's own", () => {
  it("ask for the images alone, unless workloads are named as well", () => {
    const image = ["my.spt", "my.hvt"];
    expect(newPlan({ image }, CHOICES)).toMatchObject({
      workloads: ["image"],
      image: { paths: [resolve("my.spt"), resolve("my.hvt")], words: [], port: null, memoryMib: 128 },
    });
    expect(newPlan({ image, workloads: ["start"] }, CHOICES).workloads).toEqual(["start", "image"]);
    expect(newPlan({}, { ...CHOICES, workloads: [{ name: "start", quick: true }] })).not.toHaveProperty("image");
  });

  it("tell a server its address, in the words that are given or the usual one", () => {
    expect(imageRequest({ image: ["a"], imagePort: 80 })).toMatchObject({ port: 80, words: ["--ipv4=<address>"] });
    const imageWords = " --ip=<ip>  --gateway=10.0.0.1 ";
    expect(imageRequest({ image: ["a"], imageWords })?.words).toEqual(["--ip=<ip>", "--gateway=10.0.0.1"]);
  });

  it("are refused without an image, and out of range", () => {
    expect(() => imageRequest({ imagePort: 80 })).toThrow(/add --image FILE$/);
    expect(() => parsePort("0")).toThrow("--image-port 0: give a whole number from 1 to 65535");
    expect(() => parsePort("65536")).toThrow(UsageError);
    expect(() => parseImageMib("1e3")).toThrow(UsageError);
    expect(parsePort("65535")).toBe(65535);
  });
});
