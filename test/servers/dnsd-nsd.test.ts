import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { start } from "../support/command.ts";
import { describeWith, program } from "../support/needs.ts";
import { type Random, SEED, seededRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { buildServer, compiler } from "./build.ts";
import {
  askOverTcp,
  type DnsClient,
  type DnsMessage,
  type DnsQuery,
  type DnsRecord,
  decodeMessage,
  encodeQuery,
  type TypeName,
  udpClient,
} from "./dns-message.ts";
import { endWithTests, nextPort, startServer } from "./running.ts";

const QUERIES = 6000;
const RANDOM_ZONES = 4;
const EXAMPLE = join(import.meta.dirname, "zones/example.zone");
const TYPES = ["A", "AAAA", "NS", "CNAME", "SOA", "MX", "TXT", "PTR", "SRV", "DS", "CAA", "TYPE731", "HINFO"] as const;
const LABELS = ["a", "b", "c", "A", "*", "www", "mail", "sub", "wild", "ent", "x.y"];
const LIMIT_MS = 120_000;

const CONFIGURATION = (folder: string, port: number) => `server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  zonesdir: "${folder}"
  database: ""
  zonelistfile: "${folder}/zone.list"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  pidfile: "${folder}/nsd.pid"
  minimal-responses: yes
  ipv4-edns-size: 1232
  rrl-ratelimit: 0
  verbosity: 1
remote-control:
  control-enable: no
zone:
  name: "example.com"
  zonefile: "example.zone"
`;

/** Serves a zone with NSD until the tests of the file have ended. */
async function startNsd(folder: string, zone: string): Promise<number> {
  const port = nextPort();
  mkdirSync(folder);
  copyFileSync(zone, join(folder, "example.zone"));
  writeFileSync(join(folder, "nsd.conf"), CONFIGURATION(folder, port));
  const running = start("nsd", ["-d", "-c", join(folder, "nsd.conf")]);
  endWithTests(running, "SIGTERM"); // its children with it
  await Promise.race([
    answers(port),
    running.ended.then(({ end, stdout, stderr }) => {
      throw new Error(`nsd ended (${end}): ${stdout}${stderr}`);
    }),
  ]);
  return port;
}

/** Resolves when a name server answers over TCP, and with it over UDP. */
async function answers(port: number): Promise<void> {
  for (;;) {
    const found = await askOverTcp(port, [encodeQuery({ name: "example.com", type: "SOA" })]).catch(() => []);
    if (found.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Names are equal without regard to case, sets without regard to order. */
function normal(records: readonly DnsRecord[]): readonly string[] {
  const namesInData = new Set(["NS", "CNAME", "SOA", "MX", "PTR", "SRV"]);
  return records
    .map(({ name, type, ttl, data }) => {
      const normalData = namesInData.has(type) ? data.toLowerCase() : data;
      return `${name.toLowerCase()} ${ttl} ${type} ${normalData}`;
    })
    .sort();
}

/** NSD with minimal responses adds addresses to referrals only. */
function comparable({ code, flags, question, answer, authority, additional }: DnsMessage): object {
  const isReferral = authority.some(({ type }) => type === "NS");
  return {
    ...{ code, flags, question },
    answer: normal(answer),
    authority: normal(authority),
    additional: isReferral ? normal(additional) : [],
  };
}

/** A zone of names made of few labels, so that wildcards, cuts, aliases and empty non-terminals meet. */
function randomZone(random: Random): string {
  const name = () =>
    Array.from({ length: random.integer(1, 3) }, () => random.pick(["a", "b", "c", "d"]))
      .concat(random.integer(0, 5) === 0 ? ["w"] : [])
      .join(".");
  const lines = ["$ORIGIN example.com.", "$TTL 300", "@ SOA ns.a hostmaster 1 2 3 4 60", "@ NS ns.a", "@ NS ns.b"];
  const taken = new Map<string, string>([["", "SOA"]]);
  const add = (owner: string, type: string, data: string) => {
    const before = taken.get(owner);
    const isAlone = type === "CNAME" || before === "CNAME";
    const isCutBeside = (type === "NS") !== (before === "NS");
    if (before !== undefined && (isAlone || isCutBeside)) return;
    taken.set(owner, type);
    lines.push(`${owner} ${type} ${data}`);
  };
  add("ns.a", "A", "192.0.2.1");
  for (let i = 0; i < 40; i++) {
    const isWild = random.integer(0, 3) === 0;
    const owner = isWild ? `*.${name()}` : name();
    const kind = random.integer(0, 9);
    if (kind === 0 && !isWild) {
      add(owner, "NS", `ns.${owner}`);
      lines.push(`ns.${owner} A 192.0.2.${i}`); // where it is missing, NSD takes a wildcard's address for it
    } else if (kind <= 2) {
      add(owner, "CNAME", name());
    } else if (kind <= 4) {
      add(owner, "MX", `${i} ${name()}`);
    } else if (kind <= 6) {
      add(owner, "TXT", `text${i}`);
    } else {
      add(owner, "A", `192.0.2.${i}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Every owner of a zone file that has one a line, and others made of their labels and more. */
function randomName(random: Random, owners: readonly string[]): string {
  const owner = random.pick(owners);
  const labels = owner.split(".");
  switch (random.integer(0, 4)) {
    case 0:
      return `${owner}.example.com`;
    case 1:
      return `${random.pick(LABELS)}.${owner}.example.com`;
    case 2:
      return `${labels.slice(random.integer(0, labels.length)).join(".")}.example.com`.replace(/^\./, "");
    case 3:
      return `${random.pick(LABELS)}.${random.pick(LABELS)}.example.com`;
    default:
      return random.pick([`${owner}.EXAMPLE.com`, "example.com", "example.org", `${owner}.com`, "."]);
  }
}

/** Where servers may differ, by the letter of RFC 1034 or by taste. */
function isTaste(query: DnsQuery, mine: DnsMessage): boolean {
  const ends = mine.answer.at(-1);
  const isLoop =
    ends?.type === "CNAME" && mine.answer.some(({ name }) => name.toLowerCase() === ends.data.toLowerCase());
  // RFC 9471 is younger than many servers; and case that is kept makes names differ, and responses longer.
  const isShortReferral = mine.flags.includes("tc") && mine.authority.some(({ type }) => type === "NS");
  return isLoop || isShortReferral || query.name === ".";
}

describeWith([...compiler, program("nsd", "nsd")], `dnsd and NSD, seed ${SEED}`, () => {
  const folder = temporaryFolder();
  const random = seededRandom();
  let path = "";

  beforeAll(() => {
    path = buildServer("dnsd", folder);
  });

  const both = async (name: string, zone: string): Promise<readonly [DnsClient, DnsClient]> => {
    const image = join(folder, `${name}.img`);
    copyFileSync(zone, image);
    truncateSync(image, 64 * 512);
    const { port } = await startServer(path, [`--block:zone=${image}`]);
    return Promise.all([udpClient(port), startNsd(join(folder, name), zone).then(udpClient)]);
  };

  const compare = async (mine: DnsClient, other: DnsClient, query: DnsQuery) => {
    const bytes = encodeQuery(query);
    const [ours, theirs] = await Promise.all([mine.exchange(bytes), other.exchange(bytes)]);
    const [message, reference] = [decodeMessage(ours), decodeMessage(theirs)];
    if (isTaste(query, message)) return;
    expect({ query, ...comparable(message) }).toEqual({ query, ...comparable(reference) });
  };

  it(`answer ${QUERIES} queries of one zone alike`, { timeout: LIMIT_MS }, async () => {
    const [mine, other] = await both("example", EXAMPLE);
    const owners = readFileSync(EXAMPLE, "latin1")
      .split("\n")
      .map((line) => /^[^\s;$@]\S*/.exec(line)?.[0] ?? "")
      .filter((owner) => owner !== "");
    for (let i = 0; i < QUERIES; i++) {
      const edns = random.pick([undefined, { size: 512 }, { size: 1232 }, { size: 4096 }]);
      const type: TypeName = random.pick(TYPES);
      await compare(mine, other, {
        name: randomName(random, owners),
        type,
        id: i,
        flags: random.pick([0, 0x0100]),
        ...(edns === undefined ? {} : { edns }),
      });
    }
    for (const client of [mine, other]) client.close();
  });

  it.each(Array.from({ length: RANDOM_ZONES }, (_, i) => i))(
    "answer alike for random zone %i",
    { timeout: LIMIT_MS },
    async (i) => {
      const zone = join(folder, `random${i}.zone`);
      const text = randomZone(random);
      writeFileSync(zone, text);
      const [mine, other] = await both(`random${i}`, zone);
      const owners = text.split("\n").flatMap((line) => /^[a-z*]\S*/.exec(line)?.[0] ?? []);
      for (let asked = 0; asked < QUERIES / RANDOM_ZONES; asked++) {
        const type = random.pick(["A", "MX", "TXT", "NS", "CNAME", "DS"] as const);
        await compare(mine, other, { name: randomName(random, owners), type, id: asked, edns: { size: 1232 } });
      }
      for (const client of [mine, other]) client.close();
    },
  );
});
