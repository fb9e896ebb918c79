import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const OUTPUT_BYTES_MAX = 2 ** 30;

/**
 * What binutils makes of instruction words that lie at address 0 and up.
 * @param folder where their file is written.
 * @returns one text a word without aliases and comments; undefined where the word is not allocated.
 */
export function objdump(words: readonly number[], folder: string): readonly (string | undefined)[] {
  const file = join(folder, "words.bin");
  const bytes = new DataView(new ArrayBuffer(4 * words.length));
  for (const [index, word] of words.entries()) bytes.setUint32(4 * index, word, true);
  writeFileSync(file, bytes);
  const options = ["-D", "-z", "-b", "binary", "-m", "aarch64", "-M", "no-aliases", file];
  const { stdout, stderr } = spawnSync("aarch64-linux-gnu-objdump", options, {
    encoding: "utf8",
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  const lines = stdout.split("\n").filter((line) => /^ *[0-9a-f]+:\t/.test(line));
  if (lines.length !== words.length) throw new Error(`objdump wrote ${lines.length} lines: ${stderr}`);
  return lines.map((line) => {
    const text = line
      .split("\t")
      .slice(2)
      .join(" ")
      .replace(/\s*\/\/.*/, "")
      .trim();
    // UDF is the instruction that is not allocated on purpose.
    return text.startsWith(".inst") || text.startsWith("udf ") ? undefined : text;
  });
}

/** By extension beyond ARMv8.0 with LSE, CRC32 and cryptography: the mnemonics that binutils knows of it. */
const EXTENSIONS: readonly (readonly [name: string, mnemonics: RegExp])[] = [
  ["pointer authentication", /^(pac|aut|xpac|bra[ab]|blra[ab]|reta|ereta|ldra[ab])/],
  ["memory tagging", /^(addg|subg|irg|gmi|subps?|ldg|ldgm|stg|stgm|stgp|st2g|stzg|stzgm|stz2g)\b/],
  ["LORegions", /^(ldlar|stllr)/],
  ["LRCPC", /^(ldapr|ldapur|stlur)/],
  ["flag manipulation", /^(rmif|setf8|setf16|cfinv|xaflag|axflag)\b/],
  ["memory copy and set", /^(cpy|set[mpeg])/],
  ["64-byte transfers", /^(ld64b|st64b)/],
  ["transactional memory", /^(tstart|tcommit|tcancel|ttest)/],
  ["waits with timeout", /^(wfet|wfit)/],
  ["hinted branches", /^bc\./],
  ["common short sequences", /^([su](max|min) [wx]|abs [wx]|cnt [wx]|ctz)/],
  ["later bits of the processor state", /^msr (pan|uao|dit|tco|ssbs|allint|svcr\w*),|^(smstart|smstop)/],
  ["half precision", /^(f\w+|[su]cvtf) .*(\bh\d|\.[248]h)/],
  ["JavaScript's conversion", /^fjcvtzs/],
  ["rounding to integers of a size", /^frint(32|64)[xz]/],
  ["complex numbers", /^fc(mla|add) /],
  ["bfloat", /^bf/],
  ["rounding doubling multiply accumulate", /^sqrdml[as]h /],
  ["products of more than two", /^([su]|us|su)dot |^([su]|us)mmla /],
  ["SHA-512, SHA-3, SM3 and SM4", /^(sha512|eor3|bcax|rax1|xar|sm3|sm4)/],
  ["speculation barrier and others", /^(sb|dgh|esb|psb|tsb|csdb)\b/],
];

/** The extension of an instruction of objdump's; undefined where it is none that Skiff leaves out. */
export function extensionOf(word: number, text: string): string | undefined {
  const group = (word >>> 25) & 0xf;
  if (group === 0 || group === 2) return "scalable vectors and matrices";
  if (/^(mrs x\w+, s0_|msr s0_)/.test(text)) return "system registers of op0 0";
  return EXTENSIONS.find(([, mnemonics]) => mnemonics.test(text))?.[0];
}
