import type { TypeName } from "./dns-message.ts";

/** A query of zones/example.zone and what answers it; the SOA stands for itself. */
export interface DnsCase {
  readonly name: string;
  readonly type: TypeName;
  readonly code: string;
  readonly flags: string;
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
}

/** What denies, with the smaller of the SOA's TTL and minimum. */
const SOA = "example.com. 900 SOA ns1.example.com. hostmaster.example.com. 2024010101 7200 1800 1209600 900";
const WEB = "web.example.com. 3600 A 192.0.2.80";
const MAIL = [
  "mail.example.com. 3600 A 192.0.2.25",
  "mail.example.com. 3600 A 192.0.2.26",
  "mail.example.com. 3600 AAAA 20010db8000000000000000000000025",
  "mail.example.com. 3600 AAAA 20010db80000000000000000c000021a",
];
const NS1 = ["ns1.example.com. 3600 A 192.0.2.53", "ns1.example.com. 3600 AAAA 20010db8000000000000000000000053"];
const SUB = ["ns.sub", "ns2.sub", "ns1"].map((name) => `sub.example.com. 3600 NS ${name}.example.com.`);
const SUB_GLUE = [
  "ns.sub.example.com. 3600 A 192.0.2.200",
  "ns.sub.example.com. 3600 AAAA 20010db8000000000000000000000200",
  "ns2.sub.example.com. 3600 A 192.0.2.201",
];

type Row = readonly [
  name: string,
  type: TypeName,
  code: string,
  flags: string,
  answer?: readonly string[],
  authority?: readonly string[],
  additional?: readonly string[],
];

const found = (name: string, type: TypeName, ...answer: readonly string[]): Row => [
  name,
  type,
  "NOERROR",
  "qr aa",
  answer,
];
const none = (name: string, type: TypeName, ...answer: readonly string[]): Row => [
  name,
  type,
  "NOERROR",
  "qr aa",
  answer,
  [SOA],
];
const missing = (name: string, type: TypeName, ...answer: readonly string[]): Row => [
  name,
  type,
  "NXDOMAIN",
  "qr aa",
  answer,
  [SOA],
];
const refused = (name: string, type: TypeName): Row => [name, type, "REFUSED", "qr"];

const ROWS: readonly Row[] = [
  // The apex.
  found("example.com", "A", "example.com. 3600 A 192.0.2.1"),
  found("example.com", "SOA", SOA.replace(" 900 SOA", " 3600 SOA")),
  [
    ...(["example.com", "NS", "NOERROR", "qr aa"] as const),
    ["ns1.example.com.", "ns2.example.com.", "ns.elsewhere.test."].map((server) => `example.com. 3600 NS ${server}`),
    [],
    [...NS1, "NS2.example.com. 300 A 192.0.2.54"],
  ],
  [
    ...(["example.com", "MX", "NOERROR", "qr aa"] as const),
    ["example.com. 3600 MX 10 mail.example.com.", "example.com. 3600 MX 20 mail.elsewhere.test."],
    [],
    MAIL,
  ],
  found(
    "example.com",
    "CAA",
    `example.com. 3600 CAA 0005${Buffer.from("issueca.example.net; account=1").toString("hex")}`,
  ),
  none("example.com", "PTR"),
  found("example.com", "ANY", SOA.replace(" 900 SOA", " 3600 SOA")),
  // Data of all kinds.
  found("ns1.example.com", "AAAA", NS1[1] ?? ""),
  found("300.example.com", "A", "300.example.com. 3600 A 192.0.2.30"),
  found("MIXEDcase.name.EXAMPLE.com", "A", "MIXEDcase.name.EXAMPLE.com. 3600 A 192.0.2.90"),
  found("ttl.example.com", "A", "ttl.example.com. 60 A 192.0.2.70"),
  found("ttl2.example.com", "A", "ttl2.example.com. 90 A 192.0.2.71"),
  found("ttl3.example.com", "A", "ttl3.example.com. 3600 A 192.0.2.72"),
  found("a\\.b.example.com", "TXT", `a\\.b.example.com. 3600 TXT 10${Buffer.from("a dot in a label").toString("hex")}`),
  found("\\000\\255.example.com", "TXT", `\\000\\255.example.com. 3600 TXT 05${Buffer.from("bytes").toString("hex")}`),
  found(
    "sp\\032ace.example.com",
    "TXT",
    `sp\\032ace.example.com. 3600 TXT 07${Buffer.from("a blank").toString("hex")}`,
  ),
  found("empty.example.com", "TXT", "empty.example.com. 3600 TXT 00"),
  found(
    "quoted.example.com",
    "TXT",
    `quoted.example.com. 3600 TXT ${['with "quotes" and ; semicolon', "unquoted", "AB"]
      .map((text) => text.length.toString(16).padStart(2, "0") + Buffer.from(text).toString("hex"))
      .join("")}`,
  ),
  found("unknown.example.com", "TYPE731", "unknown.example.com. 3600 TYPE731 abcdef012345"),
  found("unknown0.example.com", "TYPE731", "unknown0.example.com. 3600 TYPE731 "),
  found("sshfp.example.com", "SSHFP", "sshfp.example.com. 3600 SSHFP 0201123456789abcdef67890123456789abcdef67890"),
  found("ptr.example.com", "PTR", "ptr.example.com. 3600 PTR web.example.com."),
  found("rp.example.com", "RP", "rp.example.com. 3600 RP admin.example.com. text.example.com."),
  found("sub2.big.example.com", "A", "sub2.big.example.com. 3600 A 192.0.2.111"),
  [
    ...(["_sip._tcp.example.com", "SRV", "NOERROR", "qr aa"] as const),
    [
      "_sip._tcp.example.com. 3600 SRV 10 60 5060 sip.example.com.",
      "_sip._tcp.example.com. 3600 SRV 20 60 5060 mail.example.com.",
    ],
    [],
    ["sip.example.com. 3600 A 192.0.2.60", ...MAIL],
  ],
  // What is not there.
  missing("nothing.example.com", "A"),
  missing("a.b.c.d.nothing.example.com", "TXT"),
  missing("x.web.example.com", "A"),
  none("web.example.com", "AAAA"),
  none("ent.example.com", "TXT"),
  none("b.ent.example.com", "A"),
  none("b.ent.example.com", "ANY"),
  none("_tcp.example.com", "SRV"),
  missing("x.b.ent.example.com", "TXT"),
  // Aliases.
  found("www.example.com", "A", "www.example.com. 3600 CNAME web.example.com.", WEB),
  found("www.example.com", "CNAME", "www.example.com. 3600 CNAME web.example.com."),
  found("www.example.com", "ANY", "www.example.com. 3600 CNAME web.example.com."),
  none("www.example.com", "MX", "www.example.com. 3600 CNAME web.example.com."),
  found(
    "alias1.example.com",
    "A",
    "alias1.example.com. 3600 CNAME alias2.example.com.",
    "alias2.example.com. 3600 CNAME alias3.example.com.",
    "alias3.example.com. 3600 CNAME web.example.com.",
    WEB,
  ),
  found("outward.example.com", "A", "outward.example.com. 3600 CNAME www.elsewhere.test."),
  missing("dangling.example.com", "A", "dangling.example.com. 3600 CNAME nothing.here.example.com."),
  found(
    "loop1.example.com",
    "A",
    "loop1.example.com. 3600 CNAME loop2.example.com.",
    "loop2.example.com. 3600 CNAME loop1.example.com.",
  ),
  found("selfish.example.com", "A", "selfish.example.com. 3600 CNAME selfish.example.com."),
  [
    ...(["sub-alias.example.com", "A", "NOERROR", "qr aa"] as const),
    ["sub-alias.example.com. 3600 CNAME host.sub.example.com."],
    SUB,
    [...SUB_GLUE, ...NS1],
  ],
  found(
    "wild-alias.example.com",
    "A",
    "wild-alias.example.com. 3600 CNAME a.b.wild.example.com.",
    "a.b.wild.example.com. 3600 A 192.0.2.100",
  ),
  // Wildcards.
  found("x.wild.example.com", "A", "x.wild.example.com. 3600 A 192.0.2.100"),
  found("A.b.Wild.example.com", "A", "A.b.Wild.example.com. 3600 A 192.0.2.100"),
  found("*.wild.example.com", "A", "*.wild.example.com. 3600 A 192.0.2.100"),
  none("x.wild.example.com", "AAAA"),
  none("wild.example.com", "A"),
  none("host.wild.example.com", "A"),
  missing("x.host.wild.example.com", "A"),
  none("under.wild.example.com", "A"),
  missing("x.under.wild.example.com", "A"),
  found("x.alias-wild.example.com", "A", "x.alias-wild.example.com. 3600 CNAME web.example.com.", WEB),
  [
    ...(["x.mx-wild.example.com", "MX", "NOERROR", "qr aa"] as const),
    ["x.mx-wild.example.com. 3600 MX 5 mail.example.com."],
    [],
    MAIL,
  ],
  // Delegations.
  ["sub.example.com", "NS", "NOERROR", "qr", [], SUB, [...SUB_GLUE, ...NS1]],
  ["host.sub.example.com", "A", "NOERROR", "qr", [], SUB, [...SUB_GLUE, ...NS1]],
  ["no.such.Sub.example.com", "ANY", "NOERROR", "qr", [], SUB, [...SUB_GLUE, ...NS1]],
  ["ns.sub.example.com", "A", "NOERROR", "qr", [], SUB, [...SUB_GLUE, ...NS1]],
  none("sub.example.com", "DS"),
  ["x.sub.example.com", "DS", "NOERROR", "qr", [], SUB, [...SUB_GLUE, ...NS1]],
  ["lame.example.com", "A", "NOERROR", "qr", [], ["lame.example.com. 3600 NS ns.elsewhere.test."]],
  [
    ...(["a.deep.er.example.com", "A", "NOERROR", "qr", []] as const),
    ["deep.er.example.com. 3600 NS ns.sub.example.com."],
    SUB_GLUE.slice(0, 2),
  ],
  none("er.example.com", "A"),
  // What is not this server's.
  refused("com", "NS"),
  refused(".", "NS"),
  refused("example.net", "A"),
  refused("xexample.com", "A"),
  refused("example.com.evil", "A"),
  refused("example.com", "AXFR"),
  refused("example.com", "TYPE251"),
];

export const CASES: readonly DnsCase[] = ROWS.map(
  ([name, type, code, flags, answer = [], authority = [], additional = []]) => ({
    name,
    type,
    code,
    flags,
    answer,
    authority,
    additional,
  }),
);
